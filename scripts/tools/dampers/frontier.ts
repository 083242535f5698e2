/** Every shape through every crash and cascade, and which of them are worth having. */
import { readExtract } from '../../../prover/market/histories.ts'
import type { Policy } from '../../../prover/parameters/marketRisk.ts'
import { type Cadence, calmBefore, cascade, type Fall, type Outcome } from './cascades.ts'
import { crashToll, follow, type Recording, record } from './crashes.ts'
import { before, noRamp, type Shape, shapes } from './shapes.ts'
import { type Assumptions, assumptions } from './venue.ts'

/** A second's publications are many, so fewer falls are followed. */
const seeds: Readonly<Record<Cadence, readonly bigint[]>> = {
  hour: [1n, 2n, 3n, 4n],
  minute: [1n, 2n, 3n, 4n],
  second: [1n, 2n],
}

/** Bad debt below this share of notional, a tenth of a basis point, is none: nothing is left to halve. */
const NO_DEBT = 0.00001

/** In recorded crashes prices hold all forced sales already, and closing takes the hour that the policy supposes. */
export const recordedAssumptions: Assumptions = { ...assumptions, impact: 0, closingSeconds: 3600 }

export const halfLost: Fall = { depth: 0.4, seconds: 1800, rebound: 0.5 }
export const falls: readonly Fall[] = [halfLost, { ...halfLost, depth: 0.15 }]

/** Means over all recorded crashes; steps, margins and what fell short, over all hours of all files. */
export type RecordedOutcome = {
  readonly forced: number
  readonly badDebt: number
  readonly greatestStep: number
  readonly meanMargin: number
  readonly belowMove: number
  readonly worstExcess: number
}

export type Row<T> = { readonly shape: Shape; readonly outcome: T }

/** What is compared of a shape. */
type Tolls = { readonly forced: number; readonly badDebt: number }

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Every shape through recordings; a venue's budget is not followed through years, of which it has no positions. */
export function measureRecorded(recordings: readonly Recording[], policy: Policy): readonly Row<RecordedOutcome>[] {
  const horizon = Number(policy.learning.horizonSeconds)
  return shapes.map((shape) => {
    const followed = recordings.map((recording) => ({ recording, replayed: follow(recording, shape, horizon) }))
    const tolls = followed.flatMap(({ recording, replayed }) =>
      recording.crashes.map((crash) => crashToll(recording, crash, shape, replayed, recordedAssumptions)),
    )
    const replays = followed.map(({ replayed }) => replayed)
    const outcome = {
      forced: mean(tolls.map(({ forced }) => forced)),
      badDebt: mean(tolls.map(({ badDebt }) => badDebt)),
      greatestStep: Math.max(...replays.map(({ greatestStep }) => greatestStep)),
      meanMargin: mean(replays.map(({ meanMargin }) => meanMargin)),
      belowMove: replays.reduce((sum, { belowMove }) => sum + belowMove, 0),
      worstExcess: Math.max(...replays.map(({ worstExcess }) => worstExcess)),
    }
    return { shape, outcome }
  })
}

/** March 2020 alone, of the project's own extract: publications with less than the move in force, of how many. */
export function measureMarch(policy: Policy) {
  const recording = record('BTC, March 2020', readExtract('BTC-USD').rows, policy)
  const horizon = Number(policy.learning.horizonSeconds)
  return { hours: recording.publications.length, of: (shape: Shape) => follow(recording, shape, horizon) }
}

/** Every shape through one fall at one cadence, the mean of the seeds, the greatest of their steps. */
export function measureCascade(
  policy: Policy,
  fall: Fall,
  cadence: Cadence,
  supposed: Assumptions = assumptions,
): readonly Row<Outcome>[] {
  const calms = seeds[cadence].map((seed) => calmBefore(policy, fall, cadence, seed))
  return shapes.map((shape) => {
    const outcomes = calms.map((calm) => cascade(calm, shape, cadence, supposed))
    const meanOf = (name: keyof Outcome): number => mean(outcomes.map((outcome) => outcome[name]))
    const outcome = {
      forced: meanOf('forced'),
      badDebt: meanOf('badDebt'),
      greatestStep: Math.max(...outcomes.map(({ greatestStep }) => greatestStep)),
      meanMargin: meanOf('meanMargin'),
      belowMove: meanOf('belowMove'),
    }
    return { shape, outcome }
  })
}

export const rowOf = <T>(rows: readonly Row<T>[], shape: Shape): T => {
  const row = rows.find((each) => each.shape.name === shape.name)
  if (row === undefined) throw new Error(`${shape.name} was not measured.`)
  return row.outcome
}

/** What half of the bad debt takes at most, and no ramp's forced liquidations; undefined where there is no debt to halve. */
export function barOf(rows: readonly Row<Tolls>[]): Tolls | undefined {
  const { badDebt } = rowOf(rows, before)
  return badDebt < NO_DEBT ? undefined : { badDebt: badDebt / 2, forced: rowOf(rows, noRamp).forced }
}

/** Whether a shape halves the bad debt of the default before at no more forced liquidations than without a ramp. */
export const meetsBar = (rows: readonly Row<Tolls>[], { badDebt, forced }: Tolls): boolean => {
  const bar = barOf(rows)
  return bar !== undefined && badDebt <= bar.badDebt && forced <= bar.forced + 1e-12
}

/** Shapes of which no other has as little of all three, and less of one: forced liquidations, bad debt, greatest step. */
export function frontierOf(rows: readonly Row<Tolls & { readonly greatestStep: number }>[]): ReadonlySet<string> {
  const measures = ['forced', 'badDebt', 'greatestStep'] as const
  const isBetter = (a: (typeof rows)[number], b: (typeof rows)[number]): boolean =>
    measures.every((name) => a.outcome[name] <= b.outcome[name]) &&
    measures.some((name) => a.outcome[name] < b.outcome[name])
  return new Set(rows.filter((row) => !rows.some((other) => isBetter(other, row))).map(({ shape }) => shape.name))
}

/** One assumption turned at a time, under which the fall by 40 % in minutes is measured again. */
export const variants: readonly {
  readonly name: string
  readonly turned: Partial<Assumptions>
  readonly fall?: Fall
}[] = [
  { name: 'as supposed', turned: {} },
  ...[0, 0.05, 0.2, 0.4].map((impact) => ({ name: `impact ${100 * impact} %`, turned: { impact } })),
  ...[60, 3600].map((recoverySeconds) => ({
    name: `impact halves in ${recoverySeconds / 60} min`,
    turned: { recoverySeconds },
  })),
  ...[10, 60, 120, 600, 3600].map((closingSeconds) => ({
    name: `closed in ${closingSeconds} s`,
    turned: { closingSeconds },
  })),
  ...[1, 2, 6].map((spareCollateral) => ({
    name: `spare collateral ${spareCollateral} × initial margin`,
    turned: { spareCollateral },
  })),
  ...[0.25, 0.5].map((openedInFall) => ({
    name: `${100 * openedInFall} % opened in the fall`,
    turned: { openedInFall },
  })),
  ...[600, 3600, 10_800].map((seconds) => ({
    name: `in ${seconds / 60} min`,
    turned: {},
    fall: { ...halfLost, seconds },
  })),
  { name: 'without a rebound', turned: {}, fall: { ...halfLost, rebound: 0 } },
]
