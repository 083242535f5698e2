/** What a service does with its store, step by step, and all that the store then tells. */
import type { JobStore } from '../../../prover/service/daemon/jobStore.ts'

export const stepScope = { chainId: 31337n, registry: `0x${'ab'.repeat(20)}` }
export const stepSender = `0x${'cd'.repeat(20)}`

const [landed, late, onItsWay, waiting] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64)) as [
  ...[string, string, string, string],
]
const build = 'marketRisk8x2'
const trigger = 'observations'
const transaction = (letter: string, jobId: string, nonce: number) => ({
  ...{ hash: `0x${letter.repeat(64)}`, jobId, sender: stepSender, nonce, raw: `0x02${letter.repeat(300)}` },
})

/** A batch that landed, one that came to nothing, one that is on its way, and one that is proven. */
export const storeSteps: readonly ((store: JobStore) => Promise<unknown>)[] = [
  (store) => store.plan({ id: landed, build, trigger, summary: 'BTC-USD #1' }),
  (store) => store.proven(landed, 'the bundle of a batch that landed '.repeat(8)),
  (store) => store.signed(transaction('1', landed, 6)),
  (store) => {
    const mined = { hash: transaction('1', landed, 6).hash, block: 70, gasUsed: 400_000n }
    return store.end(landed, 'confirmed', undefined, mined)
  },
  (store) => store.plan({ id: late, build, trigger, summary: 'ETH-USD #1' }),
  (store) => store.end(late, 'superseded', 'ObservationStale'),
  (store) => store.plan({ id: onItsWay, build, trigger, summary: 'BTC-USD #2' }),
  (store) => store.proven(onItsWay, 'the bundle of a batch that is on its way '.repeat(8)),
  (store) => store.signed(transaction('3', onItsWay, 7)),
  (store) => store.plan({ id: waiting, build, trigger, summary: 'ETH-USD #2' }),
  (store) => store.proven(waiting, 'the bundle of a batch that waits '.repeat(8)),
]

/** As text; the moments of its steps only where they are wanted, for each run has others. */
export async function tellJobs(store: JobStore, moments: 'with moments' | 'without' = 'with moments'): Promise<string> {
  const jobs = await store.jobs()
  const sorted = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const transactions = await Promise.all(sorted.map(({ id }) => store.transactions(id)))
  const nonces = await Promise.all([6, 7].map((nonce) => store.transactionsAt(stepSender, nonce)))
  const open = (await store.openJobs()).map(({ id }) => id).toSorted()
  const all = [
    sorted,
    transactions,
    nonces,
    open,
    await store.landedAfter(0),
    await store.gasOfLast(9),
    await store.counts(),
  ]
  return JSON.stringify(all, (key, each: unknown) => {
    if (moments === 'without' && /^(created|updated|signed)At$/.test(key)) return undefined
    return typeof each === 'bigint' ? String(each) : each
  })
}
