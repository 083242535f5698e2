/**
 * Margins of one account: initial and maintenance, worst scenario, thresholds, Greeks. Twin of
 * `circuits/portfolio/AccountMargins.circom`, bit for bit.
 *
 * Units: E20 is 10^-20 of the quote currency, what a quantity E12 times a price E8 comes in; M is 2^32 of them. E20X60
 * is E20·2^-60. Sums are exact; what is rounded is rounded down once, so against the account.
 */
import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { saturateSigned, signedDivDown } from '../math/index.ts'
import { SCENARIOS, type ScenarioPolicy, UNSHOCKED } from '../options/grid.ts'
import { type BookState, type BookTotals, MixedRoundsError } from './book.ts'
import { chargesE20X60 } from './contingencies.ts'
import { crossing, type Node, probabilityBeyond, type Side, type Threshold } from './thresholds.ts'

/** Index of the basis contingency among what may bind. */
export const BASIS_SCENARIO = SCENARIOS

/** What an account holds besides options. */
export type Holdings = Fields<'holdings'> & {
  /** Shape [16]. */
  readonly collateralsE12: readonly bigint[]
}

/** An account as it is margined: its options, folded to the end, and the rest. */
export type AccountState = { readonly book: BookState; readonly holdings: Holdings }

export type CollateralMarket = { readonly priceE12: bigint; readonly confidenceX40: bigint }

/** What a round says, arrays aside. */
export type RoundMarket = Fields<'roundPrices'> &
  Fields<'roundConfidences'> & {
    /** Shape [16]; an unused one has price 0. */
    readonly collaterals: readonly CollateralMarket[]
  }

export type CollateralPolicy = {
  readonly initialHaircutX40: bigint
  readonly maintenanceHaircutX40: bigint
  readonly confidenceThresholdX40: bigint
  /** 1 or 0. */
  readonly movesWithSpot: bigint
  /** Held beyond this it is concentrated; units of 2^32·10^-12. */
  readonly sizeQ: bigint
}

export type MarginPolicy = {
  readonly scenarios: ScenarioPolicy
  readonly lossFactors: Fields<'lossFactors'>
  readonly contingencies: Fields<'contingencies'>
  readonly concentration: Fields<'concentration'>
  /** Shape [16]. */
  readonly collaterals: readonly CollateralPolicy[]
}

/** What is the same for all accounts of a round. Twin of `circuits/portfolio/RoundTerms.circom`. */
export type RoundTerms = {
  /** Price of each collateral in the settlement currency, floored. */
  readonly collateralE8X20: readonly bigint[]
  /** 1 - confidence, where confidence is low. */
  readonly collateralShortfallX40: readonly bigint[]
  readonly perpShortfallX40: bigint
  /** Initial loss factor with the peg term, rounded up. */
  readonly initialFactorX40: bigint
  /** Of the 33 scenarios. */
  readonly shocksX40: readonly bigint[]
  readonly dampingX40: readonly bigint[]
}

/** Margins of an account with every intermediate. Money is signed. */
export type AccountMargin = {
  readonly collateralValuesE20X20: readonly bigint[]
  /** What moves one for one with spot: perpetuals, and the collateral that does. */
  readonly hedgeM: bigint
  /** Undamped, shape [33]. */
  readonly pnlMX40: readonly bigint[]
  /** Damped, and the basis contingency last; shape [34]. */
  readonly lossesMX80: readonly bigint[]
  readonly worstScenario: number
  readonly minSpanM: bigint
  readonly equityE20X60: bigint
  readonly maintenanceContingencyE20X60: bigint
  readonly initialContingencyE20X60: bigint
  readonly confidenceE20X100: bigint
  readonly initialFactorX40: bigint
  readonly maintenanceE8: bigint
  readonly initialE8: bigint
  readonly equityE8: bigint
  /** What the worst scenario leaves unpaid, rounded up. */
  readonly deficitE8: bigint
  /** The account's default probability is the last field. */
  readonly thresholds: Fields<'accountThresholds'>
  readonly spotGreeks: Fields<'spotGreeks'>
  readonly risk: Fields<'accountRisk'>
  readonly margins: Fields<'accountMargins'>
}

const ONE = 1n << 40n
const E12 = 10n ** 12n
/** A collateral is worth less than 2^73 units of E8X20, 8.5·10^7. */
const RATIO_BITS = 73n
const MARGIN_BITS = 79
/** Damped losses are nearer to each other than 2^168 MX80, 1.3·10^16 of quote. */
const SPREAD_BITS = 168n

