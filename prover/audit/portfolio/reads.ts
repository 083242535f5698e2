/** What consumers of a portfolio registry must be answered: the twin of contracts/registry/PortfolioMargins.sol. */
import { type ParamType, ZeroHash } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { bookHashOf, portfolioContracts } from '../../registry/portfolio/calldata.ts'
import { unpack } from '../../statement/words.ts'
import type { Question } from '../deployed/collect.ts'
import type { ExpectedRead } from '../deployed/judge.ts'
import { COUNT_AGES } from './counts.ts'
import { NO_THRESHOLDS, type PortfolioLedger } from './ledger.ts'
import type { MarketHistory, PortfolioRecord, ReportRecord } from './record.ts'

const NOBODY = `0x${'00'.repeat(32)}`
const ofAll = ['portfolioPolicy', 'portfolioFreshness'] as const
const ofCounts = ['openInterest', 'unsafeOpenInterest', 'openInterestUnderWay'] as const
const ofAccounts = ['accountOf', 'unsafeMargin', 'marginOf', 'unsafeThresholds', 'thresholdsOf'] as const

/** What is asked of a registry with these accounts. */
export const portfolioQuestions = (accounts: readonly string[]): readonly Question[] => [
  ...ofAll.map((method) => ({ method, of: NOBODY, contract: 'RiskArrays' as const })),
  ...ofCounts.map((method) => ({ method, of: NOBODY, contract: 'OpenInterest' as const })),
  ...accounts.flatMap((of) => ofAccounts.map((method) => ({ method, of }))),
]

/** The answers that follow from a history, in the order of {@link portfolioQuestions}. */
export function expectedPortfolioReads(record: PortfolioRecord, ledger: PortfolioLedger): readonly ExpectedRead[] {
  const accounts = [...new Set(record.reports.map(({ account }) => account))]
  return portfolioQuestions(accounts).map(({ method, of }) => ({
    ...{ method, of, name: of === NOBODY ? '' : of },
    answer: answerTo(method, of, record, ledger),
  }))
}

function answerTo(
  method: string,
  of: string,
  record: PortfolioRecord,
  ledger: PortfolioLedger,
): ExpectedRead['answer'] {
  if (of !== NOBODY) return accountAnswer(method, of, record, ledger)
  return ofCounts.some((each) => each === method) ? countAnswer(method, record, ledger) : policyAnswer(method, record)
}

function countAnswer(
  method: string,
  { freshness, deployed }: PortfolioRecord,
  { counts }: PortfolioLedger,
): ExpectedRead['answer'] {
  const { opened, sums } = counts.underWay ?? {}
  if (method === 'openInterestUnderWay') {
    const { asOf = 0n, accounts = 0n, policyVersion = 0n, timestamp = 0n } = opened ?? {}
    const counted = sums?.accounts ?? 0n
    return inOrderOf(method, { asOf, counted, accounts, openedAt: timestamp, policyVersion })
  }
  const last = counts.complete.at(-1)
  if (last === undefined) return 'OpenInterestNotComplete'
  const ageSeconds = deployed.time > last.asOf ? deployed.time - last.asOf : 0n
  const isStale = ageSeconds > COUNT_AGES * (freshness.at(-1)?.maxMarginAgeSeconds ?? 0n)
  return method === 'openInterest' && isStale ? 'OpenInterestStale' : inOrderOf(method, { ...last, ageSeconds })
}

export function policyAnswer(method: string, { policies, freshness }: MarketHistory): ExpectedRead['answer'] {
  const { version = 0n, words = [] } = policies.at(-1) ?? {}
  if (method === 'portfolioPolicy') return inOrderOf(method, { version, words: words.join() })
  return inOrderOf(method, { ...freshness.at(-1) })
}

/** Of what was left there is none, so that nothing is proven of it. */
export const bookHashIn = ({ standing, positions, holdings, collateralAmounts }: ReportRecord): string =>
  standing === 'left' ? ZeroHash : bookHashOf(positions, holdings, collateralAmounts)

function accountAnswer(
  method: string,
  account: string,
  { reports, freshness, deployed }: PortfolioRecord,
  ledger: PortfolioLedger,
): ExpectedRead['answer'] {
  const last = reports.findLast((each) => each.account === account)
  const sequence = last?.sequence ?? 0n
  const priceScale = ledger.priceScales.get(account) ?? 0n
  if (method === 'accountOf') {
    const bookHash = last === undefined ? ZeroHash : bookHashIn(last)
    return inOrderOf(method, { sequence, bookHash, priceScale })
  }
  const held = ledger.margins.get(account)
  if (held === undefined) return 'MarginNotYetProven'
  const { margins, thresholds, asOf } = held
  const proven = {
    ...unpack('accountMargins', margins),
    ...unpack('accountThresholds', thresholds),
    ...{ asOf, sequence: held.sequence, priceScale },
  }
  const ageSeconds = deployed.time > asOf ? deployed.time - asOf : 0n
  const isUnsafe = method === 'unsafeMargin' || method === 'unsafeThresholds'
  const isThere = thresholds !== NO_THRESHOLDS || !/thresholds/i.test(method)
  const answer = isThere ? inOrderOf(method, { ...proven, ageSeconds }) : 'ThresholdsNotProven'
  if (isUnsafe) return answer
  if (ageSeconds > (freshness.at(-1)?.maxMarginAgeSeconds ?? 0n)) return 'MarginStale'
  return held.sequence === sequence ? answer : 'MarginOfOtherPositions'
}

/** Values in the order in which a method returns them. */
export function inOrderOf(method: string, values: Readonly<Record<string, unknown>>): ExpectedRead['answer'] {
  const [contract] = [...portfolioContracts, 'OpenInterest' as const, 'CrossMarginRegistry' as const].filter((name) =>
    interfaceOf(name).hasFunction(method),
  )
  const outputs: readonly ParamType[] = (contract && interfaceOf(contract).getFunction(method)?.outputs) ?? []
  return outputs.flatMap(({ name, components }) =>
    (components ?? [{ name }]).map((each) => ({ name: each.name, value: values[each.name] })),
  )
}
