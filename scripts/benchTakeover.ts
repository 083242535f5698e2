/**
 * Another machine takes over: the first operator is killed with -9 while a batch is under way, observations wait, and a clone that has
 * nothing of its files goes on from an RPC address and the registry's address. Prints how long that took, cold, by step.
 *
 *   npm run bench:takeover                       a clone without build folder or cache, its packages installed already
 *   npm run bench:takeover -- --cold service     the build of this checkout: what is cold is the service alone
 *   npm run bench:takeover -- --hours 12 --json
 *
 * The clock starts when the clone begins. Keys are those that the first operator published, as of a ceremony: development keys are no
 * other build's. Exit 1 if an observation was lost, the audit found a gap, or the first proof landed after ten minutes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hexlify, JsonRpcProvider, parseEther, randomBytes, toQuantity, Wallet } from 'ethers'
import { RegistryClient } from '../prover/registry/index.ts'
import { openChain, replayFeed } from '../prover/service/development/tryOut.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../prover/service/workspace.ts'
import { isThere, oneOf, readFlags, whole } from './tools/flags.ts'
import { root } from './tools/sources.ts'

const LIMIT_SECONDS = 600
/** Of the whole run, after which something hangs. */
const PATIENCE_MS = 30 * 60_000

const flags = readFlags({
  cold: oneOf(['clone', 'service'] as const, 'clone'),
  hours: whole(1, 100, 6),
  json: isThere,
})

type Figures = {
  readonly machine: string
  readonly load: number
  readonly cold: 'clone' | 'service'
  readonly observations: number
  readonly lost: number
  readonly seconds: Readonly<Record<'built' | 'firstLanded' | 'allLanded' | 'audited', number>>
  readonly audit: { readonly accepted: boolean; readonly batches: number }
}

const folder = mkdtempSync(join(tmpdir(), 'takeover-'))
const file = (name: string): string => join(folder, name)
const children: ChildProcess[] = []
const chain = await openChain({
  ...{ port: 0, deployment: file('deployment.json'), keyFile: file('first.key'), councilKeyFile: file('council.key') },
  ...{ start: '2020-03-12 09:00:00', say: () => {} },
})
const { registry } = chain.deployment.addresses
const provider = new JsonRpcProvider(chain.url, undefined, { staticNetwork: true, cacheTimeout: -1 })
const client = await RegistryClient.connect({ registry, provider })
try {
  const appended = await lostOperator()
  const keys = await publishKeys()
  await writeOwnKey()
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  const project = flags.cold === 'clone' ? await clone() : root
  const built = seconds()
  const { firstLanded, allLanded } = await takeOver(project, keys, seconds)
  const audited = await audit(project, keys)
  const lost = appended - (await consumed())
  const figures: Figures = {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[0] ?? Number.NaN,
    cold: flags.cold,
    observations: appended,
    lost,
    seconds: { built, firstLanded, allLanded, audited: seconds() },
    audit: audited,
  }
  console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
  process.exitCode = lost === 0 && audited.accepted && firstLanded <= LIMIT_SECONDS ? 0 : 1
} finally {
  for (const child of children) child.kill('SIGKILL')
  provider.destroy()
  await chain.close()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()

/** A batch is being proven when the operator goes for ever, and hours come in after that. @returns observations of all markets */
async function lostOperator(): Promise<number> {
  await feed(1)
  const first = serve(root, ['--deployment', file('deployment.json'), '--key-file', file('first.key')], 'first')
  await first.until('planned')
  first.child.kill('SIGKILL')
  await feed(flags.hours)
  return (1 + flags.hours) * chain.deployment.markets.length
}

async function feed(count: number): Promise<void> {
  const of = { rpc: chain.url, deployment: file('deployment.json'), market: [] }
  await replayFeed([], { ...of, pause: 0, count, prices: {}, say: () => {} })
}

/** Folders of keys as whoever made them publishes them. */
async function publishKeys(): Promise<string> {
  for (const name of [LIVE_BUILD, CATCH_UP_BUILD]) {
    const { zkey, manifest } = await loadKeys(name)
    cpSync(dirname(zkey), join(file('keys'), manifest.r1csSha256), { recursive: true })
  }
  return file('keys')
}

async function writeOwnKey(): Promise<void> {
  const own = new Wallet(hexlify(randomBytes(32)))
  writeFileSync(file('own.key'), `${own.privateKey}\n`, { mode: 0o600 })
  await provider.send('hardhat_setBalance', [own.address, toQuantity(parseEther('10'))])
}

async function clone(): Promise<string> {
  const project = file('project')
  run('git', ['clone', '--quiet', root, project])
  run('cp', ['-a', ...(process.platform === 'linux' ? ['-l'] : []), join(root, 'node_modules'), project])
  const child = spawn(process.execPath, ['scripts/build.ts', '--markets'], {
    ...{ cwd: project, env: { ...process.env, ZKRISK_CACHE: file('cache') }, stdio: ['ignore', 'ignore', 'inherit'] },
  })
  children.push(child)
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`The clone could not be built (exit ${code}).`)
  return project
}

