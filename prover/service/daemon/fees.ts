/** What a transaction offers for its place in a block: the market's price, more each time it waits too long, never more than allowed. */
import { type Provider, Transaction } from 'ethers'
import { ask } from '../../registry/contractErrors.ts'

/** Wei a unit of gas. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

/** Of the block before, and what a transaction that wants to be in one of the next blocks offers. */
export type MarketFees = Fees & { readonly baseFeePerGas: bigint }

/** Nodes take a replacement that offers a tenth more; some want an eighth. */
const BUMP_PERCENT = 115n
/** Where a node holds something for the same nonce that pays more, and does not say how much. */
const OUTBID_PERCENT = 200n
/** The base fee may rise by an eighth a block: six full blocks double it. */
const BASE_FEE_ROOM = 2n
/** Where a node cannot say what others tip. */
const USUAL_TIP = 1_000_000_000n

export const WEI_PER_GWEI = 1_000_000_000n

/** @throws {@link RpcError} */
export async function readMarketFees(provider: Provider): Promise<MarketFees> {
  const [block, { maxPriorityFeePerGas: tip, gasPrice }] = await ask('Reading fees', () =>
    Promise.all([provider.getBlock('latest'), provider.getFeeData()]),
  )
  const maxPriorityFeePerGas = tip ?? USUAL_TIP
  const baseFeePerGas = block?.baseFeePerGas ?? gasPrice ?? 0n
  return { baseFeePerGas, maxPriorityFeePerGas, maxFeePerGas: baseFeePerGas * BASE_FEE_ROOM + maxPriorityFeePerGas }
}

/** No more than allowed: such a transaction waits for the market to come down. */
export function withinCap({ maxFeePerGas, maxPriorityFeePerGas }: Fees, cap: bigint): Fees {
  const fee = least(maxFeePerGas, cap)
  return { maxFeePerGas: fee, maxPriorityFeePerGas: least(maxPriorityFeePerGas, fee) }
}

/**
 * What a replacement of signed transactions offers: the market's price, and enough more than each of them for nodes to take it.
 *
 * @param replaced - signed transactions of the same nonce
 * @param isOutbid - a node has something else for that nonce, which pays more than all of them
 * @returns undefined if that is more than allowed
 */
export function replacementFees(
  market: Fees,
  replaced: readonly string[],
  cap: bigint,
  isOutbid = false,
): Fees | undefined {
  const percent = isOutbid ? OUTBID_PERCENT : BUMP_PERCENT
  const old = replaced.map((raw) => Transaction.from(raw))
  const above = (least: bigint, fees: readonly (bigint | null)[]): bigint =>
    fees.reduce<bigint>((most, fee) => greatest(most, ((fee ?? 0n) * percent) / 100n + 1n), least)
  const wanted = withinCap(market, cap)
  const fees: Fees = {
    maxFeePerGas: above(
      wanted.maxFeePerGas,
      old.map((transaction) => transaction.maxFeePerGas),
    ),
    maxPriorityFeePerGas: above(
      wanted.maxPriorityFeePerGas,
      old.map((transaction) => transaction.maxPriorityFeePerGas),
    ),
  }
  if (fees.maxFeePerGas <= cap) return fees
  return isOutbid ? replacementFees(market, replaced, cap) : undefined
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b)
