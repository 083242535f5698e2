/** Jobs as people name them. */
import { ProverError } from '../../../errors.ts'
import type { ProofJobStatus, QueuedProof } from './proofQueue.ts'

/**
 * Those of a status, or those whose ids begin as they are named.
 *
 * @throws {@link JobNameError} if a name is of no job, or of several
 */
export function chosenJobs(
  all: readonly QueuedProof[],
  wanted: ProofJobStatus | readonly string[],
): readonly QueuedProof[] {
  if (typeof wanted === 'string') return all.filter(({ status }) => status === wanted)
  return wanted.map((name) => {
    const found = all.filter(({ id }) => id.startsWith(name.toLowerCase()))
    const [job] = found
    if (job === undefined || found.length > 1) throw new JobNameError(name, found.length)
    return job
  })
}

/** It names no job, or several. */
export class JobNameError extends ProverError {
  readonly code = 'service.job-name'
  readonly job: string
  readonly found: number

  constructor(job: string, found: number) {
    super(
      `Expected the beginning of one job's id, got "${job}", with which ${found === 0 ? 'none begins' : `${found} begin`}. \`zkrisk jobs list\` shows them.`,
    )
    this.job = job
    this.found = found
  }
}
