/** What audits say of a subject: results by claim, the first failure, and the verdict on a proof. */
import { ProverError } from '../errors.ts'
import { LastAnswers } from '../statement/lastAnswers.ts'
import { formatProof, type VerificationKey, verificationKeyHash, verifyProof } from '../proof/index.ts'
import { decodeProofCalldata } from '../proof/proofCalldata.ts'
import type { ClaimResult } from '../registry/index.ts'
import type { ClaimId } from './claimTitles.ts'

/** A subject with its verdict; each claim id once, in the order they were checked. */
export type Judged = { readonly accepted: boolean; readonly claims: readonly ClaimResult[] }

/** One result per claim id: the first that fails, or that all hold. */
export function summarise(claims: readonly ClaimResult[]): Judged {
  const byId = new Map<string, ClaimResult>()
  for (const result of claims) {
    if (byId.get(result.claim)?.holds === false) continue
    byId.set(result.claim, result.holds ? { claim: result.claim, holds: true } : result)
  }
  const results = [...byId.values()]
  return { accepted: results.every(({ holds }) => holds), claims: results }
}

/** The first claim that does not hold, and of what. */
export type Failure = { readonly of: string; readonly claim: ClaimResult }

export function firstFailureOf(
  subjects: readonly { readonly of: string; readonly claims: readonly ClaimResult[] }[],
): Failure | undefined {
  for (const { of, claims } of subjects) {
    const claim = claims.find(({ holds }) => !holds)
    if (claim !== undefined) return { of, claim }
  }
  return undefined
}

/**
 * A claim that fails by a typed error, or because integers that no circuit takes met in a division; any other error is ours
 * and goes on.
 */
export function failed(claim: ClaimId, field: string, error: unknown): ClaimResult {
  if (!(error instanceof ProverError || error instanceof RangeError)) throw error
  return { claim, holds: false, field, found: error.message }
}

/** Histories that grow are judged again and again, and have most of their proofs in common. */
const verdicts = new LastAnswers<ClaimResult>(4_096)

/** A proof is for exactly these public signals, by both verifiers. */
export function judgeProof(
  claim: ClaimId,
  words: readonly bigint[],
  publicSignals: readonly bigint[],
  key: VerificationKey,
): Promise<ClaimResult> {
  const all = [claim, verificationKeyHash(key), words.join(), publicSignals.join()].join(' ')
  return verdicts.answer(all, () => verify(claim, words, publicSignals, key))
}

async function verify(
  claim: ClaimId,
  words: readonly bigint[],
  publicSignals: readonly bigint[],
  key: VerificationKey,
): Promise<ClaimResult> {
  try {
    const proof = formatProof(decodeProofCalldata(words))
    const verdict = await verifyProof(key, { proof, publicSignals })
    return verdict.accepted ? { claim, holds: true } : failed(claim, 'proof', verdict.reason)
  } catch (error) {
    return failed(claim, 'proof', error)
  }
}
