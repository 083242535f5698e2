import { ProverError } from '../../errors.ts'
import type { CircuitKeys } from '../keys/keyStore.ts'
import { NativeUnavailableError, nativeFolder as defaultFolder } from './nativeBuild.ts'
import { NativeCrashedError, NativeFrameError, NativeRefusedError } from './nativeProcess.ts'
import type { NativeProver } from './nativeProver.ts'
import { testNativeProver } from './nativeSelfTest.ts'
import { OrderedAnswers } from './orderedAnswers.ts'
import type { Prover, Proven, ProverOptions } from './prover.ts'
import { SelfVerificationError } from './selfVerification.ts'
import type { SnarkjsProver } from './snarkjsProver.ts'
import type { CircuitInput } from './witnessCalculator.ts'
import { ProverClosedError, ProverCrashedError, ProverTimeoutError } from './workerProver.ts'

/** What is the native prover's own fault; everything else is the caller's, the key's or the machine's, and snarkjs would say the same. */
const NATIVE_FAILURES = [
  NativeCrashedError,
  NativeFrameError,
  NativeRefusedError,
  NativeUnavailableError,
  ProverCrashedError,
  ProverTimeoutError,
  SelfVerificationError,
] as const
/** In a row; then nothing is tried any more. */
const MOST_FAILURES = 3

/** `required`: a native prover that does not pass its self-test is an error. `preferred`: it is a warning. */
export type NativeDemand = 'required' | 'preferred'

/**
 * Proves with the native prover, and with snarkjs what that one fails to prove. A crash is forgiven until the third in a row; after
 * a hang, which costs the whole time limit, or a failed self-test, snarkjs proves everything.
 */
export class FallbackProver implements Prover {
  private readonly native: NativeProver
  private readonly snarkjs: SnarkjsProver
  private readonly folder: string
  private readonly demand: NativeDemand
  private readonly warn: (error: ProverError) => void
  private selfTest: Promise<unknown> | undefined
  private failures = 0
  private readonly answers = new OrderedAnswers()

  constructor(
    native: NativeProver,
    snarkjs: SnarkjsProver,
    { nativeFolder = defaultFolder, onWarning = emitWarning }: ProverOptions,
    demand: NativeDemand,
  ) {
    this.native = native
    this.snarkjs = snarkjs
    this.folder = nativeFolder
    this.demand = demand
    this.warn = onWarning
  }

  /** Process id of the child that proves at present, while there is one. */
  get pid(): number | undefined {
    return this.hasGivenUp ? this.snarkjs.pid : this.native.pid
  }

  async prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven> {
    const start = performance.now()
    const proven = await this.enqueue(async (prover) => {
      const made = await prover.prove(circuit, input)
      // Once given up it is closed, though a proof of it may still be on its way.
      if (prover === this.native && !this.hasGivenUp) this.failures = 0
      return made
    })
    return { ...proven, timings: { ...proven.timings, total: performance.now() - start } }
  }

  warm(circuit: CircuitKeys): Promise<void> {
    return this.enqueue((prover) => prover.warm(circuit))
  }

  async close(): Promise<void> {
    await Promise.all([this.native.close(), this.snarkjs.close()])
  }

  private get hasGivenUp(): boolean {
    return this.failures >= MOST_FAILURES
  }

  /** In the order of the calls, even when one of them takes the long way; the native prover goes on meanwhile. */
  private enqueue<Result>(job: (prover: Prover) => Promise<Result>): Promise<Result> {
    return this.answers.add(this.withFallback(job))
  }

  private async withFallback<Result>(job: (prover: Prover) => Promise<Result>): Promise<Result> {
    if (!this.hasGivenUp) {
      try {
        this.selfTest ??= testNativeProver(this.native, this.folder)
        await this.selfTest
        return await job(this.native)
      } catch (error) {
        await this.judge(error)
      }
    }
    return job(this.snarkjs)
  }

  /** Throws on what snarkjs cannot mend; otherwise counts it and says so. */
  private async judge(error: unknown): Promise<void> {
    const isNatives = NATIVE_FAILURES.some((failure) => error instanceof failure)
    // Several calls may be under way when the native prover is given up; that was said once.
    if (this.hasGivenUp && (isNatives || error instanceof ProverClosedError)) return
    if (!isNatives) throw error
    const isUnavailable = error instanceof NativeUnavailableError
    if (isUnavailable && this.demand === 'required') throw error
    const isFinal = isUnavailable || error instanceof ProverTimeoutError
    this.failures = isFinal ? MOST_FAILURES : this.failures + 1
    this.warn(new NativeFailedWarning(error as ProverError, this.hasGivenUp))
    if (this.hasGivenUp) await this.native.close()
  }
}

/** What {@link ProverOptions.onWarning} is by default. */
export function emitWarning(warning: ProverError): void {
  const { code } = warning
  process.emitWarning(warning.message, { type: 'ZkriskWarning', code })
}

/** The native prover failed; snarkjs proves instead. Never thrown: it is what {@link ProverOptions.onWarning} gets. */
export class NativeFailedWarning extends ProverError {
  readonly code = 'proof.native-failed'
  /** Whether the native prover is not tried again. */
  readonly isFinal: boolean

  constructor(cause: ProverError, isFinal: boolean) {
    super(`${cause.message} snarkjs proves ${isFinal ? 'from here on' : 'this one'} instead, several times slower.`, {
      cause,
    })
    this.isFinal = isFinal
  }
}
