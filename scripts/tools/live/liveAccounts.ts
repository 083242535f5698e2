/** Seeded accounts of a live engine, in options at strikes around spot. */
import { getAddress, toBeHex } from 'ethers'
import { riskArray } from '../../../prover/options/riskArray.ts'
import type { ProvableMargin } from '../../../prover/portfolio/accountMargin.ts'
import { marginSizes } from '../../../prover/service/answers/margins.ts'
import type { Random } from '../cases/random.ts'
import { type SeededAccount, seededAccounts } from '../roundAccounts.ts'
import type { LiveRound } from './liveEngine.ts'

/** Of spot; two arrays an expiry. */
const STRIKES_PERCENT = [75n, 80n, 85n, 90n, 95n, 100n, 105n, 110n, 115n, 120n] as const
/** Between two strikes that a venue lists lies a round number, about so many of which make spot. */
const LISTED = 50n

/** An address as events have it, the same for the same number. */
export const addressOf = (number: number): string => getAddress(toBeHex(BigInt(number), 20))

/**
 * @param expiries - the first so many of the round's
 * @throws the errors of pricing and of the portfolio stage
 */
export function liveAccounts(
  { round, surfaces }: LiveRound,
  { pricingPolicy, marginPolicy }: Pick<ProvableMargin, 'pricingPolicy' | 'marginPolicy'>,
  random: Random,
  count: number,
  expiries = 2,
): readonly SeededAccount[] {
  const step = 10n ** BigInt(String(round.spotE8 / LISTED).length - 1)
  const strikes = STRIKES_PERCENT.map((percent) => ((round.spotE8 * percent) / 100n / step) * step)
  const groups = Array.from({ length: Math.ceil(strikes.length / marginSizes.strikes) }, (_, i) =>
    strikes.slice(i * marginSizes.strikes, (i + 1) * marginSizes.strikes),
  )
  const arrays = surfaces
    .slice(0, expiries)
    .flatMap((surface) =>
      groups.map((strikesE8) => ({ surface, strikesE8, array: riskArray(surface, pricingPolicy, strikesE8) })),
    )
  return seededAccounts({ pricingPolicy, marginPolicy, round, arrays }, random, count)
}
