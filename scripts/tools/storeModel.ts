/** What a store of jobs must answer after any commands, by a store in memory that is too simple to be wrong. */
import fc from 'fast-check'
import type { Job, JobStatus, JobStore, SignedTransaction } from '../../prover/service/daemon/jobStore.ts'

/** A store that may be closed, or lose its session, and opened again with all that it had answered. */
export type StoreUnderTest = {
  readonly store: () => JobStore
  readonly reopen: () => Promise<void>
}

type ModelJob = Omit<Job, 'updatedAt'>
type ModelTransaction = Omit<SignedTransaction, 'signedAt'> & { mined?: { block: number; gasUsed: bigint } }

type Command =
  | { readonly does: 'plan'; readonly id: string }
  | { readonly does: 'proven'; readonly id: string; readonly bundle: string }
  | { readonly does: 'signed'; readonly id: string; readonly hash: string; readonly nonce: number }
  | {
      readonly does: 'end'
      readonly id: string
      readonly status: 'confirmed' | 'superseded'
      readonly hash?: string
      readonly block: number
    }
  | { readonly does: 'mined'; readonly hash: string; readonly block: number }
  | { readonly does: 'revive' | 'unsigned' | 'takeUp' | 'proveAnew'; readonly id: string }
  | { readonly does: 'restart' }

/** Few of each, so that commands meet. */
const ids = ['a', 'b', 'B', '_', 'ä'] as const
const hashes = ['0x1', '0x2', '0x3', '0x4'] as const
const id = fc.constantFrom(...ids)
const hash = fc.constantFrom(...hashes)
const block = fc.integer({ min: 0, max: 2 ** 40 })

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('plan' as const), id }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('proven' as const), id, bundle: fc.string() }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('signed' as const), id, hash, nonce: fc.integer({ min: 0, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        does: fc.constant('end' as const),
        id,
        status: fc.constantFrom('confirmed' as const, 'superseded' as const),
        hash,
        block,
      },
      { requiredKeys: ['does', 'id', 'status', 'block'] },
    ),
  },
  fc.record({ does: fc.constant('mined' as const), hash, block }),
  fc.record({ does: fc.constantFrom('revive', 'unsigned', 'takeUp', 'proveAnew'), id }),
  fc.record({ does: fc.constant('restart' as const) }),
)

/** Sequences of commands. */
export const commandSequences = fc.array(command, { minLength: 1, maxLength: 40 })

class Model {
  readonly jobs = new Map<string, ModelJob>()
  readonly transactions: ModelTransaction[] = []

  set(id: string, change: Partial<ModelJob>): void {
    const job = this.jobs.get(id)
    if (job !== undefined) this.jobs.set(id, { ...job, ...change })
  }

  isOf(id: string, ...statuses: readonly JobStatus[]): boolean {
    return statuses.some((status) => this.jobs.get(id)?.status === status)
  }

  mine(hash: string, mined: { block: number; gasUsed: bigint }): void {
    for (const transaction of this.transactions) if (transaction.hash === hash) transaction.mined = mined
  }
}

const gasOf = (block: number): bigint => BigInt(block % 1_000_003)

/** Carries commands out and compares all that can be asked after each. @throws at the first difference */
export async function compareWithModel(under: StoreUnderTest, commands: readonly Command[]): Promise<void> {
  const model = new Model()
  for (const each of commands) {
    await carryOut(under, model, each)
    await compare(under.store(), model, each)
  }
}

