/**
 * How long each test file took, kept from run to run: Vitest starts with the longest, so that no core is left with one of
 * them at the end, and `npm test` ends with the ten slowest.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './sources.ts'

/** Seconds by path from the root. */
type TestTimes = Readonly<Record<string, number>>

const lastRun = join(root, 'build', 'testTimes.json')
/** What a clone begins with: files of two seconds and more, on the machine that it was written on. */
const usual = join(root, 'test', 'times.json')

/** Where nobody knows better, a file counts as short. */
const UNKNOWN_SECONDS = 1

const pathOf = (file: string): string => relative(root, file).replaceAll('\\', '/')

function read(file: string): TestTimes {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestTimes
  } catch {
    return {}
  }
}

/** Seconds of a file as far as anybody knows: from the last run, else what is usual. */
export function secondsOf(): (file: string) => number {
  const times = { ...read(usual), ...read(lastRun) }
  return (file) => times[pathOf(file)] ?? UNKNOWN_SECONDS
}

/** Keeps seconds of files beside those of files that were not in this run. */
export function keepTimes(times: readonly (readonly [file: string, seconds: number])[]): void {
  mkdirSync(dirname(lastRun), { recursive: true })
  const known = times.map(([file, seconds]) => [pathOf(file), seconds])
  writeFileSync(lastRun, JSON.stringify({ ...read(lastRun), ...Object.fromEntries(known) }))
}

/** A line for each of the slowest files: name, seconds, share of all. */
export function slowestFiles(files: readonly string[], count = 10): readonly string[] {
  const times = read(lastRun)
  const ran = files.map((file) => ({ file: pathOf(file), seconds: times[pathOf(file)] ?? 0 }))
  const total = ran.reduce((sum, { seconds }) => sum + seconds, 0)
  return ran
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, count)
    .map(({ file, seconds }) => {
      const share = total === 0 ? 0 : (100 * seconds) / total
      return `${seconds.toFixed(1).padStart(7)} s ${share.toFixed(1).padStart(5)} %  ${file}`
    })
}
