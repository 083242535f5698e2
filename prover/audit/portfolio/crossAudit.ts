/**
 * An audit of margins over several markets: each proven margin derived again from what the venue reported, the rounds that were
 * published and the policies in force, and its proof verified again. How books were cut does not matter here: what an account's
 * options come to follows from its report. That rounds were the newest is what the contract refuses, and not judged.
 */
import { Contract, getAddress, type Log, type Provider, ZeroHash } from 'ethers'
import { COLLATERALS, portfolioBuilds, sizeOf, type Build } from '../../../circuits/statements/index.ts'
import type { ExpirySurface } from '../../portfolio/portfolio.ts'
import { marginOfParts, type MarginSizes } from '../../portfolio/accountMargin.ts'
import type { CrossAccount, CrossMarket, CrossPolicy } from '../../portfolio/crossMargin.ts'
import type { VerificationKey } from '../../proof/index.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { callsIn } from '../../registry/calls.ts'
import { logsBetween } from '../../registry/chain.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { ask } from '../../registry/contractErrors.ts'
import { decodeRegistryCall, namedValues } from '../../registry/portfolio/calldata.ts'
import { crossSubjectOf } from '../../registry/portfolio/cross.ts'
import { hashOfWords } from '../../registry/portfolio/rounds.ts'
import { stateCrossMargins } from '../../statement/crossMargins.ts'
import { splitList } from '../../statement/lists.ts'
import { unpack, unpackElements } from '../../statement/words.ts'
import { failed, type Judged, judgeProof, summarise } from '../findings.ts'
import { isBefore, type Place, placeOf } from '../nodeReads.ts'
import {
  expiryMarketOf,
  holdingsOf,
  marginPolicyOf,
  pricingPolicyOf,
  type RoundArgument,
  roundMarketOf,
} from './calls.ts'
import { compareLists, compareWord, holdsIf } from './comparisons.ts'

/** A margin that a contract took, judged. */
export type CrossMarginVerdict = Judged & {
  readonly account: string
  readonly sequence: bigint
  readonly block: number
  readonly transactionHash: string
}

export type CrossAuditReport = { readonly accepted: boolean; readonly margins: readonly CrossMarginVerdict[] }

export type CrossAuditOptions = {
  readonly provider: Provider
  readonly registry: string
  readonly fromBlock?: number
  /** What the auditor brought along: the build that margins are proven with, and its key. */
  readonly build: Build
  readonly verificationKey: VerificationKey
}

type Event = Place & { readonly name: string; readonly hash: string; readonly args: Readonly<Record<string, unknown>> }
type Item = {
  readonly account: string
  readonly sequence: bigint
  readonly holdings: readonly bigint[]
  readonly collateralAmounts: readonly bigint[]
  readonly margins: bigint
}
type Call = {
  readonly marketRounds: readonly RoundArgument[]
  readonly batch: { readonly marginModelId: string; readonly commitment: bigint; readonly emptyMargins: bigint }
  readonly accounts: readonly Item[]
  readonly marginProof: readonly bigint[]
}
type Report = {
  readonly account: string
  readonly sequence: bigint
  readonly positions: readonly (readonly bigint[])[]
  readonly holdings: readonly bigint[]
  readonly collateralAmounts: readonly bigint[]
}

/** Everything that is read of a chain before anything is judged. */
type History = {
  readonly chainId: bigint
  readonly registry: string
  readonly events: readonly Event[]
  /** By market. */
  readonly markets: readonly {
    readonly policies: readonly Event[]
    readonly published: readonly Event[]
    /** Words of expiries by their hash. */
    readonly expiries: ReadonlyMap<string, readonly bigint[]>
  }[]
}

