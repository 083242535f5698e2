/** Prices of any size: the scale of a history, what its parameters are then, and what a source says of its own. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contract, Wallet, ZeroAddress } from 'ethers'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { projectRoot } from '../../prover/config.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { parsePriceFile, type PriceFile, readPriceFile } from '../../prover/market/prices.ts'
import {
  GREATEST_PRICE_SCALE,
  LEAST_PRICE_SCALE,
  plainPrice,
  PriceBeyondScaleError,
  rescaleState,
  unitPrice,
} from '../../prover/market/priceScale.ts'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { realValues } from '../../prover/parameters/real.ts'
import { type ReplaySeries, replay } from '../../prover/parameters/replay.ts'
import { ewma } from '../../prover/volatility/ewma.ts'
import { attest, domainOf } from '../../scripts/tools/chains/attestation.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { expectRevert } from '../reverts.ts'

const thrownBy = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('expected a refusal')
}

const fail = (): never => {
  throw new Error('expected a publication')
}

const EXTRACT = join(projectRoot, 'prover/market/extracts/btc-usd-2020-03.csv')

/** The extract with its first price at another one, every return as it was. */
function historyAt(firstPrice: number): PriceFile {
  const [header = '', ...lines] = readFileSync(EXTRACT, 'utf8').trim().split('\n')
  const names = header.split(',')
  const isPrice = names.map((name) => /open|high|low|close|price/i.test(name))
  const first = Number(lines[0]?.split(',')[names.findIndex((name) => /close|price/i.test(name))])
  const scaled = lines.map((line) =>
    line
      .split(',')
      .map((cell, i) => (isPrice[i] ? ((Number(cell) * firstPrice) / first).toPrecision(14) : cell))
      .join(','),
  )
  return parsePriceFile([header, ...scaled].join('\n'), 'scaled.csv', { units: 'auto', roundPrices: true })
}

const asIs = (): ReplaySeries => replay(historyAt(100).rows, defaultPolicy)

describe('V10: the same returns', () => {
  const expected = asIs()

  test.each([
    [4.2e-7, { count: 10n ** 9n, parts: 1n }],
    [1e-8, { count: 10n ** 9n, parts: 1n }],
    [15_000_000, { count: 1n, parts: 1000n }],
  ])('at %s give the parameters that they give at 100', (price, units) => {
    const { rows, layout } = historyAt(price)
    expect(layout.units).toEqual(units)
    expect(unitPrice(rows[0]?.priceE8 ?? 0n, units) / price).toBeCloseTo(1, 6)
    const { points } = replay(rows, defaultPolicy)
    expect(points.length).toBe(expected.points.length)
    let apart = 0
    for (const [i, { parameters }] of points.entries()) {
      const [found, wanted] = [realValues(parameters), realValues(expected.points[i]?.parameters ?? parameters)]
      for (const name of [
        'volatility',
        'initialMargin',
        'maintenanceMargin',
        'horizonMoveDown',
        'scanRange',
      ] as const) {
        apart = Math.max(apart, Math.abs(found[name] / wanted[name] - 1))
      }
    }
    expect(apart).toBeLessThan(1e-4)
  })
})

const reported = join(projectRoot, '..', 'shared', 'cases', 'inputs', 'price-1e-8.csv')

it.skipIf(!existsSync(reported))(
  'V10: a file of a tiny token has the volatility of its returns, not of its steps',
  () => {
    const { rows } = readPriceFile(reported, { units: 'auto' })
    const { points } = replay(rows, withStartingWords(ewma, defaultPolicy), { model: ewma })
    const { volatility, maintenanceMargin } = realValues(points.at(-1)?.parameters ?? fail())
    expect(volatility).toBeCloseTo(0.788, 3)
    expect(maintenanceMargin).toBeCloseTo(0.0342, 4)
  },
)

