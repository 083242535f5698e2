/**
 * Runs the tests, shows them as they finish and ends with the slowest files and the counts.
 *
 *   npm test                     all of them
 *   npm test -- test/math        arguments go to Vitest: folders, files, -t 'part of a title'
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Counts, writeCounts } from './tools/counts.ts'
import { root } from './tools/sources.ts'
import { slowestFiles } from './tools/testTimes.ts'

type Report = {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly unknown[]
  }[]
}

const reportFile = join(root, 'build', 'vitest.json')

function countsOf(report: Report, exitCode: number | null): Counts {
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  const failed = report.numFailedTests + unloadable.length
  // Vitest also fails for errors outside any test, a hanging worker among them.
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed }
}

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report
  } catch {
    return undefined
  }
}

mkdirSync(dirname(reportFile), { recursive: true })
rmSync(reportFile, { force: true })
rmSync(join(root, 'build', 'counts', 'test'), { force: true })

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportFile}`,
  `--reporter=${join(root, 'scripts', 'testOrder.ts')}`,
]
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  // Hundreds of processes, each of which would strip the types of the same files.
  env: { NODE_COMPILE_CACHE: join(root, 'build', 'compileCache'), ...process.env },
})
const exitCode = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))

const report = readReport()
if (report === undefined) {
  console.error('Vitest wrote no report: it was stopped or could not start.')
  writeCounts('test', { passed: 0, failed: 1 })
} else {
  if (report.numPendingTests > 0) console.log(`${report.numPendingTests} skipped`)
  console.log('Slowest files, and their share of the time that all took:')
  for (const line of slowestFiles(report.testResults.map(({ name }) => name))) console.log(line)
  writeCounts('test', countsOf(report, exitCode))
}