/** Judges every margin over several markets that a registry took. @throws {@link RpcError} if the node does not answer */
export async function auditCrossMargins(options: CrossAuditOptions): Promise<CrossAuditReport> {
  const history = await historyOf(options)
  const accepted = history.events.filter(({ name }) => name === 'CrossMarginsAccepted')
  const margins: CrossMarginVerdict[] = []
  for (const event of accepted) margins.push(...(await judgeBatch(options, history, event)))
  return { accepted: margins.every((each) => each.accepted), margins }
}

async function historyOf({ provider, registry, fromBlock = 0 }: CrossAuditOptions): Promise<History> {
  const { chainId } = await ask('Reading the chain id', () => provider.getNetwork())
  const end = await ask('Reading the block number', () => provider.getBlockNumber())
  const eventsOf = async (contract: EventContract, address: string): Promise<readonly Event[]> =>
    eventsIn(contract, await logsBetween(provider, { address }, fromBlock, end))
  const read = async (contract: EventContract, address: string, method: string) =>
    ask(`Reading ${method}`, () => new Contract(address, interfaceOf(contract), provider).getFunction(method)())
  const arrays: readonly string[] = [...(await read('CrossMarginRegistry', registry, 'marketArrays'))]
  const markets: History['markets'][number][] = []
  for (const address of arrays) {
    const ofArrays = await eventsOf('RiskArrays', address)
    const [rounds, marketId] = [
      await read('RiskArrays', address, 'rounds'),
      await read('RiskArrays', address, 'marketId'),
    ]
    const published = await eventsOf('AttestedRounds', rounds)
    markets.push({
      policies: ofArrays.filter(({ name }) => name === 'PortfolioPolicySet'),
      published: published.filter(({ name, args }) => name === 'RoundPublished' && args.marketId === marketId),
      expiries: await expiriesOf(provider, address, ofArrays),
    })
  }
  const at = getAddress(registry)
  return { chainId, registry: at, events: await eventsOf('CrossMarginRegistry', at), markets }
}

type EventContract = 'CrossMarginRegistry' | 'RiskArrays' | 'AttestedRounds'

const eventsIn = (contract: EventContract, logs: readonly Log[]): readonly Event[] =>
  logs.flatMap((log) => {
    const parsed = interfaceOf(contract).parseLog(log)
    if (parsed === null) return []
    const args = namedValues(parsed.fragment.inputs, parsed.args)
    return [{ ...placeOf(log), name: parsed.name, hash: log.transactionHash, args }]
  })

/** What arrays were proven of: the words that rounds are published as hashes of. */
async function expiriesOf(provider: Provider, arrays: string, events: readonly Event[]) {
  const found = new Map<string, readonly bigint[]>()
  const hashes = new Set(events.filter(({ name }) => name === 'ArrayAccepted').map(({ hash }) => hash))
  const isWanted = (calldata: string): boolean => decodeRegistryCall(calldata)?.method === 'submitArrays'
  for (const hash of hashes) {
    for (const calldata of await callsIn(provider, [arrays], hash, isWanted)) {
      const given = decodeRegistryCall(calldata)?.args.arrays as readonly { readonly expiryWords: readonly bigint[] }[]
      for (const { expiryWords } of given) found.set(hashOfWords(expiryWords), expiryWords)
    }
  }
  return found
}

async function judgeBatch(
  options: CrossAuditOptions,
  history: History,
  event: Event,
): Promise<readonly CrossMarginVerdict[]> {
  const { provider, registry } = options
  const calls = await callsIn(provider, [registry], event.hash, (calldata) => callOf(calldata) !== undefined)
  const call = calls.map(callOf).find((each) => each !== undefined)
  if (call === undefined) return []
  const shared: ClaimResult[] = []
  const told = history.events.filter(({ hash }) => hash === event.hash)
  const markets = marketsAt(history, call, event, shared)
  const policy = crossPolicyAt(history, event)
  const accounts: CrossAccount[] = []
  const own = call.accounts.map((item) => {
    const claims: ClaimResult[] = []
    const account = accountOf(history, call, event, item, claims)
    if (account !== undefined) accounts.push(account)
    return claims
  })
  const derived = await derive(options, history, call, { accounts, markets, policy, shared })
  return call.accounts.map((item, i) => ({
    account: item.account,
    sequence: item.sequence,
    block: event.block,
    transactionHash: event.hash,
    ...summarise([
      ...(own[i] ?? []),
      ...shared,
      ...tellingOf(told, item),
      ...(derived === undefined
        ? []
        : compareWord('L30', 'margins', 'crossMargins', derived[i]?.margins ?? {}, item.margins)),
    ]),
  }))
}

