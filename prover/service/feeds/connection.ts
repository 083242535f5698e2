/** A connection that is kept: opened again after whatever ended it, after a pause that grows, and given up when it is silent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../errors.ts'
import { NewestQueue } from './newestQueue.ts'
import { type FeedEvent, refusal } from './priceFeed.ts'
import { MessageFault } from './wireJson.ts'

export type ConnectionLimits = {
  /** Until a connection is open, or an answer has begun. */
  readonly connectMs: number
  /** Without any message. */
  readonly stallMs: number
  /** Without anything that is a reading. */
  readonly readingStallMs: number
  /** First pause before the next try; each is twice the one before. */
  readonly leastPauseMs: number
  readonly mostPauseMs: number
  /** After a provider said that it was asked too often, and not how long to wait. */
  readonly tooOftenPauseMs: number
  /** Messages that may wait to be read, and their characters together. */
  readonly waiting: number
  readonly waitingCharacters: number
}

export const usualLimits: ConnectionLimits = {
  connectMs: 10_000,
  stallMs: 25_000,
  readingStallMs: 60_000,
  leastPauseMs: 500,
  mostPauseMs: 30_000,
  tooOftenPauseMs: 60_000,
  waiting: 2048,
  waitingCharacters: 32 * 1024 * 1024,
}

/** No provider is waited for longer than this, whatever it asks for. */
const MOST_ASKED_PAUSE_MS = 600_000

/** One connection, as whoever opens it sees it. */
export type Link<Message> = {
  /** Aborts when the connection is given up. */
  readonly signal: AbortSignal
  /** The connection is open; what is asked of it may begin. */
  opened(): void
  /** Something came that is no message, such as a sign of life. */
  alive(): void
  push(message: Message): void
}

export type Keeping<Message> = {
  readonly feed: string
  readonly limits: ConnectionLimits
  readonly signal: AbortSignal
  /** Opens a connection and resolves when it has ended. @throws {@link ConnectionError} if it ended badly */
  readonly connect: (link: Link<Message>) => Promise<void>
  /** How many characters a message has. */
  readonly lengthOf: (message: Message) => number
  /** What a message says. @throws {@link MessageFault} if nothing */
  readonly read: (message: Message) => Iterable<FeedEvent>
}

type Waiting<Message> = { readonly message: Message } | { readonly notice: FeedEvent }

/** Events of a connection that is kept until the signal. */
export async function* keepConnected<Message>(keeping: Keeping<Message>): AsyncGenerator<FeedEvent> {
  const { feed, signal, limits, read, lengthOf } = keeping
  const capacity = { items: limits.waiting, weight: limits.waitingCharacters }
  const queue = new NewestQueue<Waiting<Message>>(capacity, (item) =>
    'message' in item ? lengthOf(item.message) : undefined,
  )
  const watch = new Watch()
  const ended = new AbortController()
  const all = AbortSignal.any([signal, ended.signal])
  const work = keepOpen({ ...keeping, signal: all }, queue, watch).finally(() => queue.close())
  try {
    for await (const item of queue.read()) {
      if (signal.aborted) break
      const dropped = queue.takeDropped()
      if (dropped > 0) yield { kind: 'flooded', feed, dropped }
      for (const event of 'notice' in item ? [item.notice] : readAll(feed, () => read(item.message))) {
        if (isReading(event)) watch.reading()
        yield event
      }
    }
  } finally {
    ended.abort()
    await work
  }
}

const isReading = ({ kind }: FeedEvent): boolean => kind === 'price' || kind === 'volatility' || kind === 'options'

/** Events of a message; a fault is one. */
function readAll(feed: string, read: () => Iterable<FeedEvent>): readonly FeedEvent[] {
  try {
    return [...read()]
  } catch (error) {
    if (error instanceof MessageFault) return [refusal(feed, error.condition, error.message)]
    throw error
  }
}

/** When something last came. */
class Watch {
  private messageAt = performance.now()
  private readingAt = performance.now()
  private readAt: number | undefined

  begin(): void {
    this.messageAt = performance.now()
    this.readingAt = this.messageAt
  }

  message(): void {
    this.messageAt = performance.now()
  }

  reading(): void {
    this.readingAt = performance.now()
    this.readAt = this.readingAt
  }

  hasReadSince(began: number): boolean {
    return this.readAt !== undefined && this.readAt > began
  }

  silence(limits: ConnectionLimits): { readonly of: 'messages' | 'readings'; readonly silentMs: number } | undefined {
    const now = performance.now()
    const [messages, readings] = [now - this.messageAt, now - this.readingAt]
    if (messages > limits.stallMs) return { of: 'messages', silentMs: Math.round(messages) }
    if (readings > limits.readingStallMs) return { of: 'readings', silentMs: Math.round(readings) }
    return undefined
  }
}

