import { nativeFolder as defaultFolder, requireNativeProgram } from './nativeBuild.ts'
import type { ProverOptions } from './prover.ts'
import { CALLS_UNDER_WAY, DEFAULT_MEMORY_BYTES, DEFAULT_TIMEOUT_MS, WorkerProver } from './workerProver.ts'

/**
 * Proves with a resident native process (native/main.go), which keeps the keys; a worker computes witnesses and hands them to it.
 */
export class NativeProver extends WorkerProver {
  /** @throws {@link NativeUnavailableError} if it is not built */
  constructor({
    timeoutMs = DEFAULT_TIMEOUT_MS,
    memoryBytes = DEFAULT_MEMORY_BYTES,
    nativeFolder = defaultFolder,
  }: ProverOptions = {}) {
    const limits = { memoryBytes, threads: undefined, nativeProgram: requireNativeProgram(nativeFolder) }
    super({ backend: 'native', worker: 'nativeWorker', timeoutMs, requestsUnderWay: CALLS_UNDER_WAY, limits })
  }
}
