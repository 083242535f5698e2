/**
 * A real Aave v3.0 market on a chain of its own: every contract is the byte code of Aave's npm package, nothing of it is
 * compiled here. Prices alone are set, in the aggregators that the package has for that.
 */
import { createRequire } from 'node:module'
import { Contract, type JsonRpcApiProvider, type Signer, toBeHex, ZeroAddress } from 'ethers'
import { ProverError } from '../../errors.ts'
import { type Compiled, create, done, GAS_LIMIT } from './contracts.ts'

const require = createRequire(import.meta.url)
const NAME = '@aave/core-v3'
const E18 = 10n ** 18n

type Artifact = Compiled & {
  readonly linkReferences: Record<string, Record<string, readonly { readonly start: number }[]>>
}

/** The package is there for development alone: its licence is its own. */
export class AaveMissingError extends ProverError {
  readonly code = 'service.aave-missing'

  constructor(cause: unknown) {
    super(`Expected the npm package ${NAME}, which this market is made of; run npm ci in a clone.`, { cause })
  }
}

/** A reserve's collateral parameters, in 1/10,000, as Aave holds them. */
export type Collateral = { readonly ltvBps: bigint; readonly thresholdBps: bigint; readonly bonusBps: bigint }

/** What a reserve starts with; without `collateral` nothing can be borrowed against it. */
export type Listing = { readonly name: string; readonly priceE8: bigint; readonly collateral?: Collateral }

export type Reserve = {
  readonly asset: Contract
  readonly feed: Contract
  readonly aToken: string
}

/**
 * Contract of the package, by its path below `contracts/`, without `.sol`.
 *
 * @throws {@link AaveMissingError}
 */
export function aaveArtifact(path: string, name: string = NAME): Artifact {
  const file = `${name}/artifacts/contracts/${path}.sol/${path.slice(path.lastIndexOf('/') + 1)}.json`
  try {
    return require(file) as Artifact
  } catch (error) {
    throw new AaveMissingError(error)
  }
}

/** Later ones link those before them. */
const libraries = ['Borrow', 'Supply', 'EMode', 'Liquidation', 'Bridge', 'Pool', 'Configurator', 'FlashLoan'].map(
  (name) => `protocol/libraries/logic/${name}Logic`,
)

/** Deploys contracts of the package, linked with those that came before. */
class Parts {
  readonly owner: Signer
  private readonly linked = new Map<string, string>()

  constructor(owner: Signer) {
    this.owner = owner
  }

  async deploy(path: string, ...args: readonly unknown[]): Promise<Contract> {
    const { abi, bytecode, linkReferences } = aaveArtifact(path)
    const code = Object.values(linkReferences)
      .flatMap((ofFile) => Object.entries(ofFile))
      .reduce((whole, [name, places]) => this.link(whole, name, places), bytecode)
    const deployed = await create(this.owner, { abi, bytecode: code }, ...args)
    this.linked.set(path.slice(path.lastIndexOf('/') + 1), deployed.target as string)
    return deployed
  }

  at(path: string, address: string): Contract {
    return new Contract(address, aaveArtifact(path).abi, this.owner)
  }

  private link(code: string, name: string, places: readonly { readonly start: number }[]): string {
    const address = this.linked.get(name)
    if (address === undefined) throw new Error(`Expected ${name} to be deployed before what links it.`)
    return places.reduce(
      (whole, { start }) => whole.slice(0, 2 + 2 * start) + address.slice(2) + whole.slice(2 + 2 * (start + 20)),
      code,
    )
  }
}

/** Aave's market; its owner has every role in it. */
export class AaveMarket {
  readonly owner: Signer
  readonly pool: Contract
  readonly configurator: Contract
  readonly acl: Contract
  readonly provider: Contract
  private readonly parts: Parts
  private readonly implementations: readonly string[]
  private readonly reserves = new Map<string, Reserve>()

  private constructor(
    made: Pick<AaveMarket, 'owner' | 'pool' | 'configurator' | 'acl' | 'provider'>,
    parts: Parts,
    implementations: readonly string[],
  ) {
    this.owner = made.owner
    this.pool = made.pool
    this.configurator = made.configurator
    this.acl = made.acl
    this.provider = made.provider
    this.parts = parts
    this.implementations = implementations
  }

