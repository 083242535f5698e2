/** Takes the arithmetic module out of snarkjs, so that exactly one implementation of it is installed. */
import type { KernelCode } from './kernel.ts'

let loaded: Promise<KernelCode> | undefined

/** The module's code; built once per process (about 0.3 s). */
export function kernelCode(): Promise<KernelCode> {
  loaded ??= buildKernelCode()
  return loaded
}

async function buildKernelCode(): Promise<KernelCode> {
  const { curves } = await import('../snarkjsParts.ts')
  // A single-thread curve starts no workers, so there is nothing to terminate.
  const { tm } = await curves.getCurveFromName('bn128', { singleThread: true })
  return { code: tm.code, g1Generator: tm.pG1gen, g2Generator: tm.pG2gen }
}
