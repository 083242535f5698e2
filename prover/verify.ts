/**
 * What an auditor needs, and nothing that proves, signs or sends. The keys to verify with and the code that verifiers must have
 * come with the package.
 *
 * @module zk-risk-engine/verify
 */
export * from './audit/index.ts'
export { ProverError } from './errors.ts'
export {
  checkCeremony,
  formatProof,
  type Groth16Proof,
  parseProof,
  parsePublicSignals,
  parseVerificationKey,
  type ProofPoints,
  type ProofToVerify,
  type Verdict,
  type VerificationKey,
  verificationKeyHash,
  verifyProof,
  verifyWithNoble,
  verifyWithSnarkjs,
} from './proof/index.ts'
export {
  type Bundle,
  type BundlePins,
  type BundleVerdict,
  checkBundle,
  type ClaimResult,
  parseBundle,
  readBundle,
} from './registry/index.ts'
export { marketAuditKeys, portfolioAuditKeys } from './service/answers/auditing.ts'
export { loadVerifyingKeys } from './service/workspace.ts'
export { type MarketRiskBatch, type MarketRiskStatement, stateBatch } from './statement/marketRisk.ts'
export { pack, unpack } from './statement/words.ts'
