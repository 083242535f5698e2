/** Margins of accounts on a chain, read and moved. */
import {
  Contract,
  type ContractRunner,
  getAddress,
  type Log,
  type Provider,
  type Signer,
  type TransactionResponse,
  ZeroHash,
} from 'ethers'
import { ProverError } from '../../errors.ts'
import { type Units, unitsOfScale, unitsText, unitsWords } from '../../market/priceScale.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import { unpack, unpackElements } from '../../statement/words.ts'
import { COLLATERALS, type Fields } from '../../../circuits/statements/index.ts'
import { interfaceOf } from '../artifacts.ts'
import { checkChainId, logsBetween } from '../chain.ts'
import { type ClientOptions, NoSignerError, providerOf, RegistryMissingError } from '../connection.ts'
import { ask, ContractRevertError, RpcError } from '../contractErrors.ts'
import {
  type AccountBooks,
  arrayMarginCall,
  arraysCall,
  arraysWitnessCall,
  countCall,
  encodeRegistryCall,
  marginsCall,
  NOTHING_REPORTED,
  portfolioCall,
  type PortfolioContract,
  type ProvenPortfolio,
  type RegistryCall,
  type ReportedAccount,
  type ReportWords,
  subjectOf,
  witnessCall,
} from './calldata.ts'
import { type CountUnderWay, type OpenInterest, openInterestIn } from './openInterest.ts'
import { roundIdOf, type RoundWords } from './rounds.ts'

/** More than margins of a full batch take, and less than any chain lets one transaction have. */
const UNTRIED_GAS = 4_000_000n

/** Proven margins as consumers read them. */
export type ProvenMargin = {
  readonly initialE8: bigint
  readonly maintenanceE8: bigint
  readonly worstScenario: number
  readonly asOf: bigint
  readonly sequence: bigint
}

/** Proven thresholds as consumers read them, of the round and report of the account's margins. */
export type ProvenThresholds = {
  readonly liquidationDownE8: bigint
  readonly liquidationUpE8: bigint
  readonly defaultDownE8: bigint
  readonly defaultUpE8: bigint
  readonly defaultProbabilityX32: bigint
  readonly asOf: bigint
  readonly sequence: bigint
  /** k: levels of spot are prices of 10^k units of the asset. */
  readonly priceScale: bigint
}

/** What the venue last reported of an account, from its event. */
export type AccountReport = {
  readonly account: string
  readonly sequence: bigint
  readonly positions: readonly Fields<'optionPosition'>[]
  readonly holdings: Fields<'holdings'>
  /** One for each place of a round's collaterals. */
  readonly collateralAmountsE12: readonly bigint[]
}

const isLogBefore = (a: Log, b: Log): boolean =>
  a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.index < b.index)

/** A submission that landed. */
export type Landed = { readonly transactionHash: string; readonly block: number; readonly gasUsed: bigint }

/**
 * Reads and moves one portfolio registry.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const client = await PortfolioClient.connect({ registry, provider })
 * const refused = await client.margin(council.address).catch((error) => error)
 * refused.reason // → 'MarginNotYetProven'
 */
export class PortfolioClient {
  readonly provider: Provider
  readonly registry: string
  readonly chainId: bigint
  private readonly signer: Signer | undefined
  private readonly fromBlock: number
  private arraysAsked: Promise<string> | undefined
  private countsAsked: Promise<string> | undefined

  private constructor(provider: Provider, chainId: bigint, { registry, signer, fromBlock }: ClientOptions) {
    this.provider = provider
    this.chainId = chainId
    this.registry = getAddress(registry)
    this.signer = signer
    this.fromBlock = fromBlock ?? 0
  }

  /**
   * Connects to a portfolio registry.
   *
   * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RegistryMissingError}
   */
  static async connect(options: ClientOptions): Promise<PortfolioClient> {
    const provider = await providerOf(options)
    const doing = 'Connecting to the portfolio registry'
    const chainId = await ask(doing, async () => (await provider.getNetwork()).chainId)
    checkChainId(options.expectedChainId, chainId)
    const client = new PortfolioClient(provider, chainId, options)
    const code = await ask(doing, () => provider.getCode(client.registry))
    if (code === '0x') throw new RegistryMissingError(client.registry, chainId)
    return client
  }

