/** Pictures of one account through many markets, a crash for instance. */
import { utcTime } from '../text/figures.ts'
import type { AccountAnswer } from '../answers/accountMargins.ts'
import { amount } from '../../portfolio/amount.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { ChartPoint } from './chart.ts'
import { chartGroup } from './chart.ts'
import { compact, renderMarginReport } from './marginReport.ts'
import { html } from './markup.ts'
import { type Answer, page } from './page.ts'

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @param answers - oldest first; of a single one the page is that of its margin
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeThroughReport(file: string, answers: readonly AccountAnswer[]): void {
  writeWholeFile(file, renderThroughReport(answers))
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** The page that {@link writeThroughReport} writes. */
export function renderThroughReport(answers: readonly AccountAnswer[]): string {
  const [first, ...later] = answers
  if (first !== undefined && later.length === 0) return renderMarginReport(first)
  const { name = '', markets = [] } = first ?? {}
  const times = answers.map(({ asOf }) => Number(asOf))
  const curve = (value: (answer: AccountAnswer) => number): readonly ChartPoint[] =>
    answers.map((answer, i) => [times[i] ?? 0, value(answer)])
  const shared = { from: times[0] ?? 0, to: times.at(-1) ?? 0 }
  const equity = (answer: AccountAnswer): number => money(answer.standing.equityE8)
  const charts = [
    ...markets.map((_, place) => ({
      ...shared,
      title: `${currencyAt(first, place)}Spot`,
      unit: 'quote per base',
      height: 230,
      figure: (value: number) => Math.round(value).toLocaleString('en-GB'),
      series: [
        {
          label: 'spot',
          kind: 'ink',
          shape: 'line' as const,
          points: curve((answer) => money(answer.markets[place]?.portfolio.market.spotE8 ?? 0n)),
        },
      ],
    })),
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
          points: curve((answer) => equity(answer) - money(answer.standing.initialE8)),
        },
        {
          label: 'maintenance',
          kind: 'maintenance',
          shape: 'line' as const,
          points: curve((answer) => equity(answer) - money(answer.standing.maintenanceE8)),
        },
      ],
    },
  ]
  const [from, to] = [utcTime(shared.from), utcTime(shared.to)]
  const stretch = from === to ? `at ${from}` : `from ${from} to ${to}`
  const moments = answers.map((answer, i) => [times[i] ?? 0, readout(answer)] as const)
  const body = html`<section class="window" id="through">
<h2>${name}</h2>
<p class="note">${answers.length} markets ${stretch} UTC; surfaces are SVI fits to each chain’s marks, the
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
function answerOf(answers: readonly AccountAnswer[]): Answer {
  const newest = answers.at(-1)
  if (newest === undefined) return { tiles: [] }
  const left = ({ standing }: AccountAnswer): number => money(standing.maintenanceE8)
  const worst = answers.reduce((least, answer) => (left(answer) < left(least) ? answer : least))
  const below = answers.filter((answer) => left(answer) < 0).length
  const initial = money(newest.standing.initialE8)
  return {
    verdict:
      below === 0
        ? { kind: 'pass', text: `✓ Healthy at all ${answers.length} times` }
        : { kind: 'fail', text: `✗ Below maintenance margin at ${below} of ${answers.length} times` },
    tiles: [
      ['Equity at the newest time', amount(money(newest.standing.equityE8))],
      ['Initial margin left then', amount(initial), initial < 0 ? 'warn' : 'pass'],
      ['Maintenance margin left then', amount(left(newest)), left(newest) < 0 ? 'fail' : 'pass'],
      [`Least maintenance margin left, ${utcTime(worst.asOf)}`, amount(left(worst))],
    ],
  }
}

/** What stands before a heading where there are several markets. */
const currencyAt = (answer: AccountAnswer | undefined, place: number): string =>
  answer === undefined || answer.markets.length < 2 ? '' : `${answer.markets[place]?.portfolio.market.currency} `

function meanVolatility({ markets }: AccountAnswer): number {
  const legs = markets.flatMap((market) => market.legs)
  return legs.reduce((sum, { impliedVolatility }) => sum + impliedVolatility, 0) / Math.max(1, legs.length)
}

function readout(answer: AccountAnswer): string {
  const { asOf, standing, markets } = answer
  const { equityE8, initialE8, maintenanceE8 } = standing
  return [
    `${utcTime(asOf)} UTC`,
    ...markets.map(
      ({ portfolio: { market } }, place) => `${currencyAt(answer, place)}spot ${amount(money(market.spotE8))}`,
    ),
    `equity ${amount(money(equityE8))}`,
    `initial left ${amount(money(initialE8))}`,
    `maintenance left ${amount(money(maintenanceE8))}`,
    ...markets.map(({ worst }, place) => `${currencyAt(answer, place)}worst: ${worst.words}`),
  ].join(' · ')
}
