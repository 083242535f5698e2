/** From quotes of options to published rounds: one at a time, the newest first, held against what all feeds together say of spot. */
import { ProverError } from '../../errors.ts'
import { unitPrice, unitsOfScale } from '../../market/priceScale.ts'
import type { RoundWords } from '../../registry/index.ts'
import { ContractRevertError } from '../../registry/contractErrors.ts'
import { type DevelopmentChain, moveClockTo } from '../development/chain.ts'
import { isoTime } from '../text/figures.ts'
import { describeError } from '../text/terminal.ts'
import { ClockApartError } from './clockWatch.ts'
import type { OptionsReading } from './priceFeed.ts'
import { type RoundLimits, type RoundReason, roundDue } from './roundDue.ts'
import { type FittedMarket, type MadeRound, roundOfOptions } from './roundOfOptions.ts'
import type { RoundSource } from './roundSource.ts'
import type { Turns } from './turns.ts'
import { within } from './within.ts'

export type RoundEvent =
  | {
      readonly kind: 'round'
      readonly market: string
      readonly asOf: number
      readonly reason: RoundReason
      readonly spot: number
      readonly expiries: number
      /** Expiries whose surfaces fit no words. */
      readonly leftOut: readonly string[]
      readonly file: string
    }
  /** What was quoted makes no round, or its source takes none of it. */
  | { readonly kind: 'round-refused'; readonly market: string; readonly code: string; readonly says: string }
  /** The chain does not answer: the next quotes are tried. */
  | { readonly kind: 'round-fails'; readonly market: string; readonly code: string; readonly says: string }

type Published = Extract<RoundEvent, { readonly kind: 'round' }>

/** An observation of the market, of one unit. */
export type Observed = { readonly price: number; readonly asOf: number }

export type RoundDeskOptions = {
  readonly limits: RoundLimits
  /** Feeds that must agree on an observation of the market, and by how much. */
  readonly leastSources: number
  readonly maxDeviationBps: number
  readonly observed: () => Observed | undefined
  /** Of the account that pays. */
  readonly turns: Turns
  /** Whose clock is moved to a recording's rounds. */
  readonly development: DevelopmentChain | undefined
  readonly onEvent: (event: RoundEvent) => void
}

/** An observation that is as near in time says what spot is. */
const NEAR_SECONDS = 120
const ONE_BPS = 10_000

export class RoundDesk {
  private readonly source: RoundSource
  private readonly options: RoundDeskOptions
  private last: FittedMarket | undefined
  /** What was last sent to the source; whether it got there may not be known. */
  private sent: { readonly fitted: FittedMarket; readonly round: RoundWords; readonly told: Published } | undefined
  private next: FittedMarket | undefined
  private working: Promise<void> | undefined
  private isGivenUp = false

  constructor(source: RoundSource, options: RoundDeskOptions) {
    this.source = source
    this.options = options
  }

  get market(): string {
    return this.source.market
  }

  /** Quotes that came while a round is on its way wait, the newest of them alone. */
  take({ fitted }: Pick<OptionsReading, 'fitted'>): void {
    this.next = fitted
    this.working ??= this.work()
  }

  /** When nothing is on its way any more. */
  async idle(): Promise<void> {
    await this.working
  }

  /** Waits so long for what is on its way; what is not there by then is told, and nothing more is done or told. */
  async stop(milliseconds: number): Promise<void> {
    if (this.working === undefined || (await within(this.working, milliseconds))) return
    this.isGivenUp = true
    this.next = undefined
    const { hash } = this.options.turns.unmined ?? {}
    const { code, message: says } = new RoundLeftError(this.sent?.round.asOf, hash)
    this.options.onEvent({ kind: 'round-fails', market: this.market, code, says })
  }

  private async work(): Promise<void> {
    for (let fitted = this.next; fitted !== undefined; fitted = this.next) {
      this.next = undefined
      await this.consider(fitted)
    }
    // At once: what comes in a moment would wait for what comes after it.
    this.working = undefined
  }

