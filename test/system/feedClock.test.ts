/** A clock that is ten minutes off, or steps under `zkrisk feed live`: what providers say is dated by the same clock, on a real chain. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Contract, toQuantity } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { parseFeeds } from '../../prover/service/feeds/feedConfig.ts'
import { placeOf } from '../../prover/service/feeds/places.ts'
import { type LiveEvent, runFeeds } from '../../prover/service/feeds/runFeeds.ts'
import { unpack } from '../../prover/statement/words.ts'
import { AccountsRange } from '../../scripts/tools/chains/accountsRange.ts'
import { shiftClock } from '../../scripts/tools/shiftedClock.ts'
import { quickly } from '../service/feeds/servers.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { feedsOfQuotes, type Quoted, serveQuotes } from './quotedOptions.ts'
import { signerKeyFilesIn } from './signerKeys.ts'

const OFF_SECONDS = 600
const folder = temporaryFolder()
const signerKeyFile = signerKeyFilesIn(folder)
let range: AccountsRange
let quoted: Quoted

beforeAll(async () => {
  range = await AccountsRange.start(folder)
  await range.chain.send('evm_setNextBlockTimestamp', [toQuantity(Math.floor(Date.now() / 1000))])
  await range.chain.send('evm_mine', [])
  const { last } = await placeOf(range.chain, range.deployment, 'BTC-USD')
  quoted = await serveQuotes(Number(last?.priceE8 ?? 0n) / 1e8)
})
afterEach(() => shiftClock(0))
afterAll(async () => {
  await quoted?.close()
  await range?.close()
})

/** What is on the chain: times of rounds and observations, each with that of its block. */
async function landed(): Promise<readonly { readonly asOf: number; readonly block: number }[]> {
  const { chain, deployment } = range
  const { source } = await placeOf(chain, deployment, 'BTC-USD')
  const found = await Promise.all(
    (
      [
        ['AttestedRounds', 'RoundPublished', deployment.portfolio?.rounds],
        ['IPlausibleInbox', 'ObservationAppended', source?.address],
      ] as const
    ).map(async ([contract, event, address = '']) => {
      const logs = await new Contract(address, interfaceOf(contract), chain).queryFilter(event)
      return Promise.all(
        logs.map(async (log) => {
          const args = interfaceOf(contract).parseLog(log)?.args
          const asOf: bigint = args?.asOf ?? unpack('observation', args?.word).asOf
          return { asOf: Number(asOf), block: (await log.getBlock()).timestamp }
        }),
      )
    }),
  )
  return found.flat()
}

function run() {
  const events: LiveEvent[] = []
  const ended = new AbortController()
  const { url: rpc, deploymentFile: deployment, keyFile, rounds } = range
  const running = runFeeds({
    ...{ file: parseFeeds(feedsOfQuotes(quoted), 'test'), limits: quickly, rounds, http: '127.0.0.1:0' },
    chain: { rpc, deployment, signerKeyFile, keyFile },
    ...{ signal: ended.signal, onEvent: (event: LiveEvent) => void events.push(event) },
  })
  const count = (kind: string): number =>
    events.filter((event) => (event.kind === 'door' ? event.event.kind : event.kind) === kind).length
  return {
    events,
    count,
    /** Until so many more of these came. */
    more: async (kinds: readonly string[], seconds = 90) => {
      const wanted = kinds.map((kind) => [kind, count(kind) + 1] as const)
      const patience = performance.now() + 1000 * seconds
      while (wanted.some(([kind, times]) => count(kind) < times)) {
        if (performance.now() > patience)
          throw new Error(`No ${kinds.join()} in time: ${JSON.stringify(events.slice(-9))}`)
        await Promise.race([running, sleep(20)])
      }
    },
    clockCheck: async () => {
      const listening = events.find((event) => event.kind === 'listening')
      const answer = await fetch(`${listening?.url}/readyz`)
      const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean; says: string }[] }
      return [answer.status, checks.find(({ name }) => name === 'clock')] as const
    },
    end: async () => {
      ended.abort()
      return running
    },
  }
}

describe('S72: zkrisk feed live', () => {
  it('publishes nothing while its clock is ten minutes off, either way, says so, and goes on by itself when it is right', async () => {
    const before = (await landed()).length
    const feeds = run()
    await feeds.more(['appended', 'round'])
    for (const off of [OFF_SECONDS, -OFF_SECONDS]) {
      shiftClock(off)
      await feeds.more(['clock-off'], 5)
      // What had been sent before is on the chain by then.
      await sleep(2000)
      const published = (await landed()).length
      await sleep(8000)
      expect((await landed()).length).toBe(published)
      expect(await feeds.clockCheck()).toMatchObject([503, { ok: false, says: expect.stringMatching(/10 min|9 min/) }])
      shiftClock(0)
      await feeds.more(['clock-right'], 5)
      await feeds.more(['appended', 'round'])
      expect((await feeds.clockCheck())[1]).toMatchObject({ ok: true })
    }
    const totals = await feeds.end()
    const all = await landed()
    expect(all.length - before).toBe(totals.rounds + totals.appended)
    for (const { asOf, block } of all.filter((each) => each.block > Date.now() / 1000 - 900))
      expect(Math.abs(block - asOf)).toBeLessThan(60)
    expect(feeds.events.filter(({ kind }) => kind === 'reverted' || kind === 'round-refused')).toEqual([])
    expect([feeds.count('clock-off'), feeds.count('clock-right')]).toEqual([2, 2])
  })

  it('begins so, too: what a clock that is behind at the start would have dated wrongly waits until it is right', async () => {
    await range.chain.send('evm_mine', [])
    shiftClock(-OFF_SECONDS)
    const published = (await landed()).length
    const feeds = run()
    await feeds.more(['clock-off'], 20)
    await sleep(7000)
    expect((await landed()).length).toBe(published)
    shiftClock(0)
    await feeds.more(['clock-right', 'round'], 40)
    await feeds.end()
  })
})
