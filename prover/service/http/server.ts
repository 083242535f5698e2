/** The HTTP interface of `zkrisk serve`: its addresses, who may ask them, and how often. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import { packageVersion } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { UsageError } from '../text/usageError.ts'
import type { RequestWrites } from '../daemon/requestStore.ts'
import { ApiKeys, type Scope } from './apiKeys.ts'
import { pageFiles } from './dashboard.ts'
import { createLimitedServer } from './limitedServer.ts'
import { Gate, RateLimiter, type RateLimit } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { invalidRequest } from './invalidRequest.ts'
import {
  AddressUnknownError,
  HostRefusedError,
  IdempotencyKeyMissingError,
  PROBLEM_TYPE,
  problemOf,
} from './problems.ts'
import { type Asked, type HttpParts, type Route, livenessOf, routesOf } from './routes.ts'
import { problemSchema } from './schemas.ts'
import { streamEvents } from './stream.ts'

export type HttpAddress = { readonly host: string; readonly port: number }

export type HttpOptions = HttpAddress & {
  /** Nobody may write without. */
  readonly apiKeys?: ApiKeys | undefined
  readonly rate?: RateLimit
}

type HttpLog = {
  /** Something unexpected. */
  failed(method: string, url: string, error: unknown): void
  answered(method: string, route: string, status: number, milliseconds: number, by?: string): void
}

type Watchers = { readonly metrics: Metrics; readonly log: HttpLog }

export type OpenHttp = { readonly url: string; close(): Promise<void> }

const BODY_BYTES = 65_536
const RATE: RateLimit = { perSecond: 100, burst: 300 }
const MOST_STREAMS = 64
/** Whoever sends a header or a body slower than this holds nobody up. */
const TIME_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
/** Until an answer is read to its end; figures of a slow node take 15 s. */
const ANSWER_MS = 60_000
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz'])
const EVENTS = '/v1/events'
const STREAMS: ReadonlySet<string> = new Set([EVENTS])

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

export const isLoopback = (host: string): boolean => LOOPBACK.has(host) || (isIP(host) === 4 && host.startsWith('127.'))

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or a port alone, which is of this machine only. @throws {@link HttpAddressError} */
export function parseHttpAddress(text: string): HttpAddress {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const isAddress = bracketed === undefined || isIP(bracketed) === 6
  if (digits === '' || port > 65_535 || !isAddress) throw new HttpAddressError(text)
  return { host: bracketed ?? plain ?? '127.0.0.1', port }
}

/**
 * Listens until it is closed.
 *
 * @throws {@link HttpExposedError}, {@link HttpPortError}
 */
export async function openHttp(parts: HttpParts & Watchers, options: HttpOptions): Promise<OpenHttp> {
  const { host, port, apiKeys = new ApiKeys([]) } = options
  if (!isLoopback(host) && apiKeys.isEmpty) throw new HttpExposedError(host)
  const app = newApp(parts, options.rate ?? RATE)
  guard(app, { ...options, apiKeys }, parts)
  await addDescription(app)
  await app.register(async (scoped) => addRoutes(scoped, parts))
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw new HttpPortError(`${host}:${port}`, error)
  }
  const address = app.server.address()
  const at = typeof address === 'object' && address !== null ? address.port : port
  const name = isIP(host) === 6 ? `[${host}]` : host
  return { url: `http://${name}:${at}`, close: () => app.close() }
}

