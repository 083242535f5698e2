/** One proof of the polynomial circuit and its key, made once per test file. */
import { readFileSync } from 'node:fs'
import { Groth16 } from '../../prover/proof/kernel/groth16.ts'
import { makeDevelopmentKey } from '../../prover/proof/keys/developmentKeys.ts'
import { KernelThreads } from '../../prover/proof/kernel/kernelThreads.ts'
import { readR1cs } from '../../prover/proof/keys/r1cs.ts'
import type { ProofPoints } from '../../prover/proof/strictProof.ts'
import { type VerificationKey, verificationKeyOf } from '../../prover/proof/keys/verificationKey.ts'
import { WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { readZkey } from '../../prover/proof/keys/zkey.ts'
import { polynomialCircuit, polynomialInput } from './smallCircuits.ts'

export interface ProvenStatement {
  readonly key: VerificationKey
  readonly points: ProofPoints
  readonly publicSignals: readonly bigint[]
  /** Another proof of the same public signals. */
  readonly otherPoints: ProofPoints
}

export async function proveStatement(): Promise<ProvenStatement> {
  const circuit = await polynomialCircuit()
  const r1cs = readR1cs(readFileSync(circuit.r1cs), circuit.r1cs)
  const zkey = readZkey(Buffer.concat(await makeDevelopmentKey(r1cs)), 'key')
  const calculator = await WitnessCalculator.load(circuit.name, readFileSync(circuit.wasm))
  const threads = await KernelThreads.start(1)
  try {
    const groth16 = await Groth16.load(zkey, threads, 0)
    await calculator.calculate(polynomialInput, groth16.witness)
    const [points, otherPoints] = [await groth16.prove(), await groth16.prove()]
    return { key: verificationKeyOf(zkey), points, otherPoints, publicSignals: groth16.publicSignals() }
  } finally {
    await threads.close()
  }
}
