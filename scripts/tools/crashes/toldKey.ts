/**
 * A verification key whose trapdoor is known, and with it a proof of anything that verifies: what is told is taken at the teller's word,
 * by verifiers that do all they ever do. Groth16 (Groth, 2016, section 3.2).
 */
import { bn254 } from '@noble/curves/bn254.js'
import { type G1Point, type G2Point, modulo, SCALAR_FIELD_ORDER } from '../../../prover/proof/bn254.ts'
import type { VerificationKey } from '../../../prover/proof/keys/verificationKey.ts'
import { generateVerifierContract } from '../../../prover/proof/keys/verifierContract.ts'
import type { ProofPoints } from '../../../prover/proof/strictProof.ts'
import { type CompiledContract, compileContract } from '../chains/compileContract.ts'

/** The first phase, which keys of proofs that are verified together share; gamma is 1, as in keys of ceremonies. */
const [ALPHA, BETA] = [5n ** 100n % SCALAR_FIELD_ORDER, 7n ** 80n % SCALAR_FIELD_ORDER]
/** Of every proof; C alone follows from what is told. */
const [A, B] = [11n ** 60n % SCALAR_FIELD_ORDER, 13n ** 60n % SCALAR_FIELD_ORDER]
/** Commitment, evaluation, challenge, and the constant before them. */
const POINTS = 4

export type ToldKey = {
  readonly verificationKey: VerificationKey
  readonly verifier: CompiledContract
  /** A proof of three signals. */
  prove(signals: readonly bigint[]): ProofPoints
}

/** @param number - of the key, from 1: each has a second phase of its own */
export function toldKey(number: number): ToldKey {
  const delta = 17n ** BigInt(50 + number) % SCALAR_FIELD_ORDER
  const shares = Array.from({ length: POINTS }, (_, i) => 19n ** BigInt(10 * number + i + 50) % SCALAR_FIELD_ORDER)
  const verificationKey: VerificationKey = {
    alpha1: inFirst(ALPHA),
    beta2: inSecond(BETA),
    gamma2: inSecond(1n),
    delta2: inSecond(delta),
    publicPoints: shares.map(inFirst),
  }
  const [a, b] = [inFirst(A), inSecond(B)]
  const perDelta = bn254.fields.Fr.inv(delta)
  // e(A, B) = e(alpha, beta) · e(sum of the public points, gamma) · e(C, delta), in exponents.
  const prove = (signals: readonly bigint[]): ProofPoints => {
    const told = [1n, ...signals].reduce((sum, signal, i) => sum + signal * (shares[i] as bigint), 0n)
    const c = modulo((A * B - ALPHA * BETA - told) * perDelta, SCALAR_FIELD_ORDER)
    return { a, b, c: inFirst(c) }
  }
  const name = `ToldVerifier${number}`
  return { verificationKey, verifier: compileContract(name, generateVerifierContract(verificationKey, name)), prove }
}

const inFirst = (scalar: bigint): G1Point => bn254.G1.Point.BASE.multiply(scalar).toAffine()

function inSecond(scalar: bigint): G2Point {
  const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine()
  return { x: [x.c0, x.c1], y: [y.c0, y.c1] }
}
