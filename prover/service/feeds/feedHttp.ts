/** Metrics and probes of a process of feeds, for this machine alone. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HttpPortError, isLoopback, parseHttpAddress } from '../http/server.ts'
import { UsageError } from '../text/usageError.ts'
import type { FeedFigures } from './feedFigures.ts'

/** @param at - host and port of this machine. @throws {@link HttpAddressError}, {@link FeedHttpExposedError}, {@link HttpPortError} */
export async function openFeedHttp(at: string, figures: FeedFigures) {
  const { host, port } = parseHttpAddress(at)
  if (!isLoopback(host)) throw new FeedHttpExposedError(host)
  const server = createServer((request, response) => {
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
    }
    const { ready, checks } = figures.ready()
    // A page elsewhere may have its name pointed here.
    const asked = (request.headers.host ?? '').replace(/:\d+$/, '')
    if (!isLoopback(asked) && asked !== host) return send(403, 'text/plain', 'asked by another name\n')
    if (request.method !== 'GET') return send(405, 'text/plain', 'GET alone\n')
    if (request.url === '/livez') return send(200, 'application/json', '{"alive":true}\n')
    if (request.url === '/readyz')
      return send(ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, checks })}\n`)
    if (request.url !== '/metrics') return send(404, 'text/plain', '/metrics, /readyz or /livez\n')
    figures.registry.metrics().then(
      (text) => send(200, figures.registry.contentType, text),
      () => send(500, 'text/plain', 'metrics could not be collected\n'),
    )
  })
  server.listen(port, host)
  await once(server, 'listening').catch((error) => {
    throw new HttpPortError(at, error)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: async (): Promise<void> => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Others could reach what shows metrics of feeds. */
export class FeedHttpExposedError extends UsageError {
  readonly code = 'service.feed-http-exposed'
  readonly host: string

  constructor(host: string) {
    super(
      `Expected --http at this machine, such as 127.0.0.1:9101, got ${host}. What collects metrics from others belongs in front of it.`,
    )
    this.host = host
  }
}