  /** Contract that holds the arrays that its margins rest on, and their policy. */
  arrays(): Promise<string> {
    this.arraysAsked ??= this.read('arrays')
    return this.arraysAsked
  }

  /** Contract that adds up the open interest. */
  counts(): Promise<string> {
    this.countsAsked ??= this.read('counts')
    return this.countsAsked
  }

  /** Where rounds are taken from, and of which market. */
  async roundSource(): Promise<{ readonly rounds: string; readonly marketId: string }> {
    return { rounds: await this.readArrays('rounds'), marketId: await this.readArrays('marketId') }
  }

  /** Id of a round at the registry's source. */
  async roundId(round: RoundWords): Promise<string> {
    return roundIdOf(this.chainId, await this.readArrays('rounds'), round)
  }

  /** Where proofs of arrays belong. */
  async arrayContext(round: RoundWords, modelId: string): Promise<StatementContext> {
    return { chainId: this.chainId, registry: await this.arrays(), modelId, subject: [await this.roundId(round)] }
  }

  /** Where proofs about accounts belong: books about one account each, margins about all of a batch. */
  async accountContext(
    round: RoundWords,
    modelId: string,
    accounts: readonly ReportedAccount[],
  ): Promise<StatementContext> {
    const subject = subjectOf(await this.roundId(round), accounts)
    return { chainId: this.chainId, registry: this.registry, modelId, subject: [subject] }
  }

  /** How often the venue has reported an account, and the hash of its last report. */
  async account(account: string): Promise<ScaledAccount & { readonly bookHash: string }> {
    const { sequence, bookHash, priceScale } = await this.read('accountOf', account)
    return { account, sequence, bookHash, priceScale: Number(priceScale) }
  }

  /** k: the market's prices and strikes are of 10^k units of its asset, and quantities of it count as many. */
  async priceScale(): Promise<number> {
    return Number(await this.readArrays('priceScale'))
  }

  /**
   * k at which a complete count was counted: that in force when it was complete, which governance may have changed since.
   *
   * @param asOf - of the count
   * @param head - block up to which events are looked for
   */
  async priceScaleOfCount(asOf: bigint, head: number): Promise<number> {
    const [arrays, counts] = [interfaceOf('RiskArrays'), interfaceOf('OpenInterest')]
    const find = (address: string, topics: (string | string[] | null)[]): Promise<readonly Log[]> =>
      logsBetween(this.provider, { address, topics }, this.fromBlock, head)
    const sets = await find(await this.arrays(), arrays.encodeFilterTopics('RoundsSet', []))
    if (sets.length < 2) return this.priceScale()
    const told = await find(await this.counts(), counts.encodeFilterTopics('OpenInterestComplete', [asOf]))
    const end = told.at(-1)
    const set = end && sets.findLast((each) => isLogBefore(each, end))
    return set === undefined ? this.priceScale() : Number(arrays.parseLog(set)?.args.priceScale)
  }

  /**
   * Passes only if what is to be proven is at the scale in force: its prices, and what the venue has reported.
   *
   * @param priceScale - of the prices
   * @throws {@link PriceScaleNotInForceError}, {@link AccountAtAnotherScaleError}
   */
  async requireScale(priceScale: number, accounts: readonly ScaledAccount[]): Promise<void> {
    const inForce = await this.priceScale()
    if (priceScale !== inForce) throw new PriceScaleNotInForceError(this.registry, priceScale, inForce)
    const other = accounts.find((each) => each.sequence > 0n && each.priceScale !== inForce)
    if (other !== undefined) throw new AccountAtAnotherScaleError(other.account, other.priceScale, inForce)
  }

  /** Says at which scale reports are from now on, unless it has been said; the signer must be the venue. */
  async acceptPriceScale(priceScale: number): Promise<Landed | undefined> {
    const isAccepted = await this.readArrays('reportTerms').catch((error: unknown) => {
      if (error instanceof ContractRevertError && error.reason === 'PriceScaleNotInForce') return undefined
      throw error
    })
    if (isAccepted !== undefined) return undefined
    return this.land('Accepting a scale of prices', {
      contract: 'RiskArrays',
      method: 'acceptPriceScale',
      args: [priceScale],
    })
  }

