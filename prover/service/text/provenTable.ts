/** What was proven, as a table through time. */
import { realValues } from '../../parameters/real.ts'
import { price } from '../../portfolio/amount.ts'
import { exactPrice, percent, utcTime } from './figures.ts'
import type { ProvenMarket, ProvenStep } from '../answers/provenReplay.ts'
import { formatTable } from './table.ts'

const COLUMNS = [
  'time (UTC)',
  'price',
  'volatility',
  'IM',
  'MM',
  'threshold',
  'max LTV',
  'scan range',
  'breach',
  'gas',
  'proof',
]

/** One table per market. Gas and proof are those of the batch, which all its markets share. */
export function formatProven(steps: readonly ProvenStep[]): string {
  const names = [...new Set(steps.flatMap(({ markets }) => markets.map(({ name }) => name)))]
  return names
    .map((name) => {
      const rows = steps.flatMap((step) => step.markets.filter((m) => m.name === name).map((m) => cells(step, m)))
      return `${name}: proven and in force\n\n${formatTable(COLUMNS, rows)}\n`
    })
    .join('\n')
}

/** The same for programs. */
export function provenRows(steps: readonly ProvenStep[]) {
  return steps.flatMap((step) =>
    step.markets.map((market) => ({
      market: market.name,
      sequence: Number(market.sequence),
      time: new Date(Number(step.asOf) * 1000).toISOString(),
      price: exactPrice(market.observation.priceE8),
      ...realValues(market.parameters),
      breach: breachOf(market),
      gasUsed: Number(step.gasUsed),
      proofMs: Math.round(step.proofMs),
      transactionHash: step.transactionHash,
    })),
  )
}

function cells(step: ProvenStep, market: ProvenMarket): readonly string[] {
  const parameters = realValues(market.parameters)
  return [
    utcTime(market.observation.asOf),
    price(Number(exactPrice(market.observation.priceE8))),
    percent(parameters.volatility, 0),
    percent(parameters.initialMargin),
    percent(parameters.maintenanceMargin),
    percent(parameters.liquidationThreshold, 1),
    percent(parameters.maxLoanToValue, 1),
    percent(parameters.scanRange, 1),
    breachOf(market),
    step.gasUsed.toLocaleString('en'),
    `${Math.round(step.proofMs)} ms`,
  ]
}

function breachOf({ verdict }: ProvenMarket): 'down' | 'up' | '' {
  if (verdict.breachDown) return 'down'
  return verdict.breachUp ? 'up' : ''
}
