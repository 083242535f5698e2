/**
 * Standard margin: the family for accounts that do not net across strikes and expiries. Short options are charged a
 * fraction of spot one by one, or what their expiry can lose at most if that is less; perpetuals and collateral a
 * fraction of notional. Several underlyings add up. The formula is that of Derive's standard manager.
 *
 * Exact integers on proven marks. Quantities are E12, prices E8, fractions and confidences X40; money in between is
 * E20·2^40, so that nothing rounds before the result but a mark and a fraction of a fraction, both against the account.
 */
import { signedDivDown } from '../../math/index.ts'
import { CALL_BITS } from '../../options/black.ts'
import { netCalls, type StrikePosition, worstPayoff } from './expiryPayoff.ts'

/** What is held at one strike, and the proven price of its call. */
export type MarkedStrike = StrikePosition & {
  /** Undiscounted, E8·2^CALL_BITS, as a risk array commits to it at its first point. */
  readonly callMark: bigint
}

export type StandardExpiry = {
  /** What the expiry settles at as far as is known: part average, part forward, in the last half hour. */
  readonly forwardE8: bigint
  /** Least of the forward's, the rate's and the surface's. */
  readonly confidenceX40: bigint
  readonly strikes: readonly MarkedStrike[]
}

/** Everything an account holds on one underlying. */
export type StandardMarket = {
  readonly spotE8: bigint
  readonly spotConfidenceX40: bigint
  readonly expiries: readonly StandardExpiry[]
  readonly perp: {
    readonly quantityE12: bigint
    readonly priceE8: bigint
    readonly confidenceX40: bigint
    /** Unrealised profit and unsettled funding, E20. */
    readonly pnlE20: bigint
  }
  /** Of the underlying itself, held as collateral; at least 0. */
  readonly collateralE12: bigint
}

/** Fractions of notional, X40, but where the name says otherwise. */
export type StandardRules = {
  readonly callMaintenance: bigint
  readonly putMaintenance: bigint
  /** Of the put's mark, charged instead where it is more. */
  readonly putMaintenanceOfMark: bigint
  /** Of an option at the money; falls with the distance out of it, down to the least. */
  readonly initialMost: bigint
  readonly initialLeast: bigint
  /** Initial margin of a put is at least this multiple of its maintenance margin. */
  readonly putInitialOfMaintenance: bigint
  /** Of the forward, for each call sold beyond those bought, on top of the worst payoff. */
  readonly unpairedMaintenance: bigint
  readonly unpairedInitial: bigint
  readonly perpMaintenance: bigint
  readonly perpInitial: bigint
  /** Share of collateral's value that counts. */
  readonly collateralWeight: bigint
  /** Below it every unit of notional is charged (1 − confidence)·margin. */
  readonly confidenceThreshold: bigint
  readonly confidenceMargin: bigint
  /** Each unit of notional is charged (threshold − price)·loss while the quote asset trades below the threshold. */
  readonly pegThreshold: bigint
  readonly pegLoss: bigint
}

export type StandardMargins = {
  /** Equity after requirements, E8, rounded down; healthy from 0 on. */
  readonly initialMarginE8: bigint
  readonly maintenanceMarginE8: bigint
  /** Equity before any, without cash, E8, rounded down. */
  readonly markToMarketE8: bigint
}

/** Requirements of an expiry or an account, E20·2^40. */
type Requirement = { readonly maintenance: bigint; readonly initial: bigint }

const ONE_X40 = 1n << 40n
const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a < b ? b : a)
const short = (quantityE12: bigint): bigint => most(-quantityE12, 0n)
const shiftUp = (x: bigint, bits: number): bigint => -(-x >> BigInt(bits))

/**
 * Both margins of an account.
 *
 * @param markets - one for each underlying
 * @param cashE12 - quote asset, signed
 * @param stablePriceX40 - of the quote asset
 * @example
 * const oneX40 = 1n << 40n
 * const rules = {
 *   callMaintenance: oneX40 / 10n,
 *   putMaintenance: oneX40 / 10n,
 *   putMaintenanceOfMark: oneX40,
 *   initialMost: oneX40 / 5n,
 *   initialLeast: oneX40 / 8n,
 *   putInitialOfMaintenance: oneX40,
 *   unpairedMaintenance: 0n,
 *   unpairedInitial: 0n,
 *   perpMaintenance: oneX40 / 20n,
 *   perpInitial: oneX40 / 10n,
 *   collateralWeight: oneX40,
 *   confidenceThreshold: 0n,
 *   confidenceMargin: 0n,
 *   pegThreshold: 0n,
 *   pegLoss: 0n,
 * }
 * const spotE8 = 70_000n * 10n ** 8n
 * const perp = { quantityE12: 10n ** 12n, priceE8: spotE8, confidenceX40: oneX40, pnlE20: 0n }
 * const market = { spotE8, spotConfidenceX40: oneX40, expiries: [], perp, collateralE12: 0n }
 * standardMargins([market], 5_000n * 10n ** 12n, oneX40, rules).maintenanceMarginE8 > 0n // → true
 */
