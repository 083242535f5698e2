/**
 * Margin answers of other venues and of textbooks: each computed by this engine's functions. Prints each comparison.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  quoteCollateral,
  type StrikePosition,
  underlyingCollateralUp,
} from '../../prover/portfolio/unproven/expiryPayoff.ts'
import { linearMarginUp, perpPnl, skewedFillPrice } from '../../prover/portfolio/unproven/perpMargin.ts'
import {
  lowerQuantile,
  lowerTailMean,
  riskFactorsUp,
  upperQuantile,
  upperTailMean,
} from '../../prover/portfolio/unproven/lognormalTail.ts'
import { nakedPutMarginUp } from '../../prover/portfolio/unproven/nakedPut.ts'
import { scaledInitialMarginPpm, tierInitialMarginUp } from '../../prover/portfolio/unproven/openInterest.ts'
import { assetWeightDown, liabilityWeightUp } from '../../prover/portfolio/unproven/sizePremium.ts'
import type { Scenario, VolatilityMove } from '../../prover/portfolio/portfolio.ts'
import { scanRisk } from '../../prover/portfolio/unproven/scanRisk.ts'
import { scenarioSlots, slottedScenarios } from '../../prover/portfolio/scenarioSlots.ts'
import { root } from '../../scripts/tools/sources.ts'
import {
  compare,
  coverage,
  type ExternalVector,
  externalVectors,
  fromE,
  fromX,
  toE8,
  toE12,
  toX,
  vectorsOf,
  vectorsPresent,
  whereVectors,
} from '../externalVectors.ts'

describe.skipIf(!vectorsPresent)(`published margins of linear contracts${whereVectors}`, () => {
  it.each(vectorsOf('perp_maintenance_margin'))('K1: $id: Vega, slippage and risk factor on notional', (vector) => {
    const { position, mark, linearSlippageFactor, riskFactorShort } = vector.inputs
    const fractionX40 = toX(linearSlippageFactor, 40) + toX(riskFactorShort, 40)
    const margin = linearMarginUp(toE12(position), toE8(mark), fractionX40)
    // Two fractions, each half a unit of X40 from the decimal
    compare(vector, 'margin', Number(vector.expected.maintenanceMargin), fromE(margin, 20), Number(mark) * 2 ** -40)
  })

  it.each(vectorsOf('perps_available_margin'))('K1: $id: Synthetix, five markets, stage $inputs.stage', (vector) => {
    const profits = vector.inputs.positions.map((position: Record<string, string>) => {
      const quantity = toE12(position.size!)
      const entry = skewedFillPrice(quantity, toE8(position.openIndexPrice!), 0n, toE12(position.skewScale!))
      return perpPnl(quantity, toE8(position.mark!), entry)
    }) as readonly bigint[]
    for (const [i, profit] of profits.entries()) {
      compare(vector, `profit of position ${i + 1}`, Number(vector.expected.pnl[i]), fromE(profit, 20), 0)
    }
    const available = profits.reduce((sum, profit) => sum + profit, toE12(vector.inputs.collateral) * 10n ** 8n)
    compare(vector, 'available margin', Number(vector.expected.availableMargin), fromE(available, 20), 0)
  })
})

describe.skipIf(!vectorsPresent)(`published margins that grow with size${whereVectors}`, () => {
  const tier = ({ initialMarginPpm, oiLowerCap, oiUpperCap }: ExternalVector['inputs']) => ({
    initialMarginPpm: BigInt(initialMarginPpm),
    lowerCap: BigInt(oiLowerCap),
    upperCap: BigInt(oiUpperCap),
  })

  it.each(vectorsOf('oi_scaled_imf_ppm'))('K5: $id: dYdX, fraction at open interest $inputs.oiNotional', (vector) => {
    const fraction = scaledInitialMarginPpm(tier(vector.inputs), BigInt(vector.inputs.oiNotional))
    compare(vector, 'parts per million', Number(vector.expected.imfPpm), Number(fraction), 0)
  })

  it.each(vectorsOf('oi_scaled_initial_margin'))('K5: $id: dYdX, margin of $inputs.quoteQuantums', (vector) => {
    const { oiNotional, quoteQuantums } = vector.inputs
    const margin = tierInitialMarginUp(tier(vector.inputs), BigInt(oiNotional), BigInt(quoteQuantums))
    compare(vector, 'quantums', Number(vector.expected.initialMarginQuoteQuantums), Number(margin), 0)
  })

  /** Published weights are parts of 10,000, cut off. */
  const partsOf10000 = (weightX40: bigint): number => Number((weightX40 * 10_000n) >> 40n)
  const factor = (imfFactor_1e6: string): bigint => toX(`${imfFactor_1e6}e-6`, 40)

  it.each(vectorsOf('size_weight_asset'))('K6: $id: Drift, weight of $inputs.tokenAmount_6dec', (vector) => {
    const { tokenAmount_6dec, imfFactor_1e6, baseWeight_1e4 } = vector.inputs
    const base = toX(`${baseWeight_1e4}e-4`, 40)
    const weight = assetWeightDown(BigInt(tokenAmount_6dec) * 10n ** 6n, factor(imfFactor_1e6), base)
    // A decimal that is not dyadic lies up to half a unit of X40 below itself
    compare(vector, 'weight', Number(vector.expected.weight_1e4), partsOf10000(weight + 1n), 0)
  })

  it.each(vectorsOf('size_weight_liability'))('K6: $id: Drift, weight of a liability', (vector) => {
    const { tokenAmount_6dec, imfFactor_1e6, baseWeight_1e4 } = vector.inputs
    const base = toX(`${baseWeight_1e4}e-4`, 40)
    const weight = liabilityWeightUp(BigInt(tokenAmount_6dec) * 10n ** 6n, factor(imfFactor_1e6), base)
    compare(vector, 'weight', Number(vector.expected.weight_1e4), partsOf10000(weight), 0)
  })

  it.each(vectorsOf('perp_initial_margin_requirement'))('K6: $id: Drift, margin of a perpetual', (vector) => {
    const { baseAmount_1e9, oracle, marginRatioInitial_1e4, imfFactor_1e6 } = vector.inputs
    const quantity = BigInt(baseAmount_1e9) * 1000n
    const ratio = liabilityWeightUp(-quantity, factor(imfFactor_1e6), toX(`${marginRatioInitial_1e4}e-4`, 40))
    const margin = linearMarginUp(quantity, toE8(oracle), ratio)
    const micros = Number(margin / 10n ** 14n)
    compare(vector, 'margin in millionths', Number(vector.expected.marginRequirement_1e6), micros, 0)
  })
})

