/**
 * The contracts of a run on a chain of its own: rounds, arrays, registry of margins, venue, tokens.
 *
 * Proofs are *told* or *made*. Told: the verifiers are of a circuit that states nothing, and the twin says what is proven of it; this
 * stands in for the circuits alone, and every contract checks what it always checks, the pairing included. Made: the project's own
 * circuits and keys.
 */
import { type Contract, type Signer, Wallet } from 'ethers'
import { type Build, modelSizesOf, type PortfolioStatementName } from '../../../circuits/statements/index.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { emptyBook } from '../../../prover/portfolio/book.ts'
import type { CircuitKeys, Prover } from '../../../prover/proof/index.ts'
import {
  attestRound,
  PortfolioClient,
  policyWordsOf,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../../prover/registry/index.ts'
import { selectorsOf, VENUE_ROLE } from '../../../prover/registry/authority.ts'
import type { ProvenPortfolio } from '../../../prover/registry/index.ts'
import { portfolioModelIdOf, registerPortfolioModel } from '../../../prover/registry/portfolio/deploy.ts'
import type { PortfolioModel, PortfolioModels } from '../../../prover/service/daemon/portfolios/place.ts'
import { ProofMaker } from '../../../prover/service/daemon/portfolios/proofMaker.ts'
import { loadKeys, portfolioBuildOf } from '../../../prover/service/workspace.ts'
import { layoutHash } from '../../../prover/statement/layout.ts'
import { stateRoot } from '../../../prover/statement/optionBook.ts'
import type { SectionWords } from '../../../prover/statement/state.ts'
import { byAddress } from '../chains/attestation.ts'
import { type Chain, mined } from '../chains/chain.ts'
import { type CompiledContract, compileContract } from '../chains/compileContract.ts'
import { type FreeStatement, freeStatement, type KeyName } from '../chains/freeStatement.ts'
import { deployModelRegistry } from '../chains/knownLayouts.ts'

export const MARKET = marketIdOf('BTC-USD')
export const CASH_DECIMALS = 6n
export const ASSET_DECIMALS = 18n
/** No proof of a minute is older than the next. */
const FRESHNESS = { maxRoundAgeSeconds: 600n, maxMarginAgeSeconds: 3_600n, maxRoundLagSeconds: 300n }
const ROUND_AGE_SECONDS = 300n
const THRESHOLD = 2
const TOLD_KEY_HASH = `0x${'11'.repeat(32)}`
/** Books and margins are verified together, so their keys share a first phase. */
const provenWith = { riskArray: 'apart', optionBook: 'first', marginsAlone: 'second' } as const satisfies Partial<
  Record<PortfolioStatementName, KeyName>
>
type Statement = keyof typeof provenWith
const statements = Object.keys(provenWith) as Statement[]

/** How proofs come about. */
export type Proofs = { readonly by: 'told' } | { readonly by: 'made'; readonly prover: Prover }

type Maker = Pick<ProofMaker, 'make'>

/** Has the twin say what is proven, of a circuit that states nothing. */
class ToldProofs implements Maker {
  readonly #of: Readonly<Record<string, FreeStatement>>

  constructor(of: Readonly<Record<string, FreeStatement>>) {
    this.#of = of
  }

  async make({ build }: PortfolioModel, { stated }: Parameters<Maker['make']>[1]): Promise<ProvenPortfolio> {
    const [commitment = 0n, evaluation = 0n, challenge = 0n] = stated.publicSignals
    const proof = await (this.#of[build.statement] as FreeStatement).prove(commitment, evaluation, challenge)
    return { stated, proof }
  }
}

export type Contracts = {
  readonly chain: Chain
  readonly arrays: Contract
  readonly registry: Contract
  readonly venue: Contract
  readonly orders: Contract
  readonly cash: Contract
  readonly asset: Contract
  readonly client: PortfolioClient
  readonly models: PortfolioModels
  readonly maker: Maker
  readonly publish: (round: RoundWords) => Promise<void>
}

/** A token that anybody mints. */
const coin = (decimals: bigint): CompiledContract =>
  compileContract(
    'Coin',
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Coin is ERC20("Coin", "COIN") {
    function mint(address holder, uint256 amount) external { _mint(holder, amount); }
    function decimals() public pure override returns (uint8) { return ${decimals}; }
}`,
  )

export type Rules = Readonly<Record<RuleName, bigint>>
type RuleName =
  | 'changeSeconds'
  | 'settlementSeconds'
  | 'auctionSeconds'
  | 'windowSeconds'
  | 'startPayBps'
  | 'endBonusBps'
  | 'bondBps'
  | 'stepBps'
  | 'bandBps'
  | 'budgetE12'

export async function deployContracts(
  chain: Chain,
  proofs: Proofs,
  policy: SectionWords,
  rules: Rules,
): Promise<Contracts> {
  const administrator = chain.signers[0] as unknown as Signer
  const council = await chain.deploy('RiskCouncil', await administrator.getAddress())
  const models = await deployModelRegistry(chain, council)
  const signers = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
  const addresses = signers.map(({ address }) => address)
  const rounds = await chain.deploy('AttestedRounds', council, addresses, THRESHOLD, ROUND_AGE_SECONDS)
  const words = policyWordsOf(policy)
  const arrays = await chain.deploy('RiskArrays', council, models, rounds, MARKET, words, FRESHNESS)
  const registry = await chain.deploy('PortfolioRegistry', council, models, arrays, await stateRoot(emptyBook))
  const [cash, asset] = [await chain.deploy(coin(CASH_DECIMALS)), await chain.deploy(coin(ASSET_DECIMALS))]
  const venue = await chain.deploy('OptionsVenue', council, registry, cash, rules)
  for (const [target, name] of [
    [registry, 'PortfolioRegistry'],
    [arrays, 'RiskArrays'],
  ] as const) {
    await mined(council.getFunction('setTargetFunctionRole')(target, selectorsOf(name, 'venue'), VENUE_ROLE))
  }
  await mined(council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
  await mined(venue.getFunction('acceptPriceScale')())
  const told = proofs.by === 'told' ? await toldStatements() : undefined

  async function modelFor(statement: Statement): Promise<PortfolioModel> {
    const build = portfolioBuildOf(statement)
    if (told !== undefined) return registerTold(chain, models, build, told[statement] as FreeStatement)
    const keys = await loadKeys(build.name)
    const { verificationKey, manifest } = keys
    const to = models.target as string
    const { modelId } = await registerPortfolioModel(administrator, to, { build, verificationKey, manifest })
    return { build, keys, modelId }
  }

  const registered: Record<string, PortfolioModel> = {}
  for (const statement of statements) registered[statement] = await modelFor(statement)
  const client = await PortfolioClient.connect({
    registry: registry.target as string,
    provider: chain.ethers.provider as never,
    signer: administrator,
  })
  const domain = roundsDomain(client.chainId, rounds.target as string)
  const orders = await chain.ethers.getContractAt('VenueOrders', await venue.getFunction('orders')())
  return {
    ...{ chain, arrays, registry, venue, cash, asset, client, models: registered },
    orders: orders as unknown as Contract,
    maker: proofs.by === 'made' ? new ProofMaker({ prover: proofs.prover }, 0) : new ToldProofs(told ?? {}),
    publish: async (round) => {
      const signed = await attestRound(domain, signers.slice(0, THRESHOLD), round, round.asOf + ROUND_AGE_SECONDS)
      await publishRound(administrator, rounds.target as string, signed)
    },
  }
}

async function toldStatements(): Promise<Readonly<Record<string, FreeStatement>>> {
  const all = statements.map(async (statement) => [statement, await freeStatement(provenWith[statement])] as const)
  return Object.fromEntries(await Promise.all(all))
}

/** Told proofs take none. */
const noKeys = {} as CircuitKeys

async function registerTold(
  chain: Chain,
  models: Contract,
  build: Build,
  { verifier }: FreeStatement,
): Promise<PortfolioModel> {
  const modelId = portfolioModelIdOf(build, TOLD_KEY_HASH)
  const model = {
    ...modelSizesOf(build),
    verifier: await chain.deploy(verifier),
    status: 0,
    allowsBacklog: false,
    layoutHash: layoutHash(build.statement),
    verificationKeyHash: TOLD_KEY_HASH,
    manifestHash: TOLD_KEY_HASH,
  }
  await mined(models.getFunction('register')(modelId, model))
  return { build, keys: noKeys, modelId }
}