function newApp({ metrics, log }: Watchers, rate: RateLimit): FastifyInstance {
  const limiter = new RateLimiter(rate)
  const refused = (method: string, status: number, milliseconds: number): void => {
    metrics.answered(method, UNKNOWN, status, milliseconds / 1000)
    log.answered(method, UNKNOWN, status, milliseconds)
  }
  const parts = { limiter, probes: PROBES, streams: STREAMS, headers: SECURITY_HEADERS, answerMs: ANSWER_MS, refused }
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    serverFactory: (answer) => createLimitedServer(answer, parts, TIME_LIMITS),
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply, log),
  }) as unknown as FastifyInstance
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, log))
  app.setNotFoundHandler((request, reply) => sendProblem(new AddressUnknownError(), request, reply, log))
  return app
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: HttpLog): FastifyReply {
  const told = hasZodFastifySchemaValidationErrors(error)
    ? invalidRequest(error.validation, error.validationContext)
    : error
  const problem = problemOf(told)
  if (problem.status >= 500) log.failed(request.method, routeOf(request), error)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(problem.status)
    .headers(SECURITY_HEADERS)
    .type(PROBLEM_TYPE)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem)
}

/** The address as it is documented, never as it was asked: what people send is no label of a metric. */
const routeOf = (request: FastifyRequest): string => request.routeOptions?.url ?? UNKNOWN

/** What is no address of these, and what was refused before it was looked up. */
const UNKNOWN = 'unknown'

/** Who may ask what, before anything of a body is read. */
function guard(
  app: FastifyInstance,
  { host, apiKeys }: HttpOptions & { readonly apiKeys: ApiKeys },
  { metrics, log }: Watchers,
): void {
  const isOpen = isLoopback(host)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const { scope } = request.routeOptions.config as { scope?: Scope }
    const asked = hostIn(request.headers.host)
    if (isOpen && !LOOPBACK.has(asked) && asked !== host) throw new HostRefusedError()
    // Before a body is read that nothing here takes.
    if (request.is404) throw new AddressUnknownError()
    if (scope === undefined) return
    if (scope === 'read' && isOpen) return apiKeys.refuseUnknown(request.headers.authorization)
    Reflect.set(request, 'by', apiKeys.require(request.headers.authorization, scope))
  })
  app.addHook('onResponse', async (request, reply) => {
    metrics.answered(request.method, routeOf(request), reply.statusCode, reply.elapsedTime / 1000)
    const by = request.method === 'POST' ? (Reflect.get(request, 'by') as string | undefined) : undefined
    log.answered(request.method, routeOf(request), reply.statusCode, reply.elapsedTime, by)
  })
}

/** Without its port. */
const hostIn = (header = ''): string => header.replace(/:\d+$/, '').toLowerCase()

async function addDescription(app: FastifyInstance): Promise<void> {
  await app.register(import('@fastify/swagger'), {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'zkrisk serve',
        version: packageVersion,
        description:
          'Risk parameters and margins as the running service has them from its store and its chain. Refusals are problem documents (RFC 9457); match `code`.',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  })
}

function addRoutes(app: FastifyInstance, parts: HttpParts & { readonly metrics: Metrics }): void {
  for (const route of routesOf(parts)) addRoute(app, route, parts)
  const streams = new Gate(MOST_STREAMS, 'streams')
  const events = told('read', 'Steps of the service as they come: server-sent events')
  app.get(EVENTS, { ...events, exposeHeadRoute: false }, (request, reply) =>
    streamEvents(request, reply, parts.board, streams),
  )
  app.get('/metrics', told('read', 'Figures of the process, as Prometheus reads them'), async (_, reply) => {
    const { metrics } = parts
    return reply.type(metrics.registry.contentType).send(await metrics.text())
  })
  app.get('/openapi.json', hidden(undefined), (_, reply) => reply.send(app.swagger()))
  for (const { url, type, file } of pageFiles()) {
    const content = readFileSync(file)
    app.get(url, hidden(undefined), (_, reply) => reply.type(type).send(content))
  }
}

/** Answers that are no JSON. */
const told = (scope: Scope, summary: string) => ({
  schema: { summary, response: { '4xx': problemSchema } },
  config: { scope },
})

const hidden = (scope: Scope | undefined) => ({ schema: { hide: true }, config: { scope } })

