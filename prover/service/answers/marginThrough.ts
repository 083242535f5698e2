/** `zkrisk margin --chain`: one account in the markets of recorded chains, one after the other. */
import { existsSync, readFileSync } from 'node:fs'
import { readChain } from '../../options/chain.ts'
import { readPortfolioInChain } from '../../portfolio/input/chainMarket.ts'
import { utcTime } from '../text/figures.ts'
import { amount, greeksOf, type MarginAnswer, marginJson, marginOf, PortfolioFileMissingError } from './margins.ts'
import { formatTable } from '../text/table.ts'

/**
 * Margins of an account in the market of each chain, oldest first.
 *
 * @throws {@link PortfolioFileMissingError} and the errors of {@link readChain}, {@link readPortfolioInChain}, {@link marginOf}
 */
export async function marginsThrough(
  file: string,
  chains: readonly string[],
  options: { readonly allowArbitrage?: boolean | undefined },
): Promise<readonly MarginAnswer[]> {
  if (!existsSync(file)) throw new PortfolioFileMissingError(file)
  const text = readFileSync(file, 'utf8')
  const answers: MarginAnswer[] = []
  for (const chain of chains) answers.push(await marginOf(readPortfolioInChain(text, file, readChain(chain), options)))
  return answers.toSorted((a, b) => Number(a.portfolio.market.asOf - b.portfolio.market.asOf))
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** What `--json` prints: the answer of every market. */
export const throughJson = (answers: readonly MarginAnswer[]): readonly object[] =>
  answers.map((answer) => marginJson(answer, false))

/** A line a market. */
export function formatThrough(answers: readonly MarginAnswer[]): string {
  const rows = answers.map((answer) => {
    const { portfolio, provable, worst } = answer
    const { equityE8, initialE8, maintenanceE8 } = provable.margin
    const { delta, vega } = greeksOf(answer)
    return [
      utcTime(portfolio.market.asOf),
      amount(money(portfolio.market.spotE8)),
      amount(money(equityE8)),
      amount(money(initialE8)),
      amount(money(maintenanceE8)),
      delta.toFixed(3).replace('-', '−'),
      amount(vega / 100),
      worst.words,
    ]
  })
  return [
    `${answers[0]?.portfolio.name ?? ''} through ${answers.length} markets: margin left after requirements`,
    '',
    formatTable(
      ['time (UTC)', 'spot', 'equity', 'initial', 'maintenance', 'delta', 'vega a point', 'worst scenario'],
      rows,
    ),
    '',
    'Twin only, not proven.',
  ].join('\n')
}
