/** A way to a server that can be made to end as the server's sudden death does, or to lead nowhere as one that is frozen. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type WayTo = {
  readonly url: string
  /** What is open breaks, and nobody listens. */
  cut(): Promise<void>
  /** What comes is taken, and never answered. */
  freeze(): void
  /** As at first, at the same port. */
  mend(): Promise<void>
}

export async function startWayTo(behind: string): Promise<WayTo> {
  const { hostname, port: own } = new URL(behind)
  const open = new Set<Socket>()
  let isFrozen = false
  const server = createServer((socket) => {
    const inner = connect(Number(own), hostname)
    for (const each of [socket, inner]) {
      open.add(each)
      each.on('error', () => each.destroy()).on('close', () => open.delete(each))
    }
    socket.on('close', () => inner.destroy()).on('data', (chunk) => isFrozen || inner.write(chunk))
    inner.on('close', () => socket.destroy()).on('data', (chunk) => isFrozen || socket.write(chunk))
  })
  const listen = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const cut = async (): Promise<void> => {
    for (const socket of open) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${port}`,
    cut,
    freeze: () => {
      isFrozen = true
    },
    mend: async () => {
      await cut()
      isFrozen = false
      await listen(port)
    },
  }
}
