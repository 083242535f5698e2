/** Gains of the book with its hedge and without, through each period, as one drawing that a document shows. */
import { html, type Markup } from '../../../prover/service/report/markup.ts'
import { valueTicks } from '../../../prover/service/report/ticks.ts'
import type { Mark, Outcome } from './replay.ts'

const WIDTH = 940
const HEIGHT = 300
const FRAME = { left: 90, right: 930, top: 40, bottom: 260 }
const looks = [
  { label: 'book alone', colour: '#c62f2f', of: ({ unhedged }: Mark) => unhedged },
  { label: 'book and hedge, after all costs', colour: '#0f6f8f', of: ({ hedged }: Mark) => hedged },
] as const

const round = (value: number): number => Math.round(value * 10) / 10
const thousands = (value: number): string => `${(value / 1_000).toLocaleString('en')}k`

export function hedgeSvg(outcomes: readonly Outcome[]): string {
  const height = outcomes.length * HEIGHT + 40
  const drawn = outcomes.map((outcome, i) => html`<g transform="translate(0 ${i * HEIGHT})">${drawPeriod(outcome)}</g>`)
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>A book of sold options through recorded crashes, hedged and not</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${drawn}
${drawLegend(height - 18)}
</svg>
`.markup
}

function drawPeriod({ name, marks }: Outcome): Markup {
  const [first, last] = [Number(marks[0]?.asOf), Number(marks.at(-1)?.asOf)]
  const values = marks.flatMap((mark) => looks.map(({ of }) => of(mark)))
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)]
  const x = (asOf: bigint): number =>
    round(FRAME.left + ((Number(asOf) - first) / (last - first || 1)) * (FRAME.right - FRAME.left))
  const y = (value: number): number =>
    round(FRAME.bottom - ((value - low) / (high - low || 1)) * (FRAME.bottom - FRAME.top))
  const days = marks.filter(({ asOf }) => asOf % 86_400n === 0n)
  return html`<text x="${FRAME.left}" y="24" font-size="14" font-weight="600">${name}: gains in the quote currency since the first price</text>
${valueTicks(low, high, 5).map(
  (
    value,
  ) => html`<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y(value)}" y2="${y(value)}" stroke="${value === 0 ? '#5c6773' : '#e0e4e9'}"/>
<text x="${FRAME.left - 8}" y="${y(value) + 4}" text-anchor="end" fill="#5c6773">${thousands(value)}</text>`,
)}
${days.map(
  ({ asOf }) =>
    html`<text x="${x(asOf)}" y="${FRAME.bottom + 18}" text-anchor="middle" fill="#5c6773">${new Date(Number(asOf) * 1000).toISOString().slice(5, 10)}</text>`,
)}
${looks.map(({ colour, of }) => {
  const path = marks.map((mark, i) => `${i === 0 ? 'M' : 'L'}${x(mark.asOf)} ${y(of(mark))}`)
  return html`<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`
})}`
}

function drawLegend(y: number): Markup {
  return html`${looks.map(
    (
      { label, colour },
      i,
    ) => html`<line x1="${FRAME.left + 220 * i}" x2="${FRAME.left + 24 + 220 * i}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>
<text x="${FRAME.left + 30 + 220 * i}" y="${y}" fill="#1c2127">${label}</text>`,
  )}`
}
