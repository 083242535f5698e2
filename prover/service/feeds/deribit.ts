/** Prices, the volatility index and options of Deribit, over its websocket. */
import { ConnectionError, type ConnectionLimits, keepConnected, type Link } from './connection.ts'
import type { DeribitMarket } from './deribitMessages.ts'
import { DeribitSession } from './deribitSession.ts'
import { type FeedEvent, type PriceFeed, refusal } from './priceFeed.ts'

export type DeribitOptions = {
  readonly name: string
  readonly endpoint: URL
  readonly markets: readonly DeribitMarket[]
  /** Between two signs of life that the provider is asked for; 10 s at least. */
  readonly heartbeatSeconds: number
  /** Between two questions for all options. */
  readonly optionsMs: number
  readonly limits: ConnectionLimits
}

type Message = { readonly session: DeribitSession; readonly text: string | undefined }

/** Deribit as a feed. */
export class DeribitFeed implements PriceFeed {
  readonly name: string
  readonly markets: readonly string[]
  private readonly options: DeribitOptions

  constructor(options: DeribitOptions) {
    this.options = options
    this.name = options.name
    this.markets = options.markets.map(({ market }) => market)
  }

  events(signal: AbortSignal): AsyncIterable<FeedEvent> {
    const { name, limits } = this.options
    return keepConnected<Message>({
      ...{ feed: name, limits, signal },
      connect: (link) => this.connect(link),
      lengthOf: ({ text }) => text?.length ?? 0,
      read: ({ session, text }) => (text === undefined ? [refusal(name, 'not-text', 'bytes')] : session.read(text)),
    })
  }

  private connect(link: Link<Message>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = new WebSocket(this.options.endpoint)
    const session = new DeribitSession(this.options, {
      send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
      fail: reject,
      signal: link.signal,
    })
    socket.addEventListener('open', () => {
      link.opened()
      session.begin()
    })
    socket.addEventListener('message', ({ data }: MessageEvent) =>
      link.push({ session, text: typeof data === 'string' ? data : undefined }),
    )
    socket.addEventListener('error', () =>
      reject(new ConnectionError('broken', 'the connection broke, or was refused')),
    )
    socket.addEventListener('close', ({ code }) => {
      if (code === 1000 || code === 1005) resolve()
      else reject(new ConnectionError('closed', `the provider closed the connection (${code})`))
    })
    const end = (): void => {
      session.end()
      socket.close()
    }
    // Of a half-open socket the end may never be told.
    link.signal.addEventListener('abort', end, { once: true })
    return promise.finally(end)
  }
}
