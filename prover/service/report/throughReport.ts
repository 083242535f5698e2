/** Pictures of one account through many markets, a crash for instance. */
import { utcTime } from '../text/figures.ts'
import { amount, type MarginAnswer } from '../answers/margins.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { ChartPoint } from './chart.ts'
import { chartGroup } from './chart.ts'
import { compact } from './marginReport.ts'
import { html } from './markup.ts'
import { type Answer, page } from './page.ts'

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @param answers - oldest first; n ≥ 2
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeThroughReport(file: string, answers: readonly MarginAnswer[]): void {
  writeWholeFile(file, renderThroughReport(answers))
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** The page that {@link writeThroughReport} writes. */
export function renderThroughReport(answers: readonly MarginAnswer[]): string {
  const name = answers[0]?.portfolio.name ?? ''
  const times = answers.map(({ portfolio }) => Number(portfolio.market.asOf))
  const curve = (value: (answer: MarginAnswer) => number): readonly ChartPoint[] =>
    answers.map((answer, i) => [times[i] ?? 0, value(answer)])
  const shared = { from: times[0] ?? 0, to: times.at(-1) ?? 0 }
  const equity = (answer: MarginAnswer): number => money(answer.provable.margin.equityE8)
  const charts = [
    {
      ...shared,
      title: 'Spot',
      unit: 'quote per base',
      height: 230,
      figure: (value: number) => Math.round(value).toLocaleString('en-GB'),
      series: [
        {
          label: 'spot',
          kind: 'ink',
          shape: 'line' as const,
          points: curve(({ portfolio }) => money(portfolio.market.spotE8)),
        },
      ],
    },
    {
      ...shared,
      title: 'Volatility of the account’s options',
      unit: 'mean of the legs, as marked',
      height: 150,
      figure: (value: number) => `${(100 * value).toFixed(0)} %`,
      series: [{ label: 'volatility', kind: 'slow', shape: 'line' as const, points: curve(meanVolatility) }],
    },
    {
      ...shared,
      title: 'Equity and what must be held',
      unit: 'quote; below a requirement the account may not open, or may be liquidated',
      height: 320,
      figure: compact,
      series: [
        { label: 'equity', kind: 'ink', shape: 'line' as const, points: curve(equity) },
        {
          label: 'initial',
          kind: 'initial',
          shape: 'line' as const,
          points: curve((answer) => equity(answer) - money(answer.provable.margin.initialE8)),
        },
        {
          label: 'maintenance',
          kind: 'maintenance',
          shape: 'line' as const,
          points: curve((answer) => equity(answer) - money(answer.provable.margin.maintenanceE8)),
        },
      ],
    },
  ]
  const moments = answers.map((answer, i) => [times[i] ?? 0, readout(answer)] as const)
  const body = html`<section class="window" id="through">
<h2>${name}</h2>
<p class="note">${answers.length} markets from ${utcTime(shared.from)} to ${utcTime(shared.to)} UTC; surfaces are SVI fits to each chain’s marks, the
account stays as it is. Between the markets lines are straight.</p>
${chartGroup({ charts, moments })}
</section>
`
  const lead = [
    'Margins as the exact integer twin computes them from recorded option chains: what proofs of the same markets would state.',
  ]
  return page(`${name} through time`, lead, [{ id: 'through', title: name, body }], answerOf(answers)).markup
}

/** How the account stands in the newest market, and how it stood when it stood worst. */
function answerOf(answers: readonly MarginAnswer[]): Answer {
  const newest = answers.at(-1)
  if (newest === undefined) return { tiles: [] }
  const left = ({ provable }: MarginAnswer): number => money(provable.margin.maintenanceE8)
  const worst = answers.reduce((least, answer) => (left(answer) < left(least) ? answer : least))
  const below = answers.filter((answer) => left(answer) < 0).length
  const initial = money(newest.provable.margin.initialE8)
  return {
    verdict:
      below === 0
        ? { kind: 'pass', text: `✓ Healthy in all ${answers.length} markets` }
        : { kind: 'fail', text: `✗ Below maintenance margin in ${below} of ${answers.length} markets` },
    tiles: [
      ['Equity in the newest market', amount(money(newest.provable.margin.equityE8))],
      ['Initial margin left in it', amount(initial), initial < 0 ? 'warn' : 'pass'],
      ['Maintenance margin left in it', amount(left(newest)), left(newest) < 0 ? 'fail' : 'pass'],
      [`Least maintenance margin left, ${utcTime(worst.portfolio.market.asOf)}`, amount(left(worst))],
    ],
  }
}

function meanVolatility({ legs }: MarginAnswer): number {
  return legs.reduce((sum, { impliedVolatility }) => sum + impliedVolatility, 0) / Math.max(1, legs.length)
}

function readout(answer: MarginAnswer): string {
  const { portfolio, provable, worst } = answer
  const { equityE8, initialE8, maintenanceE8 } = provable.margin
  return [
    `${utcTime(portfolio.market.asOf)} UTC`,
    `spot ${amount(money(portfolio.market.spotE8))}`,
    `equity ${amount(money(equityE8))}`,
    `initial left ${amount(money(initialE8))}`,
    `maintenance left ${amount(money(maintenanceE8))}`,
    `worst: ${worst.words}`,
  ].join(' · ')
}
