/** What an audit of margins finds, and how people read it. */
import { amount, priceWords } from '../../portfolio/amount.ts'
import type { OpenInterest } from '../../registry/portfolio/openInterest.ts'
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

/** Where a proof landed. */
type Landed = { readonly block: number; readonly transactionHash: string }

export type ArrayReport = Judged &
  Landed & {
    /** From 1, in the order of the chain. */
    readonly number: number
    readonly arrayRoot: bigint
    readonly asOf: bigint
    readonly expiry: bigint
    readonly strikesE8: readonly bigint[]
  }

export type BookReport = Judged & {
  /** From 1, in the order of the account's positions. */
  readonly number: number
  /** Positions in it. */
  readonly positions: number
}

/** What a leg, or whatever else the account holds, adds to the worst scenario; re-derived from chain data alone, of one unit. */
export type AuditedLeg = {
  readonly leg: string
  readonly quantity: number
  readonly mark?: number
  readonly shocked?: number
  readonly contribution: number
}

/** One account of one proof. */
type AccountProof = Judged &
  Landed & {
    readonly account: string
    readonly sequence: bigint
    readonly asOf: bigint
    readonly books: readonly BookReport[]
  }

export type MarginReport = AccountProof & {
  /** Proven without thresholds and Greeks. */
  readonly isAlone?: boolean
  /** Added to the count under way. */
  readonly isCounted?: boolean
  /** Counted, and not put in force. */
  readonly isCountedAlone?: boolean
  readonly initialE8?: bigint
  readonly maintenanceE8?: bigint
  /** What binds, in words. */
  readonly worst?: string
  readonly worstLoss?: number
  readonly legs: readonly AuditedLeg[]
}

export type WitnessReport = AccountProof & { readonly maintenanceE8?: bigint }

/** Counts of the open interest, and the last complete one. */
export type OpenInterestReport = Judged & {
  readonly opened: number
  readonly complete: number
  readonly last?: OpenInterest & {
    /** k: words of the Greeks above are of 10^k units of the asset. */
    readonly priceScale: bigint
    /** Of one unit, as what follows; vega for a point of volatility. */
    readonly netDelta: number
    readonly netGamma: number
    readonly netVegaPerPoint: number
  }
}

/** Claims about an account over all its history. */
export type AccountReport = Judged & { readonly account: string; readonly sequence: bigint }

export type PortfolioAuditReport = {
  readonly kind: 'portfolio'
  readonly accepted: boolean
  readonly chainId: bigint
  readonly registry: string
  readonly fromBlock: number
  readonly toBlock: number
  /** Whether keys, registry and chain were pinned from outside. */
  readonly pinned: boolean
  readonly models: readonly ModelReport[]
  readonly policy: Judged & { readonly versions: number }
  readonly rounds: Judged & { readonly published: number }
  readonly arrays: readonly ArrayReport[]
  readonly margins: readonly MarginReport[]
  readonly witnesses: readonly WitnessReport[]
  readonly accounts: readonly AccountReport[]
  readonly openInterest: OpenInterestReport
  /** The contracts themselves, who governs them, and what they answer. */
  readonly deployed: DeployedReport
  readonly failure?: Failure
}

/**
 * The report as a plain table: one line per subject, the legs of every margin, then the verdict.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry, block } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const { report } = await auditPortfolio({ provider, registry, fromBlock: block, keys: await portfolioAuditKeys() })
 * formatPortfolioAudit(report).includes('ACCEPTED') // → true
 */
export function formatPortfolioAudit(report: PortfolioAuditReport, telling: Telling = {}): string {
  const { models, policy, rounds, arrays, margins, witnesses, accounts } = report
  const { registry, chainId, fromBlock, toBlock } = report
  const proofs = [...margins, ...witnesses]
  const subjects = [
    ...models,
    policy,
    rounds,
    ...arrays,
    ...proofs.flatMap(({ books }) => books),
    ...proofs,
    ...accounts,
    report.openInterest,
    ...judgedOf(report.deployed),
  ]
  const legs = margins.filter(({ worst }) => worst !== undefined).map(legsText)
  const counts = [countOf('array', arrays), countOf('margin', margins), countOf('witness', witnesses)]
  return [
    `Audit of portfolio registry ${registry} on chain ${chainId}, blocks ${fromBlock} to ${toBlock}`,
    '',
    alignColumns(rowsOf(report, telling)),
    ...legs,
    ...deployedText(report.deployed),
    '',
    legendText(subjects),
    '',
    ...verdictText(report, counts, subjects, telling),
    '',
  ].join('\n')
}

