/** The mocks that consumers test with answer as the contracts do that they stand for, at every age and in every refusal. */
import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RoundWords } from '../../prover/registry/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E12,
  E8,
  marginsWord,
  PortfolioEngine,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { Engine, freshness, type Market } from '../registry/engine.ts'
import { expectRevert } from '../reverts.ts'

/** What a view answers, or the name and arguments of what it reverts with. */
async function answerOf(contract: Contract, view: string, id: string): Promise<unknown> {
  try {
    return await contract.getFunction(view)(id)
  } catch (error) {
    const data = (error as { data?: string }).data ?? (error as { error?: { data?: string } }).error?.data
    const parsed = data === undefined ? null : contract.interface.parseError(data)
    if (parsed === null) throw error
    return [parsed.name, ...parsed.args.toArray()]
  }
}

async function expectSameAnswers(views: readonly string[], real: Contract, mock: Contract, id: string): Promise<void> {
  for (const view of views) {
    expect({ view, answer: await answerOf(mock, view, id) }).toEqual({ view, answer: await answerOf(real, view, id) })
  }
}

describe('MockRiskParameters', () => {
  const views = [
    'parameters',
    'parametersForLiquidation',
    'unsafeParameters',
    'initialMarginWad',
    'maintenanceMarginWad',
    'liquidationThresholdWad',
    'maxLoanToValueWad',
    'volatilityWad',
    'sequence',
  ]
  let engine: Engine
  let market: Market
  let mock: Contract
  let asOf: bigint

  beforeAll(async () => {
    engine = await Engine.start(1)
    ;[market] = engine.markets as [Market]
    await engine.observe(market, 50_000n * E8)
    await engine.land(engine.batch([market]))
    mock = await engine.chain.deploy('MockRiskParameters')
    const parameters = (await engine.registry.getFunction('parameters')(market.marketId)).toObject()
    asOf = parameters.asOf
    const { maxParameterAgeSeconds, stalenessAddOnPerHourX24, maintenanceMarginCapX24 } = freshness
    const rules = [maxParameterAgeSeconds, stalenessAddOnPerHourX24, maintenanceMarginCapX24]
    await mined(mock.getFunction('setFreshness')(...rules))
    await mined(mock.getFunction('setParameters')(market.marketId, parameters))
  })

  test('answers as the registry does at every age, fresh, stale and tightened to the cap', async () => {
    const limit = freshness.maxParameterAgeSeconds
    for (const age of [1_000n, limit - 1n, limit, limit + 1n, limit + 3_601n, 10n * limit, 10n ** 8n]) {
      await engine.chain.undone(async () => {
        await engine.chain.setTime(asOf + age)
        await expectSameAnswers(views, engine.registry, mock, market.marketId)
      })
    }
  })

  test('refuses what the registry refuses: markets without a proof, and shadows', async () => {
    for (const id of [marketIdOf('SOL-USD'), marketIdOf('BTC-USD~garch')]) {
      await expectSameAnswers(views, engine.registry, mock, id)
    }
    await expectRevert(mock.getFunction('parameters')(marketIdOf('SOL-USD')), mock, 'NotYetProven')
  })

  test('is set by age, and forgets', async () => {
    await engine.chain.undone(async () => {
      await mined(mock.getFunction('setAge')(market.marketId, freshness.maxParameterAgeSeconds))
      expect((await mock.getFunction('parametersForLiquidation')(market.marketId)).stale).toBe(false)
      await mined(mock.getFunction('setAge')(market.marketId, freshness.maxParameterAgeSeconds + 1n))
      await expectRevert(mock.getFunction('parameters')(market.marketId), mock, 'ParametersStale')
      expect((await mock.getFunction('parametersForLiquidation')(market.marketId)).stale).toBe(true)
      await mined(mock.getFunction('forget')(market.marketId))
      await expectRevert(mock.getFunction('unsafeParameters')(market.marketId), mock, 'NotYetProven')
      expect(await mock.getFunction('sequence')(market.marketId)).toBe(0n)
    })
  })

  test('does not tighten for seconds in which a market was paused, nor for the time after that a venue needs to go on', async () => {
    const limit = freshness.maxParameterAgeSeconds
    const proven = (await mock.getFunction('parameters')(market.marketId)).toObject()
    const read = async (age: bigint) =>
      engine.chain.undone(async () => {
        await engine.chain.setTime(asOf + age)
        const [held, stale] = await mock.getFunction('parametersForLiquidation')(market.marketId)
        return { stale, tightened: held.maintenanceMarginX24 > proven.maintenanceMarginX24 }
      })
    expect(await read(2n * limit)).toEqual({ stale: true, tightened: true })
    await engine.chain.undone(async () => {
      await mined(mock.getFunction('setPaused')(market.marketId, limit))
      const paused = await engine.chain.now()
      expect(await mock.getFunction('pausedUntil')(market.marketId)).toBe(paused + limit)
      // Paused for as long as the limit, and as long again of grace.
      const until = paused + 2n * limit - asOf
      for (const age of [limit + 1n, until]) expect(await read(age)).toEqual({ stale: true, tightened: false })
      expect(await read(until + limit)).toEqual({ stale: true, tightened: true })
      await mined(mock.getFunction('setPaused')(market.marketId, 0n))
      expect(await mock.getFunction('pausedUntil')(market.marketId)).toBe(0n)
    })
  })

  test('holds any values, also those that no proof could put in force', async () => {
    const odd = { ...(await mock.getFunction('parameters')(market.marketId)).toObject(), initialMarginX24: 2n ** 255n }
    await engine.chain.undone(async () => {
      await mined(mock.getFunction('setParameters')(market.marketId, odd))
      expect((await mock.getFunction('unsafeParameters')(market.marketId)).proven.initialMarginX24).toBe(2n ** 255n)
    })
  })
})