/**
 * @throws {@link PerpPriceError} if the perpetual has no price
 * @throws {@link PolicyShockError} if the middle regular shock is not 1
 * @throws {@link CollateralPriceError} if a price in the settlement currency is out of range
 */
export function roundTerms(round: RoundMarket, policy: MarginPolicy): RoundTerms {
  const { scenarios, lossFactors } = policy
  if (round.perpPriceE8 === 0n) throw new PerpPriceError()
  const middle = scenarios.regular[UNSHOCKED]?.shockX40
  if (middle !== ONE) throw new PolicyShockError(middle ?? 0n)
  const perpConfidence = lesser(round.perpConfidenceX40, round.spotConfidenceX40)
  return {
    collateralE8X20: round.collaterals.map(({ priceE12 }, i) => {
      const ratio = ((priceE12 * 10n ** 8n) << 20n) / round.stablePriceE12
      if (ratio >> RATIO_BITS !== 0n) throw new CollateralPriceError(i, priceE12, round.stablePriceE12)
      return ratio
    }),
    collateralShortfallX40: round.collaterals.map(({ confidenceX40 }, i) =>
      shortfall(
        lesser(confidenceX40, round.spotConfidenceX40),
        (policy.collaterals[i] as CollateralPolicy).confidenceThresholdX40,
      ),
    ),
    perpShortfallX40: shortfall(perpConfidence, lossFactors.confidenceThresholdX40),
    initialFactorX40: initialFactor(round.stablePriceE12, lossFactors),
    shocksX40: [
      ...scenarios.regular.flatMap(({ shockX40 }) => [shockX40, shockX40, shockX40]),
      ...scenarios.upOnly.map(({ shockX40 }) => shockX40),
      scenarios.shockLinearX40,
      scenarios.shockAbsoluteX40,
    ],
    dampingX40: [
      ...scenarios.regular.flatMap((each) => [each.dampingUpX40, each.dampingNoneX40, each.dampingDownX40]),
      ...scenarios.upOnly.map(({ dampingX40 }) => dampingX40),
      scenarios.dampingLinearX40,
      scenarios.dampingAbsoluteX40,
    ],
  }
}

/** 1 - confidence below the threshold, 0 from it or from 1 on. */
const shortfall = (confidenceX40: bigint, thresholdX40: bigint): bigint =>
  confidenceX40 < lesser(thresholdX40, ONE) ? ONE - confidenceX40 : 0n

function initialFactor(stablePriceE12: bigint, lossFactors: Fields<'lossFactors'>): bigint {
  const below = lossFactors.pegThresholdX40 * E12 - (stablePriceE12 << 40n)
  if (below <= 0n) return lossFactors.initialFactorX40
  return lossFactors.initialFactorX40 - signedDivDown(-below * lossFactors.pegLossX40, E12 << 40n)
}

/**
 * @throws {@link OpenBookError} if the book's last expiry is not closed
 * @throws {@link MixedRoundsError} if the book is of another round
 * @throws {@link MarginOutOfRangeError} if a margin does not fit its word
 * @throws {@link ScenarioSpreadError} if scenarios are too far apart
 * @throws the errors of {@link roundTerms}
 */
export function accountMargin(
  { book, holdings }: AccountState,
  round: RoundMarket,
  policy: MarginPolicy,
): AccountMargin {
  const left = unroundedMargin({ book, holdings }, round, policy)
  const { terms, maintenanceE20X60, initialE20X100, ...parts } = left
  const { minSpanM, worstScenario } = parts
  const maintenanceE8 = toE8(maintenanceE20X60, 60n)
  const initialE8 = toE8(initialE20X100, 100n)
  const equityE8 = toE8(parts.equityE20X60, 60n)
  const leftE8 = toE8(parts.equityE20X60 + (minSpanM << 92n), 60n)
  for (const margin of [maintenanceE8, initialE8, equityE8, leftE8]) requireRange(margin)
  requireSpread(parts.lossesMX80, worstScenario)

  const thresholds = thresholdsOf(maintenanceE8, equityE8, parts.pnlMX40, round, terms)
  const deficitE8 = leftE8 < 0n ? -leftE8 : 0n
  const { spotGreeks, timeGreeks } = netGreeks(book.totals)
  return {
    ...parts,
    initialFactorX40: terms.initialFactorX40,
    maintenanceE8,
    initialE8,
    equityE8,
    deficitE8,
    thresholds,
    spotGreeks,
    risk: { ...timeGreeks, expectedShortfallE8: expectedShortfall(thresholds.defaultProbabilityX32, deficitE8) },
    margins: { initialE8, maintenanceE8, worstScenario: BigInt(worstScenario) },
  }
}

