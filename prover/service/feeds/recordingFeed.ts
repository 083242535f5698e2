/** Prices of files as a feed: recorded ones, played again at any speed, and told where times are missing. */
import { readHistory } from '../answers/histories.ts'
import { duration, utcTime } from '../text/figures.ts'
import { gapsIn, Pace, type Speed } from './pace.ts'
import type { FeedEvent, PriceFeed } from './priceFeed.ts'

export type RecordedFile = {
  readonly market: string
  readonly file: string
  /** Times before are left out, unix seconds. */
  readonly from?: bigint | undefined
}

export type RecordingOptions = {
  readonly name: string
  readonly files: readonly RecordedFile[]
  readonly speed: Speed
  /** Hears how files were read. */
  readonly say: (line: string) => void
}

type Recorded = { readonly market: string; readonly asOf: bigint; readonly digits: bigint; readonly exponent: number }

/** Files as a feed. */
export class RecordingFeed implements PriceFeed {
  readonly name: string
  readonly markets: readonly string[]
  private readonly options: RecordingOptions

  constructor(options: RecordingOptions) {
    this.options = options
    this.name = options.name
    this.markets = options.files.map(({ market }) => market)
  }

  async *events(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    const { name: feed, speed } = this.options
    const rows = this.rows()
    const gaps = new Map(
      this.markets.map((market) => [
        market,
        gapsIn(rows.filter((row) => row.market === market).map(({ asOf }) => asOf)),
      ]),
    )
    yield { kind: 'connected', feed }
    const pace = new Pace(speed)
    for (const { market, asOf, digits, exponent } of rows) {
      await pace.until(1000 * Number(asOf), signal)
      if (signal.aborted) return
      const missing = gaps.get(market)?.get(asOf)
      if (missing !== undefined)
        yield {
          kind: 'gap',
          feed,
          says: `${market} has nothing for ${duration(Number(missing))} before ${utcTime(asOf)}`,
        }
      const price = { negative: false, digits, exponent }
      yield { kind: 'price', feed, market, price, confidence: undefined, asOfMs: 1000 * Number(asOf) }
    }
    yield { kind: 'ended', feed }
  }

  private rows(): readonly Recorded[] {
    const { files, say } = this.options
    const all = files.flatMap(({ market, file, from }) => {
      const { rows, units } = readHistory(file, from === undefined ? {} : { from }, { say })
      const exponent = -8 - Math.round(Math.log10(Number(units.count) / Number(units.parts)))
      return rows.map(({ asOf, priceE8 }) => ({ market, asOf, digits: priceE8, exponent }))
    })
    return all.toSorted((a, b) => Number(a.asOf - b.asOf))
  }
}
