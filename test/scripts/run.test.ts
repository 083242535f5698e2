import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { projectOf } from './project.ts'

const pinned = `node-${process.platform}-${process.arch}`
const lock = (integrity: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/hardhat': { integrity },
      'node_modules/chain': { integrity: 'chain', optional: true, os: [process.platform], cpu: [process.arch] },
      'node_modules/elsewhere': { integrity: 'elsewhere', optional: true, os: ['plan9'] },
      [`node_modules/${pinned}`]: { version: '24.0.0', integrity: 'node', optional: true, os: [process.platform] },
    },
  })

const logLine = `import { appendFileSync } from 'node:fs'
const log = (line) => appendFileSync(process.env.LOG, line + '\\n')
`

/** Stands for npm: lays what the lock file of its --prefix (or of the project) names, unless told to fail half-way. */
const fakeNpm = `${logLine}
import { chmodSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
const at = process.argv.indexOf('--prefix')
const folder = at < 0 ? process.cwd() : process.argv[at + 1]
log('npm ' + process.argv[2] + (at < 0 ? '' : ' of the pinned Node') + ' under ' + process.versions.node.split('.')[0])
rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json')))
delete packages['']
delete packages['node_modules/elsewhere']
for (const path of Object.keys(packages)) {
  mkdirSync(join(folder, path, 'bin'), { recursive: true })
  writeFileSync(join(folder, path, 'package.json'), '{}')
  writeFileSync(join(folder, path, 'bin', 'node'), '#!/bin/sh\\nFAKE_NODE= exec "' + process.execPath + '" "$@"\\n')
  chmodSync(join(folder, path, 'bin', 'node'), 0o755)
  if (process.env.NPM_FAILS) process.exit(1)
}
writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }))
`

/** Stands for Go. */
const fakeGo = `#!/bin/sh
echo "go $1 of $(cat main.go) to $4, $SETTING" >> "$LOG"
`

const fakeVersion = `if (process.env.FAKE_NODE) {
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: process.env.FAKE_NODE } })
}
`

function sketch(): string {
  const project = projectOf({
    'package.json': JSON.stringify({ type: 'module', engines: { node: '^22.18.0 || >=24.0.0' } }),
    'package-lock.json': lock('first'),
    'npm/package.json': JSON.stringify({ type: 'module' }),
    'npm/npm-cli.js': fakeNpm,
    'npm/version.mjs': fakeVersion,
    'prover/service/cli.ts': `${logLine}log(process.argv.slice(2).join(' ') + ' in ' + process.cwd())`,
    'scripts/build.ts': `${logLine}log(['build', ...process.argv.slice(2)].join(' ')); process.exit(Number(process.env.BUILD_EXIT ?? 0))`,
    'scripts/check.ts': `${logLine}log(['check', ...process.argv.slice(2)].join(' ')); process.exit(Number(process.env.JOB_EXIT ?? 0))`,
    'scripts/campaignHttp.ts': `${logLine}
// As readFlags( does, of scripts/tools/flags.ts.
if (process.argv.includes('--wrong')) { console.error('No flag --wrong.'); process.exit(2) }
if (process.argv.includes('--help')) { console.log('Flags: --seed.'); process.exit(0) }
if (process.env.ZKRISK_FLAGS_ALONE) process.exit(0)
log(['http', ...process.argv.slice(2)].join(' '))`,
    'scripts/test.ts': `${logLine}log('test'); process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000)`,
  })
  copyFileSync(join(root, 'scripts/run.mjs'), join(project, 'scripts/run.mjs'))
  return project
}

type Environment = Readonly<Record<string, string>>

