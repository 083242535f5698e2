/** Margins of accounts over several markets on a chain, read and moved. */
import { Contract, type ContractRunner, getAddress, type Log, type Provider, type Signer, ZeroHash } from 'ethers'
import type { StatementContext } from '../../statement/challenge.ts'
import { type ContractName, interfaceOf } from '../artifacts.ts'
import { checkChainId, logsBetween } from '../chain.ts'
import {
  askWhetherRegistry,
  type ClientOptions,
  NoSignerError,
  providerOf,
  RegistryMissingError,
} from '../connection.ts'
import { ask, ContractRevertError } from '../contractErrors.ts'
import { arraysCall, type ProvenPortfolio, type ReportedAccount, roundArgument } from './calldata.ts'
import { AccountAtAnotherScaleError, PriceScaleNotInForceError } from './client.ts'
import {
  type CrossBooks,
  type CrossCall,
  crossMarginsCall,
  crossReportCall,
  type CrossReportWords,
  crossSubjectOf,
  partSubjectOf,
} from './cross.ts'
import { roundIdOf, type RoundWords } from './rounds.ts'

/** Proven margins over several markets, as the contract answers. */
export type ProvenCrossMargin = {
  readonly initialE8: bigint
  readonly maintenanceE8: bigint
  readonly worstScenarios: bigint
  readonly asOf: bigint
  readonly sequence: bigint
}

/** One market of a registry: its arrays, its id, where its rounds come from, and k of its prices. */
export type CrossMarketPlace = {
  readonly arrays: string
  readonly marketId: string
  readonly rounds: string
  readonly priceScale: number
}

/** What governance set of one market or of all. */
export type PolicyInForce = { readonly version: bigint; readonly words: readonly bigint[] }

/** Reads and moves one registry of margins over several markets. */
export class CrossClient {
  readonly provider: Provider
  readonly registry: string
  readonly chainId: bigint
  /** In the registry's order, as they were when this client connected. */
  readonly markets: readonly CrossMarketPlace[]
  private readonly signer: Signer | undefined
  private readonly fromBlock: number

  private constructor(
    provider: Provider,
    chainId: bigint,
    markets: readonly CrossMarketPlace[],
    { registry, signer, fromBlock }: ClientOptions,
  ) {
    this.provider = provider
    this.chainId = chainId
    this.registry = getAddress(registry)
    this.markets = markets
    this.signer = signer
    this.fromBlock = fromBlock ?? 0
  }

  /**
   * Connects to a registry of margins over several markets.
   *
   * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RegistryMissingError}, {@link NotThisRegistryError}
   */
  static async connect(options: ClientOptions): Promise<CrossClient> {
    const provider = await providerOf(options)
    const doing = 'Connecting to the registry of margins over several markets'
    const chainId = await ask(doing, async () => (await provider.getNetwork()).chainId)
    checkChainId(options.expectedChainId, chainId)
    const registry = getAddress(options.registry)
    if ((await ask(doing, () => provider.getCode(registry))) === '0x') throw new RegistryMissingError(registry, chainId)
    const contract = new Contract(registry, interfaceOf('CrossMarginRegistry'), provider)
    const arrays: readonly string[] = await askWhetherRegistry(
      registry,
      'registry of margins over several markets',
      () => contract.getFunction('marketArrays')(),
    )
    const markets = await Promise.all([...arrays].map((each) => placeOf(provider, each)))
    return new CrossClient(provider, chainId, markets, options)
  }

  /** The same registry, moved by another signer. */
  as(signer: Signer): CrossClient {
    const { provider, chainId, markets, registry, fromBlock } = this
    return new CrossClient(provider, chainId, markets, { registry, signer, fromBlock })
  }

  /** Where models are listed. */
  modelRegistry(): Promise<string> {
    return this.read('models')
  }

  roundId(round: RoundWords): string {
    const market = this.markets.find(({ marketId }) => marketId === round.marketId)
    return roundIdOf(this.chainId, market?.rounds ?? '', round)
  }

  /** Where proofs of a market's arrays belong. */
  arrayContext(market: number, round: RoundWords, modelId: string): StatementContext {
    return { chainId: this.chainId, registry: this.arraysOf(market), modelId, subject: [this.roundId(round)] }
  }

