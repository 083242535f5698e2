/** Jobs as people name them. */
import { ProverError } from '../../../errors.ts'
import type { ListedProof, ProofJobStatus, ProofQueue } from './proofQueue.ts'

/** At once; what is more, the next call finds. */
const MOST = 10_000

/**
 * Those of a status, or those whose ids begin as they are named.
 *
 * @throws {@link JobNameError} if a name is of no job, or of several
 */
export async function chosenJobs(
  queue: ProofQueue,
  wanted: ProofJobStatus | readonly string[],
): Promise<readonly ListedProof[]> {
  if (typeof wanted === 'string') return queue.jobs(MOST, { status: wanted })
  return Promise.all(
    wanted.map(async (name) => {
      const [job, ...others] = await queue.jobs(2, { idPrefix: name.toLowerCase() })
      if (job === undefined || others.length > 0) throw new JobNameError(name, others.length > 0)
      return job
    }),
  )
}

/** It names no job, or several. */
export class JobNameError extends ProverError {
  readonly code = 'service.job-name'
  readonly job: string

  constructor(job: string, isOfSeveral: boolean) {
    super(
      `Expected the beginning of one job's id, got "${job}", with which ${isOfSeveral ? 'several begin' : 'none begins'}. ` +
        '`zkrisk jobs list` shows them.',
    )
    this.job = job
  }
}