describe('MockPortfolioMargins', () => {
  const EXPIRY = 2_000_000_000n
  const views = ['marginOf', 'marginForLiquidation', 'unsafeMargin', 'thresholdsOf', 'unsafeThresholds', 'accountOf']
  const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((k) => k * 1000n * E8) }
  let engine: PortfolioEngine
  let account: Account
  let round: RoundWords
  let first: RoundWords
  let mock: Contract
  let maxAge: bigint

  beforeAll(async () => {
    engine = await PortfolioEngine.start()
    account = {
      signer: (await engine.chain.signers[7]?.getAddress()) as string,
      positions: [{ expiry: EXPIRY, strikeE8: 80_000n * E8, callsE12: -E12, putsE12: 0n }],
      holdings: { perpsE12: 0n, cashE12: 1n, perpPnlE12: 0n },
      collateralAmounts: amountsWords(5n, 6n),
    }
    await engine.report(account)
    round = await engine.round([EXPIRY])
    first = round
    await mined(engine.landArrays(round, [key]))
    mock = await engine.chain.deploy('MockPortfolioMargins')
    maxAge = (await engine.arrays.getFunction('portfolioFreshness')()).maxMarginAgeSeconds
    await mined(mock.getFunction('setFreshness')(maxAge))
  })

  /** Lands a margin of the account in the registry. */
  async function land(maintenanceE8: bigint): Promise<void> {
    const books = await engine.books(round, account, [key])
    const word = marginsWord({ maintenanceE8 })
    const margin = await engine.margin(round, [account], [books], { margins: [word, word, word] })
    await mined(engine.send(engine.marginCall(round, [{ account: account.signer, books }], margin)))
  }

  /** Shows the account below maintenance. */
  async function witness(): Promise<void> {
    const books = await engine.books(round, account, [key])
    const proof = await engine.witness(round, account, books)
    await mined(engine.send(engine.witnessCall(round, { account: account.signer, books }, proof)))
  }

  /** Sets the mock to what the registry holds. */
  async function follow(isWitnessed = false): Promise<void> {
    const { sequence, bookHash } = await engine.registry.getFunction('accountOf')(account.signer)
    await mined(mock.getFunction('setReport')(account.signer, sequence, bookHash))
    const held = await answerOf(engine.registry, 'unsafeMargin', account.signer)
    const [first] = held as [unknown]
    if (typeof first !== 'string') {
      const { proven } = await engine.registry.getFunction('unsafeMargin')(account.signer)
      await mined(mock.getFunction('setMargin')(account.signer, proven.toObject()))
    }
    const [further] = (await answerOf(engine.registry, 'unsafeThresholds', account.signer)) as [unknown]
    if (typeof further !== 'string') {
      const { proven } = await engine.registry.getFunction('unsafeThresholds')(account.signer)
      await mined(mock.getFunction('setThresholds')(account.signer, proven.toObject()))
    }
    if (isWitnessed) await mined(mock.getFunction('setWitness')(account.signer, { asOf: round.asOf, sequence }))
  }

  const same = () => expectSameAnswers(views, engine.registry, mock, account.signer)

  test.each([5n, 0n, -5n])(
    'answers as the registry does for a maintenance margin of %i, at every age',
    async (margin) => {
      await engine.chain.undone(async () => {
        await land(margin)
        await follow()
        for (const age of [maxAge - 1n, maxAge, maxAge + 1n, 10n ** 7n]) {
          await engine.chain.undone(async () => {
            await engine.chain.setTime(round.asOf + age)
            await same()
          })
        }
      })
    },
  )

  test('answers as the registry does once margins were proven alone: thresholds are gone, until they are proven again', async () => {
    await engine.chain.undone(async () => {
      await land(5n)
      await follow()
      round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      await engine.landMargins(round, [account], [[key]], 'marginsAlone')
      await follow()
      await same()
      const about = [account.signer, round.asOf, 1n]
      await expectRevert(mock.getFunction('thresholdsOf')(account.signer), mock, 'ThresholdsNotProven', about)
      round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      await land(5n)
      await follow()
      await same()
      expect((await mock.getFunction('thresholdsOf')(account.signer)).asOf).toBe(round.asOf)
    })
    round = first
  })

  test('answers as the registry does before any proof, after a witness alone, and after both', async () => {
    await engine.chain.undone(async () => {
      await follow()
      await same()
      await witness()
      await follow(true)
      await same()
      expect((await mock.getFunction('marginForLiquidation')(account.signer)).liquidatable).toBe(true)
    })
    await engine.chain.undone(async () => {
      await land(5n)
      await witness()
      await follow(true)
      await same()
    })
  })

  test('keeps a witness over margins of the same round and report, as the registry does, and no longer', async () => {
    await engine.chain.undone(async () => {
      await witness()
      await follow(true)
      await land(5n)
      await follow()
      await same()
      const liquidatable = async () =>
        (await mock.getFunction('marginForLiquidation')(account.signer)).liquidatable as boolean
      expect(await liquidatable()).toBe(true)
      const { proven } = await engine.registry.getFunction('unsafeMargin')(account.signer)
      const values = proven.toObject() as { readonly asOf: bigint; readonly sequence: bigint }
      for (const later of [
        { ...values, asOf: values.asOf + 1n },
        { ...values, sequence: values.sequence + 1n },
      ]) {
        await engine.chain.undone(async () => {
          await mined(mock.getFunction('setMargin')(account.signer, later))
          expect(await liquidatable()).toBe(false)
        })
      }
    })
  })

  test('answers as the registry does once the account holds other positions', async () => {
    await engine.chain.undone(async () => {
      await land(-5n)
      await engine.report(account)
      await follow()
      await same()
      await expectRevert(mock.getFunction('marginOf')(account.signer), mock, 'MarginOfOtherPositions')
    })
  })

  test('is set by age, and forgets', async () => {
    await engine.chain.undone(async () => {
      await land(5n)
      await follow()
      await mined(mock.getFunction('setAge')(account.signer, maxAge + 1n))
      await expectRevert(mock.getFunction('marginOf')(account.signer), mock, 'MarginStale')
      await mined(mock.getFunction('setAge')(account.signer, maxAge - 1n))
      expect((await mock.getFunction('marginOf')(account.signer)).maintenanceE8).toBe(5n)
      await mined(mock.getFunction('forget')(account.signer))
      await expectRevert(mock.getFunction('marginForLiquidation')(account.signer), mock, 'MarginNotYetProven')
    })
  })
})
