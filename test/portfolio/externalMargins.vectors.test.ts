/**
 * Margins that Derive's own oracle computed for its standard manager and its first portfolio margin, read in place from
 * ../shared (their licence forbids copying them): every published number that this engine has. Prints each case.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { portfolioBuilds } from '../../circuits/statements/index.ts'
import { priceCall } from '../../prover/options/black.ts'
import { sqrtDown } from '../../prover/math/index.ts'
import { perpPnl, unsettledFunding } from '../../prover/portfolio/unproven/perpMargin.ts'
import { type FirstRules, firstMargin } from '../../prover/portfolio/unproven/pmrmFirst.ts'
import type { PortfolioAccount, PortfolioMarket } from '../../prover/portfolio/portfolio.ts'
import {
  type StandardMarket,
  type StandardRules,
  standardMargins,
} from '../../prover/portfolio/unproven/standardManager.ts'
import { positionWord } from '../../prover/statement/optionBook.ts'
import { holdingsWords, marginPolicyWords, roundWords } from '../../prover/statement/portfolioMargin.ts'
import { publicInput } from '../../prover/statement/state.ts'
import { expiryWords, pricingWords, stateRiskArray, strikeWords } from '../../prover/statement/riskArray.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import { root } from '../../scripts/tools/sources.ts'
import { type CircuitInput, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { fromE, fromX, readExactJson, scaled, toX } from '../externalVectors.ts'

const FOLDER = join(root, '..', 'shared', 'data', 'margin-vectors')
const present = existsSync(FOLDER)
if (!present) console.log(`No ${FOLDER}: Derive's margins are not compared`)
const where = present ? '' : ` (no ${FOLDER})`
/** Of the answer, or of one unit of quote where that is more. */
const TOLERANCE = 1e-8
const ONE_X40 = 1n << 40n
const YEAR_SECONDS = 31_536_000n
/** In the last half hour a forward is partly an average that is known. */
const SETTLEMENT_SECONDS = 1800n

// biome-ignore lint/suspicious/noExplicitAny: other people's format
type Case = { readonly Scenario: any; readonly Result?: any }
const cases = (file: string): readonly (readonly [string, Case])[] =>
  present ? Object.entries(readExactJson(join(FOLDER, file)) as Record<string, Case>) : []

/** Numbers are 10^18 times what they mean. */
const E18 = 'e-18'
const e8 = (value: string | null): bigint => (value === null ? 0n : scaled(`${value}${E18}`, 10n ** 8n))
const e12 = (value: string | null): bigint => (value === null ? 0n : scaled(`${value}${E18}`, 10n ** 12n))
const x40 = (value: string): bigint => toX(`${value}${E18}`, 40)
/** Some numbers carry an exponent of their own. */
const real = (value: string): number => Number(value) / 1e18
const leastOf = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a))

/** Largest error relative to max(1, |expected|), by quantity. */
class Comparison {
  readonly worst = new Map<string, number>()

  compare(
    name: string,
    expected: Readonly<Record<string, number>>,
    calculated: Readonly<Record<string, number>>,
  ): void {
    const parts = Object.entries(expected).map(([quantity, value]) => {
      const error = Math.abs((calculated[quantity] ?? Number.NaN) - value) / Math.max(1, Math.abs(value))
      this.worst.set(quantity, Math.max(this.worst.get(quantity) ?? 0, error))
      expect(error, `${name} ${quantity}: expected ${value}, calculated ${calculated[quantity]}`).toBeLessThanOrEqual(
        TOLERANCE,
      )
      return `${quantity} expected ${value}, calculated ${calculated[quantity]}, error ${error.toExponential(1)}`
    })
    console.log(`${name}: ${parts.join('; ')}; tolerance ${TOLERANCE}`)
  }

  summary(title: string, count: number): void {
    const parts = [...this.worst].map(([quantity, error]) => `${quantity} ${error.toExponential(1)}`)
    console.log(`${title}: ${count} cases, worst errors: ${parts.join(', ')}`)
  }
}

const indices = (values: readonly unknown[]): readonly number[] => values.map((_, i) => i)

