/** Signs observations as an AttestedFeed's signers do. */
import type { BaseContract, TypedDataDomain, Wallet } from 'ethers'

export type Observation = {
  readonly marketId: string
  readonly priceE8: bigint
  readonly confidenceE8: bigint
  readonly asOf: bigint
  readonly impliedVolatilityX16: bigint
  readonly rangeCode: bigint
  readonly deadline: bigint
}

export type Signature = { readonly signer: string; readonly signature: string }

const types = {
  Observation: [
    { name: 'marketId', type: 'bytes32' },
    { name: 'priceE8', type: 'uint256' },
    { name: 'confidenceE8', type: 'uint256' },
    { name: 'asOf', type: 'uint256' },
    { name: 'impliedVolatilityX16', type: 'uint256' },
    { name: 'rangeCode', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
}

/** EIP-712 domain of a feed on Hardhat's chain. */
export async function domainOf(feed: BaseContract): Promise<TypedDataDomain> {
  return {
    name: 'zk-risk-engine AttestedFeed',
    version: '1',
    chainId: 31337,
    verifyingContract: await feed.getAddress(),
  }
}

/** One signature per wallet, by strictly increasing signer as the feed wants them. */
export async function attest(
  domain: TypedDataDomain,
  wallets: readonly Wallet[],
  observation: Observation,
): Promise<Signature[]> {
  const signatures = await Promise.all(
    byAddress(wallets).map(async (wallet) => ({
      signer: wallet.address,
      signature: await wallet.signTypedData(domain, types, observation),
    })),
  )
  return signatures
}

/** Wallets in the order of their addresses' numbers. */
export function byAddress(wallets: readonly Wallet[]): Wallet[] {
  return [...wallets].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
}
