import { curves } from 'snarkjs'

/**
 * Makes snarkjs compute in this thread. Its own threads never end by themselves, and one that fails is never heard of again, which
 * leaves a test hanging.
 */
export async function keepSnarkjsInThisThread(): Promise<void> {
  const shared = globalThis as { curve_bn128?: unknown }
  shared.curve_bn128 = await curves.getCurveFromName('bn128', { singleThread: true })
}
