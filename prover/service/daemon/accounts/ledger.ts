/**
 * What the chain tells of accounts, followed block by block: policy and freshness in force, rounds published, arrays in force with
 * their strikes, what the venue reported of each account, and what was proven of it.
 */
import { type Block, Contract, type Log, type Provider } from 'ethers'
import type { Fields } from '../../../../circuits/statements/index.ts'
import { decodeProvingCall, strikesOf, strikeWordCount } from '../../../audit/portfolio/calls.ts'
import { interfaceOf } from '../../../registry/artifacts.ts'
import { callsIn, SubmissionHiddenError } from '../../../registry/calls.ts'
import { logsBetween } from '../../../registry/chain.ts'
import { isModelActive } from '../../../registry/models.ts'
import { ask } from '../../../registry/contractErrors.ts'
import type { ReportWords } from '../../../registry/portfolio/calldata.ts'
import { type PortfolioClient, wordsIn } from '../../../registry/portfolio/client.ts'
import type { PortfolioFreshness } from '../../../registry/portfolio/deploy.ts'
import { hasPositions, type OpenInterest, openInterestIn } from '../../../registry/portfolio/openInterest.ts'
import { unpack } from '../../../statement/words.ts'
import { ShownBlocks } from './shownBlocks.ts'

/** A round as its source keeps it: hashes, of words that somebody has. */
export type PublishedRound = {
  readonly asOf: bigint
  readonly roundId: string
  readonly marketHash: string
  readonly expiryHashes: readonly string[]
}

/** An array that the registry holds. */
export type HeldArray = {
  readonly root: bigint
  readonly asOf: bigint
  readonly expiry: bigint
  readonly policyVersion: bigint
  /** Undefined where the node does not show the call that brought it, or another model proved it. */
  readonly strikesE8: readonly bigint[] | undefined
}

/** Margins as they were last proven of an account. */
export type LastMargin = {
  readonly asOf: bigint
  readonly sequence: bigint
  readonly margins: Fields<'accountMargins'>
  /** Undefined where they were proven alone. */
  readonly thresholds: Fields<'accountThresholds'> | undefined
}

/** An account as the chain has it. */
export type AccountOnChain = {
  readonly account: string
  readonly sequence: bigint
  readonly words: ReportWords
  /** Block of the report. */
  readonly reportedIn: number
  /** Unix milliseconds at which this process first saw the report: somebody waits for its margin since then, or longer. */
  readonly seenAt: number
  readonly margin: LastMargin | undefined
  /** Shown to be below maintenance, and not shown healthy since. */
  readonly isUnhealthy: boolean
}

/** The chain's newest block, and what the registry takes there. */
export type Terms = {
  readonly block: number
  /** Unix seconds. */
  readonly time: bigint
  readonly policyVersion: bigint
  readonly policyWords: readonly bigint[]
  readonly freshness: PortfolioFreshness
  readonly priceScale: number
  /** Whether the registry takes margins straight from arrays by the model that is at hand. */
  readonly takesArrayMargins: boolean
  readonly source: string
  readonly marketId: string
}

/** Words that calls on the chain have shown, of rounds. */
export type ShownWords = { readonly market: readonly bigint[]; readonly expiries: readonly (readonly bigint[])[] }

export type LedgerOptions = {
  readonly client: PortfolioClient
  readonly fromBlock: number
  /** That arrays are proven by here, and how many strikes each of them has. */
  readonly arrayModel: { readonly modelId: string; readonly strikes: number } | undefined
  /** That margins straight from arrays are proven by here, if any. */
  readonly arrayMarginModelId?: string | undefined
  /** Is told of words of rounds that calls show. */
  readonly onWords: (shown: ShownWords) => void
}

/** Rounds that are remembered, with their arrays. */
const MOST_ROUNDS = 256
/** Reports of an account that are remembered: a count needs that of its cut-off. */
const MOST_REPORTS = 8

type Tip = { readonly number: number; readonly hash: string | null }