  /**
   * What the venue last reported of an account.
   *
   * @throws {@link AccountUnreportedError} if it never has
   */
  async report(account: string): Promise<AccountReport> {
    const { sequence, words } = await this.lastReport(account)
    return reportIn(account, sequence, words)
  }

  private async lastReport(account: string): Promise<{ readonly sequence: bigint; readonly words: ReportWords }> {
    const registry = interfaceOf('PortfolioRegistry')
    const [reported, of] = registry.encodeFilterTopics('AccountReported', [account])
    const [replaced] = registry.encodeFilterTopics('AccountReplaced', [])
    const topics = [[reported, replaced].flatMap((topic) => topic ?? []), of ?? null]
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const logs = await logsBetween(this.provider, { address: this.registry, topics }, this.fromBlock, head)
    const last = logs.map(wordsIn).findLast(({ sequence }) => sequence !== 0n)
    if (last === undefined) throw new AccountUnreportedError(account, this.registry)
    return last
  }

  /** Policy in force: its version, and its words in the order of `IPortfolioPolicy.setPortfolioPolicy`. */
  async policy(): Promise<{ readonly version: bigint; readonly words: readonly bigint[] }> {
    const { version, words } = await this.readArrays('portfolioPolicy')
    return { version, words: [...words] }
  }

  /** Whether an array was proven for a round under the policy in force. */
  async isArrayAccepted(arrayRoot: bigint, asOf: bigint): Promise<boolean> {
    const record: bigint = await this.readArrays('arrayOf', arrayRoot)
    const { version } = await this.policy()
    return (record & ((1n << 64n) - 1n)) === (asOf | (version << 32n))
  }

  /** The same of an array of an expiry that margins may rest on: by a model that is still active. */
  async isArrayInForce(arrayRoot: bigint, asOf: bigint, expiry: bigint): Promise<boolean> {
    const { version } = await this.policy()
    try {
      await this.readArrays('requireArrays', asOf, version, ZeroHash, [arrayRoot, expiry])
      return true
    } catch (error) {
      if (error instanceof ContractRevertError) return false
      throw error
    }
  }

  /**
   * Margins in force, as whatever adds risk reads them.
   *
   * @throws {@link ContractRevertError} MarginNotYetProven, MarginStale, MarginOfOtherPositions
   */
  async margin(account: string): Promise<ProvenMargin> {
    return marginIn(await this.read('marginOf', account))
  }

  /** Margins as they were last proven, however old. @throws {@link ContractRevertError} MarginNotYetProven */
  async unsafeMargin(account: string): Promise<ProvenMargin> {
    const [proven] = await this.read('unsafeMargin', account)
    return marginIn(proven)
  }

  /** Thresholds of these. @throws {@link ContractRevertError} MarginNotYetProven, ThresholdsNotProven */
  async unsafeThresholds(account: string): Promise<ProvenThresholds> {
    const [proven] = await this.read('unsafeThresholds', account)
    return thresholdsIn(proven)
  }

  /**
   * Thresholds that were proven with the margins in force.
   *
   * @throws {@link ContractRevertError} as {@link PortfolioClient.margin} does, and ThresholdsNotProven if these margins were
   * proven alone
   */
  async thresholds(account: string): Promise<ProvenThresholds> {
    return thresholdsIn(await this.read('thresholdsOf', account))
  }

  /** Margins as whatever takes risk away reads them. */
  async marginForLiquidation(account: string): Promise<{
    readonly margin: ProvenMargin
    readonly liquidatable: boolean
    readonly ageSeconds: bigint
  }> {
    const { proven, liquidatable, ageSeconds } = await this.read('marginForLiquidation', account)
    return { margin: marginIn(proven), liquidatable, ageSeconds }
  }

