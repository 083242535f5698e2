/** A node that can be made to fail: passes calls on to a real one, hangs, is away, tells of a poor account, or keeps no earlier states. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault = 'none' | 'away' | 'hangs' | 'poor' | 'forgets'

export type ChainProxy = { readonly url: string; fault: Fault; close(): Promise<void> }

export async function startChainProxy(behind: string): Promise<ChainProxy> {
  const server = createServer(async (request, response) => {
    const { fault } = proxy
    if (fault === 'away') return request.socket.destroy()
    if (fault === 'hangs') return undefined
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const call = JSON.parse(body.toString())
    response.setHeader('content-type', 'application/json')
    if (fault === 'poor' && call.method === 'eth_getBalance') {
      return response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, result: '0x1' }))
    }
    if (fault === 'forgets' && (await isOfEarlier(behind, call))) {
      // As Geth says it.
      const error = { code: -32000, message: 'missing trie node 5f3c (path ) state 0x5f3c is not available' }
      return response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error }))
    }
    const answer = await fetch(behind, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return response.end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy: ChainProxy = {
    url: `http://127.0.0.1:${port}`,
    fault: 'none',
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Whether a call asks for the state of a block that is not the newest. */
async function isOfEarlier(
  behind: string,
  { method, params }: { readonly method: string; readonly params: readonly unknown[] },
): Promise<boolean> {
  const block = params.at(-1)
  if (!['eth_getCode', 'eth_call'].includes(method) || typeof block !== 'string' || !/^0x/.test(block)) return false
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] })
  const headers = { 'content-type': 'application/json' }
  const answer = await (await fetch(behind, { method: 'POST', body, headers })).json()
  return BigInt(block) < BigInt((answer as { readonly result: string }).result)
}
