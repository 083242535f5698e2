/** What a margin rests on, put in force by whoever has the right to, or found in force already, before anything is proven. */
import { Contract, type Signer } from 'ethers'
import { lists, words as declaredWords } from '../../../../circuits/statements/index.ts'
import { fixedWords, type WordList } from '../../../../circuits/statements/language.ts'
import { ProverError } from '../../../errors.ts'
import { marketNameOf } from '../../../market/marketId.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import { interfaceOf } from '../../../registry/artifacts.ts'
import { ask } from '../../../registry/contractErrors.ts'
import {
  attestRound,
  PortfolioClient,
  policyWordsOf,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../../registry/index.ts'
import { bookHashOf } from '../../../registry/portfolio/calldata.ts'
import { roundIdOf } from '../../../registry/portfolio/rounds.ts'
import { transact } from '../../../registry/transactions.ts'
import { positionWord } from '../../../statement/optionBook.ts'
import { holdingsWords } from '../../../statement/portfolioMargin.ts'
import { isoTime } from '../../text/figures.ts'
import { policyOf } from './sharedRound.ts'

/** Who may do what, as far as their keys are at hand. */
export type Hands = {
  /** Pays for what anyone may send. */
  readonly carrier: Signer
  /** As many as the source of rounds wants. */
  readonly signers?: readonly Signer[] | undefined
  /** Reports accounts. */
  readonly venue?: Signer | undefined
  /** Sets the policy where it may without delay: of development chains alone. */
  readonly council?: Signer | undefined
  /** Moves the clock of a development chain to a time. */
  readonly waitUntil?: ((time: bigint) => Promise<void>) | undefined
}

/** What must be in force for a margin. */
export type InForceWanted = {
  readonly account: string
  readonly provable: ProvableMargin
  readonly round: RoundWords
}

/** Attested rounds may be this late; here they are signed and published at once. */
const DEADLINE_SECONDS = 3600n

/**
 * Sees to it that policy, round and report are those of an account.
 *
 * @throws {@link PriceScaleNotInForceError}, {@link AccountAtAnotherScaleError}, {@link PolicyNotInForceError}, {@link RoundNotPublishedError}, {@link ReportDiffersError} if one is not and the hands that
 * could put it in force are not at hand
 */
export async function putInForce(
  client: PortfolioClient,
  hands: Hands,
  wanted: InForceWanted,
  say: (line: string) => void,
): Promise<void> {
  const { rounds } = await client.roundSource()
  await client.requireScale(wanted.provable.priceScale ?? 0, [])
  await seeToPolicy(client, hands, policyWordsOf(policyOf(wanted.provable)), say)
  await seeToRound(client, rounds, hands, wanted.round)
  await seeToReport(client, hands, wanted)
}

async function seeToPolicy(
  client: PortfolioClient,
  { council }: Hands,
  expected: readonly bigint[],
  say: (line: string) => void,
): Promise<void> {
  const { words } = await client.policy()
  const other = expected.findIndex((word, i) => word !== words[i])
  if (other < 0) return
  const arrays = await client.arrays()
  if (council === undefined || !(await mayAtOnce(council, 'RiskArrays', arrays, 'setPortfolioPolicy')))
    throw new PolicyNotInForceError(client.registry, sectionAt(lists.portfolioPolicy, other))
  await transact(council, arrays, 'RiskArrays', 'setPortfolioPolicy', [expected])
  const { version } = await client.policy()
  say(`policy of version ${version} set: the one before it differed in ${sectionAt(lists.portfolioPolicy, other)}`)
}

/** Whether the authority of a contract lets somebody call it, and without a delay. */
export async function mayAtOnce(
  signer: Signer,
  contract: 'RiskArrays' | 'PortfolioRegistry' | 'CrossMarginRegistry',
  address: string,
  method: string,
): Promise<boolean> {
  const { provider } = signer
  const restricted = interfaceOf(contract)
  const doing = 'Reading the rights of a signer'
  const council: string = await ask(doing, () => new Contract(address, restricted, provider).getFunction('authority')())
  const canCall = new Contract(council, interfaceOf('RiskCouncil'), provider).getFunction('canCall')
  const selector = restricted.getFunction(method)?.selector
  return (await ask(doing, async () => canCall(await signer.getAddress(), address, selector))).immediate
}

/** Name of the section that a word of a policy is of. */
export function sectionAt({ sections }: WordList, word: number): string {
  const names = sections.flatMap((section) =>
    Array.from({ length: fixedWords(section, declaredWords) }, () => section.name),
  )
  return names[word] ?? ''
}

/** Publishes a round at its source, unless it is there. @throws {@link RoundNotPublishedError} */
export async function seeToRound(
  client: Pick<PortfolioClient, 'provider' | 'chainId'>,
  rounds: string,
  hands: Hands,
  round: RoundWords,
): Promise<void> {
  const { carrier, signers, waitUntil } = hands
  const source = new Contract(rounds, interfaceOf('AttestedRounds'), client.provider)
  const doing = 'Reading the round'
  const published: string = await ask(doing, () => source.getFunction('roundOf')(round.marketId, round.asOf))
  if (published === roundIdOf(client.chainId, rounds, round)) return
  if (BigInt(published) !== 0n) throw new RoundNotPublishedError(rounds, round, 'another one')
  if (signers === undefined) throw new RoundNotPublishedError(rounds, round, 'none')
  await waitUntil?.(round.asOf + 1n)
  const domain = roundsDomain(client.chainId, rounds)
  await publishRound(carrier, rounds, await attestRound(domain, signers, round, round.asOf + DEADLINE_SECONDS))
}

async function seeToReport(
  client: PortfolioClient,
  { venue }: Hands,
  { account, provable }: InForceWanted,
): Promise<void> {
  const { holdings = [], collateralAmounts = [] } = holdingsWords(provable.account.holdings)
  const positions = provable.positions.map(positionWord)
  const report = [positions, holdings[0] as bigint, collateralAmounts] as const
  const reported = await client.account(account)
  const { bookHash, sequence } = reported
  const { priceScale = 0 } = provable
  if (sequence > 0n && bookHash === bookHashOf(...report) && reported.priceScale === priceScale) return
  if (venue === undefined || !(await mayAtOnce(venue, 'PortfolioRegistry', client.registry, 'reportAccount'))) {
    await client.requireScale(priceScale, [reported])
    throw new ReportDiffersError(account, client.registry, sequence, await venue?.getAddress())
  }
  const reporting = await PortfolioClient.connect({
    registry: client.registry,
    provider: client.provider,
    signer: venue,
    expectedChainId: client.chainId,
  })
  await reporting.acceptPriceScale(priceScale)
  await reporting.reportAccount(account, ...report)
}

/** The registry's policy is another than the portfolio's parameters and scenarios. */
export class PolicyNotInForceError extends ProverError {
  readonly code = 'service.policy-not-in-force'
  readonly registry: string
  readonly section: string

  constructor(registry: string, section: string) {
    super(
      `Expected the policy in force at ${registry} to be the portfolio's parameters and scenarios, they differ in ${section}. ` +
        'Take the parameters of the registry into the portfolio, or have the council set these.',
    )
    this.registry = registry
    this.section = section
  }
}

/** The source has no such round of this time. */
export class RoundNotPublishedError extends ProverError {
  readonly code = 'service.round-not-published'
  readonly rounds: string
  readonly market: string
  readonly asOf: bigint

  constructor(rounds: string, { marketId, asOf }: RoundWords, found: string) {
    const advice =
      found === 'none'
        ? 'Publish it, or give --signer-key-file with the keys of as many of its signers as it wants.'
        : 'Take its prices, expiries and collaterals into the portfolio: every one of them is part of a round.'
    super(
      `Expected the round of ${marketNameOf(marketId)} of ${isoTime(asOf)} as the portfolio has it at ${rounds}, found ${found}. ${advice}`,
    )
    this.rounds = rounds
    this.market = marketNameOf(marketId)
    this.asOf = asOf
  }
}

/** The venue has reported something else of the account, or nothing. */
export class ReportDiffersError extends ProverError {
  readonly code = 'service.report-differs'
  readonly account: string

  /** @param tried - whose key was at hand, which is not the venue's */
  constructor(account: string, registry: string, sequence: bigint, tried?: string) {
    const found = sequence === 0n ? 'nothing' : `report ${sequence}, which says something else`
    const stranger = tried === undefined ? '' : ` and the key of ${tried}, who is not the venue`
    super(
      `Expected the venue's last report of ${account} to ${registry} to be what the portfolio holds, found ${found}${stranger}. ` +
        'Correct the portfolio, name the account with --account, or give --venue-key-file to report it.',
    )
    this.account = account
  }
}
