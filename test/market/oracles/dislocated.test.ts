/**
 * The median beside a venue that stood apart in March 2020, hour by hour, and beside a source that says 0.65 or 30 times the price,
 * or nothing: recorded prices of ../shared/data/prices.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ZeroAddress } from 'ethers'
import { expect, test } from 'vitest'
import { longHistoryFolder } from '../../../prover/market/histories.ts'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { parseBars } from '../../../prover/market/prices.ts'
import { pack, unpack } from '../../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import { btc } from '../../../scripts/tools/oracles/oracleChain.ts'
import { uncheckedSource } from '../../registry/uncheckedSource.ts'

const [SPOT, APART] = ['btcusdt-1h-2019-01_2022-02.csv.gz', 'btcusd-1h-premium-venue-2020-01_2021-05.csv.gz']
const [FROM, UNTIL] = [1_583_971_200n, 1_584_662_400n] // 12 to 20 March 2020

/** Closes by time. */
function closesOf(file: string): ReadonlyMap<bigint, bigint> {
  const text = gunzipSync(readFileSync(join(longHistoryFolder, file))).toString('utf8')
  const bars = parseBars(text, file, { maxGapSeconds: 30 * 86_400, roundPrices: true })
  return new Map(bars.filter(({ asOf }) => asOf >= FROM && asOf < UNTIL).map(({ asOf, priceE8 }) => [asOf, priceE8]))
}

const liars = ['the venue that stood apart', '0.65 times the price', '30 times the price', '0'] as const
const lieOf = (liar: (typeof liars)[number], honest: bigint, apart: bigint): bigint =>
  [apart, (honest * 65n) / 100n, honest * 30n, 0n][liars.indexOf(liar)] ?? 0n

/** Two honest sources, and for each liar a median of these and of it. */
async function deployMedians(chain: Chain) {
  const honest = [await chain.deploy(uncheckedSource()), await chain.deploy(uncheckedSource())]
  const medians = []
  for (const liar of liars) {
    const source = await chain.deploy(uncheckedSource())
    const sources = [...honest, source].map(({ target }) => target as string)
    sources.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const ages = sources.map(() => 60n)
    const median = await chain.deploy('MedianFeed', sources, ages, 2, 200, ZeroAddress, 0, defaultPlausibility)
    medians.push({ liar, source, median })
  }
  return { honest, medians }
}

test.skipIf(!existsSync(longHistoryFolder))(
  'R128: the median of March 2020 is never beyond the honest ones, whatever one of three says',
  async () => {
    const [spot, apart] = [closesOf(SPOT), closesOf(APART)]
    const chain = await startChain(new Date('2020-03-01'))
    const { honest, medians } = await deployMedians(chain)
    const word = (priceE8: bigint, asOf: bigint) =>
      pack('observation', { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
    const appended = new Map<string, number>()
    let [hours, widest] = [0, 0]
    for (const [asOf, priceE8] of spot) {
      const stoodApart = apart.get(asOf)
      if (stoodApart === undefined) continue
      hours++
      widest = Math.max(widest, Number(stoodApart) / Number(priceE8))
      // The second honest source: a few hundredths of a per cent beside the first.
      const pair = [priceE8, priceE8 + (priceE8 * ((asOf / 3_600n) % 7n)) / 10_000n]
      await chain.setTime(asOf)
      for (const [i, source] of honest.entries())
        await mined(source.getFunction('append')(btc, word(pair[i] as bigint, asOf)))
      for (const { liar, source, median } of medians) {
        await mined(source.getFunction('append')(btc, word(lieOf(liar, priceE8, stoodApart), asOf)))
        const [event] = eventsOf(await mined(median.getFunction('take')(btc, { gasLimit: GAS_LIMIT })), median)
        if (event?.name !== 'ObservationAppended') continue
        appended.set(liar, (appended.get(liar) ?? 0) + 1)
        const taken = unpack('observation', event.args.word).priceE8
        expect(taken).toBeGreaterThanOrEqual(pair[0] as bigint)
        expect(taken).toBeLessThanOrEqual(pair[1] as bigint)
      }
    }
    expect(hours).toBe(192)
    expect(widest).toBeGreaterThan(1.05)
    for (const liar of liars) expect(appended.get(liar)).toBe(hours)
  },
  120_000,
)