describe('V11: the scale of a history', () => {
  const unitsOf = (...prices: readonly string[]) => {
    const rows = prices.map((price, i) => `2026-01-0${i + 1} 00:00,${price}`)
    const { units } = parsePriceFile(['time,price', ...rows].join('\n'), 'file.csv', { units: 'auto' }).layout
    return Number(units.count) / Number(units.parts)
  }

  it.each([
    [['0.0001', '1'], 1],
    [['0.00009999', '1'], 1000],
    [['2814749.76710655', '100'], 1],
    [['2814749.767', '2814749.768'], 0.001],
    // Room to rise by ten, or the next one.
    [['281474976', '281474976.7'], 0.001],
    [['281474976', '281474977'], 0.000001],
    [['0.0000004', '0.0000005'], 1e9],
    // The least price is one or more, where the greatest fits so.
    [['0.0000004', '0.001'], 1e6],
  ])('of prices %j is %s', (prices, units) => expect(unitsOf(...prices)).toBe(units))

  it('is none of prices too far apart, and the file is refused as it would be without', () => {
    expect(thrownBy(() => unitsOf('0.000000001', '2000000'))).toMatchObject({ code: 'market.price-step' })
    expect(thrownBy(() => unitsOf('300000000000', '300000000001'))).toMatchObject({ code: 'market.price-over-range' })
    expect(unitsOf('200000000000', '200000000001')).toBe(0.000001)
  })

  it('is told with the bounds of one unit where prices are of more or less', () => {
    const refusal = (units: number, price: string) =>
      thrownBy(() => parsePriceFile(`time,price\n2026-01-01,100\n2026-01-02,${price}`, 'file.csv', { units }))
    expect(refusal(1, '2814749.76710656')).toMatchObject({
      message: expect.stringContaining('a price below 2,814,749.76710656,'),
    })
    const message = expect.stringMatching(
      /a price below 2\.81474976710656, .* told of 1,000,000 units; give fewer --price-units/,
    )
    expect(refusal(1e6, '2')).toMatchObject({ message })
    expect(refusal(0.001, '0.001')).toMatchObject({
      message: expect.stringContaining('at least 0.01 (a step of 0.00001 is'),
    })
  })

  it('of any other number of units shows prices of one to the digits that tell their words apart', () => {
    const seven = { count: 7n, parts: 1n }
    expect(plainPrice(100n * 7n * 10n ** 8n, seven)).toBe('100')
    expect([1n, 2n, 3n].map((word) => plainPrice(word, seven))).toEqual(['0.000000001', '0.000000003', '0.000000004'])
    expect(plainPrice(10n ** 10n, seven)).toBe('14.285714286')
    expect(plainPrice(10n ** 10n, { count: 1000n, parts: 1n })).toBe('0.1')
  })

  it('is what it says where it says one', () => {
    const { layout } = parsePriceFile('time,price\n2026-01-01,0.00042\n2026-01-02,0.00043', 'file.csv', { units: 1000 })
    expect(layout.units).toEqual({ count: 1000n, parts: 1n })
  })
})

describe('R111: a state told at another scale', () => {
  const last = () => asIs().points.at(-1)?.state

  it('has both log prices moved and nothing else, and comes back', () => {
    const state = last() as NonNullable<ReturnType<typeof last>>
    const moved = rescaleState(state, 3)
    const ln1000X26 = BigInt(Math.round(Math.log(1000) * 2 ** 26))
    expect(moved.volatility.lnPriceX26 - state.volatility.lnPriceX26).toBe(ln1000X26)
    expect(moved.anchor.anchorLnPriceX26 - state.anchor.anchorLnPriceX26).toBe(ln1000X26)
    expect(rescaleState(moved, -3)).toEqual(state)
    expect(rescaleState(state, 0)).toEqual(state)
    const { lnPriceX26 } = state.volatility
    const { anchorLnPriceX26 } = state.anchor
    const back = {
      ...moved,
      volatility: { ...moved.volatility, lnPriceX26 },
      anchor: { ...moved.anchor, anchorLnPriceX26 },
    }
    expect(back).toEqual(state)
  })

  it('is refused where no state holds its price', () => {
    const state = last() as NonNullable<ReturnType<typeof last>>
    const at = (lnPriceX26: bigint) => ({ ...state, volatility: { ...state.volatility, lnPriceX26 } })
    const ln10X26 = BigInt(Math.round(Math.log(10) * 2 ** 26))
    expect(rescaleState(at(ln10X26), -1).volatility.lnPriceX26).toBe(0n)
    expect(thrownBy(() => rescaleState(at(ln10X26 - 1n), -1))).toBeInstanceOf(PriceBeyondScaleError)
  })
})

const PEPE = marketIdOf('PEPE-USD')
const BTC = marketIdOf('BTC-JPY')
const signer = new Wallet(`0x${'7'.padStart(64, '0')}`)
let chain: Chain
let council: Contract

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', signer.address)
})

const door = { ...defaultPlausibility, leastSpacingSeconds: 1n }
type Scales = readonly { readonly marketId: string; readonly scale: number }[]
const scaledFeed = (scales: Scales) => chain.deploy('ScaledFeed', council, [signer.address], 1, 100, door, scales)
const plainFeed = () => chain.deploy('AttestedFeed', council, [signer.address], 1, 100, door)
const scaleOf = (source: Contract, marketId = PEPE): Promise<bigint> => source.getFunction('priceScale')(marketId)

async function said(feed: Contract, priceE8: bigint, domain = domainOf(feed)) {
  const asOf = await chain.now()
  const observation = {
    ...{ marketId: PEPE, priceE8, confidenceE8: 0n, asOf, impliedVolatilityX16: 0n },
    ...{ rangeCode: 0n, deadline: asOf + 600n },
  }
  const signatures = await attest(await domain, [signer], observation)
  return feed.getFunction('submit')(observation, signatures, { gasLimit: GAS_LIMIT })
}