  /** Where proofs of an account's books in one market belong. */
  partContext(round: RoundWords, modelId: string, account: ReportedAccount): StatementContext {
    const { chainId, registry } = this
    return { chainId, registry, modelId, subject: [partSubjectOf(this.roundId(round), account)] }
  }

  /** Where proofs of margins belong. */
  marginContext(
    rounds: readonly RoundWords[],
    modelId: string,
    accounts: readonly ReportedAccount[],
  ): StatementContext {
    const { chainId, registry } = this
    const roundIds = rounds.map((round) => this.roundId(round))
    return { chainId, registry, modelId, subject: [crossSubjectOf(roundIds, accounts)] }
  }

  /** How often the venue has reported an account, and the hash of its last report. */
  async account(account: string): Promise<ReportedAccount & { readonly bookHash: string }> {
    const { sequence, bookHash } = await this.read('crossAccountOf', account)
    return { account, sequence, bookHash }
  }

  /** Margins in force. @throws {@link ContractRevertError} */
  async margin(account: string): Promise<ProvenCrossMargin> {
    const { initialE8, maintenanceE8, worstScenarios, asOf, sequence } = await this.read('crossMarginOf', account)
    return { initialE8, maintenanceE8, worstScenarios, asOf, sequence }
  }

  /** Last proven margins, however old; undefined before the first. */
  async lastMargin(account: string): Promise<ProvenCrossMargin | undefined> {
    try {
      const { proven } = await this.read('unsafeCrossMargin', account)
      const { initialE8, maintenanceE8, worstScenarios, asOf, sequence } = proven
      return { initialE8, maintenanceE8, worstScenarios, asOf, sequence }
    } catch (error) {
      if (error instanceof ContractRevertError && error.reason === 'CrossMarginNotYetProven') return undefined
      throw error
    }
  }

  /** Policy in force of a market. */
  async policy(market: number): Promise<PolicyInForce> {
    const { version, words } = await this.readArrays(market, 'portfolioPolicy')
    return { version, words: [...words] }
  }

  /** Policy in force of all markets together. */
  async crossPolicy(): Promise<{ readonly words: readonly bigint[]; readonly maxRoundsApartSeconds: bigint }> {
    const { words, maxRoundsApartSeconds } = await this.read('crossPolicy')
    return { words: [...words], maxRoundsApartSeconds }
  }

  /** Whether a market's array is in force: of a round and the policy of now, by a model that is active. */
  async isArrayInForce(market: number, arrayRoot: bigint, asOf: bigint, expiry: bigint): Promise<boolean> {
    const { version } = await this.policy(market)
    try {
      await this.readArrays(market, 'requireArrays', asOf, version, ZeroHash, [arrayRoot, expiry])
      return true
    } catch (error) {
      if (error instanceof ContractRevertError) return false
      throw error
    }
  }

  /** Passes for a round that margins may be proven of now. @throws {@link ContractRevertError} RoundUnknown, RoundStale, RoundOvertaken, RoundPricesApart */
  async requireRound(market: number, round: RoundWords): Promise<void> {
    const { asOf, marketWords, expiriesHash } = roundArgument(round)
    await this.readArrays(market, 'requireRound', asOf, marketWords, expiriesHash, false)
  }

  /**
   * Prices of each market are at its scale, and so is what the venue last reported of an account.
   *
   * @throws {@link PriceScaleNotInForceError}, {@link AccountAtAnotherScaleError}
   */
  async requireScales(priceScales: readonly number[], account?: string): Promise<void> {
    for (const [m, { priceScale, arrays }] of this.markets.entries()) {
      const given = priceScales[m] ?? 0
      if (given !== priceScale) throw new PriceScaleNotInForceError(arrays, given, priceScale)
    }
    const reported = account === undefined ? undefined : await this.scalesOfReport(account)
    const other = this.markets.findIndex(({ priceScale }, m) => (reported?.[m] ?? priceScale) !== priceScale)
    if (account !== undefined && other >= 0) {
      throw new AccountAtAnotherScaleError(account, reported?.[other] ?? 0, this.markets[other]?.priceScale ?? 0)
    }
  }