  /**
   * What all accounts come to together, of the last complete count.
   *
   * @throws {@link ContractRevertError} OpenInterestNotComplete, OpenInterestStale
   */
  async openInterest(): Promise<OpenInterest> {
    return openInterestIn(await this.readCounts('openInterest'))
  }

  /** The count under way; undefined if there is none. */
  async countUnderWay(): Promise<CountUnderWay | undefined> {
    const { asOf, counted, accounts, openedAt, policyVersion } = await this.readCounts('openInterestUnderWay')
    return asOf === 0n ? undefined : { asOf, counted, accounts, openedAt, policyVersion }
  }

  /** Time of the round that was last counted, or is; 0 before the first. */
  async lastCounted(): Promise<bigint> {
    const underWay = await this.countUnderWay()
    if (underWay !== undefined) return underWay.asOf
    try {
      return openInterestIn((await this.readCounts('unsafeOpenInterest')).figures).asOf
    } catch (error) {
      if (error instanceof ContractRevertError && error.reason === 'OpenInterestNotComplete') return 0n
      throw error
    }
  }

  /** Accounts that the venue has ever reported, in the order in which it first did. */
  async reportedAccounts(head: number): Promise<readonly string[]> {
    const registry = interfaceOf('PortfolioRegistry')
    const topics = registry.encodeFilterTopics('AccountReported', [])
    const logs = await logsBetween(this.provider, { address: this.registry, topics }, this.fromBlock, head)
    return [...new Set(logs.map((log) => getAddress(`0x${log.topics[1]?.slice(-40) ?? ''}`)))]
  }

  /** Which report of an account the count under way still needs; 0 if none. */
  reportToCount(account: string): Promise<bigint> {
    return this.read('reportToCount', account)
  }

  /**
   * Opens a count of a fresh round: from here on every account whose margins of it land is counted, as it was last reported by now.
   *
   * @throws {@link ContractRevertError} CountUnderWay, CountNotLater, and what is refused of a round
   */
  openCount(round: RoundWords): Promise<Landed> {
    return this.land('Opening a count', countCall(round))
  }

  /** Lands proven arrays; see {@link arraysCall}. */
  submitArrays(round: RoundWords, modelId: string, arrays: readonly ProvenPortfolio[]): Promise<Landed> {
    return this.land('Submitting arrays', arraysCall(round, modelId, arrays))
  }

  /** Lands proven margins; see {@link portfolioCall}. */
  submitPortfolio(
    round: RoundWords,
    bookModelId: string,
    marginModelId: string,
    accounts: readonly AccountBooks[],
    margin: ProvenPortfolio,
  ): Promise<Landed> {
    return this.land('Submitting margins', portfolioCall(round, bookModelId, marginModelId, accounts, margin))
  }

  /** Lands one account's margins that were proven straight from arrays; see {@link arrayMarginCall}. */
  submitArrayMargin(
    round: RoundWords,
    arrayModelId: string,
    marginModelId: string,
    account: ReportedAccount,
    margin: ProvenPortfolio,
  ): Promise<Landed> {
    const call = arrayMarginCall(round, arrayModelId, marginModelId, account, margin)
    return this.land('Submitting margins from arrays', call)
  }

  /** Lands margins that were proven alone; see {@link marginsCall}. */
  submitMargins(
    round: RoundWords,
    bookModelId: string,
    marginModelId: string,
    accounts: readonly AccountBooks[],
    margin: ProvenPortfolio,
  ): Promise<Landed> {
    return this.land('Submitting margins alone', marginsCall(round, bookModelId, marginModelId, accounts, margin))
  }

  /**
   * Lands a witness that an account is below maintenance, whatever little the venue has reported of it since the report that
   * the witness is about; see {@link witnessCall}.
   *
   * @throws {@link ContractRevertError} AccountChanged if the account may be better off by now than it was short of
   */
  async proveUnhealthy(
    round: RoundWords,
    bookModelId: string,
    witnessModelId: string,
    account: AccountBooks,
    witness: ProvenPortfolio,
  ): Promise<Landed> {
    const present = await this.#presentFor(account)
    return this.land('Submitting a witness', witnessCall(round, bookModelId, witnessModelId, account, witness, present))
  }

