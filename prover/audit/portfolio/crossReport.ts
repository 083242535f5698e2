/** What an audit of margins over several markets finds, and how people read it. */
import { amount } from '../../portfolio/amount.ts'
import type { DeployedReport } from '../deployed/judge.ts'
import { deployedRows, deployedText, judgedOf } from '../deployed/report.ts'
import type { Failure, Judged } from '../findings.ts'
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
} from '../report.ts'
import type { AccountReport, ArrayReport, BookReport, MarginReport } from './report.ts'
import { countOf, legsText, moneyText } from './report.ts'

/** What binds in one market, and what each leg adds to it. */
export type CrossPartReport = Pick<MarginReport, 'worst' | 'worstLoss' | 'legs'> & { readonly market: string }

/** One account of one proof; books of all its markets. */
export type CrossMarginReport = Judged &
  Pick<MarginReport, 'account' | 'sequence' | 'block' | 'transactionHash' | 'initialE8' | 'maintenanceE8'> & {
    /** Of the oldest round. */
    readonly asOf: bigint
    readonly books: readonly (BookReport & { readonly market: string })[]
    /** What markets offset of each other, quote. */
    readonly spreadCredit?: number
    readonly parts: readonly CrossPartReport[]
  }

export type CrossMarketReport = {
  readonly market: string
  readonly policy: Judged & { readonly versions: number }
  readonly rounds: Judged & { readonly published: number }
  readonly arrays: readonly ArrayReport[]
}

export type CrossAuditReport = {
  readonly kind: 'cross'
  readonly accepted: boolean
  readonly chainId: bigint
  readonly registry: string
  readonly fromBlock: number
  readonly toBlock: number
  /** Whether keys, registry and chain were pinned from outside. */
  readonly pinned: boolean
  readonly models: readonly ModelReport[]
  /** Of all markets together. */
  readonly crossPolicy: Judged & { readonly versions: number }
  readonly markets: readonly CrossMarketReport[]
  readonly margins: readonly CrossMarginReport[]
  readonly accounts: readonly AccountReport[]
  readonly deployed: DeployedReport
  readonly failure?: Failure
}

/** What was judged, in a row each: what, of what, by what, and the verdict. */
export const crossRows = (
  report: CrossAuditReport,
): readonly (readonly [what: string, where: string, told: string, judged: Judged])[] => [
  ...report.models.map((model) => [`model ${model.name}`, '', '', model] as const),
  ['policy of all markets', '', countedText(report.crossPolicy.versions, 'version'), report.crossPolicy] as const,
  ...report.markets.flatMap(({ market, policy, rounds, arrays }) => [
    [`policy of ${market}`, '', countedText(policy.versions, 'version'), policy] as const,
    [`rounds of ${market}`, '', `${rounds.published} published`, rounds] as const,
    ...arrays.map((array) => {
      const strikes = countedText(new Set(array.strikesE8).size, 'strike')
      const told = `expiry ${timeText(array.expiry)}, ${strikes}`
      return [`array ${array.number} of ${market}`, `block ${array.block}`, told, array] as const
    }),
  ]),
  ...report.margins.flatMap((margin) => [
    ...margin.books.map((book) => {
      const of = `  book ${book.number} of ${margin.account} in ${book.market}`
      return [of, '', countedText(book.positions, 'position'), book] as const
    }),
    [`margin of ${margin.account}`, `block ${margin.block}`, marginsText(margin), margin] as const,
  ]),
  ...report.accounts.map(
    (each) => [`account ${each.account}`, `reported ${timesText(each.sequence)}`, '', each] as const,
  ),
]

function marginsText({ initialE8, maintenanceE8, spreadCredit = 0 }: CrossMarginReport): string {
  const credit = spreadCredit === 0 ? '' : `, spread credit ${amount(spreadCredit)}`
  return `${moneyText('IM', initialE8)} ${moneyText('MM', maintenanceE8)}${credit}`
}

/** The report as a plain table: one line per subject, the legs of every margin by market, then the verdict. */
export function formatCrossAudit(report: CrossAuditReport, telling: Telling = {}): string {
  const { registry, chainId, fromBlock, toBlock, margins, markets, deployed } = report
  const rows = crossRows(report)
  const subjects = [...rows.map(([, , , judged]) => judged), ...judgedOf(deployed)]
  const arrays = markets.flatMap((each) => each.arrays)
  const table = [
    ...rows.map(([what, where, told, judged]) => [what, where, told, ...verdictCells(judged, telling)]),
    ...deployedRows(deployed, telling),
  ]
  const legs = margins.flatMap(({ account, asOf, parts }) =>
    parts.map(({ market, ...part }) => legsText({ account: `${account} in ${market}`, asOf, ...part })),
  )
  return [
    `Audit of registry ${registry} of margins over ${markets.map(({ market }) => market).join(' and ')} on chain ${chainId}, blocks ${fromBlock} to ${toBlock}`,
    '',
    alignColumns(table),
    ...legs,
    ...deployedText(deployed),
    '',
    legendText(subjects),
    '',
    ...verdictText(report, [countOf('array', arrays), countOf('margin', margins)], subjects, telling),
    '',
  ].join('\n')
}
