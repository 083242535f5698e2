/** Refusals of the HTTP interface, as problem documents of RFC 9457: each has a code, a status, and what to do. */
import { ProverError } from '../../errors.ts'
import { describeError } from '../text/terminal.ts'

/** What a client reads of a refusal. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly [field: string]: unknown
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** Refusals of other stages that a client can cause or wait out. */
const statuses: Readonly<Record<string, number>> = {
  'http.idempotency-key-reused': 422,
  'http.too-many-waiting': 429,
  'registry.unknown-market': 404,
  'service.round-of-others': 422,
  'service.rounds-folder': 503,
  'service.rounds-full': 503,
  'registry.disk-full': 503,
  'registry.file-write': 503,
  'registry.rpc': 503,
  'registry.rpc-unreachable': 503,
  'service.database-unreachable': 503,
  'service.store-failed': 503,
  'service.unknown-job': 404,
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'A key is needed',
  403: 'The key may not do this',
  404: 'There is no such thing here',
  405: 'This method is not for this address',
  409: 'Not possible now',
  413: 'The body is too large',
  415: 'The body is of another type',
  421: 'Sent to another host',
  422: 'The request cannot be carried out',
  429: 'Too many requests',
  431: 'The headers are too large',
  500: 'Something went wrong here',
  503: 'Not possible for the moment',
}

/** A refusal that only the HTTP interface makes. */
export abstract class HttpRefusal extends ProverError {
  abstract readonly status: number
  /** Where the status has another cause than it mostly has. */
  readonly title?: string
}

/** The document of any error; what is not ours says nothing of its inside. */
export function problemOf(error: unknown): Problem {
  const status = statusOf(error)
  if (status >= 500 && !(error instanceof ProverError)) {
    return problem(500, 'http.unexpected', 'Something unexpected happened. The log of the service says what.')
  }
  const { message } = describeError(error)
  const code = error instanceof ProverError ? error.code : codeOfFramework(error)
  return {
    ...problem(status, code, error instanceof ProverError ? message : frameworkWords(error)),
    ...(error instanceof HttpRefusal && error.title !== undefined ? { title: error.title } : {}),
    ...fieldsOf(error),
  }
}

const problem = (status: number, code: string, detail: string): Problem => ({
  type: `urn:zkrisk:problem:${code}`,
  title: titles[status] ?? 'Refused',
  ...{ status, detail, code },
})

function statusOf(error: unknown): number {
  if (error instanceof HttpRefusal) return error.status
  if (error instanceof ProverError) return statuses[error.code] ?? 500
  const { statusCode = 500 } = error as { readonly statusCode?: number }
  return statusCode >= 400 && statusCode < 500 ? statusCode : 500
}

const frameworkCodes: Readonly<Record<number, string>> = {
  400: 'http.malformed',
  404: 'http.unknown-address',
  408: 'http.too-slow',
  413: 'http.body-too-large',
  414: 'http.address-too-long',
  415: 'http.body-type',
}

const codeOfFramework = (error: unknown): string => frameworkCodes[statusOf(error)] ?? 'http.malformed'

const words: Readonly<Record<string, string>> = {
  'http.body-too-large': 'Expected a body of at most 64 KiB, got a larger one.',
  'http.body-type': 'Expected a body of type application/json, got another one.',
  'http.malformed': 'Expected a request that can be read: a JSON body, and an address without broken escapes.',
}

const frameworkWords = (error: unknown): string =>
  words[codeOfFramework(error)] ?? 'Expected a request that can be read.'

const fieldsOf = (error: unknown): object =>
  error instanceof HttpRefusal
    ? Object.fromEntries(
        Object.entries(error).filter(([name]) => !['name', 'code', 'cause', 'status', 'title'].includes(name)),
      )
    : {}

/** What was sent does not fit what is documented. */
export class RequestInvalidError extends HttpRefusal {
  readonly code = 'http.invalid'
  readonly status = 400
  readonly errors: readonly { readonly at: string; readonly says: string }[]

