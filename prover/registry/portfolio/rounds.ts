/** Attested market rounds: hashed, signed by a source's signers (EIP-712), published by anybody. */
import {
  AbiCoder,
  concat,
  Contract,
  type ContractTransactionReceipt,
  keccak256,
  type Signer,
  toBeHex,
  type TypedDataDomain,
  type TypedDataField,
} from 'ethers'
import { ProverError } from '../../errors.ts'
import { joinList } from '../../statement/lists.ts'
import type { SectionWords } from '../../statement/state.ts'
import { interfaceOf } from '../artifacts.ts'
import { type Attestation, attest } from '../attestation.ts'
import { typedCallError } from '../contractErrors.ts'

/** Everything that margins need of a market at one time, in words. */
export type RoundWords = {
  readonly marketId: string
  readonly asOf: bigint
  /** List roundMarket. */
  readonly market: readonly bigint[]
  /** By increasing expiry, list expiryMarket. */
  readonly expiries: readonly (readonly bigint[])[]
}

/** What a signer attests. */
export type AttestedRound = {
  readonly marketId: string
  readonly asOf: bigint
  readonly marketHash: string
  readonly expiryHashes: readonly string[]
  /** Last second at which it may be published. */
  readonly deadline: bigint
}

/** A round with as many signatures as its source wants. */
export type SignedRound = { readonly round: AttestedRound; readonly signatures: readonly Attestation[] }

/** The EIP-712 type, as `AttestedRounds.sol` hashes it. */
export const roundTypes: Record<string, TypedDataField[]> = {
  Round: [
    { name: 'marketId', type: 'bytes32' },
    { name: 'asOf', type: 'uint256' },
    { name: 'marketHash', type: 'bytes32' },
    { name: 'expiryHashes', type: 'bytes32[]' },
    { name: 'deadline', type: 'uint256' },
  ],
}

/**
 * EIP-712 domain of one source on one chain.
 *
 * @example
 * roundsDomain(31337n, '0x1111111111111111111111111111111111111111').name // → 'zk-risk-engine AttestedRounds'
 */
export function roundsDomain(chainId: bigint, rounds: string): TypedDataDomain {
  return { name: 'zk-risk-engine AttestedRounds', version: '1', chainId, verifyingContract: rounds }
}

/**
 * A round from the words of its market and of each expiry, as the statements have them.
 *
 * @param market   those of list roundMarket
 * @param expiries of each expiry, those of list expiryMarket
 * @example
 * const { market, expiries } = roundWordsOf(marketIdOf('BTC-USD'), [(await marginOf(readAccount('portfolio.json', {}))).provable])
 * expiries.length // → 2
 */
export function roundOf(
  marketId: string,
  asOf: bigint,
  market: SectionWords,
  expiries: readonly SectionWords[],
): RoundWords {
  return {
    marketId,
    asOf,
    market: joinList('roundMarket', market),
    expiries: expiries.map(expiryWordsOf),
  }
}

/** The words of an expiry among those of a statement. */
export const expiryWordsOf = (sections: SectionWords): readonly bigint[] => joinList('expiryMarket', sections)

export const hashOfWords = (words: readonly bigint[]): string =>
  keccak256(concat(words.map((word) => toBeHex(word, 32))))
export const expiryHashesOf = (round: RoundWords): readonly string[] => round.expiries.map(hashOfWords)
export const expiriesHashOf = (round: RoundWords): string => hashOfHashes(expiryHashesOf(round))

/**
 * Id of a round as its source derives it.
 *
 * @example
 * const round = { marketId: marketIdOf('BTC-USD'), asOf: 1n, market: [1n], expiries: [] }
 * roundIdOf(31337n, '0x1111111111111111111111111111111111111111', round).length // → 66
 */
export function roundIdOf(chainId: bigint, rounds: string, round: RoundWords): string {
  const { marketId, asOf, market } = round
  return roundIdOfHashes(chainId, rounds, { marketId, asOf, marketHash: hashOfWords(market) }, expiriesHashOf(round))
}

/** The same from the hashes of its words. */
export function roundIdOfHashes(
  chainId: bigint,
  rounds: string,
  { marketId, asOf, marketHash }: Pick<AttestedRound, 'marketId' | 'asOf' | 'marketHash'>,
  expiriesHash: string,
): string {
  const types = ['address', 'uint256', 'bytes32', 'uint256', 'bytes32', 'bytes32']
  const values = [rounds, chainId, marketId, asOf, marketHash, expiriesHash]
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values))
}

/** Hash of the hashes of a round's expiries. */
export const hashOfHashes = (expiryHashes: readonly string[]): string => keccak256(concat([...expiryHashes]))

/**
 * Has signers attest a round.
 *
 * @param signers - exactly as many as the source's threshold, in any order
 * @returns signatures by strictly increasing signer, as the source wants them
 * @example
 * import { Wallet } from 'ethers'
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const round = roundWordsOf(marketIdOf('BTC-USD'), [provable])
 * const domain = roundsDomain(31337n, '0x1111111111111111111111111111111111111111')
 * const { signatures } = await attestRound(domain, [Wallet.createRandom()], round, round.asOf + 60n)
 * signatures.length // → 1
 */
export async function attestRound(
  domain: TypedDataDomain,
  signers: readonly Signer[],
  round: RoundWords,
  deadline: bigint,
): Promise<SignedRound> {
  const { marketId, asOf } = round
  const message = {
    marketId,
    asOf,
    marketHash: hashOfWords(round.market),
    expiryHashes: expiryHashesOf(round),
    deadline,
  }
  return { round: message, signatures: await attest(domain, roundTypes, signers, message) }
}

/**
 * Publishes an attested round and waits until it is mined.
 *
 * @param carrier - pays; needs no right of any kind
 * @throws {@link ContractRevertError} if the source refuses it, {@link RpcError} if the node does not answer
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { chainId, rounds } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const asOf = BigInt((await provider.getBlock('latest')).timestamp)
 * const round = { ...roundWordsOf(marketIdOf('BTC-USD'), [provable]), asOf }
 * const signed = await attestRound(roundsDomain(chainId, rounds), [council], round, asOf + 600n)
 * (await publishRound(council, rounds, signed)).status // → 1
 */
export async function publishRound(
  carrier: Signer,
  rounds: string,
  { round, signatures }: SignedRound,
): Promise<ContractTransactionReceipt> {
  const contract = new Contract(rounds, interfaceOf('AttestedRounds'), carrier)
  try {
    const sent = await contract.getFunction('publish')(round, signatures)
    const receipt: ContractTransactionReceipt | null = await sent.wait()
    if (receipt === null) throw new RoundNotMinedError(rounds)
    return receipt
  } catch (error) {
    throw typedCallError(error, `Publishing the round of ${round.asOf}`)
  }
}

/** A round was sent and did not make it into a block. */
export class RoundNotMinedError extends ProverError {
  readonly code = 'registry.round-not-mined'
  readonly rounds: string

  constructor(rounds: string) {
    super(`A round was sent to ${rounds}, but its transaction was not mined. Send it again.`)
    this.rounds = rounds
  }
}
