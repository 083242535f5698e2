/** What an audit of markets finds, and how people read it. */
import type { LearningPolicy } from '../../parameters/confidence.ts'
import { meanScores, type Score } from '../../parameters/shadowScore.ts'
import type { ClaimResult } from '../../registry/index.ts'
import type { Alarm } from '../../registry/market/alarms.ts'
import { deployedRows, deployedText, judgedOf } from '../deployed/report.ts'
import type { DeployedReport } from '../deployed/judge.ts'
import {
  alignColumns,
  countedText,
  legendText,
  type ModelReport,
  type Telling,
  timeText,
  timesText,
  verdictCells,
  verdictText,
  wrapped,
} from '../report.ts'

/** How predictions fared: mean quantile scores as fractions of the price, lower is better; none before the first one. */
export type MeanScore = { readonly predictions: number; readonly down?: number; readonly up?: number }

/** Claims about one batch; each claim id once, in the order they were checked. */
export type BatchReport = {
  /** From 1, in the order of the chain. */
  readonly number: number
  readonly block: number
  readonly transactionHash: string
  readonly model: string
  readonly markets: readonly string[]
  /** Those that its sequence had been moved by before: nothing was done for them. */
  readonly skipped: readonly string[]
  /** Time of the newest observation. */
  readonly asOf: bigint
  readonly observations: number
  /** Of shadows whose predictions it tried, as they stood then. */
  readonly scores: readonly (MeanScore & { readonly name: string })[]
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/** A market went on from the state of a shadow. */
export type PromotionReport = {
  /** From 1, in the order of the chain. */
  readonly number: number
  readonly block: number
  readonly market: string
  /** Time of the newest observation behind the state that went on. */
  readonly asOf: bigint
  /** Volatility models by name. */
  readonly from: string
  readonly to: string
  readonly score: MeanScore
  /** Of the shadow of the model that was in force; without one there was nothing to compare with. */
  readonly control?: MeanScore
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/** Something was paused, a source was replaced, or a market or a shadow went over to it. */
export type ChangeReport = {
  readonly kind: 'pause' | 'rotation' | 'following'
  readonly block: number
  /** Unix seconds. */
  readonly timestamp: number
  /** Who sent the transaction. */
  readonly by: string
  /** As people read it. */
  readonly what: string
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/** Claims about one market, or one shadow, at the record's last block. */
export type MarketReport = {
  readonly name: string
  readonly sequence: bigint
  /** Observations that no batch has consumed yet. */
  readonly waiting: number
  /** The volatility model that it is bound to; none of a shadow that was removed. */
  readonly model?: string
  /** Of a shadow that is there. */
  readonly score?: MeanScore
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

export type AuditReport = {
  readonly accepted: boolean
  readonly chainId: bigint
  readonly registry: string
  readonly fromBlock: number
  readonly toBlock: number
  /** Whether keys, registry and chain were pinned from outside. A bundle that pins itself proves consistency only. */
  readonly pinned: boolean
  readonly models: readonly ModelReport[]
  readonly batches: readonly BatchReport[]
  readonly promotions: readonly PromotionReport[]
  /** In the order of the chain. */
  readonly changes: readonly ChangeReport[]
  readonly markets: readonly MarketReport[]
  readonly shadows: readonly MarketReport[]
  /** What somebody should look at, at the last block; not in a bundle, which does not hold what sources refused. */
  readonly alarms?: readonly Alarm[]
  /** The contracts themselves, who governs them, and what they answer. */
  readonly deployed: DeployedReport
  /** The first claim that does not hold, and of what. */
  readonly failure?: { readonly of: string; readonly claim: ClaimResult }
}

/**
 * Mean scores under a learning policy, whose steps are the unit of the sums.
 *
 * @param learning - in force when they are told of
 */
export function meanScoreOf(score: Score, learning: LearningPolicy): MeanScore {
  const predictions = Number(score.predictions)
  return predictions === 0 ? { predictions } : { predictions, ...meanScores(score, learning) }
}

/**
 * The report as a plain table: one line per model, batch, promotion, market and shadow, then the verdict.
 *
 * @example
 * formatAudit(await auditOffline('audit.json')).includes('ACCEPTED') // → true
 */
export function formatAudit(report: AuditReport, telling: Telling = {}): string {
  const { models, batches, promotions, changes, markets, shadows, registry, chainId, fromBlock, toBlock } = report
  const subjects = [
    ...models,
    ...batches,
    ...promotions,
    ...changes,
    ...markets,
    ...shadows,
    ...judgedOf(report.deployed),
  ]
  const accepted = batches.filter((batch) => batch.accepted).length
  return [
    `Audit of registry ${registry} on chain ${chainId}, blocks ${fromBlock} to ${toBlock}`,
    '',
    alignColumns(rowsOf(report, telling)),
    ...scoresText(report),
    ...deployedText(report.deployed),
    '',
    legendText(subjects),
    '',
    ...alarmLines(report.alarms),
    ...verdictText(report, [`${accepted} of ${countedText(batches.length, 'batch', 'batches')}`], subjects, telling),
    '',
  ].join('\n')
}

/** Alarms are no claims: a chain may be as it says it is, and yet not as it should be. */
function alarmLines(alarms: readonly Alarm[] | undefined): readonly string[] {
  if (alarms === undefined) return []
  if (alarms.length === 0) return ['Alarms: none.', '']
  return [
    'Alarms, which are no claims:',
    ...alarms.map(({ kind, of, says }) => wrapped(`${kind} of ${of}: ${says}`)),
    '',
  ]
}

function rowsOf(
  { models, batches, promotions, changes, markets, shadows, deployed }: AuditReport,
  telling: Telling,
): readonly (readonly string[])[] {
  return [
    ...models.map((model) => [`model ${model.name}`, '', '', ...verdictCells(model, telling)]),
    ...batches.map((batch) => [
      `batch ${batch.number}`,
      `block ${batch.block}`,
      `${batch.markets.join(' ')}${skippedText(batch)} at ${timeText(batch.asOf)}`,
      ...verdictCells(batch, telling),
    ]),
    ...promotions.map((promotion) => [
      `promotion ${promotion.number}`,
      `block ${promotion.block}`,
      `${promotion.market} from ${promotion.from} to ${promotion.to}`,
      ...verdictCells(promotion, telling),
    ]),
    ...changes.map((change) => [
      change.kind,
      `block ${change.block}`,
      changeText(change),
      ...verdictCells(change, telling),
    ]),
    ...markets.map((market) => [
      `market ${market.name}`,
      `moved ${timesText(market.sequence)}`,
      `${market.waiting} waiting`,
      ...verdictCells(market, telling),
    ]),
    ...shadows.map((shadow) => [
      `shadow ${shadow.name}`,
      `moved ${timesText(shadow.sequence)}`,
      shadow.score === undefined ? 'removed' : `${shadow.waiting} waiting`,
      ...verdictCells(shadow, telling),
    ]),
    ...deployedRows(deployed, telling),
  ]
}

/**
 * What governance did, when, and who sent it.
 *
 * @example
 * changeText({ what: 'market BTC-USD lifted', timestamp: 1_770_265_800, by: '0xa1' })
 * // → 'market BTC-USD lifted at 2026-02-05 04:30 by 0xa1'
 */
export const changeText = ({ what, timestamp, by }: Pick<ChangeReport, 'what' | 'timestamp' | 'by'>): string =>
  `${what} at ${timeText(BigInt(timestamp))} by ${by}`

/**
 * Markets that a batch carried along after they had been moved; nothing if there are none.
 *
 * @example
 * skippedText({ skipped: ['ETH-USD'] }) // → ' (ETH-USD skipped)'
 */
export const skippedText = ({ skipped }: Pick<BatchReport, 'skipped'>): string =>
  skipped.length === 0 ? '' : ` (${skipped.join(' ')} skipped)`

/** Scores of shadows, then what was promoted on which. */
function scoresText({ shadows, promotions }: AuditReport): readonly string[] {
  if (shadows.length === 0 && promotions.length === 0) return []
  const scored = shadows.flatMap(({ name, score }) =>
    score === undefined ? [] : [[`  ${name}`, ...scoreCells(score)]],
  )
  const promoted = promotions.map(({ number, market, from, to, score, control }) => [
    `  promotion ${number} of ${market}`,
    ...scoreCells(score),
    control === undefined
      ? `${to}, without a control: nothing of ${from} to compare with`
      : `${to}, against ${meansText(control)} of ${from}`,
  ])
  return ['', 'Mean scores, fractions of the price, lower is better:', alignColumns([...scored, ...promoted])]
}

const scoreCells = (score: MeanScore): readonly string[] => [
  `${score.predictions} predictions`,
  score.predictions === 0 ? '' : meansText(score),
]

/** `3.045 % down, 3.045 % up`. */
function meansText({ down, up }: MeanScore): string {
  const percent = (fraction: number | undefined) => (fraction === undefined ? '–' : `${(100 * fraction).toFixed(3)} %`)
  return `${percent(down)} down, ${percent(up)} up`
}
