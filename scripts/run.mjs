/**
 * The way in: `npm start`, `npm test`, `npm run check` and the other scripts of package.json. Plain JavaScript without
 * dependencies, because it runs before anything is installed and on any Node >= 18.
 *
 *   node scripts/run.mjs <job> [arguments for the job]
 *
 * 1. A Node older than package.json's `engines` fetches the pinned one from npm and hands over to it.
 * 2. Dependencies that do not match package-lock.json are installed (`npm ci`, no install scripts).
 * 3. Flags that the job's script does not take are refused.
 * 4. Circuits, keys, contracts and the library are built where they are missing or stale (scripts/build.ts).
 * 5. The job runs. Its exit code and signals are passed on.
 *
 * Every step says when it is complete by a file that is written last, so an interrupted set-up resumes.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const installStamp = join(modules, '.installed')
const setUpLock = join(root, 'build', 'set-up.lock')

const jobs = {
  start: { build: ['--markets'], script: ['prover/service/cli.ts', 'demo'] },
  test: { build: [], script: ['scripts/test.ts'] },
  check: { build: undefined, script: ['scripts/check.ts'] },
  build: { build: [], script: undefined },
  'build:native': { build: undefined, script: ['scripts/buildNative.ts'] },
  docs: { build: undefined, script: ['node_modules/typedoc/bin/typedoc', '--options', 'typedoc.json'] },
  snapshot: { build: [], script: ['scripts/snapshot.ts'] },
  bench: { build: [], script: ['scripts/bench.ts'] },
  'bench:prover': { build: [], script: ['scripts/benchProver.ts'] },
  'bench:latency': { build: [], script: ['scripts/benchLatency.ts'] },
  'bench:liquidation': { build: [], script: ['scripts/benchLiquidation.ts'] },
  'bench:fleet': { build: ['--markets'], script: ['scripts/benchFleet.ts'] },
  'bench:takeover': { build: ['--markets'], script: ['scripts/benchTakeover.ts'] },
  'bench:witness': { build: [], script: ['scripts/benchWitness.ts'] },
  'bench:options': { build: [], script: ['scripts/benchOptions.ts'] },
  'bench:dampers': { build: undefined, script: ['scripts/benchDampers.ts'] },
  'campaign:aave': { build: ['--markets'], script: ['scripts/campaignAave.ts'] },
  'campaign:crash': { build: [], script: ['scripts/campaignCrash.ts'] },
  'campaign:crashes': { build: [], script: ['scripts/campaignCrashes.ts'] },
  'campaign:day': { build: [], script: ['scripts/campaignDay.ts'] },
  'campaign:derive': { build: [], script: ['scripts/campaignDerive.ts'] },
  'campaign:chains': { build: undefined, script: ['scripts/campaignChains.ts'] },
  'campaign:door': { build: undefined, script: ['scripts/campaignDoor.ts'] },
  'campaign:fleet': { build: undefined, script: ['scripts/campaignFleet.ts'] },
  'campaign:http': { build: ['--markets'], script: ['scripts/campaignHttp.ts'] },
  'campaign:hedge': { build: [], script: ['scripts/campaignHedge.ts'] },
  'campaign:oracles': { build: [], script: ['scripts/campaignOracles.ts'] },
  'campaign:prover': { build: undefined, script: ['scripts/campaignProver.ts'] },
  'campaign:round': { build: [], script: ['scripts/campaignRound.ts'] },
  'campaign:sender': { build: ['--markets'], script: ['scripts/campaignSender.ts'] },
  'campaign:service': { build: [], script: ['scripts/campaignService.ts'] },
  'campaign:shards': { build: [], script: ['scripts/campaignShards.ts'] },
  'campaign:soak': { build: [], script: ['scripts/campaignSoak.ts'] },
  'campaign:store': { build: undefined, script: ['scripts/campaignStore.ts'] },
  'campaign:venue': { build: ['--markets'], script: ['scripts/campaignVenue.ts'] },
  'verify:circuits': { build: undefined, script: ['scripts/verify/circuits.ts'] },
  'verify:contracts': { build: undefined, script: ['scripts/verify/contracts.ts'] },
  'verify:coverage': { build: [], script: ['scripts/verify/coverage.ts'] },
  'verify:mutation': { build: [], script: ['scripts/verify/mutation.ts'] },
  backtest: { build: undefined, script: ['scripts/backtest.ts'] },
  zkrisk: { build: undefined, script: ['prover/service/cli.ts'] },
}

async function main([name = 'start', ...rest]) {
  const job = jobs[name]
  if (job === undefined) return fail(`Unknown job '${name}'; expected one of ${Object.keys(jobs).join(', ')}.`)
  const isHandedOver = process.env.ZKRISK_HANDED_OVER !== undefined
  delete process.env.ZKRISK_HANDED_OVER // It concerns this process, not those that it starts.
  if (job.build !== undefined && !isHandedOver && !isInstalled()) startGo()
  // Help needs nothing of what another set-up may be building.
  const alone = rest.includes('--help') && isInstalled() ? (work) => work() : withSetUpLock
  if (!satisfiesEngines(process.versions.node)) {
    process.env.ZKRISK_HANDED_OVER = 'yes'
    return run(await alone(pinnedNode), [fileURLToPath(import.meta.url), name, ...rest])
  }
  const wrongFlags = await alone(() => flagsRefused(job, rest))
  if (wrongFlags !== undefined) return wrongFlags
  // What `npm run build` is given is for scripts/build.ts.
  const setUpCode = await (job.build === undefined ? alone : withSetUpLock)(() =>
    setUp(name === 'build' ? rest : job.build),
  )
  if (setUpCode !== 0 || job.script === undefined) return setUpCode
  const [script, ...args] = job.script
  // Paths among the arguments are the user's, relative to where they stand.
  return run(process.execPath, [join(root, script), ...args, ...rest], { cwd: process.cwd() })
}

/**
 * The exit code of a script that takes none of these flags, before anything is built for it; undefined if they are in order, or if the
 * script cannot say without a build.
 */