export function standardMargins(
  markets: readonly StandardMarket[],
  cashE12: bigint,
  stablePriceX40: bigint,
  rules: StandardRules,
): StandardMargins {
  const pegX40 = peg(stablePriceX40, rules)
  let equity = (cashE12 << 40n) * 10n ** 8n
  let markToMarket = 0n
  let maintenance = 0n
  let initial = 0n
  for (const market of markets) {
    const collateral = market.collateralE12 * market.spotE8
    equity += (market.perp.pnlE20 << 40n) + collateral * rules.collateralWeight
    markToMarket += market.expiries.reduce((sum, expiry) => sum + expiryMark(expiry), 0n)
    markToMarket += (market.perp.pnlE20 + collateral) << 40n
    for (const required of [
      ...market.expiries.map((expiry) => ofExpiry(expiry, market.spotE8, rules)),
      ofPerp(market, rules),
    ]) {
      maintenance += required.maintenance
      initial += required.initial
    }
    initial += oracleRisk(market, rules) + depegRisk(market, pegX40)
  }
  return {
    initialMarginE8: toE8Down(equity - initial),
    maintenanceMarginE8: toE8Down(equity - maintenance),
    markToMarketE8: toE8Down(markToMarket),
  }
}

/** The lesser of what its options ask one by one and what the expiry can lose at most; never below 0. */
function ofExpiry(expiry: StandardExpiry, spotE8: bigint, rules: StandardRules): Requirement {
  const isolated = expiry.strikes.map((strike) => isolatedRequirement(strike, expiry.forwardE8, spotE8, rules))
  const worst = worstPayoff(expiry.strikes) << 40n
  const unpaired = short(netCalls(expiry.strikes)) * expiry.forwardE8
  const bounded = {
    maintenance: unpaired * rules.unpairedMaintenance - worst,
    initial: unpaired * rules.unpairedInitial - worst,
  }
  const lesser = (margin: keyof Requirement): bigint =>
    most(
      least(
        isolated.reduce((sum, each) => sum + each[margin], 0n),
        bounded[margin],
      ),
      0n,
    )
  return { maintenance: lesser('maintenance'), initial: lesser('initial') }
}

/** Requirement of the options sold at one strike, by themselves. */
function isolatedRequirement(
  strike: MarkedStrike,
  forwardE8: bigint,
  spotE8: bigint,
  rules: StandardRules,
): Requirement {
  const calls = short(strike.callQuantityE12)
  const puts = short(strike.putQuantityE12)
  const outOfMoney = most(strike.strikeE8 - spotE8, 0n)
  const call = shiftUp(calls * strike.callMark, CALL_BITS - 40)
  const callNotional = calls * spotE8
  const callInitial = most(
    callNotional * rules.initialMost - ((calls * outOfMoney) << 40n),
    callNotional * rules.initialLeast,
  )

  const putMark = strike.callMark + ((strike.strikeE8 - forwardE8) << BigInt(CALL_BITS))
  const put = shiftUp(puts * putMark, CALL_BITS - 40)
  const putNotional = puts * spotE8
  const putOutOfMoney = most(spotE8 - strike.strikeE8, 0n)
  const putMaintenance = put + most(putNotional * rules.putMaintenance, shiftUp(put * rules.putMaintenanceOfMark, 40))
  const putInitial =
    put + most(putNotional * rules.initialMost - ((puts * putOutOfMoney) << 40n), putNotional * rules.initialLeast)
  return {
    maintenance: call + callNotional * rules.callMaintenance + putMaintenance,
    initial: call + callInitial + most(putInitial, shiftUp(putMaintenance * rules.putInitialOfMaintenance, 40)),
  }
}

function ofPerp({ perp }: StandardMarket, rules: StandardRules): Requirement {
  const notional = magnitude(perp.quantityE12) * perp.priceE8
  return { maintenance: notional * rules.perpMaintenance, initial: notional * rules.perpInitial }
}

/** Charge on what is priced by feeds of low confidence: options sold, perpetuals, collateral. Options bought lose at most their price. */
function oracleRisk(market: StandardMarket, rules: StandardRules): bigint {
  const charge = (notional: bigint, ...confidences: readonly bigint[]): bigint => {
    const confidence = confidences.reduce(least, market.spotConfidenceX40)
    if (confidence >= rules.confidenceThreshold) return 0n
    return shiftUp(notional * (ONE_X40 - confidence) * rules.confidenceMargin, 40)
  }
  const options = market.expiries.reduce(
    (sum, expiry) => sum + charge(shortOptions(expiry) * market.spotE8, expiry.confidenceX40),
    0n,
  )
  const perp = charge(magnitude(market.perp.quantityE12) * market.perp.priceE8, market.perp.confidenceX40)
  return options + perp + charge(market.collateralE12 * market.spotE8)
}

/** Charge while the quote asset is off its peg: on options sold and perpetuals. */
function depegRisk({ expiries, perp, spotE8 }: StandardMarket, pegX40: bigint): bigint {
  const options = expiries.reduce((sum, expiry) => sum + shortOptions(expiry), 0n)
  return (options * spotE8 + magnitude(perp.quantityE12) * perp.priceE8) * pegX40
}

const shortOptions = ({ strikes }: StandardExpiry): bigint =>
  strikes.reduce((sum, { callQuantityE12, putQuantityE12 }) => sum + short(callQuantityE12) + short(putQuantityE12), 0n)

const peg = (stablePriceX40: bigint, { pegThreshold, pegLoss }: StandardRules): bigint =>
  shiftUp(most(pegThreshold - stablePriceX40, 0n) * pegLoss, 40)

/** Value of an expiry's options at their marks, E20·2^40, rounded down. */
function expiryMark({ strikes, forwardE8 }: StandardExpiry): bigint {
  return strikes.reduce((sum, { strikeE8, callMark, callQuantityE12, putQuantityE12 }) => {
    const putMark = callMark + ((strikeE8 - forwardE8) << BigInt(CALL_BITS))
    return sum + ((callQuantityE12 * callMark + putQuantityE12 * putMark) >> BigInt(CALL_BITS - 40))
  }, 0n)
}

/** E20·2^40 to E8, towards minus infinity. */
const toE8Down = (money: bigint): bigint => signedDivDown(money, (10n ** 12n) << 40n)
