/** The service in this process with proven batches in its store and no keys to prove others, and what it has told of. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Transaction } from 'ethers'
import type { Wallet } from 'ethers'
import type { Prover } from '../../../prover/proof/index.ts'
import type { JobStore, SignedTransaction } from '../../../prover/service/daemon/jobStore.ts'
import { type ServeEvent, type ServeOptions, serve } from '../../../prover/service/daemon/serve.ts'
import type { SubmitterState } from '../../../prover/service/daemon/submitter.ts'
import { defaultTriggerPolicy } from '../../../prover/service/daemon/triggers.ts'
import type { ProvenBatches } from './provenBatches.ts'

export type SendingService = {
  readonly events: ServeEvent[]
  readonly steps: () => readonly string[]
  readonly state: () => SubmitterState
  /** Waits for a step, the n-th of its kind. */
  until(step: ServeEvent['step'], count?: number): Promise<ServeEvent>
  stop(): Promise<void>
}

export type Sending = Partial<Pick<ServeOptions, 'confirmations' | 'bumpAfterMs' | 'maxFeePerGas' | 'leastBatches'>> & {
  readonly rpc?: string
}

export async function openSending(
  range: ProvenBatches,
  prover: Prover,
  account: Wallet,
  store: JobStore,
  { rpc = range.url, ...options }: Sending = {},
): Promise<SendingService> {
  const client = await range.client(rpc, account)
  const controller = new AbortController()
  const events: ServeEvent[] = []
  let submitter: { readonly state: SubmitterState } | undefined
  const ended = serve({
    ...{ client, account, store, prover, families: [], triggers: defaultTriggerPolicy, pollMs: 15, bumpAfterMs: 100 },
    ...options,
    signal: controller.signal,
    onEvent: (event) => void events.push(event),
    onSubmitter: (known) => {
      submitter = known
    },
  })
  const failed = ended.then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    events,
    steps: () => events.map(({ step }) => step),
    state: () => submitter?.state as SubmitterState,
    until: async (step, count = 1) => {
      const found = () => events.filter((event) => event.step === step)[count - 1]
      const patience = performance.now() + 60_000
      while (found() === undefined && performance.now() < patience) {
        const error = await Promise.race([failed, sleep(10)])
        if (error !== undefined) throw error
      }
      const event = found()
      if (event === undefined) throw new Error(`No ${step} among ${JSON.stringify(events)}`)
      return event
    },
    stop: async () => {
      controller.abort()
      await ended
      client.provider.destroy()
    },
  }
}

/** Every transaction that was ever signed. */
export async function signedIn(store: JobStore): Promise<readonly SignedTransaction[]> {
  const jobs = await store.jobs()
  return (await Promise.all(jobs.map(({ id }) => store.transactions(id)))).flat()
}

/** Fees of what was signed, oldest first; a node takes another transaction for a nonce only for an eighth more of each. */
export async function isEachDearer(store: JobStore): Promise<boolean> {
  const transactions = (await signedIn(store)).toReversed().map(({ raw }) => Transaction.from(raw))
  return (['maxFeePerGas', 'maxPriorityFeePerGas'] as const).every((field) =>
    transactions.every((transaction, i) => {
      const before = transactions[i - 1]
      return before === undefined || 1000n * (transaction[field] ?? 0n) >= 1125n * (before[field] ?? 0n)
    }),
  )
}