  /**
   * The same of a witness straight from arrays, which takes no proofs of books; see {@link arraysWitnessCall}.
   *
   * @throws {@link ContractRevertError} AccountChanged if the account may be better off by now than it was short of
   */
  async proveUnhealthyByArrays(
    round: RoundWords,
    arrayModelId: string,
    witnessModelId: string,
    account: ReportedAccount,
    witness: ProvenPortfolio,
  ): Promise<Landed> {
    const present = await this.#presentFor(account)
    const call = arraysWitnessCall(round, arrayModelId, witnessModelId, account, witness, present)
    return this.land('Submitting a witness from arrays', call)
  }

  /** What the venue reported last, if a witness is about an earlier report. */
  async #presentFor({ account, sequence }: ReportedAccount): Promise<ReportWords | undefined> {
    const last = await this.account(account)
    return last.sequence === sequence ? undefined : (await this.lastReport(account)).words
  }

  /** Reports what an account holds; the signer must be the venue. */
  reportAccount(
    account: string,
    positions: readonly bigint[],
    holdings: bigint,
    collateralAmounts: readonly bigint[],
  ): Promise<Landed> {
    const args = [account, positions, holdings, collateralAmounts]
    return this.land('Reporting an account', { contract: 'PortfolioRegistry', method: 'reportAccount', args })
  }

  /**
   * Simulates a call, sends it, waits for it.
   *
   * @throws {@link NoSignerError} if the client has nobody to sign
   * @throws {@link ContractRevertError} with the contract's custom error by name and arguments
   */
  private async land(doing: string, call: RegistryCall): Promise<Landed> {
    const { signer } = this
    if (signer === undefined) throw new NoSignerError()
    const to = await this.addressOf(call.contract)
    const transaction = { to, data: encodeRegistryCall(call) }
    return ask(doing, async () => {
      await this.provider.call({ ...transaction, from: await signer.getAddress() })
      const receipt = await (await signer.sendTransaction(transaction)).wait()
      if (receipt === null) throw new RpcError(doing, new Error('the transaction was not mined'))
      return { transactionHash: receipt.hash, block: receipt.blockNumber, gasUsed: receipt.gasUsed }
    })
  }

  /**
   * Lands arrays, and then margins that rest on them, each sent before the one before it is mined: one block may take all of them.
   *
   * @throws {@link ContractRevertError} if the arrays would be refused; {@link RpcError} if something was, of what no trial was possible
   */
  async landTogether(calls: readonly RegistryCall[]): Promise<readonly Landed[]> {
    const { signer } = this
    if (signer === undefined) throw new NoSignerError()
    const doing = 'Submitting arrays and margins together'
    return ask(doing, async () => {
      const from = await signer.getAddress()
      const first = await signer.getNonce('pending')
      const sent: TransactionResponse[] = []
      for (const [i, call] of calls.entries()) {
        const transaction = { to: await this.addressOf(call.contract), data: encodeRegistryCall(call), from }
        // Before the arrays are in force, no node can say what margins over them would take.
        const isTried = call.contract === 'RiskArrays'
        const gasLimit = isTried ? await this.provider.estimateGas(transaction) : UNTRIED_GAS
        sent.push(await signer.sendTransaction({ ...transaction, nonce: first + i, gasLimit }))
      }
      const receipts = await Promise.all(sent.map((each) => each.wait()))
      return receipts.map((receipt) => {
        if (receipt === null) throw new RpcError(doing, new Error('a transaction was not mined'))
        return { transactionHash: receipt.hash, block: receipt.blockNumber, gasUsed: receipt.gasUsed }
      })
    })
  }

  private read(method: string, ...args: readonly unknown[]) {
    return this.readOf('PortfolioRegistry', this.registry, method, args)
  }

  private async readArrays(method: string, ...args: readonly unknown[]) {
    return this.readOf('RiskArrays', await this.arrays(), method, args)
  }

  /** Where calls of one of its contracts go. */
  async addressOf(contract: RegistryCall['contract']): Promise<string> {
    if (contract === 'PortfolioRegistry') return this.registry
    return contract === 'RiskArrays' ? this.arrays() : this.counts()
  }

  private async readCounts(method: string) {
    return this.readOf('OpenInterest', await this.counts(), method, [])
  }

  private readOf(name: PortfolioContract | 'OpenInterest', address: string, method: string, args: readonly unknown[]) {
    const contract = new Contract(address, interfaceOf(name), this.provider as ContractRunner)
    return ask(`Reading ${method}`, () => contract.getFunction(method)(...args))
  }
}

