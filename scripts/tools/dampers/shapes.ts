/** Ramp shapes that were tried for the maintenance margin: how far it rises from the one in force towards the one that the market asks for. */

/** One publication as a shape sees it; margins and moves are X24, whole. */
export type Situation = {
  readonly previous: number
  /** What the market asks for, after the bound on falls. */
  readonly wanted: number
  /** The greater of both published moves. */
  readonly move: number
  readonly elapsedSeconds: number
  /** The greatest margin whose rise makes at most this share of open interest liquidatable; a venue alone knows it. */
  readonly affordable: (share: number) => number
}

export const families = ['none', 'linear', 'capped', 'proportional', 'floor', 'budget'] as const

export type Family = (typeof families)[number]

export type Shape = {
  readonly name: string
  readonly family: Family
  /** Maintenance margin in force next; at most what is wanted. */
  readonly reach: (situation: Situation) => number
}

/** Seconds of the window in which a budget is counted. */
const BUDGET_WINDOW_SECONDS = 600

const ONE_X24 = 2 ** 24

/** Rise that a speed allows, as the twin rounds it: through 2^-32 a second, then down to 2^-24. */
function allowance(perHour: number, elapsedSeconds: number): number {
  const perSecondX32 = Math.round((perHour / 3600) * 2 ** 32)
  return Math.min(ONE_X24 - 1, Math.floor((elapsedSeconds * perSecondX32) / 256))
}

type Reach = Shape['reach']

const linearReach =
  (perHour: number): Reach =>
  ({ previous, elapsedSeconds }) =>
    previous + allowance(perHour, elapsedSeconds)

const proportionalReach =
  (halfLifeSeconds: number): Reach =>
  ({ previous, wanted, elapsedSeconds }) =>
    previous + Math.floor(Math.max(0, wanted - previous) * (1 - 2 ** (-elapsedSeconds / halfLifeSeconds)))

const floorReach =
  (share: number): Reach =>
  ({ move }) =>
    Math.ceil(share * move)

const budgetReach =
  (share: number): Reach =>
  ({ previous, wanted, affordable, elapsedSeconds }) =>
    wanted <= previous ? wanted : affordable((share * elapsedSeconds) / BUDGET_WINDOW_SECONDS)

/** The furthest of several reaches, never beyond what is wanted. */
function shape(name: string, family: Family, ...reaches: readonly Reach[]): Shape {
  return {
    name,
    family,
    reach: (situation) => Math.min(situation.wanted, Math.max(...reaches.map((reach) => reach(situation)))),
  }
}

const points = (share: number): string => {
  const figure = Number((100 * share).toFixed(2))
  return `${figure} ${figure === 1 ? 'point' : 'points'}`
}
const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`

/** At most so many points of notional an hour. */
export const linear = (perHour: number): Shape => shape(`${points(perHour)} an hour`, 'linear', linearReach(perHour))

/** At once, as the initial margin. */
export const noRamp: Shape = shape('no ramp', 'none', ({ wanted }) => wanted)

/** What is missing halves in a time, and never slower than a speed. */
const proportional = (minutes: number, perHour: number): Shape =>
  shape(`gap halves in ${minutes} min`, 'proportional', proportionalReach(60 * minutes), linearReach(perHour))

/** At a speed, but never below a share of the published move. */
const floored = (share: number, perHour: number): Shape =>
  shape(
    `${percent(share)} of the move, then ${points(perHour)} an hour`,
    'floor',
    floorReach(share),
    linearReach(perHour),
  )

/** At a speed, and faster while few positions become liquidatable by it. */
const budgeted = (share: number, perHour: number): Shape =>
  shape(`budget ${percent(share)} in 10 min`, 'budget', budgetReach(share), linearReach(perHour))

/** At a speed, but no publication by more than a bound; how observations are cut into batches then matters. */
const capped = (most: number, perHour: number): Shape =>
  shape(
    `${points(perHour)} an hour, at most ${points(most)} at once`,
    'capped',
    ({ previous, elapsedSeconds }) =>
      previous + Math.min(Math.floor(most * ONE_X24), allowance(perHour, elapsedSeconds)),
  )

/** The speed of the default before the frontier was measured, which everything is compared with. */
export const before = linear(0.02)

/** Every shape of the frontier. */
export const shapes: readonly Shape[] = [
  noRamp,
  ...[0.005, 0.01].map(linear),
  before,
  ...[0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.8].map(linear),
  ...[0.04, 0.08].map((most) => capped(most, 0.3)),
  ...[240, 120, 60, 30, 15, 10, 5].map((minutes) => proportional(minutes, 0.02)),
  ...[0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1].map((share) => floored(share, 0.02)),
  ...[0.5, 0.75].map((share) => floored(share, 0.08)),
  ...[0.5, 0.75, 1].map((share) => floored(share, 0.3)),
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.4].map((share) => budgeted(share, 0.02)),
]
