/** Whether those who attest a market's rounds did: the signatures of each publication, verified again. */
import { recoverAddress, TypedDataEncoder } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import type { Attestation } from '../../registry/attestation.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { namedCall } from '../../registry/portfolio/namedCall.ts'
import { type AttestedRound, roundsDomain, roundTypes } from '../../registry/portfolio/rounds.ts'
import { committeeAt } from '../deployed/committee.ts'
import type { ContractRecord } from '../deployed/record.ts'
import type { Place } from '../nodeReads.ts'
import type { PortfolioRecord, RoundRecord } from './record.ts'

/** Whose rounds, and the contracts that took their signatures. */
type SignedRecord = Pick<PortfolioRecord, 'deployed'> & {
  readonly context: Pick<PortfolioRecord['context'], 'chainId' | 'marketId'>
}
type PublishCall = { readonly round: AttestedRound; readonly signatures: readonly Attestation[] }

/** @returns undefined if it publishes no round */
export function publishCallOf(calldata: string): PublishCall | undefined {
  const call = namedCall(interfaceOf('AttestedRounds'), calldata)
  return call?.method === 'publish' ? (call.args as PublishCall) : undefined
}

/** A10: as many different signers of the source as it asks for signed exactly what the round's event says. */
export function judgeSignatures(round: RoundRecord, index: number, record: SignedRecord): readonly ClaimResult[] {
  const at = `rounds[${index}]`
  const call = round.calldata === null ? undefined : publishCallOf(round.calldata)
  if (call === undefined) return [compare('A10', `${at}.calldata`, 'the call that published it', 'none')]
  const { context, deployed } = record
  const said = { ...call.round, expiryHashes: call.round.expiryHashes.join() }
  const told = { ...round, marketId: context.marketId, expiryHashes: round.expiryHashes.join() }
  const fields = ['marketId', 'asOf', 'marketHash', 'expiryHashes'] as const
  const source = deployed.contracts.find(({ part, address }) => part === 'rounds' && address === round.source)
  return [
    ...fields.map((field) => compare('A10', `${at}.${field}`, said[field], told[field])),
    ...judgeSigners(`${at}.signatures`, call, source, round, context.chainId),
  ]
}

function judgeSigners(
  at: string,
  { round, signatures }: PublishCall,
  source: ContractRecord | undefined,
  place: Pick<RoundRecord, keyof Place | 'source'>,
  chainId: bigint,
): readonly ClaimResult[] {
  const committee = source === undefined ? undefined : committeeAt(source, place)
  const digest = TypedDataEncoder.hash(roundsDomain(chainId, place.source), roundTypes, round)
  return [
    compare('A10', `${at}.length`, committee?.threshold, signatures.length),
    ...signatures.flatMap(({ signer, signature }, i): readonly ClaimResult[] => {
      const isLater = i === 0 || BigInt(signer) > BigInt(signatures[i - 1]?.signer ?? 0)
      const known = source?.signers.find(({ account }) => account === signer)
      // What a contract answered at the time (ERC-1271) is for the source's own code, which is judged.
      const signed = known?.isContract === true ? signer : signerOf(digest, signature)
      return [
        compare(
          'A10',
          `${at}[${i}].signer`,
          'one of the source’s',
          committee?.signers.includes(signer) === true ? 'one of the source’s' : signer,
        ),
        compare('A10', `${at}[${i}].signer`, 'another than before', isLater ? 'another than before' : signer),
        compare('A10', `${at}[${i}].signature`, signer, signed),
      ]
    }),
  ]
}

function signerOf(digest: string, signature: string): string {
  try {
    return recoverAddress(digest, signature)
  } catch {
    return 'nobody'
  }
}
