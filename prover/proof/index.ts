/** Keys, proofs and their verification. */
export {
  checkCeremony,
  checkKeyFitsCircuit,
  DEVELOPMENT_CHAIN_IDS,
  DevelopmentKeyError,
  DeltaNotRandomError,
  isDevelopmentChain,
  KeysDoNotMatchError,
  type KeyKind,
  type KeyUnderInspection,
  NoContributionsError,
  WrongCircuitError,
} from './ceremony.ts'
export { MalformedFileError } from './binaryFile.ts'
export { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from './bn254.ts'
export { type DevelopmentKeyOptions, makeDevelopmentKey } from './developmentKeys.ts'
export {
  type CircuitKeys,
  type CompiledCircuit,
  CorruptKeyFileError,
  type KeyManifest,
  KeysMissingError,
  KeyStore,
  KeyWriteError,
  StaleWitnessGeneratorError,
} from './keyStore.ts'
export { decodeProofCalldata, encodeProofCalldata, type ProofCalldata, verifierArguments } from './proofCalldata.ts'
export { FallbackProver, NativeFailedWarning } from './fallbackProver.ts'
export {
  isNativeBuilt,
  nativeFolder,
  NativeUnavailableError,
  requireNativeProgram,
  whyNotBuilt,
} from './nativeBuild.ts'
export { NativeCrashedError, NativeFrameError, NativeRefusedError } from './nativeProcess.ts'
export { NativeProver } from './nativeProver.ts'
export { testNativeProver } from './nativeSelfTest.ts'
export {
  type Backend,
  createProver,
  type ProofTimings,
  type Prover,
  type ProverOptions,
  type Proven,
  UnknownBackendError,
} from './prover.ts'
export { SelfVerificationError } from './selfVerification.ts'
export { SnarkjsProver } from './snarkjsProver.ts'
export {
  CALLS_UNDER_WAY,
  ProverClosedError,
  ProverCrashedError,
  ProverOutOfMemoryError,
  ProverTimeoutError,
} from './workerProver.ts'
export { readR1cs, WrongFieldError } from './r1cs.ts'
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
  verificationKeyOf,
} from './verificationKey.ts'
export { ContractNameError, generateVerifierContract, NoPublicSignalsError } from './verifierContract.ts'
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
} from './witnessCalculator.ts'
export { readZkey, type Zkey } from './zkey.ts'
