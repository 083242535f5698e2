import { NativeUnavailableError, requireNativeProgram, selfTestCircuit, selfTestKeys } from './nativeBuild.ts'
import type { Prover, Proven } from './prover.ts'
import { ProverClosedError } from './workerProver.ts'

/** What the self-test proves: that it knows the factors of a number. */
export const SELF_TEST_INPUT = { factors: [641n, 6_700_417n] } as const

/**
 * Proves something small, self-verification included: a library for another processor or another C library shows itself here
 * and not in the first real proof.
 *
 * @throws {@link NativeUnavailableError} whatever goes wrong, with the reason as its cause
 */
export async function testNativeProver(prover: Prover, folder: string): Promise<Proven> {
  const program = requireNativeProgram(folder)
  try {
    return await prover.prove(await selfTestKeys(folder).load(selfTestCircuit(folder)), SELF_TEST_INPUT)
  } catch (error) {
    if (error instanceof ProverClosedError) throw error
    throw new NativeUnavailableError(
      program,
      `its self-test failed (${(error as Error).message.replace(/\.+$/, '')})`,
      error,
    )
  }
}
