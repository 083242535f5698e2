/** One JSON-RPC endpoint, over HTTP or a WebSocket: it answers within a time, or the error says how it failed. */
import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from 'ethers'
import { ProverError } from '../../errors.ts'

export type RpcAnswer = JsonRpcResult | JsonRpcError

export type Channel = {
  /** Scheme, host and port; never the path, which often holds a key. */
  readonly origin: string
  /** @throws {@link EndpointError} */
  ask(payload: JsonRpcPayload, timeoutMs: number): Promise<RpcAnswer>
  close(): void
}

const HTTP_SCHEMES: readonly string[] = ['http:', 'https:']
const SOCKET_SCHEMES: readonly string[] = ['ws:', 'wss:']

/** Answers of HTTP servers that ask for patience. */
const BUSY_STATUSES: readonly number[] = [429, 503]

/**
 * @param among - which one it is, where there are several
 * @throws {@link EndpointAddressError}
 */
export function openChannel(url: string, among: string | undefined): Channel {
  const { protocol, origin, host } = URL.canParse(url) ? new URL(url) : { protocol: '', origin: '', host: '' }
  if (HTTP_SCHEMES.includes(protocol)) return new HttpChannel(url, origin)
  if (SOCKET_SCHEMES.includes(protocol)) return new SocketChannel(url, `${protocol}//${host}`)
  throw new EndpointAddressError(protocol, among)
}

class HttpChannel implements Channel {
  readonly origin: string
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string, origin: string) {
    const address = new URL(url)
    const { username, password } = address
    this.origin = origin
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    this.#headers = {
      'content-type': 'application/json',
      ...(username === '' ? {} : { authorization: `Basic ${login}` }),
    }
    // fetch refuses addresses with a name and a password in them.
    address.username = ''
    address.password = ''
    this.#url = address.href
  }

  async ask(payload: JsonRpcPayload, timeoutMs: number): Promise<RpcAnswer> {
    const fail = (reason: string, cause?: unknown, isBusy = false): EndpointError =>
      new EndpointError({ origin: this.origin, method: payload.method, reason, isBusy }, cause)
    const deadline = deadlineIn(timeoutMs)
    try {
      const { signal } = deadline
      const body = JSON.stringify(payload)
      const response = await fetch(this.#url, { method: 'POST', headers: this.#headers, body, signal })
      const text = await response.text()
      const answer = parsed(text)
      // Some nodes put a status beside an answer that is whole.
      if (isAnswer(answer, payload)) return answer
      if (!response.ok) throw fail(`HTTP ${response.status}`, undefined, BUSY_STATUSES.includes(response.status))
      throw fail('what it answered is no JSON-RPC')
    } catch (error) {
      if (error instanceof EndpointError) throw error
      if (deadline.signal.aborted) throw fail(withoutAnswer(timeoutMs), error)
      throw fail(reasonOf(error), error)
    } finally {
      deadline.clear()
    }
  }

  close(): void {}
}

type Waiting = {
  readonly payload: JsonRpcPayload
  readonly resolve: (answer: RpcAnswer) => void
  readonly reject: (reason: string) => void
}

class SocketChannel implements Channel {
  readonly origin: string
  readonly #url: string
  #socket: WebSocket | undefined
  #nextId = 1
  readonly #waiting = new Map<number, Waiting>()

  constructor(url: string, origin: string) {
    this.#url = url
    this.origin = origin
  }

