/** One connection to Deribit: what is asked on it, which answers are awaited, which books are followed. */
import { ConnectionError } from './connection.ts'
import type { DeribitOptions } from './deribit.ts'
import { DeribitBook } from './deribitBook.ts'
import { type DeribitMarket, priceEvent, readTicker, readVolatilityIndex } from './deribitMessages.ts'
import { readSummaries } from './deribitSurfaces.ts'
import { type FeedEvent, refusal } from './priceFeed.ts'
import { entriesOf, listIn, MessageFault, parseWireJson, textIn, wholeIn } from './wireJson.ts'

export type Wire = {
  send(text: string): void
  /** Gives the connection up. */
  fail(error: ConnectionError): void
  readonly signal: AbortSignal
}

type Answered = (result: unknown) => Iterable<FeedEvent>
type Asked = { readonly what: string; readonly answered: Answered; readonly late: NodeJS.Timeout }

const nothing: Answered = () => []

export class DeribitSession {
  private readonly options: DeribitOptions
  private readonly wire: Wire
  private readonly asked = new Map<number, Asked>()
  private readonly books = new Map<string, DeribitBook>()
  /** Rows of perpetuals, as they were last told. */
  private readonly perpetuals = new Map<DeribitMarket, unknown>()
  private readonly timers: NodeJS.Timeout[] = []
  private nextId = 1

  constructor(options: DeribitOptions, wire: Wire) {
    this.options = options
    this.wire = wire
  }

  /** Asks for all that is wanted. */
  begin(): void {
    const { markets, heartbeatSeconds, optionsMs } = this.options
    this.ask('public/set_heartbeat', { interval: heartbeatSeconds }, nothing)
    const channels = markets.flatMap(channelsOf)
    if (channels.length > 0) this.subscribe(channels)
    const quoted = markets.filter(({ options }) => options !== undefined)
    const askForOptions = (): void => {
      for (const market of quoted) this.askForOptions(market)
    }
    askForOptions()
    if (quoted.length > 0) this.timers.push(setInterval(askForOptions, optionsMs))
  }

  end(): void {
    for (const timer of this.timers) clearInterval(timer)
    for (const { late } of this.asked.values()) clearTimeout(late)
    this.asked.clear()
  }

  /** @throws {@link MessageFault} if it is no message of Deribit's */
  read(text: string): Iterable<FeedEvent> {
    const message = entriesOf(parseWireJson(text))
    if (message.jsonrpc !== '2.0') throw new MessageFault('shape', text)
    if (message.method === 'subscription') return this.notified(message.params, text)
    if (message.method === 'heartbeat') return this.heartbeat(message.params)
    return this.answered(message, text)
  }

  private heartbeat(params: unknown): Iterable<FeedEvent> {
    if (entriesOf(params).type === 'test_request') this.ask('public/test', {}, nothing)
    return []
  }

  private answered(message: Readonly<Record<string, unknown>>, text: string): Iterable<FeedEvent> {
    const id = wholeIn(message.id)
    const asked = id === undefined ? undefined : this.asked.get(id)
    if (id === undefined || asked === undefined) throw new MessageFault('answer', text)
    clearTimeout(asked.late)
    this.asked.delete(id)
    if (message.error === undefined) return asked.answered(message.result)
    const code = wholeIn(entriesOf(message.error).code) ?? 'no code'
    // 10028: too many requests.
    const condition = code === 10_028 ? 'too-often' : 'refused'
    if (asked.what === 'public/subscribe' || condition === 'too-often')
      this.wire.fail(new ConnectionError(condition, `${asked.what} is refused (${code})`))
    return [refusal(this.options.name, 'answer', `an error to ${asked.what} (${code})`)]
  }

  private *notified(params: unknown, text: string): Iterable<FeedEvent> {
    const { channel, data } = entriesOf(params)
    const feed = this.options.name
    const [kind, of] = /^([a-z_]+)\.([^.]+)/.exec(textIn(channel) ?? '')?.slice(1) ?? []
    const wanted = this.options.markets.filter((market) => channelsOf(market).includes(textIn(channel) ?? ''))
    if (wanted.length === 0 || of === undefined) throw new MessageFault('unknown-id', textIn(channel) ?? text)
    if (kind === 'book') yield* this.followed(of, wanted, data, textIn(channel) ?? '')
    for (const market of kind === 'book' ? [] : wanted)
      yield kind === 'ticker' ? readTicker(feed, market, data) : readVolatilityIndex(feed, market, data)
  }

  private *followed(
    instrument: string,
    wanted: readonly DeribitMarket[],
    data: unknown,
    channel: string,
  ): Iterable<FeedEvent> {
    const feed = this.options.name
    const book = this.books.get(instrument) ?? new DeribitBook()
    this.books.set(instrument, book)
    const state = book.apply(data)
    switch (state.kind) {
      case 'middle':
        for (const market of wanted) yield priceEvent(feed, market, state.price, state.asOfMs, undefined)
        return
      case 'gap': {
        const says = `${instrument}: changes are missing after ${state.expected}, the next says that ${state.found ?? 'none'} was before it`
        yield { kind: 'gap', feed, says: `${says}; the book is asked for anew` }
        return this.renew(channel)
      }
      case 'unreadable':
        yield refusal(feed, 'shape', `${instrument} ${JSON.stringify(data)}`)
        return this.renew(channel)
      case 'one-sided':
        yield refusal(feed, 'no-price', `a book of ${instrument} without bid below ask`)
        return
      case 'repeated':
        yield refusal(feed, 'repeated', `a change of ${instrument} again`)
        return
      case 'waiting':
        return
    }
  }

  /** A snapshot comes first after a subscription. */
  private renew(channel: string): void {
    this.ask('public/unsubscribe', { channels: [channel] }, nothing)
    this.subscribe([channel])
  }

  private subscribe(channels: readonly string[]): void {
    const feed = this.options.name
    this.ask('public/subscribe', { channels }, function* (result) {
      const taken = listIn(result) ?? []
      const missing = channels.filter((channel) => !taken.includes(channel))
      if (missing.length > 0) yield refusal(feed, 'answer', `no subscription to ${missing.join(', ')}`)
    })
  }

  /** Futures first, for the perpetual among them is part of a round. */
  private askForOptions(market: DeribitMarket): void {
    const asked = (kind: 'future' | 'option', answered: Answered): void =>
      this.ask('public/get_book_summary_by_currency', { currency: market.options, kind }, answered)
    asked('future', (result) => {
      const isIt = (row: unknown): boolean => textIn(entriesOf(row).instrument_name) === market.instrument
      this.perpetuals.set(market, listIn(result)?.find(isIt))
      return []
    })
    asked('option', (result) => readSummaries(this.options.name, market, listIn(result), this.perpetuals.get(market)))
  }

  private ask(method: string, params: object, answered: Answered): void {
    if (this.wire.signal.aborted) return
    const id = this.nextId++
    const { connectMs } = this.options.limits
    const late = setTimeout(
      () => this.wire.fail(new ConnectionError('answer-timeout', `${method} was not answered within ${connectMs} ms`)),
      connectMs,
    )
    this.asked.set(id, { what: method, answered, late })
    this.wire.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
  }
}

const channelsOf = ({ instrument, price, volatilityIndex }: DeribitMarket): readonly string[] => [
  `${price === 'middle' ? 'book' : 'ticker'}.${instrument}.100ms`,
  ...(volatilityIndex === undefined ? [] : [`deribit_volatility_index.${volatilityIndex}`]),
]
