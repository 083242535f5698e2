/**
 * What `zkrisk serve` must not forget: batches under way, their proofs, and every signed transaction before it is sent.
 *
 * What a call has answered survives kill -9 and power cuts. One process at a time may hold a store, because two would use the
 * same nonces.
 */
import { createHash } from 'node:crypto'
import { ProverError } from '../../errors.ts'

/** planned: to be proven. proven: to be sent. signed: sent, perhaps. The others are final. */
export const statusNames = ['planned', 'proven', 'signed', 'confirmed', 'superseded'] as const
export type JobStatus = (typeof statusNames)[number]

export type Job = {
  readonly id: string
  readonly build: string
  readonly status: JobStatus
  /** Why the batch was made, by name of the trigger. */
  readonly trigger: string
  /** Names of the markets and the sequences they move to, for people. */
  readonly summary: string
  /** The proof bundle's text, once there is one. */
  readonly bundle: string | undefined
  /** What became of it, when it ended otherwise than confirmed. */
  readonly reason: string | undefined
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** One signed transaction; those of one job that share a nonce replace each other: only one of them is ever mined. */
export type SignedTransaction = {
  readonly hash: string
  readonly jobId: string
  readonly sender: string
  readonly nonce: number
  readonly raw: string
  readonly signedAt: number
}

/** Begins the reason of a job that ended because what is kept as its proof is none: the registry's own word. */
export const NO_PROOF = 'ProofRejected'

/** Takes a job up again that had ended, with its proof unless that was the reason. @throws {@link UnknownJobError} */
export const takeUp = (store: JobStore, { id, reason }: Job): Promise<Job> =>
  reason?.startsWith(NO_PROOF) ? store.proveAnew(id) : store.reopen(id)

/** Where a job's transaction was mined, and what it took. */
export type Mined = { readonly hash: string; readonly block: number; readonly gasUsed: bigint }

/** A confirmed job that a reorganisation may still undo. */
export type LandedJob = { readonly job: Job; readonly hash: string; readonly block: number }

/** Where a store belongs. */
export type StoreScope = { readonly chainId: bigint; readonly registry: string }

export interface JobStore {
  /** Adds a planned job; one that exists already is returned as it stands. */
  plan(job: Pick<Job, 'id' | 'build' | 'trigger' | 'summary'>): Promise<Job>
  /** Keeps the proof of a planned job. @throws {@link UnknownJobError} */
  proven(id: string, bundle: string): Promise<Job>
  /** Keeps a signed transaction; to be called before it is sent. @throws {@link UnknownJobError} */
  signed(transaction: Omit<SignedTransaction, 'signedAt'>): Promise<void>
  /** Ends a job, by a transaction of its own if one is named. */
  end(id: string, status: 'confirmed' | 'superseded', reason?: string, mined?: Mined): Promise<void>
  /** Keeps where a transaction was mined: elsewhere than before, if the chain was reorganised. */
  mined(mined: Mined): Promise<void>
  /** Confirmed jobs whose transactions were mined after a block, in the order of their nonces. */
  landedAfter(block: number): Promise<readonly LandedJob[]>
  /** Gas of the batches that landed last, newest first. */
  gasOfLast(count: number): Promise<readonly bigint[]>
  /** A confirmed job's block is gone: its signed transaction is to be mined again. */
  revive(id: string): Promise<void>
  /** A signed job whose nonce went to something else is to be signed anew. */
  unsigned(id: string): Promise<void>
  /** Takes a job up again that had ended: the chain is back where the batch fits. @throws {@link UnknownJobError} */
  reopen(id: string): Promise<Job>
  /** As {@link reopen}, without the proof that it had: the registry takes that for none. @throws {@link UnknownJobError} */
  proveAnew(id: string): Promise<Job>
  /** Jobs that have not ended, oldest first. */
  openJobs(): Promise<readonly Job[]>
  /** All jobs, newest first. */
  jobs(limit?: number): Promise<readonly Job[]>
  /** A job by its id, if there is one. */
  find(id: string): Promise<Job | undefined>
  /** How many jobs there are, by status. */
  counts(): Promise<Readonly<Record<JobStatus, number>>>
  /** Writes something that means nothing: throws where nothing can be kept any more. */
  requireWritable(): Promise<void>
  /** Transactions of a job, newest first. */
  transactions(jobId: string): Promise<readonly SignedTransaction[]>
  /** Everything ever signed with a nonce, of whatever job, newest first. */
  transactionsAt(sender: string, nonce: number): Promise<readonly SignedTransaction[]>
  /**
   * Forgets jobs that ended long ago, with their bundles and transactions.
   *
   * Kept are those that a reorganisation may still undo, those whose nonces may not be used up, and the newest that tell what a
   * batch costs.
   *
   * @param before - unix milliseconds: jobs that ended since then are kept too
   * @param isDry - says what would be forgotten, and forgets nothing
   */
  prune(before: number, isDry: boolean): Promise<Pruned>
  close(): Promise<void>
}

export type Pruned = { readonly jobs: number; readonly transactions: number; readonly bundleBytes: number }

/** Mined blocks of a store from which batches are still watched, as the sender does. */
export const WATCHED_BLOCKS = 64

/** Ids of jobs that may be forgotten. @param at - in front of the tables' names @param before - placeholder of the time */
export const prunable = (at: string, before: string): string => `
  SELECT id FROM ${at}jobs WHERE status IN ('confirmed', 'superseded') AND updated_at < ${before} AND id NOT IN (
    SELECT job_id FROM ${at}transactions t
    WHERE block > (SELECT max(block) FROM ${at}transactions) - ${WATCHED_BLOCKS}
      OR nonce >= coalesce((SELECT max(nonce) FROM ${at}transactions m WHERE m.sender = t.sender AND m.block IS NOT NULL), -1)
      OR hash IN (SELECT hash FROM ${at}transactions WHERE block IS NOT NULL ORDER BY block DESC, nonce DESC LIMIT ${REMEMBERED_BATCHES})
  )`

/** The forecast of what batches cost is of the mean of as many. */
export const REMEMBERED_BATCHES = 20

/**
 * Name of a batch: the same batch has the same name however often it is proven, since proofs are randomised and only the
 * public signals count.
 */
export function jobIdOf(build: string, publicSignals: readonly bigint[]): string {
  return createHash('sha256')
    .update(JSON.stringify([build, publicSignals.map(String)]))
    .digest('hex')
}

/** Another process holds the store. */
export class StoreInUseError extends ProverError {
  readonly code = 'service.store-in-use'
  readonly file: string

  /**
   * @param holder - who it is, where that is known
   * @param advice - to somebody who is no service
   */
  constructor(
    file: string,
    cause: unknown,
    holder = 'another `zkrisk serve`',
    advice = 'End that one, or give this one a store and a key of its own.',
  ) {
    super(`${file} is held by ${holder}. ${advice}`, { cause })
    this.file = file
  }
}

/** Two services with one key would use the same nonces. */
export class KeyInUseError extends ProverError {
  readonly code = 'service.key-in-use'
  readonly account: string
  readonly database: string

  constructor(account: string, database: string, holder: string) {
    super(
      `Account ${account} signs for ${holder} in ${database} already. End that one, or give this one a key of its own.`,
    )
    this.account = account
    this.database = database
  }
}

/** The store was made for another chain or registry. */
export class StoreScopeError extends ProverError {
  readonly code = 'service.store-scope'
  readonly file: string
  readonly chainId: bigint
  readonly registry: string

  constructor(file: string, chainId: bigint, registry: string, hint = 'Name another file with --store') {
    super(`${file} belongs to registry ${registry} on chain ${chainId}. ${hint}.`)
    this.file = file
    this.chainId = chainId
    this.registry = registry
  }
}

/** The store cannot be opened, or is something else. */
export class StoreUnusableError extends ProverError {
  readonly code = 'service.store-unusable'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    const advice = /^postgres(ql)?:/.test(file)
      ? 'Check which database and schema the address names (docs/operations.md).'
      : 'Check the path, the disk and the file, or name another one.'
    super(`${file} cannot be used as a store (${reason}). ${advice}`, { cause })
    this.file = file
  }
}

