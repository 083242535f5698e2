/** An audit of margins as a page: the verdict, every margin leg by leg, who governs and who attests. */
import type { AuditedLeg, MarginReport, PortfolioAuditReport, Telling } from '../../audit/index.ts'
import { crossRows, type CrossAuditReport, type CrossMarginReport } from '../../audit/portfolio/crossReport.ts'
import { amount, priceWords } from '../../portfolio/amount.ts'
import { countedText } from '../../audit/report.ts'
import { utcTime } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import { deployedRows, deployedSection } from './deployedSection.ts'
import { answer, type JudgedRow, judgedSection, verdictCell, words } from './judged.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { page } from './page.ts'
import { type Cell, table } from './table.ts'

const LEAD = [
  'Every array, book and margin was derived again by the exact integer twin, from the rounds’ words and what the venue reported, ' +
    'and every proof verified twice. Beside each margin stands what each leg adds to its worst scenario.',
]

/**
 * Writes the page as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writePortfolioAuditReport(file: string, report: PageReport, telling: Telling = {}): void {
  writeWholeFile(file, renderPortfolioAuditReport(report, telling))
}

/** The page that {@link writePortfolioAuditReport} writes. */
export function renderPortfolioAuditReport(report: PageReport, telling: Telling = {}): string {
  const isCross = report.kind === 'cross'
  const rows = isCross ? rowsOfMarkets(report) : rowsOf(report)
  const { margins } = report
  const arrays = isCross ? report.markets.flatMap((market) => market.arrays) : report.arrays
  const first = answer(report, rows, [
    ['Margins accepted', accepted(margins)],
    ['Arrays accepted', accepted(arrays)],
    ...(isCross ? [] : [['Witnesses accepted', accepted(report.witnesses)] as const]),
  ])
  const entries = [
    { id: 'judged', title: 'What was judged', body: judgedSection(report, rows, telling) },
    { id: 'deployed', title: 'Who governs, who attests', body: deployedSection(report.deployed) },
    ...margins.map((margin, i) => ({
      id: `margin-${i + 1}`,
      title: `Margin of ${shortOf(margin.account)}`,
      body: 'parts' in margin ? crossSection(margin, `margin-${i + 1}`) : marginSection(margin, `margin-${i + 1}`),
    })),
  ]
  const title = isCross ? 'registry of margins over several markets' : 'portfolio registry'
  return page(`Audit of ${title} ${report.registry}`, LEAD, entries, first).markup
}

type PageReport = PortfolioAuditReport | CrossAuditReport

const rowsOfMarkets = (report: CrossAuditReport): readonly JudgedRow[] => [
  ...crossRows(report).map(
    ([what, where, told, judged]): JudgedRow => [
      what.trim(),
      [where, told].filter((each) => each !== '').join(', '),
      judged,
    ],
  ),
  ...deployedRows(report.deployed),
]

const accepted = (judged: readonly { readonly accepted: boolean }[]): string =>
  `${judged.filter((each) => each.accepted).length} of ${judged.length}`

const shortOf = (account: string): string => `${account.slice(0, 8)}…`

function rowsOf(report: PortfolioAuditReport): readonly JudgedRow[] {
  const { models, policy, rounds, arrays, margins, witnesses, accounts, openInterest, deployed } = report
  const withBooks = (what: string) => (each: Pick<MarginReport, 'account' | 'books' | 'accepted' | 'claims'>) => [
    ...each.books.map(
      (book) => [`book ${book.number}`, `${countedText(book.positions, 'position')} of ${each.account}`, book] as const,
    ),
    [what, each.account, each] as const,
  ]
  return [
    ...models.map((model) => ['model', model.name, model] as const),
    ['policy', countedText(policy.versions, 'version'), policy],
    ['rounds', `${rounds.published} published`, rounds],
    ...arrays.map((array) => [`array ${array.number}`, `expiry ${utcTime(array.expiry)}`, array] as const),
    ...margins.flatMap(withBooks('margin')),
    ...witnesses.flatMap(withBooks('witness against')),
    ...accounts.map((each) => ['account', each.account, each] as const),
    ['open interest', `${openInterest.complete} of ${openInterest.opened} counts complete`, openInterest],
    ...deployedRows(deployed),
  ]
}

function marginSection(margin: MarginReport, id: string): Markup {
  const { account, asOf, initialE8, maintenanceE8, worst = 'not derived', worstLoss, legs } = margin
  return html`<section id="${id}">
<h2>Margin of ${account}</h2>
${table(
  `Margins of ${account}`,
  ['round (UTC)', 'initial', 'maintenance', words('worst scenario'), 'its loss', words('verdict')],
  [[utcTime(asOf), money(initialE8), money(maintenanceE8), words(worst), figure(worstLoss), verdictCell(margin)]],
)}
${legs.length === 0 ? [] : [legTable(account, legs)]}
</section>
`
}

/** Margins of an account over its markets, then what binds in each. */
function crossSection(margin: CrossMarginReport, id: string): Markup {
  const { account, asOf, initialE8, maintenanceE8, spreadCredit, parts } = margin
  return html`<section id="${id}">
<h2>Margin of ${account}</h2>
${table(
  `Margins of ${account}`,
  ['oldest round (UTC)', 'initial', 'maintenance', 'spread credit', words('verdict')],
  [[utcTime(asOf), money(initialE8), money(maintenanceE8), figure(spreadCredit), verdictCell(margin)]],
)}
${table(
  `What binds in each market of ${account}`,
  ['market', words('worst scenario'), 'its loss'],
  parts.map(({ market, worst = 'not derived', worstLoss }): readonly Cell[] => [
    market,
    words(worst),
    figure(worstLoss),
  ]),
)}
${parts.flatMap(({ market, legs }) => (legs.length === 0 ? [] : [legTable(`${account} in ${market}`, legs)]))}
</section>
`
}

const legTable = (account: string, legs: readonly AuditedLeg[]): Markup =>
  table(
    `What each leg of ${account} adds to the worst scenario`,
    ['leg', 'quantity', 'mark', 'shocked', 'adds'],
    legs.map(({ leg, quantity, mark, shocked, contribution }): readonly Cell[] => [
      leg,
      String(quantity).replace('-', '−'),
      priceCell(mark),
      priceCell(shocked),
      figure(contribution),
    ]),
  )

const money = (valueE8: bigint | undefined): string => figure(valueE8 === undefined ? undefined : Number(valueE8) / 1e8)
const priceCell = (value: number | undefined): string => (value === undefined ? '–' : priceWords(value))
const figure = (value: number | undefined): string => (value === undefined ? '–' : amount(value))
