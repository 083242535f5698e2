/** The clock of a development chain behind a port, which a feed that is replayed and a margin that is proven both move. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JsonRpcProvider } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { developmentHandsBehind } from '../../prover/service/answers/marginSite.ts'
import { type DevelopmentChain, developmentChainBehind, passTime } from '../../prover/service/development/chain.ts'
import { appendObservations } from '../../prover/service/development/engine.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const HOUR = 3600n

describe('S87: two who move the clock of one chain', () => {
  let tryOut: TryOut
  let provider: JsonRpcProvider
  let chain: DevelopmentChain
  beforeAll(async () => {
    tryOut = await startTryOut(folder)
    provider = new JsonRpcProvider(tryOut.rpc, undefined, { staticNetwork: true, cacheTimeout: -1 })
    chain = developmentChainBehind(provider)
  })
  afterAll(async () => {
    provider?.destroy()
    await tryOut?.close()
  })

  const earlier = async (): Promise<void> => chain.setNextTime((await chain.now()) + 10n)

  it.each([
    ['has passed its time meanwhile', 'before'],
    ['is set to an earlier time meanwhile', 'after'],
  ] as const)('a feed goes on where the clock %s', async (_, when) => {
    const { deployment } = tryOut
    const asOf = (await chain.now()) + HOUR
    const disturbances = { before: 0, after: 0 }
    const theirs: DevelopmentChain = {
      ...chain,
      setNextTime: async (time) => {
        if (when === 'before' && disturbances.before++ === 0) {
          await chain.setNextTime(time + 60n)
          await provider.send('evm_mine', [])
        }
        await chain.setNextTime(time)
        if (when === 'after' && disturbances.after++ === 0) await earlier()
      },
    }
    const observation = { asOf, priceE8: 780_000_000_000n, rangeCode: 0n, impliedVolatilityX16: 0n }
    const events = await appendObservations(theirs, deployment, [{ name: 'BTC-USD', observation }])
    expect(events.map(({ kind }) => kind)).toEqual(['appended'])
    expect(disturbances[when]).toBeGreaterThan(0)
    expect(await chain.now()).toBeGreaterThan(asOf)
  })

  it('a margin’s round waits until its time has come, though a feed sets an earlier one', async () => {
    const [from, before] = [await chain.now(), await provider.getBlockNumber()]
    const until = from + HOUR
    let steps = 0n
    // As a feed does: the next block is at a time of its own, long before.
    const theirs: DevelopmentChain = {
      ...chain,
      setNextTime: async (time) => {
        await chain.setNextTime(time)
        if (steps < 3n) await earlier()
        steps++
      },
    }
    await passTime(theirs, until)
    expect(await chain.now()).toBeGreaterThanOrEqual(until)
    expect(await provider.getBlockNumber()).toBe(before + 4)
    // Nothing that anybody sets afterwards takes it back.
    await developmentHandsBehind(provider).waitUntil?.(until)
    await expect(chain.setNextTime(until - 10n)).rejects.toThrow()
  })

  it('says to end the feed where that goes on for ever', async () => {
    const theirs: DevelopmentChain = {
      ...chain,
      setNextTime: async (time) => {
        await chain.setNextTime(time)
        await chain.setNextTime((await chain.now()) + 1n)
      },
    }
    await expect(passTime(theirs, (await chain.now()) + HOUR)).rejects.toMatchObject({
      code: 'service.clock-contended',
      message: expect.stringContaining('End the feed'),
    })
  })

  it('both end, a replay and rounds of a margin at once', async () => {
    const hands = developmentHandsBehind(provider)
    const times = Array.from({ length: 8 }, (_, i) => BigInt(i + 1))
    const from = await chain.now()
    const passing = (async () => {
      for (const i of times) await hands.waitUntil?.(from + i * (HOUR / 2n))
    })()
    const feeding = tryOut.feed(4)
    await Promise.all([passing, feeding])
    expect(await chain.now()).toBeGreaterThanOrEqual(from + 4n * HOUR)
  })
})

it('S87: a chain for margins of another time says what their round will do to its clock, and what to do', async () => {
  const said: string[] = []
  const opened = async (margins: string, start: string): Promise<void> => {
    const files = {
      deployment: join(folder, 'd.json'),
      keyFile: join(folder, 'p.key'),
      councilKeyFile: join(folder, 'c.key'),
    }
    said.length = 0
    await (await openChain({ port: 0, start, ...files, margins, say: (line) => said.push(line) })).close()
  }
  const example = (name: string): string => join(import.meta.dirname, '../../docs/examples', name)
  await opened(example('short-strangle.json'), '2020-03-12 09:00:00')
  expect(said.join('\n')).toMatch(
    /of 2026-02-05 04:30.* UTC: .* moves the chain's clock .* on, where markets are stale and no prices are left to replay\. .* before 2020-03-16/,
  )
  await opened(example('own-venue.json'), '2020-03-12 09:00:00')
  expect(said.join('\n')).toMatch(
    /of 2020-03-12 10:30.* until later prices are replayed and proven\. .* replay to there before/,
  )
  expect(readFileSync(example('own-venue.json'), 'utf8')).toContain('"asOf": "2020-03-12T10:30:00Z"')
  await opened(example('own-venue.json'), '2020-03-12 10:00:00')
  expect(said.join('\n')).not.toMatch(/moves the chain's clock/)
})
