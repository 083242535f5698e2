/**
 * What a source's door does to honest observations: every price history brought to it row by row, as if attested and carried
 * at its own time.
 *
 *   npm run campaign:door                     all of ../shared/data/prices and the implied volatilities beside them
 *   npm run campaign:door -- --prices <folder>
 *   npm run campaign:door -- --json
 *
 * Without such a folder it takes the extracts of March 2020. A row that is not the least spacing after the last one is not
 * brought: who carries knows it. A file of days is brought to a source whose window is three of them. Exits 0 only if no
 * honest observation was refused.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { longHistoryFolder } from '../prover/market/histories.ts'
import { defaultPlausibility, emptyDoor, type Offered, offer } from '../prover/market/plausibility.ts'
import { parseBars } from '../prover/market/prices.ts'
import { isoTime } from '../prover/service/text/figures.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { root } from './tools/sources.ts'
import { isThere, present, readFlags } from './tools/flags.ts'

const flags = readFlags({ prices: present('a folder of prices'), json: isThere })
const folder = resolve(
  flags.prices ?? (existsSync(longHistoryFolder) ? longHistoryFolder : join(root, 'prover', 'market', 'extracts')),
)

type History = { readonly name: string; readonly rows: readonly Offered[] }

type Judged = {
  readonly file: string
  readonly observations: number
  readonly stepSeconds: number
  /** Greatest ratio of a price to the one before it, and when. */
  readonly greatestMove: number
  readonly greatestMoveAt: string
  readonly widestRange: number
  readonly held: number
  /** Of those, how many others confirmed, and the longest time until something later than it was appended. */
  readonly confirmed: number
  readonly longestDelaySeconds: number
  readonly refused: number
  readonly impliedLeftOut: number
  readonly rangesLeftOut: number
}

