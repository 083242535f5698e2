/** Options as Deribit quotes them, to margins in force: surfaces fitted, published as a round, proven by a service. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AccountsRange } from '../../scripts/tools/chains/accountsRange.ts'
import { root } from '../../scripts/tools/sources.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { parseRoundFile } from '../../prover/service/daemon/accounts/roundBook.ts'
import { RoundPrices } from '../../prover/service/daemon/accounts/roundPrices.ts'
import { parseFeeds } from '../../prover/service/feeds/feedConfig.ts'
import { type LiveEvent, runFeeds } from '../../prover/service/feeds/runFeeds.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { positionWord } from '../../prover/statement/optionBook.ts'
import { holdingsWords } from '../../prover/statement/portfolioMargin.ts'
import { quickly, type Served, serveWebsocket } from '../service/feeds/servers.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { signerKeyFilesIn } from './signerKeys.ts'

const chains = join(root, '..', 'shared', 'data', 'options', 'deribit-2026')
const SNAPSHOT = 'deribit_options_snapshot_20260205T093647Z.csv'
const isPresent = existsSync(chains)

const rowsOf = (name: string): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...lines] = gunzipSync(readFileSync(join(chains, `${name}.gz`)))
    .toString('utf8')
    .trim()
    .split('\n')
  const names = head.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i] ?? '', cell])))
}

describe.skipIf(!isPresent)('rounds of a recorded option chain (skipped without ../shared/data)', () => {
  const folder = temporaryFolder()
  const signerKeyFile = signerKeyFilesIn(folder)
  let range: AccountsRange
  let deribit: Served
  /** Seconds after the recording that quotes are dated, and a factor on their volatilities. */
  let after = 0
  let factor = 1

  beforeAll(async () => {
    range = await AccountsRange.start(folder)
    const options = rowsOf(SNAPSHOT).filter(({ currency }) => currency === 'BTC')
    const recordedMs = Date.parse(options[0]?.timestamp ?? '')
    const perp = rowsOf('perpetual_futures_prices.csv').find(
      (row) => row.snapshot_file === SNAPSHOT && row.coin === 'BTC',
    )
    const asOf = () => recordedMs + 1000 * after
    const futures = () => [
      { instrument_name: 'BTC-27MAR26', mark_price: 72_000, creation_timestamp: asOf() },
      {
        instrument_name: 'BTC-PERPETUAL',
        mark_price: Number(perp?.perp_futures_mark_price),
        creation_timestamp: asOf(),
      },
    ]
    const quotes = () =>
      options.map((row) => ({
        ...{
          instrument_name: row.instrument_name,
          creation_timestamp: asOf(),
          underlying_price: Number(row.underlying),
        },
        ...{
          mark_iv: 100 * factor * Number(row.implied_volatility),
          estimated_delivery_price: Number(row.index_price),
        },
        ...{ bid_price: null, ask_price: null },
      }))
    deribit = await serveWebsocket((socket) => {
      socket.on('message', (data) => {
        const { id, method, params } = JSON.parse(String(data))
        const isSummary = method === 'public/get_book_summary_by_currency'
        const result = isSummary ? (params.kind === 'future' ? futures() : quotes()) : (params.channels ?? 'ok')
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }))
      })
    })
  })
  afterAll(async () => {
    await deribit?.close()
    await range?.close()
  })

  const feeds = (more: object = {}) => ({
    feeds: [
      {
        ...{ name: 'deribit', kind: 'deribit', endpoint: deribit.url, optionsSeconds: 5 },
        prices: { 'BTC-USD': { instrument: 'BTC-PERPETUAL', options: 'BTC' } },
      },
    ],
    markets: { 'BTC-USD': more },
  })

  async function publishUntil(isEnough: (events: readonly LiveEvent[]) => boolean, more: object = {}) {
    const events: LiveEvent[] = []
    const ended = new AbortController()
    const { url: rpc, deploymentFile: deployment, keyFile, rounds } = range
    const totals = await runFeeds({
      ...{ file: parseFeeds(feeds(more), 'test'), isRecorded: true, limits: quickly, rounds, signal: ended.signal },
      chain: { rpc, deployment, signerKeyFile, keyFile },
      onEvent: (event) => {
        events.push(event)
        if (isEnough(events)) ended.abort()
      },
    })
    return { events, totals }
  }
  const roundsIn = (events: readonly LiveEvent[]) => events.flatMap((event) => (event.kind === 'round' ? [event] : []))

  it('S61: surfaces that are fitted to quotes become a round, and a service proves margins of accounts on it', async () => {
    const account = range.accountOf(7)
    const held = range.held(60_000n)
    await range.report(account, held)
    const { events, totals } = await publishUntil((all) => roundsIn(all).length === 1)
    const [round] = roundsIn(events)
    expect(totals.rounds).toBe(1)
    expect(round).toMatchObject({ market: 'BTC-USD', reason: 'first', asOf: 1_770_284_207, leftOut: [] })
    expect(round?.spot).toBeCloseTo(71_441, -2)
    expect(round?.expiries).toBeGreaterThanOrEqual(10)

    const ended = new AbortController()
    const told: ServeEvent[] = []
    const { url: rpc, deploymentFile: deployment, keyFile } = range
    await runServe({
      ...{ rpc, deployment, keyFile, store: join(folder, 'serve.sqlite'), pollMs: 50, signal: ended.signal },
      triggers: { triggers: ['heartbeat'], heartbeatSeconds: 10 ** 9, spotMove: 1 },
      accounts: { rounds: range.rounds },
      onEvent: (event) => {
        told.push(event)
        if (event.account?.account === account) ended.abort()
      },
    })
    const file = parseRoundFile(readFileSync(round?.file ?? '', 'utf8'), 'round')
    const { version, words } = await range.client.policy()
    const [market, expiries] = [file.marketWords.map(BigInt), file.expiries.map((each) => each.map(BigInt))]
    const prices = new RoundPrices(
      { marketId: marketIdOf('BTC-USD'), asOf: BigInt(file.asOf), market, expiries },
      { policyVersion: version, policyWords: words, priceScale: 0 },
    )
    const own = told.find((event) => event.account?.account === account)?.account
    expect(own).toMatchObject({ sequence: 1, asOf: '2026-02-05T09:36:47Z' })
    const margin = await range.client.margin(account)
    const { holdings: [word = 0n] = [], collateralAmounts = [] } = holdingsWords(held.holdings)
    const reported = { positions: held.positions.map(positionWord), holdings: word, collateralAmounts }
    const twin = prices.look(reported).margin
    expect([margin.initialE8, margin.maintenanceE8]).toEqual([twin.initialE8, twin.maintenanceE8])
    expect(await range.isAuditAccepted()).toBe(true)
  })

  it('S62: goes on from what its source has: a surface that moved is another round, the same quotes are none', async () => {
    after = 6
    const { events } = await publishUntil((all) => {
      if (roundsIn(all).length === 1 && factor === 1) [after, factor] = [12, 1.05]
      return roundsIn(all).length === 2
    })
    expect(roundsIn(events).map(({ reason, asOf }) => [reason, asOf - 1_770_284_207])).toEqual([
      ['first', 6],
      ['surface', 12],
    ])
  })

  it('is refused at the start without options of the market, without a registry of margins, or with other keys', async () => {
    const { url, deploymentFile, keyFile, rounds } = range
    const place = [
      '--rpc',
      url,
      '--deployment',
      deploymentFile,
      '--key-file',
      keyFile,
      '--recorded',
      '--rounds',
      rounds,
    ]
    const live = (...args: readonly string[]) => zkrisk('feed', 'live', '--json', ...place, ...args)
    const one = ['--deribit', 'BTC-USD=BTC-PERPETUAL', '--deribit-endpoint', deribit.url]
    const signers = ['--signer-key-file', ...signerKeyFile]
    expect(errorOf(await live(...one, ...signers))).toMatchObject({ code: 'service.rounds-without-options' })
    expect(
      errorOf(await live(...one, '--options', 'BTC-USD=BTC', '--signer-key-file', signerKeyFile[0] ?? '')),
    ).toMatchObject({
      code: 'service.signers',
    })
    const dry = await zkrisk('feed', 'live', '--json', ...one, '--dry-run', '--rounds', rounds)
    expect(errorOf(dry).code).toBe('service.option-besides')
  })
})
