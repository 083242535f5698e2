/**
 * A sold book through recorded prices, hedged by the agent in a real pool. The book is valued by the exact twin; its delta and gamma
 * are put in where a complete count of proven accounts would be, and rounds are attested on a chain of its own, whose clock is moved to
 * where circuits have their expiries. Whoever arbitrages brings the pool to the market's price; prices between recorded ones move evenly.
 */
import { exactOption } from '../../../prover/options/exactOption.ts'
import { revertDataOf } from '../../../prover/registry/contractErrors.ts'
import { ATTACKER, type HedgeRules, TestHedge } from '../chains/hedgingEngine.ts'
import type { PortfolioEngine } from '../chains/portfolioEngine.ts'
import type { BookOption, Period, Step } from './periods.ts'

/** Whole assets of liquidity a side, and that the treasury brings beside as much cash. */
const LIQUIDITY = 2_000n
/** From a seventh of the first price to seven times it. */
const RANGE_TICKS = 20_000n
const FUNDS = 100n
const E12 = 10n ** 12n
const FEE_SHARE = 0.003
/** So long before a price the pool is brought along. */
const BEFORE_SECONDS = [600n, 300n, 0n] as const
/** Calls of the keeper at a price, so far apart. */
const TRIES = 3
const TRY_SECONDS = 60n
/** What a unit of gas costs, in the quote currency: 20 gwei at 3,000 an ether. */
const GAS_PRICE = 20e-9 * 3_000

const campaignRules: HedgeRules = {
  bandFloorE12: E12 / 10n,
  riskAversionE12: 100n * 1_000_000n,
  maxTradeE12: 20n * E12,
  bypassE12: 5n * E12,
  costBps: 30n,
  slippageBps: 90n,
  maxDeviationBps: 100n,
  windowSeconds: 300n,
  intervalSeconds: 60n,
  maxFiguresAgeSeconds: 3_600n,
}

/** After one recorded price. */
export type Mark = {
  readonly asOf: bigint
  readonly price: number
  /** Since the first price, in the quote currency. */
  readonly unhedged: number
  readonly hedged: number
  /** Of the book, and what the agent holds against it. */
  readonly delta: number
  readonly position: number
}

export type Outcome = {
  readonly name: string
  readonly volatilities: string
  readonly options: number
  readonly marks: readonly Mark[]
  readonly trades: number
  /** Calls that were refused, by error. */
  readonly refused: Readonly<Record<string, number>>
  /** What was traded, in the quote currency. */
  readonly volume: number
  readonly costs: { readonly fees: number; readonly slippage: number; readonly gas: number }
}

type Valued = { readonly value: number; readonly delta: number; readonly gamma: number }

/** The whole book at one price, by the exact twin. */
function valueBook(book: readonly BookOption[], { asOf, priceE8, options }: Step): Valued {
  const sums = { value: 0, delta: 0, gamma: 0 }
  for (const [i, { strikeE8, expiry, isCall, quantity }] of book.entries()) {
    const { basis, volatility } = options[i] as Step['options'][number]
    const { value, greeks } = exactOption({
      forwardE8: BigInt(Math.round(Number(priceE8) * basis)),
      strikeE8,
      secondsToExpiry: expiry - asOf,
      impliedVolatilityX40: BigInt(Math.round(volatility * 2 ** 40)),
      rateX40: 0n,
      isCall,
    })
    sums.value += quantity * value
    sums.delta += quantity * greeks.delta
    sums.gamma += quantity * greeks.gamma
  }
  return sums
}

/** @param limit - most prices to take; all if absent */
export async function replayPeriod(engine: PortfolioEngine, period: Period, limit?: number): Promise<Outcome> {
  const steps = period.steps.slice(0, limit)
  const first = steps[0]
  if (first === undefined) throw new Error(`${period.name} has no prices.`)
  const priceE8 = first.priceE8
  const place = { liquidity: LIQUIDITY, rangeTicks: RANGE_TICKS, funds: FUNDS, change: campaignRules }
  const at = await TestHedge.open({ engine, asset: 18, cash: 6, priceE8, ...place })
  return new Replay(at, period).through(steps)
}

class Replay {
  private readonly at: TestHedge
  private readonly period: Period
  private readonly refused: Record<string, number> = {}
  private readonly costs = { fees: 0, slippage: 0, gas: 0 }
  private trades = 0
  private volume = 0

  constructor(at: TestHedge, period: Period) {
    this.at = at
    this.period = period
  }

