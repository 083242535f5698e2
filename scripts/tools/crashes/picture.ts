/** What each damper does in each crash, as a drawing that a document shows. */
import { html, type Markup } from '../../../prover/service/report/markup.ts'
import type { Outcome } from './outcome.ts'

type Metric = { readonly title: string; readonly of: (outcome: Outcome) => number; readonly colour: string }

const bp = (amount: number, { openInterest }: Outcome): number => (10_000 * amount) / openInterest

const metrics: readonly Metric[] = [
  {
    title: 'debt, bp: covered and bad',
    of: (outcome) => bp(outcome.badDebt + outcome.insuranceUsed + outcome.owed, outcome),
    colour: '#c62f2f',
  },
  { title: 'forced sales, % of notional', of: (o) => (100 * o.forcedNotional) / o.openInterest, colour: '#0f6f8f' },
  { title: 'pool below recorded price, %', of: ({ poolOvershoot }) => 100 * poolOvershoot, colour: '#b85408' },
  { title: 'hedger’s cost and informed gain, bp', of: (o) => bp(o.hedgerCost + o.informedGain, o), colour: '#8a56c2' },
]

const [LEFT, WIDTH, ROW, HEAD, GAP] = [150, 190, 17, 44, 26]

/** @param outcomes - of all variants of some crashes, in the order in which they are drawn */
export function crashesSvg(outcomes: readonly Outcome[], titles: ReadonlyMap<string, string>): string {
  const crashes = [...Map.groupBy(outcomes, ({ crash }) => crash)]
  const rows = Math.max(...crashes.map(([, runs]) => runs.length))
  const block = HEAD + rows * ROW + GAP
  const [width, height] = [LEFT + metrics.length * WIDTH + 20, crashes.length * block + 10]
  const drawn = crashes.map(([crash, runs], i) => drawCrash(titles.get(crash) ?? crash, runs, outcomes, i * block))
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<title>Crashes with and without each damper</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${drawn}
</svg>
`.markup
}

function drawCrash(title: string, runs: readonly Outcome[], all: readonly Outcome[], top: number): Markup {
  const first = top + HEAD
  return html`<text x="8" y="${top + 18}" font-size="14" font-weight="600">${title}</text>
${runs.map(({ variant }, i) => html`<text x="${LEFT - 8}" y="${first + i * ROW + 11}" text-anchor="end">${variant}</text>`)}
${metrics.map((metric, m) => drawMetric(metric, runs, all, { left: LEFT + m * WIDTH, top: first }))}`
}

type Corner = { readonly left: number; readonly top: number }

function drawMetric(
  { title, of, colour }: Metric,
  runs: readonly Outcome[],
  all: readonly Outcome[],
  at: Corner,
): Markup {
  const most = Math.max(1e-9, ...all.map(of))
  return html`<text x="${at.left}" y="${at.top - 8}" fill="#5c6773">${title}</text>
${runs.map((run, i) => {
  const [value, y] = [of(run), at.top + i * ROW]
  const long = Math.round(10 * Math.max(0, (value / most) * (WIDTH - 60))) / 10
  return html`<rect x="${at.left}" y="${y + 2}" width="${long}" height="${ROW - 5}" fill="${colour}"/>
<text x="${at.left + long + 4}" y="${y + 11}" fill="#1c2127">${value.toFixed(value < 10 ? 2 : 1)}</text>`
})}`
}
