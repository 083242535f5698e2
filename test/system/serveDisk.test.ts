/** `zkrisk serve` on a disk that takes nothing for a while, and with a log that takes nothing at all. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectProvider } from '../../prover/registry/index.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const key = randomBytes(32).toString('hex')
const apiKeys = join(folder, 'keys.json')

let tryOut: TryOut
let landed = 0n
const running: ChildProcess[] = []
let log = ''
/** What the service said last. */
const told = (): string => log.slice(-2000)
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  writeSecretFile(apiKeys, JSON.stringify({ keys: [{ name: 'ops', key, scopes: ['read', 'prove'] }] }))
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
  }
})
afterAll(() => tryOut?.close())

function serve(store: string, stdio: 'pipe' | number, ...args: readonly string[]): ChildProcess {
  const place = ['--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile, '--key-file', tryOut.keyFile]
  const all = [cli, 'serve', ...place, '--store', join(folder, store), '--poll', '50', ...args]
  const child = spawn(process.execPath, all, { stdio: ['ignore', stdio, stdio] })
  running.push(child)
  return child
}

async function until<Found>(look: () => Promise<Found | undefined>, seconds = 90): Promise<Found> {
  const patience = performance.now() + 1000 * seconds
  while (performance.now() < patience) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(100)
  }
  throw new Error(`It has not come within ${seconds} s: ${told()}`)
}

const hasLanded = async () => {
  const { 'BTC-USD': bitcoin, 'ETH-USD': ether } = await tryOut.sequences()
  return bitcoin === landed && ether === landed ? true : undefined
}

async function nonce(): Promise<number> {
  const provider = await connectProvider(tryOut.rpc)
  const count = await provider.getTransactionCount('0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC')
  provider.destroy()
  return count
}

describe.skipIf(spawnSync('prlimit', ['--version']).status !== 0)(
  'a disk that is full (prlimit lets no file grow)',
  () => {
    it('S66: nothing new is begun, whoever asks is told, and all goes on by itself when there is room', async () => {
      const child = serve('full.sqlite', 'pipe', '--http', '127.0.0.1:0', '--api-keys', apiKeys, '--log', 'json')
      log = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          log += text
        })
      }
      const url = await until(async () => /"url":"(http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1])
      const ready = async () => (await fetch(`${url}/readyz`)).json()
      const storeCheck = async () =>
        (await ready()).checks.find(({ name }: { readonly name: string }) => name === 'store') as {
          ok: boolean
          says: string
        }
      await until(async () => ((await storeCheck()).ok ? true : undefined))

      spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=4096:unlimited'])
      await tryOut.feed(1)
      landed++
      await until(async () => (log.includes('service.store-failed') ? true : undefined))
      expect(await until(async () => ((await storeCheck()).ok ? undefined : await storeCheck()))).toMatchObject({
        says: expect.stringMatching(/^nothing can be written: .*full\.sqlite could not be written or read/),
      })
      const headers = { authorization: `Bearer ${key}`, 'idempotency-key': randomUUID() }
      const asked = await fetch(`${url}/v1/proof-requests`, { method: 'POST', headers })
      expect([asked.status, await asked.json()]).toMatchObject([503, { code: 'service.store-failed' }])
      expect(child.exitCode).toBe(null)
      expect(await hasLanded()).toBe(undefined)

      spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited'])
      await until(hasLanded)
      const again = await fetch(`${url}/v1/proof-requests`, { method: 'POST', headers })
      expect(again.status).toBe(202)
      expect((await storeCheck()).ok).toBe(true)
      expect(await nonce()).toBe(Number(landed))
    })
  },
)

describe.skipIf(process.platform !== 'linux')('a log that takes nothing (/dev/full)', () => {
  it.each([[], ['--json'], ['--log', 'json']])(
    'S66: is no reason to end: batches land (%s %s)',
    async (...args) => {
      const child = serve('log.sqlite', openSync('/dev/full', 'w'), ...args)
      await tryOut.feed(1)
      landed++
      await until(hasLanded)
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
    },
    120_000,
  )
})

it('S66: every batch landed by one transaction', async () => {
  expect(await nonce()).toBe(Number(landed))
})
