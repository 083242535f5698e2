/**
 * At most how much better off an account is for what it holds now rather than before, by what one scenario says. Twin of
 * `contracts/registry/Improvement.sol`, bit for bit: by it a registry and its auditor judge whether a witness about an earlier
 * report still shows an account to be below maintenance.
 *
 * Maintenance by one scenario is linear in cash, perpetuals and collateral but for what is charged on them, and Lipschitz in
 * each option's quantity. Units: E20. Everything is rounded up.
 */
import type { Fields } from '../../circuits/statements/index.ts'
import { SCENARIOS } from '../options/grid.ts'
import { type CollateralPolicy, type Holdings, type MarginPolicy, type RoundMarket, roundTerms } from './margin.ts'

/** What an account holds, its options by expiry and strike. */
export type Held = { readonly positions: readonly Fields<'optionPosition'>[]; readonly holdings: Holdings }

const ONE = 1n << 40n
/** Bounds of what an array's header multiplies by, and of the loss factor, by their widths. */
export const DISCOUNT_FACTOR = 1n << 3n
export const BASIS_FACTOR = 1n << 12n
export const LOSS_FACTOR = 1n << 4n
/** A registry takes no forward that is further from spot. */
const FORWARD_FACTOR = 2n
/** Results that are cut to a unit of M: one an expiry, the hedge, the worst of scenarios. */
const CUTS = 4n
const M = 1n << 32n

/**
 * @param scenario - 0 to 33, the last one the basis contingency
 * @returns E20; negative if the account is worse off
 */
export function improvementAtMost(
  scenario: number,
  round: RoundMarket,
  policy: MarginPolicy,
  before: Held,
  present: Held,
): bigint {
  const terms = roundTerms(round, policy)
  const effect = effectOf(scenario, round, policy, terms)
  const { concentrationX40 } = policy.concentration
  const from = before.holdings
  const to = present.holdings
  const cashE20 = (to.cashE12 + to.perpPnlE12 - from.cashE12 - from.perpPnlE12) * 10n ** 8n
  const fewerPerps = size(from.perpsE12) - size(to.perpsE12)
  const perpChargeX40 = policy.contingencies.maintenancePerpX40 + concentrationX40
  const freedE20 = fewerPerps > 0n ? up(fewerPerps * round.spotE8 * perpChargeX40, ONE) : 0n
  const perpsE20 = scaled((to.perpsE12 - from.perpsE12) * round.perpPriceE8, effect.swingX120) + freedE20
  const collateralE20 = policy.collaterals.reduce((sum, each, i) => {
    const change = (to.collateralsE12[i] ?? 0n) - (from.collateralsE12[i] ?? 0n)
    if (change === 0n) return sum
    const valueE20 = ((change * (terms.collateralE8X20[i] as bigint)) >> 20n) + 1n
    return sum + ofCollateral(effect, each, concentrationX40, change, valueE20)
  }, 0n)
  return (
    cashE20 + perpsE20 + collateralE20 + ofOptions(effect, round.spotE8, policy, before.positions, present.positions)
  )
}

type Effect = {
  /** What a hedge gains, times damping and loss factor. */
  readonly swingX120: bigint
  /** Most that a unit of an option's value counts: its change, and its mark. */
  readonly weight: bigint
  /** Most that an option is worth besides its strike: any forward, up or down. */
  readonly mostE8: bigint
}

function effectOf(
  scenario: number,
  { spotE8 }: RoundMarket,
  { lossFactors, scenarios }: MarginPolicy,
  { shocksX40, dampingX40 }: ReturnType<typeof roundTerms>,
): Effect {
  const { maintenanceFactorX40 } = lossFactors
  if (scenario >= SCENARIOS) {
    const weight = 2n * BASIS_FACTOR * up(maintenanceFactorX40, ONE) + 1n
    return { swingX120: 0n, weight, mostE8: up(FORWARD_FACTOR * spotE8 * scenarios.basisUpX40, ONE) }
  }
  const shockX40 = shocksX40[scenario] as bigint
  const dampedX80 = (dampingX40[scenario] as bigint) * maintenanceFactorX40
  return {
    swingX120: (shockX40 - ONE) * dampedX80,
    weight: (DISCOUNT_FACTOR + 1n) * up(dampedX80, ONE * ONE) + 1n,
    mostE8: up(FORWARD_FACTOR * spotE8 * (shockX40 > ONE ? shockX40 : ONE), ONE),
  }
}

function ofCollateral(
  { swingX120 }: Effect,
  { movesWithSpot, maintenanceHaircutX40 }: CollateralPolicy,
  concentrationX40: bigint,
  change: bigint,
  valueE20: bigint,
): bigint {
  const moved = movesWithSpot === 0n ? 0n : scaled(valueE20, swingX120) + (size(swingX120) >> 120n) + 1n
  if (change >= 0n) return valueE20 + moved
  return valueE20 + moved + up((size(valueE20) + 1n) * (maintenanceHaircutX40 + concentrationX40), ONE)
}

function ofOptions(
  { weight, mostE8 }: Effect,
  spotE8: bigint,
  { contingencies, concentration }: MarginPolicy,
  before: Held['positions'],
  present: Held['positions'],
): bigint {
  const chargeE8 = up(spotE8 * (contingencies.maintenanceOptionX40 + concentration.concentrationX40), ONE)
  const changes = new Map<string, { readonly strikeE8: bigint; calls: bigint; puts: bigint }>()
  for (const [sign, positions] of [[-1n, before] as const, [1n, present] as const]) {
    for (const { expiry, strikeE8, callsE12, putsE12 } of positions) {
      const key = `${expiry} ${strikeE8}`
      const { calls, puts } = changes.get(key) ?? { calls: 0n, puts: 0n }
      changes.set(key, { strikeE8, calls: calls + sign * callsE12, puts: puts + sign * putsE12 })
    }
  }
  const cutE20 = BigInt(before.length + present.length) + CUTS
  return [...changes.values()].reduce(
    (sum, { strikeE8, calls, puts }) => {
      const worthE8 = (strikeE8 > mostE8 ? strikeE8 : mostE8) + 1n
      return sum + (size(calls) + size(puts)) * (worthE8 * weight + chargeE8)
    },
    cutE20 * (weight + LOSS_FACTOR) * M,
  )
}

const size = (value: bigint): bigint => (value < 0n ? -value : value)
const up = (numerator: bigint, denominator: bigint): bigint => (numerator + denominator - 1n) / denominator
const scaled = (value: bigint, factorX120: bigint): bigint => ((value * factorX120) >> 120n) + 1n