describe.skipIf(!present)(`Derive's standard manager${where}`, () => {
  const x = (decimal: string): bigint => toX(decimal, 40)
  const rules: StandardRules = {
    callMaintenance: x('0.075'),
    putMaintenance: x('0.075'),
    putMaintenanceOfMark: x('0.075'),
    initialMost: x('0.15'),
    initialLeast: x('0.1'),
    putInitialOfMaintenance: x('1.05'),
    unpairedMaintenance: x('1.1'),
    unpairedInitial: x('1.2'),
    perpMaintenance: x('0.05'),
    perpInitial: x('0.065'),
    collateralWeight: x('0.1'),
    confidenceThreshold: x('0.55'),
    confidenceMargin: x('0.4'),
    pegThreshold: x('0.98'),
    pegLoss: x('1.2'),
  }

  function marketOf(scenario: Case['Scenario'], asset: 'ETH' | 'BTC', slot: 0 | 1): StandardMarket {
    const own = indices(scenario.OptionExpiries).filter((i) => scenario.OptionUnderlying[i] === asset)
    const expiries = [...new Set(own.map((i) => scenario.OptionExpiries[i]))].map((seconds) => {
      const legs = own.filter((i) => scenario.OptionExpiries[i] === seconds)
      const isSettling = BigInt(seconds) < SETTLEMENT_SECONDS
      const forwardE8 = e8(isSettling ? scenario[`SettlementPrice${asset}`] : scenario.Forwards[legs[0]!])
      const sqrtTauX40 = sqrtDown((BigInt(seconds) << 80n) / YEAR_SECONDS)
      return {
        forwardE8,
        confidenceX40: leastOf(
          ...legs.flatMap((i) =>
            ['OptionVolConfidences', 'ForwardConfidences', 'DiscountConfidences'].map((feed) => x40(scenario[feed][i])),
          ),
        ),
        strikes: legs.map((i) => {
          const strikeE8 = e8(scenario.OptionStrikes[i])
          const quantityE12 = e12(scenario.OptionAmounts[i])
          const isCall = scenario.OptionIsCall[i] === '1'
          return {
            strikeE8,
            callQuantityE12: isCall ? quantityE12 : 0n,
            putQuantityE12: isCall ? 0n : quantityE12,
            callMark: priceCall(forwardE8, strikeE8, (x40(scenario.OptionVols[i]) * sqrtTauX40) >> 40n),
          }
        }),
      }
    })
    const [spotConfidenceX40, perpConfidenceX40] = scenario.SpotPerpConfidences[slot].map(x40)
    const quantityE12 = e12(scenario[`Perps_${asset}`])
    const priceE8 = e8(scenario.PerpPrice[slot])
    const index = e8(scenario[`${asset}GlobalFundingIndex`])
    const accountIndex = e8(scenario[`Account${asset}FundingIndex`])
    return {
      spotE8: e8(scenario[`${asset}SpotPrice`]),
      spotConfidenceX40,
      expiries,
      perp: {
        quantityE12,
        priceE8,
        confidenceX40: perpConfidenceX40,
        pnlE20:
          perpPnl(quantityE12, priceE8, e8(scenario[`LastEntry${asset}`])) +
          unsettledFunding(quantityE12, accountIndex, index),
      },
      collateralE12: e12(scenario[`w${asset}`]),
    }
  }

  it('K8: all 28 cases to 1e-8', () => {
    const comparison = new Comparison()
    const all = cases('derive-standard-manager-test-cases.json')
    for (const [name, { Scenario: scenario, Result: result }] of all) {
      const markets = [marketOf(scenario, 'ETH', 0), marketOf(scenario, 'BTC', 1)]
      const margins = standardMargins(markets, e12(scenario.Cash), x40(scenario.USDCValue), rules)
      comparison.compare(
        name,
        { IM: real(result.realIM), MM: real(result.realMM), MtM: real(result.PortfolioMtM) },
        {
          IM: fromE(margins.initialMarginE8, 8),
          MM: fromE(margins.maintenanceMarginE8, 8),
          MtM: fromE(margins.markToMarketE8, 8),
        },
      )
    }
    comparison.summary('standard manager', all.length)
    expect(all.length).toBe(28)
  })
})