const textOf = (file: string): string => {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

/** Some files have two assets, one below the other. */
function historiesIn(file: string): readonly History[] {
  const [header = '', ...lines] = textOf(file).trimEnd().split('\n')
  const assets = header.startsWith('date,symbol,') ? ['BTC/USD', 'ETH/USD'] : [undefined]
  return assets.map((asset) => {
    const own = asset === undefined ? lines : lines.filter((line) => line.includes(asset))
    const bars = parseBars([header, ...own].join('\n'), file, { maxGapSeconds: 30 * 86_400, roundPrices: true })
    return { name: `${basename(file)}${asset === undefined ? '' : ` ${asset.slice(0, 3)}`}`, rows: bars }
  })
}

/** Closes of an index of 30-day volatility, in points: a market whose price stands still. */
function impliedIn(file: string): History {
  const rows = textOf(file).trimEnd().split('\n').slice(1)
  return {
    name: basename(file),
    rows: rows.map((line) => {
      const [milliseconds = '', points = ''] = line.split(',')
      const impliedVolatilityX16 = BigInt(Math.round((Number(points) / 100) * 65_536))
      const asOf = BigInt(milliseconds) / 1000n
      return { priceE8: 10n ** 12n, asOf, impliedVolatilityX16, rangeCode: 0n }
    }),
  }
}

function judge({ name, rows }: History): Judged {
  const stepSeconds = Number((rows[1]?.asOf ?? 0n) - (rows[0]?.asOf ?? 0n))
  const windowSeconds = BigInt(
    Math.max(Number(defaultPlausibility.windowSeconds), stepSeconds > 3600 ? 3 * stepSeconds : 0),
  )
  const bounds = { ...defaultPlausibility, windowSeconds }
  const counts = { held: 0, confirmed: 0, refused: 0, impliedLeftOut: 0, rangesLeftOut: 0 }
  let door = emptyDoor
  let heldSince: bigint | undefined
  let longest = 0n
  for (const row of rows) {
    if (door.last !== undefined && row.asOf < door.last.asOf + bounds.leastSpacingSeconds) continue
    const wasHeld = door.held
    const next = offer(door, row, row.asOf, bounds)
    door = next.door
    if (next.outcome.kind === 'held') {
      counts.held++
      heldSince ??= row.asOf
    } else if (next.outcome.kind === 'refused') counts.refused++
    else {
      if (heldSince !== undefined && row.asOf - heldSince > longest) longest = row.asOf - heldSince
      if (wasHeld !== undefined && wasHeld.confirmations + 1n === bounds.confirmations) counts.confirmed++
      heldSince = undefined
      if (next.outcome.leftOut.impliedVolatilityX16 !== 0n) counts.impliedLeftOut++
      if (next.outcome.leftOut.rangeCode !== 0n) counts.rangesLeftOut++
    }
  }
  return {
    file: name,
    observations: rows.length,
    stepSeconds,
    ...greatest(rows),
    ...counts,
    longestDelaySeconds: Number(longest),
  }
}

function greatest(rows: readonly Offered[]): Pick<Judged, 'greatestMove' | 'greatestMoveAt' | 'widestRange'> {
  let [move, at, range] = [1, 0n, 1]
  for (const [i, row] of rows.entries()) {
    const { lowE8, highE8 } = row as { lowE8?: bigint; highE8?: bigint }
    if (lowE8 !== undefined && highE8 !== undefined) range = Math.max(range, Number(highE8) / Number(lowE8))
    const before = rows[i - 1]
    if (before === undefined) continue
    const isPrice = row.impliedVolatilityX16 === 0n
    const [a, b] = [
      isPrice ? row.priceE8 : row.impliedVolatilityX16,
      isPrice ? before.priceE8 : before.impliedVolatilityX16,
    ]
    const ratio = Number(a > b ? a : b) / Number(a > b ? b : a)
    if (ratio > move) [move, at] = [ratio, row.asOf]
  }
  return { greatestMove: move, greatestMoveAt: isoTime(at), widestRange: range }
}

const files = readdirSync(folder).filter((file) => /\.csv(\.gz)?$/.test(file))
const vol = join(folder, '..', 'vol')
const implied = existsSync(vol) ? readdirSync(vol).map((file) => impliedIn(join(vol, file))) : []
const judged = [...files.flatMap((file) => historiesIn(join(folder, file))), ...implied].map(judge)
const sum = (of: (one: Judged) => number): number => judged.reduce((total, one) => total + of(one), 0)
const totals = {
  observations: sum(({ observations }) => observations),
  held: sum(({ held }) => held),
  confirmed: sum(({ confirmed }) => confirmed),
  refused: sum(({ refused }) => refused),
  rangesLeftOut: sum(({ rangesLeftOut }) => rangesLeftOut),
  impliedLeftOut: sum(({ impliedLeftOut }) => impliedLeftOut),
}
if (flags.json) console.log(JSON.stringify({ files: judged, totals }, undefined, 2))
else {
  const head = [
    'file',
    'step',
    'observations',
    'greatest move',
    'on',
    'widest range',
    'held',
    'confirmed',
    'delay',
    'refused',
    'left out',
  ]
  const rows = judged.map((one) => [
    one.file,
    `${one.stepSeconds} s`,
    `${one.observations}`,
    one.greatestMove.toFixed(3),
    one.greatestMoveAt,
    one.widestRange.toFixed(3),
    `${one.held}`,
    `${one.confirmed}`,
    one.held === 0 ? '' : `${one.longestDelaySeconds / 3600} h`,
    `${one.refused}`,
    `${one.rangesLeftOut + one.impliedLeftOut}`,
  ])
  console.log(formatTable(head, rows))
  console.log(
    `${totals.observations} honest observations: ${totals.held} held, ${totals.refused} refused, ` +
      `${totals.rangesLeftOut} ranges and ${totals.impliedLeftOut} implied volatilities left out.`,
  )
}
process.exitCode = totals.refused === 0 ? 0 : 1