function addRoute(app: FastifyInstance, route: Route, parts: HttpParts): void {
  const { method, url, summary, scope, params, query, body, answer, status = 200, answerOf, isFile, listedAs } = route
  const isProbe = PROBES.has(url)
  const written = new WeakMap<object, string>()
  const textOf = (reading: object, listed: string, reply: FastifyReply): string => {
    const text = written.get(reading) ?? String(reply.serializeInput({ [listed]: reading }, String(status)))
    written.set(reading, text)
    return text
  }
  app.route({
    ...{ method, url },
    config: { scope },
    schema: {
      summary,
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { querystring: query }),
      ...(body === undefined ? {} : { body }),
      ...(method === 'GET' ? {} : { security: [{ key: [] }] }),
      response: { [status]: answer, ...(isProbe ? { 503: answer } : {}), '4xx': problemSchema },
    },
    handler: async (request, reply) => {
      const by = String(Reflect.get(request, 'by') ?? '')
      const asked = { params: request.params, query: request.query, body: request.body, by } as Asked
      const answered = method === 'POST' ? await once(request, by, () => answerOf(asked), parts) : await answerOf(asked)
      if (isFile) return reply.type('application/json').serializer(String).send(answered)
      if (listedAs !== undefined) {
        const text = textOf(answered as object, listedAs, reply)
        return reply.type('application/json; charset=utf-8').serializer(String).send(text)
      }
      return reply.code(isProbe && !isWell(url, parts) ? 503 : status).send(answered)
    },
  })
}

const isWell = (url: string, { requests, readiness }: HttpParts): boolean =>
  url === '/livez' ? livenessOf(requests).alive : readiness.now().ready

/** A write is carried out once for its Idempotency-Key, however often and however fast it is sent. */
async function once(
  request: FastifyRequest,
  by: string,
  prepare: () => unknown,
  { requests }: HttpParts,
): Promise<unknown> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !/^[\x21-\x7e]{8,128}$/.test(key)) throw new IdempotencyKeyMissingError()
  const carryOut = (await prepare()) as (writes: RequestWrites) => Promise<unknown>
  const question = JSON.stringify([routeOf(request), request.body ?? null])
  return requests.once({ key, by, question }, carryOut)
}

/** It is no address to listen at. */
export class HttpAddressError extends UsageError {
  readonly code = 'service.http-address'
  readonly value: string

  constructor(value: string) {
    super(`Expected --http as host and port, such as 127.0.0.1:8080, or a port alone, got "${value}".`)
    this.value = value
  }
}

/** Others could ask, and nobody was given a key. */
export class HttpExposedError extends UsageError {
  readonly code = 'service.http-exposed'
  readonly host: string

  constructor(host: string) {
    super(`Expected --api-keys beside --http ${host}, which others can reach. Give keys, or listen at 127.0.0.1.`)
    this.host = host
  }
}

const END_OR_CHOOSE = 'End what uses it, or choose another with --http'

/** What the system's codes mean of an address to listen at, and what to do. */
const listening: Readonly<Record<string, { readonly reason: string; readonly mend: string }>> = {
  EADDRINUSE: { reason: 'it is in use, EADDRINUSE', mend: END_OR_CHOOSE },
  EADDRNOTAVAIL: { reason: 'this machine has no such address, EADDRNOTAVAIL', mend: 'Choose another with --http' },
  EACCES: { reason: 'this user may not, EACCES', mend: 'Choose a port from 1024 on with --http' },
}

/** The service cannot listen there. */
export class HttpPortError extends ProverError {
  readonly code = 'service.http-port'
  readonly address: string

  constructor(address: string, cause: unknown) {
    const { code = '' } = cause as NodeJS.ErrnoException
    const { reason, mend } = listening[code] ?? { reason: code, mend: END_OR_CHOOSE }
    super(`Could not listen at ${address}${reason === '' ? '' : ` (${reason})`}. ${mend}.`, { cause })
    this.address = address
  }
}
