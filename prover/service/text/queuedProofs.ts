import type { ListedProof } from '../daemon/fleet/proofQueue.ts'
import { isoTime } from './figures.ts'

/** A line a job, its cause below it. */
export function formatQueuedProofs(jobs: readonly ListedProof[]): string {
  if (jobs.length === 0) return 'No jobs.'
  const widest = Math.max(...jobs.map(({ circuit }) => circuit.length))
  return jobs
    .map(({ id, circuit, status, tries, asked, cause }) => {
      const tried = tries === 0 ? 'not tried yet' : `${tries} ${tries === 1 ? 'try' : 'tries'}`
      const line = `${id}  ${circuit.padEnd(widest)}  ${status.padEnd(9)}  ${isoTime(BigInt(Math.floor(asked.getTime() / 1000)))}  ${tried}`
      return cause === undefined ? line : `${line}\n    ${cause}`
    })
    .join('\n')
}
