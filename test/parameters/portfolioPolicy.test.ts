import { type Contract, getCreateAddress } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Fields, lists, type WordName, words as declared } from '../../circuits/statements/index.ts'
import { policyWordsOf } from '../../prover/registry/index.ts'
import { bitsOf, fixedWords, type Word } from '../../circuits/statements/language.ts'
import { joinElements, pack, splitElements, unpack } from '../../prover/statement/words.ts'
import { type Chain, eventsOf, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { freshness, ONE_X40, policy } from '../../scripts/tools/chains/portfolioEngine.ts'
import { deployModelRegistry } from '../../scripts/tools/chains/knownLayouts.ts'

const kinds: readonly WordName[] = lists.portfolioPolicy.sections.flatMap((section) =>
  Array<WordName>(fixedWords(section, declared)).fill(section.word),
)
const words = policyWordsOf(policy)

let chain: Chain
let arrays: Contract

beforeAll(async () => {
  chain = await startChain()
  const council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  const models = await deployModelRegistry(chain, council)
  const place = [council, models, council, `0x${'11'.repeat(32)}`]
  arrays = await chain.deploy('RiskArrays', ...place, words, freshness)
})

const set = (given: readonly bigint[]) => arrays.getFunction('setPortfolioPolicy')(given)
const takes = (given: readonly bigint[]) => chain.undone(async () => mined(set(given)))
const refuses = (given: readonly bigint[], error: string, args?: readonly unknown[]) =>
  expectRevert(set(given), arrays, error, args)

/** The policy with some fields of one word changed, of one of its elements if it holds several. */
function withFields(index: number, change: Record<string, bigint>, element = 0): readonly bigint[] {
  const kind = kinds[index] as WordName
  const { perWord = 1 }: Word = declared[kind]
  const elements = splitElements(kind, [words[index] as bigint], perWord)
  const fields = { ...unpack(kind, elements[element] as bigint), ...change } as Fields<WordName>
  return words.with(index, joinElements(kind, elements.with(element, pack(kind, fields as never)))[0] as bigint)
}

describe('R25: the policy of portfolio margins', () => {
  test('is kept word by word, counted and told', async () => {
    await chain.undone(async () => {
      const next = withFields(20, { initialPerpX40: 5n })
      const [event] = eventsOf(await mined(set(next)), arrays)
      expect(event?.name).toBe('PortfolioPolicySet')
      expect([event?.args.version, [...(event?.args.words ?? [])]]).toEqual([2n, next])
      const found = await arrays.getFunction('portfolioPolicy')()
      expect([found.version, [...found.words]]).toEqual([2n, next])
    })
    const found = await arrays.getFunction('portfolioPolicy')()
    expect([found.version, [...found.words]]).toEqual([1n, words])
  })

  test('that could not be written leaves the one before in force', async () => {
    await chain.undone(async () => {
      const from = arrays.target as string
      const nonce = await chain.ethers.provider.getTransactionCount(from)
      // Where its words would lie, something lies.
      await chain.request('hardhat_setCode', getCreateAddress({ from, nonce }), '0x00')
      await refuses(withFields(20, { initialPerpX40: 5n }), 'PortfolioPolicyNotWritten')
      const found = await arrays.getFunction('portfolioPolicy')()
      expect([found.version, [...found.words]]).toEqual([1n, words])
    })
    await takes(withFields(20, { initialPerpX40: 5n }))
  })

  test('has words of their width', async () => {
    for (const [i, kind] of kinds.entries()) {
      const bits = bitsOf(declared[kind])
      const wide = (words[i] as bigint) | (1n << BigInt(bits))
      await refuses(words.with(i, wide), 'PortfolioWordOutOfRange', [BigInt(i), wide, BigInt(bits)])
    }
    expect(kinds.length).toBe(words.length)
    expect(new Set(kinds).size).toBeLessThan(Object.keys(declared).length)
  })

  test('has regular shocks from high to low around none', async () => {
    const shockOf = (i: number) => unpack('scenarioRegular', words[i] as bigint).shockX40
    await takes(withFields(1, { shockX40: shockOf(0) }))
    await refuses(withFields(1, { shockX40: shockOf(0) + 1n }), 'PortfolioPolicyAbove', [
      'regularShockX40',
      shockOf(0) + 1n,
      shockOf(0),
    ])
    await refuses(withFields(3, { shockX40: ONE_X40 + 1n }), 'PortfolioPolicyAbove', [
      'regularShockX40',
      ONE_X40 + 1n,
      ONE_X40,
    ])
    await refuses(withFields(3, { shockX40: ONE_X40 - 1n }), 'PortfolioPolicyBelow', [
      'regularShockX40',
      ONE_X40 - 1n,
      ONE_X40,
    ])
    await takes(withFields(6, { shockX40: 1n }))
    await refuses(withFields(6, { shockX40: 0n }), 'PortfolioPolicyBelow', ['regularShockX40', 0n, 1n])
    await refuses(withFields(6, { shockX40: shockOf(5) + 1n }), 'PortfolioPolicyAbove')
  })

  test('has shocks above zero, and forwards shocked up and down', async () => {
    for (const i of [7, 8, 9, 10, 11]) {
      for (const element of [0, 1]) {
        await refuses(withFields(i, { shockX40: 0n }, element), 'PortfolioPolicyBelow', ['upOnlyShockX40', 0n, 1n])
      }
    }
    await takes(withFields(7, { shockX40: 1n }, 0))
    await takes(withFields(7, { shockX40: (1n << 43n) - 1n }, 1))
    for (const field of ['shockLinearX40', 'shockAbsoluteX40']) {
      await takes(withFields(18, { [field]: 1n }))
      await refuses(withFields(18, { [field]: 0n }), 'PortfolioPolicyBelow', ['skewShockX40', 0n, 1n])
    }
    await takes(withFields(12, { basisUpX40: ONE_X40, basisDownX40: ONE_X40 }))
    await refuses(withFields(12, { basisUpX40: ONE_X40 - 1n }), 'PortfolioPolicyBelow', [
      'basisUpX40',
      ONE_X40 - 1n,
      ONE_X40,
    ])
    await refuses(withFields(12, { basisDownX40: ONE_X40 + 1n }), 'PortfolioPolicyAbove', [
      'basisDownX40',
      ONE_X40 + 1n,
      ONE_X40,
    ])
  })

  test('has fractions that are', async () => {
    for (const field of ['maintenancePerpX40', 'initialPerpX40', 'maintenanceOptionX40', 'initialOptionX40']) {
      const most = 3n * ONE_X40
      await takes(withFields(20, { [field]: most }))
      await refuses(withFields(20, { [field]: most + 1n }), 'PortfolioPolicyAbove', [field, most + 1n, most])
    }
    await takes(withFields(29, { concentrationX40: ONE_X40 }))
    await takes(withFields(29, { concentrationX40: 0n }))
    await refuses(withFields(29, { concentrationX40: ONE_X40 + 1n }), 'PortfolioPolicyAbove', [
      'concentrationX40',
      ONE_X40 + 1n,
      ONE_X40,
    ])
    // Any size is one: 0 charges the whole position, the greatest none of it.
    for (const size of [0n, (1n << 30n) - 1n]) {
      await takes(withFields(29, { perpSizeQ: size, optionSizeQ: size }))
      for (const i of [30, 31]) await takes(withFields(i, { sizeQ: size }, 7))
    }
    for (const i of [21, 22, 27, 28]) {
      for (const element of [0, 1]) {
        for (const [field = '', name] of [
          ['initialHaircutX40', 'haircutX40'],
          ['maintenanceHaircutX40', 'haircutX40'],
          ['confidenceThresholdX40', 'collateralConfidenceThresholdX40'],
        ]) {
          if (i === 20) await takes(withFields(i, { [field]: ONE_X40 }, element))
          const above = withFields(i, { [field]: ONE_X40 + 1n }, element)
          await refuses(above, 'PortfolioPolicyAbove', [name, ONE_X40 + 1n, ONE_X40])
        }
      }
    }
  })

  test('has one threshold of confidence in both of its words', async () => {
    const both = (threshold: bigint) =>
      withFields(19, { confidenceThresholdX40: threshold }).with(
        17,
        pack('shortDiscount', { ...unpack('shortDiscount', words[17] as bigint), confidenceThresholdX40: threshold }),
      )
    await takes(both(ONE_X40))
    await refuses(both(ONE_X40 + 1n), 'PortfolioPolicyAbove', ['confidenceThresholdX40', ONE_X40 + 1n, ONE_X40])
    for (const change of [1n, -1n]) {
      const other = withFields(19, { confidenceThresholdX40: ONE_X40 / 2n + change })
      await refuses(other, change > 0n ? 'PortfolioPolicyAbove' : 'PortfolioPolicyBelow')
    }
  })

  test('says how old rounds and margins may be', async () => {
    const setFreshness = (maxRoundAgeSeconds: bigint, maxMarginAgeSeconds: bigint, maxRoundLagSeconds = 15n) =>
      arrays.getFunction('setPortfolioFreshness')({ maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds })
    await chain.undone(async () => {
      const [event] = eventsOf(await mined(setFreshness(60n, 60n, 60n)), arrays)
      expect(event?.args.toArray().map((value: { toArray(): bigint[] }) => value.toArray())).toEqual([
        [600n, 3_600n, 300n],
        [60n, 60n, 60n],
      ])
    })
    const month = 2_592_000n
    await chain.undone(async () => mined(setFreshness(15n, month)))
    await expectRevert(setFreshness(14n, 15n), arrays, 'PortfolioPolicyBelow', ['maxRoundAgeSeconds', 14n, 15n])
    await expectRevert(setFreshness(61n, 60n), arrays, 'PortfolioPolicyBelow', ['maxMarginAgeSeconds', 60n, 61n])
    const beyond = ['maxMarginAgeSeconds', month + 1n, month]
    await expectRevert(setFreshness(15n, month + 1n), arrays, 'PortfolioPolicyAbove', beyond)
    const tooLittle = ['maxRoundLagSeconds', 14n, 15n]
    await expectRevert(setFreshness(60n, 60n, 14n), arrays, 'PortfolioPolicyBelow', tooLittle)
    const tooMuch = ['maxRoundLagSeconds', 61n, 60n]
    await expectRevert(setFreshness(60n, 60n, 61n), arrays, 'PortfolioPolicyAbove', tooMuch)
  })

  test('is set by the authority alone, also at deployment', async () => {
    const [, stranger] = chain.signers
    const asStranger = arrays.connect(stranger as never) as Contract
    const address = await stranger?.getAddress()
    const refusal = [arrays, 'AccessManagedUnauthorized', [address]] as const
    await expectRevert(asStranger.getFunction('setPortfolioPolicy')([...words]), ...refusal)
    await expectRevert(asStranger.getFunction('setPortfolioFreshness')(freshness), ...refusal)
    const place = [arrays.target, arrays.target, arrays.target, `0x${'11'.repeat(32)}`]
    const bad = withFields(6, { shockX40: 0n })
    await expectRevert(chain.deploy('RiskArrays', ...place, bad, freshness), arrays, 'PortfolioPolicyBelow')
  })
})
