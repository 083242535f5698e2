/** Prices of Pyth's from Hermes: its stream of server-sent events, or its latest prices asked for again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { ConnectionError, type ConnectionLimits, keepConnected, type Link } from './connection.ts'
import { type HermesPrice, readHermes } from './hermesMessages.ts'
import type { FeedEvent, PriceFeed } from './priceFeed.ts'
import { MOST_MESSAGE_CHARACTERS } from './wireJson.ts'

export type HermesOptions = {
  readonly name: string
  readonly endpoint: URL
  /** Sent as a bearer's; never said. */
  readonly key?: string | undefined
  readonly prices: readonly HermesPrice[]
  /** Milliseconds between two questions; none: the stream. */
  readonly pollMs?: number | undefined
  readonly limits: ConnectionLimits
}

/** Hermes' prices as a feed. */
export class HermesFeed implements PriceFeed {
  readonly name: string
  readonly markets: readonly string[]
  private readonly options: HermesOptions

  constructor(options: HermesOptions) {
    this.options = options
    this.name = options.name
    this.markets = options.prices.map(({ market }) => market)
  }

  events(signal: AbortSignal): AsyncIterable<FeedEvent> {
    const { name, limits, prices, pollMs } = this.options
    return keepConnected<string>({
      ...{ feed: name, limits, signal },
      connect: (link) => (pollMs === undefined ? this.stream(link) : this.poll(link, pollMs)),
      lengthOf: (message) => message.length,
      read: (message) => readHermes(name, message, prices),
    })
  }

  private async stream(link: Link<string>): Promise<void> {
    const response = await this.ask('stream', link.signal, 'text/event-stream')
    link.opened()
    const parser = createParser({
      maxBufferSize: MOST_MESSAGE_CHARACTERS,
      onEvent: ({ data }) => link.push(data),
      onComment: () => link.alive(),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') throw new ConnectionError('content', 'a message had no end')
      },
    })
    for await (const text of textOf(response)) parser.feed(text)
  }

  private async poll(link: Link<string>, pollMs: number): Promise<void> {
    for (let isFirst = true; !link.signal.aborted; isFirst = false) {
      const text = await this.latest(link.signal)
      if (isFirst) link.opened()
      link.push(text)
      await sleep(pollMs, undefined, { signal: link.signal })
    }
  }

  private async latest(signal: AbortSignal): Promise<string> {
    const limit = AbortSignal.timeout(this.options.limits.connectMs)
    try {
      const response = await this.ask('latest', AbortSignal.any([signal, limit]), 'application/json')
      let text = ''
      for await (const part of textOf(response)) {
        text += part
        if (text.length > MOST_MESSAGE_CHARACTERS) throw new ConnectionError('content', 'an answer had no end')
      }
      return text
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error
      throw new ConnectionError('answer-timeout', `no whole answer within ${this.options.limits.connectMs} ms`)
    }
  }

  /** @throws {@link ConnectionError} if the answer is none that was asked for */
  private async ask(what: 'stream' | 'latest', signal: AbortSignal, type: string): Promise<Response> {
    const { endpoint, key, prices } = this.options
    const url = new URL(endpoint)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/v2/updates/price/${what}`
    for (const { id } of prices) url.searchParams.append('ids[]', id)
    url.searchParams.set('encoding', 'hex')
    url.searchParams.set('parsed', 'true')
    const headers = { accept: type, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }
    // A redirection would carry the key along.
    const response = await fetch(url, { headers, redirect: 'manual', signal, cache: 'no-store' })
    const fault = faultOf(response, type)
    if (fault === undefined) return response
    await response.body?.cancel().catch(() => undefined)
    throw fault
  }
}

function faultOf(response: Response, type: string): ConnectionError | undefined {
  const { status, headers } = response
  if (status === 429)
    return new ConnectionError('too-often', 'the provider says that it is asked too often (429)', pauseOf(headers))
  if (status >= 300 && status < 400) return new ConnectionError('redirected', `it points elsewhere (${status})`)
  if (status === 401 || status === 403)
    return new ConnectionError('unauthorised', `the provider wants a key, or another one (${status})`)
  if (status !== 200) return new ConnectionError('status', `it answers with status ${status}`, pauseOf(headers))
  const found = headers.get('content-type') ?? 'none'
  const isOther = !found.toLowerCase().startsWith(type)
  return isOther ? new ConnectionError('content', `it sends another kind of content than ${type}`) : undefined
}

/** Retry-After in seconds or as a date. */
function pauseOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after')
  if (asked === null) return undefined
  if (/^\d{1,6}$/.test(asked)) return 1000 * Number(asked)
  const at = Date.parse(asked)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

/** UTF-8 whatever the chunks it was cut into. @throws {@link ConnectionError} where it is none */
async function* textOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of response.body ?? []) {
    try {
      yield decoder.decode(chunk, { stream: true })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new ConnectionError('content', 'it sends bytes that are no UTF-8')
    }
  }
}
