/** The contracts of a run on a chain of its own: rounds, arrays, registries of margins, venue, tokens. */
import { type Contract, type Signer, Wallet } from 'ethers'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { emptyBook } from '../../../prover/portfolio/book.ts'
import {
  attestRound,
  PortfolioClient,
  policyWordsOf,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../../prover/registry/index.ts'
import { selectorsOf, VENUE_ROLE } from '../../../prover/registry/authority.ts'
import { stateRoot } from '../../../prover/statement/optionBook.ts'
import type { SectionWords } from '../../../prover/statement/state.ts'
import { byAddress } from '../chains/attestation.ts'
import { type Chain, mined } from '../chains/chain.ts'
import { type CompiledContract, compileContract } from '../chains/compileContract.ts'
import { deployModelRegistry } from '../chains/knownLayouts.ts'
import { type Proofs, type Proving, registerModels } from './proving.ts'

export const MARKET_NAME = 'BTC-USD'
export const MARKET = marketIdOf(MARKET_NAME)
/** Who is who among the chain's accounts, besides those of makers. */
export const [COUNCIL, TRADER, KEEPER] = [0, 2, 7] as const
const CLERK = 6
/** May only report what vaults hold. */
const CLERK_ROLE = 8n
export const CASH_DECIMALS = 6n
export const ASSET_DECIMALS = 18n
/** No proof of a minute is older than the next. */
const FRESHNESS = { maxRoundAgeSeconds: 600n, maxMarginAgeSeconds: 3_600n, maxRoundLagSeconds: 300n }
const ROUND_AGE_SECONDS = 300n
const THRESHOLD = 2
/** Of Hardhat's chain. */
const CHAIN_ID = 31337n

export type Contracts = Proving & {
  readonly chain: Chain
  readonly council: Contract
  readonly modelRegistry: Contract
  readonly arrays: Contract
  readonly venue: Contract
  readonly orders: Contract
  readonly cash: Contract
  readonly asset: Contract
  /** Of the venue's registry. */
  readonly client: PortfolioClient
  /** Of the registry whose accounts are makers' vaults: as who proves, and as who reports them. */
  readonly vaults: PortfolioClient
  readonly clerk: PortfolioClient
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
  const administrator = chain.signers[COUNCIL] as unknown as Signer
  const council = await chain.deploy('RiskCouncil', await administrator.getAddress())
  const modelRegistry = await deployModelRegistry(chain, council)
  const { rounds, publish } = await deployRounds(chain, council, administrator)
  const words = policyWordsOf(policy)
  const arrays = await chain.deploy('RiskArrays', council, modelRegistry, rounds, MARKET, words, FRESHNESS)
  const registers = [council, modelRegistry, arrays, await stateRoot(emptyBook)]
  const registry = await chain.deploy('PortfolioRegistry', ...registers)
  const vaultRegistry = await chain.deploy('PortfolioRegistry', ...registers)
  const [cash, asset] = [await chain.deploy(coin(CASH_DECIMALS)), await chain.deploy(coin(ASSET_DECIMALS))]
  const venue = await chain.deploy('OptionsVenue', council, registry, cash, rules)
  await appointVenue(council, { venue, registry, arrays })
  await appointClerk(chain, council, vaultRegistry)
  const proving = await registerModels(chain, modelRegistry, proofs)
  const orders = await chain.ethers.getContractAt('VenueOrders', await venue.getFunction('orders')())
  const tokens = { cash, asset }
  const deployed = { chain, council, modelRegistry, arrays, venue, orders: orders as unknown as Contract, ...tokens }
  const client = await connect(chain, registry, COUNCIL)
  const [vaults, clerk] = [await connect(chain, vaultRegistry, COUNCIL), await connect(chain, vaultRegistry, CLERK)]
  return { ...deployed, ...proving, client, vaults, clerk, publish }
}

const connect = (chain: Chain, registry: Contract, who: number): Promise<PortfolioClient> =>
  PortfolioClient.connect({
    registry: registry.target as string,
    provider: chain.ethers.provider as never,
    signer: chain.signers[who] as unknown as Signer,
  })

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

/** Whoever reports vaults does nothing else. */
async function appointClerk(chain: Chain, council: Contract, vaults: Contract): Promise<void> {
  const reporting = [vaults.interface.getFunction('reportAccount')?.selector]
  await mined(council.getFunction('setTargetFunctionRole')(vaults, reporting, CLERK_ROLE))
  await mined(council.getFunction('grantRole')(CLERK_ROLE, await chain.signers[CLERK]?.getAddress(), 0))
}
