/** `zkrisk margin --chain`: one account in the markets of recorded chains, one after the other. */
import { type ChainOptions, type QuoteRefusedError, readChain } from '../../options/chain.ts'
import { amount } from '../../portfolio/amount.ts'
import { readPortfolioInChain } from '../../portfolio/input/chainMarket.ts'
import { refusalLines, refusalsJson } from '../text/chainNotes.ts'
import { utcTime } from '../text/figures.ts'
import { type AccountAnswer, accountAnswer, accountJson } from './accountMargins.ts'
import { netGreeksOf, notesOn, portfolioText, type Standing } from './margins.ts'
import { timeOption } from './time.ts'
import { formatTable } from '../text/table.ts'
import { UsageError } from '../text/usageError.ts'

export type ThroughOptions = {
  readonly allowArbitrage?: boolean | undefined
  /** Time at which no market may be stale. */
  readonly now?: string | undefined
  /** Spot instead of the chain's: a price, or one a currency, BTC=69000. */
  readonly spot?: readonly string[] | undefined
  readonly maxAgeSeconds?: number | undefined
  readonly reading: ChainOptions
}

/** An account in the market of a chain, and what is to be said of the chain. */
export type ThroughAnswer = AccountAnswer & {
  readonly chain: {
    readonly file: string
    readonly refused: readonly QuoteRefusedError[]
    readonly notes: readonly string[]
  }
}

/**
 * Margins of an account in the market of each chain, oldest first.
 *
 * @throws the errors of {@link portfolioText} and the errors of {@link readChain}, {@link readPortfolioInChain}, {@link accountAnswer}
 */
export async function marginsThrough(
  file: string,
  chains: readonly string[],
  options: ThroughOptions,
): Promise<readonly ThroughAnswer[]> {
  const text = portfolioText(file)
  const { allowArbitrage, maxAgeSeconds } = options
  const now = timeOption('now', options.now)
  const reading = now === undefined ? options.reading : { ...options.reading, now: Number(now) }
  const wanted = { allowArbitrage, maxAgeSeconds, now, spots: spotsOf(options.spot) }
  const answers: ThroughAnswer[] = []
  for (const name of chains) {
    const chain = readChain(name, reading)
    const { portfolio, notes } = readPortfolioInChain(text, file, chain, wanted)
    const { refused } = chain
    answers.push({
      ...(await accountAnswer(portfolio)),
      chain: { file: name, refused, notes: [...chain.notes, ...notes] },
    })
  }
  return answers.toSorted((a, b) => Number(a.asOf - b.asOf))
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** What `--json` prints: the answer of every market. */
export const throughJson = (answers: readonly ThroughAnswer[]): readonly object[] =>
  answers.map((answer) => {
    const { file, refused, notes } = answer.chain
    return { ...accountJson(answer, false), chain: { file, refused: refusalsJson(refused), notes } }
  })

/** A line a time; over several markets a line of each, and one of all. */
export function formatThrough(answers: readonly ThroughAnswer[]): string {
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
    ...answers.flatMap(chainLines),
    '',
    'Twin only, not proven.',
  ].join('\n')
}

function chainLines({ markets, chain: { file, refused, notes } }: ThroughAnswer): readonly string[] {
  const lines = [...notes, ...markets.flatMap(notesOn), ...refusalLines(refused)]
  return lines.length === 0 ? [] : ['', `${file}:`, ...lines]
}

/** @throws {@link SpotOptionError} */
function spotsOf(stated: readonly string[] | undefined): ReadonlyMap<string, string> | undefined {
  if (stated === undefined) return undefined
  const entries = stated.map((text) => {
    const match = /^(?:([A-Z0-9_]+)=)?(\d*\.?\d+)$/.exec(text)
    if (match === null) throw new SpotOptionError(text)
    return [match[1] ?? '', match[2] ?? ''] as const
  })
  return new Map(entries)
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
export class ProveThroughError extends UsageError {
  readonly code = 'service.prove-through'

  constructor() {
    super(
      'Expected --prove without --chain: margins through chains are computed by the twin. Prove the portfolio in its own market.',
    )
  }
}

/** A spot on the command line is none. */
export class SpotOptionError extends UsageError {
  readonly code = 'service.spot-option'
  readonly value: string

  constructor(value: string) {
    super(
      `Expected --spot as a price, such as 69000, or as prices by currency, such as BTC=69000 ETH=2080, got "${value}".`,
    )
    this.value = value
  }
}
