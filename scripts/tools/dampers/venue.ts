/** Long positions of a venue that liquidates by a maintenance margin, and what its forced sales do to the price. */

/** What the simulation supposes; docs/dampers.md says why. */
export type Assumptions = {
  /** Log return by which selling the whole open interest at once would move the price. */
  readonly impact: number
  /** The impact halves in this time. */
  readonly recoverySeconds: number
  /** A forced position is closed evenly over this time. */
  readonly closingSeconds: number
  /** Mean of the exponential surplus of collateral over the initial margin at opening, as a share of it. */
  readonly spareCollateral: number
  /** Share of positions that are opened after the fall has begun. */
  readonly openedInFall: number
}

export const assumptions: Assumptions = {
  impact: 0.1,
  recoverySeconds: 600,
  closingSeconds: 300,
  spareCollateral: 3,
  openedInFall: 0,
}

/** Positions are opened in groups of this many, at the even quantiles of their collateral. */
const GROUP = 8

type Position = {
  /** Open interest, share of all that was opened. */
  readonly weight: number
  /** Units of the asset. */
  readonly units: number
  /** Price at which its collateral is lost. */
  readonly bankruptcy: number
  left: number
  /** What closing has left over so far, quote. */
  equity: number
}

export type Toll = {
  /** Share of open interest that was closed by force. */
  readonly forced: number
  /** Losses beyond collateral, share of the notional that was opened. */
  readonly badDebt: number
}

export class Venue {
  readonly #assumptions: Assumptions
  #open: Position[] = []
  #closing: Position[] = []
  #highestBankruptcy = 0
  #impact = 0
  #opened = 0
  #forced = 0
  #badDebt = 0

  constructor(supposed: Assumptions) {
    this.#assumptions = supposed
  }

  /** Opens a group of positions at a price, of this weight together, collateral from the initial margin up. */
  openGroup(price: number, initialMargin: number, weight: number): void {
    for (let i = 0; i < GROUP; i++) {
      const surplus = -Math.log(1 - (i + 0.5) / GROUP) * this.#assumptions.spareCollateral
      const bankruptcy = price * (1 - Math.min(1, initialMargin * (1 + surplus)))
      const units = weight / GROUP / price
      this.#open.push({ weight: weight / GROUP, units, bankruptcy, left: units, equity: 0 })
      this.#highestBankruptcy = Math.max(this.#highestBankruptcy, bankruptcy)
    }
    this.#opened += weight
  }

  /** Whether nothing happens down to a price. */
  isQuiet(lowest: number, maintenance: number): boolean {
    return this.#closing.length === 0 && lowest * (1 - maintenance) >= this.#highestBankruptcy
  }

  /** Moves the market to a price without forced sales, and returns the price with them. */
  step(price: number, maintenance: number, seconds: number): number {
    const { impact, recoverySeconds } = this.#assumptions
    this.#impact *= 2 ** (-seconds / recoverySeconds)
    const mark = price * Math.exp(-this.#impact)
    this.#force(mark, maintenance)
    if (this.#closing.length === 0) return mark
    const sold = this.#closeShare(seconds)
    const execution = mark * Math.exp(-impact * sold)
    this.#impact += impact * sold
    this.#close(execution, seconds)
    return execution
  }

  /** Greatest maintenance margin whose rise makes at most a share of what was opened liquidatable at this price. */
  affordable(mark: number, maintenance: number, share: number): number {
    const margins = this.#open
      .map(({ bankruptcy, weight }) => ({ weight, margin: 1 - bankruptcy / mark }))
      .filter(({ margin }) => margin >= maintenance)
      .sort((a, b) => a.margin - b.margin)
    let budget = share * this.#opened
    for (const { weight, margin } of margins) {
      budget -= weight
      if (budget < 0) return margin
    }
    return 1
  }

  /** Closes what is still being closed at a last price, and says what it came to. */
  settle(price: number): Toll {
    this.#close(price, Number.POSITIVE_INFINITY)
    return { forced: this.#forced / this.#opened, badDebt: this.#badDebt / this.#opened }
  }

  #force(mark: number, maintenance: number): void {
    if (mark * (1 - maintenance) >= this.#highestBankruptcy) return
    const isForced = ({ bankruptcy }: Position): boolean => mark * (1 - maintenance) < bankruptcy
    for (const position of this.#open) if (isForced(position)) this.#closing.push(position)
    this.#open = this.#open.filter((position) => !isForced(position))
    this.#highestBankruptcy = this.#open.reduce((most, { bankruptcy }) => Math.max(most, bankruptcy), 0)
  }

  #sliceOf({ units, left }: Position, seconds: number): number {
    const { closingSeconds } = this.#assumptions
    return closingSeconds <= seconds ? left : Math.min(left, (units * seconds) / closingSeconds)
  }

  /** Share of open interest that is sold in this time. */
  #closeShare(seconds: number): number {
    return this.#closing.reduce((sum, each) => sum + (each.weight * this.#sliceOf(each, seconds)) / each.units, 0)
  }

  #close(execution: number, seconds: number): void {
    for (const position of this.#closing) {
      const slice = this.#sliceOf(position, seconds)
      position.left -= slice
      position.equity += slice * (execution - position.bankruptcy)
      this.#forced += (position.weight * slice) / position.units
      if (position.left <= 1e-9 * position.units) this.#badDebt += Math.max(0, -position.equity)
    }
    this.#closing = this.#closing.filter(({ left, units }) => left > 1e-9 * units)
  }
}