async function takeOver(
  project: string,
  keys: string,
  seconds: () => number,
): Promise<{ readonly firstLanded: number; readonly allLanded: number }> {
  const own = serve(project, ['--registry', registry, '--key-file', file('own.key'), '--keys', keys], 'own')
  await own.until('confirmed')
  const firstLanded = seconds()
  while ((await waiting()) > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  const allLanded = seconds()
  own.child.kill('SIGTERM')
  await own.ended
  return { firstLanded, allLanded }
}

async function waiting(): Promise<number> {
  const of = await Promise.all(chain.deployment.markets.map(({ name }) => client.waiting(name)))
  return of.flat().length
}

/** Observations that proofs have taken of all that came in since the markets were added. */
async function consumed(): Promise<number> {
  const inboxes = await Promise.all(chain.deployment.markets.map(({ name }) => client.market(name)))
  // Each began behind its first one.
  return inboxes.reduce((sum, { inbox }) => sum + Number(inbox.count) - 1, 0)
}

async function audit(project: string, keys: string): Promise<{ readonly accepted: boolean; readonly batches: number }> {
  const args = ['audit', '--rpc', chain.url, '--registry', registry, '--keys', keys, '--json']
  const child = spawn(process.execPath, [join(project, 'prover/service/cli.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await new Promise((resolve) => child.on('close', resolve))
  const { accepted, batches, error } = JSON.parse(text)
  if (batches === undefined) throw new Error(`The audit ended with: ${error?.message}`)
  return { accepted, batches: batches.length }
}

/** A service in a process of its own. */
function serve(project: string, args: readonly string[], name: string) {
  const cwd = file(`${name}-state`)
  mkdirSync(cwd)
  const all = ['serve', '--rpc', chain.url, ...args]
  const child = spawn(process.execPath, [join(project, 'prover/service/cli.ts'), ...all], {
    ...{ cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS },
  })
  children.push(child)
  let said = ''
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      for (const hear of heard) hear()
    })
  }
  const ended = new Promise((resolve) => child.on('close', resolve))
  const until = (step: string): Promise<void> =>
    new Promise((resolve, reject) => {
      heard.add(() => {
        if (said.includes(`  ${step}  `)) resolve()
      })
      void ended.then(() => reject(new Error(`The service ended before '${step}':\n${said}`)))
    })
  return { child, ended, until }
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed (exit ${status}):\n${stderr}`)
}

function textOf({ machine, load, cold, observations, lost, seconds, audit: audited }: Figures): string {
  const line = (says: string, at: number): string => `${at.toFixed(0).padStart(6)} s  ${says}`
  return [
    `Taken over by ${cold === 'clone' ? 'a cold clone' : 'this checkout'}, ${machine}, load ${load.toFixed(1)}`,
    ...(cold === 'clone' ? [line('cloned and built', seconds.built)] : []),
    line('first proof landed', seconds.firstLanded),
    line(`all of ${observations} observations in force, ${lost} lost`, seconds.allLanded),
    line(`audited: ${audited.batches} batches, ${audited.accepted ? 'accepted' : 'REJECTED'}`, seconds.audited),
  ].join('\n')
}