  /** k of each market when the venue last reported an account; undefined if it never has. */
  private async scalesOfReport(account: string): Promise<readonly number[] | undefined> {
    const topics = interfaceOf('CrossMarginRegistry').encodeFilterTopics('CrossAccountReported', [account])
    const last = (await this.logsOf(this.registry, topics)).at(-1)
    if (last === undefined) return undefined
    const ofArrays = interfaceOf('RiskArrays')
    return Promise.all(
      this.markets.map(async ({ arrays, priceScale }) => {
        const sets = await this.logsOf(arrays, ofArrays.encodeFilterTopics('RoundsSet', []))
        const inForce = sets.findLast(
          ({ blockNumber, index }) =>
            blockNumber < last.blockNumber || (blockNumber === last.blockNumber && index < last.index),
        )
        return inForce === undefined ? priceScale : Number(ofArrays.parseLog(inForce)?.args.getValue('priceScale'))
      }),
    )
  }

  /** Says at which scales reports are from now on, of each market that has not been told; the signer must be the venue. */
  async acceptPriceScales(): Promise<void> {
    for (const [m, { arrays, priceScale }] of this.markets.entries()) {
      try {
        await this.readArrays(m, 'reportTerms')
      } catch (error) {
        if (!(error instanceof ContractRevertError) || error.reason !== 'PriceScaleNotInForce') throw error
        await this.send('RiskArrays', arrays, 'acceptPriceScale', [priceScale])
      }
    }
  }

  /** Reports what an account holds; the signer must be the venue. @returns gas used */
  report(account: string, words: CrossReportWords): Promise<bigint> {
    return this.land(crossReportCall(account, words))
  }

  /** Lands proven arrays of a market. @returns gas used */
  submitArrays(
    market: number,
    round: RoundWords,
    modelId: string,
    arrays: readonly ProvenPortfolio[],
  ): Promise<bigint> {
    const { method, args } = arraysCall(round, modelId, arrays)
    return this.send('RiskArrays', this.arraysOf(market), method, args)
  }

  /** Lands proven margins; see {@link crossMarginsCall}. @returns gas used */
  submit(
    rounds: readonly RoundWords[],
    bookModelId: string,
    marginModelId: string,
    accounts: readonly CrossBooks[],
    margin: ProvenPortfolio,
  ): Promise<bigint> {
    return this.land(crossMarginsCall(rounds, bookModelId, marginModelId, accounts, margin))
  }

  private arraysOf(market: number): string {
    return this.markets[market]?.arrays ?? ''
  }

  private async logsOf(address: string, topics: (string | string[] | null)[]): Promise<readonly Log[]> {
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    return logsBetween(this.provider, { address, topics }, this.fromBlock, head)
  }

  private land({ contract, method, args }: CrossCall): Promise<bigint> {
    return this.send(contract, this.registry, method, args)
  }

  private send(contract: ContractName, address: string, method: string, args: readonly unknown[]): Promise<bigint> {
    const { signer } = this
    if (signer === undefined) throw new NoSignerError()
    return ask(`Calling ${method}`, async () => {
      const sent = await new Contract(address, interfaceOf(contract), signer).getFunction(method)(...args)
      const { gasUsed } = await sent.wait()
      return gasUsed
    })
  }

  private read(method: string, ...args: readonly unknown[]) {
    return readOf(this.provider, 'CrossMarginRegistry', this.registry, method, args)
  }

  private readArrays(market: number, method: string, ...args: readonly unknown[]) {
    return readOf(this.provider, 'RiskArrays', this.arraysOf(market), method, args)
  }
}

async function placeOf(provider: Provider, arrays: string): Promise<CrossMarketPlace> {
  const read = (method: string) => readOf(provider, 'RiskArrays', arrays, method, [])
  const [marketId, rounds, priceScale] = await Promise.all([read('marketId'), read('rounds'), read('priceScale')])
  return { arrays, marketId, rounds, priceScale: Number(priceScale) }
}

const readOf = (
  runner: ContractRunner,
  contract: ContractName,
  address: string,
  method: string,
  args: readonly unknown[],
) => ask(`Reading ${method}`, () => new Contract(address, interfaceOf(contract), runner).getFunction(method)(...args))