async function flagsRefused({ build, script }, rest) {
  if (build === undefined || script === undefined || rest.length === 0) return undefined
  const [file, ...args] = script
  if (!existsSync(join(root, file)) || !readFileSync(join(root, file), 'utf8').includes('readFlags(')) return undefined
  if (!isInstalled()) await install()
  const env = { ...process.env, ZKRISK_FLAGS_ALONE: 'yes' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, file), ...args, ...rest], { env })
  const isHelp = status === 0 && rest.includes('--help')
  if (status !== 2 && !isHelp) return undefined
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  return status
}

async function setUp(build) {
  if (!isInstalled()) await install()
  return build === undefined ? 0 : run(process.execPath, ['scripts/build.ts', ...build])
}

/**
 * Compiles the native prover while packages are fetched, for which the processors are not needed. What comes of it stays in
 * Go's cache, where scripts/buildNative.ts finds it; it also says what is wrong.
 */
function startGo() {
  const folder = join(root, 'prover', 'proof', 'native')
  const settings = join(folder, 'goBuild.json')
  if (!existsSync(settings)) return
  const { arguments: args, environment } = readJson(settings)
  const env = { ...process.env, ...environment }
  const child = spawn('go', [...args, '-o', devNull, '.'], { cwd: folder, env, stdio: 'ignore' })
  child.on('error', () => undefined)
  child.unref()
}

// Node

/** Whether a Node version lies in package.json's `engines.node`, written as `^A.B.C` and `>=A.B.C` joined by `||`. */
function satisfiesEngines(version) {
  const [major, minor] = version.split('.').map(Number)
  return readJson(join(root, 'package.json'))
    .engines.node.split('||')
    .some((range) => {
      const [, operator, wantedMajor, wantedMinor] = range.trim().match(/^(\^|>=)(\d+)\.(\d+)/)
      if (operator === '^' && major !== Number(wantedMajor)) return false
      return major > Number(wantedMajor) || (major === Number(wantedMajor) && minor >= Number(wantedMinor))
    })
}

/**
 * The pinned Node from npm, checked against the integrity in package-lock.json. `npm ci` of the project must not run
 * under an old Node: npm would skip packages whose `engines` refuse it, among them Hardhat's chain.
 */
