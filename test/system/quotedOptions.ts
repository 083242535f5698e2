/** A server that quotes an index, a perpetual and options of two expiries as Deribit does, of whatever time it is told. */
import { type Served, serveWebsocket } from '../service/feeds/servers.ts'

export type Quoted = Served & {
  /** Time that quotes are dated, unix milliseconds. */
  atMs: () => number
  /** On volatilities. */
  factor: number
  /** Whether prices are told, of which observations are made, beside options. */
  hasPrices: boolean
}

const DAY_MS = 86_400_000
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

/** @param price - of bitcoin; it does not move */
export async function serveQuotes(price: number): Promise<Quoted> {
  const expiries = [20, 50].map((days) => new Date(Date.now() + days * DAY_MS))
  const dates = expiries.map(
    (date) => `${date.getUTCDate()}${MONTHS[date.getUTCMonth()]}${date.getUTCFullYear() % 100}`,
  )
  const strikes = Array.from({ length: 9 }, (_, i) => Math.round(price * (0.7 + 0.075 * i)))
  const served = await serveWebsocket((socket) => {
    const ticking = setInterval(() => {
      if (!quoted.hasPrices) return
      const data = { instrument_name: 'BTC-PERPETUAL', index_price: price, timestamp: quoted.atMs() }
      const params = { channel: 'ticker.BTC-PERPETUAL.100ms', data }
      socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'subscription', params }))
    }, 250)
    socket.on('close', () => clearInterval(ticking))
    socket.on('message', (text) => {
      const { id, method, params } = JSON.parse(String(text))
      const isSummary = method === 'public/get_book_summary_by_currency'
      const result = isSummary ? (params.kind === 'future' ? [perpetual()] : options()) : (params.channels ?? 'ok')
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })
  })
  const perpetual = () => ({
    ...{ instrument_name: 'BTC-PERPETUAL', mark_price: price * 1.001, creation_timestamp: quoted.atMs() },
  })
  const options = () =>
    dates.flatMap((date) =>
      strikes.flatMap((strike) =>
        ['C', 'P'].map((kind) => ({
          ...{ instrument_name: `BTC-${date}-${strike}-${kind}`, creation_timestamp: quoted.atMs() },
          ...{ underlying_price: price * 1.01, estimated_delivery_price: price },
          mark_iv: quoted.factor * (60 + 40 * Math.log(strike / price) ** 2),
        })),
      ),
    )
  const quoted: Quoted = { ...served, atMs: () => Date.now(), factor: 1, hasPrices: true }
  return quoted
}

/** Rounds each 5 s of what such a server quotes. */
export const feedsOfQuotes = ({ url }: Quoted) => ({
  feeds: [
    {
      ...{ name: 'deribit', kind: 'deribit', endpoint: url, optionsSeconds: 5 },
      prices: { 'BTC-USD': { instrument: 'BTC-PERPETUAL', options: 'BTC' } },
    },
  ],
  markets: { 'BTC-USD': { rounds: { everySeconds: 5 } } },
})
