/**
 * A market of Aave's behind the gate: one collateral, one coin to borrow, borrowers of stated health, and parameters that are set
 * where a registry would have them proven.
 */
import { type Contract, type Signer, ZeroAddress } from 'ethers'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from '../chains/chain.ts'
import { AaveMarket, type Collateral } from '../../../prover/service/development/aaveMarket.ts'

export const E18 = 10n ** 18n
export const E8 = 10n ** 8n
const ONE_BPS = 10_000n
const ONE_X24 = 1n << 24n

export const marketId = marketIdOf('ETH-USD')
export const firstPriceE8 = 2_500n * E8
export const first: Collateral = { ltvBps: 8_000n, thresholdBps: 8_250n, bonusBps: 10_500n }
export const MINUTE = 60n
export const HOUR = 3_600n

export type Rules = Readonly<
  Record<
    | 'delaySeconds'
    | 'validSeconds'
    | 'windowSeconds'
    | 'lowerBps'
    | 'raiseBps'
    | 'bonusBps'
    | 'mostLiquidatable'
    | 'mostUnlisted'
    | 'leastDebt',
    bigint
  >
>

export const rules: Rules = {
  delaySeconds: 10n * MINUTE,
  validSeconds: 48n * HOUR,
  windowSeconds: 24n * HOUR,
  lowerBps: 500n,
  raiseBps: 100n,
  bonusBps: 100n,
  mostLiquidatable: 2n,
  mostUnlisted: E18 / 10n,
  leastDebt: 100n * E8,
}

export const shareX24 = (bps: bigint): bigint => (bps * ONE_X24 + ONE_BPS - 1n) / ONE_BPS

/** Parameters that a registry would hold, of which the gate reads exactly this triple. */
export function parametersOf({ ltvBps, thresholdBps, bonusBps }: Collateral) {
  const bonusX24 = shareX24(bonusBps - ONE_BPS)
  const [liquidationThresholdX24, maxLoanToValueX24] = [shareX24(thresholdBps), shareX24(ltvBps)]
  return {
    initialMarginX24: ONE_X24 - bonusX24 - maxLoanToValueX24,
    maintenanceMarginX24: ONE_X24 - bonusX24 - liquidationThresholdX24,
    liquidationThresholdX24,
    maxLoanToValueX24,
    ...{ scanRangeX24: 0n, volatilityX24: 0n, horizonMoveDownX24: 0n, horizonMoveUpX24: 0n },
  }
}

export type Held = ReturnType<typeof parametersOf>

export class GatedMarket {
  readonly chain: Chain
  readonly market: AaveMarket
  readonly council: Contract
  readonly registry: Contract
  readonly gate: Contract
  readonly asset: string
  private sequence = 0n
  private readonly suppliers: string[] = []

  private constructor(made: Pick<GatedMarket, 'chain' | 'market' | 'council' | 'registry' | 'gate' | 'asset'>) {
    this.chain = made.chain
    this.market = made.market
    this.council = made.council
    this.registry = made.registry
    this.gate = made.gate
    this.asset = made.asset
  }

  /** Opens a market whose only collateral moves through the gate, by these rules; the registry holds what the pool has. */
  static async open(asked: Rules = rules, chain?: Chain): Promise<GatedMarket> {
    const on = chain ?? (await startChain())
    const market = await AaveMarket.open(on.signers[0] as never, [
      { name: 'WETH', priceE8: firstPriceE8, collateral: first },
      { name: 'USD', priceE8: E8 },
    ])
    const lender = on.signers[0] as unknown as Signer
    await market.supply(lender, 'USD', 100_000_000n * E18)
    const council = await on.deploy('RiskCouncil', await lender.getAddress())
    const registry = await on.deploy('MockRiskParameters')
    const gate = await on.deploy('AaveGate', council, registry, market.pool)
    await mined(market.acl.getFunction('addRiskAdmin')(gate))
    const asset = market.reserve('WETH').asset.target as string
    const made = new GatedMarket({ chain: on, market, council, registry, gate, asset })
    await made.hold(first)
    await mined(gate.getFunction('bindAsset')(asset, marketId, asked))
    return made
  }

  /** Signers beside the lender: borrowers, and whoever else acts. */
  signer(i: number): Signer {
    return this.chain.signers[i] as unknown as Signer
  }

  /** Puts parameters in force, of now. */
  async hold(values: Collateral, change: Partial<Held> = {}): Promise<void> {
    this.sequence += 1n
    const asOf = await this.chain.now()
    const parameters = { ...parametersOf(values), ...change, asOf, sequence: this.sequence }
    await mined(this.registry.getFunction('setParameters')(marketId, parameters, { gasLimit: GAS_LIMIT }))
  }

  /** Supplies ten of the collateral and borrows so much of the coin. */
  async borrower(i: number, debt: bigint): Promise<string> {
    await this.supplier(i, 10n * E18)
    await this.market.borrow(this.signer(i), 'USD', debt)
    return this.signer(i).getAddress()
  }

  /** Supplies of the collateral. */
  async supplier(i: number, amount: bigint): Promise<void> {
    await this.market.supply(this.signer(i), 'WETH', amount)
    const address = await this.signer(i).getAddress()
    if (!this.suppliers.includes(address)) this.suppliers.push(address)
  }

  /** All who supplied of the collateral, in the order that the gate asks for. */
  accounts(): readonly string[] {
    return [...this.suppliers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  }

  /** A call of anybody to the gate. */
  call(name: string, ...args: readonly unknown[]) {
    return this.by(19, name, ...args)
  }

  /** A call of a signer to the gate. */
  by(i: number, name: string, ...args: readonly unknown[]) {
    return (this.gate.connect(this.signer(i)) as Contract).getFunction(name)(...args, { gasLimit: GAS_LIMIT })
  }

  announce() {
    return this.call('announce', this.asset)
  }

  apply(accounts: readonly string[] = this.accounts()) {
    return this.call('applyAnnounced', this.asset, accounts)
  }

  lowerLoanToValue() {
    return this.call('lowerLoanToValue', this.asset)
  }

  /** Lets time pass; what the registry holds stays fresh. */
  async wait(seconds: bigint): Promise<void> {
    await this.chain.setTime((await this.chain.now()) + seconds)
    await this.refresh()
  }

  /** What the registry holds is of now. */
  async refresh(): Promise<void> {
    await mined(this.registry.getFunction('setAge')(marketId, 0n))
  }

  /** Has the registry hold it, announces it and waits for the delay. */
  async announced(values: Collateral): Promise<void> {
    await this.hold(values)
    await mined(this.announce())
    const { delaySeconds } = (await this.gate.getFunction('rulesOf')(this.asset)) as { delaySeconds: bigint }
    await this.wait(delaySeconds)
  }

  inPool(): Promise<Collateral> {
    return this.market.collateral('WETH')
  }

  healthOf(i: number): Promise<bigint> {
    return this.signer(i)
      .getAddress()
      .then((address) => this.market.healthOf(address))
  }

  /** Rules of now on. */
  async setRules(change: Partial<Rules>): Promise<void> {
    await mined(this.gate.getFunction('setRules')(this.asset, { ...rules, ...change }))
  }
}

/** Nobody's address, which no market lists. */
export const NOBODY = `0x${'00'.repeat(19)}01`
export const NO_ADDRESS = ZeroAddress
