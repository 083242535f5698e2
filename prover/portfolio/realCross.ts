/** Margins over several markets in floating point, by the formula: what judges the exact integers. */
import type { PortfolioOverMarkets } from './portfolio.ts'
import { type RealMargin, realMargin } from './real.ts'
import { scenarioSlots, slottedScenarios } from './scenarioSlots.ts'

export type RealCross = {
  readonly initialMargin: number
  readonly maintenanceMargin: number
  readonly spreadCredit: number
}

const X40 = 2 ** 40

/** @throws the errors of {@link realMargin} */
export function realCross(portfolio: PortfolioOverMarkets): RealCross {
  const parts = portfolio.parts.map((part) => realMargin(part))
  const legs = parts.map((part, m) => realLeg(portfolio, part, m))
  const side = (down: boolean): number => total(legs.map(({ isDown, offered }) => (isDown === down ? offered : 0)))
  const spreadCredit = Math.min(side(true), side(false))
  const beside = Number(portfolio.cashE12) / 1e12 + spreadCredit
  return {
    initialMargin: total(parts.map(({ initialMargin }) => initialMargin)) + beside,
    maintenanceMargin: total(parts.map(({ maintenanceMargin }) => maintenanceMargin)) + beside,
    spreadCredit,
  }
}

/** What a market has to offset others with, and whether a fall is its worst. */
function realLeg(portfolio: PortfolioOverMarkets, margin: RealMargin, m: number) {
  const { market, account, rules, scenarios } = portfolio.parts[m] as PortfolioOverMarkets['parts'][number]
  const spot = Number(market.spotE8) / 1e8
  const moving = account.collaterals.reduce((sum, { asset, amountE12 }) => {
    const price = market.collaterals.find((each) => each.asset === asset)?.priceE12 ?? 0n
    const moves = rules.collaterals.find((each) => each.asset === asset)?.movesWithSpot === true
    return moves ? sum + (Number(amountE12) / 1e12) * (Number(price) / Number(market.stablePriceE12)) : sum
  }, 0)
  const perps = (Number(account.perpsE12) / 1e12) * (Number(market.perpPriceE8) / 1e8)
  const netDelta = margin.greeks.delta * spot + perps + moving
  const binding = slottedScenarios(scenarioSlots(scenarios))[margin.worst]
  const move = binding === undefined ? 0 : Number(binding.spotShockX40) / X40 - 1
  const damping = binding === undefined ? 0 : Number(binding.dampingX40) / X40
  const counted = Math.min(-margin.worstLoss, Math.max(0, -netDelta * move * damping))
  const factor = Math.min(margin.maintenanceFactor, margin.initialFactor)
  return { isDown: move < 0, offered: (counted * factor * Number(portfolio.spreadCreditsX40[m] ?? 0n)) / X40 }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
