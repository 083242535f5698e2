/**
 * Two verifiers that share no arithmetic, behind one strict parser: what they accept is exactly what the EVM accepts.
 */
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../errors.ts'
import type { G1Point, G2Point } from './bn254.ts'
import { formatProof, type ProofPoints, parseProof, parsePublicSignals, toNobleG2 } from './strictProof.ts'
import { formatVerificationKey, type VerificationKey } from './keys/verificationKey.ts'

/** Accepted, or why not. */
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: ProverError }

/** A statement and its proof, as read from a file: nothing is assumed about them. */
export interface ProofToVerify {
  readonly proof: unknown
  readonly publicSignals: unknown
}

/**
 * Verifies with snarkjs' WebAssembly pairing.
 *
 * @example
 * const { proof, publicSignals: { commitment, evaluation, challenge } } = await readBundle('bundle.json')
 * const publicSignals = [commitment, evaluation, challenge]
 * const { verificationKey } = await loadVerifyingKeys('marketRiskRange6x2')
 * (await verifyWithSnarkjs(verificationKey, { proof, publicSignals })).accepted // → true
 */
export function verifyWithSnarkjs(key: VerificationKey, claim: ProofToVerify): Promise<Verdict> {
  return judge(key, claim, snarkjsAccepts)
}

/**
 * Verifies with the pairing of @noble/curves, in plain bigints.
 *
 * @example
 * const { proof, publicSignals: { commitment, evaluation, challenge } } = await readBundle('bundle.json')
 * const publicSignals = [commitment, evaluation, challenge]
 * const { verificationKey } = await loadVerifyingKeys('marketRiskRange6x2')
 * (await verifyWithNoble(verificationKey, { proof, publicSignals })).accepted // → true
 */
export function verifyWithNoble(key: VerificationKey, claim: ProofToVerify): Promise<Verdict> {
  return judge(key, claim, nobleAccepts)
}

/**
 * Verifies with both.
 *
 * @throws {@link VerifiersDisagreeError} if their verdicts differ, which would be a bug in one of them
 * @example
 * const { proof, publicSignals: { commitment, evaluation, challenge } } = await readBundle('bundle.json')
 * const publicSignals = [commitment, evaluation, challenge]
 * const { verificationKey } = await loadVerifyingKeys('marketRiskRange6x2')
 * (await verifyProof(verificationKey, { proof, publicSignals })).accepted // → true
 */
export async function verifyProof(key: VerificationKey, claim: ProofToVerify): Promise<Verdict> {
  let disagreement: VerifiersDisagreeError | undefined
  const verdict = await judge(key, claim, async (...parsed) => {
    const [bySnarkjs, byNoble] = await Promise.all([snarkjsAccepts(...parsed), nobleAccepts(...parsed)])
    if (bySnarkjs !== byNoble) disagreement = new VerifiersDisagreeError(bySnarkjs)
    return bySnarkjs && byNoble
  })
  if (disagreement !== undefined) throw disagreement
  return verdict
}

type Verifier = (points: ProofPoints, signals: readonly bigint[], key: VerificationKey) => Promise<boolean>

async function judge(
  key: VerificationKey,
  { proof, publicSignals }: ProofToVerify,
  verifier: Verifier,
): Promise<Verdict> {
  try {
    const points = parseProof(proof)
    const signals = parsePublicSignals(publicSignals, key.publicPoints.length - 1)
    if (await verifier(points, signals, key)) return { accepted: true }
    return { accepted: false, reason: new ProofRejectedError() }
  } catch (error) {
    if (error instanceof ProverError) return { accepted: false, reason: error }
    throw error
  }
}

/** ffjavascript keeps the curve that snarkjs uses in this global. */
const shared = globalThis as { curve_bn128?: unknown }
let singleThread: ReturnType<typeof loadSnarkjs> | undefined

/** Not before the first proof is verified: many processes know verifiers and never need one. */
async function loadSnarkjs() {
  const { curves, groth16 } = await import('./snarkjsParts.ts')
  return { groth16, curve: await curves.getCurveFromName('bn128', { singleThread: true }) }
}

