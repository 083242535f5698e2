/**
 * What the ramp of the maintenance margin costs and saves: shapes of it through every recorded crash and a simulated cascade.
 *
 *   npm run bench:dampers                                  tables; about five minutes
 *   npm run bench:dampers -- --json
 *   npm run bench:dampers -- --svg docs/dampers.svg --html dampers.html
 *
 * The engine is its own twin under the starting policy, seeds are fixed, and nothing is read but prices. docs/dampers.md says
 * what is supposed of positions, forced sales and prices. Exits 0 only if the default meets the bar: half the bad debt
 * of 2 points an hour at no more forced liquidations than without a ramp, in the cascade at minutes.
 */
import { longHistoryFolder } from '../prover/market/histories.ts'
import { defaultPolicy } from '../prover/parameters/defaultPolicy.ts'
import { defaultEnginePolicy } from '../prover/parameters/policy.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { writeWholeFile } from '../prover/service/wholeFile.ts'
import { dislocations } from './tools/dampers/calibration.ts'
import { type Cadence, cadenceSeconds, type Outcome } from './tools/dampers/cascades.ts'
import { recordings } from './tools/dampers/crashes.ts'
import * as frontier from './tools/dampers/frontier.ts'
import { frontierPage, frontierSvg } from './tools/dampers/picture.ts'
import { before, linear, noRamp, type Shape, shapes } from './tools/dampers/shapes.ts'
import { assumptions } from './tools/dampers/venue.ts'
import { isThere, readFlags, toWrite } from './tools/flags.ts'

const flags = readFlags({ svg: toWrite, html: toWrite, json: isThere })
const say = (line = ''): void => {
  if (!flags.json) console.log(line)
}

/** The ramp that a deployment starts with. */
const chosen = linear(defaultEnginePolicy.tightenPerHour)
const percent = (share: number, digits = 1): string => (100 * share).toFixed(digits)
const basisPoints = (share: number): string => (10_000 * share).toFixed(2)
const ratio = (value: number, against: number): string => (against === 0 ? '–' : (value / against).toFixed(2))
const marked = (name: string): string => (name === chosen.name ? `${name} (default)` : name)

const files = recordings(defaultPolicy)
if (files.length === 1) {
  process.stderr.write(
    `No price histories in ${longHistoryFolder}; the only recorded crash is the extract of March 2020, too little to judge by.\n`,
  )
}
const crashes = files.reduce((sum, { crashes }) => sum + crashes.length, 0)
const recorded = frontier.measureRecorded(files, defaultPolicy)
const march = frontier.measureMarch(defaultPolicy)

type Tolls = Pick<Outcome, 'forced' | 'badDebt'>
const compared = ['forced %', '/ 2 points', '/ none', 'bad debt bp', '/ 2 points', '/ none']

/** Positions forced and bad debt, with their ratios to the default before and to no ramp. */
function comparedCells(outcome: Tolls, old: Tolls, none: Tolls): readonly string[] {
  return [
    percent(outcome.forced),
    ratio(outcome.forced, old.forced),
    ratio(outcome.forced, none.forced),
    basisPoints(outcome.badDebt),
    ratio(outcome.badDebt, old.badDebt),
    ratio(outcome.badDebt, none.badDebt),
  ]
}

function sayRecorded(): void {
  const publications = files.reduce((sum, each) => sum + each.publications.length, 0)
  say(`Recorded: files ${files.length}, crashes ${crashes}, publications ${publications}`)
  for (const { name, crashes } of files)
    say(`  ${name}: ${crashes.length}, to −${percent(Math.max(0, ...crashes.map(({ depth }) => depth)), 0)} %`)
  const [old, none] = [frontier.rowOf(recorded, before), frontier.rowOf(recorded, noRamp)]
  const rows = recorded.map(({ shape, outcome }) => {
    const ofMarch = march.of(shape)
    // A budget has no venue through the years.
    const years = (text: string): string => (shape.family === 'budget' ? '–' : text)
    return [
      marked(shape.name),
      ...comparedCells(outcome, old, none),
      years(percent(outcome.greatestStep)),
      years(percent(outcome.meanMargin, 2)),
      years(String(outcome.belowMove)),
      years(percent(outcome.worstExcess)),
      years(`${ofMarch.belowMove}, ${percent(ofMarch.worstExcess)}`),
    ]
  })
  say()
  say(
    formatTable(
      ['shape', ...compared, 'step %', 'mean margin %', 'below move', 'excess %', `March 2020 (${march.hours} h)`],
      rows,
    ),
  )
}

