/**
 * Contingencies: governed fractions of what an account holds that margin keeps back whatever the scenario. All that is said
 * of one outside its circuit stands in its row: how files and people call it, what it is charged on, and the same once more
 * in floating point, which judges the exact integers. Twin of `Contingency` in `circuits/portfolio/AccountHoldings.circom`.
 */
import type { Fields } from '../../circuits/statements/index.ts'
import type { Holdings, MarginPolicy, RoundMarket, RoundTerms } from './margin.ts'
import type { BookTotals } from './book.ts'
import type { Portfolio } from './portfolio.ts'

/** Words of a policy that hold fractions, and the fields of each that are charged by a row of their own. */
type ChargedFields = {
  readonly contingencies: Exclude<keyof Fields<'contingencies'>, 'confidenceMarginX40'>
  readonly concentration: Exclude<keyof Fields<'concentration'>, 'perpSizeQ' | 'optionSizeQ'>
}
export type ContingencyWord = keyof ChargedFields
export type ContingencyField<W extends ContingencyWord = ContingencyWord> = ChargedFields[W]

/** What an account is charged on. */
export type Exposure = {
  readonly totals: BookTotals
  readonly holdings: Holdings
  readonly round: RoundMarket
  readonly policy: MarginPolicy
  readonly terms: RoundTerms
}

/** The same in floating point. */
export type RealExposure = {
  readonly portfolio: Portfolio
  /** Options sold beyond those held, per strike. */
  readonly nakedShorts: number
}

export type Contingency = {
  readonly word: ContingencyWord
  /** Maintenance margin, and so initial margin too, or initial margin alone. */
  readonly margin: 'maintenance' | 'initial'
  /** What it is a part of where the terms of a margin are listed. */
  readonly part: string
  /** Entry of `parameters.contingency` in portfolio files, and what it is if they have none. */
  readonly entry: string
  readonly byDefault: string
  /** The most that it may be; what its word holds where there is none. */
  readonly atMost?: bigint
  /** What cases of Derive's call it; what they do not know they do not charge. */
  readonly deriveName?: string
  /** What it is charged on, as `--explain` says it. */
  readonly formula: string
  /** E20X20, exact; never negative. */
  readonly chargedOn: (exposure: Exposure) => bigint
  /** Quote. */
  readonly realChargedOn: (exposure: RealExposure) => number
}

/** Sizes are whole in units of 2^32 amounts of 10^-12: as `circuits/portfolio/ConcentrationCharge.circom` has them. */
const SIZE_UNIT_BITS = 32n

const perps = {
  word: 'contingencies',
  part: 'perps',
  formula: '|perps| × spot',
  chargedOn: ({ holdings: { perpsE12 }, round }) => ((perpsE12 < 0n ? -perpsE12 : perpsE12) * round.spotE8) << 20n,
  realChargedOn: ({ portfolio: { account, market } }) =>
    (Math.abs(Number(account.perpsE12)) / 1e12) * (Number(market.spotE8) / 1e8),
} as const satisfies Partial<Contingency>

const options = {
  word: 'contingencies',
  part: 'options',
  formula: 'naked shorts × spot',
  chargedOn: ({ totals, round }) => (totals.nakedShortE12 * round.spotE8) << 20n,
  realChargedOn: ({ nakedShorts, portfolio: { market } }) => nakedShorts * (Number(market.spotE8) / 1e8),
} as const satisfies Partial<Contingency>

const real = (amountE12: bigint): number => Number(amountE12) / 1e12

/** From a size on, which is whole in units of 2^32·10^-12. */
export const sizeE12 = (sizeQ: bigint): bigint => sizeQ << SIZE_UNIT_BITS

const excessOver = (sizeQ: bigint, amountE12: bigint): bigint => {
  const excess = amountE12 - sizeE12(sizeQ)
  return excess > 0n ? excess : 0n
}

/** What positions exceed their sizes by. */
const concentration = {
  word: 'concentration',
  part: 'concentration',
  formula: 'Σ max(0, position − size) × price',
  chargedOn: ({ totals, holdings: { perpsE12, collateralsE12 }, round, policy, terms }) => {
    const { perpSizeQ, optionSizeQ } = policy.concentration
    const perps = excessOver(perpSizeQ, perpsE12 < 0n ? -perpsE12 : perpsE12)
    const underlyingE12 = perps + excessOver(optionSizeQ, totals.nakedShortE12)
    return policy.collaterals.reduce(
      (sum, { sizeQ }, i) => {
        const excessE12 = excessOver(sizeQ, collateralsE12[i] as bigint)
        return sum + excessE12 * (terms.collateralE8X20[i] as bigint)
      },
      (underlyingE12 * round.spotE8) << 20n,
    )
  },
  realChargedOn: ({ portfolio: { account, market, rules }, nakedShorts }) => {
    const beyond = (amount: number, sizeQ: bigint): number => Math.max(0, amount - real(sizeE12(sizeQ)))
    const { perpSizeQ, optionSizeQ } = rules.concentration
    const underlying = beyond(Math.abs(real(account.perpsE12)), perpSizeQ) + beyond(nakedShorts, optionSizeQ)
    return account.collaterals.reduce(
      (sum, { asset, amountE12 }) => {
        const price = market.collaterals.find((each) => each.asset === asset)?.priceE12 ?? 0n
        const sizeQ = rules.collaterals.find((each) => each.asset === asset)?.sizeQ ?? 0n
        return sum + (beyond(real(amountE12), sizeQ) * real(price)) / real(market.stablePriceE12)
      },
      (underlying * Number(market.spotE8)) / 1e8,
    )
  },
} as const satisfies Partial<Contingency>

