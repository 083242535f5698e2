/**
 * The server beneath the HTTP interface. Whoever asks faster than is allowed is refused before an address is looked up, a header
 * read or a hook run: what a flood costs is taken from proving.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { RateLimiter } from './limits.ts'
import { PROBLEM_TYPE, problemOf, TooFastError } from './problems.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export type LimitedServerParts = {
  readonly limiter: RateLimiter
  /** Addresses that are answered however often they are asked. */
  readonly probes: ReadonlySet<string>
  readonly headers: Readonly<Record<string, string>>
  refused(method: string, status: number, milliseconds: number): void
}

export function createLimitedServer(answer: Answer, parts: LimitedServerParts, options: ServerOptions): Server {
  const { limiter, probes, refused } = parts
  const refusals = new Refusals(parts.headers)
  return createServer(options, (request, response) => {
    const { method = '', url = '', socket } = request
    const waitSeconds = probes.has(pathOf(url)) ? 0 : limiter.take(socket.remoteAddress ?? '')
    if (waitSeconds === 0) return answer(request, response)
    const began = performance.now()
    const { status, headers, body } = refusals.of(waitSeconds)
    response.writeHead(status, headers).end(body)
    refused(method, status, performance.now() - began)
  })
}

const pathOf = (url: string): string => {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

type Refusal = { readonly status: number; readonly headers: string[]; readonly body: string }

/** Each wait's refusal, written once. */
class Refusals {
  private readonly written = new Map<number, Refusal>()
  private readonly headers: Readonly<Record<string, string>>

  constructor(headers: Readonly<Record<string, string>>) {
    this.headers = headers
  }

  of(waitSeconds: number): Refusal {
    const before = this.written.get(waitSeconds)
    if (before !== undefined) return before
    const problem = problemOf(new TooFastError(waitSeconds))
    const body = JSON.stringify(problem)
    const headers = Object.entries({
      ...this.headers,
      'content-type': PROBLEM_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      'retry-after': String(waitSeconds),
    }).flat()
    const refusal = { status: problem.status, headers, body }
    this.written.set(waitSeconds, refusal)
    return refusal
  }
}
