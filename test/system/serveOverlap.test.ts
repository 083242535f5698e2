import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../prover/audit/index.ts'
import { readExtract } from '../../prover/market/histories.ts'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import { RegistryClient } from '../../prover/registry/index.ts'
import { auditKeyOf } from '../../prover/service/auditing.ts'
import { DEMO_START } from '../../prover/service/demo.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/developmentChain.ts'
import { appendObservations, deployDevelopmentEngine } from '../../prover/service/developmentEngine.ts'
import { JobStore } from '../../prover/service/jobStore.ts'
import { type ServeEvent, serve } from '../../prover/service/serve.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../../prover/service/workspace.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

/** One more than a live batch has places for. */
const names = Array.from({ length: 9 }, (_, i) => `M${i}-USD`)
const rows = readExtract('BTC-USD').rows
const next = rows.find(({ asOf }) => asOf > DEMO_START)
const folder = temporaryFolder()

let chain: DevelopmentChain
let prover: Prover
beforeAll(async () => {
  chain = await startDevelopmentChain(DEMO_START)
  prover = createProver()
})
afterAll(async () => {
  await prover.close()
  await chain.close()
})

describe('zkrisk serve with more markets than a batch', () => {
  it('plans a second batch beside the first, supersedes none that is proven meanwhile, and lands both once', async () => {
    const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
    const warmUp = rows.filter(({ asOf }) => asOf <= DEMO_START)
    const engine = await deployDevelopmentEngine(
      chain,
      keys,
      names.map((name) => ({ name, rows: warmUp })),
    )
    if (next === undefined) throw new Error('The extract ends before the test begins')
    await appendObservations(
      chain,
      engine.deployment,
      names.map((name) => ({ name, observation: next })),
    )

    const events: ServeEvent[] = []
    const { registry } = engine.deployment.addresses
    const account = chain.account('prover')
    const client = await RegistryClient.connect({ registry, provider: chain.provider, signer: account })
    // A look that takes until a proof has ended, as a slow node's may: what was planned before it is proven after it.
    const count = (step: ServeEvent['step']): number => events.filter((event) => event.step === step).length
    const slow = Object.create(client) as RegistryClient
    slow.markets = async () => {
      const [listed, proven] = [await client.markets(), count('proven')]
      while (count('planned') > proven && count('proven') === proven) await sleep(10)
      return listed
    }
    const store = new JobStore(join(folder, 'overlap.sqlite'), { chainId: chain.chainId, registry })
    const stopped = new AbortController()
    await serve({
      client: slow,
      account,
      store,
      prover,
      live: keys[0],
      catchUp: keys[1],
      triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.005 },
      pollMs: 50,
      signal: stopped.signal,
      onEvent: (event) => {
        events.push(event)
        if (events.filter(({ step }) => step === 'confirmed').length === 2) stopped.abort()
      },
    })

    const steps = events.map(({ step }) => step)
    expect(steps.filter((step) => step === 'planned' || step === 'superseded')).toEqual(['planned', 'planned'])
    expect(steps.filter((step) => step === 'retrying')).toEqual([])
    const moved = await Promise.all(names.map(async (name) => (await client.market(name)).sequence))
    expect(moved).toEqual(names.map(() => 1n))
    const nonces = store.jobs().flatMap(({ id }) => store.transactions(id).map(({ nonce }) => nonce))
    store.close()
    expect(nonces.toSorted()).toEqual([0, 1])

    const { report } = await audit({ registry, provider: chain.provider, keys: keys.map(auditKeyOf) })
    expect(report.accepted).toBe(true)
    expect(report.batches).toHaveLength(2)
  })
})
