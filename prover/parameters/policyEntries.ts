/** The numbers that people set: bounds, where a deployment starts, and what a person needs to know to turn one. */
import type { Fields } from '../../circuits/statements/index.ts'
import { defaultGarch } from '../volatility/garch.ts'

/**
 * How a value is counted. Shares are plain: 0.65 is 65 %.
 *
 * `ofNotional`, `share`, `probability` and `perYear` (an annualised volatility) are such shares, `ofNotionalPerHour` is one an hour.
 */
export type PolicyUnit =
  | 'share'
  | 'probability'
  | 'ofNotional'
  | 'ofNotionalPerHour'
  | 'perYear'
  | 'logReturn'
  | 'hours'
  | 'seconds'
  | 'times'

export type PolicyScope = 'engine' | 'market' | 'garch'

/** A number that people set. */
export type PolicyEntry<N extends string = string> = {
  readonly name: N
  readonly unit: PolicyUnit
  /** Both bounds may be taken. */
  readonly least: number
  readonly greatest: number
  /** Where a deployment starts; docs/backtest.md measures it. */
  readonly start: number
  readonly meaning: string
  /** What a higher value does. */
  readonly raising: string
}

/** Bounds are such that no value is lost in the scale of its field. */
function entry<const N extends string>(
  name: N,
  unit: PolicyUnit,
  [least, greatest]: readonly [number, number],
  start: number,
  [meaning, raising]: readonly [string, string],
): PolicyEntry<N> {
  return { name, unit, least, greatest, start, meaning, raising }
}

/**
 * What several fields of the learning policy follow from.
 *
 * Over N horizons the breach rate misses α by exactly (q_end − q_start) / (learningRate · N) as long as the multiplier q
 * stays off its bounds. So the learning rate keeps a year (N = 8,760) within 0.1 percentage points of α even if q moves
 * by 4 in it, and the bounds are only a fence around what is learned, not part of the estimate. The half-life is the
 * longest after which breaches no longer come in clusters.
 */
export const learningEntries = {
  fastHalfLifeHours: entry('fastHalfLifeHours', 'hours', [1, 720], 4, [
    'weight of a return halves in this time; the slow half-life is 16 times it',
    'margins follow the market later and move less',
  ]),
  horizonSeconds: entry('horizonSeconds', 'seconds', [60, 864_000], 3600, [
    'time a position needs to be closed',
    'moves and margins are for a longer time, so larger',
  ]),
  breachProbability: entry('breachProbability', 'probability', [0.0001, 0.05], 0.005, [
    'α: share of horizons whose move may exceed the prediction, on either side',
    'smaller moves and margins, exceeded more often',
  ]),
  learningRate: entry('learningRate', 'times', [0.001, 0.9], 0.5, [
    'γ: how fast a breach raises the confidence multiplier, in standard deviations',
    'α is kept within shorter stretches; multipliers and margins move more',
  ]),
} as const

/** Bounds of what is learned. */
export const multiplierFields = {
  multiplierFloorX18: entry('multiplierFloor', 'times', [0.5, 15], 1, [
    'least confidence multiplier, standard deviations',
    'margins cannot fall as far; where it binds there are fewer breaches than α',
  ]),
  multiplierCeilingX18: entry('multiplierCeiling', 'times', [0.5, 15], 10, [
    'greatest confidence multiplier, standard deviations',
    'margins may rise further; where it binds there are more breaches than α',
  ]),
} as const

export const marginFields = {
  impliedWeightX10: entry('impliedWeight', 'share', [0, 1], 1, [
    'weight of an attested implied volatility',
    'implied volatility raises margins sooner; nothing changes where none is attested',
  ]),
  stressWeightX10: entry('stressWeight', 'share', [0, 1], 0.25, [
    'share of stressed variance in the margin',
    'higher margins in calm markets, a smaller rise in a crash',
  ]),
  scanMultipleX8: entry('scanMultiple', 'times', [1, 15], 3, ['scan range over horizon move', 'wider scenario grids']),
  loosenPerSecondX32: entry('loosenPerHour', 'ofNotionalPerHour', [0.00001, 0.05], 0.0025, [
    'fastest fall of a margin',
    'margins come down sooner after a crash',
  ]),
  tightenPerSecondX32: entry('tightenPerHour', 'ofNotionalPerHour', [0.0025, 0.5], 0.3, [
    'fastest rise of the maintenance margin',
    'positions are liquidated sooner, more of them at once, and leave less bad debt',
  ]),
  initialMarginBufferX10: entry('initialMarginBuffer', 'share', [0.05, 0.99], 0.5, [
    'initial over maintenance margin, less 1',
    'more is needed to open, so accounts are further from liquidation',
  ]),
} as const satisfies Readonly<Record<keyof Fields<'marginPolicy'>, PolicyEntry>>