  private async consider(fitted: FittedMarket): Promise<void> {
    const { market } = this.source
    const { onEvent } = this.options
    if (this.reasonFor(fitted) === undefined) return
    try {
      const made = roundOfOptions(fitted, this.source.terms)
      const spot = this.spotOf(made)
      const apart = this.whyApart(spot, Number(fitted.asOf))
      if (apart !== undefined) {
        onEvent({ kind: 'round-refused', market, code: 'service.round-apart', says: apart })
        return
      }
      await this.options.turns.take(() => this.publishIfDue(fitted, made, spot))
    } catch (error) {
      if (this.isGivenUp) return
      const { code, message: says } = describeError(error)
      const isForNow = error instanceof ClockApartError || code.startsWith('registry.')
      const isRefused = error instanceof ContractRevertError || !isForNow
      onEvent({ kind: isRefused ? 'round-refused' : 'round-fails', market, code, says })
    }
  }

  private reasonFor(fitted: FittedMarket): RoundReason | undefined {
    return roundDue(this.last, fitted, this.options.limits)
  }

  /** What the source has is asked each time: an answer may have been lost, of this process or of one that was killed. */
  private async publishIfDue(fitted: FittedMarket, { round, leftOut }: MadeRound, spot: number): Promise<void> {
    if (this.isGivenUp) return
    const latest = await this.source.latestAsOf()
    if (this.sent !== undefined && this.sent.round.asOf <= latest) await this.settle(this.sent.round)
    const reason = this.reasonFor(fitted)
    if (reason === undefined || round.asOf <= latest) return
    const { development } = this.options
    if (development !== undefined) await moveClockTo(development, round.asOf + 1n)
    const { asOf, expiries } = round
    const [{ market }, file] = [this.source, this.source.fileOf(round)]
    const of = { market, asOf: Number(asOf), expiries: expiries.length, leftOut, file }
    this.sent = { fitted, round, told: { kind: 'round', ...of, reason, spot } }
    await this.source.publish(round)
    this.landed()
  }

  /** The source has it, or another one that is no earlier. */
  private async settle(round: RoundWords): Promise<void> {
    if (await this.source.has(round)) this.landed()
    this.sent = undefined
  }

  /** Told once. */
  private landed(): void {
    if (this.sent === undefined || this.isGivenUp) return
    const { fitted, told } = this.sent
    this.last = fitted
    this.sent = undefined
    this.options.onEvent(told)
  }

  /** Of one unit. */
  private spotOf({ spotE8 }: MadeRound): number {
    return unitPrice(spotE8, unitsOfScale(this.source.terms.priceScale))
  }

  /** One provider quotes the options; what its spot is must be what all feeds together say, where several must agree. */
  private whyApart(spot: number, asOf: number): string | undefined {
    const { leastSources, maxDeviationBps, observed } = this.options
    const seen = observed()
    const isNear = seen !== undefined && Math.abs(asOf - seen.asOf) <= NEAR_SECONDS
    if (!isNear && leastSources > 1)
      return `expected an observation of ${leastSources} feeds within ${NEAR_SECONDS} s of the quotes, to hold their spot against, got none`
    if (!isNear || Math.abs(spot / seen.price - 1) * ONE_BPS <= maxDeviationBps) return undefined
    return `expected a spot within ${maxDeviationBps} in 10,000 of the observation ${seen.price}, got ${spot}`
  }
}

/** A round was on its way when all was to end. */
export class RoundLeftError extends ProverError {
  readonly code = 'service.round-left'

  constructor(asOf: bigint | undefined, transaction: string | undefined) {
    const which = asOf === undefined ? 'the round' : `the round of ${isoTime(asOf)}`
    const how = transaction === undefined ? '' : `: transaction ${transaction} was not mined`
    super(
      `Expected ${which} to be published before the end, but it was still on its way${how}. It may be mined yet; its words are kept, ` +
        'and whoever publishes next asks the chain for it.',
    )
  }
}
