/**
 * Changed proofs: as words, which is what the EVM sees, and as JSON, which is what files hold.
 *
 * Random choices come from a seeded generator, so that a disagreement can be met again.
 */
import { bn254 } from '@noble/curves/bn254.js'
import { BASE_FIELD_ORDER as Q, inverse, modulo, SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import { encodeProofCalldata } from '../../prover/proof/proofCalldata.ts'
import type { ProofPoints } from '../../prover/proof/strictProof.ts'
import type { ProvenStatement } from './provenStatement.ts'

const { G1, G2 } = bn254
type G1 = InstanceType<typeof G1.Point>
type G2 = InstanceType<typeof G2.Point>

/** A changed proof and its public signals, all plain words. */
export interface Mutant {
  readonly name: string
  readonly words: readonly bigint[]
  readonly publicSignals: readonly bigint[]
}

/** Mulberry32: small, fast and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const WORD_NAMES = ['a.x', 'a.y', 'b.x1', 'b.x0', 'b.y1', 'b.y0', 'c.x', 'c.y']

/** Changes that need no group arithmetic; most leave the curve or a field. */
export function wordMutants({ points, publicSignals, otherPoints }: ProvenStatement, flips: number): Mutant[] {
  const words = encodeProofCalldata(points)
  const random = seededRandom(1)
  const mutants: Mutant[] = []
  const add = (name: string, changed: readonly bigint[], signals: readonly bigint[] = publicSignals): void => {
    mutants.push({ name, words: changed, publicSignals: signals })
  }
  const withWord = (i: number, word: bigint): bigint[] => words.with(i, word)

  for (const [i, word] of words.entries()) {
    for (let k = 1n; word + k * Q < 2n ** 256n; k++) add(`${WORD_NAMES[i]} + ${k}q`, withWord(i, word + k * Q))
    add(`q - ${WORD_NAMES[i]}`, withWord(i, Q - word))
    add(`${WORD_NAMES[i]} + 1`, withWord(i, modulo(word + 1n, Q)))
    for (const value of [0n, 1n, Q, Q - 1n, 2n ** 256n - 1n]) add(`${WORD_NAMES[i]} = ${value}`, withWord(i, value))
    for (let j = i + 1; j < 8; j++) {
      add(`${WORD_NAMES[i]} and ${WORD_NAMES[j]} swapped`, withWord(i, words[j] as bigint).with(j, word))
    }
  }
  for (const [i, signal] of publicSignals.entries()) {
    for (let k = 1n; signal + k * R < 2n ** 256n; k++)
      add(`signal ${i} + ${k}r`, words, publicSignals.with(i, signal + k * R))
    for (const value of [0n, 1n, R - 1n, R, modulo(signal + 1n, R), modulo(signal - 1n, R), 2n ** 256n - 1n]) {
      add(`signal ${i} = ${value}`, words, publicSignals.with(i, value))
    }
  }
  for (let flip = 0; flip < flips; flip++) {
    const bit = 1n << BigInt(Math.floor(random() * 256))
    const i = Math.floor(random() * (8 + publicSignals.length))
    if (i < 8) add(`${WORD_NAMES[i]} flipped`, withWord(i, (words[i] as bigint) ^ bit))
    else add(`signal ${i - 8} flipped`, words, publicSignals.with(i - 8, (publicSignals[i - 8] as bigint) ^ bit))
  }

  add('A at infinity', [0n, 0n, ...words.slice(2)])
  add('B at infinity', [...words.slice(0, 2), 0n, 0n, 0n, 0n, ...words.slice(6)])
  add('C at infinity', [...words.slice(0, 6), 0n, 0n])
  add(
    'all at infinity',
    words.map(() => 0n),
  )
  add('signals reversed', words, publicSignals.toReversed())
  const other = encodeProofCalldata(otherPoints)
  for (const [name, from, to] of [
    ['A', 0, 2],
    ['B', 2, 6],
    ['C', 6, 8],
  ] as const) {
    add(`${name} of another proof`, [...words.slice(0, from), ...other.slice(from, to), ...words.slice(to)])
  }
  return mutants
}

/** Changes within the groups: they pass every check but the pairing. */
export function groupMutants({ key, points, publicSignals }: ProvenStatement, count: number): Mutant[] {
  const random = seededRandom(2)
  const scalar = (): bigint => 2n + BigInt(Math.floor(random() * 2 ** 32))
  const a = G1.Point.fromAffine(points.a)
  const b = liftG2(points.b)
  const c = G1.Point.fromAffine(points.c)
  const mutants: Mutant[] = []
  const add = (name: string, newA: G1, newB: G2, newC: G1, signals = publicSignals): void => {
    mutants.push({ name, words: wordsOf(newA, newB, newC), publicSignals: signals })
  }
  add('-A', a.negate(), b, c)
  add('-B', a, b.negate(), c)
  add('-C', a, b, c.negate())
  add('A doubled', a.double(), b, c)
  add('A and C exchanged', c, b, a)
  add('generators', G1.Point.BASE, G2.Point.BASE, G1.Point.BASE)
  add('A = alpha, B = beta', G1.Point.fromAffine(key.alpha1), liftG2(key.beta2), c)
  for (let i = 0; mutants.length < count; i++) {
    const shift = G1.Point.BASE.multiply(scalar())
    if (i % 4 === 0) add('A shifted', a.add(shift), b, c)
    else if (i % 4 === 1) add('B shifted', a, b.add(G2.Point.BASE.multiply(scalar())), c)
    else if (i % 4 === 2) add('C shifted', a, b, c.add(shift))
    else
      add('signal changed', a, b, c, publicSignals.with(i % 3, modulo((publicSignals[i % 3] as bigint) + scalar(), R)))
  }
  return mutants
}

/** Other encodings of a valid proof that are valid proofs: Groth16 proofs are malleable, and every verifier must say so. */
export function validVariants({ key, points, publicSignals }: ProvenStatement, count: number): Mutant[] {
  const random = seededRandom(3)
  const a = G1.Point.fromAffine(points.a)
  const b = liftG2(points.b)
  const c = G1.Point.fromAffine(points.c)
  const delta = liftG2(key.delta2)
  const variants: Mutant[] = [{ name: '(-A, -B, C)', words: wordsOf(a.negate(), b.negate(), c), publicSignals }]
  while (variants.length < count) {
    const factor = 2n + BigInt(Math.floor(random() * 2 ** 32))
    const shift = 2n + BigInt(Math.floor(random() * 2 ** 32))
    const newA = a.multiply(factor)
    // e(kA, B/k + s·delta) = e(A, B) · e(s·k·A, delta)
    const newB = b.multiply(inverse(factor, R)).add(delta.multiply(shift))
    const newC = c.add(newA.multiply(shift))
    variants.push({ name: 'randomised again', words: wordsOf(newA, newB, newC), publicSignals })
  }
  return variants
}

/** A point on the second group's curve that is not in the group: of order other than r. */
export function pointOutsideSubgroup(): ProofPoints['b'] {
  const { Fp2 } = bn254.fields
  for (let c0 = 1n; ; c0++) {
    const x = { c0, c1: 0n }
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), G2.Point.CURVE().b))
      if (!G2.Point.fromAffine({ x, y }).isTorsionFree()) return { x: [x.c0, x.c1], y: [y.c0, y.c1] }
    } catch {
      // x³ + b is not a square: no point has this x.
    }
  }
}

function liftG2({ x, y }: ProofPoints['b']): G2 {
  return G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
}

function wordsOf(a: G1, b: G2, c: G1): bigint[] {
  const [affineA, affineB, affineC] = [a.toAffine(), b.toAffine(), c.toAffine()]
  return [
    ...encodeProofCalldata({
      a: affineA,
      b: { x: [affineB.x.c0, affineB.x.c1], y: [affineB.y.c0, affineB.y.c1] },
      c: affineC,
    }),
  ]
}
