/** What an auditor knows beforehand. */
import { type ClaimResult, compare } from '../registry/claims.ts'

/** What the record must agree with; what is left out is taken from the record and so shows consistency only. */
export type AuditPins = {
  readonly chainId?: bigint
  readonly registry?: string
  /** sha256 of keys that may have proven, 0x-hexadecimal. */
  readonly verificationKeyHashes?: readonly string[]
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