describe.skipIf(!present)(`Derive's first portfolio margin${where}`, () => {
  const x = (decimal: string): bigint => toX(decimal, 40)
  const rules: FirstRules = {
    spotShocksX40: ['1.15', '1.1', '1.05', '1', '0.95', '0.9', '0.85'].map(x),
    volatilityShocks: {
      rangeUpX40: x('0.45'),
      rangeDownX40: x('0.3'),
      shortPowerX40: x('0.3'),
      longPowerX40: x('0.13'),
      tenorFloorSeconds: 86_400n,
    },
    longDiscount: { baseX40: x('0.95'), rateMultipleX40: x('4'), rateAddX40: x('0.05') },
    basis: { basisUpX40: x('1.05'), basisDownX40: x('0.95'), basisAddX40: x('0.25'), basisSlopeX40: x('0.01') },
    lossFactorX40: x('1.3'),
    pegThresholdX40: x('0.98'),
    pegLossX40: x('2'),
    perpX40: x('0.02'),
    optionX40: x('0.01'),
    collateralX40: x('0.02'),
    confidenceThresholdX40: x('0.55'),
    confidenceMarginX40: x('0.5'),
  }
  const AS_OF = 1_735_718_400n
  /** The sizes that arrays and books are proven with. */
  const sizes = { strikes: 5, segments: 8, expiries: 3 }

  function accountOf(scenario: Case['Scenario']): PortfolioAccount {
    return {
      cashE12: e12(scenario.Cash),
      perpsE12: e12(scenario.Perps),
      perpPnlE12: e12(scenario.UnrealisedPerpPNL) + e12(scenario.UnrealisedFunding),
      collaterals: [{ asset: 'BASE', amountE12: e12(scenario.Base) }],
      options: indices(scenario.OptionExpiries).map((i) => ({
        instrument: `leg ${i}`,
        expiry: AS_OF + BigInt(scenario.OptionExpiries[i]),
        strikeE8: e8(scenario.OptionStrikes[i]),
        isCall: scenario.OptionIsCall[i] === '1',
        quantityE12: e12(scenario.OptionAmounts[i]),
      })),
    }
  }

  /** The smile that the cases' volatilities lie on, as a variance per year; one case states it for all. */
  function marketOf(scenario: Case['Scenario']): PortfolioMarket {
    const [a, b, rho, m, s] = scenario.SVIparams ?? ['1', '1.5', '-0.1', '-0.05', '0.05']
    const spotConfidenceX40 = x40(scenario.SpotConfidence)
    const feeds = indices(scenario.FeedExpiries).filter(
      (i) => scenario.FeedExpiries.indexOf(scenario.FeedExpiries[i]) === i,
    )
    const [hasSplit, fixed] = [scenario.ForwardsVariable.length > 0, scenario.ForwardsFixed]
    return {
      asOf: AS_OF,
      spotE8: e8(scenario.SpotPrice),
      perpPriceE8: e8(scenario.PerpPrice),
      stablePriceE12: e12(scenario.StablePrice),
      spotConfidenceX40,
      perpConfidenceX40: x40(scenario.PerpConfidence),
      horizonVolatilityX40: ONE_X40 / 32n,
      expiries: feeds.map((i) => ({
        expiry: AS_OF + BigInt(scenario.FeedExpiries[i]),
        asOf: AS_OF,
        forwardVariableE8: e8(hasSplit ? scenario.ForwardsVariable[i] : scenario.Forwards[i]),
        forwardFixedE8: hasSplit ? e8(fixed[i]) : 0n,
        rateX40: x40(scenario.Rates[i]),
        sviAX48: toX(a, 48),
        sviBX48: toX(b, 48),
        sviRhoX40: x(rho),
        sviMX40: x(m),
        sviSX40: x(s),
        forwardRefE8: e8(scenario.Forwards[i]),
        tauRefSecondsX20: YEAR_SECONDS << 20n,
        confidenceX40: leastOf(
          ...['OptionVolConfidences', 'ForwardConfidences', 'RateConfidences'].map((feed) => x40(scenario[feed][i])),
        ),
        spotConfidenceX40,
      })),
      collaterals: [{ asset: 'BASE', priceE12: e12(scenario.SpotPrice), confidenceX40: spotConfidenceX40 }],
    }
  }

  const inQuote = (value: bigint, fractionBits: number): number => fromX(value, fractionBits) / 1e20

  it('K9: all 21 cases to 1e-8, by the circuits of the second portfolio margin', () => {
    const comparison = new Comparison()
    const all = cases('derive-pmrm-testAndVerifyScenarios.json')
    for (const [name, { Scenario: scenario, Result: result }] of all) {
      const { margin, account } = firstMargin(accountOf(scenario), marketOf(scenario), rules, sizes)
      const confidence = inQuote(margin.confidenceE20X100, 100)
      comparison.compare(
        name,
        {
          IM: real(result.InitialMarginCalc),
          MM: real(result.MaintenanceMarginCalc),
          MtM: real(result.PortfolioMTM),
          'worst scenario': real(result.MinSpan),
          basis: real(result.ForwardContingency),
          contingencies: ['PerpContingency', 'BaseContingency', 'OptionContingency']
            .map((part) => real(result[part]))
            .reduce((a, b) => a + b),
          oracle: real(result.OracleContingency),
          'loss factor': real(result.LossFactor),
        },
        {
          IM: fromE(margin.initialE8, 8),
          MM: fromE(margin.maintenanceE8, 8),
          MtM: inQuote(margin.equityE20X60, 60),
          'worst scenario': inQuote(leastOf(...margin.lossesMX80.slice(0, -1)), 48),
          basis: inQuote(account.book.totals.basisMX40, 8),
          contingencies: -inQuote(margin.maintenanceContingencyE20X60, 60),
          oracle: -confidence,
          'loss factor': fromX(margin.initialFactorX40, 40),
        },
      )
    }
    comparison.summary('first portfolio margin', all.length)
    expect(all.length).toBe(21)
  })

  it('K9: every case fits the words of the proofs', () => {
    for (const [name, { Scenario: scenario }] of cases('derive-pmrm-testAndVerifyScenarios.json')) {
      const { arrays, round, marginPolicy, account, positions } = firstMargin(
        accountOf(scenario),
        marketOf(scenario),
        rules,
        sizes,
      )
      for (const { surface, pricingPolicy, array, strikesE8 } of arrays) {
        expect(array.header.discountX40, name).toBe(ONE_X40)
        expect(array.header.shortFactorX40, name).toBe(ONE_X40)
        pricingWords(pricingPolicy)
        expiryWords(surface)
        strikeWords(strikesE8)
      }
      marginPolicyWords(marginPolicy)
      roundWords(round)
      holdingsWords(account.holdings)
      positions.map(positionWord)
    }
  })

  it('K9: the compiled circuit prices every array of every case as the twin does', async () => {
    const build = portfolioBuilds.find(({ name }) => name === 'riskArray5')!
    const circuit = await compileCircuit(mainSource(build))
    const context = {
      chainId: 31_337n,
      registry: `0x${'11'.repeat(20)}`,
      modelId: `0x${'22'.repeat(32)}`,
      subject: [`0x${'33'.repeat(32)}`],
    }
    const proven = new Set<bigint>()
    for (const [name, { Scenario: scenario }] of cases('derive-pmrm-testAndVerifyScenarios.json')) {
      const { arrays } = firstMargin(accountOf(scenario), marketOf(scenario), rules, sizes)
      for (const { surface, pricingPolicy, strikesE8 } of arrays) {
        const { stated, arrayRoot } = await stateRiskArray(build, context, surface, pricingPolicy, strikesE8)
        if (proven.has(arrayRoot)) continue
        proven.add(arrayRoot)
        expect(circuit.outputs(publicInput(stated) as CircuitInput), name).toEqual(stated.publicSignals.slice(0, 2))
      }
    }
    console.log(`first portfolio margin: ${proven.size} different arrays, each as the circuit prices it`)
    expect(proven.size).toBeGreaterThan(9)
  })

  it('K9: the 7 scenarios published without an answer have one', () => {
    const all = cases('derive-pmrm-testScenarios.json')
    for (const [name, { Scenario: scenario, Result: result }] of all) {
      expect(result).toBeUndefined()
      const { margin } = firstMargin(accountOf(scenario), marketOf(scenario), rules, sizes)
      console.log(
        `${name}: IM ${fromE(margin.initialE8, 8)}, MM ${fromE(margin.maintenanceE8, 8)}; no published answer`,
      )
      expect(margin.initialE8 <= margin.maintenanceE8).toBe(true)
    }
    expect(all.length).toBe(7)
  })
})
