/** The service in a process of its own, with proven batches in its store and no keys to prove others; its argument is a JSON object. */
import { createProver } from '../../../prover/proof/index.ts'
import { connectProvider, RegistryClient } from '../../../prover/registry/index.ts'
import { openAccount } from '../../../prover/service/daemon/account.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { serve } from '../../../prover/service/daemon/serve.ts'
import { defaultTriggerPolicy } from '../../../prover/service/daemon/triggers.ts'

export type SendOptions = {
  readonly rpc: string
  readonly registry: string
  readonly store: string
  /** kill -9 of itself right after this step. */
  readonly dieAt?: string | undefined
  /** Stop as by SIGTERM after this step. */
  readonly stopAt?: string | undefined
}

const { rpc, registry, store: file, dieAt, stopAt } = JSON.parse(process.argv[2] ?? '{}') as SendOptions
const provider = await connectProvider(rpc)
const account = openAccount(provider, undefined)
const client = await RegistryClient.connect({ registry, provider, signer: account })
const store = await SqliteJobStore.open(file, { chainId: client.chainId, registry: client.registry })
const prover = createProver()
const controller = new AbortController()
await serve({
  ...{ client, account, store, prover, families: [], triggers: defaultTriggerPolicy, pollMs: 20 },
  signal: controller.signal,
  onEvent: ({ step, job, detail }) => {
    console.log(JSON.stringify({ step, job, detail }))
    if (step === dieAt) process.kill(process.pid, 'SIGKILL')
    if (step === stopAt) controller.abort()
  },
})
await store.close()
process.exit(0)