export class AccountsOnChain {
  private readonly options: LedgerOptions
  private readonly provider: Provider
  private tip: Tip | undefined
  private last: Terms | undefined
  private readonly held = new Map<string, AccountOnChain>()
  private readonly reports = new Map<string, { readonly sequence: bigint; readonly words: ReportWords }[]>()
  private readonly published = new Map<bigint, PublishedRound>()
  private readonly accepted = new Map<bigint, HeldArray>()
  private counted: OpenInterest | undefined
  /** Batches that landed, by the time of their round. */
  private readonly batches = new Map<bigint, number>()
  private timesForgotten = 0
  /** Fixed for ever in the registry's code. */
  private models: string | undefined
  private readonly shown = new ShownBlocks()

  constructor(options: LedgerOptions) {
    this.options = options
    this.provider = options.client.provider
  }

  /** How many accounts were shown to be below maintenance from a time on, as far as they are remembered. */
  shownSince(time: bigint): Promise<number> {
    return this.shown.since(
      time,
      async (block) => (await ask('Reading a block', () => this.provider.getBlock(block)))?.timestamp,
    )
  }

  /** Every account that was ever reported. */
  get accounts(): readonly AccountOnChain[] {
    return [...this.held.values()]
  }

  account(address: string): AccountOnChain | undefined {
    return this.held.get(address)
  }

  /** An account's report by its number, if it is remembered. */
  report(address: string, sequence: bigint): ReportWords | undefined {
    return this.reports.get(address)?.find((each) => each.sequence === sequence)?.words
  }

  /** Whether a count may need an account: it has positions in a report that is remembered, or earlier ones are not. */
  mayBeCounted(address: string): boolean {
    const kept = this.reports.get(address) ?? []
    return kept.length === MOST_REPORTS || kept.some(({ words }) => hasPositions(words))
  }

  /** How often the chain was read anew, what was known of it forgotten. */
  get readings(): number {
    return this.timesForgotten
  }

  /** Changes whenever a batch of a round has landed, which alone counts accounts: also those whose margins it does not put in force. */
  batchesOf(asOf: bigint): string {
    return `${this.timesForgotten} ${this.batches.get(asOf) ?? 0}`
  }

  /** Newest first. */
  get rounds(): readonly PublishedRound[] {
    return [...this.published.values()].toSorted((a, b) => Number(b.asOf - a.asOf))
  }

  /** Arrays of a round under the policy in force. */
  arraysOf(asOf: bigint): readonly HeldArray[] {
    const version = this.last?.policyVersion
    return [...this.accepted.values()].filter((each) => each.asOf === asOf && each.policyVersion === version)
  }

  isArrayHeld(root: bigint, asOf: bigint): boolean {
    const array = this.accepted.get(root)
    return array?.asOf === asOf && array.policyVersion === this.last?.policyVersion
  }

  /** The last count that was completed. */
  get openInterest(): OpenInterest | undefined {
    return this.counted
  }

  /**
   * Takes over what happened since it was last asked; begins anew where the chain was reorganised.
   *
   * @throws {@link RpcError}
   */
  async follow(): Promise<Terms> {
    const head = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    if (head === null) throw new RangeError('A chain has a first block.')
    if (this.last !== undefined && this.tip?.hash === head.hash) return this.last
    if (await this.wasReorganised()) this.forget()
    const terms = await this.termsAt(head)
    if (this.last !== undefined && this.last.source !== terms.source) this.forget()
    const from = (this.tip?.number ?? this.options.fromBlock - 1) + 1
    await this.takeOver(terms, from, head.number)
    this.prune()
    this.tip = { number: head.number, hash: head.hash }
    this.last = terms
    return terms
  }

  private async termsAt(head: Block): Promise<Terms> {
    const { client, arrayMarginModelId } = this.options
    const arrays = new Contract(await client.arrays(), interfaceOf('RiskArrays'), this.provider)
    const read = (method: string) => ask(`Reading ${method}`, () => arrays.getFunction(method)())
    const { version, words } = await client.policy()
    const { rounds: source, marketId } = await client.roundSource()
    const { maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds } = await read('portfolioFreshness')
    const takesArrayMargins =
      arrayMarginModelId !== undefined &&
      (await isModelActive(this.provider, await this.modelRegistry(), arrayMarginModelId, 'arrayMargin'))
    return {
      ...{ block: head.number, time: BigInt(head.timestamp), policyVersion: version, policyWords: words },
      ...{ freshness: { maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds }, source, marketId },
      ...{ priceScale: await client.priceScale(), takesArrayMargins },
    }
  }

