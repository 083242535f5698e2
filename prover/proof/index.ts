/** Keys, proofs and their verification. */
export {
  checkCeremony,
  DEVELOPMENT_CHAIN_IDS,
  DevelopmentKeyError,
  DeltaNotRandomError,
  isDevelopmentChain,
  KeysDoNotMatchError,
  type KeyKind,
  type KeyUnderInspection,
  NoContributionsError,
  WrongCircuitError,
} from './keys/ceremony.ts'
export { MalformedFileError } from './binaryFile.ts'
export { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from './bn254.ts'
export {
  type CircuitKeys,
  type CompiledCircuit,
  CorruptKeyFileError,
  type KeyManifest,
  KeysMissingError,
  KeyStore,
  KeyWriteError,
  StaleWitnessGeneratorError,
  type VerifyingKeys,
} from './keys/keyStore.ts'
export { encodeProofCalldata, type ProofCalldata } from './proofCalldata.ts'
export { FallbackProver, NativeFailedWarning } from './backends/fallbackProver.ts'
export { NativeUnavailableError } from './backends/nativeBuild.ts'
export { NativeCrashedError, NativeFrameError, NativeRefusedError } from './backends/nativeProcess.ts'
export { NativeProver } from './backends/nativeProver.ts'
export {
  type Backend,
  createProver,
  type ProofTimings,
  type Prover,
  type ProverOptions,
  type Proven,
  UnknownBackendError,
} from './backends/prover.ts'
export { SelfVerificationError } from './backends/selfVerification.ts'
export { SnarkjsProver } from './backends/snarkjsProver.ts'
export {
  ProverClosedError,
  ProverCrashedError,
  ProverOutOfMemoryError,
  ProverTimeoutError,
} from './backends/workerProver.ts'
export { WrongFieldError } from './keys/r1cs.ts'
export {
  formatProof,
  type Groth16Proof,
  MalformedProofError,
  NumberNotCanonicalError,
  NumberOutOfRangeError,
  parseProof,
  parsePublicSignals,
  PointNotInGroupError,
  type ProofPoints,
} from './strictProof.ts'
export {
  formatVerificationKey,
  parseVerificationKey,
  type VerificationKey,
  type VerificationKeyJson,
  verificationKeyHash,
} from './keys/verificationKey.ts'
export { ContractNameError, generateVerifierContract, NoPublicSignalsError } from './keys/verifierContract.ts'
export {
  ProofRejectedError,
  type ProofToVerify,
  type Verdict,
  VerifiersDisagreeError,
  verifyProof,
  verifyWithNoble,
  verifyWithSnarkjs,
} from './verify.ts'
export {
  type CircuitInput,
  CircuitInputError,
  UnsatisfiedCircuitError,
  WitnessModuleError,
} from './backends/witnessCalculator.ts'
