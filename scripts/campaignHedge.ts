/**
 * What hedging a sold book in a Uniswap v3 pool would have done through recorded crashes: March 2020, May 2021, November 2022 and
 * February 2026.
 *
 *   npm run campaign:hedge                          every period; a few minutes
 *   npm run campaign:hedge -- --prices 12           the first prices of each; tests run this
 *   npm run campaign:hedge -- --seed 2 --json
 *   npm run campaign:hedge -- --svg docs/hedging.svg
 *
 * Pool and agent are the contracts themselves, on a chain of their own. The book's delta and gamma are the exact twin's, put in where a
 * complete count of proven accounts would be: a count takes proofs of every account, at every price. docs/hedging.md says what is
 * supposed of prices, liquidity and gas.
 *
 * Exits 0 only if the hedged book varies less than half as much as the book alone, in every period that was taken whole.
 */
import { formatTable } from '../prover/service/text/table.ts'
import { writeWholeFile } from '../prover/service/wholeFile.ts'
import { PortfolioEngine } from './tools/chains/portfolioEngine.ts'
import { readPeriods } from './tools/hedge/periods.ts'
import { hedgeSvg } from './tools/hedge/picture.ts'
import { type Outcome, replayPeriod, type Summary, summarise } from './tools/hedge/replay.ts'
import { isThere, readFlags, toWrite, whole } from './tools/flags.ts'

/** Of the variance, at most so much may be left. */
const MOST_LEFT = 0.5

const flags = readFlags({
  prices: whole(3, 1_000_000, undefined),
  seed: whole(0, 999_999_999, 1),
  svg: toWrite,
  json: isThere,
})
const seed = BigInt(flags.seed)
const { prices: limit } = flags

const money = (value: number): string => Math.round(value).toLocaleString('en')
const refusals = ({ refused }: Outcome): string =>
  Object.entries(refused)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

const engine = await PortfolioEngine.start()
const judged: { readonly outcome: Outcome; readonly summary: Summary }[] = []
for (const period of readPeriods(seed)) {
  process.stderr.write(`${period.name}: ${period.steps.length} prices, ${period.book.length} options sold\n`)
  const outcome = await replayPeriod(engine, period, limit)
  judged.push({ outcome, summary: summarise(outcome) })
}

if (flags.svg !== undefined) writeWholeFile(flags.svg, hedgeSvg(judged.map(({ outcome }) => outcome)))
if (flags.json) console.log(JSON.stringify(judged.map(jsonOf), undefined, 2))
else print()
const isBetter = judged.every(({ summary }) => summary.varianceRatio < MOST_LEFT)
process.exitCode = limit !== undefined || isBetter ? 0 : 1

function jsonOf({ outcome, summary }: (typeof judged)[number]): object {
  const { marks, ...rest } = outcome
  return { ...rest, ...summary, prices: marks.length }
}

function print(): void {
  const rows = judged.map(({ outcome, summary }) => [
    outcome.name,
    String(outcome.marks.length),
    money(summary.unhedged),
    money(summary.hedged),
    summary.varianceRatio.toFixed(3),
    ...summary.deviation.map(money),
    ...summary.worst.map(money),
  ])
  const gains = ['prices', 'book', 'hedged', 'variance ratio', 'deviation', 'hedged', 'worst', 'hedged']
  console.log(`Gains in the quote currency; deviation and worst of changes from price to price.\n`)
  console.log(formatTable(['period', ...gains], rows))
  const costs = judged.map(({ outcome }) => [
    outcome.name,
    String(outcome.trades),
    money(outcome.volume),
    money(outcome.costs.fees),
    money(outcome.costs.slippage),
    money(outcome.costs.gas),
    outcome.volatilities,
  ])
  console.log(`\nCosts of the hedge, which its gains are after.\n`)
  console.log(formatTable(['period', 'trades', 'volume', 'fees', 'slippage', 'gas', 'volatilities'], costs))
  console.log(
    `\nCalls that were refused, by error: ${judged.map(({ outcome }) => `${outcome.name}: ${refusals(outcome)}`).join('; ')}`,
  )
}