/** A store in which nothing was ever kept: a service begins it. */
export class StoreEmptyError extends StoreUnusableError {
  constructor(file: string) {
    super(file, 'nothing was ever kept in it: the first `zkrisk serve` begins it')
  }
}

/** The store is of a version before this one. */
export class StoreEarlierError extends ProverError {
  readonly code = 'service.store-earlier'
  readonly file: string

  constructor(file: string, version: number, own: number) {
    super(
      `${file} is of version ${version}: the next \`zkrisk serve\` or \`zkrisk worker\` brings it to ${own}, with all it has.`,
    )
    this.file = file
  }
}

/** Something in the store is not as it was written. */
export class StoreDamagedError extends ProverError {
  readonly code = 'service.store-damaged'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(
      `${file} is damaged (${reason}). Move it away, with what lies beside it under its name, and start again: what is in force ` +
        'is read from the chain, and what was under way is proven again (docs/operations.md).',
      { cause },
    )
    this.file = file
  }
}

/** Its disk takes nothing, or gives nothing back: nothing new is begun until it does. */
export class StoreFailedError extends ProverError {
  readonly code = 'service.store-failed'
  readonly file: string

  constructor(file: string, reason: string, cause: unknown) {
    super(`${file} could not be written or read (${reason}). Make room, or mend the disk.`, { cause })
    this.file = file
  }
}

/** Why a store of a later version is no use here. */
export const laterVersion = (version: number, known: number): string =>
  `its version is ${version}, expected ${known}: a later zkrisk has used it`

/** There is no such job. */
export class UnknownJobError extends ProverError {
  readonly code = 'service.unknown-job'
  readonly id: string

  constructor(id: string) {
    super(`There is no job ${id} in this store.`)
    this.id = id
  }
}
