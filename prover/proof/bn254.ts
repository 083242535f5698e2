/**
 * The curve under every proof: BN254, also called alt_bn128 or bn128, with the encodings of EIP-196 and EIP-197.
 *
 * An element of the quadratic extension is written [c0, c1] = c0 + c1·u, u² = -1, as snarkjs and @noble/curves do. The EVM
 * expects c1 first: only `proofCalldata.ts` and `verifierContract.ts` swap.
 */

/** Order q of the field that point coordinates live in. */
export const BASE_FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583n

/** Order r of both groups, hence of the field that circuits compute in. */
export const SCALAR_FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Largest k for which the scalar field has 2^k-th roots of unity: r - 1 = 2^28 · odd. */
export const TWO_ADICITY = 28

/** A point of the first group, affine. */
export interface G1Point {
  readonly x: bigint
  readonly y: bigint
}

/** A point of the second group, affine; coordinates [c0, c1]. */
export interface G2Point {
  readonly x: readonly [bigint, bigint]
  readonly y: readonly [bigint, bigint]
}

/** The generator of the first group, as EIP-196 fixes it. */
export const G1_GENERATOR: G1Point = { x: 1n, y: 2n }

/** The generator of the second group, as EIP-197 fixes it. */
export const G2_GENERATOR: G2Point = {
  x: [
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  ],
  y: [
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  ],
}

/** Whether two points of the second group are the same. */
export function equalG2(a: G2Point, b: G2Point): boolean {
  return a.x[0] === b.x[0] && a.x[1] === b.x[1] && a.y[0] === b.y[0] && a.y[1] === b.y[1]
}

/** The inverse of a point of the second group. */
export function negateG2({ x, y }: G2Point): G2Point {
  return { x, y: [modulo(-y[0], BASE_FIELD_ORDER), modulo(-y[1], BASE_FIELD_ORDER)] }
}

/** `value` reduced into [0, order). */
export function modulo(value: bigint, order: bigint): bigint {
  const remainder = value % order
  return remainder < 0n ? remainder + order : remainder
}

/** base^exponent modulo `order`; exponent ≥ 0. */
export function power(base: bigint, exponent: bigint, order: bigint): bigint {
  let result = 1n
  let square = modulo(base, order)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % order
    square = (square * square) % order
  }
  return result
}

/** The inverse of a non-zero `value` modulo the prime `order`, by Fermat's little theorem. */
export function inverse(value: bigint, order: bigint): bigint {
  return power(value, order - 2n, order)
}
