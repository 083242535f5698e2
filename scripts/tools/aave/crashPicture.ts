/** A crash through the gate as a drawing that a document shows: price, thresholds, and the lowest health factor. */
import { html, type Markup } from '../../../prover/service/report/markup.ts'
import { valueTicks } from '../../../prover/service/report/ticks.ts'
import type { CrashHour } from './crash.ts'

const WIDTH = 940
const HEIGHT = 250
const FRAME = { left: 70, right: 930, top: 40, bottom: 220 }
const HOUR_MS = 3_600_000

type Line = {
  readonly label: string
  readonly colour: string
  readonly dash?: string
  readonly of: (hour: CrashHour) => number
}
type Panel = { readonly title: string; readonly lines: readonly Line[]; readonly most?: number; readonly bar?: number }

const panels: readonly Panel[] = [
  { title: 'Price', lines: [{ label: 'price', colour: '#1c2127', of: ({ price }) => price }] },
  {
    title: 'Liquidation threshold and loan-to-value, %',
    lines: [
      { label: 'threshold held', colour: '#0f6f8f', dash: '5 4', of: ({ heldThresholdBps }) => heldThresholdBps / 100 },
      { label: 'threshold in the pool', colour: '#0f6f8f', of: ({ thresholdBps }) => thresholdBps / 100 },
      {
        label: 'loan-to-value held',
        colour: '#b85408',
        dash: '5 4',
        of: ({ heldLoanToValueBps }) => heldLoanToValueBps / 100,
      },
      { label: 'loan-to-value in the pool', colour: '#b85408', of: ({ loanToValueBps }) => loanToValueBps / 100 },
    ],
  },
  {
    title: 'Lowest health factor of a borrower; below 1 can be liquidated',
    lines: [
      { label: 'before the gate', colour: '#15803d', of: ({ healthBefore }) => healthBefore },
      { label: 'after the gate', colour: '#c62f2f', of: ({ healthAfter }) => healthAfter },
    ],
    most: 2,
    bar: 1,
  },
]

/** All three under each other, with their own colours. */
export function crashSvg(hours: readonly CrashHour[]): string {
  const height = panels.length * HEIGHT + 10
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>A crash through the gate</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${panels.map((panel, i) => html`<g transform="translate(0 ${i * HEIGHT})">${drawPanel(panel, hours)}</g>`)}
</svg>
`.markup
}

function drawPanel({ title, lines, most, bar }: Panel, hours: readonly CrashHour[]): Markup {
  const values = lines.flatMap(({ of }) => hours.map(of)).map((value) => Math.min(value, most ?? value))
  const [low, high] = [Math.min(...values, bar ?? Number.POSITIVE_INFINITY) * 0.95, Math.max(...values) * 1.02]
  const x = (i: number): number => round(FRAME.left + (i / (hours.length - 1)) * (FRAME.right - FRAME.left))
  const y = (value: number): number =>
    round(FRAME.bottom - ((Math.min(value, most ?? value) - low) / (high - low)) * (FRAME.bottom - FRAME.top))
  return html`<text x="${FRAME.left}" y="16" font-size="14" font-weight="600">${title}</text>
${valueTicks(low, high, 5).map(
  (value) => html`<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y(value)}" y2="${y(value)}" stroke="#e0e4e9"/>
<text x="${FRAME.left - 8}" y="${y(value) + 4}" text-anchor="end" fill="#5c6773">${Number(value.toPrecision(4))}</text>`,
)}
${drawDays(hours, x)}
${bar === undefined ? [] : html`<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y(bar)}" y2="${y(bar)}" stroke="#1c2127"/>`}
${lines.map(({ of, colour, dash }) => {
  const path = hours.map((hour, i) => `${i === 0 ? 'M' : 'L'}${x(i)} ${y(of(hour))}`).join('')
  return html`<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.4" stroke-dasharray="${dash ?? 'none'}"/>`
})}
${lines.map(
  (
    { label, colour, dash },
    i,
  ) => html`<line x1="${FRAME.left + 190 * i}" x2="${FRAME.left + 190 * i + 22}" y1="30" y2="30"
 stroke="${colour}" stroke-width="2" stroke-dasharray="${dash ?? 'none'}"/>
<text x="${FRAME.left + 190 * i + 28}" y="34">${label}</text>`,
)}`
}

/** The date at each midnight. */
function drawDays(hours: readonly CrashHour[], x: (i: number) => number): readonly Markup[] {
  return hours.flatMap(({ asOf }, i) => {
    if ((asOf * 1000) % (24 * HOUR_MS) !== 0) return []
    return [
      html`<line x1="${x(i)}" x2="${x(i)}" y1="${FRAME.top}" y2="${FRAME.bottom}" stroke="#e0e4e9"/>
<text x="${x(i)}" y="${FRAME.bottom + 17}" text-anchor="${x(i) > FRAME.right - 40 ? 'end' : 'middle'}" fill="#5c6773">${new Date(asOf * 1000).toISOString().slice(0, 10)}</text>`,
    ]
  })
}

const round = (value: number): number => Math.round(value * 10) / 10
