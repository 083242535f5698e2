/** How margins of accounts are proven, as the HTTP interface tells of it: what waits, what is under way, what came of it. */
import type { JobStore } from '../daemon/jobStore.ts'
import { isAccountJob } from '../daemon/accounts/lane.ts'
import { isoTime } from '../text/figures.ts'
import type { Board } from './board.ts'
import { jobReading, LOOKED_THROUGH } from './batches.ts'
import { PartMissingError } from './problems.ts'

export class Pipeline {
  private readonly jobs: JobStore
  private readonly board: Board

  constructor(jobs: JobStore, board: Board) {
    this.jobs = jobs
    this.board = board
  }

  /** @throws {@link PartMissingError} */
  async reading(limit: number) {
    const state = this.board.accounts()
    if (state === undefined) throw notProven()
    const due: Record<string, number> = {}
    for (const { reason } of state.due) due[reason] = (due[reason] ?? 0) + 1
    const jobs = (await this.jobs.jobs(LOOKED_THROUGH)).filter(isAccountJob).slice(0, limit)
    return {
      round: state.asOf === undefined ? null : isoTime(state.asOf),
      roundWithoutWords: state.wordless === undefined ? null : isoTime(state.wordless),
      due,
      notLookedAt: state.notLooked,
      underWay: state.underWay.map(({ id, kind, trigger, summary }) => ({ job: id, kind, trigger, summary })),
      waitingToBeSent: state.waiting,
      pausedFor: state.pausedFor ?? null,
      inForce: this.board.accountsInForce(limit),
      leftOut: this.board.leftOut(limit),
      jobs: await Promise.all(jobs.map((job) => jobReading(job, { jobs: this.jobs, board: this.board }))),
    }
  }
}

export const notProven = (): PartMissingError =>
  new PartMissingError(
    'accounts-proven',
    'This service proves no margins of accounts: its deployment names no registry of them, their circuits are not built here, or it was ' +
      'started with --no-accounts. docs/accounts.md says what they take.',
  )