/** `1 of 1 array`, `2 of 2 witnesses`. */
export function countOf(name: string, judged: readonly Judged[]): string {
  const plural = name.endsWith('s') ? `${name}es` : `${name}s`
  return `${judged.filter(({ accepted }) => accepted).length} of ${judged.length} ${judged.length === 1 ? name : plural}`
}

function rowsOf(report: PortfolioAuditReport, telling: Telling): readonly (readonly string[])[] {
  const { models, policy, rounds, arrays, margins, witnesses, accounts } = report
  const booksOf = ({ account, books }: MarginReport | WitnessReport): readonly (readonly string[])[] =>
    books.map((book) => [
      `  book ${book.number} of ${account}`,
      '',
      countedText(book.positions, 'position'),
      ...verdictCells(book, telling),
    ])
  return [
    ...models.map((model) => [`model ${model.name}`, '', '', ...verdictCells(model, telling)]),
    ['policy', '', countedText(policy.versions, 'version'), ...verdictCells(policy, telling)],
    ['rounds', '', `${rounds.published} published`, ...verdictCells(rounds, telling)],
    ...arrays.map((array) => [
      `array ${array.number}`,
      `block ${array.block}`,
      `expiry ${timeText(array.expiry)}, ${countedText(new Set(array.strikesE8).size, 'strike')}`,
      ...verdictCells(array, telling),
    ]),
    ...margins.flatMap((margin) => [
      ...booksOf(margin),
      [
        `${marginTitle(margin)} of ${margin.account}`,
        `block ${margin.block}`,
        `${moneyText('IM', margin.initialE8)} ${moneyText('MM', margin.maintenanceE8)}`,
        ...verdictCells(margin, telling),
      ],
    ]),
    ...witnesses.flatMap((witness) => [
      ...booksOf(witness),
      [
        `witness against ${witness.account}`,
        `block ${witness.block}`,
        moneyText('MM ≤', witness.maintenanceE8),
        ...verdictCells(witness, telling),
      ],
    ]),
    ...accounts.map((account) => [
      `account ${account.account}`,
      `reported ${timesText(account.sequence)}`,
      '',
      ...verdictCells(account, telling),
    ]),
    openInterestRow(report.openInterest, telling),
    ...deployedRows(report.deployed, telling),
  ]
}

function marginTitle({ isAlone, isCountedAlone }: MarginReport): string {
  if (isCountedAlone === true) return 'count'
  return isAlone === true ? 'margin alone' : 'margin'
}

function openInterestRow(openInterest: OpenInterestReport, telling: Telling): readonly string[] {
  const { opened, complete, last } = openInterest
  const said =
    last === undefined
      ? ''
      : `${last.accounts} accounts at ${timeText(last.asOf)}: expected defaults ${(Number(last.defaultProbabilityX32) / 2 ** 32).toPrecision(4)}, ` +
        `${moneyText('expected shortfall', last.expectedShortfallE8)}, delta ${figure(last.netDelta)}, gamma ${figure(last.netGamma)}, vega ${figure(last.netVegaPerPoint)} a point`
  return ['open interest', `${complete} of ${opened} counts`, said, ...verdictCells(openInterest, telling)]
}

export function legsText({
  account,
  asOf,
  worst,
  worstLoss,
  legs,
}: Pick<MarginReport, 'account' | 'asOf' | 'worst' | 'worstLoss' | 'legs'>): string {
  const rows = legs.map(({ leg, quantity, mark, shocked, contribution }) => [
    `  ${leg}`,
    String(quantity).replace('-', '−'),
    mark === undefined ? '' : `mark ${priceWords(mark)}`,
    shocked === undefined ? '' : `shocked ${priceWords(shocked)}`,
    amount(contribution),
  ])
  const heading = `\n${account} at ${timeText(asOf)}: worst ${worst} (${amount(worstLoss ?? 0)})`
  return legs.length === 0 ? heading : `${heading}\n${alignColumns(rows)}`
}

const figure = (value: number): string => String(Number(value.toPrecision(6))).replace('-', '−')

export const moneyText = (name: string, valueE8: bigint | undefined): string =>
  valueE8 === undefined ? '' : `${name} ${amount(Number(valueE8) / 1e8)}`