describe.skipIf(!vectorsPresent)(`published margins of spreads and naked puts${whereVectors}`, () => {
  const spread = (
    { inputs }: ExternalVector,
    kind: 'callQuantityE12' | 'putQuantityE12',
  ): readonly StrikePosition[] => {
    const leg = (strike: string, quantityE12: bigint): StrikePosition => ({
      strikeE8: toE8(strike),
      callQuantityE12: 0n,
      putQuantityE12: 0n,
      [kind]: quantityE12,
    })
    return [
      leg(inputs.shortStrike, -toE12(inputs.shortAmount)),
      leg(inputs.longStrike, toE12(inputs.longAmount)),
    ].filter(({ strikeE8 }) => strikeE8 > 0n)
  }

  it.each(vectorsOf('spread_margin_put_usdc'))('K2: $id: Opyn, puts covered in quote', (vector) => {
    const collateral = quoteCollateral(spread(vector, 'putQuantityE12'))
    compare(vector, 'collateral', Number(vector.expected.requiredCollateral), fromE(collateral, 20), 0)
  })

  it.each(vectorsOf('spread_margin_call_weth'))('K2: $id: Opyn, calls covered in the underlying', (vector) => {
    const collateral = underlyingCollateralUp(spread(vector, 'callQuantityE12'))
    compare(vector, 'collateral', Number(vector.expected.requiredCollateral), fromE(collateral, 12), 0)
  })

  const nakedPut = ({ short, strike, spot, upperBound, spotShock }: ExternalVector['inputs']): bigint =>
    nakedPutMarginUp(toE12(short), toE8(strike), toE8(spot), toX(upperBound, 40), toX(spotShock, 40))

  it.each(vectorsOf('naked_put_margin'))('K4: $id: Opyn, margin of a naked put', (vector) => {
    const margin = fromE(nakedPut(vector.inputs), 20)
    compare(vector, 'margin', Number(vector.expected.marginUSDC), margin, 100 * 2 ** -40)
  })

  it.each(vectorsOf('naked_put_excess'))('K4: $id: Opyn, what is left of the collateral', (vector) => {
    const excess = toE12(vector.inputs.collateral) * 10n ** 8n - nakedPut(vector.inputs)
    compare(vector, 'excess', Number(vector.expected.excessUSDC), fromE(excess, 20), 100 * 2 ** -40)
  })
})