function callOf(calldata: string): Call | undefined {
  try {
    const parsed = interfaceOf('CrossMarginRegistry').parseTransaction({ data: calldata })
    if (parsed?.name !== 'submitCrossMargins') return undefined
    return namedValues(parsed.fragment.inputs, parsed.args) as unknown as Call
  } catch {
    return undefined
  }
}

/** The last of some events before a place. */
const lastBefore = (events: readonly Event[], place: Place): Event | undefined =>
  events.filter((each) => isBefore(each, place)).at(-1)

/** Rounds and policies of the markets; what was not published or set is a claim that fails. */
function marketsAt(history: History, call: Call, place: Place, claims: ClaimResult[]): readonly CrossMarket[] {
  claims.push(compare('R102', 'marketRounds.length', history.markets.length, call.marketRounds.length))
  return history.markets.flatMap(({ policies, published }, m): readonly CrossMarket[] => {
    const given = call.marketRounds[m]
    const policy = lastBefore(policies, place)?.args.words as readonly bigint[] | undefined
    if (given === undefined || policy === undefined) return []
    const round = published.find(({ args }) => args.asOf === given.asOf)
    claims.push(compare('R102', `marketRounds[${m}]`, round?.args.marketHash, hashOfWords(given.marketWords)))
    return [{ round: roundMarketOf(given.marketWords), policy: marginPolicyOf(policy) }]
  })
}

function crossPolicyAt({ events, markets }: History, place: Place): CrossPolicy {
  const set = events.filter(({ name }) => name === 'CrossPolicySet')
  const words = (lastBefore(set, place)?.args.words ?? []) as readonly bigint[]
  const { collateralMarkets, spreadCredits } = splitList('crossPolicy', words)
  return {
    collateralMarkets: unpackElements('collateralMarket', collateralMarkets, COLLATERALS).map(({ market }) => market),
    creditsX40: unpackElements('spreadCredit', spreadCredits, markets.length).map(({ creditX40 }) => creditX40),
  }
}

/** What an account's report of then comes to in each market; undefined if it cannot be derived. */
function accountOf(
  history: History,
  call: Call,
  place: Place,
  item: Item,
  claims: ClaimResult[],
): CrossAccount | undefined {
  const reports = history.events.filter(({ name }) => name === 'CrossAccountReported').map(({ args }) => args as Report)
  const report = reports.find(({ account, sequence }) => account === item.account && sequence === item.sequence)
  claims.push(holdsIf(report !== undefined, 'R101', 'report', 'one that was made', item.sequence))
  if (report === undefined) return undefined
  claims.push(...compareLists('R101', 'holdings', report.holdings, item.holdings))
  claims.push(...compareLists('R101', 'collateralAmounts', report.collateralAmounts, item.collateralAmounts))
  try {
    const collateral = holdingsOf({ holdings: report.holdings[0] ?? 0n, collateralAmounts: report.collateralAmounts })
    const parts = history.markets.map((_, m) => partOf(history, call, place, report, m))
    return { parts, collateralsE12: collateral.collateralsE12 }
  } catch (error) {
    claims.push(failed('L30', 'report', error))
    return undefined
  }
}

