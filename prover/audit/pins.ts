/** What an auditor knows beforehand. */
import { type ClaimResult, compare } from '../registry/claims.ts'

/** What the record must agree with; what is left out is taken from the record and so shows consistency only. */
export type AuditPins = {
  readonly chainId?: bigint
  readonly registry?: string
  /** sha256 of keys that may have proven, 0x-hexadecimal. */
  readonly verificationKeyHashes?: readonly string[]
  /** Runtime code of verifiers by those hashes, as the auditor compiled it; of the others it must come with this package. */
  readonly verifierCodes?: ReadonlyMap<string, string>
  /** What stands where, and who attests. */
  readonly deployment?: PinnedDeployment
  /** The only accounts that may hold a role with which something can be set. */
  readonly governors?: readonly string[]
  /** How long whoever sets something must wait; without it 48 hours, and on a development chain nothing. */
  readonly leastDelaySeconds?: number
  /** keccak256 of runtime code that the auditor vouches for, of sources that are not ours. */
  readonly trustedCode?: readonly string[]
}

/** Of a deployment what its contracts are compared with. */
export type PinnedDeployment = {
  readonly council: string
  readonly modelRegistry: string
  /** Of a portfolio registry its source of rounds, of another what its markets name. */
  readonly sources: readonly PinnedSource[]
}

export type PinnedSource = {
  readonly address: string
  readonly signers?: readonly string[]
  readonly threshold?: number
  readonly maxConfidenceBps?: number
}

/** Whether a verdict rests on the auditor's own knowledge throughout. */
export const isPinned = ({ chainId, registry, verificationKeyHashes }: AuditPins): boolean =>
  chainId !== undefined && registry !== undefined && verificationKeyHashes !== undefined

/** The record is of the chain and registry that were meant. */
export const judgePlace = (
  context: { readonly chainId: bigint; readonly registry: string },
  pins: AuditPins,
): readonly ClaimResult[] => [
  compare('A3', 'context.chainId', pins.chainId ?? context.chainId, context.chainId),
  compare('A3', 'context.registry', pins.registry ?? context.registry, context.registry),
]
