/** Requests that no client should send, to every address of a service's HTTP interface: none may be answered with a failure of its own. */
import fc from 'fast-check'

export type FuzzResult = {
  readonly requests: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Requests that were answered 5xx, or not at all, or with a stack. */
  readonly failures: readonly { readonly request: string; readonly answer: string }[]
}

type FuzzRequest = {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const AT_ONCE = 16

const word = fc.oneof(
  fc.constantFrom(
    'BTC-USD',
    'BTC-USD~garch',
    '%',
    '%00',
    '..%2f..%2fetc',
    '-1',
    '1e309',
    'NaN',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 40 }).map(encodeURIComponent),
  fc.stringMatching(/^[0-9a-f]{64}$/),
  fc.stringMatching(/^0x[0-9a-f]{40}$/),
  fc.uuid(),
)

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.oneof(fc.integer().map(String), word).map((value) => `?limit=${value}`),
  word.map((name) => `?${name}=1&limit=2&limit=3`),
)

const body = fc.oneof(
  { weight: 2, arbitrary: fc.json() },
  fc.string({ maxLength: 200 }),
  fc.constantFrom(
    '',
    '{',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{}}}',
    'null',
    '[]',
    '"\\ud800"',
  ),
  fc.array(word, { maxLength: 80 }).map((markets) => JSON.stringify({ markets })),
  fc.constant(JSON.stringify({ markets: ['BTC-USD'] })),
  fc.integer({ min: 1, max: 4000 }).map((depth) => '['.repeat(depth)),
  fc.constant(`{"markets":["${'x'.repeat(70_000)}"]}`),
)

const headers = (key: string) =>
  fc.record(
    {
      authorization: fc.constantFrom(`Bearer ${key}`, 'Bearer x', 'Basic Og==', `Bearer ${'x'.repeat(300)}`, 'Bearer '),
      'idempotency-key': fc.oneof(fc.uuid(), fc.constantFrom('x', ' ', 'x'.repeat(400), 'same-key-again')),
      'content-type': fc.constantFrom(
        'application/json',
        'text/plain',
        'application/xml',
        'multipart/form-data',
        'x/y; charset=nope',
      ),
      'last-event-id': fc.constantFrom('-1', '1e999', 'x', '9007199254740993'),
    },
    { requiredKeys: [] },
  )

type Address = readonly [method: string, path: string]

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'] as const

/** @param addresses - as OpenAPI writes them: `/v1/markets/{market}` */
const requestTo = (addresses: readonly Address[], key: string): fc.Arbitrary<FuzzRequest> =>
  fc
    .record({
      address: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...addresses) },
        {
          weight: 1,
          arbitrary: fc.tuple(fc.constantFrom(...methods), fc.constantFrom('/', '/metrics', '/v1/{x}', '/{x}/{y}')),
        },
      ),
      other: fc.oneof(
        { weight: 3, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(...methods) },
      ),
      words: fc.array(word, { minLength: 3, maxLength: 3 }),
      query,
      headers: headers(key),
      body: fc.option(body, { nil: undefined }),
    })
    .map(({ address: [method, path], other, words, ...rest }) => ({
      method: other ?? method,
      path: words.reduce((filled, each) => filled.replace(/\{\w+\}/, () => each), path),
      ...rest,
    }))

/** @param key - of all scopes @param seed - the same requests for the same seed */
export async function fuzzHttp(url: string, key: string, requests: number, seed: number): Promise<FuzzResult> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>
  }
  const addresses = Object.entries(paths).flatMap(([path, of]) =>
    Object.keys(of).map((method): Address => [method.toUpperCase(), path]),
  )
  const all = fc.sample(requestTo(addresses, key), { numRuns: requests, seed })
  const byStatus: Record<string, number> = {}
  const failures: { request: string; answer: string }[] = []
  const queue = all.values()
  const work = async (): Promise<void> => {
    for (const request of queue) {
      const { status, text } = await send(url, request)
      byStatus[status] = (byStatus[status] ?? 0) + 1
      const isProbe = /^\/(readyz|livez)/.test(request.path) && status === '503'
      const isFailure = (status.startsWith('5') && !isProbe) || status === 'none' || /\n\s+at .+:\d+/.test(text)
      if (isFailure) failures.push({ request: JSON.stringify(request), answer: `${status} ${text.slice(0, 300)}` })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { requests, byStatus, failures }
}

async function send(url: string, { method, path, query: asked, headers: sent, body: content }: FuzzRequest) {
  const takesNone = method === 'GET' || method === 'HEAD'
  try {
    const response = await fetch(`${url}${path}${asked}`, {
      method,
      headers: sent,
      signal: AbortSignal.timeout(20_000),
      ...(takesNone || content === undefined ? {} : { body: content }),
    })
    return { status: String(response.status), text: await textOf(response) }
  } catch (error) {
    return { status: 'none', text: String((error as Error).cause ?? error) }
  }
}

/** A stream of events does not end by itself. */
async function textOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.text()
  await response.body?.cancel()
  return ''
}
