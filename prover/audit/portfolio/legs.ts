/** Why a proven margin is what it is, leg by leg: as `zkrisk margin` says it of a file, from the words on a chain. */
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import { legContributions, marginTerms, otherContributions, worstScenario } from '../../portfolio/explain.ts'
import { plainPrice, type Units, unitsOfScale } from '../../market/priceScale.ts'
import type { OptionLeg, Portfolio } from '../../portfolio/portfolio.ts'
import type { AuditedLeg, MarginReport } from './report.ts'
import { timeText } from '../report.ts'

/** The scenario that binds, and what it costs. */
export function worstOf(derived: ProvableMargin): Pick<Required<MarginReport>, 'worst' | 'worstLoss'> {
  return { worst: worstScenario(derived).words, worstLoss: marginTerms(derived).worstLoss }
}

/**
 * What every leg adds to the worst scenario, in quantities and prices of one unit; calls and puts of a strike stand apart.
 *
 * @param priceScale - of the account's words
 */
export function auditedLegs(account: string, derived: ProvableMargin, priceScale: number): readonly AuditedLeg[] {
  const units = unitsOfScale(priceScale)
  const portfolio = portfolioOf(account, derived, priceScale)
  const options = legContributions(portfolio, derived).map(({ leg, mark, shocked, contribution }) => ({
    leg: leg.instrument,
    quantity: quantityOf(leg.quantityE12, units),
    mark,
    shocked,
    contribution,
  }))
  const { perpsE12 } = derived.account.holdings
  const others = otherContributions(portfolio, derived).flatMap(({ what, contribution }) =>
    contribution === 0
      ? []
      : [{ leg: what, quantity: what === 'perpetuals' ? quantityOf(perpsE12, units) : 1, contribution }],
  )
  return [...options, ...others]
}

const quantityOf = (quantityE12: bigint, { count, parts }: Units): number =>
  Number(quantityE12 * count) / Number(10n ** 12n * parts)

/** A chain knows no names: options are called by their terms, collateral by its place. */
function portfolioOf(
  name: string,
  { positions, account, round, arrays, pricingPolicy, marginPolicy }: ProvableMargin,
  priceScale: number,
): Portfolio {
  const asset = (i: number): string => `collateral ${i + 1}`
  const { collateralsE12, ...holdings } = account.holdings
  const legs = positions.flatMap(({ expiry, strikeE8, callsE12, putsE12 }): readonly OptionLeg[] => {
    const terms = `${timeText(expiry)} ${plainPrice(strikeE8, unitsOfScale(priceScale))}`
    const leg = (isCall: boolean, quantityE12: bigint): OptionLeg => ({
      instrument: `${terms} ${isCall ? 'call' : 'put'}`,
      expiry,
      strikeE8,
      isCall,
      quantityE12,
    })
    return [leg(true, callsE12), leg(false, putsE12)].filter(({ quantityE12 }) => quantityE12 !== 0n)
  })
  return {
    name,
    account: {
      ...holdings,
      collaterals: collateralsE12.map((amountE12, i) => ({ asset: asset(i), amountE12 })),
      options: legs,
    },
    market: {
      ...round,
      priceScale,
      expiries: arrays.map(({ surface }) => surface),
      collaterals: round.collaterals.map((each, i) => ({ asset: asset(i), ...each })),
    },
    rules: {
      ...pricingPolicy,
      ...marginPolicy,
      basis: marginPolicy.scenarios,
      collaterals: marginPolicy.collaterals.map((each, i) => ({
        ...each,
        asset: asset(i),
        movesWithSpot: each.movesWithSpot === 1n,
      })),
    },
    scenarios: [],
  }
}
