/**
 * Somebody who floods a service's HTTP interface and holds connections open by sending headers slowly, in a process of its own until
 * it is ended. Its argument is a JSON object; at the end it says how it was answered.
 */
import { connect, type Socket } from 'node:net'

export type Flooding = { readonly url: string; readonly perSecond: number; readonly sockets: number }
export type Flooded = { readonly byStatus: Readonly<Record<string, number>>; readonly letGo: number }

const TICK_MS = 10
const DRIP_MS = 1_000
/** Connections that it floods by. */
const FLOODING = 64

const { url, perSecond, sockets } = JSON.parse(process.argv[2] ?? '{}') as Flooding
const { hostname, port } = new URL(url)
const byStatus: Record<string, number> = {}
let letGo = 0
const slow = new Set<Socket>()

const count = (status: string): void => {
  byStatus[status] = (byStatus[status] ?? 0) + 1
}

/** Written by hand: an HTTP client would take as much of the machine as whom it floods. */
const asking = 'GET /v1/markets HTTP/1.1\r\nHost: localhost\r\n\r\n'
const flood: Socket[] = []
let next = 0

const floodFrom = (place: number): void => {
  const socket = connect(Number(port), hostname)
  flood[place] = socket
  socket
    .setEncoding('latin1')
    .on('data', (text: string) => {
      for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) count(status)
    })
    .on('error', () => count('broken'))
    .on('close', () => floodFrom(place))
}
for (let place = 0; place < FLOODING; place++) floodFrom(place)

setInterval(() => {
  for (let sent = 0; sent < (perSecond * TICK_MS) / 1000; sent++) flood[next++ % FLOODING]?.write(asking)
}, TICK_MS)

setInterval(() => {
  for (const socket of slow) socket.write('a')
  while (slow.size < sockets) {
    const socket = connect(Number(port), hostname)
    slow.add(socket)
    socket
      .on('error', () => undefined)
      .on('close', () => {
        letGo++
        slow.delete(socket)
      })
    socket.resume().write('GET /v1/markets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  }
}, DRIP_MS)

process.on('SIGTERM', () => {
  console.log(JSON.stringify({ byStatus, letGo } satisfies Flooded))
  process.exit(0)
})