async function pinnedNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const binary = join('node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const entry = readJson(join(root, 'package-lock.json')).packages[`node_modules/${name}`]
  if (entry === undefined) {
    const range = readJson(join(root, 'package.json')).engines.node
    throw new Error(
      `This is Node ${process.versions.node}; the project needs ${range} and pins none for this machine (${name}). Install one from https://nodejs.org and try again.`,
    )
  }
  if (isInstalled()) return join(root, binary)
  const folder = join(root, 'build', 'node')
  const completed = join(folder, 'installed')
  if (!existsSync(completed) || readFileSync(completed, 'utf8') !== entry.integrity) {
    say(`This is Node ${process.versions.node}; fetching Node ${entry.version} from npm for this project alone.`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const manifest = { name: 'pinned-node', private: true, dependencies: { [name]: entry.version } }
    const packages = { '': { dependencies: manifest.dependencies }, [`node_modules/${name}`]: entry }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
    await npm(['ci', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'])
    writeFileSync(completed, entry.integrity)
  }
  return join(folder, binary)
}

// Dependencies

/** True when node_modules holds what the lock file says: our stamp, or npm's own record of an install by hand. */
function isInstalled() {
  const lockFile = readFileSync(join(root, 'package-lock.json'))
  if (existsSync(installStamp) && readFileSync(installStamp, 'utf8') === sha256(lockFile)) return true
  const record = join(modules, '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readJson(record).packages
  return Object.entries(JSON.parse(lockFile).packages).every(
    ([path, wanted]) =>
      path === '' ||
      (path in installed
        ? installed[path].integrity === wanted.integrity
        : wanted.optional && !isForThisMachine(wanted)),
  )
}

/** npm leaves out optional packages of other machines; one for this machine that is missing was skipped under an old Node. */
function isForThisMachine({ os, cpu, libc }) {
  const ours = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  return (
    (os === undefined || os.includes(process.platform)) &&
    (cpu === undefined || cpu.includes(process.arch)) &&
    (libc === undefined || process.platform !== 'linux' || libc.includes(ours))
  )
}

async function install() {
  const lockFile = readFileSync(join(root, 'package-lock.json'))
  const packages = Object.entries(JSON.parse(lockFile).packages)
    .filter(([path, wanted]) => path !== '' && (!wanted.optional || isForThisMachine(wanted)))
    .map(([path]) => join(root, path, 'package.json'))
  say(`Installing ${packages.length} packages from npm (about a minute).`)
  rmSync(installStamp, { force: true })
  const started = Date.now()
  const progress = setInterval(() => {
    say(`  ${packages.filter((path) => existsSync(path)).length} of ${packages.length} after ${seconds(started)}`)
  }, 5_000)
  try {
    // A NODE_ENV or an npm setting of the user's may leave out what the tests and the chain need.
    await npm([
      'ci',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel=error',
    ])
  } finally {
    clearInterval(progress)
  }
  writeFileSync(installStamp, sha256(lockFile))
  say(`Dependencies installed in ${seconds(started)}.`)
}

/** Runs npm under the Node that runs this script. */
async function npm(args) {
  const cli = process.env.npm_execpath
  const code =
    cli !== undefined && basename(cli) === 'npm-cli.js'
      ? await run(process.execPath, [cli, ...args])
      : await run('npm', args, { shell: process.platform === 'win32' })
  if (code !== 0)
    throw new Error(`npm ${args[0]} failed (exit ${code}). Run the same command again: it takes up where it stopped.`)
}

// Processes

/**
 * Runs a command in the project with our Node first in PATH, passes signals on, and resolves to its exit code. When the
 * command dies of a signal, so do we: the shell above must see the same ending.
 */
function run(command, args, options = {}) {
  const path = [dirname(command === 'npm' ? process.execPath : command), process.env.PATH].join(delimiter)
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path }, ...options })
  // A terminal sends Ctrl-C to the whole group: forwarding it there would count twice.
  const forward = (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const each of signals) process.off(each, forward)
      if (signal === null) return resolve(code)
      process.kill(process.pid, signal)
    })
  })
}

/**
 * One set-up at a time in a checkout. The lock names its process and is touched while held: it counts as left behind
 * when that process is gone, or (the number may belong to another by now) when nobody has touched it for a while.
 */
async function withSetUpLock(work) {
  mkdirSync(dirname(setUpLock), { recursive: true })
  const claim = `${setUpLock}.${process.pid}`
  writeFileSync(claim, String(process.pid))
  for (let waited = false; !tryLink(claim, setUpLock); waited = true) {
    if (isLeftBehind(setUpLock)) rmSync(setUpLock, { force: true })
    else if (!waited) say(`Waiting for another set-up in this checkout (${setUpLock}).`)
    await sleep(500)
  }
  rmSync(claim)
  const touch = setInterval(() => utimesSync(setUpLock, new Date(), new Date()), 2_000)
  try {
    return await work()
  } finally {
    clearInterval(touch)
    rmSync(setUpLock, { force: true })
  }
}

function tryLink(existing, path) {
  try {
    linkSync(existing, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function isLeftBehind(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > 20_000) return true
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

const say = (line) => process.stderr.write(`${line}\n`)
const fail = (line) => {
  say(line)
  return 2
}
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    say(error.message)
    process.exitCode = 1
  },
)