async function keepOpen<Message>(
  { feed, limits, signal, connect }: Keeping<Message>,
  queue: NewestQueue<Waiting<Message>>,
  watch: Watch,
): Promise<void> {
  let pauseMs = limits.leastPauseMs
  while (!signal.aborted) {
    const began = performance.now()
    const say = (notice: FeedEvent): void => queue.push({ notice })
    const ended = await openOnce({ feed, limits, signal, connect }, queue, watch, say)
    if (signal.aborted) return
    // One that lasted and brought something is no failure of the provider's to be waited for.
    if (watch.hasReadSince(began) && performance.now() - began > pauseMs) pauseMs = limits.leastPauseMs
    const asked = ended.pauseMs ?? (ended.isTooOften ? limits.tooOftenPauseMs : 0)
    const retryMs = Math.round(Math.max(Math.min(asked, MOST_ASKED_PAUSE_MS), pauseMs * (0.75 + Math.random() / 2)))
    say({ kind: 'disconnected', feed, code: ended.code, says: ended.message, retryMs })
    pauseMs = Math.min(2 * pauseMs, limits.mostPauseMs)
    await sleep(retryMs, undefined, { signal }).catch(() => undefined)
  }
}

/** @returns why it ended */
async function openOnce<Message>(
  { feed, limits, signal, connect }: Omit<Keeping<Message>, 'read' | 'lengthOf'>,
  queue: NewestQueue<Waiting<Message>>,
  watch: Watch,
  say: (notice: FeedEvent) => void,
): Promise<ConnectionError> {
  const given = new AbortController()
  const late = setTimeout(
    () => given.abort(new ConnectionError('connect-timeout', `nothing was open after ${limits.connectMs} ms`)),
    limits.connectMs,
  )
  let looking: NodeJS.Timeout | undefined
  const look = (): void => {
    const silence = watch.silence(limits)
    if (silence === undefined || given.signal.aborted) return
    say({ kind: 'stalled', feed, ...silence })
    given.abort(new ConnectionError('stalled', `no ${silence.of} for ${silence.silentMs} ms`))
  }
  const link: Link<Message> = {
    signal: AbortSignal.any([signal, given.signal]),
    opened: () => {
      clearTimeout(late)
      watch.begin()
      looking ??= setInterval(look, Math.max(5, Math.min(1000, limits.stallMs / 4)))
      say({ kind: 'connected', feed })
    },
    alive: () => watch.message(),
    push: (message) => {
      if (link.signal.aborted) return
      watch.message()
      queue.push({ message })
    },
  }
  try {
    await untilGivenUp(link.signal, connect(link))
    return new ConnectionError('closed', 'the provider closed the connection')
  } catch (error) {
    return connectionError(given.signal.aborted ? given.signal.reason : error)
  } finally {
    clearTimeout(late)
    clearInterval(looking)
    given.abort(new ConnectionError('closed', 'it is over'))
  }
}

/** A connection whose other end is gone may never say that it is over. */
function untilGivenUp(signal: AbortSignal, work: Promise<void>): Promise<void> {
  work.catch(() => undefined)
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  work.then(resolve, reject)
  return promise
}

function connectionError(error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const { code } = cause as NodeJS.ErrnoException
  // Messages of sockets and of fetch name addresses, which may hold keys.
  return new ConnectionError('broken', wordsOf(typeof code === 'string' ? code : ''))
}

function wordsOf(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'its host is not found: there is no network, or the endpoint is another one'
  if (code === 'ECONNREFUSED') return 'nobody listens there'
  if (/CERT|SELF_SIGNED|ERR_TLS|ALTNAME/.test(code)) return 'its certificate is none to be trusted'
  return `the connection broke${/^[A-Z_]{3,40}$/.test(code) ? ` (${code})` : ''}`
}

type ConnectionCondition =
  | 'closed'
  | 'broken'
  | 'stalled'
  | 'connect-timeout'
  | 'status'
  | 'too-often'
  | 'redirected'
  | 'unauthorised'
  | 'content'
  | 'flooded'
  | 'refused'
  | 'answer-timeout'

/** Why a connection ended. */
export class ConnectionError extends ProverError {
  readonly code: `service.feed-${ConnectionCondition}`
  /** How long the provider asked to be left alone. */
  readonly pauseMs: number | undefined
  readonly isTooOften: boolean

  constructor(condition: ConnectionCondition, says: string, pauseMs?: number) {
    super(says)
    this.code = `service.feed-${condition}`
    this.pauseMs = pauseMs
    this.isTooOften = condition === 'too-often'
  }
}