/**
 * Lends snarkjs a curve without worker threads. Its own would start one per processor and keep the process alive until somebody
 * terminates it; one pairing needs none. snarkjs looks the curve up before its first `await`, so the global can be put back at
 * once, and nobody else ever sees the loan.
 */
async function snarkjsAccepts(points: ProofPoints, signals: readonly bigint[], key: VerificationKey): Promise<boolean> {
  singleThread ??= loadSnarkjs()
  const { groth16, curve } = await singleThread
  const previous = shared.curve_bn128
  shared.curve_bn128 = curve
  try {
    return groth16.verify(formatVerificationKey(key), signals.map(String), formatProof(points))
  } finally {
    shared.curve_bn128 = previous
  }
}

/** e(alpha, beta) · e(-A, B) · e(Σ signalᵢ · publicPointᵢ, gamma) · e(C, delta) = 1. */
async function nobleAccepts(
  { a, b, c }: ProofPoints,
  signals: readonly bigint[],
  key: VerificationKey,
): Promise<boolean> {
  const { Point } = bn254.G1
  let combination = Point.fromAffine(key.publicPoints[0] as { x: bigint; y: bigint })
  for (const [i, signal] of signals.entries()) {
    const point = Point.fromAffine(key.publicPoints[i + 1] as { x: bigint; y: bigint })
    combination = combination.add(point.multiplyUnsafe(signal))
  }
  // Of the proof's points the parser has seen that they are in their groups; of the key's, those here.
  const pairs = [
    { g1: Point.fromAffine(a).negate(), g2: calcPairingPrecomputes(toNobleG2(b)) },
    { g1: combination, g2: linesOf(key.gamma2) },
    { g1: Point.fromAffine(c), g2: linesOf(key.delta2) },
  ]
  const { Fp12 } = bn254.fields
  const product = Fp12.mul(constantOf(key), millerLoops(pairs))
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE)
}

type Pair = { readonly g1: InstanceType<typeof bn254.G1.Point>; readonly g2: Lines }

/** Product of the pairings of these pairs, before the final exponentiation. A pair with infinity contributes 1. */
function millerLoops(pairs: readonly Pair[]) {
  const finite = pairs.filter(({ g1 }) => !g1.is0())
  return bn254.millerLoopBatch(
    finite.map(({ g1, g2 }) => {
      g1.assertValidity()
      const { x, y } = g1.toAffine()
      return [g2, x, y]
    }),
  )
}

const { calcPairingPrecomputes } = bn254.utils
type Lines = ReturnType<typeof calcPairingPrecomputes>
const knownLines = new WeakMap<G2Point, Lines>()

type Constant = { readonly alpha1: G1Point; readonly product: ReturnType<typeof millerLoops> }
const knownConstants = new WeakMap<G2Point, Constant>()

/** e(alpha, beta) before the final exponentiation, which is the same for every proof under a key. */
function constantOf({ alpha1, beta2 }: VerificationKey): Constant['product'] {
  const known = knownConstants.get(beta2)
  if (known !== undefined && known.alpha1.x === alpha1.x && known.alpha1.y === alpha1.y) return known.product
  const product = millerLoops([{ g1: bn254.G1.Point.fromAffine(alpha1), g2: linesOf(beta2) }])
  knownConstants.set(beta2, { alpha1, product })
  return product
}

/** The lines of a point of a key, which are the same for every proof under it. */
function linesOf(point: G2Point): Lines {
  const known = knownLines.get(point)
  if (known !== undefined) return known
  const valid = toNobleG2(point)
  valid.assertValidity()
  const lines = calcPairingPrecomputes(valid)
  knownLines.set(point, lines)
  return lines
}

/** A well-formed proof that does not prove these public signals under this key. */
export class ProofRejectedError extends ProverError {
  readonly code = 'proof.rejected'

  constructor() {
    super('The proof does not prove these public signals under this verification key. Do not act on them.')
  }
}

/** One verifier accepted and the other did not: a bug in one of them. */
export class VerifiersDisagreeError extends ProverError {
  readonly code = 'proof.verifiers-disagree'
  readonly snarkjsAccepts: boolean

  constructor(snarkjsAccepts: boolean) {
    super('snarkjs and @noble/curves disagree about a proof. Trust neither, and report the proof as a bug.')
    this.snarkjsAccepts = snarkjsAccepts
  }
}
