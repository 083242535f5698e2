/** Events of the service as they happen, as server-sent events. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Board, ToldEvent } from './board.ts'
import type { Gate } from './limits.ts'

/** Between two signs of life, lest something in between closes the connection. */
const SIGN_MS = 15_000
/** A reader that is so far behind is let go; it comes back with the id of what it read last. */
const MOST_UNREAD_BYTES = 262_144

/** @throws {@link TooBusyError} */
export function streamEvents(request: FastifyRequest, reply: FastifyReply, board: Board, streams: Gate): void {
  streams.enter()
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  } as Record<string, string>)
  raw.write('retry: 2000\n\n')
  const tell = (event: ToldEvent): void => {
    if (raw.writableLength > MOST_UNREAD_BYTES) raw.destroy()
    else raw.write(`id: ${event.id}\nevent: ${event.step}\ndata: ${JSON.stringify(event)}\n\n`)
  }
  const last = Number(request.headers['last-event-id'])
  if (Number.isSafeInteger(last) && last >= 0) for (const event of board.after(last)) tell(event)
  const end = board.listen(tell)
  const sign = setInterval(() => raw.write(': alive\n\n'), SIGN_MS)
  const over = (): void => {
    raw.off('close', over)
    request.raw.socket.off('close', over)
    clearInterval(sign)
    end()
    streams.leave()
  }
  raw.on('close', over)
  // One that waits behind another answer is told of nothing else.
  request.raw.socket.on('close', over)
}
