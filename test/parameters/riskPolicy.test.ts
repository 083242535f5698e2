import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Fields } from '../../circuits/statements/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  sqrtHorizonUp,
} from '../../prover/parameters/policy.ts'
import { wordsBy } from '../../prover/statement/marketState.ts'
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
    await below(setLearning({ decayRateX36: 0n }), 'decayRateX36', 0n, 1n)
    await setLearning({ decayRateX36: 1n })
    await below(setLearning({ horizonSeconds: 0n }), 'horizonSeconds', 0n, 1n)
    await setLearning({ horizonSeconds: 1n, sqrtHorizonX24: sqrtHorizonUp(1n) })
    await below(setLearning({ stepDownX18: 0n }), 'stepDownX18', 0n, 1n)
    await setLearning({ stepDownX18: 1n })
    const { stepDownX18 } = engine.learning
    await below(setLearning({ stepUpX18: stepDownX18 }), 'stepUpX18', stepDownX18, stepDownX18 + 1n)
    await setLearning({ stepUpX18: stepDownX18 + 1n })
  })

  test('the horizon’s square root, rounded up, exactly', async () => {
    for (const horizonSeconds of [60n, 3600n, 86_400n, 31_536n, (1n << 24n) - 1n]) {
      const sqrt = sqrtHorizonUp(horizonSeconds)
      await below(setLearning({ horizonSeconds, sqrtHorizonX24: sqrt - 1n }), 'sqrtHorizonX24', sqrt - 1n, sqrt)
      await setLearning({ horizonSeconds, sqrtHorizonX24: sqrt })
      await above(setLearning({ horizonSeconds, sqrtHorizonX24: sqrt + 1n }), 'sqrtHorizonX24', sqrt + 1n, sqrt)
    }
  })

  test('a multiplier floor above 0 and not above the ceiling', async () => {
    await below(setLearning({ multiplierFloorX18: 0n }), 'multiplierFloorX18', 0n, 1n)
    const { multiplierFloorX18: floor } = engine.learning
    await below(setLearning({ multiplierCeilingX18: floor - 1n }), 'multiplierCeilingX18', floor - 1n, floor)
    await setLearning({ multiplierCeilingX18: floor })
  })
})

describe('R16: the margin policy needs', () => {
  test('weights of at most 1, a scan multiple of at least 1, and margins that can rise', async () => {
    for (const weight of ['impliedWeightX10', 'stressWeightX10'] as const) {
      await above(setMargin({ [weight]: 1025n }), weight, 1025n, 1024n)
      await setMargin({ [weight]: 1024n })
    }
    await below(setMargin({ scanMultipleX8: 255n }), 'scanMultipleX8', 255n, 256n)
    await setMargin({ scanMultipleX8: 256n })
    await below(setMargin({ tightenPerSecondX32: 0n }), 'tightenPerSecondX32', 0n, 1n)
    await setMargin({ tightenPerSecondX32: 1n, loosenPerSecondX32: 0n })
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
  test('a return bound, and floors above 0 and not above their ceilings', async () => {
    await below(setMarket({ maxReturnX16: 0n }), 'maxReturnX16', 0n, 1n)
    await setMarket({ maxReturnX16: 1n })
    await below(setMarket({ volatilityFloorX16: 0n }), 'volatilityFloorX16', 0n, 1n)
    await below(setMarket({ maintenanceMarginFloorX16: 0n }), 'maintenanceMarginFloorX16', 0n, 1n)
    await setMarket({ maintenanceMarginFloorX16: 1n, scanRangeFloorX16: 0n })
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
    const month = 30n * 86_400n
    await above(setFreshness({ maxParameterAgeSeconds: month + 1n }), 'maxParameterAgeSeconds', month + 1n, month)
    await setFreshness({ maxParameterAgeSeconds: month })
  })

  test('says what it was and what it is', async () => {
    await chain.undone(async () => {
      const learning = pack('learningPolicy', { ...engine.learning, stepDownX18: 7n })
      const margin = pack('marginPolicy', { ...engine.margin, scanMultipleX8: 512n })
      const word = pack('marketPolicy', { ...market, maxReturnX16: 9n })
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
        const word = pack('marketPolicy', { ...market, maxReturnX16: BigInt(i + 1) })
        await mined(registry.getFunction('setMarketPolicy')(marketIdOf(name), word))
      }
      for (const [i, name] of names.entries()) {
        const word = pack('marketPolicy', { ...market, maxReturnX16: BigInt(i + 1) })
        expect(await registry.getFunction('marketPolicy')(marketIdOf(name))).toBe(word)
      }
      expect(await registry.getFunction('marketPolicy')(btc)).toBe(pack('marketPolicy', market))
      expect(await registry.getFunction('learningPolicy')()).toBe(pack('learningPolicy', engine.learning))
    })
    await expectRevert(registry.getFunction('marketPolicy')(marketIdOf('M5')), registry, 'MarketPolicyMissing', [
      marketIdOf('M5'),
    ])
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
      ),
    ]
    for (const call of calls) await expectRevert(call, registry, 'AccessManagedUnauthorized', [address])
  })
})
