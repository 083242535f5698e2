/** What consumers of a registry of margins over several markets must be answered. */
import { marketNameOf } from '../../market/marketId.ts'
import { crossBookHashOf } from '../../registry/portfolio/cross.ts'
import { unpack } from '../../statement/words.ts'
import type { Question } from '../deployed/collect.ts'
import type { ExpectedRead } from '../deployed/judge.ts'
import type { CrossLedger } from './crossLedger.ts'
import type { CrossMarketRecord, CrossRecord } from './crossRecord.ts'
import { inOrderOf, policyAnswer } from './reads.ts'

const NOBODY = `0x${'00'.repeat(32)}`
const ofAll = ['marketArrays', 'crossPolicy'] as const
const ofMarkets = ['portfolioPolicy', 'portfolioFreshness'] as const
const ofAccounts = ['crossAccountOf', 'unsafeCrossMargin', 'crossMarginOf'] as const

/** What is asked of a registry with these markets and accounts. */
export const crossQuestions = (
  markets: readonly Pick<CrossMarketRecord, 'arrays' | 'marketId'>[],
  accounts: readonly string[],
): readonly Question[] => [
  ...ofAll.map((method) => ({ method, of: NOBODY })),
  ...markets.flatMap(({ arrays, marketId }) =>
    ofMarkets.map((method) => ({ method, of: marketId, contract: 'RiskArrays' as const, at: arrays })),
  ),
  ...accounts.flatMap((of) => ofAccounts.map((method) => ({ method, of }))),
]

/** The answers that follow from a history, in the order of {@link crossQuestions}. */
export function expectedCrossReads(record: CrossRecord, ledger: CrossLedger): readonly ExpectedRead[] {
  const accounts = [...new Set(record.reports.map(({ account }) => account))]
  return crossQuestions(record.markets, accounts).map(({ method, of, at }) => {
    const market = record.markets.find(({ arrays }) => arrays === at)
    if (market !== undefined) {
      return { method, of, name: marketNameOf(market.marketId), answer: policyAnswer(method, market) }
    }
    if (of === NOBODY) return { method, of, name: '', answer: answerOfAll(method, record) }
    return { method, of, name: of, answer: accountAnswer(method, of, record, ledger) }
  })
}

function answerOfAll(method: string, { markets, crossPolicies }: CrossRecord): ExpectedRead['answer'] {
  if (method === 'marketArrays') return inOrderOf(method, { '': markets.map(({ arrays }) => arrays).join() })
  const { words = [], maxRoundsApartSeconds } = crossPolicies.at(-1) ?? {}
  return inOrderOf(method, { words: words.join(), maxRoundsApartSeconds })
}

function accountAnswer(
  method: string,
  account: string,
  { markets, reports, deployed }: CrossRecord,
  ledger: CrossLedger,
): ExpectedRead['answer'] {
  const last = reports.findLast((each) => each.account === account)
  const { sequence = 0n, positions = [], holdings = [], collateralAmounts = [] } = last ?? {}
  if (method === 'crossAccountOf') {
    return inOrderOf(method, { sequence, bookHash: crossBookHashOf({ positions, holdings, collateralAmounts }) })
  }
  const held = ledger.margins.get(account)
  if (held === undefined) return 'CrossMarginNotYetProven'
  const ageSeconds = deployed.time > held.asOf ? deployed.time - held.asOf : 0n
  const { asOf, sequence: proven } = held
  const answer = inOrderOf(method, { ...unpack('crossMargins', held.margins), asOf, sequence: proven, ageSeconds })
  if (method === 'unsafeCrossMargin') return answer
  const ages = markets.map(({ freshness }) => freshness.at(-1)?.maxMarginAgeSeconds ?? 0n)
  if (ages.some((most) => ageSeconds > most)) return 'CrossMarginStale'
  return proven === sequence ? answer : 'CrossMarginOfOtherPositions'
}
