/**
 * How many lines of the contracts that the package ships are executed by tests: all of contracts/, mocks for consumers' tests included.
 * They are compiled with their lines counted into a folder of their own, and the test files that start a chain run over them; those
 * that weigh gas are left out. Prints a table and each line that nothing executes, and ends with 1 if there is one.
 *
 *   npm run verify:coverage
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { importsOf } from '../checkStages.ts'
import { filesBelow, root } from '../tools/sources.ts'
import { lineCountsOf, tableOf } from './lineCounts.ts'

const folder = join(root, 'build', 'verify', 'coverage')

/** Keys, circuits and test keys are the clone's; what is compiled here is not. */
function linkBuild(): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(join(root, 'build'))) {
    if (!['artifacts', 'hardhat', 'verify'].includes(name)) symlinkSync(join(root, 'build', name), join(folder, name))
  }
}

const CHAIN = 'scripts/tools/chains/chain.ts'
/** Counting changes gas; what audits and commands reach of contracts, these tests reach as well. */
const leftOut = /[gG]as\.test\.ts$|^test\/(?:audit|package|service|system)\/|\/native/

/** Test files from which imports lead to the chain of tests. */
function testsOnChains(): readonly string[] {
  const reached = new Map<string, boolean>([[CHAIN, true]])
  const reaches = (file: string): boolean => {
    const known = reached.get(file)
    if (known !== undefined) return known
    reached.set(file, false)
    // Nothing else leads to a chain, or back to tests.
    const found =
      /^(?:test|scripts\/tools)\//.test(file) && existsSync(join(root, file)) && importsOf(file, root).some(reaches)
    reached.set(file, found)
    return found
  }
  return filesBelow('test', '.test.ts').filter((file) => !leftOut.test(file) && reaches(file))
}

/** @returns what the collector wrote of each source, and whether tests passed */
async function measure(tests: readonly string[]): Promise<{ readonly lcov: string; readonly passed: boolean }> {
  Object.assign(process.env, {
    HARDHAT_CONFIG: join(import.meta.dirname, 'roomyChain.config.ts'),
    HARDHAT_COVERAGE: 'true',
    ZKRISK_BUILD: folder,
    ZKRISK_COUNTED_SOURCES: join(folder, 'sources'),
  })
  // Which lines there are is known to the process alone that compiles.
  const { default: hardhat } = await import('hardhat')
  const { markTestRunStart, markTestRunDone } = await import('hardhat/internal/coverage')
  await hardhat.tasks.getTask('build').run({ force: true, quiet: true })
  await markTestRunStart('vitest')
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const config = join(import.meta.dirname, 'coverage.config.ts')
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', config, '--root', root, ...tests], {
    cwd: root,
    stdio: 'inherit',
  })
  await markTestRunDone('vitest')
  // Hardhat knows no other place.
  renameSync(join(root, 'coverage'), join(folder, 'report'))
  return { lcov: readFileSync(join(folder, 'report', 'lcov.info'), 'utf8'), passed: status === 0 }
}

/** `file:line`, and what stands there. */
const lineOf = (file: string, line: number): string =>
  `  ${file}:${line} ${readFileSync(join(root, file), 'utf8').split('\n')[line - 1]?.trim()}`

linkBuild()
const { lcov, passed } = await measure(process.argv.length > 2 ? process.argv.slice(2) : testsOnChains())
const counts = lineCountsOf(lcov).filter(({ file }) => file.startsWith('contracts/'))
console.log(tableOf(counts))
const missed = counts.flatMap(({ file, missed: lines }) => lines.map((line) => lineOf(file, line)))
console.log(missed.length === 0 ? 'No line is left out.' : `Not executed:\n${missed.join('\n')}`)
if (!passed) console.error('Tests failed over the contracts whose lines are counted: their trouble comes first.')
process.exitCode = missed.length === 0 && passed ? 0 : 1