export const contingencies = {
  maintenancePerpX40: {
    ...perps,
    margin: 'maintenance',
    entry: 'perpMaintenance',
    byDefault: '0.015',
    deriveName: 'MM_PERP_PERCENT',
  },
  initialPerpX40: {
    ...perps,
    margin: 'initial',
    entry: 'perpInitial',
    byDefault: '0.005',
    deriveName: 'IM_PERP_PERCENT',
  },
  maintenanceOptionX40: {
    ...options,
    margin: 'maintenance',
    entry: 'optionMaintenance',
    byDefault: '0.003',
    deriveName: 'MM_OPTION_PERCENT',
  },
  initialOptionX40: {
    ...options,
    margin: 'initial',
    entry: 'optionInitial',
    byDefault: '0.002',
    deriveName: 'IM_OPTION_PERCENT',
  },
  concentrationX40: {
    ...concentration,
    margin: 'maintenance',
    entry: 'concentration',
    byDefault: '0',
    atMost: 1n,
  },
} as const satisfies Record<ContingencyField, Contingency>

/** Parts in the words of people, in the order in which they are listed. */
export const contingencyParts = {
  perps: 'perpetuals, share of notional',
  options: 'naked short options, share of notional',
  concentration: 'concentrated positions, share beyond their size',
} as const satisfies Record<(typeof contingencies)[ContingencyField]['part'], string>

type Rows = typeof contingencies
type DeriveName<F extends ContingencyField> = Rows[F] extends { readonly deriveName: infer Name }
  ? Name & string
  : never
export type ContingencyPart = keyof typeof contingencyParts

const rows = Object.entries(contingencies) as readonly [ContingencyField, Contingency][]

/** Binary places of a field: the suffix of its name. */
const placesOf = (field: ContingencyField): bigint => BigInt(/X(\d+)$/.exec(field)?.[1] ?? 0)

/** A policy's words, of which one has the field. */
type Rates = { readonly [W in ContingencyWord]: Readonly<Record<string, bigint>> }

const rateOf = (rates: Rates, field: ContingencyField): bigint => rates[contingencies[field].word][field] as bigint

/** One charge, E20X60. */
export const chargeE20X60 = (field: ContingencyField, exposure: Exposure): bigint =>
  (contingencies[field].chargedOn(exposure) * rateOf(exposure.policy, field)) << (40n - placesOf(field))

/** All charges of a margin, E20X60, exact. */
export const chargesE20X60 = (margin: Contingency['margin'], exposure: Exposure): bigint =>
  rows.reduce((sum, [field, row]) => (row.margin === margin ? sum + chargeE20X60(field, exposure) : sum), 0n)

/** Charges of a margin by part, from what one field's is. */
export function chargesByPart(
  margin: Contingency['margin'],
  charge: (field: ContingencyField) => number,
): Readonly<Record<ContingencyPart, number>> {
  const ofPart = (part: string): number =>
    rows.reduce((sum, [field, row]) => (row.margin === margin && row.part === part ? sum + charge(field) : sum), 0)
  const parts = Object.keys(contingencyParts) as readonly ContingencyPart[]
  return Object.fromEntries(parts.map((part) => [part, ofPart(part)])) as Record<ContingencyPart, number>
}

/** One charge in floating point, quote. */
export const realCharge = (field: ContingencyField, exposure: RealExposure): number =>
  (contingencies[field].realChargedOn(exposure) * Number(rateOf(exposure.portfolio.rules, field))) /
  2 ** Number(placesOf(field))

/** Entries of `parameters.contingency`, and what files leave out. */
export const contingencyDefaults = Object.fromEntries(rows.map(([, { entry, byDefault }]) => [entry, byDefault])) as {
  readonly [F in ContingencyField as Rows[F]['entry']]: string
}

/** Each field's name in cases of Derive's, of those that have one. */
export const deriveContingencies = Object.fromEntries(
  rows.flatMap(([field, { deriveName }]) => (deriveName === undefined ? [] : [[field, deriveName]])),
) as { readonly [F in ContingencyField as Rows[F] extends { readonly deriveName: string } ? F : never]: DeriveName<F> }

/** Fields of a word, in the order of their rows. */
export const contingencyFieldsOf = <W extends ContingencyWord>(word: W): readonly ContingencyField<W>[] =>
  rows.flatMap(([field, row]) => (row.word === word ? [field as ContingencyField<W>] : []))

/** No charge of a word at all. */
export const uncharged = <W extends ContingencyWord>(word: W): Readonly<Record<ContingencyField<W>, bigint>> =>
  Object.fromEntries(contingencyFieldsOf(word).map((field) => [field, 0n])) as Record<ContingencyField<W>, bigint>
