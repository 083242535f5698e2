import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { filesBelow, root } from '../../scripts/tools/sources.ts'
import { cloneOf } from './clone.ts'

/** A clone with everything that is built, a cache of its own, and neither Go nor anything else in PATH. */
function newClone(): string {
  const clone = cloneOf({})
  const rest = ['circuits', 'contracts', 'docs', 'prover', 'hardhat.config.ts', 'tsconfig.json', 'tsconfig.build.json']
  for (const each of rest) cpSync(join(root, each), join(clone, each), { recursive: true })
  mkdirSync(join(clone, 'temporary'))
  return clone
}

/** A build under way: what it says, and how it closes, which may be before anybody asks. */
type BuildUnderWay = ChildProcess & { words: string; closed: Promise<unknown> }

function startBuild(clone: string): BuildUnderWay {
  const env = { PATH: dirname(process.execPath), ZKRISK_CACHE: join(clone, 'cache'), TMPDIR: join(clone, 'temporary') }
  const child = spawn(process.execPath, [join(clone, 'scripts/build.ts'), '--markets'], {
    cwd: clone,
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  })
  const build = Object.assign(child, { words: '', closed: once(child, 'close') })
  build.stderr?.on('data', (text) => {
    build.words += text
  })
  return build
}

/** What no interrupted build may leave behind. */
function remainsIn(clone: string): readonly string[] {
  const drafts = filesBelow('build', '', clone).filter((file) => /draft|partial/.test(file))
  return [...drafts, ...readdirSync(join(clone, 'temporary'))]
}

/** Processes that work in a folder still. */
function processesIn(folder: string): readonly string[] {
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
    } catch {
      return ''
    }
  }
  if (!existsSync('/proc')) return []
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(folder))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

it('stops with the stage that failed, ends the others with it, and exits with 1', async () => {
  const clone = newClone()
  const circuit = join(clone, 'circuits/parameters/MarketStep.circom')
  writeFileSync(circuit, readFileSync(circuit, 'utf8').replace('template MarketStep(', 'template SomethingElse('))
  const build = startBuild(clone)
  expect(await build.closed).toEqual([1, null])
  const lines = build.words.trim().split('\n')
  // Both builds of the statement that it is a step of are compiled at once.
  expect(build.words).toMatch(/\[circuits\] circom refused marketRiskRange(6x2|1x48) \(exit 1\)/)
  expect(lines.at(-1)).toMatch(/^Build stopped at 'circuits'\./)
  expect(build.words).not.toContain('[contracts] done')
  expect(remainsIn(clone)).toEqual([])
  expect(processesIn(clone)).toEqual([])
})

it('ends by the signal that stops it, and leaves nothing half-written', async () => {
  const clone = newClone()
  const build = startBuild(clone)
  const isCompiling = (): boolean =>
    readdirSync(join(clone, 'temporary')).some((name) => name.startsWith('zkrisk-circom-'))
  await until(() => isCompiling() || build.exitCode !== null)
  build.kill('SIGTERM')
  expect(await build.closed, build.words).toEqual([null, 'SIGTERM'])
  expect(remainsIn(clone)).toEqual([])
  expect(processesIn(clone)).toEqual([])
  expect(existsSync(join(clone, 'build/circuits'))).toBe(false)
})