/** What an account's margins are before they are rounded, which only their sum over markets is. */
export type UnroundedMargin = AccountParts & {
  readonly terms: RoundTerms
  readonly worstScenario: number
  readonly minSpanM: bigint
  readonly maintenanceE20X60: bigint
  readonly initialE20X100: bigint
}

/** @throws {@link OpenBookError}, {@link MixedRoundsError} and the errors of {@link roundTerms} */
export function unroundedMargin(
  { book, holdings }: AccountState,
  round: RoundMarket,
  policy: MarginPolicy,
): UnroundedMargin {
  requireClosed(book, round)
  const terms = roundTerms(round, policy)
  const parts = accountParts(book.totals, holdings, round, policy, terms)
  const worstScenario = parts.lossesMX80.reduce((w, loss, i, all) => (loss < (all[w] as bigint) ? i : w), 0)
  const minSpanM = (parts.lossesMX80[worstScenario] as bigint) >> 80n
  const initialE20X60 =
    ((minSpanM * terms.initialFactorX40) << 52n) -
    parts.maintenanceContingencyE20X60 -
    parts.initialContingencyE20X60 +
    parts.equityE20X60
  return {
    ...parts,
    terms,
    worstScenario,
    minSpanM,
    maintenanceE20X60: maintenanceOf(minSpanM, parts, policy),
    initialE20X100: (initialE20X60 << 40n) - parts.confidenceE20X100,
  }
}

/**
 * Shows an account to be below maintenance by one scenario: the margin that it alone would leave is negative, and no
 * scenario can raise it. Twin of `circuits/statement/UnhealthyWitness.circom`.
 *
 * @param scenario - 0 to 33; 33 is the basis contingency
 * @returns an upper bound of the maintenance margin, negative
 * @throws {@link NotUnhealthyError} if it is not negative
 */
export function unhealthyWitness(
  { book, holdings }: AccountState,
  round: RoundMarket,
  policy: MarginPolicy,
  scenario: number,
): Fields<'maintenanceBound'> {
  requireClosed(book, round)
  const parts = accountParts(book.totals, holdings, round, policy, roundTerms(round, policy))
  const loss = parts.lossesMX80[scenario]
  if (loss === undefined) throw new ScenarioIndexError(scenario)
  const maintenanceE8 = toE8(maintenanceOf(loss >> 80n, parts, policy), 60n)
  if (maintenanceE8 >= 0n) throw new NotUnhealthyError(scenario, maintenanceE8)
  requireRange(maintenanceE8)
  return { maintenanceE8 }
}

/** Everything about an account that comes before the worst scenario is known. */
type AccountParts = Pick<
  AccountMargin,
  | 'collateralValuesE20X20'
  | 'hedgeM'
  | 'pnlMX40'
  | 'lossesMX80'
  | 'equityE20X60'
  | 'maintenanceContingencyE20X60'
  | 'initialContingencyE20X60'
  | 'confidenceE20X100'
>

