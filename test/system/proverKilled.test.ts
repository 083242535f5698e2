/** kill -9 of whatever proves under a running service: it proves on, or says within fifteen seconds that it does not, and loses nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const SAID_MS = 15_000

let tryOut: TryOut
let child: ChildProcess | undefined
beforeAll(async () => {
  tryOut = await startTryOut(folder)
})
afterEach(async () => {
  if (child === undefined) return
  const ended = new Promise((resolve) => child?.on('close', resolve))
  child.kill('SIGTERM')
  await ended
  child = undefined
})
afterAll(() => tryOut.close())

type Serving = { readonly url: string; readonly pid: number; until(step: string, count: number): Promise<void> }

async function serve(backend: string, store: string): Promise<Serving> {
  const files = ['--deployment', tryOut.deploymentFile, '--key-file', tryOut.keyFile, '--store', join(folder, store)]
  const args = ['serve', '--rpc', tryOut.rpc, ...files, '--poll', '50', '--http', '127.0.0.1:0']
  const env = { ...process.env, ZKRISK_PROVER: backend }
  const own = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  child = own
  let said = ''
  const heard = new Set<() => void>()
  for (const stream of [own.stdout, own.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      for (const hear of heard) hear()
    })
  }
  const when = (isSaid: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const hear = (): void => {
        if (isSaid()) resolve()
      }
      heard.add(hear)
      own.on('close', () => reject(new Error(`The service ended:\n${said}`)))
      hear()
    })
  await when(() => said.includes('Dashboard at '))
  return {
    url: /Dashboard at (\S+)\/,/.exec(said)?.[1] ?? '',
    pid: own.pid ?? 0,
    until: (step, count) => when(() => said.split(`  ${step}  `).length > count),
  }
}

/** Processes below another one, by what the system tells of them. */
function descendantsOf(pid: number): readonly number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const]
      } catch {
        // It ended meanwhile.
        return []
      }
    })
  const below = (of: number): readonly number[] =>
    parents.flatMap(([own, parent]) => (parent === of ? [own, ...below(own)] : []))
  return below(pid)
}

function killBelow(pid: number): number {
  const all = descendantsOf(pid)
  for (const each of all) {
    try {
      process.kill(each, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
  return all.length
}

type Checks = readonly { readonly name: string; readonly ok: boolean; readonly says: string }[]

const proverCheck = async ({ url }: Serving) => {
  const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { readonly checks: Checks }
  return checks.find(({ name }) => name === 'prover')
}

/** Waits until the check stands so; how long that took. */
async function untilProver(serving: Serving, isOk: boolean): Promise<{ readonly ms: number; readonly says: string }> {
  const began = performance.now()
  while (performance.now() - began < 2 * SAID_MS) {
    const check = await proverCheck(serving)
    if (check?.ok === isOk) return { ms: performance.now() - began, says: check.says }
    await sleep(100)
  }
  throw new Error(`The prover's check did not become ${isOk}.`)
}

const sequence = async (): Promise<bigint> => (await tryOut.sequences())['BTC-USD'] ?? 0n

// What processes are below another one is asked of /proc.
describe.skipIf(process.platform !== 'linux')('S45: a prover that is killed with -9 under a service', () => {
  it.each(['auto', 'snarkjs'])('%s: while it waits, the next batch is proven all the same', async (backend) => {
    const before = await sequence()
    const serving = await serve(backend, `idle-${backend}.sqlite`)
    await tryOut.feed(1)
    await serving.until('confirmed', 1)
    expect(killBelow(serving.pid)).toBeGreaterThan(0)
    await tryOut.feed(1)
    await serving.until('confirmed', 2)
    expect(await sequence()).toBe(before + 2n)
    await untilProver(serving, true)
  })

  it.each(['auto', 'snarkjs'])('%s: while it proves, the batch lands once', async (backend) => {
    const before = await sequence()
    const serving = await serve(backend, `busy-${backend}.sqlite`)
    await tryOut.feed(1)
    await serving.until('planned', 1)
    // The process is started for the first proof.
    while (killBelow(serving.pid) === 0) await sleep(5)
    await serving.until('confirmed', 1)
    expect(await sequence()).toBe(before + 1n)
    await untilProver(serving, true)
  })

  it('again and again: the service is not ready within 15 s, says why, and is ready and proves what waited once it lives', async () => {
    const before = await sequence()
    const serving = await serve('auto', 'again.sqlite')
    await untilProver(serving, true)
    let isKilling = true
    const killing = (async () => {
      while (isKilling) {
        killBelow(serving.pid)
        await sleep(20)
      }
    })()
    await tryOut.feed(1)
    await serving.until('planned', 1)
    const { ms, says } = await untilProver(serving, false)
    expect(ms).toBeLessThan(SAID_MS)
    expect(says).toContain('the last proof failed')
    isKilling = false
    await killing
    await serving.until('confirmed', 1)
    await untilProver(serving, true)
    expect(await sequence()).toBe(before + 1n)
  })

  it('leaves an audit nothing to find', async () => {
    const at = ['--rpc', tryOut.rpc, '--registry', tryOut.deployment.addresses.registry]
    const { code, stdout } = await zkrisk('audit', ...at, '--json')
    expect([code, JSON.parse(stdout).accepted]).toEqual([0, true])
  })
})
