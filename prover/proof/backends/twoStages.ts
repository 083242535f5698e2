import { setImmediate as afterEvents } from 'node:timers/promises'

/** The second stage; it says when what the first stage prepared is out of this thread's hands. */
export type Finish<Job, Prepared, Result> = (job: Job, prepared: Prepared, handedOver: () => void) => Promise<Result>

/**
 * Work in two stages, each doing one job at a time: the first prepares the next job while the second finishes the one before. Results
 * come in the order of the jobs; one that fails stops no other.
 *
 * The first stage computes in this thread, which can send nothing meanwhile. So it starts no job between the start of the second stage
 * and its hand-over.
 */
export class TwoStages<Job, Prepared, Result> {
  private readonly prepare: (job: Job) => Promise<Prepared>
  private readonly finish: Finish<Job, Prepared, Result>
  private preparing: Promise<unknown> = Promise.resolve()
  private finishing: Promise<unknown> = Promise.resolve()
  private handing: Promise<unknown> = Promise.resolve()

  constructor(prepare: (job: Job) => Promise<Prepared>, finish: Finish<Job, Prepared, Result>) {
    this.prepare = prepare
    this.finish = finish
  }

  run(job: Job): Promise<Result> {
    const prepared = this.preparing.then(() => this.prepareInTurn(job))
    this.preparing = prepared.catch(() => {})
    const result = this.finishing.then(() => this.finishInTurn(job, prepared))
    this.finishing = result.catch(() => {})
    return result
  }

  private async prepareInTurn(job: Job): Promise<Prepared> {
    // What was prepared before may start its second stage first.
    await afterEvents()
    await this.handing
    return this.prepare(job)
  }

  private async finishInTurn(job: Job, preparing: Promise<Prepared>): Promise<Result> {
    const prepared = await preparing
    const { promise, resolve } = Promise.withResolvers<void>()
    this.handing = promise
    try {
      return await this.finish(job, prepared, resolve)
    } finally {
      resolve()
    }
  }
}