function partOf(history: History, call: Call, place: Place, report: Report, m: number): CrossAccount['parts'][number] {
  const { policies, published, expiries } = history.markets[m] as History['markets'][number]
  const { asOf, marketWords } = call.marketRounds[m] as RoundArgument
  const words = (lastBefore(policies, place)?.args.words ?? []) as readonly bigint[]
  const hashes = (published.find(({ args }) => args.asOf === asOf)?.args.expiryHashes ?? []) as readonly string[]
  const surfaces = hashes.flatMap((hash): readonly ExpirySurface[] => {
    const expiry = expiries.get(hash)
    return expiry === undefined ? [] : [expiryMarketOf(expiry)]
  })
  const holdings = unpack('holdings', report.holdings[m] ?? 0n)
  const { account } = marginOfParts(
    {
      pricingPolicy: pricingPolicyOf(words),
      marginPolicy: marginPolicyOf(words),
      round: roundMarketOf(marketWords),
      surfaces: new Map(surfaces.map((surface) => [surface.expiry, surface])),
      positions: (report.positions[m] ?? []).map((word) => unpack('optionPosition', word)),
      holdings: { ...holdings, collateralsE12: new Array<bigint>(COLLATERALS).fill(0n) },
    },
    sizes,
  )
  return { book: account.book, holdings }
}

const sizeIn = (statement: string, name: string): number => {
  const build = portfolioBuilds.find((each) => each.statement === statement)
  return build === undefined ? 0 : sizeOf(build, name)
}
const sizes: MarginSizes = {
  strikes: sizeIn('riskArray', 'strikes'),
  segments: sizeIn('optionBook', 'segments'),
  expiries: sizeIn('optionBook', 'expiries'),
}

/** States the batch with the twin, and holds commitment and proof to it; undefined if it cannot be stated. */
async function derive(
  { build, verificationKey }: CrossAuditOptions,
  { chainId, registry, markets: all }: History,
  call: Call,
  given: {
    readonly accounts: readonly CrossAccount[]
    readonly markets: readonly CrossMarket[]
    readonly policy: CrossPolicy
    readonly shared: ClaimResult[]
  },
) {
  const { accounts, markets, policy, shared } = given
  const isWhole = accounts.length === call.accounts.length && markets.length === all.length
  shared.push(holdsIf(isWhole, 'L30', 'batch', 'accounts and markets that can be derived', accounts.length))
  if (!isWhole) return undefined
  try {
    const subject = [crossSubjectOf(roundIdsOf(all, call), call.accounts)]
    const context = { chainId, registry, modelId: call.batch.marginModelId, subject }
    const { stated, margins } = await stateCrossMargins(build, context, accounts, markets, policy)
    shared.push(compare('Q2', 'commitment', stated.commitment, call.batch.commitment))
    shared.push(await judgeProof('Q3', call.marginProof, stated.publicSignals, verificationKey))
    return margins
  } catch (error) {
    shared.push(failed('L30', 'margins', error))
    return undefined
  }
}

/** Ids under which the rounds of a call were published. */
const roundIdsOf = (markets: History['markets'], { marketRounds }: Call): readonly string[] =>
  markets.map(({ published }, m) => {
    const round = published.find(({ args }) => args.asOf === marketRounds[m]?.asOf)
    return (round?.args.roundId as string | undefined) ?? ZeroHash
  })

/** What the contract told of an account, or that it had nothing to do for it. */
function tellingOf(told: readonly Event[], { account, sequence, margins }: Item): readonly ClaimResult[] {
  const skipped = told.find(({ name, args }) => name === 'CrossMarginSkipped' && args.account === account)
  if (skipped !== undefined) return [compare('R29', 'CrossMarginSkipped.sequence', sequence, skipped.args.sequence)]
  const proven = told.find(({ name, args }) => name === 'CrossMarginProven' && args.account === account)
  return [
    compare('J1', 'CrossMarginProven.margins', margins, proven?.args.margins),
    compare('J1', 'CrossMarginProven.sequence', sequence, proven?.args.sequence),
  ]
}