  async through(steps: readonly Step[]): Promise<Outcome> {
    const first = steps[0] as Step
    const spacing = (steps[1]?.asOf ?? first.asOf + 3_600n) - first.asOf
    // The clock's start on this chain, so that prices are as far apart as they were recorded.
    const moved = (await this.at.chain.now()) + spacing - first.asOf
    const start = await this.worth(first)
    const marks: Mark[] = []
    let previous = first
    for (const step of steps) {
      await this.bring(previous, step, moved)
      await this.hedge(step)
      marks.push(await this.mark(step, start))
      previous = step
    }
    const { name, volatilities, book } = this.period
    const { refused, costs, trades, volume } = this
    return { name, volatilities, options: book.length, marks, trades, refused, volume, costs }
  }

  /** Arbitrage brings the pool along to the price, and the chain's clock with it. */
  private async bring(previous: Step, step: Step, moved: bigint): Promise<void> {
    const span = Number(step.asOf - previous.asOf)
    for (const before of BEFORE_SECONDS) {
      const share = span === 0 ? 1 : 1 - Number(before) / span
      const price = Number(previous.priceE8) ** (1 - share) * Number(step.priceE8) ** share
      await this.at.chain.setTime(step.asOf + moved - before - 1n)
      await this.arbitrage(BigInt(Math.round(price)))
    }
    await this.at.round(step.priceE8, 1n)
  }

  private async arbitrage(priceE8: bigint): Promise<void> {
    await this.at.pool.moveTo(this.at.signer(ATTACKER), priceE8)
  }

  private async hedge(step: Step): Promise<void> {
    const { delta, gamma } = valueBook(this.period.book, step)
    await this.at.figures(BigInt(Math.round(delta * 1e12)), BigInt(Math.round(gamma * 1e20)))
    for (let i = 0; i < TRIES; i++) {
      if (!(await this.trade(Number(step.priceE8) / 1e8))) return
      await this.at.chain.setTime((await this.at.chain.now()) + TRY_SECONDS)
      await this.arbitrage(step.priceE8)
    }
  }

  /** One call of the keeper; whether it traded. */
  private async trade(price: number): Promise<boolean> {
    try {
      const { assetAmount, cashAmount, receipt } = await this.at.rebalanced()
      const [assets, cash] = [Number(assetAmount) / 1e18, Number(cashAmount) / 1e6]
      const fee = FEE_SHARE * (assets < 0 ? -assets * price : -cash)
      this.trades++
      this.volume += Math.abs(cash)
      this.costs.fees += fee
      this.costs.slippage += -cash - assets * price - fee
      this.costs.gas += Number(receipt.gasUsed) * GAS_PRICE
      return true
    } catch (error) {
      const name = this.at.agent.interface.parseError(revertDataOf(error) ?? '0x')?.name
      if (name === undefined) throw error
      this.refused[name] = (this.refused[name] ?? 0) + 1
      return false
    }
  }

  private async worth(step: Step): Promise<{ readonly book: number; readonly funds: number; readonly held: number }> {
    const { assetHeld, cashHeld, neutralAmount } = await this.at.holdings()
    const held = Number(assetHeld - neutralAmount) / 1e18
    const funds = Number(cashHeld) / 1e6 + (held * Number(step.priceE8)) / 1e8
    return { book: valueBook(this.period.book, step).value, funds, held }
  }

  private async mark(step: Step, start: { readonly book: number; readonly funds: number }): Promise<Mark> {
    const { book, funds, held } = await this.worth(step)
    const unhedged = book - start.book
    const hedged = unhedged + funds - start.funds - this.costs.gas
    const { delta } = valueBook(this.period.book, step)
    return { asOf: step.asOf, price: Number(step.priceE8) / 1e8, unhedged, hedged, delta, position: held }
  }
}

export type Summary = {
  readonly unhedged: number
  readonly hedged: number
  /** Of changes from price to price. */
  readonly varianceRatio: number
  readonly deviation: readonly [unhedged: number, hedged: number]
  readonly worst: readonly [unhedged: number, hedged: number]
}

/** What hedging did to the book's gains from one price to the next. */
export function summarise({ marks }: Outcome): Summary {
  const changes = (of: (mark: Mark) => number): readonly number[] =>
    marks.slice(1).map((mark, i) => of(mark) - of(marks[i] as Mark))
  const [without, hedged] = [changes(({ unhedged }) => unhedged), changes((mark) => mark.hedged)]
  const last = marks.at(-1)
  return {
    unhedged: last?.unhedged ?? 0,
    hedged: last?.hedged ?? 0,
    varianceRatio: varianceOf(hedged) / varianceOf(without),
    deviation: [Math.sqrt(varianceOf(without)), Math.sqrt(varianceOf(hedged))],
    worst: [Math.min(...without), Math.min(...hedged)],
  }
}

function varianceOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}
