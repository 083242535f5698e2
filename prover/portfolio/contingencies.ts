/**
 * Contingencies: governed fractions of what an account holds that margin keeps back whatever the scenario. All that is said
 * of one outside its circuit stands in its row: how files and people call it, what it is charged on, and the same once more
 * in floating point, which judges the exact integers. Twin of `Contingency` in `circuits/portfolio/AccountHoldings.circom`.
 */
import type { Fields } from '../../circuits/statements/index.ts'
import type { Holdings, MarginPolicy, RoundMarket, RoundTerms } from './margin.ts'
import type { BookTotals } from './book.ts'
import type { Portfolio } from './portfolio.ts'

/** Fields that are charged by themselves: missing confidence is, on what it is missing of. */
export type ContingencyField = Exclude<keyof Fields<'contingencies'>, 'confidenceMarginX40'>

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

type Contingency = {
  /** Maintenance margin, and so initial margin too, or initial margin alone. */
  readonly margin: 'maintenance' | 'initial'
  /** What it is a part of where the terms of a margin are listed. */
  readonly part: string
  /** Entry of `parameters.contingency` in portfolio files, and what it is if they have none. */
  readonly entry: string
  readonly byDefault: string
  /** What cases of Derive's call it; what they do not know they do not charge. */
  readonly deriveName?: string
  /** E20X20, exact; never negative. */
  readonly chargedOn: (exposure: Exposure) => bigint
  /** Quote. */
  readonly realChargedOn: (exposure: RealExposure) => number
}

const perps = {
  part: 'perps',
  chargedOn: ({ holdings: { perpsE12 }, round }) => ((perpsE12 < 0n ? -perpsE12 : perpsE12) * round.spotE8) << 20n,
  realChargedOn: ({ portfolio: { account, market } }) =>
    (Math.abs(Number(account.perpsE12)) / 1e12) * (Number(market.spotE8) / 1e8),
} as const satisfies Partial<Contingency>

const options = {
  part: 'options',
  chargedOn: ({ totals, round }) => (totals.nakedShortE12 * round.spotE8) << 20n,
  realChargedOn: ({ nakedShorts, portfolio: { market } }) => nakedShorts * (Number(market.spotE8) / 1e8),
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
} as const satisfies Record<ContingencyField, Contingency>

/** Parts in the words of people, in the order in which they are listed. */
export const contingencyParts = {
  perps: 'perpetuals, share of notional',
  options: 'naked short options, share of notional',
} as const satisfies Record<(typeof contingencies)[ContingencyField]['part'], string>

type Rows = typeof contingencies
type DeriveName<F extends ContingencyField> = Rows[F] extends { readonly deriveName: infer Name }
  ? Name & string
  : never
export type ContingencyPart = keyof typeof contingencyParts

const rows = Object.entries(contingencies) as readonly [ContingencyField, Contingency][]

/** Binary places of a field: the suffix of its name. */
const placesOf = (field: ContingencyField): bigint => BigInt(/X(\d+)$/.exec(field)?.[1] ?? 0)

/** One charge, E20X60. */
export const chargeE20X60 = (field: ContingencyField, exposure: Exposure): bigint =>
  (contingencies[field].chargedOn(exposure) * exposure.policy.contingencies[field]) << (40n - placesOf(field))

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
  (contingencies[field].realChargedOn(exposure) * Number(exposure.portfolio.rules.contingencies[field])) /
  2 ** Number(placesOf(field))

/** Entries of `parameters.contingency`, and what files leave out. */
export const contingencyDefaults = Object.fromEntries(rows.map(([, { entry, byDefault }]) => [entry, byDefault])) as {
  readonly [F in ContingencyField as Rows[F]['entry']]: string
}

/** Entry of each field. */
export const contingencyEntries = Object.fromEntries(rows.map(([field, { entry }]) => [field, entry])) as {
  readonly [F in ContingencyField]: Rows[F]['entry']
}

/** Each field's name in cases of Derive's, of those that have one. */
export const deriveContingencies = Object.fromEntries(
  rows.flatMap(([field, { deriveName }]) => (deriveName === undefined ? [] : [[field, deriveName]])),
) as { readonly [F in ContingencyField as Rows[F] extends { readonly deriveName: string } ? F : never]: DeriveName<F> }

/** No charge at all. */
export const noContingencies = Object.fromEntries(rows.map(([field]) => [field, 0n])) as Readonly<
  Record<ContingencyField, bigint>
>