function accountParts(
  totals: BookTotals,
  holdings: Holdings,
  round: RoundMarket,
  policy: MarginPolicy,
  terms: RoundTerms,
): AccountParts {
  const values = holdings.collateralsE12.map((amount, i) => amount * (terms.collateralE8X20[i] as bigint))
  const { perpsE12 } = holdings
  const moving = sumOf(policy.collaterals, ({ movesWithSpot }, i) => movesWithSpot * (values[i] as bigint))
  const hedgeM = (((perpsE12 * round.perpPriceE8) << 20n) + moving) >> 52n
  const pnlMX40 = totals.scenarioPnlMX40.map((pnl, s) => pnl + hedgeM * ((terms.shocksX40[s] as bigint) - ONE))
  const perpNotionalE20 = (perpsE12 < 0n ? -perpsE12 : perpsE12) * round.spotE8
  const exposure = { totals, holdings, round, policy, terms }
  const uncertainE20X40 = totals.shortfallE12X40 * round.spotE8 + perpNotionalE20 * terms.perpShortfallX40
  const uncertainCollateralE20X60 = sumOf(values, (value, i) => value * (terms.collateralShortfallX40[i] as bigint))
  return {
    collateralValuesE20X20: values,
    hedgeM,
    pnlMX40,
    lossesMX80: [...pnlMX40.map((pnl, s) => pnl * (terms.dampingX40[s] as bigint)), totals.basisMX40 << 40n],
    equityE20X60:
      (totals.markMX40 << 52n) +
      (sumOf(values, (value) => value) << 40n) +
      (((holdings.cashE12 + holdings.perpPnlE12) * 10n ** 8n) << 60n),
    maintenanceContingencyE20X60:
      chargesE20X60('maintenance', exposure) +
      sumOf(policy.collaterals, ({ maintenanceHaircutX40 }, i) => maintenanceHaircutX40 * (values[i] as bigint)),
    initialContingencyE20X60:
      chargesE20X60('initial', exposure) +
      sumOf(policy.collaterals, ({ initialHaircutX40 }, i) => initialHaircutX40 * (values[i] as bigint)),
    confidenceE20X100:
      ((uncertainE20X40 << 20n) + uncertainCollateralE20X60) * policy.contingencies.confidenceMarginX40,
  }
}

const maintenanceOf = (spanM: bigint, parts: AccountParts, { lossFactors }: MarginPolicy): bigint =>
  ((spanM * lossFactors.maintenanceFactorX40) << 52n) - parts.maintenanceContingencyE20X60 + parts.equityE20X60

/** E20 with `fractionBits` binary places to E8, floored. */
export const toE8 = (value: bigint, fractionBits: bigint): bigint => signedDivDown(value, E12 << fractionBits)

function thresholdsOf(
  maintenanceE8: bigint,
  equityE8: bigint,
  pnlMX40: readonly bigint[],
  { spotE8, horizonVolatilityX40 }: RoundMarket,
  { shocksX40 }: RoundTerms,
): Fields<'accountThresholds'> {
  const threshold = (marginE8: bigint, side: Side): Threshold => {
    const outward = side === 'down' ? [3, 4, 5, 6] : [3, 2, 1, 0]
    const nodes = outward.map((regular): Node => {
      const scenario = 3 * regular + 1
      return {
        shockX40: shocksX40[scenario] as bigint,
        equityMX40: ((marginE8 * E12) << 8n) + (pnlMX40[scenario] as bigint),
      }
    })
    return crossing(spotE8, nodes, side)
  }
  const defaultDown = threshold(equityE8, 'down')
  const defaultUp = threshold(equityE8, 'up')
  return {
    liquidationDownE8: threshold(maintenanceE8, 'down').spotE8,
    liquidationUpE8: threshold(maintenanceE8, 'up').spotE8,
    defaultDownE8: defaultDown.spotE8,
    defaultUpE8: defaultUp.spotE8,
    defaultProbabilityX32:
      probabilityBeyond(spotE8, defaultDown, horizonVolatilityX40, 'down') +
      probabilityBeyond(spotE8, defaultUp, horizonVolatilityX40, 'up'),
  }
}

const YEAR_SECONDS = 31_536_000n

/** Totals of a book in the units of the Greeks words, floored; gamma and theta saturate, the others always fit. */
function netGreeks(totals: BookTotals): {
  readonly spotGreeks: Fields<'spotGreeks'>
  readonly timeGreeks: Pick<Fields<'accountRisk'>, 'thetaE8' | 'rhoE8'>
} {
  return {
    spotGreeks: {
      deltaE12: totals.deltaE12X20 >> 20n,
      gammaE20: saturateSigned(totals.gammaE20, 83),
      vegaE8: signedDivDown(totals.vegaE20X60, E12 << 60n),
    },
    timeGreeks: {
      thetaE8: saturateSigned(signedDivDown(totals.thetaE20X20, E12 << 20n), 79),
      rhoE8: signedDivDown(totals.rhoE20X20, (E12 * YEAR_SECONDS) << 20n),
    },
  }
}

/** Probability times deficit, rounded up. */
const expectedShortfall = (probabilityX32: bigint, deficitE8: bigint): bigint =>
  (probabilityX32 * deficitE8 + (1n << 32n) - 1n) >> 32n

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b)
export const sumOf = <T>(values: readonly T[], part: (value: T, index: number) => bigint): bigint =>
  values.reduce((sum, value, index) => sum + part(value, index), 0n)