/** What the impact was supposed from. */
function sayDislocations(): void {
  for (const [name, hours] of dislocations(files)) {
    const worst = hours.slice(0, 5).map(({ further, asOf }) => {
      const hour = new Date(1000 * asOf).toISOString().slice(0, 13)
      return `${percent(further)} % (to ${hour} h)`
    })
    const median = hours[hours.length >> 1]?.further ?? 0
    say(
      `\n${name}: lows below spot's in ${hours.length} hours of crashes, median ${percent(median, 2)} %, at worst ${worst.join(', ')}`,
    )
  }
}

function sayCascade(title: string, rows: readonly frontier.Row<Outcome>[]): void {
  const [old, none] = [frontier.rowOf(rows, before), frontier.rowOf(rows, noRamp)]
  const best = frontier.frontierOf(rows)
  const cells = rows.map(({ shape, outcome }) => [
    marked(shape.name),
    ...comparedCells(outcome, old, none),
    percent(outcome.greatestStep, 2),
    percent(outcome.meanMargin, 2),
    percent(outcome.belowMove),
    best.has(shape.name) ? 'yes' : '',
    frontier.meetsBar(rows, outcome) ? 'yes' : '',
  ])
  say(`\n${title}`)
  say(formatTable(['shape', ...compared, 'step %', 'mean margin %', 'time below move %', 'frontier', 'bar'], cells))
}

function saySensitivity(): void {
  const slowest = (rows: readonly frontier.Row<Outcome>[]): Shape | undefined =>
    shapes.find((each) => each.family === 'linear' && frontier.meetsBar(rows, frontier.rowOf(rows, each)))
  const cells = sensitivity.map(({ name, rows }) => {
    const three = [before, chosen, noRamp].map((shape) => frontier.rowOf(rows, shape))
    const found = slowest(rows)
    const noDebt = frontier.barOf(rows) === undefined ? 'no bad debt' : 'none, nor any shape'
    const others = rows.some(({ outcome }) => frontier.meetsBar(rows, outcome)) ? 'none, but another shape' : noDebt
    return [
      name,
      ...three.map(({ forced }) => percent(forced)),
      ...three.map(({ badDebt }) => basisPoints(badDebt)),
      ratio(three[1]?.badDebt ?? 0, three[0]?.badDebt ?? 0),
      found?.name ?? others,
    ]
  })
  const of = (what: string): readonly string[] => [`${what}: 2 points`, 'default', 'no ramp']
  say('\n−40 % seen every minute, one assumption turned at a time')
  say(
    formatTable(['', ...of('forced %'), ...of('bad debt bp'), '/ 2 points', 'slowest ramp that meets the bar'], cells),
  )
}

sayRecorded()
sayDislocations()
const cascades = frontier.falls.flatMap((fall) =>
  (Object.keys(cadenceSeconds) as Cadence[]).map((cadence) => {
    const title = `−${percent(fall.depth, 0)} % in ${fall.seconds / 60} min, seen every ${cadence}`
    const rows = frontier.measureCascade(defaultPolicy, fall, cadence)
    sayCascade(title, rows)
    return { fall, cadence, rows }
  }),
)
const sensitivity = frontier.variants.map(({ name, turned, fall = frontier.halfLost }) => {
  const rows = frontier.measureCascade(defaultPolicy, fall, 'minute', { ...assumptions, ...turned })
  return { name, rows }
})

saySensitivity()

const minutes = cascades.find(({ cadence }) => cadence === 'minute')?.rows ?? []
const isMet = frontier.meetsBar(minutes, frontier.rowOf(minutes, chosen))
say(`\nThe default, ${chosen.name}, ${isMet ? 'meets' : 'does not meet'} the bar.`)
const pictured = { minutes, recorded, chosen: chosen.name }
if (flags.svg !== undefined) writeWholeFile(flags.svg, frontierSvg(pictured))
if (flags.html !== undefined) writeWholeFile(flags.html, frontierPage(pictured))
if (flags.json) {
  const named = <T>(rows: readonly frontier.Row<T>[]) =>
    rows.map(({ shape: { name, family }, outcome }) => ({ shape: name, family, ...outcome }))
  const report = {
    default: chosen.name,
    meetsBar: isMet,
    files: files.map(({ name, crashes }) => ({ name, crashes: crashes.length })),
    recorded: named(recorded),
    march2020: shapes.map((shape) => ({ shape: shape.name, ...march.of(shape), margins: undefined })),
    cascades: cascades.map(({ fall, cadence, rows }) => ({ ...fall, cadence, shapes: named(rows) })),
    sensitivity: sensitivity.map(({ name, rows }) => ({ name, shapes: named(rows) })),
  }
  console.log(JSON.stringify(report, undefined, 2))
}
if (!isMet) process.exitCode = 1
