/** The door as people meet it: what `zkrisk feed` says of a price that is held or refused, and what `serve` and `audit` tell. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { attestedFeedOf, connectProvider, interfaceOf } from '../../prover/registry/index.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { developmentKeys, FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../../prover/service/development/chain.ts'
import { replayFeed } from '../../prover/service/development/tryOut.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
let tryOut: TryOut
let provider: Awaited<ReturnType<typeof connectProvider>>
let signerFiles: readonly string[]
/** Not the prover's: two senders with one key take each other's nonces. */
const feederFile = join(folder, 'feeder.key')

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  provider = await connectProvider(tryOut.rpc)
  writeFileSync(feederFile, developmentKeys.feeder, { mode: 0o600 })
  signerFiles = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key, i) => {
    const file = join(folder, `signer${i}.key`)
    writeFileSync(file, key, { mode: 0o600 })
    return file
  })
})
afterAll(async () => {
  provider.destroy()
  await tryOut.close()
})

/** Price and time of the feed's last observation. */
async function last(): Promise<{ readonly price: number; readonly asOf: bigint }> {
  const { address } = attestedFeedOf(tryOut.deployment)
  const feed = new Contract(address, interfaceOf('IObservationSource'), provider)
  const { asOf, lastWord } = await feed.getFunction('latest')(marketIdOf('BTC-USD'))
  return { price: Number(lastWord % 2n ** 48n) / 1e8, asOf }
}

const passes = async (seconds: bigint): Promise<void> => {
  const latest = await provider.getBlock('latest')
  await provider.send('evm_mine', [`0x${(BigInt(latest?.timestamp ?? 0) + seconds).toString(16)}`])
}

/** So many times the last price, a minute later. */
async function attest(times: number, ...more: readonly string[]) {
  const price = ((await last()).price * times).toFixed(2)
  await passes(60n)
  const place = ['--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile, '--key-file', feederFile]
  return zkrisk('feed', 'attest', 'BTC-USD', price, ...place, ...more, '--signer-key-file', ...signerFiles)
}

describe('R73: zkrisk feed attest', () => {
  it('says of a jump that it is held, and what confirms it', async () => {
    const held = await attest(2)
    expect(held.code).toBe(0)
    expect(held.stdout).toMatch(
      /is held: 2\.00 times the last price, [\d.]+\. It enters with the last of 2 that confirm it/,
    )
    expect(held.stdout).toContain('each within 10 % of it and 30 to 7200 s after the one before; 0 have so far')
    expect(JSON.parse((await attest(2, '--json')).stdout)).toMatchObject({ outcome: 'held', market: 'BTC-USD' })
  })

  it('ends with 1 for what no market does, by name', async () => {
    const refused = errorOf(await attest(10, '--json'))
    expect(refused).toMatchObject({ code: 'service.observation-refused', reason: 'BeyondFactor' })
    expect(refused.message).toContain('the council gives it another source')
  })

  it('says of a price near the last one that it was appended, and of one that is no later what to do', async () => {
    const before = await last()
    expect((await attest(1.01)).stdout).toContain('appended')
    expect((await last()).asOf).toBeGreaterThan(before.asOf)
    const asOf = (await last()).asOf.toString()
    expect(errorOf(await attest(1, '--as-of', asOf, '--json'))).toMatchObject({ code: 'service.not-later' })
    const soon = ((await last()).asOf + 29n).toString()
    expect(errorOf(await attest(1, '--as-of', soon, '--json'))).toMatchObject({ reason: 'TooSoon' })
  })
})

describe('R73: zkrisk feed replay', () => {
  it('says which of its prices were held', async () => {
    const now = Number((await provider.getBlock('latest'))?.timestamp ?? 0)
    const { price } = await last()
    const rows = [1, 2, 1].map((times, i) => `${now + 60 * (i + 1)},${(price * times).toFixed(2)}`)
    const file = join(folder, 'prices.csv')
    writeFileSync(file, ['timestamp,close', ...rows].join('\n'))
    const said: string[] = []
    const counted = await replayFeed([file], {
      ...{ rpc: tryOut.rpc, deployment: tryOut.deploymentFile, market: ['BTC-USD'], pause: 0, prices: {} },
      say: (line) => said.push(line),
    })
    expect(said.filter((line) => line.includes('is held'))).toHaveLength(1)
    expect(counted).toEqual({ times: 3, held: 1, refused: 0, gaps: 0 })
  })

  it('refuses where nothing of the extract lies ahead of the chain’s clock any more', async () => {
    const replay = (count: number) =>
      replayFeed([], {
        ...{ rpc: tryOut.rpc, deployment: tryOut.deploymentFile, market: [], pause: 0, count, prices: {} },
        say: () => {},
      })
    expect(await replay(0)).toEqual({ times: 0, held: 0, refused: 0, gaps: 0 })
    const snapshot = await provider.send('evm_snapshot', [])
    const later = Date.parse('2021-01-01T00:00:00Z') / 1000
    await provider.send('evm_setNextBlockTimestamp', [later])
    await provider.send('evm_mine', [])
    await expect(replay(1)).rejects.toMatchObject({ code: 'service.nothing-to-replay', chainTime: BigInt(later) })
    await provider.send('evm_revert', [snapshot])
  })
})

describe('R79: zkrisk serve', () => {
  it('tells of a held price once, and when it is over; the audit lists it meanwhile', async () => {
    const stop = new AbortController()
    const events: ServeEvent[] = []
    const { rpc, deploymentFile: deployment, keyFile } = tryOut
    const serving = runServe({
      ...{ rpc, deployment, keyFile, store: join(folder, 'serve.sqlite'), pollMs: 20, signal: stop.signal },
      triggers: { triggers: ['heartbeat'], heartbeatSeconds: 1e9, spotMove: 0.01 },
      onEvent: (event) => void events.push(event),
    })
    const told = () => events.filter(({ alarm }) => alarm?.kind === 'held').map(({ step }) => step)
    try {
      expect(await attest(2)).toMatchObject({ code: 0, stderr: '' })
      await expect.poll(told, { timeout: 120_000 }).toEqual(['alarm'])
      expect(await attest(2)).toMatchObject({ code: 0, stderr: '' })
      const audited = await zkrisk('audit', '--rpc', rpc, '--deployment', deployment)
      expect(audited.stdout).toMatch(/Alarms, which are no claims:\s+held of BTC-USD: [\s\S]*1\s+has\s+so\s+far/)
      expect(audited.code).toBe(0)
      expect(told()).toEqual(['alarm'])
      expect(await attest(1)).toMatchObject({ code: 0, stderr: '' })
      await expect.poll(told, { timeout: 120_000 }).toEqual(['alarm', 'alarm-cleared'])
    } finally {
      stop.abort()
      await serving
    }
  })
})
