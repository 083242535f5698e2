/** Batches of a service's store as the HTTP interface tells of them. */
import { checkBundle, parseBundle } from '../../registry/market/bundle.ts'
import { isAccountJob } from '../daemon/accounts/lane.ts'
import type { Job, JobStore } from '../daemon/jobStore.ts'
import type { Board } from './board.ts'
import { stageNames } from './board.ts'
import { stepSeconds } from './metrics.ts'
import { NotProvenYetError, ThingUnknownError } from './problems.ts'

/** Jobs that are looked through for those of one kind. */
export const LOOKED_THROUGH = 1000

const told = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString()

export class Batches {
  readonly jobs: JobStore
  readonly board: Board
  private readonly keyHashes: ReadonlyMap<string, string>
  private readonly verdicts = new Map<string, ReturnType<typeof judge>>()

  /** @param keyHashes - of the registered models, by build: what a proof is held against */
  constructor(jobs: JobStore, board: Board, keyHashes: ReadonlyMap<string, string>) {
    this.jobs = jobs
    this.board = board
    this.keyHashes = keyHashes
  }

  /** Of markets; those of accounts are told of by {@link Pipeline}. */
  async newest(limit: number) {
    const ofMarkets = (await this.jobs.jobs(LOOKED_THROUGH)).filter((job) => !isAccountJob(job))
    return Promise.all(ofMarkets.slice(0, limit).map((job) => jobReading(job, this)))
  }

  /** @throws {@link ThingUnknownError} */
  async one(id: string) {
    return jobReading(await this.job(id), this)
  }

  /** The bundle's text. @throws {@link ThingUnknownError}, {@link NotProvenYetError} */
  async bundle(id: string): Promise<string> {
    const { bundle, status } = await this.job(id)
    if (bundle === undefined) {
      throw new NotProvenYetError(
        `Expected a batch that was proven, this one is ${status}. Ask again when it is proven.`,
      )
    }
    return bundle
  }

  /** @throws {@link ThingUnknownError}, {@link NotProvenYetError} */
  async proof(id: string) {
    const { context, proof, publicSignals } = parseBundle(Buffer.from(await this.bundle(id)), `job ${id}`)
    const signals = Object.fromEntries(Object.entries(publicSignals).map(([name, value]) => [name, String(value)]))
    const { modelId, build } = context
    return { batch: id, modelId, build, publicSignals: signals, proof: proof as object }
  }

  /** Recomputed and verified here and now, once. @throws {@link ThingUnknownError}, {@link NotProvenYetError} */
  async verdict(id: string) {
    const text = await this.bundle(id)
    const kept = this.verdicts.get(id) ?? judge(id, text, this.keyHashes)
    this.verdicts.set(id, kept)
    for (const old of this.verdicts.keys()) {
      if (this.verdicts.size <= MOST_VERDICTS) break
      this.verdicts.delete(old)
    }
    return kept
  }

  private async job(id: string): Promise<Job> {
    const job = await this.jobs.find(id)
    if (job === undefined || isAccountJob(job)) {
      throw new ThingUnknownError(
        'batch',
        'Expected a batch of this service’s store; it has none of this id. /v1/batches lists them.',
      )
    }
    return job
  }
}

/** A job with its stages, as far as this process has seen them. */
export async function jobReading(
  { id, build, status, trigger, summary, reason, createdAt, updatedAt }: Job,
  { jobs, board }: { readonly jobs: Pick<JobStore, 'transactions'>; readonly board: Pick<Board, 'stagesOf'> },
) {
  const stages = board.stagesOf(id)
  const seconds = stepSeconds(stages)
  return {
    ...{ id, build, status, trigger, summary, reason: reason ?? null },
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    stages: Object.fromEntries(stageNames.map((name) => [name, told(stages[name]?.at)])) as Record<
      (typeof stageNames)[number],
      string | null
    >,
    stepSeconds: {
      prove: seconds.prove ?? null,
      sign: seconds.sign ?? null,
      send: seconds.send ?? null,
      land: seconds.land ?? null,
    },
    transactions: (await jobs.transactions(id)).map(({ hash }) => hash),
  }
}

/** Verdicts that are remembered. */
const MOST_VERDICTS = 200

async function judge(id: string, text: string, keyHashes: ReadonlyMap<string, string>) {
  const bundle = parseBundle(Buffer.from(text), `job ${id}`)
  const verificationKeyHash = keyHashes.get(bundle.context.build)
  const pins = verificationKeyHash === undefined ? {} : { verificationKeyHash }
  const { valid, claims, failure } = await checkBundle(bundle, pins)
  return {
    ...{ batch: id, valid, claims: claims.map(({ claim, holds }) => ({ claim, holds })) },
    failure: failure === undefined ? null : { claim: failure.claim, field: failure.field ?? null },
  }
}
