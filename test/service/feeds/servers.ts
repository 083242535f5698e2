/** Local servers that say what providers say, and do what networks do; and what a feed makes of it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket as Socketed, WebSocketServer } from 'ws'
import { type ConnectionLimits, usualLimits } from '../../../prover/service/feeds/connection.ts'
import type { FeedEvent, PriceFeed, PriceReading } from '../../../prover/service/feeds/priceFeed.ts'

export type Served = { readonly url: string; close(): Promise<void> }

/** As in life, a thousand times as fast. */
export const quickly: ConnectionLimits = {
  ...usualLimits,
  connectMs: 2000,
  stallMs: 10_000,
  readingStallMs: 20_000,
  leastPauseMs: 5,
  mostPauseMs: 40,
  tooOftenPauseMs: 60,
}

export async function serveHttp(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Served & { readonly requests: readonly IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  }).on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

export async function serveWebsocket(
  connected: (socket: Socketed, nth: number) => void,
): Promise<Served & { readonly server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let nth = 0
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    connected(socket, nth++)
  })
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: async () => {
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Events of a feed until enough of them came; what never comes ends with the test's time. */
export async function hear(
  feed: PriceFeed,
  isEnough: (events: readonly FeedEvent[]) => boolean,
): Promise<readonly FeedEvent[]> {
  const ended = new AbortController()
  const events: FeedEvent[] = []
  for await (const event of feed.events(ended.signal)) {
    events.push(event)
    if (isEnough(events)) ended.abort()
  }
  return events
}

export const pricesIn = (events: readonly FeedEvent[]): readonly PriceReading[] =>
  events.filter((event) => event.kind === 'price')

/** Kinds of events, a refusal with its condition and a disconnection with its code. */
export const kindsIn = (events: readonly FeedEvent[]): readonly string[] =>
  events.map((event) =>
    event.kind === 'refused' ? event.condition : event.kind === 'disconnected' ? event.code : event.kind,
  )

export const has =
  (kind: string, count = 1) =>
  (events: readonly FeedEvent[]): boolean =>
    kindsIn(events).filter((each) => each === kind).length >= count
