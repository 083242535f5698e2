import type { ProverOptions } from './prover.ts'
import { DEFAULT_MEMORY_BYTES, DEFAULT_TIMEOUT_MS, WorkerProver } from './workerProver.ts'

/** Proves with snarkjs' arithmetic, which needs nothing but npm. */
export class SnarkjsProver extends WorkerProver {
  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, memoryBytes = DEFAULT_MEMORY_BYTES, threads }: ProverOptions = {}) {
    const limits = { memoryBytes, threads }
    super({ backend: 'snarkjs', worker: 'snarkjsWorker', timeoutMs, requestsUnderWay: 1, limits })
  }
}