async function carryOut(under: StoreUnderTest, model: Model, command: Command): Promise<void> {
  const store = under.store()
  switch (command.does) {
    case 'restart':
      return under.reopen()
    case 'plan': {
      const job = await store.plan({ id: command.id, build: 'build', trigger: 'spot', summary: `#${model.jobs.size}` })
      const { updatedAt: _, ...rest } = job
      if (!model.jobs.has(command.id)) model.jobs.set(command.id, rest)
      return
    }
    case 'proven':
      await expectRefusal(!model.jobs.has(command.id), store.proven(command.id, command.bundle))
      if (model.isOf(command.id, 'planned')) model.set(command.id, { status: 'proven', bundle: command.bundle })
      return
    case 'signed': {
      const transaction = {
        hash: command.hash,
        jobId: command.id,
        sender: '0xS',
        nonce: command.nonce,
        raw: `0x${command.nonce}`,
      }
      const isRefused = !model.jobs.has(command.id) || model.transactions.some((other) => other.hash === command.hash)
      await expectRefusal(isRefused, store.signed(transaction))
      if (!isRefused) model.transactions.push(transaction)
      if (!isRefused) model.set(command.id, { status: 'signed' })
      return
    }
    case 'end': {
      const mined = command.hash && { hash: command.hash, block: command.block, gasUsed: gasOf(command.block) }
      const reason = command.status === 'superseded' ? 'late' : undefined
      await store.end(command.id, command.status, reason, mined || undefined)
      model.set(command.id, { status: command.status, reason })
      if (mined) model.mine(mined.hash, { block: mined.block, gasUsed: mined.gasUsed })
      return
    }
    case 'mined':
      await store.mined({ hash: command.hash, block: command.block, gasUsed: gasOf(command.block) })
      return model.mine(command.hash, { block: command.block, gasUsed: gasOf(command.block) })
    case 'revive':
      await store.revive(command.id)
      if (model.isOf(command.id, 'confirmed')) model.set(command.id, { status: 'signed' })
      for (const transaction of model.transactions) if (transaction.jobId === command.id) delete transaction.mined
      return
    case 'unsigned':
      await store.unsigned(command.id)
      if (model.isOf(command.id, 'signed')) model.set(command.id, { status: 'proven' })
      return
    case 'takeUp': {
      await expectRefusal(!model.jobs.has(command.id), store.reopen(command.id))
      const status = model.jobs.get(command.id)?.bundle === undefined ? 'planned' : 'proven'
      if (model.isOf(command.id, 'superseded', 'confirmed')) model.set(command.id, { status, reason: undefined })
      return
    }
    case 'proveAnew': {
      await expectRefusal(!model.jobs.has(command.id), store.proveAnew(command.id))
      const anew = { status: 'planned', bundle: undefined, reason: undefined } as const
      if (model.isOf(command.id, 'superseded', 'confirmed')) model.set(command.id, anew)
      return
    }
  }
}

async function expectRefusal(isWanted: boolean, answer: Promise<unknown>): Promise<void> {
  const isRefused = await answer.then(
    () => false,
    () => true,
  )
  if (isRefused !== isWanted) throw new Error(`Expected ${isWanted ? 'a refusal' : 'an answer'}, got the other.`)
}

async function compare(store: JobStore, { jobs, transactions }: Model, after: Command): Promise<void> {
  const same = (what: string, got: unknown, wanted: unknown): void => {
    const [a, b] = [text(got), text(wanted)]
    if (a !== b) throw new Error(`After ${text(after)}, ${what}: got ${a}, expected ${b}.`)
  }
  const all = [...jobs.values()].toSorted(byTimeThenId)
  const open = all.filter(({ status }) => ['planned', 'proven', 'signed'].includes(status))
  same('open jobs', (await store.openJobs()).map(withoutUpdate), open)
  const newest = [...jobs.values()].toSorted((a, b) => b.createdAt - a.createdAt || bytesOf(a.id, b.id))
  same('jobs', (await store.jobs()).map(withoutUpdate), newest)
  same('the newest two', (await store.jobs(2)).map(withoutUpdate), newest.slice(0, 2))
  const counts = Object.fromEntries(
    Object.keys(await store.counts()).map((status) => [status, all.filter((job) => job.status === status).length]),
  )
  same('counts', await store.counts(), counts)
  for (const each of ids) {
    const found = await store.find(each)
    same(`job ${each}`, found && withoutUpdate(found), jobs.get(each))
    const own = transactions.filter(({ jobId }) => jobId === each).toReversed()
    same(
      `transactions of ${each}`,
      (await store.transactions(each)).map(({ hash }) => hash),
      own.map(({ hash }) => hash),
    )
  }
  const ofNonce = transactions.filter(({ nonce }) => nonce === 1).toReversed()
  same(
    'transactions of nonce 1',
    (await store.transactionsAt('0xS', 1)).map(({ hash }) => hash),
    ofNonce.map(({ hash }) => hash),
  )
  const landed = transactions.filter(
    ({ jobId, mined }) => mined !== undefined && mined.block > 9 && jobs.get(jobId)?.status === 'confirmed',
  )
  same(
    'landed',
    (await store.landedAfter(9)).map((each) => each.hash).toSorted(),
    landed.map((each) => each.hash).toSorted(),
  )
  const gas = transactions.flatMap(({ mined }) => (mined === undefined ? [] : [mined.gasUsed]))
  same('gas', (await store.gasOfLast(100)).toSorted(byNumber), gas.toSorted(byNumber))
}

const withoutUpdate = ({ updatedAt: _, ...job }: Job): ModelJob => job
const bytesOf = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const byTimeThenId = (a: ModelJob, b: ModelJob): number => a.createdAt - b.createdAt || bytesOf(a.id, b.id)
const byNumber = (a: bigint, b: bigint): number => Number(a - b)

/** Names of fields in order, whoever made the object. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return String(each)
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }) ?? 'nothing'
