/** What margins over several markets rest on, put in force by whoever may, or found in force, before anything is proven. */
import { lists } from '../../../../circuits/statements/index.ts'
import { ProverError } from '../../../errors.ts'
import { marketNameOf } from '../../../market/marketId.ts'
import type { ProvableCross } from '../../../portfolio/crossAccount.ts'
import { ContractRevertError, policyWordsOf, type RoundWords } from '../../../registry/index.ts'
import { AccountAtAnotherScaleError } from '../../../registry/portfolio/client.ts'
import { crossBookHashOf, type CrossReportWords } from '../../../registry/portfolio/cross.ts'
import type { CrossClient } from '../../../registry/portfolio/crossClient.ts'
import { transact } from '../../../registry/transactions.ts'
import { crossPolicyWords } from '../../../statement/crossMargins.ts'
import { joinList } from '../../../statement/lists.ts'
import { positionWord } from '../../../statement/optionBook.ts'
import { holdingsWords } from '../../../statement/portfolioMargin.ts'
import { isoTime } from '../../text/figures.ts'
import {
  type Hands,
  mayAtOnce,
  PolicyNotInForceError,
  ReportDiffersError,
  sectionAt,
  seeToRound,
} from './putInForce.ts'
import { policyOf } from './sharedRound.ts'

/** What must be in force for an account over several markets. */
export type CrossWanted = {
  readonly account: string
  readonly provable: ProvableCross
  /** One a market, in the registry's order. */
  readonly rounds: readonly RoundWords[]
}

/**
 * Sees to it that the policies of all markets, their rounds and the report are those of an account.
 *
 * @throws {@link PriceScaleNotInForceError}, {@link AccountAtAnotherScaleError}, {@link PolicyNotInForceError}, {@link RoundNotPublishedError}, {@link RoundNotInForceError}, {@link ReportDiffersError} if
 * something is not, and the hands that could put it in force are not at hand
 */
export async function putCrossInForce(
  client: CrossClient,
  hands: Hands,
  wanted: CrossWanted,
  say: (line: string) => void,
): Promise<void> {
  const { provable, rounds } = wanted
  await client.requireScales(provable.parts.map(({ priceScale = 0 }) => priceScale))
  for (const m of client.markets.keys()) await seeToMarketPolicy(client, hands, provable, m, say)
  await seeToCrossPolicy(client, hands, provable, say)
  for (const [m, round] of rounds.entries()) {
    await seeToRound(client, client.markets[m]?.rounds ?? '', hands, round)
    await requireInForce(client, m, round)
  }
  await seeToReport(client, hands, wanted)
}

/** Words of one market's policy. */
const marketPolicyWords = ({ parts, markets }: ProvableCross, m: number): readonly bigint[] =>
  policyWordsOf(
    policyOf({
      pricingPolicy: (parts[m] as ProvableCross['parts'][number]).pricingPolicy,
      marginPolicy: (markets[m] as ProvableCross['markets'][number]).policy,
    }),
  )

async function seeToMarketPolicy(
  client: CrossClient,
  { council }: Hands,
  provable: ProvableCross,
  m: number,
  say: (line: string) => void,
): Promise<void> {
  const expected = marketPolicyWords(provable, m)
  const { words } = await client.policy(m)
  const other = expected.findIndex((word, i) => word !== words[i])
  if (other < 0) return
  const { arrays = '', marketId = '' } = client.markets[m] ?? {}
  const section = `${sectionAt(lists.portfolioPolicy, other)} of ${marketNameOf(marketId)}`
  if (council === undefined || !(await mayAtOnce(council, 'RiskArrays', arrays, 'setPortfolioPolicy')))
    throw new PolicyNotInForceError(client.registry, section)
  await transact(council, arrays, 'RiskArrays', 'setPortfolioPolicy', [expected])
  say(`policy of ${marketNameOf(marketId)} set: the one before it differed in ${section}`)
}

