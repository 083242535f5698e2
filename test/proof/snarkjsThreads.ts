import { curves } from 'snarkjs'

/** Ends the threads that snarkjs starts for itself and never ends. */
export async function endSnarkjsThreads(): Promise<void> {
  await (await curves.getCurveFromName('bn128')).terminate()
}
