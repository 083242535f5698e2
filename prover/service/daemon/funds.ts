/** What the account that pays has, what a batch takes of it, and how long that lasts. */
import { formatEther, type Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { GAS_MARGIN_PERCENT } from '../../registry/market/client.ts'
import { ask } from '../../registry/contractErrors.ts'
import { readMarketFees, withinCap } from './fees.ts'
import { REMEMBERED_BATCHES } from './jobStore.ts'

/** Gas of a batch of eight markets (test/registry/gas.test.ts), until batches of its own tell. */
const USUAL_BATCH_GAS = 450_000n
/** A reading serves so long. */
const FRESH_MS = 5_000

export type FundsOptions = {
  readonly provider: Provider
  readonly address: string
  /** Wei a unit of gas that no transaction offers more than. */
  readonly maxFeePerGas: bigint
  /** Gas of the batches that landed last. */
  readonly gasOfLast: (count: number) => Promise<readonly bigint[]>
}

/** In wei. */
export type Balance = {
  readonly balance: bigint
  /** What the account must have for a node to take a batch now. */
  readonly needed: bigint
  /** Batches that the balance lasts for at the present price, of which it takes less than it must have. */
  readonly batchesLeft: number
  /** A unit of gas that a transaction would offer at most now. */
  readonly feePerGas: bigint
}

export class Funds {
  private readonly options: FundsOptions
  private readAt = Number.NEGATIVE_INFINITY
  /** As last read. */
  last: Balance | undefined

  constructor(options: FundsOptions) {
    this.options = options
  }

  /** @throws {@link RpcError} */
  async read(): Promise<Balance> {
    if (this.last !== undefined && performance.now() - this.readAt < FRESH_MS) return this.last
    const { provider, address, maxFeePerGas: cap, gasOfLast } = this.options
    const [balance, market, gases] = await Promise.all([
      ask('Reading the balance', () => provider.getBalance(address)),
      readMarketFees(provider),
      gasOfLast(REMEMBERED_BATCHES),
    ])
    const { maxFeePerGas: feePerGas, maxPriorityFeePerGas: tip } = withinCap(market, cap)
    const gas =
      gases.length === 0 ? USUAL_BATCH_GAS : gases.reduce((sum, each) => sum + each, 0n) / BigInt(gases.length)
    const most = gases.reduce((most, each) => (each > most ? each : most), gas)
    const needed = ((most * GAS_MARGIN_PERCENT) / 100n) * feePerGas
    const cost = gas * (market.baseFeePerGas + tip) || 1n
    const left = balance < needed ? 0n : 1n + (balance - needed) / cost
    this.readAt = performance.now()
    this.last = { balance, needed, batchesLeft: Number(left), feePerGas }
    return this.last
  }

  /** @throws {@link BalanceTooLowError} if the account cannot pay for a batch now */
  async require(): Promise<void> {
    const { balance, needed } = await this.read()
    if (balance < needed) throw new BalanceTooLowError(this.options.address, balance, needed)
  }
}

/** The account that pays does not have what a batch may cost. */
export class BalanceTooLowError extends ProverError {
  readonly code = 'service.balance-too-low'
  readonly account: string
  readonly balance: bigint
  readonly needed: bigint

  constructor(account: string, balance: bigint, needed: bigint) {
    super(
      `Account ${account} has ${formatEther(balance)} coins of this chain, and a batch may cost ${formatEther(needed)} at the ` +
        'present price of gas. Send it some; a hundred batches’ worth lets it run unattended.',
    )
    this.account = account
    this.balance = balance
    this.needed = needed
  }
}
