/** What a source takes for a market, in the human units of `zkrisk deploy`'s file and plan. */
import { z } from 'zod'
import { defaultPlausibility, type Plausibility } from '../../market/plausibility.ts'
import { rangeCodeUp } from '../../market/range.ts'
import { duration } from '../text/figures.ts'

const ONE_BPS = 10_000
const ONE_X16 = 65_536
const MOST_WINDOW_SECONDS = 30 * 86_400

/** To the nearest: 0.29 times 100 is less than 29. */
const bpsOf = (percent: number): number => Math.round(percent * 100)

/** How far above a ratio of one, in percent, to a basis point. */
const ratioPercent = (most: number) =>
  z
    .number()
    .min(0.01)
    .max(most)
    .refine((percent) => percent === bpsOf(percent) / 100, 'expected a multiple of 0.01, a basis point')

const aboveOne = (bps: bigint): number => (Number(bps) - ONE_BPS) / 100

/** Bounds of the contract, and those between two entries. */
export const doorSchema = z
  .strictObject({
    leastSpacingSeconds: z.int().min(1).max(3600).default(Number(defaultPlausibility.leastSpacingSeconds)),
    jumpPercent: ratioPercent(99.99).default(aboveOne(defaultPlausibility.jumpBps)),
    greatestFactor: z
      .number()
      .min(1.0002)
      .max(9.9999)
      .default(Number(defaultPlausibility.greatestFactorBps) / ONE_BPS),
    agreementPercent: ratioPercent(99.99).default(aboveOne(defaultPlausibility.agreementBps)),
    confirmations: z.int().min(1).max(10).default(Number(defaultPlausibility.confirmations)),
    windowSeconds: z.int().min(1).max(MOST_WINDOW_SECONDS).default(Number(defaultPlausibility.windowSeconds)),
    greatestImpliedPercent: z
      .number()
      .min(50)
      .max(800)
      .default((100 * Number(defaultPlausibility.greatestImpliedX16)) / ONE_X16),
    impliedJumpPercent: ratioPercent(100).default(aboveOne(defaultPlausibility.impliedJumpBps)),
    greatestRangePercent: z
      .number()
      .min(0.01)
      .max(600)
      .default(100)
      .describe('the highest price over the lowest, less 1'),
  })
  .superRefine((door, context) => {
    const { jumpPercent, greatestFactor, agreementPercent, windowSeconds, leastSpacingSeconds } = door
    const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if (factorBps(greatestFactor) <= ONE_BPS + bpsOf(jumpPercent))
      issue('greatestFactor', `expected more than what jumpPercent holds, ${1 + jumpPercent / 100}`)
    if (agreementPercent > jumpPercent)
      issue('agreementPercent', `expected at most jumpPercent, ${jumpPercent}: what confirms a jump is none itself`)
    if (windowSeconds < leastSpacingSeconds)
      issue('windowSeconds', `expected at least leastSpacingSeconds, ${leastSpacingSeconds}: nothing comes sooner`)
  })

const factorBps = (factor: number): number => Math.round(factor * ONE_BPS)

/** The bounds as the contract takes them. */
export function doorOf(door: z.infer<typeof doorSchema>): Plausibility {
  const ratio = (percent: number): bigint => BigInt(ONE_BPS + bpsOf(percent))
  return {
    leastSpacingSeconds: BigInt(door.leastSpacingSeconds),
    jumpBps: ratio(door.jumpPercent),
    greatestFactorBps: BigInt(factorBps(door.greatestFactor)),
    agreementBps: ratio(door.agreementPercent),
    confirmations: BigInt(door.confirmations),
    windowSeconds: BigInt(door.windowSeconds),
    greatestImpliedX16: BigInt(Math.round((door.greatestImpliedPercent / 100) * ONE_X16)),
    impliedJumpBps: ratio(door.impliedJumpPercent),
    greatestRangeCode: rangeCodeUp(BigInt(ONE_BPS + bpsOf(door.greatestRangePercent)), BigInt(ONE_BPS)),
  }
}

/** What the door does, as the plan says it. */
export function doorText(door: Plausibility): string {
  const { leastSpacingSeconds, jumpBps, greatestFactorBps, agreementBps, confirmations, windowSeconds } = door
  const implied = Math.round((100 * Number(door.greatestImpliedX16)) / ONE_X16)
  return (
    `prices at least ${leastSpacingSeconds} s apart; a jump beyond ${aboveOne(jumpBps)} % is held until ${confirmations} more ` +
    `within ${aboveOne(agreementBps)} % and ${duration(Number(windowSeconds))} of each other confirm it, beyond a factor of ` +
    `${Number(greatestFactorBps) / ONE_BPS} refused; implied volatility up to ${implied} %`
  )
}
