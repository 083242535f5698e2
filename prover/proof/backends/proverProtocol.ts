/** What the prover and its child process say to each other. */
import { ProverError } from '../../errors.ts'
import { MalformedFileError } from '../binaryFile.ts'
import { WrongCircuitError } from '../keys/ceremony.ts'
import { KernelThreadError } from '../kernel/kernelThreads.ts'
import { CorruptKeyFileError, StaleWitnessGeneratorError } from '../keys/keyStore.ts'
import { NativeUnavailableError } from './nativeBuild.ts'
import { NativeCrashedError, NativeFrameError, NativeRefusedError } from './nativeProcess.ts'
import { SelfVerificationError } from './selfVerification.ts'
import type { ProofPoints } from '../strictProof.ts'
import {
  type CircuitInput,
  CircuitInputError,
  UnsatisfiedCircuitError,
  WitnessModuleError,
} from './witnessCalculator.ts'

/** The files of a circuit, with the hashes they must have. */
export interface CircuitFiles {
  readonly circuit: string
  readonly wasm: string
  readonly wasmSha256: string
  readonly zkey: string
  readonly zkeySha256: string
}

/** To the child; without an input it only loads the circuit. */
export interface ProveRequest {
  readonly files: CircuitFiles
  readonly input: CircuitInput | undefined
}

/** What the child measured, in milliseconds. */
export interface WorkTimings {
  /** Reading, checking and spreading the proving key; 0 when it was there already. */
  readonly load: number
  readonly witness: number
  readonly proof: number
}

/** A proof that nobody has verified yet. */
export interface UnverifiedProof {
  readonly points: ProofPoints
  readonly publicSignals: readonly bigint[]
  readonly timings: WorkTimings
}

/** From the child, one for each request in their order. */
export type ProveResponse = { readonly result: UnverifiedProof | undefined } | { readonly failure: SerialisedError }

/** From the child besides answers: which process it has started to do the proving, and that it has none any more. */
export interface ServantNotice {
  readonly servantPid: number | undefined
}

export type WorkerMessage = ProveResponse | ServantNotice

/** Limits and threads, as arguments of the child. */
export interface WorkerLimits {
  readonly memoryBytes: number
  readonly threads: number | undefined
  /** The native prover's program, for the worker that uses it. */
  readonly nativeProgram?: string
}

/** The child, and the native process, end with this when they find themselves above the memory limit. */
export const OUT_OF_MEMORY_EXIT = 86

/** An error taken apart; classes do not survive the way between processes. */
export interface SerialisedError {
  readonly message: string
  readonly stack: string
  /** Own fields, `code` among them. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Every error of this project that the child may meet, by code. */
const CLASSES: Readonly<Record<string, { readonly prototype: ProverError }>> = {
  'proof.circuit-input': CircuitInputError,
  'proof.corrupt-key-file': CorruptKeyFileError,
  'proof.malformed-file': MalformedFileError,
  'proof.native-crashed': NativeCrashedError,
  'proof.native-frame': NativeFrameError,
  'proof.native-refused': NativeRefusedError,
  'proof.native-unavailable': NativeUnavailableError,
  'proof.self-verification': SelfVerificationError,
  'proof.stale-witness-generator': StaleWitnessGeneratorError,
  'proof.thread-ended': KernelThreadError,
  'proof.unsatisfied': UnsatisfiedCircuitError,
  'proof.witness-module': WitnessModuleError,
  'proof.wrong-circuit': WrongCircuitError,
}

/** Takes an error apart. */
export function serialiseError(error: unknown): SerialisedError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const fields = error instanceof ProverError ? { ...error } : {}
  return { message, stack: stack ?? message, fields }
}

/** Puts an error together again, with its class when that is one of this project's. */
export function reviveError({ message, stack, fields }: SerialisedError): Error {
  const known = CLASSES[String(fields.code)]
  const error = known === undefined ? new Error(message) : (Object.create(known.prototype) as Error)
  Object.assign(error, fields)
  Object.defineProperty(error, 'message', { value: message, configurable: true, writable: true })
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  return error
}
