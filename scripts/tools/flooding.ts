/**
 * Somebody who floods a service's HTTP interface and holds connections open by sending headers slowly, in a process of its own. Its
 * argument is a JSON object; it floods from when it is sent `flood` until it is sent `rest`, and then says how it was answered.
 */
import { connect, type Socket } from 'node:net'

export type Flooding = { readonly url: string; readonly perSecond: number; readonly sockets: number }
export type Flooded = {
  readonly byStatus: Readonly<Record<string, number>>
  readonly letGo: number
  /** Of a processor that it took itself. */
  readonly processorSeconds: number
}
export type FloodOrder = 'flood' | 'rest'

const TICK_MS = 10
const DRIP_MS = 1_000
/** Connections that it floods by. */
const FLOODING = 64

const { url, perSecond, sockets } = JSON.parse(process.argv[2] ?? '{}') as Flooding
const { hostname, port } = new URL(url)
let byStatus: Record<string, number> = {}
let letGo = 0
let isFlooding = false
let timers: readonly NodeJS.Timeout[] = []
const slow = new Set<Socket>()

const count = (status: string): void => {
  byStatus[status] = (byStatus[status] ?? 0) + 1
}

/** Written by hand: an HTTP client would take as much of the machine as whom it floods. */
const asking = 'GET /v1/markets HTTP/1.1\r\nHost: localhost\r\n\r\n'
const fast: Socket[] = []
let next = 0

const floodFrom = (place: number): void => {
  const socket = connect(Number(port), hostname)
  fast[place] = socket
  socket
    .setEncoding('latin1')
    .on('data', (text: string) => {
      for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) count(status)
    })
    .on('error', () => isFlooding && count('broken'))
    .on('close', () => isFlooding && floodFrom(place))
}

const ask = (): void => {
  for (let sent = 0; sent < (perSecond * TICK_MS) / 1000; sent++) fast[next++ % FLOODING]?.write(asking)
}

const drip = (): void => {
  for (const socket of slow) socket.write('a')
  while (slow.size < sockets) {
    const socket = connect(Number(port), hostname)
    slow.add(socket)
    socket
      .on('error', () => undefined)
      .on('close', () => {
        if (isFlooding) letGo++
        slow.delete(socket)
      })
    socket.resume().write('GET /v1/markets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  }
}

function begin(): void {
  isFlooding = true
  ;[byStatus, letGo] = [{}, 0]
  for (let place = 0; place < FLOODING; place++) floodFrom(place)
  timers = [setInterval(ask, TICK_MS), setInterval(drip, DRIP_MS)]
}

function rest(): void {
  isFlooding = false
  for (const timer of timers) clearInterval(timer)
  for (const socket of [...fast, ...slow]) socket.destroy()
}

const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
let before = 0
process.on('message', (order: FloodOrder) => {
  if (order === 'flood') {
    before = processorSeconds()
    begin()
    return
  }
  rest()
  process.send?.({ byStatus, letGo, processorSeconds: processorSeconds() - before } satisfies Flooded)
})
process.on('disconnect', () => process.exit(0))