  /**
   * Deploys a market and lists assets of 18 decimals, which anybody may borrow and mint.
   *
   * @throws {@link AaveMissingError}
   */
  static async open(owner: Signer, listings: readonly Listing[]): Promise<AaveMarket> {
    const parts = new Parts(owner)
    for (const library of libraries) await parts.deploy(library)
    const me = await owner.getAddress()
    const provider = await parts.deploy('protocol/configuration/PoolAddressesProvider', 'zkrisk', me)
    await done(provider.getFunction('setACLAdmin')(me))
    const acl = await parts.deploy('protocol/configuration/ACLManager', provider.target)
    await done(provider.getFunction('setACLManager')(acl.target))
    for (const role of ['Pool', 'Risk', 'AssetListing', 'Emergency']) await done(acl.getFunction(`add${role}Admin`)(me))
    const pool = await behindProxy(parts, provider, 'Pool', provider.target)
    const configurator = await behindProxy(parts, provider, 'PoolConfigurator')
    const reader = await parts.deploy('misc/AaveProtocolDataProvider', provider.target)
    await done(provider.getFunction('setPoolDataProvider')(reader.target))
    const tokens = await tokenParts(parts, pool)
    const made = { owner, pool, configurator, acl, provider }
    const market = new AaveMarket(made, parts, [...tokens, await interestRates(parts, provider)])
    await market.list(listings)
    return market
  }

  /** Lists further assets. */
  async list(listings: readonly Listing[]): Promise<void> {
    const made = new Map<string, readonly [asset: Contract, feed: Contract]>()
    for (const { name, priceE8 } of listings) {
      const asset = await this.parts.deploy('mocks/tokens/MintableERC20', name, name, 18)
      const feed = await this.parts.deploy('mocks/oracle/CLAggregators/MockAggregator', priceE8)
      made.set(name, [asset, feed])
    }
    await this.price([...made.values()])
    const assets = [...made.entries()].map(([name, [asset]]) => this.listing(name, asset))
    await done(this.configurator.getFunction('initReserves')(assets, { gasLimit: GAS_LIMIT }))
    for (const { name, collateral } of listings) {
      const [asset, feed] = made.get(name) as readonly [Contract, Contract]
      const { aTokenAddress: aToken } = await this.pool.getFunction('getReserveData')(asset)
      this.reserves.set(name, { asset, feed, aToken })
      await done(this.configurator.getFunction('setReserveBorrowing')(asset, true))
      if (collateral !== undefined) await this.configure(name, collateral)
    }
  }

  /** Reserve of a listed name. */
  reserve(name: string): Reserve {
    const reserve = this.reserves.get(name)
    if (reserve === undefined) throw new Error(`Expected a listed asset, got ${name}; list it first.`)
    return reserve
  }

  /** Sets collateral parameters with the owner's own role. */
  async configure(name: string, { ltvBps, thresholdBps, bonusBps }: Collateral): Promise<void> {
    const { asset } = this.reserve(name)
    const set = this.configurator.getFunction('configureReserveAsCollateral')
    await done(set(asset, ltvBps, thresholdBps, bonusBps))
  }

  /** Collateral parameters in force. */
  async collateral(name: string): Promise<Collateral> {
    const [bits] = (await this.pool.getFunction('getConfiguration')(this.reserve(name).asset)) as [bigint]
    const part = (at: bigint): bigint => (bits >> at) & 0xffffn
    return { ltvBps: part(0n), thresholdBps: part(16n), bonusBps: part(32n) }
  }

  /** Sets a price, from the next block on. */
  async setPrice(name: string, priceE8: bigint): Promise<void> {
    const provider = this.owner.provider as JsonRpcApiProvider
    const { feed } = this.reserve(name)
    await provider.send('hardhat_setStorageAt', [feed.target, toBeHex(0, 32), toBeHex(priceE8, 32)])
    await provider.send('evm_mine', [])
  }

  /** Mints and supplies, as collateral where the reserve is one. */
  async supply(signer: Signer, name: string, amount: bigint): Promise<void> {
    await this.fund(signer, name, amount)
    const supply = (this.pool.connect(signer) as Contract).getFunction('supply')
    await done(supply(this.reserve(name).asset, amount, await signer.getAddress(), 0, { gasLimit: GAS_LIMIT }))
  }

  /** Borrows at the variable rate. */
  async borrow(signer: Signer, name: string, amount: bigint): Promise<void> {
    const borrow = (this.pool.connect(signer) as Contract).getFunction('borrow')
    await done(borrow(this.reserve(name).asset, amount, 2, 0, await signer.getAddress(), { gasLimit: GAS_LIMIT }))
  }