  constructor(errors: RequestInvalidError['errors']) {
    const [first] = errors
    super(`Expected a request as /openapi.json describes it; ${first?.at ?? 'it'}: ${first?.says ?? 'does not fit'}.`)
    this.errors = errors
  }
}

/** Nothing is served at this address. */
export class AddressUnknownError extends HttpRefusal {
  readonly code = 'http.unknown-address'
  readonly status = 404

  constructor() {
    super(
      'Expected one of the addresses that /openapi.json lists, with the method it lists. Probes ask /livez and /readyz.',
    )
  }
}

/** The service has no such part: what would bring it. */
export class PartMissingError extends HttpRefusal {
  readonly status = 404
  readonly code: string

  constructor(part: 'portfolio-registry' | 'venue' | 'hedging-agent' | 'accounts-proven' | 'fleet', says: string) {
    super(says)
    this.code = `http.no-${part}`
  }
}

/** The chain has not been read in time. */
export class ChainSlowError extends HttpRefusal {
  readonly code = 'http.chain-slow'
  readonly status = 503
  readonly seconds: number

  constructor(seconds: number) {
    super(`Expected to read the chain within ${seconds} s, the node or this machine is slower. Try again in a moment.`)
    this.seconds = seconds
  }
}

/** There is no such thing in the service. */
export class ThingUnknownError extends HttpRefusal {
  readonly code: string
  readonly status = 404

  constructor(kind: 'market' | 'batch' | 'account' | 'proof-request', says: string) {
    super(says)
    this.code = `http.unknown-${kind}`
  }
}

/** The batch has not been proven yet. */
export class NotProvenYetError extends HttpRefusal {
  readonly code = 'http.not-proven-yet'
  readonly status = 409

  constructor(says: string) {
    super(says)
  }
}

/** No key, or none of ours. */
export class KeyRefusedError extends HttpRefusal {
  readonly code = 'http.key-refused'
  readonly status = 401

  constructor() {
    super('Expected `Authorization: Bearer <key>` with a key of this service, got none or another one.')
  }
}

/** The key has not this scope. */
export class ScopeMissingError extends HttpRefusal {
  readonly code = 'http.scope-missing'
  readonly status = 403
  readonly scope: string

  constructor(scope: string) {
    super(`Expected a key with the scope \`${scope}\`. Whoever runs the service gives scopes in its file of keys.`)
    this.scope = scope
  }
}

/** The service has no keys, so nobody may write: 403, as no key would help. */
export class WritesClosedError extends HttpRefusal {
  readonly code = 'http.writes-closed'
  readonly status = 403
  override readonly title = 'The service has no API keys'

  constructor() {
    super(
      'Expected a service with API keys, this one has none and takes no requests to do anything. Whoever runs it starts it with ' +
        '--api-keys <file> (`apiKeys` in its file of options), a file that only its owner can read: ' +
        '{ "keys": [{ "name": "ops", "key": "<openssl rand -hex 32>", "scopes": ["read", "prove", "operate"] }] }.',
    )
  }
}

/** Sent to another host than this one: a page elsewhere may have had its name pointed here. */
export class HostRefusedError extends HttpRefusal {
  readonly code = 'http.host-refused'
  readonly status = 421

  constructor() {
    super('Expected a request to this machine by a loopback name or the address that the service listens at.')
  }
}

/** Faster than the service answers. */
export class TooFastError extends HttpRefusal {
  readonly code = 'http.too-fast'
  readonly status = 429
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(`Expected fewer requests a second. Try again in ${retryAfterSeconds} s.`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** As much is under way as the service takes at once. */
export class TooBusyError extends HttpRefusal {
  readonly code = 'http.too-busy'
  readonly status = 429

  constructor(most: number, what: string) {
    super(`Expected at most ${most} ${what} at once, that many are open. Try again in a moment.`)
  }
}

/** A write must say under which key it is one request. */
export class IdempotencyKeyMissingError extends HttpRefusal {
  readonly code = 'http.idempotency-key-missing'
  readonly status = 400

  constructor() {
    super('Expected a header Idempotency-Key of 8 to 128 printable characters, a new one for each request.')
  }
}
