import { whyUntaken } from '../../market/marketId.ts'
import type { ShadowList, ShadowRow } from '../answers/shadows.ts'
import { percent } from './figures.ts'
import { formatTable } from './table.ts'

const COLUMNS = ['market', 'under', 'predictions', 'score', 'down', 'up', 'waiting', 'initial', 'maintenance']

/** Shadows as text for a terminal, those of a market together, the best score first; ends with a line break. */
export function formatShadows({ markets, shadows, untaken, leastPredictions, maxMarginStep }: ShadowList): string {
  const known = markets.map(({ market, model }) => `${market} is bound to ${model}`).join(', ')
  const bound = [known, ...untaken.map((name) => `not read is ${whyUntaken(name)}`)].join('. ')
  const rule =
    `A shadow may take its market over after ${leastPredictions} predictions, with margins within ` +
    `${percent(maxMarginStep)} of those in force, and a score no worse than that of the model in force.`
  if (shadows.length === 0) {
    return `${bound}. No shadows.\n${rule}\n\n  zkrisk shadows add <market> <model> adds one.\n`
  }
  const rows = [...shadows]
    .sort((a, b) => a.market.localeCompare(b.market) || scoreOf(a) - scoreOf(b))
    .map((row) => [
      row.market,
      row.isControl ? `${row.model} (in force)` : row.model,
      String(row.predictions),
      row.scoreDown === null ? '–' : percent(scoreOf(row), 3),
      row.scoreDown === null ? '–' : percent(row.scoreDown, 3),
      row.scoreUp === null ? '–' : percent(row.scoreUp, 3),
      String(row.waiting),
      row.initialMargin === null ? '–' : percent(row.initialMargin),
      row.maintenanceMargin === null ? '–' : percent(row.maintenanceMargin),
    ])
  return `${[
    `${bound}.`,
    rule,
    'Score: mean of move + what the return exceeded it by / α, of falls and rises; lower is better.',
    '',
    formatTable(COLUMNS, rows),
  ].join('\n')}\n`
}

/** Mean of both sides; without predictions behind all others. */
const scoreOf = ({ scoreDown, scoreUp }: ShadowRow): number =>
  scoreDown === null || scoreUp === null ? Number.MAX_VALUE : (scoreDown + scoreUp) / 2
