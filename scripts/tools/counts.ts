import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources.ts'

export type Counts = { readonly passed: number; readonly failed: number }

/** Ends a job: prints its counts as the last line, leaves them in build/counts/ for .ci/run and sets the exit code. */
export function writeCounts(job: string, { passed, failed }: Counts): void {
  const line = `${passed} passed, ${failed} failed`
  const folder = join(root, 'build', 'counts')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, job), `${line}\n`)
  console.log(line)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}