  /** Mints to a signer, and lets the pool take it. */
  async fund(signer: Signer, name: string, amount: bigint): Promise<void> {
    const asset = this.reserve(name).asset.connect(signer) as Contract
    await done(asset.getFunction('mint(uint256)')(amount))
    await done(asset.getFunction('approve')(this.pool, 2n ** 256n - 1n))
  }

  /** Liquidates as much as Aave lets a liquidator, who must have been funded; whether it did. */
  async liquidate(liquidator: Signer, collateral: string, debt: string, account: string): Promise<boolean> {
    const call = (this.pool.connect(liquidator) as Contract).getFunction('liquidationCall')
    const assets = [this.reserve(collateral).asset, this.reserve(debt).asset]
    const sent = async () => done(call(...assets, account, 2n ** 256n - 1n, false, { gasLimit: GAS_LIMIT }))
    return sent().then(
      () => true,
      () => false,
    )
  }

  /** Health factor of an account, in WAD; below 10^18 it can be liquidated. */
  async healthOf(account: string): Promise<bigint> {
    return (await this.pool.getFunction('getUserAccountData')(account)).healthFactor as bigint
  }

  private listing(name: string, asset: Contract): object {
    const [aTokenImpl, stableDebtTokenImpl, variableDebtTokenImpl, interestRateStrategyAddress] = this.implementations
    return {
      ...{ aTokenImpl, stableDebtTokenImpl, variableDebtTokenImpl, interestRateStrategyAddress },
      ...{ underlyingAsset: asset.target, underlyingAssetDecimals: 18, params: '0x' },
      ...{ treasury: TREASURY, incentivesController: ZeroAddress },
      ...{ aTokenName: `Aave ${name}`, aTokenSymbol: `a${name}` },
      ...{ variableDebtTokenName: `Variable ${name}`, variableDebtTokenSymbol: `v${name}` },
      ...{ stableDebtTokenName: `Stable ${name}`, stableDebtTokenSymbol: `s${name}` },
    }
  }

  /** Aave's oracle, made with the first assets, asks their feeds; further ones are added. */
  private async price(pairs: readonly (readonly [asset: Contract, feed: Contract])[]): Promise<void> {
    const [assets, feeds] = [pairs.map(([asset]) => asset.target), pairs.map(([, feed]) => feed.target)]
    const known = (await this.provider.getFunction('getPriceOracle')()) as string
    if (known !== ZeroAddress) {
      const oracle = this.parts.at('misc/AaveOracle', known)
      await done(oracle.getFunction('setAssetSources')(assets, feeds))
      return
    }
    const args = [this.provider.target, assets, feeds, ZeroAddress, ZeroAddress, 10n ** 8n]
    const oracle = await this.parts.deploy('misc/AaveOracle', ...args)
    await done(this.provider.getFunction('setPriceOracle')(oracle.target))
  }
}

/** Nobody's: what reserves earn must not look like an account's collateral. */
const TREASURY = `0x${'00'.repeat(18)}dEaD`

async function behindProxy(parts: Parts, provider: Contract, name: string, ...args: unknown[]): Promise<Contract> {
  const path = `protocol/pool/${name}`
  const implementation = await parts.deploy(path, ...args)
  await done(implementation.getFunction('initialize')(provider.target))
  await done(provider.getFunction(`set${name}Impl`)(implementation.target, { gasLimit: GAS_LIMIT }))
  return parts.at(path, await provider.getFunction(`get${name}`)())
}

async function tokenParts(parts: Parts, pool: Contract): Promise<readonly string[]> {
  const made = []
  for (const name of ['AToken', 'StableDebtToken', 'VariableDebtToken']) {
    made.push((await parts.deploy(`protocol/tokenization/${name}`, pool.target)).target as string)
  }
  return made
}

/** Rates of a stable coin: 4 % a year at 80 % of use, 60 % more beyond. */
async function interestRates(parts: Parts, provider: Contract): Promise<string> {
  const ray = (percent: bigint): bigint => (percent * E18 * 10n ** 9n) / 100n
  const rates = [80n, 0n, 4n, 60n, 2n, 60n, 2n, 8n, 20n].map(ray)
  const made = await parts.deploy('protocol/pool/DefaultReserveInterestRateStrategy', provider.target, ...rates)
  return made.target as string
}
