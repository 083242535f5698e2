/** `zkrisk margin --chain`: one account in the markets of recorded chains, one after the other. */
import { existsSync, readFileSync } from 'node:fs'
import { ProverError } from '../../errors.ts'
import { readChain } from '../../options/chain.ts'
import { readPortfolioInChain } from '../../portfolio/input/chainMarket.ts'
import { utcTime } from '../text/figures.ts'
import { type AccountAnswer, accountAnswer, accountJson } from './accountMargins.ts'
import { amount, netGreeksOf, PortfolioFileMissingError, type Standing } from './margins.ts'
import { formatTable } from '../text/table.ts'

/**
 * Margins of an account in the market of each chain, oldest first.
 *
 * @throws {@link PortfolioFileMissingError} and the errors of {@link readChain}, {@link readPortfolioInChain}, {@link accountAnswer}
 */
export async function marginsThrough(
  file: string,
  chains: readonly string[],
  options: { readonly allowArbitrage?: boolean | undefined },
): Promise<readonly AccountAnswer[]> {
  if (!existsSync(file)) throw new PortfolioFileMissingError(file)
  const text = readFileSync(file, 'utf8')
  const answers: AccountAnswer[] = []
  for (const chain of chains) {
    answers.push(await accountAnswer(readPortfolioInChain(text, file, readChain(chain), options)))
  }
  return answers.toSorted((a, b) => Number(a.asOf - b.asOf))
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** What `--json` prints: the answer of every market. */
export const throughJson = (answers: readonly AccountAnswer[]): readonly object[] =>
  answers.map((answer) => accountJson(answer, false))

/** A line a time; over several markets a line of each, and one of all. */
export function formatThrough(answers: readonly AccountAnswer[]): string {
  const { name = '', markets = [] } = answers[0] ?? {}
  const over = markets.length > 1 ? ` over ${markets.length} markets` : ''
  return [
    `${name} through ${answers.length} ${answers.length === 1 ? 'chain' : 'chains'}${over}: equity, and what is left of it above requirements`,
    '',
    formatTable(
      [
        'time (UTC)',
        'market',
        'spot',
        'equity',
        'initial left',
        'maintenance left',
        'net delta',
        'vega a point',
        'worst scenario',
      ],
      answers.flatMap(rowsOf),
    ),
    '',
    'Twin only, not proven.',
  ].join('\n')
}

function rowsOf(answer: AccountAnswer): readonly (readonly string[])[] {
  const time = utcTime(answer.asOf)
  const left = ({ equityE8, initialE8, maintenanceE8 }: Standing): readonly string[] =>
    [equityE8, initialE8, maintenanceE8].map((value) => amount(money(value)))
  const markets = answer.markets.map((each) => {
    const { delta, vegaPerPoint } = netGreeksOf(each)
    const { market } = each.portfolio
    const greeks = [delta.toFixed(3).replace('-', '−'), amount(vegaPerPoint)]
    return [
      time,
      market.currency ?? '',
      amount(money(market.spotE8)),
      ...left(each.provable.margin),
      ...greeks,
      each.worst.words,
    ]
  })
  if (markets.length === 1) return markets
  const cash = amount(Number(answer.cashE12) / 1e12)
  return [
    ...markets,
    [time, 'cash', '', cash, cash, cash, '', '', ''],
    [time, 'all', '', ...left(answer.standing), '', '', ''],
  ]
}

/** Margins through chains are the twin's alone. */
export class ProveThroughError extends ProverError {
  readonly code = 'service.prove-through'

  constructor() {
    super(
      'Expected --prove without --chain: margins through chains are computed by the twin. Prove the portfolio in its own market.',
    )
  }
}