describe('R110: the scale of a source', () => {
  test('is what its constructor was told of each market, and 0 of others', async () => {
    const feed = await scaledFeed([
      { marketId: PEPE, scale: 9 },
      { marketId: BTC, scale: -3 },
    ])
    expect([await scaleOf(feed), await scaleOf(feed, BTC), await scaleOf(feed, marketIdOf('ETH-USD'))]).toEqual([
      9n,
      -3n,
      0n,
    ])
  })

  test('lies between a millionth of a unit and 10^12, and is stated once', async () => {
    const feed = await scaledFeed([])
    for (const scale of [LEAST_PRICE_SCALE, GREATEST_PRICE_SCALE]) {
      expect(await scaleOf(await scaledFeed([{ marketId: PEPE, scale }]))).toBe(BigInt(scale))
    }
    for (const scale of [LEAST_PRICE_SCALE - 1, GREATEST_PRICE_SCALE + 1]) {
      const args = [PEPE, BigInt(scale), BigInt(LEAST_PRICE_SCALE), BigInt(GREATEST_PRICE_SCALE)]
      await expectRevert(scaledFeed([{ marketId: PEPE, scale }]), feed, 'PriceScaleOutOfRange', args)
    }
    const twice = [1, 2].map((scale) => ({ marketId: PEPE, scale }))
    await expectRevert(scaledFeed(twice), feed, 'PriceScaleRepeated', [PEPE])
    const rounds = await chain.deploy('ScaledRounds', council, [signer.address], 1, 300, [{ marketId: PEPE, scale: 6 }])
    expect(await scaleOf(rounds)).toBe(6n)
  })

  test('is told with the price', async () => {
    const feed = await scaledFeed([{ marketId: PEPE, scale: 9 }])
    const latest = async () => (await feed.getFunction('latestPrice')(PEPE)).toArray()
    expect(await latest()).toEqual([0n, 9n, 0n])
    const asOf = await chain.now()
    await mined(said(feed, 42_000_000_000n))
    expect(await latest()).toEqual([42_000_000_000n, 9n, asOf])
  })

  test('is a part of what is signed for it: the source is', async () => {
    const [scaled, plain] = [await scaledFeed([{ marketId: PEPE, scale: 9 }]), await plainFeed()]
    await expectRevert(said(scaled, 42_000_000_000n, domainOf(plain)), scaled, 'SignatureRejected', [signer.address])
    await mined(said(scaled, 42_000_000_000n))
  })
})

describe('R114: the scale of a median', () => {
  const median = async (scales: readonly number[], least: number) => {
    const sources = await Promise.all(
      scales.map((scale) => (scale === 0 ? plainFeed() : scaledFeed([{ marketId: PEPE, scale }]))),
    )
    const inOrder = sources.sort((a, b) => (BigInt(a.target as string) < BigInt(b.target as string) ? -1 : 1))
    const addresses = inOrder.map(({ target }) => target)
    const ages = addresses.map(() => 120)
    const feed = await chain.deploy('MedianFeed', addresses, ages, least, 9_999, ZeroAddress, 0, door)
    return { feed, sources: inOrder }
  }

  test('is that of as many sources as have to agree', async () => {
    expect(await scaleOf((await median([9, 9, 9], 3)).feed)).toBe(9n)
    expect(await scaleOf((await median([9, 9, 0], 2)).feed)).toBe(9n)
    expect(await scaleOf((await median([0, 0, -3], 2)).feed)).toBe(0n)
  })

  test('is none before they do, and then there is no observation', async () => {
    const { feed, sources } = await median([9, 9, 0], 3)
    await expectRevert(scaleOf(feed), feed, 'NoCommonPriceScale', [PEPE, 3n])
    for (const source of sources) await mined(said(source, 42_000_000_000n))
    await expectRevert(feed.getFunction('take')(PEPE), feed, 'NoCommonPriceScale', [PEPE, 3n])
    const agreed = await median([9, 9, 9], 3)
    for (const source of agreed.sources) await mined(said(source, 42_000_000_000n))
    await mined(agreed.feed.getFunction('take')(PEPE))
  })

  test('is not for one source to deny, whatever it answers', async () => {
    const source = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Liar { fallback() external { assembly { mstore(0, sub(0, 77)) return(0, 0x80) } } }`
    const liar = await chain.deploy(compileContract('Liar', source))
    const honest = [await plainFeed(), await plainFeed()]
    const addresses = [liar, ...honest]
      .map(({ target }) => target as string)
      .sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const feed = await chain.deploy('MedianFeed', addresses, [120, 120, 120], 2, 200, ZeroAddress, 0, door)
    for (const each of honest) await mined(said(each, 42_000_000_000n))
    await mined(feed.getFunction('take')(PEPE))
    expect(await scaleOf(feed)).toBe(0n)
  })
})