/** What one volatility model alone reads of a market's policy, from words of its own. */
type ModelField = 'longRunVolatilityX16' | 'reversionRateX36' | 'forecastWeightX26'

/**
 * Starting policy of BTC and ETH against the dollar.
 *
 * Returns are winsorised where one hour alone would lift the volatility to about 380 %: beyond it margins would follow
 * one price and not the market, and coverage does not improve.
 */
export const marketFields = {
  maxReturnX16: entry('maxReturn', 'logReturn', [0.01, 0.99], 0.1, [
    'log returns beyond it are winsorised',
    'one price alone moves margins further',
  ]),
  volatilityFloorX16: entry('volatilityFloor', 'perYear', [0.01, 15], 0.2, [
    'least volatility used',
    'higher margins in calm markets',
  ]),
  volatilityCeilingX16: entry('volatilityCeiling', 'perYear', [0.01, 15], 8, [
    'greatest volatility used',
    'margins may rise further in a crash',
  ]),
  stressVolatilityX16: entry('stressVolatility', 'perYear', [0.001, 15], 1.2, [
    'volatility of the stressed period',
    'higher margins in calm markets, by the stress weight',
  ]),
  liquidationCostX16: entry('liquidationCost', 'ofNotional', [0, 0.2], 0.005, [
    'cost of closing a position',
    'margins rise by it, always',
  ]),
  maintenanceMarginFloorX16: entry('maintenanceMarginFloor', 'ofNotional', [0.005, 0.9], 0.01, [
    'least maintenance margin',
    'less leverage in calm markets',
  ]),
  maintenanceMarginCeilingX16: entry('maintenanceMarginCeiling', 'ofNotional', [0.005, 0.9], 0.5, [
    'greatest maintenance margin',
    'margins may rise further in a crash',
  ]),
  liquidationBonusX16: entry('liquidationBonus', 'share', [0, 0.2], 0.05, [
    'paid to the liquidator, share of collateral',
    'liquidation threshold and loan-to-value are lower',
  ]),
  scanRangeFloorX16: entry('scanRangeFloor', 'share', [0.01, 3.9], 0.05, [
    'least scan range, a move of spot',
    'wider scenario grids in calm markets',
  ]),
  scanRangeCeilingX16: entry('scanRangeCeiling', 'share', [0.01, 3.9], 1.5, [
    'greatest scan range, a move of spot',
    'scenario grids may widen further in a crash',
  ]),
} as const satisfies Readonly<Record<Exclude<keyof Fields<'marketPolicy'>, ModelField>, PolicyEntry>>

/** What GARCH alone reads; the horizon over which it forecasts is the engine's. */
export const garchEntries = {
  longRunVolatility: entry('longRunVolatility', 'perYear', [0.001, 15], defaultGarch.longRunVolatility, [
    'GARCH: what volatility reverts to',
    'higher margins after calm weeks',
  ]),
  reversionHalfLifeHours: entry('reversionHalfLifeHours', 'hours', [1, 8760], defaultGarch.reversionHalfLifeHours, [
    'GARCH: distance from the long-run level halves in this time',
    'a crash is remembered longer',
  ]),
} as const

/** Words that people say for entries; flags of commands are made of them. */
export const shortNames: Readonly<Record<string, string>> = {
  breachProbability: 'alpha',
  learningRate: 'gamma',
  horizonSeconds: 'horizon',
  fastHalfLifeHours: 'halfLife',
  liquidationCost: 'cost',
  initialMarginBuffer: 'buffer',
  liquidationBonus: 'bonus',
  loosenPerHour: 'loosen',
  tightenPerHour: 'tighten',
}

const scoped = (scope: PolicyScope, entries: Readonly<Record<string, PolicyEntry>>) =>
  Object.values(entries).map((each) => ({ ...each, scope }))

