/** Why a margin over several markets is what it is: what each leaves, what it has to offset others with, and the sum. */
import type { ProvableCross } from './crossAccount.ts'
import type { CrossPart } from './crossMargin.ts'
import { type Step, tidy } from './explain.ts'
import { decimalText } from './input/exact.ts'
import { sumOf } from './margin.ts'
import type { PortfolioOverMarkets } from './portfolio.ts'

const E20 = 10n ** 20n

/** What a market has to offset others with, in quote. */
export type SpreadLeg = {
  readonly currency: string
  /** Governed fraction. */
  readonly credit: number
  /** Options, perpetuals and moving collateral, in money. */
  readonly netDelta: number
  readonly worstLoss: number
  /** Of that, what the net delta makes. */
  readonly counted: number
  /** The lesser of the two loss factors. */
  readonly factor: number
  /** Of the counted loss at its factor, the governed fraction. */
  readonly offered: number
  /** Where spot goes in its worst scenario. */
  readonly side: 'fall' | 'rise' | 'none'
}

const currencyOf = (portfolio: PortfolioOverMarkets, m: number): string => portfolio.parts[m]?.market.currency ?? ''
const moneyM = (value: bigint): string => decimalText(value << 32n, E20)
const moneyMX80 = (value: bigint): string => decimalText(value << 32n, E20 << 80n, 12)
/** The decimal that a fraction was rounded from. */
const x40 = (value: bigint): string => String(tidy(value))

/** The lesser of a market's loss factors, at which its loss offsets. */
function factorX40({ markets, margin }: ProvableCross, m: number): bigint {
  const maintenance = markets[m]?.policy.lossFactors.maintenanceFactorX40 ?? 0n
  const initial = margin.parts[m]?.terms.initialFactorX40 ?? 0n
  return maintenance < initial ? maintenance : initial
}

const sideOf = ({ isDown, countedM }: CrossPart): SpreadLeg['side'] =>
  countedM === 0n ? 'none' : isDown ? 'fall' : 'rise'

/** Every market's, in their order. */
export const spreadLegs = (portfolio: PortfolioOverMarkets, cross: ProvableCross): readonly SpreadLeg[] =>
  cross.margin.parts.map((part, m) => ({
    currency: currencyOf(portfolio, m),
    credit: Number(x40(portfolio.spreadCreditsX40[m] ?? 0n)),
    netDelta: Number(decimalText(part.netDeltaE20X20, E20 << 20n, 12)),
    worstLoss: Number(moneyM(part.minSpanM)),
    counted: Number(moneyM(part.countedM)),
    factor: Number(x40(factorX40(cross, m))),
    offered: Number(moneyMX80(part.legMX80)),
    side: sideOf(part),
  }))

/** What is added to both margins, quote. */
export const spreadCreditOf = ({ margin }: ProvableCross): number => Number(moneyMX80(margin.creditMX80))

/** The derivation of what several markets come to; each market's own steps stand with it. */
export const crossSteps = (portfolio: PortfolioOverMarkets, cross: ProvableCross): readonly Step[] => [
  ...cross.margin.parts.flatMap((_, m) => partSteps(portfolio, cross, m)),
  ...sumSteps(cross),
]

function partSteps(portfolio: PortfolioOverMarkets, cross: ProvableCross, m: number): readonly Step[] {
  const part = `market ${currencyOf(portfolio, m)}`
  const { netDeltaE20X20, minSpanM, countedM, legMX80, maintenanceE20X60, initialE20X100 } = cross.margin.parts[
    m
  ] as CrossPart
  const step = (name: string, formula: string, value: string, rounding: Step['rounding']): Step => ({
    part,
    name,
    formula,
    value,
    rounding,
  })
  return [
    step(
      'maintenance margin left',
      'worst loss × factor − maintenance contingencies + equity',
      decimalText(maintenanceE20X60, E20 << 60n),
      'exact',
    ),
    step(
      'initial margin left',
      'worst loss × factor − all contingencies + equity',
      decimalText(initialE20X100, E20 << 100n),
      'exact',
    ),
    step(
      'net delta in money',
      'options’ delta × spot + perpetuals + moving collateral',
      decimalText(netDeltaE20X20, E20 << 20n),
      'down',
    ),
    step('worst loss', 'least of all scenarios and the basis contingency', moneyM(minSpanM), 'down'),
    step(
      'loss of the net delta',
      'min(worst loss, −net delta × (shock − 1) × damping), at least 0',
      moneyM(countedM),
      'down',
    ),
    step(
      'what it may offset',
      `loss of the net delta × ${x40(factorX40(cross, m))} × spread credit ${x40(portfolio.spreadCreditsX40[m] ?? 0n)}`,
      moneyMX80(legMX80),
      'exact',
    ),
  ]
}

function sumSteps({ margin }: ProvableCross): readonly Step[] {
  const part = 'all markets'
  const of = (isDown: boolean): string =>
    moneyMX80(sumOf(margin.parts, (each) => (each.isDown === isDown ? each.legMX80 : 0n)))
  const { maintenanceE8, initialE8 } = margin.margins
  const e8 = (value: bigint): string => decimalText(value, 10n ** 8n)
  return [
    {
      part,
      name: 'spread credit',
      formula: `min(${of(true)} by a fall, ${of(false)} by a rise)`,
      value: moneyMX80(margin.creditMX80),
      rounding: 'exact',
    },
    {
      part,
      name: 'maintenance margin',
      formula: 'Σ markets + cash + spread credit',
      value: e8(maintenanceE8),
      rounding: 'down',
    },
    {
      part,
      name: 'initial margin',
      formula: 'Σ markets + cash + spread credit',
      value: e8(initialE8),
      rounding: 'down',
    },
  ]
}
