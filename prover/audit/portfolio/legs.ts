/** Why a proven margin is what it is, leg by leg: as `zkrisk margin` says it of a file, from the words on a chain. */
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import { legContributions, marginTerms, otherContributions, worstScenario } from '../../portfolio/explain.ts'
import type { OptionLeg, Portfolio } from '../../portfolio/portfolio.ts'
import type { AuditedLeg, MarginReport } from './report.ts'
import { timeText } from '../report.ts'

/** The scenario that binds, and what it costs. */
export function worstOf(derived: ProvableMargin): Pick<Required<MarginReport>, 'worst' | 'worstLoss'> {
  return { worst: worstScenario(derived).words, worstLoss: marginTerms(derived).worstLoss }
}

/** What every leg adds to the worst scenario; calls and puts of a strike stand apart. */
export function auditedLegs(account: string, derived: ProvableMargin): readonly AuditedLeg[] {
  const portfolio = portfolioOf(account, derived)
  const options = legContributions(portfolio, derived).map(({ leg, mark, shocked, contribution }) => ({
    leg: leg.instrument,
    quantity: Number(leg.quantityE12) / 1e12,
    mark,
    shocked,
    contribution,
  }))
  const { perpsE12 } = derived.account.holdings
  const others = otherContributions(portfolio, derived).flatMap(({ what, contribution }) =>
    contribution === 0
      ? []
      : [{ leg: what, quantity: what === 'perpetuals' ? Number(perpsE12) / 1e12 : 1, contribution }],
  )
  return [...options, ...others]
}

/** A chain knows no names: options are called by their terms, collateral by its place. */
function portfolioOf(
  name: string,
  { positions, account, round, arrays, pricingPolicy, marginPolicy }: ProvableMargin,
): Portfolio {
  const asset = (i: number): string => `collateral ${i + 1}`
  const { collateralsE12, ...holdings } = account.holdings
  const legs = positions.flatMap(({ expiry, strikeE8, callsE12, putsE12 }): readonly OptionLeg[] => {
    const terms = `${timeText(expiry)} ${Number(strikeE8) / 1e8}`
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