  private async modelRegistry(): Promise<string> {
    const registry = new Contract(this.options.client.registry, interfaceOf('PortfolioRegistry'), this.provider)
    this.models ??= await ask<string>('Reading models', () => registry.getFunction('models')())
    return this.models
  }

  private async wasReorganised(): Promise<boolean> {
    const { tip } = this
    if (tip === undefined) return false
    return (await ask('Reading a block', () => this.provider.getBlock(tip.number)))?.hash !== tip.hash
  }

  private forget(): void {
    for (const each of [this.held, this.reports, this.published, this.accepted, this.batches]) each.clear()
    this.timesForgotten++
    this.shown.clear()
    this.counted = undefined
    this.tip = undefined
  }

  private async takeOver({ source, marketId }: Terms, from: number, to: number): Promise<void> {
    const { client } = this.options
    const address = [client.registry, await client.arrays(), await client.counts(), source]
    const logs = await logsBetween(this.provider, { address, topics: [followedTopics()] }, from, to)
    for (const log of logs) if (log.address === source) this.takeRound(log, marketId)
    // Each call is asked for by itself: after months that would be all that ever brought arrays.
    const oldest = this.rounds[MOST_ROUNDS - 1]?.asOf ?? -1n
    const arrays = logs.filter((log) => isArrayLog(log) && asOfArray(log) >= oldest)
    for (const [hash, accepted] of Map.groupBy(arrays, (log) => log.transactionHash)) {
      await this.takeArrays(hash, accepted)
    }
    for (const log of logs) {
      if (log.address === client.registry) this.takeAccount(log)
      else if (log.topics[0] === completeTopic()) this.takeCount(log)
    }
  }

  private takeRound(log: Log, ofMarket: string): void {
    const parsed = interfaceOf('AttestedRounds').parseLog(log)
    if (parsed === null || parsed.args.marketId !== ofMarket) return
    const { asOf, roundId, marketHash, expiryHashes } = parsed.args
    this.published.set(asOf, { asOf, roundId, marketHash, expiryHashes: [...expiryHashes] })
  }

  private takeCount(log: Log): void {
    const parsed = interfaceOf('OpenInterest').parseLog(log)
    if (parsed !== null) this.counted = openInterestIn(parsed.args.figures)
  }

  private takeAccount(log: Log): void {
    const parsed = interfaceOf('PortfolioRegistry').parseLog(log)
    if (parsed === null) return
    const { account, asOf, sequence } = parsed.args
    if (parsed.name === 'PortfolioAccepted') this.batches.set(asOf, (this.batches.get(asOf) ?? 0) + 1)
    if (parsed.name === 'AccountReported') this.takeReport(account, log)
    if (parsed.name === 'AccountReplaced') this.takeLeft(parsed.args.previous, log)
    const known = this.held.get(account)
    if (known === undefined) return
    const isBelow = parsed.name === 'MarginProven' && unpack('accountMargins', parsed.args.margins).maintenanceE8 < 0n
    if (!known.isUnhealthy && (isBelow || parsed.name === 'AccountUnhealthy')) this.shown.add(log.blockNumber)
    if (parsed.name === 'AccountUnhealthy') this.held.set(account, { ...known, isUnhealthy: true })
    if (parsed.name === 'AccountCleared') this.held.set(account, { ...known, isUnhealthy: false })
    if (parsed.name !== 'MarginProven' && parsed.name !== 'MarginProvenAlone') return
    const margins = unpack('accountMargins', parsed.args.margins)
    const thresholds = parsed.name === 'MarginProven' ? unpack('accountThresholds', parsed.args.thresholds) : undefined
    const margin = { asOf, sequence, margins, thresholds }
    this.held.set(account, { ...known, margin, isUnhealthy: known.isUnhealthy || margins.maintenanceE8 < 0n })
  }

