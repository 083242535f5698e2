/** A fall that nobody recorded: prices with forced sales in them, which the engine sees at a cadence. */
import { rangeCodeUp } from '../../../prover/market/range.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../../prover/parameters/defaultPolicy.ts'
import { initialState, type Observation, type Policy } from '../../../prover/parameters/marketRisk.ts'
import { defaultModel } from '../../../prover/volatility/models.ts'
import { Random } from '../cases/random.ts'
import { Estimate, type Publication, rampedMargin, share } from './engine.ts'
import type { Shape } from './shapes.ts'
import { type Assumptions, type Toll, Venue } from './venue.ts'

export type Cadence = 'hour' | 'minute' | 'second'

export const cadenceSeconds: Readonly<Record<Cadence, number>> = { hour: 3600, minute: 60, second: 1 }

export type Fall = {
  /** Share of the price that is lost, without forced sales. */
  readonly depth: number
  readonly seconds: number
  /** Share of the fall's logarithm that comes back in {@link REBOUND_SECONDS}. */
  readonly rebound: number
}

export type Outcome = Toll & {
  readonly greatestStep: number
  readonly meanMargin: number
  /** Share of time with less than the published move in force. */
  readonly belowMove: number
}

const START = 1_583_971_200
const FIRST_PRICE = 8000
const CALM_HOURS = 72
const AFTER_SECONDS = 3600
const REBOUND_SECONDS = 3600
const CALM_VOLATILITY = 0.6
const FALL_VOLATILITY = 3
const YEAR_SECONDS = 31_536_000

/** Standard normal deviates in pairs, Box and Muller 1958. */
function normals(seed: bigint): () => number {
  const random = new Random(seed)
  const uniform = (): number => (Number(random.below(1n << 52n)) + 0.5) / 2 ** 52
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

const e8 = (price: number): bigint => BigInt(Math.max(1, Math.round(price * 1e8)))

/** Low and high since the last observation, and what the oracle says of them. */
class Window {
  #low = Number.POSITIVE_INFINITY
  #high = 0

  see(price: number): void {
    this.#low = Math.min(this.#low, price)
    this.#high = Math.max(this.#high, price)
  }

  observation(price: number, asOf: number): Observation {
    const rangeCode = rangeCodeUp(e8(this.#high), e8(this.#low))
    this.#low = price
    this.#high = price
    return { priceE8: e8(price), asOf: BigInt(asOf), impliedVolatilityX16: 0n, rangeCode }
  }
}

/** Prices before the fall and how the engine stood at its end, which no shape changes: nobody is liquidated in it. */
type Calm = {
  readonly estimate: Estimate
  readonly price: number
  /** Of each hour: its price, and the initial margin for who opened in it. */
  readonly hours: readonly { readonly price: number; readonly initial: number }[]
  readonly last: Publication
  /** Logarithms of the price after the calm without forced sales, against its price, second by second. */
  readonly path: Float64Array
}

/** Three days of quiet minutes, then the fall, which begins at a time within the hour that the seed chooses. */
export function calmBefore(policy: Policy, fall: Fall, cadence: Cadence, seed: bigint): Calm {
  const normal = normals(seed)
  const first = { priceE8: e8(FIRST_PRICE), asOf: BigInt(START) }
  const state = initialState(defaultModel, first, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, policy)
  const estimate = new Estimate(policy, state)
  const step = Math.max(60, cadenceSeconds[cadence])
  const hours: { price: number; initial: number }[] = []
  const window = new Window()
  let price = FIRST_PRICE
  let last: Publication | undefined
  for (let at = 60; at <= CALM_HOURS * 3600; at += 60) {
    price *= Math.exp(CALM_VOLATILITY * Math.sqrt(60 / YEAR_SECONDS) * normal())
    window.see(price)
    if (at % step === 0) last = estimate.observe(window.observation(price, START + at))
    if (at % 3600 === 0 && last !== undefined) hours.push({ price, initial: share(last.initial) })
  }
  if (last === undefined) throw new Error('There is no calm without an hour.')
  return { estimate, price, hours, last, path: pathOf(fall, normal, seed) }
}

function pathOf(fall: Fall, normal: () => number, seed: bigint): Float64Array {
  const begins = Number((seed * 1009n) % 3600n)
  const ends = begins + fall.seconds
  const path = new Float64Array(ends + REBOUND_SECONDS + AFTER_SECONDS + 1)
  const depth = Math.log(1 - fall.depth)
  for (let at = 1; at < path.length; at++) {
    const isFalling = begins < at && at <= ends
    const isRising = ends < at && at <= ends + REBOUND_SECONDS
    const drift = isFalling ? depth / fall.seconds : isRising ? (-fall.rebound * depth) / REBOUND_SECONDS : 0
    const volatility = isFalling || isRising ? FALL_VOLATILITY : CALM_VOLATILITY
    path[at] = (path[at - 1] ?? 0) + drift + volatility * Math.sqrt(1 / YEAR_SECONDS) * normal()
  }
  return path
}

/** What a fall takes under a shape, from its first second until the market has rested. */
export function cascade(calm: Calm, shape: Shape, cadence: Cadence, supposed: Assumptions): Outcome {
  const estimate = calm.estimate.fork()
  const venue = new Venue(supposed)
  const calmWeight = (1 - supposed.openedInFall) / calm.hours.length
  for (const { price, initial } of calm.hours) venue.openGroup(price, initial, calmWeight)
  const every = cadenceSeconds[cadence]
  const tick = Math.min(every, 5)
  const arrivals = Math.floor((calm.path.length - 1) / 300)
  const window = new Window()
  let { initial, targetMaintenance: margin } = calm.last
  let [greatestStep, marginSum, below, publications] = [0, 0, 0, 0]
  let mark = calm.price
  window.see(mark)
  for (let at = tick; at < calm.path.length; at += tick) {
    mark = venue.step(calm.price * Math.exp(calm.path[at] ?? 0), share(margin), tick)
    window.see(mark)
    if (supposed.openedInFall > 0 && at % 300 === 0)
      venue.openGroup(mark, share(initial), supposed.openedInFall / arrivals)
    if (at % every !== 0) continue
    const published = estimate.observe(window.observation(mark, START + CALM_HOURS * 3600 + at))
    const before = margin
    const inForce = share(before)
    margin = rampedMargin(shape, before, published, (part) => venue.affordable(mark, inForce, part))
    initial = published.initial
    publications++
    greatestStep = Math.max(greatestStep, share(margin - before))
    marginSum += share(margin)
    if (margin < published.move) below++
  }
  return { ...venue.settle(mark), greatestStep, meanMargin: marginSum / publications, belowMove: below / publications }
}