  async ask(payload: JsonRpcPayload, timeoutMs: number): Promise<RpcAnswer> {
    const { method } = payload
    // Ids of several askers may be alike, answers come in any order.
    const id = this.#nextId++
    return new Promise<RpcAnswer>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
      }
      const fail = (reason: string): void => {
        end()
        reject(new EndpointError({ origin: this.origin, method, reason, isBusy: false }))
      }
      const timer = setTimeout(() => {
        fail(withoutAnswer(timeoutMs))
        // A connection that swallows questions is made anew.
        this.#drop('the connection was given up')
      }, timeoutMs)
      this.#waiting.set(id, {
        payload: { ...payload, id },
        reject: fail,
        resolve: (answer) => {
          end()
          resolve({ ...answer, id: payload.id } as RpcAnswer)
        },
      })
      this.#send(id)
    })
  }

  close(): void {
    this.#drop('the connection was closed')
  }

  #send(id: number): void {
    const socket = this.#socket ?? this.#connect()
    const waiting = this.#waiting.get(id)
    // What waits while it connects is sent once it is open.
    if (socket.readyState === WebSocket.OPEN && waiting !== undefined) socket.send(JSON.stringify(waiting.payload))
  }

  #connect(): WebSocket {
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener('open', () => {
      for (const { payload } of this.#waiting.values()) socket.send(JSON.stringify(payload))
    })
    socket.addEventListener('message', ({ data }) => {
      const answer = parsed(String(data))
      const waiting = this.#waiting.get(Number((answer as { id?: unknown } | undefined)?.id))
      if (waiting === undefined) return
      if (isAnswer(answer, waiting.payload)) waiting.resolve(answer)
      else waiting.reject('what it answered is no JSON-RPC')
    })
    const gone = (): void => {
      if (this.#socket === socket) this.#drop('the connection broke')
    }
    socket.addEventListener('close', gone)
    socket.addEventListener('error', gone)
    return socket
  }

  #drop(reason: string): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
    for (const waiting of [...this.#waiting.values()]) waiting.reject(reason)
  }
}

/** Aborts after a time. An answer that came while this process was busy with something else counts. */
function deadlineIn(milliseconds: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  let timer = setTimeout(() => {
    timer = setTimeout(() => controller.abort(), 0)
  }, milliseconds)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isAnswer(value: unknown, { id }: JsonRpcPayload): value is RpcAnswer {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const answer = value as Record<string, unknown>
  if ('result' in answer) return answer.id === id
  // A node that could not read the question does not know its id.
  const { error } = answer
  return typeof error === 'object' && error !== null && (answer.id === id || answer.id === null)
}

const withoutAnswer = (milliseconds: number): string => `no answer within ${milliseconds / 1000} s`

/** What the system said, such as ECONNREFUSED: fetch itself says only that it failed. */
function reasonOf(error: unknown): string {
  const { code, cause } = error as {
    code?: unknown
    cause?: { code?: unknown; errors?: readonly { code?: unknown }[] }
  }
  const known = cause?.code ?? cause?.errors?.[0]?.code ?? code
  return typeof known === 'string' ? `it cannot be reached, ${known}` : 'it cannot be reached'
}

type Failure = {
  readonly origin: string
  readonly method: string
  readonly reason: string
  readonly isBusy: boolean
}

/** An endpoint did not answer, or not sensibly. */
export class EndpointError extends ProverError {
  readonly code = 'registry.endpoint'
  readonly origin: string
  readonly method: string
  readonly reason: string
  /** It asked for patience. */
  readonly isBusy: boolean

  constructor({ origin, method, reason, isBusy }: Failure, cause?: unknown) {
    super(`${origin} did not answer ${method}: ${reason}`, { cause })
    this.origin = origin
    this.method = method
    this.reason = reason
    this.isBusy = isBusy
  }
}

/** An RPC address cannot be read. It is not shown, for it may hold a key. */
export class EndpointAddressError extends ProverError {
  readonly code = 'registry.rpc-address'
  readonly scheme: string

  constructor(scheme: string, among?: string) {
    const found = scheme === '' ? 'something that is no address' : `one that begins with ${scheme}//`
    super(
      `Expected an RPC address that begins with http://, https://, ws:// or wss://, got ${found}${among === undefined ? '' : `: the ${among}`}.`,
    )
    this.scheme = scheme
  }
}
