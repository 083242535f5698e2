/**
 * The gate before an Aave v3 market of Aave's own contracts: one of two paired fields held back, hostile updates, and a crash.
 *
 *   npm run campaign:aave                             all three; the crash is March 2020
 *   npm run campaign:aave -- --updates 500            fewer hostile updates than 10,000
 *   npm run campaign:aave -- --seed 7                 others
 *   npm run campaign:aave -- --prices bars.csv        another crash, of hourly prices
 *   npm run campaign:aave -- --svg docs/aave.svg      the crash as a drawing
 *   npm run campaign:aave -- --json
 *
 * Exits 0 only if the gate made no wrongful liquidation possible where field by field does, no hostile update was applied, and each
 * was refused by name.
 */
import { readExtract } from '../prover/market/histories.ts'
import { readBars } from '../prover/market/prices.ts'
import { isoTime } from '../prover/service/text/figures.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { writeWholeFile } from '../prover/service/wholeFile.ts'
import { aaveArtifact } from '../prover/service/development/aaveMarket.ts'
import { replayCrash } from './tools/aave/crash.ts'
import { crashSvg } from './tools/aave/crashPicture.ts'
import { bringHostileUpdates } from './tools/aave/hostileUpdates.ts'
import { replayPairedFields } from './tools/aave/pairedFields.ts'
import { isThere, orUsage, present, readFlags, toWrite, whole } from './tools/flags.ts'

const flags = readFlags({
  updates: whole(1, 1_000_000, 10_000),
  seed: whole(0, 1_000_000_000, 1),
  prices: present('a file of prices'),
  svg: toWrite,
  json: isThere,
})
const { updates, seed } = flags

// What is missing is said before minutes of work.
const bars = orUsage(() => (flags.prices === undefined ? readExtract('ETH-USD').rows : readBars(flags.prices)))
orUsage(() => aaveArtifact('protocol/pool/Pool'))

const paired = await replayPairedFields()
const hostile = await bringHostileUpdates(updates, seed)
const crash = await replayCrash(bars)
if (flags.svg !== undefined) writeWholeFile(flags.svg, crashSvg(crash))

if (flags.json) console.log(JSON.stringify({ seed, paired, hostile, crash }, undefined, 2))
else {
  const ofPair = paired.map((one) => [
    one.who,
    `${one.updates}`,
    `${one.liquidated}`,
    `${one.wrongful}`,
    percent(Number(one.thresholdBps)),
  ])
  console.log(formatTable(['paired fields by', 'updates', 'liquidated', 'wrongfully', 'threshold at last'], ofPair))
  const byCount = Object.entries(hostile.refusals).sort(([, a], [, b]) => b - a)
  console.log(`${hostile.updates} hostile updates: ${hostile.applied} applied, ${hostile.unnamed} without a name.`)
  console.log(byCount.map(([name, times]) => `${name} ${times}`).join(', '))
  const rows = crash
    .filter((hour, i) => i % 6 === 0 || hour.byPrice + hour.byGate > 0)
    .map((hour) => [
      isoTime(BigInt(hour.asOf)),
      hour.price.toFixed(2),
      percent(hour.heldThresholdBps),
      percent(hour.thresholdBps),
      hour.healthBefore.toFixed(3),
      hour.healthAfter.toFixed(3),
      `${hour.byPrice}`,
      `${hour.byGate}`,
    ])
  const heads = ['hour', 'price', 'held', 'in pool', 'lowest health before', 'after', 'by price', 'by gate']
  console.log(formatTable(heads, rows))
  const sum = (of: (hour: (typeof crash)[number]) => number): number => crash.reduce((all, one) => all + of(one), 0)
  console.log(
    `Made liquidatable: ${sum(({ byPrice }) => byPrice)} by price, ${sum(({ byGate }) => byGate)} by the gate.`,
  )
}

function percent(bps: number): string {
  return `${(bps / 100).toFixed(2)} %`
}

const [gate, control] = paired
const isClean = gate?.wrongful === 0 && (control?.wrongful ?? 0) > 0
process.exitCode = isClean && hostile.applied === 0 && hostile.unnamed === 0 && hostile.poolUnchanged ? 0 : 1