async function seeToCrossPolicy(
  client: CrossClient,
  { council }: Hands,
  { policy }: ProvableCross,
  say: (line: string) => void,
): Promise<void> {
  const expected = joinList('crossPolicy', crossPolicyWords(policy))
  const { words, maxRoundsApartSeconds } = await client.crossPolicy()
  const other = expected.findIndex((word, i) => word !== words[i])
  if (other < 0) return
  const section = sectionAt(lists.crossPolicy, other)
  const { registry } = client
  if (council === undefined || !(await mayAtOnce(council, 'CrossMarginRegistry', registry, 'setCrossPolicy')))
    throw new PolicyNotInForceError(registry, section)
  await transact(council, registry, 'CrossMarginRegistry', 'setCrossPolicy', [expected, maxRoundsApartSeconds])
  say(`policy of all markets set: the one before it differed in ${section}`)
}

/** A published round may be too old by now, or too far behind a later one. @throws {@link RoundNotInForceError} */
async function requireInForce(client: CrossClient, m: number, round: RoundWords): Promise<void> {
  try {
    await client.requireRound(m, round)
  } catch (error) {
    if (error instanceof ContractRevertError) throw new RoundNotInForceError(round, error)
    throw error
  }
}

/** What the venue says of the account. */
function crossReportOf({ parts, account }: ProvableCross): CrossReportWords {
  const words = account.parts.map(({ holdings }) =>
    holdingsWords({ ...holdings, collateralsE12: account.collateralsE12 }),
  )
  return {
    positions: parts.map(({ positions }) => positions.map(positionWord)),
    holdings: words.map(({ holdings: [word = 0n] = [] }) => word),
    collateralAmounts: words[0]?.collateralAmounts ?? [],
  }
}

async function seeToReport(client: CrossClient, { venue }: Hands, { account, provable }: CrossWanted): Promise<void> {
  const { registry } = client
  const report = crossReportOf(provable)
  const { sequence, bookHash } = await client.account(account)
  const isSame = sequence > 0n && bookHash === crossBookHashOf(report)
  const misfit = isSame ? await scaleMisfit(client, { account, provable }) : undefined
  if (isSame && misfit === undefined) return
  if (venue === undefined || !(await mayAtOnce(venue, 'CrossMarginRegistry', registry, 'reportCrossAccount')))
    throw misfit ?? new ReportDiffersError(account, registry, sequence, await venue?.getAddress())
  const reporting = client.as(venue)
  await reporting.acceptPriceScales()
  await reporting.report(account, report)
}

/** Why an account has to be reported anew, though it holds the same. */
async function scaleMisfit(
  client: CrossClient,
  { account, provable }: Pick<CrossWanted, 'account' | 'provable'>,
): Promise<AccountAtAnotherScaleError | undefined> {
  try {
    await client.requireScales(
      provable.parts.map(({ priceScale = 0 }) => priceScale),
      account,
    )
    return undefined
  } catch (error) {
    if (error instanceof AccountAtAnotherScaleError) return error
    throw error
  }
}

/** What a contract refuses a round for, and what to do. */
const refusals: Readonly<Record<string, readonly [string, string]>> = {
  RoundStale: ['is too old by now', 'Prove a later round.'],
  RoundOvertaken: [
    'is too far behind a later one of this market',
    'Take the newest round of every market into the portfolio.',
  ],
  RoundPricesApart: ['has prices further apart than governed', 'Correct its prices.'],
  RoundUnknown: ['is not the one that was published', 'Take what was published into the portfolio.'],
}

/** A market's round is published, and margins are not taken of it any more. */
export class RoundNotInForceError extends ProverError {
  readonly code = 'service.round-not-in-force'
  readonly market: string
  readonly asOf: bigint
  readonly reason: string

  constructor({ marketId, asOf }: RoundWords, cause: ContractRevertError) {
    const market = marketNameOf(marketId)
    const [found, advice] = refusals[cause.reason] ?? [`is refused (${cause.reason})`, 'Prove a later round.']
    super(
      `Expected a round of ${market} that margins may be proven of now, that of ${isoTime(asOf)} ${found}. ${advice}`,
      { cause },
    )
    this.market = market
    this.asOf = asOf
    this.reason = cause.reason
  }
}
