import { type Contract, getCreateAddress } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Fields, words } from '../../circuits/statements/index.ts'
import type { Field } from '../../circuits/statements/language.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  sqrtHorizonUp,
} from '../../prover/parameters/policy.ts'
import { wordsBy } from '../../prover/statement/marketState.ts'
import { policyEntries } from '../../prover/parameters/policyEntries.ts'
import { pack, wordBits } from '../../prover/statement/words.ts'
import { type Chain, eventsOf, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { freshness } from '../registry/engine.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { deployModelRegistry } from '../../scripts/tools/chains/knownLayouts.ts'

const btc = marketIdOf('BTC-USD')
const engine = encodeEnginePolicy(defaultEnginePolicy)
const market = encodeMarketPolicy(defaultMarketPolicy)

/** Writes a book of so many markets and reads it back. */
const bookWriter = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {PolicyBook} from "contracts/parameters/PolicyBook.sol";
contract Books {
    function writeAndRead(uint256 markets) external {
        uint256[] memory book = new uint256[](3 + 2 * markets);
        for (uint256 i = 0; i < book.length; ++i) book[i] = i + 1;
        bytes32 written = keccak256(abi.encode(book));
        require(keccak256(abi.encode(PolicyBook.read(PolicyBook.write(book)))) == written);
    }
}`

let chain: Chain
let registry: Contract

beforeAll(async () => {
  chain = await startChain()
  const council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  const models = await deployModelRegistry(chain, council)
  const words = [pack('learningPolicy', engine.learning), pack('marginPolicy', engine.margin)]
  registry = await chain.deploy('RiskRegistry', council, models, ...words, freshness)
  await mined(registry.getFunction('setMarketPolicy')(btc, pack('marketPolicy', market)))
})

const setLearning = (change: Partial<Fields<'learningPolicy'>>) =>
  registry.getFunction('setLearningPolicy').staticCall(pack('learningPolicy', { ...engine.learning, ...change }))
const setMargin = (change: Partial<Fields<'marginPolicy'>>) =>
  registry.getFunction('setMarginPolicy').staticCall(pack('marginPolicy', { ...engine.margin, ...change }))
const setMarket = (change: Partial<Fields<'marketPolicy'>>) =>
  registry.getFunction('setMarketPolicy').staticCall(btc, pack('marketPolicy', { ...market, ...change }))
const setFreshness = (change: Partial<typeof freshness>) =>
  registry.getFunction('setFreshnessPolicy').staticCall({ ...freshness, ...change })

const below = (call: Promise<unknown>, field: string, value: bigint, least: bigint) =>
  expectRevert(call, registry, 'PolicyBelow', [field, value, least])
const above = (call: Promise<unknown>, field: string, value: bigint, greatest: bigint) =>
  expectRevert(call, registry, 'PolicyAbove', [field, value, greatest])

describe('R16: the learning policy needs', () => {
  test('a decay, a horizon, and steps of which up is the longer', async () => {
    await below(setLearning({ stepDownX18: 0n }), 'stepDownX18', 0n, 1n)
    await setLearning({ stepDownX18: 1n })
    const { stepDownX18 } = engine.learning
    await below(setLearning({ stepUpX18: stepDownX18 }), 'stepUpX18', stepDownX18, stepDownX18 + 1n)
    const least = 18n * stepDownX18
    await below(setLearning({ stepUpX18: least - 1n }), 'stepUpX18', least - 1n, least)
    await setLearning({ stepUpX18: least })
  })

  test('the horizon’s square root, rounded up, exactly', async () => {
    // A 64th of a year has a root that needs no rounding.
    expect(sqrtHorizonUp(492_750n)).toBe(1n << 21n)
    for (const horizonSeconds of [60n, 3600n, 86_400n, 31_536n, 492_750n, 864_000n]) {
      const sqrt = sqrtHorizonUp(horizonSeconds)
      await below(setLearning({ horizonSeconds, sqrtHorizonX24: sqrt - 1n }), 'sqrtHorizonX24', sqrt - 1n, sqrt)
      await setLearning({ horizonSeconds, sqrtHorizonX24: sqrt })
      await above(setLearning({ horizonSeconds, sqrtHorizonX24: sqrt + 1n }), 'sqrtHorizonX24', sqrt + 1n, sqrt)
    }
  })

  test('a multiplier floor not above the ceiling', async () => {
    const { multiplierFloorX18: floor } = engine.learning
    await below(setLearning({ multiplierCeilingX18: floor - 1n }), 'multiplierCeilingX18', floor - 1n, floor)
    await setLearning({ multiplierCeilingX18: floor })
  })
})

describe('R16: the margin policy needs', () => {
  test('weights of at most 1 and a scan multiple of at least 1', async () => {
    for (const weight of ['impliedWeightX10', 'stressWeightX10'] as const) {
      await above(setMargin({ [weight]: 1025n }), weight, 1025n, 1024n)
      await setMargin({ [weight]: 1024n })
    }
    await below(setMargin({ scanMultipleX8: 255n }), 'scanMultipleX8', 255n, 256n)
    await setMargin({ scanMultipleX8: 256n })
  })

  test('to leave something to lend in every market', async () => {
    // 0.5 · 1.998 + bonus: the greatest buffer still fits without a bonus, and not with the default one.
    const initialMarginBufferX10 = 1023n
    const greatestInitialX24 = ((market.maintenanceMarginCeilingX16 << 8n) * 2047n + 1023n) >> 10n
    const takenX24 = greatestInitialX24 + (market.liquidationBonusX16 << 8n)
    await above(setMargin({ initialMarginBufferX10 }), 'initialMarginX24', takenX24, (1n << 24n) - 1n)
    await chain.undone(async () => {
      const withoutBonus = pack('marketPolicy', { ...market, liquidationBonusX16: 0n })
      await mined(registry.getFunction('setMarketPolicy')(btc, withoutBonus))
      await setMargin({ initialMarginBufferX10 })
    })
  })
})

describe('R16: a market policy needs', () => {
  test('floors not above their ceilings', async () => {
    for (const bound of ['volatility', 'maintenanceMargin', 'scanRange'] as const) {
      const floor = market[`${bound}FloorX16`]
      const ceiling = `${bound}CeilingX16` as const
      await below(setMarket({ [ceiling]: floor - 1n }), ceiling, floor - 1n, floor)
      await setMarket({ [ceiling]: floor })
    }
  })

  test('a share of the forecast of at most 1', async () => {
    const one = 1n << 26n
    await setMarket({ forecastWeightX26: one })
    await above(setMarket({ forecastWeightX26: one + 1n }), 'forecastWeightX26', one + 1n, one)
  })

  test('ceiling · (1 + buffer) + bonus below 1, rounded as the circuit rounds', async () => {
    const onePlusBuffer = 1024n + engine.margin.initialMarginBufferX10
    const maintenanceMarginCeilingX16 = 40_000n
    const initialX24 = ((maintenanceMarginCeilingX16 << 8n) * onePlusBuffer + 1023n) >> 10n
    const most = ((1n << 24n) - 1n - initialX24) >> 8n
    await setMarket({ maintenanceMarginCeilingX16, liquidationBonusX16: most })
    const taken = initialX24 + ((most + 1n) << 8n)
    const call = setMarket({ maintenanceMarginCeilingX16, liquidationBonusX16: most + 1n })
    await above(call, 'initialMarginX24', taken, (1n << 24n) - 1n)
  })
})

/** Fields of a word of policy that are bounded by numbers, for the sake of accounts. */
const bounded = (['learningPolicy', 'marginPolicy', 'marketPolicy'] as const).flatMap((word) =>
  (words[word].fields as readonly Field[])
    .filter(({ because }) => because !== undefined)
    .map(({ name, least, greatest, because = '' }) => ({ word, name, least, greatest, because })),
)
const setters = { learningPolicy: setLearning, marginPolicy: setMargin, marketPolicy: setMarket } as const
const withSqrt = (field: string, value: bigint) =>
  field === 'horizonSeconds' ? { [field]: value, sqrtHorizonX24: sqrtHorizonUp(value) } : { [field]: value }

describe('R46: bounds that protect accounts', () => {
  test.each(bounded)('of $name: one less than the least and one more than the greatest are refused', async (bound) => {
    const set = (value: bigint) => setters[bound.word](withSqrt(bound.name, value) as never)
    if (typeof bound.least === 'number') {
      const least = BigInt(bound.least)
      await below(set(least - 1n), bound.name, least - 1n, least)
      for (const value of [least, least + 1n]) await set(value)
    }
    if (bound.greatest !== undefined && bound.name !== 'maintenanceMarginCeilingX16') {
      const greatest = BigInt(bound.greatest)
      await above(set(greatest + 1n), bound.name, greatest + 1n, greatest)
      for (const value of [greatest - 1n, greatest]) await set(value)
    }
    expect(bound.because.length).toBeGreaterThan(20)
  })

  test('of the greatest maintenance margin, where the other bounds leave room for it', async () => {
    await chain.undone(async () => {
      const roomy = { ...engine.margin, initialMarginBufferX10: 51n }
      await mined(registry.getFunction('setMarginPolicy')(pack('marginPolicy', roomy)))
      const set = (maintenanceMarginCeilingX16: bigint) =>
        setMarket({ maintenanceMarginCeilingX16, liquidationBonusX16: 0n })
      for (const ceiling of [58_981n, 58_982n]) await set(ceiling)
      await above(set(58_983n), 'maintenanceMarginCeilingX16', 58_983n, 58_982n)
    })
  })

  test.each([
    ['stalenessAddOnPerHourX24', 83_886n, 2_097_152n],
    ['maintenanceMarginCapX24', undefined, 12_582_912n],
    ['maxParameterAgeSeconds', undefined, 86_400n],
  ] as const)('of freshness: %s', async (field, least, greatest) => {
    if (least !== undefined) {
      await below(setFreshness({ [field]: least - 1n }), field, least - 1n, least)
      await setFreshness({ [field]: least })
    }
    await setFreshness({ [field]: greatest })
    await above(setFreshness({ [field]: greatest + 1n }), field, greatest + 1n, greatest)
  })

  test('are those of the twin: what its checker lets pass at both ends, the contract takes, and nothing wider', async () => {
    for (const { name, scope, least, greatest } of policyEntries) {
      if (scope === 'garch') continue
      for (const value of [least, greatest]) {
        const policy = {
          ...(scope === 'engine' ? defaultEnginePolicy : defaultMarketPolicy),
          ...pairedWith(name, value),
        }
        if (scope === 'market') await setMarket(encodeMarketPolicy(policy as typeof defaultMarketPolicy))
        else {
          const encoded = encodeEnginePolicy(policy as typeof defaultEnginePolicy)
          await setLearning(encoded.learning)
          if (name !== 'initialMarginBuffer') await setMargin(encoded.margin)
        }
      }
    }
  })

  test('refuse what was legal before: a floor of 0.0015 %, 88 % an hour down, and 100 % an hour for being stale', async () => {
    await below(setMarket({ maintenanceMarginFloorX16: 1n }), 'maintenanceMarginFloorX16', 1n, 328n)
    await above(setMargin({ loosenPerSecondX32: 1_048_575n }), 'loosenPerSecondX32', 1_048_575n, 59_652n)
    const all = (1n << 24n) - 1n
    await above(setFreshness({ stalenessAddOnPerHourX24: all }), 'stalenessAddOnPerHourX24', all, 2_097_152n)
  })
})

/** An entry at an end of its range, and what has to move along so that floors stay below ceilings and something to lend. */
function pairedWith(name: string, value: number): Readonly<Record<string, number>> {
  const ceiling = name.replace(/Floor$/, 'Ceiling')
  const floor = name.replace(/Ceiling$/, 'Floor')
  const others: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    breachProbability: { learningRate: value < 0.001 ? 0.5 : 0.05 },
    learningRate: { breachProbability: 0.04 },
  }
  if (name.startsWith('maintenanceMargin')) {
    // 90 % with the least buffer and no bonus is the contract's joint bound; half of it is as far as the default policy goes.
    const most = Math.min(value, 0.6)
    return name.endsWith('Floor') ? { [name]: most, [ceiling]: Math.max(most, 0.6) } : { [name]: most, [floor]: 0.005 }
  }
  if (name.endsWith('Floor'))
    return { [name]: value, [ceiling]: Math.max(value, 15 * Number(!name.startsWith('scan')) || 3.9) }
  if (name.endsWith('Ceiling'))
    return { [name]: value, [floor]: Math.min(value, name.startsWith('multiplier') ? 0.5 : 0.01) }
  return { [name]: value, ...others[name] }
}

describe('R16: every policy', () => {
  test('has no bits beyond its fields', async () => {
    const setters = [
      ['learningPolicy', (word: bigint) => registry.getFunction('setLearningPolicy')(word)],
      ['marginPolicy', (word: bigint) => registry.getFunction('setMarginPolicy')(word)],
      ['marketPolicy', (word: bigint) => registry.getFunction('setMarketPolicy')(btc, word)],
    ] as const
    for (const [word, set] of setters) {
      const bits = BigInt(wordBits(word))
      await expectRevert(set(1n << bits), registry, 'PolicyWordOutOfRange', [1n << bits, bits])
    }
  })

  test('of freshness lets data land before it is too old to be read', async () => {
    await below(setFreshness({ maxObservationAgeSeconds: 0n }), 'maxObservationAgeSeconds', 0n, 1n)
    await below(setFreshness({ maxParameterAgeSeconds: 119n }), 'maxParameterAgeSeconds', 119n, 120n)
    await setFreshness({ maxParameterAgeSeconds: 120n })
  })

  test('says what it was and what it is', async () => {
    await chain.undone(async () => {
      const learning = pack('learningPolicy', { ...engine.learning, stepDownX18: 7n })
      const margin = pack('marginPolicy', { ...engine.margin, scanMultipleX8: 512n })
      const word = pack('marketPolicy', { ...market, maxReturnX16: 900n })
      const sent = [
        await mined(registry.getFunction('setLearningPolicy')(learning)),
        await mined(registry.getFunction('setMarginPolicy')(margin)),
        await mined(registry.getFunction('setMarketPolicy')(btc, word)),
        await mined(registry.getFunction('setFreshnessPolicy')({ ...freshness, maxParameterAgeSeconds: 200n })),
      ]
      const [first, second, third, fourth] = sent.flatMap((receipt) => eventsOf(receipt, registry))
      expect(first?.args.toArray()).toEqual([pack('learningPolicy', engine.learning), learning])
      expect(second?.args.toArray()).toEqual([pack('marginPolicy', engine.margin), margin])
      expect(third?.args.toArray()).toEqual([btc, pack('marketPolicy', market), word])
      expect(fourth?.args.current.toObject()).toEqual({ ...freshness, maxParameterAgeSeconds: 200n })
      expect(await registry.getFunction('learningPolicy')()).toBe(learning)
      expect(await registry.getFunction('marginPolicy')()).toBe(margin)
      expect(await registry.getFunction('marketPolicy')(btc)).toBe(word)
      const held = await registry.getFunction('freshnessPolicy')()
      expect(held.toObject()).toEqual({ ...freshness, maxParameterAgeSeconds: 200n })
    })
  })

  test('of any market is found, however many there are and in whatever order they came', async () => {
    await chain.undone(async () => {
      const names = ['M5', 'M1', 'M9', 'M3', 'A', 'Z', 'M4']
      for (const [i, name] of names.entries()) {
        const word = pack('marketPolicy', { ...market, maxReturnX16: 1000n + BigInt(i) })
        await mined(registry.getFunction('setMarketPolicy')(marketIdOf(name), word))
      }
      for (const [i, name] of names.entries()) {
        const word = pack('marketPolicy', { ...market, maxReturnX16: 1000n + BigInt(i) })
        expect(await registry.getFunction('marketPolicy')(marketIdOf(name))).toBe(word)
      }
      expect(await registry.getFunction('marketPolicy')(btc)).toBe(pack('marketPolicy', market))
      expect(await registry.getFunction('learningPolicy')()).toBe(pack('learningPolicy', engine.learning))
    })
    await expectRevert(registry.getFunction('marketPolicy')(marketIdOf('M5')), registry, 'MarketPolicyMissing', [
      marketIdOf('M5'),
    ])
  })

  test('that could not be written leaves the book before in force', async () => {
    await chain.undone(async () => {
      const from = registry.target as string
      const nonce = await chain.ethers.provider.getTransactionCount(from)
      // Where the book would lie, something lies.
      await chain.request('hardhat_setCode', getCreateAddress({ from, nonce }), '0x00')
      const other = pack('marketPolicy', { ...market, maxReturnX16: market.maxReturnX16 + 1n })
      await expectRevert(registry.getFunction('setMarketPolicy')(btc, other), registry, 'PolicyBookFull', [1n])
      expect(await registry.getFunction('marketPolicy')(btc)).toBe(pack('marketPolicy', market))
    })
    await chain.undone(async () => mined(registry.getFunction('setMarketPolicy')(btc, pack('marketPolicy', market))))
  })

  test('of at most 382 markets fits into the book', async () => {
    const books = await chain.deploy(compileContract('Books', bookWriter))
    await mined(books.getFunction('writeAndRead')(382))
    await expectRevert(books.getFunction('writeAndRead')(383), registry, 'PolicyBookFull', [383n])
  })

  test('is the authority’s to set, and nobody else’s', async () => {
    const stranger = chain.signers[1]
    const address = await stranger?.getAddress()
    const asStranger = registry.connect(stranger as never) as Contract
    const calls = [
      asStranger.getFunction('setLearningPolicy')(0n),
      asStranger.getFunction('setMarginPolicy')(0n),
      asStranger.getFunction('setMarketPolicy')(btc, 0n),
      asStranger.getFunction('setFreshnessPolicy')(freshness),
      asStranger.getFunction('addMarket')(
        btc,
        address,
        1n,
        wordsBy(() => 0n),
        [0n, btc, 0n],
      ),
    ]
    for (const call of calls) await expectRevert(call, registry, 'AccessManagedUnauthorized', [address])
  })
})
