/**
 * The server beneath the HTTP interface. Whoever asks faster than is allowed, or holds as much as one client may, is refused before an
 * address is looked up, a header read or a hook run: what a flood costs is taken from proving. What a client holds is given back by
 * what becomes of its connection, for an answer that nobody waits for any more is never finished.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Places, type RateLimiter } from './limits.ts'
import { type HttpRefusal, PROBLEM_TYPE, problemOf, TooBusyError, TooFastError } from './problems.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export type LimitedServerParts = {
  readonly limiter: RateLimiter
  /** Addresses that are answered to GET and HEAD however often they are asked. */
  readonly probes: ReadonlySet<string>
  /** Addresses that are answered to GET for as long as somebody listens; they have places of their own. */
  readonly streams: ReadonlySet<string>
  readonly headers: Readonly<Record<string, string>>
  /** From a request to the last byte of its answer, where that is no stream. */
  readonly answerMs: number
  refused(method: string, status: number, milliseconds: number): void
}

/** Requests that are answered at once, probes apart: of all, and of one client. */
const MOST_UNDER_WAY = 256
const MOST_OF_ONE = 64
/** That one connection may send before the first of them is answered. */
const MOST_PIPELINED = 32

export function createLimitedServer(answer: Answer, parts: LimitedServerParts, options: ServerOptions): Server {
  const { limiter, probes, streams, answerMs, refused } = parts
  const refusals = new Refusals(parts.headers)
  const places = new Places(MOST_UNDER_WAY, MOST_OF_ONE)
  const connections = new WeakMap<Socket, Connection>()

  /** What it is refused for; undefined if it is let in. */
  const refusalOf = (client: string, isStream: boolean): Refused | undefined => {
    const waitSeconds = limiter.take(client)
    if (waitSeconds > 0) return waitSeconds
    return isStream ? undefined : places.enter(client)
  }
  const take: Answer = (request, response) => {
    const { method = '', url = '', socket } = request
    const connection = connections.get(socket)
    if (connection === undefined || connection.isFull) {
      socket.destroy()
      return
    }
    const path = pathOf(url)
    if (probes.has(path) && (method === 'GET' || method === 'HEAD')) {
      connection.begin(response)
      answer(request, response)
      return
    }
    const began = performance.now()
    const client = socket.remoteAddress ?? ''
    const isStream = method === 'GET' && streams.has(path)
    const refusal = refusalOf(client, isStream)
    if (refusal !== undefined) {
      // One that waits behind no other is gone at once.
      if (connection.isBusy) connection.begin(response)
      const { status, headers, body } = refusals.of(refusal)
      response.writeHead(status, headers).end(body)
      refused(method, status, performance.now() - began)
      return
    }
    if (isStream) connection.begin(response)
    else {
      const late = setTimeout(() => socket.destroy(), answerMs).unref()
      connection.begin(response, () => {
        clearTimeout(late)
        places.leave(client)
      })
    }
    answer(request, response)
  }

  const server = createServer(options, take)
  server.on('connection', (socket) => connections.set(socket, new Connection(socket)))
  // What is expected besides 100-continue is let be; Node would refuse it past the limit.
  server.on('checkExpectation', take)
  return server
}

/** What was asked through one connection and is not answered. */
class Connection {
  private readonly open = new Map<ServerResponse, (() => void) | undefined>()

  constructor(socket: Socket) {
    socket.once('close', () => {
      // Answers that wait behind others have no connection, and are never told of its end.
      for (const response of [...this.open.keys()]) this.over(response)
    })
  }

  get isBusy(): boolean {
    return this.open.size > 0
  }

  get isFull(): boolean {
    return this.open.size >= MOST_PIPELINED
  }

  begin(response: ServerResponse, whenOver?: () => void): void {
    this.open.set(response, whenOver)
    response.once('close', () => this.over(response))
  }

  private over(response: ServerResponse): void {
    const whenOver = this.open.get(response)
    this.open.delete(response)
    whenOver?.()
  }
}

const pathOf = (url: string): string => {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** Seconds to wait, or whose places are all held. */
type Refused = number | 'all' | 'own'
type Refusal = { readonly status: number; readonly headers: string[]; readonly body: string }

/** Each written once. */
class Refusals {
  private readonly written = new Map<Refused, Refusal>()
  private readonly headers: Readonly<Record<string, string>>

  constructor(headers: Readonly<Record<string, string>>) {
    this.headers = headers
  }

  of(why: Refused): Refusal {
    const before = this.written.get(why)
    if (before !== undefined) return before
    const error = refusalFor(why)
    const problem = problemOf(error)
    const body = JSON.stringify(problem)
    const headers = Object.entries({
      ...this.headers,
      'content-type': PROBLEM_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      'retry-after': String(typeof why === 'number' ? why : 1),
    }).flat()
    const refusal = { status: problem.status, headers, body }
    this.written.set(why, refusal)
    return refusal
  }
}

function refusalFor(why: Refused): HttpRefusal {
  if (typeof why === 'number') return new TooFastError(why)
  return why === 'own'
    ? new TooBusyError(MOST_OF_ONE, 'requests of a client')
    : new TooBusyError(MOST_UNDER_WAY, 'requests')
}
