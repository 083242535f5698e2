/** A node that can be made to fail: passes calls on to a real one, hangs, is away, or tells of a poor account. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault = 'none' | 'away' | 'hangs' | 'poor'

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