/** A margin as the contract answers. */
export function marginIn(margin: Record<keyof ProvenMargin, bigint>): ProvenMargin {
  const { initialE8, maintenanceE8, worstScenario, asOf, sequence } = margin
  return { initialE8, maintenanceE8, worstScenario: Number(worstScenario), asOf, sequence }
}

/** Thresholds as the contract answers. */
export function thresholdsIn(thresholds: ProvenThresholds): ProvenThresholds {
  const { liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8 } = thresholds
  const { defaultProbabilityX32, asOf, sequence, priceScale } = thresholds
  const levels = { liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8 }
  return { ...levels, defaultProbabilityX32, asOf, sequence, priceScale }
}

/** What an event of the venue's report says. @throws {@link RpcError} if it is another event */
export function wordsIn(log: Log): { readonly sequence: bigint; readonly words: ReportWords } {
  const parsed = interfaceOf('PortfolioRegistry').parseLog(log)
  if (parsed === null) throw new RpcError('Reading a report', new Error('the node answered with another event'))
  const { sequence, positions, holdings, collateralAmounts } = parsed.args
  if (parsed.name === 'AccountReplaced') return { sequence, words: NOTHING_REPORTED }
  return { sequence, words: { positions: [...positions], holdings, collateralAmounts: [...collateralAmounts] } }
}

const reportIn = (account: string, sequence: bigint, words: ReportWords): AccountReport => ({
  account,
  sequence,
  positions: words.positions.map((word) => unpack('optionPosition', word)),
  holdings: unpack('holdings', words.holdings),
  collateralAmountsE12: unpackElements('collateralAmount', words.collateralAmounts, COLLATERALS).map(
    ({ amountE12 }) => amountE12,
  ),
})

/** A report of an account, with the scale of its strikes and quantities. */
export type ScaledAccount = ReportedAccount & { readonly priceScale: number }

/** What is to be proven has prices at another scale than the market. */
export class PriceScaleNotInForceError extends ProverError {
  readonly code = 'registry.price-scale-not-in-force'
  readonly registry: string
  readonly units: string
  readonly unitsInForce: string

  constructor(registry: string, scale: number, inForce: number) {
    const [given, wanted] = [scale, inForce].map(unitsOfScale) as [Units, Units]
    super(
      `Expected prices of ${unitsWords(wanted)}, as the market of ${registry} is governed in, got prices of ${unitsWords(given)}. ` +
        `Prove it again with priceUnits ${unitsText(wanted)} in its market, or have the council set rounds of another scale.`,
    )
    this.registry = registry
    this.units = unitsText(given)
    this.unitsInForce = unitsText(wanted)
  }
}

/** The venue has reported an account at another scale than the market's by now. */
export class AccountAtAnotherScaleError extends ProverError {
  readonly code = 'registry.account-at-another-scale'
  readonly account: string
  readonly units: string
  readonly unitsInForce: string

  constructor(account: string, reported: number, inForce: number) {
    const [given, wanted] = [reported, inForce].map(unitsOfScale) as [Units, Units]
    super(
      `Expected strikes and quantities of ${account} in ${unitsWords(wanted)}, as its market is governed in by now, ` +
        `the venue has reported them in ${unitsWords(given)}. Have the venue accept the scale and report the account again.`,
    )
    this.account = account
    this.units = unitsText(given)
    this.unitsInForce = unitsText(wanted)
  }
}

/** The venue has never reported this account. */
export class AccountUnreportedError extends ProverError {
  readonly code = 'registry.account-unreported'
  readonly account: string

  constructor(account: string, registry: string) {
    super(`The venue has never reported account ${account} to ${registry}. Report it first.`)
    this.account = account
  }
}
