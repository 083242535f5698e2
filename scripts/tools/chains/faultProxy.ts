/** A JSON-RPC proxy before a real node that fails as nodes and the ways to them do, at the methods that it is told to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { keccak256 } from 'ethers'

export type Question = { readonly id: unknown; readonly method: string; readonly params: readonly unknown[] }

/** What happens to a question instead of its answer. */
export const faults = {
  /** Never answered, and never asked of the node. */
  hang: () => undefined,
  /** The node does as it is told; whoever asked does not learn of it. */
  'lost-reply': async ({ response, forward }) => {
    await forward()
    response.destroy()
  },
  'late-reply': async ({ forward }) => {
    await forward()
  },
  reset: ({ response }) => void response.destroy(),
  'half-reply': ({ response }) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"jsonrpc":"2.0","id":1,"res')
    response.destroy()
  },
  'http-400': ({ response }) => void response.writeHead(400).end('bad request'),
  'http-401': ({ response }) => void response.writeHead(401).end('unauthorised'),
  'http-404': ({ response }) => void response.writeHead(404).end(),
  'http-429': ({ response }) => void response.writeHead(429).end('slow down'),
  'http-500': ({ response }) => void response.writeHead(500).end('<html>oops</html>'),
  'http-502': ({ response }) => void response.writeHead(502).end(),
  'http-503': ({ response }) => void response.writeHead(503).end(),
  'no-json': ({ response }) => void response.end('<html>a login page</html>'),
  empty: ({ response }) => void response.end(),
  'json-of-something-else': ({ response }) => void response.end('[1, 2, 3]'),
  'other-id': ({ response }) => void response.end('{"jsonrpc":"2.0","id":"someone else’s","result":"0x1"}'),
  'nonsense-result': ({ response, question }) => sayResult(response, question, 'banana'),
  'rate-limited': ({ response, question }) => sayError(response, question, -32005, 'daily request count exceeded'),
  'internal-error': ({ response, question }) => sayError(response, question, -32603, 'Internal error'),
  'no-method': ({ response, question }) =>
    sayError(response, question, -32601, `the method ${question.method} does not exist/is not available`),
  'no-state': ({ response, question }) => sayError(response, question, -32000, 'header not found'),
} satisfies Record<string, (at: Asked) => Promise<void> | void>

export type FaultName = keyof typeof faults

/** What a liar answers, by method. */
export type Lies = Readonly<Record<string, (params: readonly unknown[]) => unknown>>

type Asked = {
  readonly question: Question
  readonly response: ServerResponse
  /** Asks the node; the text of what it answered. */
  readonly forward: () => Promise<string>
}

export class FaultProxy {
  readonly #server: Server
  readonly #node: string
  #fault: { readonly name: FaultName; readonly methods: readonly string[] | undefined; left: number } | undefined
  #lies: Lies = {}
  /** Methods asked so far. */
  readonly asked: string[] = []
  /** Hashes of transactions that whoever asked wanted sent, as often as asked. */
  readonly sent: string[] = []
  /** Whether a question may go to the node; asked before it does. */
  before: (question: Question) => boolean = () => true
  /** Runs after the node's answer came, and before that is passed on. */
  after: (question: Question) => void = () => undefined

  private constructor(server: Server, node: string) {
    this.#server = server
    this.#node = node
  }

  static async start(node: string): Promise<FaultProxy> {
    const server = createServer()
    const proxy = new FaultProxy(server, node)
    server.on('request', (request, response) => void proxy.#take(request, response).catch(() => response.destroy()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Fails so from now on, at some methods or at all, so many times or until it is told otherwise. */
  fail(name: FaultName, methods?: readonly string[], times = Number.POSITIVE_INFINITY): void {
    this.#fault = { name, methods, left: times }
  }

  lie(lies: Lies): void {
    this.#lies = lies
  }

  /** Passes everything on from now on. */
  mend(): void {
    this.#fault = undefined
    this.#lies = {}
    this.before = () => true
    this.after = () => undefined
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const question = JSON.parse(body) as Question
    this.asked.push(question.method)
    if (question.method === 'eth_sendRawTransaction') this.sent.push(keccak256(String(question.params[0])))
    const headers = { 'content-type': 'application/json' }
    const forward = async (): Promise<string> => (await fetch(this.#node, { method: 'POST', headers, body })).text()
    if (!this.before(question)) return void response.destroy()
    const fault = this.#fault
    if (fault !== undefined && fault.left > 0 && (fault.methods?.includes(question.method) ?? true)) {
      fault.left--
      return faults[fault.name]({ question, response, forward })
    }
    const lie = this.#lies[question.method]
    if (lie !== undefined) return sayResult(response, question, lie(question.params))
    const answer = await forward()
    this.after(question)
    response.writeHead(200, headers).end(answer)
  }
}

function sayResult(response: ServerResponse, { id }: Question, result: unknown): void {
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}

function sayError(response: ServerResponse, { id }: Question, code: number, message: string): void {
  response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }))
}