  private takeReport(account: string, log: Log): void {
    const { sequence, words } = wordsIn(log)
    const known = this.held.get(account)
    const before = { margin: known?.margin, isUnhealthy: known?.isUnhealthy ?? false }
    const since = { reportedIn: log.blockNumber, seenAt: Date.now() }
    this.held.set(account, { account, sequence, words, ...since, ...before })
    const kept = this.reports.get(account) ?? []
    this.reports.set(account, [{ sequence, words }, ...kept].slice(0, MOST_REPORTS))
  }

  /** Its place was taken, or what it would have held came to nothing: only a count that began before may need what it held. */
  private takeLeft(account: string, log: Log): void {
    if (!this.held.has(account)) return
    this.takeReport(account, log)
    this.held.set(account, { ...(this.held.get(account) as AccountOnChain), isUnhealthy: false })
  }

  /** Arrays of one transaction, with their strikes where its call can be read. */
  private async takeArrays(transactionHash: string, logs: readonly Log[]): Promise<void> {
    const strikes = await this.strikesIn(transactionHash)
    for (const log of logs) {
      const parsed = interfaceOf('RiskArrays').parseLog(log)
      if (parsed === null) continue
      const { arrayRoot: root, asOf, expiry, policyVersion } = parsed.args
      this.accepted.set(root, { root, asOf, expiry, policyVersion, strikesE8: strikes.get(root) })
    }
  }

  private async strikesIn(transactionHash: string): Promise<ReadonlyMap<bigint, readonly bigint[]>> {
    const { client, arrayModel, onWords } = this.options
    const contract = await client.arrays()
    const isArrays = (calldata: string): boolean => decodeProvingCall(calldata)?.method === 'submitArrays'
    const calls = await callsIn(this.provider, [contract], transactionHash, isArrays).catch((error: unknown) => {
      if (error instanceof SubmissionHiddenError) return []
      throw error
    })
    const found = new Map<bigint, readonly bigint[]>()
    for (const call of calls.map(decodeProvingCall)) {
      if (call?.method !== 'submitArrays') continue
      onWords({ market: call.marketWords, expiries: call.arrays.map(({ expiryWords }) => expiryWords) })
      if (call.modelId !== arrayModel?.modelId) continue
      const words = strikeWordCount(arrayModel.strikes)
      for (const [i, { arrayRoot }] of call.arrays.entries()) {
        found.set(arrayRoot, strikesOf(call.strikeWords.slice(words * i, words * (i + 1)), arrayModel.strikes))
      }
    }
    return found
  }

  /** Rounds that nothing can rest on any more, and their arrays. */
  private prune(): void {
    const old = this.rounds.slice(MOST_ROUNDS)
    for (const { asOf } of old) this.published.delete(asOf)
    const oldest = old[0]?.asOf ?? -1n
    for (const asOf of this.batches.keys()) if (asOf <= oldest) this.batches.delete(asOf)
    for (const { root, asOf } of this.accepted.values()) if (asOf <= oldest) this.accepted.delete(root)
  }
}

const topicOf = (contract: 'PortfolioRegistry' | 'RiskArrays' | 'AttestedRounds' | 'OpenInterest', event: string) =>
  interfaceOf(contract).getEvent(event)?.topicHash ?? ''
const completeTopic = (): string => topicOf('OpenInterest', 'OpenInterestComplete')
const asOfArray = ({ topics }: Log): bigint => BigInt(topics[2] ?? 0)
const isArrayLog = ({ topics }: Log): boolean => topics[0] === topicOf('RiskArrays', 'ArrayAccepted')

function followedTopics(): string[] {
  const ofMargins = ['MarginProven', 'MarginProvenAlone', 'AccountUnhealthy', 'AccountCleared']
  const ofAccounts = ['AccountReported', 'AccountReplaced', 'PortfolioAccepted', ...ofMargins]
  return [
    ...ofAccounts.map((event) => topicOf('PortfolioRegistry', event)),
    topicOf('RiskArrays', 'ArrayAccepted'),
    topicOf('AttestedRounds', 'RoundPublished'),
    completeTopic(),
  ]
}