/** Every entry with where it stands in a policy, in the order in which policies are told. */
export const policyEntries: readonly (PolicyEntry & { readonly scope: PolicyScope })[] = [
  ...scoped('engine', learningEntries),
  ...scoped('engine', multiplierFields),
  ...scoped('engine', marginFields),
  ...scoped('market', marketFields),
  ...scoped('garch', garchEntries),
]

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, '')

/** The entry that somebody means: by its name, the word that people say for it, or a flag; however it is spelt. */
export const entryNamed = (name: string): (typeof policyEntries)[number] | undefined =>
  policyEntries.find((each) =>
    [each.name, shortNames[each.name] ?? each.name].some((word) => plain(word) === plain(name)),
  )

const SUFFIX: Readonly<Record<PolicyUnit, string>> = {
  share: '%',
  probability: '%',
  ofNotional: '% of notional',
  ofNotionalPerHour: '% of notional an hour',
  perYear: '% a year',
  logReturn: '% log return',
  hours: 'h',
  seconds: 's',
  times: '×',
}

const isShare = (unit: PolicyUnit): boolean => SUFFIX[unit].startsWith('%')

/** Name of a unit, as it stands behind figures. */
export const unitName = (unit: PolicyUnit): string => SUFFIX[unit]

/** A value as people say it, without its unit's name: `0.5` of 0.005 as a share, `3600` of an hour's seconds. */
const inUnit = (unit: PolicyUnit, value: number): string =>
  String(Number((isShare(unit) ? 100 * value : value).toPrecision(12)))

/** A value with its unit: `0.5 %`, `3600 s (1 h)`. */
export function figureOf({ unit }: Pick<PolicyEntry, 'unit'>, value: number): string {
  const figure = `${inUnit(unit, value)} ${SUFFIX[unit]}`
  return unit === 'seconds' && value >= 3600 ? `${figure} (${Number((value / 3600).toFixed(2))} h)` : figure
}

/** Values that an entry takes, as people say them: `0.01 to 20 %`. */
export const rangeOf = ({ unit, least, greatest }: PolicyEntry): string =>
  `${inUnit(unit, least)} to ${inUnit(unit, greatest)} ${SUFFIX[unit]}`

/** What a file may say, with the same as people say it where that differs: `0.0001 to 0.2 (0.01 to 20 %)`. */
export const boundsOf = (entry: PolicyEntry): string =>
  isShare(entry.unit) ? `${entry.least} to ${entry.greatest} (${rangeOf(entry)})` : rangeOf(entry)

const ofUnit =
  (...units: readonly PolicyUnit[]) =>
  ({ unit }: PolicyEntry): boolean =>
    units.includes(unit)

type Slip = readonly [of: (entry: PolicyEntry) => boolean, meant: (value: number) => number]

/** The usual slips of unit, the likeliest first. */
const SLIPS: readonly Slip[] = [
  // 1.5 times the maintenance margin
  [({ name }) => name === 'initialMarginBuffer', (value) => value - 1],
  // Per cent, basis points
  [({ unit }) => isShare(unit) || unit === 'times', (value) => value / 100],
  [({ unit }) => isShare(unit), (value) => value / 10_000],
  // Hours, minutes, milliseconds
  [ofUnit('seconds'), (value) => value * 3600],
  [ofUnit('seconds'), (value) => value * 60],
  [ofUnit('seconds'), (value) => value / 1000],
  // Seconds, days
  [ofUnit('hours'), (value) => value / 3600],
  [ofUnit('hours'), (value) => value * 24],
]

const isWithin = ({ least, greatest }: PolicyEntry, value: number): boolean => least <= value && value <= greatest

/** What was probably meant by a value out of range: the likeliest slip that is in it. */
export function meantBy(entry: PolicyEntry, value: number): number | undefined {
  // Where most shares are in range, one that just is not is a share too large, not one in per cent.
  if (isShare(entry.unit) && entry.greatest >= 0.5 && value > entry.greatest && value <= 1) return undefined
  return SLIPS.filter(([of]) => of(entry))
    .map(([, meant]) => Number(meant(value).toPrecision(12)))
    .find((meant) => isWithin(entry, meant) && (entry.unit !== 'seconds' || Number.isInteger(meant)))
}