describe.skipIf(!vectorsPresent)(`published risk arrays${whereVectors}`, () => {
  const array = (profits: readonly string[]): readonly bigint[] => profits.map(BigInt)

  it.each(vectorsOf('span_risk_array_future', 'span_risk_array_call'))(
    'K3: $id: McMillan, one instrument',
    (vector) => {
      const { requirement } = scanRisk([{ quantity: 1n, profits: array(vector.inputs.arrayPnL) }])
      compare(vector, 'requirement', Number(vector.expected.spanRequirement), Number(requirement), 0)
    },
  )

  it.each(vectorsOf('span_portfolio_scan'))('K3: $id: McMillan, $inputs.position', (vector) => {
    const { requirement, profits } = scanRisk([
      { quantity: 1n, profits: array(vector.inputs.future) },
      { quantity: -1n, profits: array(vector.inputs.longCallArray) },
    ])
    expect(profits).toEqual(array(vector.expected.portfolioArray))
    compare(vector, 'requirement', Number(vector.expected.spanRequirement), Number(requirement), 0)
  })
})

describe.skipIf(!vectorsPresent)(`published tails of lognormal prices${whereVectors}`, () => {
  const tailOf = ({ mu, sigma, lambda_ }: ExternalVector['inputs']) => ({
    meanX40: toX(mu, 40),
    deviationX40: toX(sigma, 40),
    tailX40: toX(lambda_, 40),
  })

  // Vega counts what a buyer holds as a negative amount at risk
  it.each(vectorsOf('lognormal_var_es'))('K7: $id: Vega, a buyer at σ = $inputs.sigma', (vector) => {
    const tail = tailOf(vector.inputs)
    compare(vector, 'VaR', Number(vector.expected.VaR), -fromX(lowerQuantile(tail), 40), 1e-8)
    compare(vector, 'ES', Number(vector.expected.ES), -fromX(lowerTailMean(tail), 40), 1e-8)
  })

  it.each(vectorsOf('neg_lognormal_var_es'))('K7: $id: Vega, a seller at σ = $inputs.sigma', (vector) => {
    const tail = tailOf(vector.inputs)
    compare(vector, 'VaR', Number(vector.expected.VaR), fromX(upperQuantile(tail), 40), 1e-8)
    compare(vector, 'ES', Number(vector.expected.ES), fromX(upperTailMean(tail), 40), 1e-8)
  })

  it.each(vectorsOf('perp_margin_risk_factor_es'))('K7: $id: Vega, risk factors over a minute', (vector) => {
    const { sigma, lambda_ } = vector.inputs
    const { longX40, shortX40 } = riskFactorsUp(toX(sigma, 40), 60n, toX(lambda_, 40))
    compare(vector, 'short', Number(vector.expected.rfShort), fromX(shortX40, 40), 5e-9)
    compare(vector, 'long', Number(vector.expected.rfLong), fromX(longX40, 40), 5e-9)
  })
})

describe.skipIf(!vectorsPresent)(`published scenario grids${whereVectors}`, () => {
  const moves: Readonly<Record<string, VolatilityMove>> = {
    Up: 'up',
    None: 'none',
    Down: 'down',
    LINEAR: 'linear',
    ABS: 'absolute',
  }
  const inOrder = (scenarios: readonly Scenario[]): readonly string[] =>
    scenarios
      .map(({ spotShockX40, volatility, dampingX40 }) => `${spotShockX40} ${volatility} ${dampingX40}`)
      .toSorted()

  it.each(vectorsOf('scenario_grid'))('$id: all of its scenarios have a slot, and no other slot counts', (vector) => {
    const rows = vector.inputs.scenarios_spotShock_volDir_damp as readonly (readonly [string, string, string])[]
    const scenarios = rows.map(([shock, move, damping]) => ({
      spotShockX40: toX(shock, 40),
      volatility: moves[move] as VolatilityMove,
      dampingX40: toX(damping, 40),
    }))
    const slots = slottedScenarios(scenarioSlots(scenarios)).filter(({ dampingX40 }) => dampingX40 !== 0n)
    expect(inOrder(slots)).toEqual(inOrder(scenarios))
    console.log(
      `${vector.id} ${vector.source_repo} ${vector.kind}: ${slots.length} of ${rows.length} scenarios in slots`,
    )
  })
})

describe.skipIf(!vectorsPresent)(`all published answers${whereVectors}`, () => {
  it('every entry is checked by a test that names its kind', () => {
    const unchecked = externalVectors.filter(({ kind }) => {
      const file = coverage[kind]
      return file === undefined || !new RegExp(`\\b${kind}\\b`).test(readFileSync(join(root, file), 'utf8'))
    })
    const kinds = new Set(externalVectors.map(({ kind }) => kind))
    console.log(
      `external.json: ${externalVectors.length - unchecked.length} of ${externalVectors.length} entries of ${kinds.size} kinds are checked`,
    )
    expect(unchecked.map(({ id, kind }) => `${id} ${kind}`)).toEqual([])
    expect(Object.keys(coverage).filter((kind) => !kinds.has(kind))).toEqual([])
  })
})