function requireClosed(book: BookState, round: RoundMarket): void {
  if (book.open !== undefined) throw new OpenBookError(book.expiry)
  if (book.asOf !== 0n && book.asOf !== round.asOf) throw new MixedRoundsError(round.asOf, book.asOf, book.expiry)
}

/** @throws {@link MarginOutOfRangeError} */
export function requireRange(marginE8: bigint): void {
  if (marginE8 !== saturateSigned(marginE8, MARGIN_BITS)) throw new MarginOutOfRangeError(marginE8)
}

/**
 * Those before the first of the least exceed it, so a unit is not counted. Twin of the last check of `WorstScenario`.
 *
 * @throws {@link ScenarioSpreadError}
 */
export function requireSpread(lossesMX80: readonly bigint[], worst: number): void {
  for (const [scenario, loss] of lossesMX80.entries()) {
    const above = loss - (lossesMX80[worst] as bigint) - (scenario < worst ? 1n : 0n)
    if (above >> SPREAD_BITS !== 0n) throw new ScenarioSpreadError(scenario, above >> 80n)
  }
}

/** A book ends within an expiry. */
export class OpenBookError extends ProverError {
  readonly code = 'portfolio.open-book'
  readonly expiry: bigint

  constructor(expiry: bigint) {
    super(`Expected a book whose expiries are all closed, got one that goes on with expiry ${expiry}. Fold the rest.`)
    this.expiry = expiry
  }
}

/** A margin does not fit its word. */
export class MarginOutOfRangeError extends ProverError {
  readonly code = 'portfolio.margin-out-of-range'
  readonly marginE8: bigint

  constructor(marginE8: bigint) {
    const got = (Number(marginE8) / 1e8).toPrecision(6)
    super(`Expected margins within ±6.04e15 of quote, got ${got}. Split the account.`)
    this.marginE8 = marginE8
  }
}

/** Two scenarios of an account are further apart than margins reach. */
export class ScenarioSpreadError extends ProverError {
  readonly code = 'portfolio.scenario-spread'
  readonly scenario: number
  readonly aboveM: bigint

  constructor(scenario: number, aboveM: bigint) {
    super(
      `Expected results of scenarios within 1.3e16 of quote of the worst, got scenario ${scenario} ${((Number(aboveM) * 2 ** 32) / 1e20).toPrecision(6)} above it. Split the account.`,
    )
    this.scenario = scenario
    this.aboveM = aboveM
  }
}

/** The regular grid's middle shock moves spot. */
export class PolicyShockError extends ProverError {
  readonly code = 'portfolio.policy-shock'
  readonly shockX40: bigint

  constructor(shockX40: bigint) {
    super(`Expected regular shock ${UNSHOCKED} to be exactly 1 (2^40), got ${shockX40}.`)
    this.shockX40 = shockX40
  }
}

/** A collateral's price in the settlement currency cannot be held. */
export class CollateralPriceError extends ProverError {
  readonly code = 'portfolio.collateral-price'
  readonly collateral: number
  readonly priceE12: bigint

  constructor(collateral: number, priceE12: bigint, stablePriceE12: bigint) {
    super(
      `Expected collateral ${collateral + 1} to cost less than 90,071,992 of the settlement currency, got ${Number(priceE12) / 1e12} at a stablePrice of ${Number(stablePriceE12) / 1e12}.`,
    )
    this.collateral = collateral
    this.priceE12 = priceE12
  }
}

/** The round has no price of the perpetual. */
export class PerpPriceError extends ProverError {
  readonly code = 'portfolio.perp-price'

  constructor() {
    super('Expected a round with a price of the perpetual, got 0: a feed that was missing. Take another round.')
  }
}

/** No scenario has the index. */
export class ScenarioIndexError extends ProverError {
  readonly code = 'portfolio.scenario-index'
  readonly scenario: number

  constructor(scenario: number) {
    super(`Expected a scenario from 0 to ${BASIS_SCENARIO}, got ${scenario}.`)
    this.scenario = scenario
  }
}

/** A scenario does not show the account to be below maintenance. */
export class NotUnhealthyError extends ProverError {
  readonly code = 'portfolio.not-unhealthy'
  readonly scenario: number
  readonly maintenanceE8: bigint

  constructor(scenario: number, maintenanceE8: bigint) {
    super(`Expected scenario ${scenario} to leave a negative margin, got ${maintenanceE8} × 10^-8.`)
    this.scenario = scenario
    this.maintenanceE8 = maintenanceE8
  }
}