function startRun(project: string, args: readonly string[], env: Environment = {}, cwd = project): ChildProcess {
  return spawn(process.execPath, [join(project, 'scripts/run.mjs'), ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=${join(project, 'npm/version.mjs')}`,
      npm_execpath: join(project, 'npm/npm-cli.js'),
      LOG: join(project, 'log'),
      ...env,
    },
  })
}

/** Runs the bootstrap; what it did is in `steps`. */
async function run(project: string, args: readonly string[], env?: Environment, cwd?: string) {
  rmSync(join(project, 'log'), { force: true })
  const child = startRun(project, args, env, cwd)
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
  })
  const code = await ended(child)
  return { code, said, steps: stepsOf(project) }
}

const ended = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))

const stepsOf = (project: string): readonly string[] =>
  existsSync(join(project, 'log')) ? readFileSync(join(project, 'log'), 'utf8').trim().split('\n') : []

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

const ours = process.versions.node.split('.')[0]

it('installs once and hands arguments to the job', async () => {
  const project = sketch()
  expect(await run(project, ['check', 'a', 'b'])).toMatchObject({
    code: 0,
    steps: [`npm ci under ${ours}`, 'check a b'],
  })
  expect(await run(project, ['check'])).toMatchObject({ code: 0, steps: ['check'] })
})

it('installs again when the lock file changes', async () => {
  const project = sketch()
  await run(project, ['check'])
  writeFileSync(join(project, 'package-lock.json'), lock('second'))
  expect(await run(project, ['check'])).toMatchObject({ steps: [`npm ci under ${ours}`, 'check'] })
})

it('accepts an install made by hand, unless a package for this machine was left out', async () => {
  const project = sketch()
  await run(project, ['check'])
  rmSync(join(project, 'node_modules/.installed'))
  expect(await run(project, ['check'])).toMatchObject({ steps: ['check'] })

  const record = join(project, 'node_modules/.package-lock.json')
  const { packages } = JSON.parse(readFileSync(record, 'utf8'))
  delete packages['node_modules/chain']
  writeFileSync(record, JSON.stringify({ packages }))
  expect(await run(project, ['check'])).toMatchObject({ steps: [`npm ci under ${ours}`, 'check'] })
})

it('resumes after an install that failed half-way', async () => {
  const project = sketch()
  expect(await run(project, ['check'], { NPM_FAILS: '1' })).toMatchObject({ code: 1, steps: [`npm ci under ${ours}`] })
  expect(await run(project, ['check'])).toMatchObject({ code: 0, steps: [`npm ci under ${ours}`, 'check'] })
})

it('hands over to the pinned Node when its own is too old', async () => {
  const project = sketch()
  const old = { FAKE_NODE: '20.20.2' }
  const first = ['npm ci of the pinned Node under 20', `npm ci under ${ours}`, 'check x']
  expect(await run(project, ['check', 'x'], old)).toMatchObject({ code: 0, steps: first })
  expect(await run(project, ['check'], old)).toMatchObject({ code: 0, steps: ['check'] })

  rmSync(join(project, 'node_modules'), { recursive: true })
  expect(await run(project, ['check'], old)).toMatchObject({ steps: [`npm ci under ${ours}`, 'check'] })
})

it('fetches the pinned Node again after a download that broke off', async () => {
  const project = sketch()
  const old = { FAKE_NODE: '18.19.0' }
  expect(await run(project, ['check'], { ...old, NPM_FAILS: '1' })).toMatchObject({ code: 1 })
  expect(await run(project, ['check'], old)).toMatchObject({
    code: 0,
    steps: [expect.stringContaining('pinned'), `npm ci under ${ours}`, 'check'],
  })
})

it.each([
  ['22.17.9', true],
  ['22.18.0', false],
  ['23.11.1', true],
  ['24.0.0', false],
  ['26.1.0', false],
])('Node %s is too old: %s', async (version, tooOld) => {
  const { steps } = await run(sketch(), ['check'], { FAKE_NODE: version })
  expect(steps.some((step) => step.includes('pinned'))).toBe(tooOld)
})

it('names what to install where no Node is pinned for the machine', async () => {
  const project = sketch()
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ packages: { '': {} } }))
  const { code, said } = await run(project, ['check'], { FAKE_NODE: '20.0.0' })
  expect(code).toBe(1)
  expect(said).toContain('^22.18.0 || >=24.0.0')
})

it('refuses flags that a job does not take, and tells those that it does, before anything is built', async () => {
  const project = sketch()
  const refused = await run(project, ['campaign:http', '--wrong'])
  expect([refused.code, refused.said.includes('No flag --wrong.')]).toEqual([2, true])
  expect(refused.steps.filter((step) => !step.startsWith('npm'))).toEqual([])
  const told = await run(project, ['campaign:http', '--help'])
  expect([told.code, told.steps]).toEqual([0, []])
  const { code, steps } = await run(project, ['campaign:http', '--seed', '5'])
  expect([code, steps]).toEqual([0, ['build --markets', 'http --seed 5']])
})

it('builds before a job that needs it and stops when the build fails', async () => {
  const project = sketch()
  expect(await run(project, ['build'])).toMatchObject({ code: 0, steps: [`npm ci under ${ours}`, 'build'] })
  expect(await run(project, ['build', '--markets'])).toMatchObject({ code: 0, steps: ['build --markets'] })
  expect(await run(project, ['test'], { BUILD_EXIT: '3' })).toMatchObject({ code: 3, steps: ['build'] })
})

it('has Go compile while packages are fetched, once, and does without it', async () => {
  const project = sketch()
  const native = join(project, 'prover/proof/native')
  mkdirSync(native, { recursive: true })
  mkdirSync(join(project, 'bin'))
  writeFileSync(join(native, 'goBuild.json'), '{"arguments":["build","-fast"],"environment":{"SETTING":"set"}}')
  writeFileSync(join(native, 'main.go'), 'main')
  writeFileSync(join(project, 'bin/go'), fakeGo, { mode: 0o755 })
  const goSteps = (): readonly string[] => stepsOf(project).filter((step) => step.startsWith('go'))
  const PATH = `${join(project, 'bin')}:${process.env.PATH}`
  expect(await run(project, ['build'], { PATH, FAKE_NODE: '20.20.2' })).toMatchObject({ code: 0 })
  await until(() => goSteps().length > 0)
  expect(goSteps()).toEqual([`go build of main to ${devNull}, set`])

  const empty = dirname(process.execPath)
  rmSync(join(project, 'node_modules'), { recursive: true })
  expect(await run(project, ['build'], { PATH: empty })).toMatchObject({
    code: 0,
    steps: [`npm ci under ${ours}`, 'build'],
  })
  expect(await run(project, ['build'], { PATH })).toMatchObject({ steps: ['build'] })
})

it('tells only the Node that it hands over to that it did', async () => {
  const project = sketch()
  writeFileSync(join(project, 'scripts/check.ts'), `process.exit('ZKRISK_HANDED_OVER' in process.env ? 9 : 0)`)
  expect(await run(project, ['check'], { FAKE_NODE: '20.20.2' })).toMatchObject({ code: 0 })
})

it('passes exit codes on', async () => {
  expect(await run(sketch(), ['check'], { JOB_EXIT: '7' })).toMatchObject({ code: 7 })
})

it('passes signals on and waits for the job to end its own way', async () => {
  const project = sketch()
  const child = startRun(project, ['test'])
  await until(() => stepsOf(project).includes('test'))
  child.kill('SIGTERM')
  expect(await ended(child)).toBe(9)
})

it('lets one set-up run at a time and clears the lock of a dead one', async () => {
  const project = sketch()
  await run(project, ['check'])
  writeFileSync(join(project, 'build/set-up.lock'), '999999999')
  expect(await run(project, ['check'])).toMatchObject({ code: 0 })

  rmSync(join(project, 'node_modules'), { recursive: true })
  rmSync(join(project, 'log'))
  const both = [startRun(project, ['check']), startRun(project, ['check'])]
  expect(await Promise.all(both.map(ended))).toEqual([0, 0])
  expect(stepsOf(project).filter((step) => step.startsWith('npm'))).toHaveLength(1)
})

it('gives help while another set-up is under way', async () => {
  const project = sketch()
  await run(project, ['check'])
  const held = join(project, 'build/set-up.lock')
  writeFileSync(held, String(process.pid))
  const { code, said } = await run(project, ['zkrisk', '--help'])
  expect([code, said]).toEqual([0, ''])
  expect(readFileSync(held, 'utf8')).toBe(String(process.pid))
})

it('refuses a job it does not know', async () => {
  expect(await run(sketch(), ['deploy'])).toMatchObject({
    code: 2,
    said: expect.stringContaining('start, test, check'),
  })
})

it('runs the command where the user stands', async () => {
  const project = sketch()
  const elsewhere = projectOf({ 'batch.json': '' })
  expect(await run(project, ['zkrisk', 'prove', 'batch.json'], {}, elsewhere)).toMatchObject({
    steps: [`npm ci under ${ours}`, `prove batch.json in ${realpathSync(elsewhere)}`],
  })
})
