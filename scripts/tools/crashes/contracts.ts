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
/** Of Hardhat's chain. */
const CHAIN_ID = 31337n
const TOLD_KEY_HASH = `0x${'11'.repeat(32)}`
/** Books and margins are verified together, so their keys share a first phase. */
const provenWith = { riskArray: 'apart', optionBook: 'first', marginsAlone: 'second' } as const satisfies Partial<
  Record<PortfolioStatementName, KeyName>
>
type Statement = keyof typeof provenWith
const statements = Object.keys(provenWith) as Statement[]

/** How proofs come about. */
export type Proofs = { readonly by: 'told' } | { readonly by: 'made'; readonly prover: Prover }

type Maker = Pick<ProofMaker, 'make' | 'spare'>

/** Has the twin say what is proven, of a circuit that states nothing. */
class ToldProofs implements Maker {
  readonly #of: Told

  constructor(of: Told) {
    this.#of = of
  }

  async make({ build }: PortfolioModel, { stated }: Parameters<Maker['make']>[1]): Promise<ProvenPortfolio> {
    const [commitment = 0n, evaluation = 0n, challenge = 0n] = stated.publicSignals
    const proof = await this.#of[build.statement as Statement].prove(commitment, evaluation, challenge)
    return { stated, proof }
  }

  /** Nobody waits for a number of proofs. */
  spare(): void {}
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

/** @param policy - of margins, to begin with */
export async function deployContracts(
  chain: Chain,
  proofs: Proofs,
  policy: SectionWords,
  rules: Rules,
): Promise<Contracts> {
  const administrator = chain.signers[0] as unknown as Signer
  const council = await chain.deploy('RiskCouncil', await administrator.getAddress())
  const registryOfModels = await deployModelRegistry(chain, council)
  const { rounds, publish } = await deployRounds(chain, council, administrator)
  const words = policyWordsOf(policy)
  const arrays = await chain.deploy('RiskArrays', council, registryOfModels, rounds, MARKET, words, FRESHNESS)
  const state = await stateRoot(emptyBook)
  const registry = await chain.deploy('PortfolioRegistry', council, registryOfModels, arrays, state)
  const [cash, asset] = [await chain.deploy(coin(CASH_DECIMALS)), await chain.deploy(coin(ASSET_DECIMALS))]
  const venue = await chain.deploy('OptionsVenue', council, registry, cash, rules)
  await appointVenue(council, { venue, registry, arrays })
  const proving = await registerModels(chain, registryOfModels, proofs)
  const client = await PortfolioClient.connect({
    registry: registry.target as string,
    provider: chain.ethers.provider as never,
    signer: administrator,
  })
  const orders = await chain.ethers.getContractAt('VenueOrders', await venue.getFunction('orders')())
  const contracts = { chain, arrays, registry, venue, orders: orders as unknown as Contract, cash, asset }
  return { ...contracts, ...proving, client, publish }
}

/** A source of rounds, and how a round gets there. */
async function deployRounds(chain: Chain, council: Contract, carrier: Signer) {
  const signers = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
  const addresses = signers.map(({ address }) => address)
  const rounds = await chain.deploy('AttestedRounds', council, addresses, THRESHOLD, ROUND_AGE_SECONDS)
  const target = rounds.target as string
  const domain = roundsDomain(CHAIN_ID, target)
  const publish = async (round: RoundWords): Promise<void> => {
    const signed = await attestRound(domain, signers.slice(0, THRESHOLD), round, round.asOf + ROUND_AGE_SECONDS)
    await publishRound(carrier, target, signed)
  }
  return { rounds, publish }
}

/** The venue alone reports accounts, at the scale of its prices. */
async function appointVenue(
  council: Contract,
  { venue, registry, arrays }: Readonly<Record<'venue' | 'registry' | 'arrays', Contract>>,
): Promise<void> {
  for (const [target, name] of [
    [registry, 'PortfolioRegistry'],
    [arrays, 'RiskArrays'],
  ] as const) {
    await mined(council.getFunction('setTargetFunctionRole')(target, selectorsOf(name, 'venue'), VENUE_ROLE))
  }
  await mined(council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
  await mined(venue.getFunction('acceptPriceScale')())
}

/** Models of what is told or made, and who makes it. */
async function registerModels(
  chain: Chain,
  registry: Contract,
  proofs: Proofs,
): Promise<Pick<Contracts, 'models' | 'maker'>> {
  const models: Record<string, PortfolioModel> = {}
  if (proofs.by === 'told') {
    const told = await toldStatements()
    for (const statement of statements) {
      models[statement] = await registerTold(chain, registry, portfolioBuildOf(statement), told[statement])
    }
    return { models, maker: new ToldProofs(told) }
  }
  const administrator = chain.signers[0] as unknown as Signer
  for (const statement of statements) {
    const build = portfolioBuildOf(statement)
    const keys = await loadKeys(build.name)
    const { verificationKey, manifest } = keys
    const to = registry.target as string
    const { modelId } = await registerPortfolioModel(administrator, to, { build, verificationKey, manifest })
    models[statement] = { build, keys, modelId }
  }
  return { models, maker: new ProofMaker({ prover: proofs.prover }, 0) }
}

type Told = Readonly<Record<Statement, FreeStatement>>

async function toldStatements(): Promise<Told> {
  const all = statements.map(async (statement) => [statement, await freeStatement(provenWith[statement])] as const)
  return Object.fromEntries(await Promise.all(all)) as Told
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
