/** Margins of accounts over several markets on a chain, read and moved. */
import { Contract, type Signer } from 'ethers'
import type { StatementContext } from '../../statement/challenge.ts'
import { type ContractName, interfaceOf } from '../artifacts.ts'
import { ask } from '../contractErrors.ts'
import { arraysCall, type ProvenPortfolio, type ReportedAccount } from './calldata.ts'
import {
  type CrossBooks,
  type CrossCall,
  crossMarginsCall,
  crossReportCall,
  type CrossReportWords,
  crossSubjectOf,
  partSubjectOf,
} from './cross.ts'
import type { CrossDeployment } from './crossDeploy.ts'
import { roundIdOf, type RoundWords } from './rounds.ts'

/** Proven margins over several markets, as the contract answers. */
export type ProvenCrossMargin = {
  readonly initialE8: bigint
  readonly maintenanceE8: bigint
  readonly worstScenarios: bigint
  readonly asOf: bigint
  readonly sequence: bigint
}

/** Where a registry of margins over several markets stands. */
export type CrossPlace = Pick<CrossDeployment, 'chainId' | 'registry' | 'rounds' | 'arrays'>

/** Reads and moves one registry of margins over several markets. */
export class CrossClient {
  readonly place: CrossPlace
  private readonly signer: Signer

  constructor(place: CrossPlace, signer: Signer) {
    this.place = place
    this.signer = signer
  }

  roundId(round: RoundWords): string {
    return roundIdOf(this.place.chainId, this.place.rounds, round)
  }

  /** Where proofs of a market's arrays belong. */
  arrayContext(market: number, round: RoundWords, modelId: string): StatementContext {
    const { chainId, arrays } = this.place
    return { chainId, registry: arrays[market] ?? '', modelId, subject: [this.roundId(round)] }
  }

  /** Where proofs of an account's books in one market belong. */
  partContext(round: RoundWords, modelId: string, account: ReportedAccount): StatementContext {
    const { chainId, registry } = this.place
    return { chainId, registry, modelId, subject: [partSubjectOf(this.roundId(round), account)] }
  }

  /** Where proofs of margins belong. */
  marginContext(
    rounds: readonly RoundWords[],
    modelId: string,
    accounts: readonly ReportedAccount[],
  ): StatementContext {
    const { chainId, registry } = this.place
    const roundIds = rounds.map((round) => this.roundId(round))
    return { chainId, registry, modelId, subject: [crossSubjectOf(roundIds, accounts)] }
  }

  /** How often the venue has reported an account. */
  async account(account: string): Promise<ReportedAccount> {
    const { sequence } = await this.read('crossAccountOf', account)
    return { account, sequence }
  }

  /** Margins in force. @throws {@link ContractRevertError} */
  async margin(account: string): Promise<ProvenCrossMargin> {
    const { initialE8, maintenanceE8, worstScenarios, asOf, sequence } = await this.read('crossMarginOf', account)
    return { initialE8, maintenanceE8, worstScenarios, asOf, sequence }
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
    return this.send('RiskArrays', this.place.arrays[market] ?? '', method, args)
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

  private land({ contract, method, args }: CrossCall): Promise<bigint> {
    return this.send(contract, this.place.registry, method, args)
  }

  private send(contract: ContractName, address: string, method: string, args: readonly unknown[]): Promise<bigint> {
    return ask(`Calling ${method}`, async () => {
      const sent = await new Contract(address, interfaceOf(contract), this.signer).getFunction(method)(...args)
      const { gasUsed } = await sent.wait()
      return gasUsed
    })
  }

  private read(method: string, ...args: readonly unknown[]) {
    const contract = new Contract(this.place.registry, interfaceOf('CrossMarginRegistry'), this.signer)
    return ask(`Reading ${method}`, () => contract.getFunction(method)(...args))
  }
}
