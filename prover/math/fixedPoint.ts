/**
 * Exact integer arithmetic of the circuits, on bigints: every function equals the template of the same name in
 * `circuits/math` bit for bit, and rounds the way its name says. Scales are the caller's; see STYLE for the suffixes.
 *
 * Arguments and results are non-negative integers unless a name says signed.
 */
import { ProverError } from '../errors.ts'

/** ⌊a·b / 2^fractionBits⌋. */
export function mulDown(a: bigint, b: bigint, fractionBits: number): bigint {
  requireNonNegative('mulDown', a, b)
  return (a * b) >> BigInt(fractionBits)
}

/** ⌈a·b / 2^fractionBits⌉. */
export function mulUp(a: bigint, b: bigint, fractionBits: number): bigint {
  requireNonNegative('mulUp', a, b)
  return shiftRightUp(a * b, fractionBits)
}

/** ⌊x / 2^drop⌋. */
export function shiftRightDown(x: bigint, drop: number): bigint {
  requireNonNegative('shiftRightDown', x)
  return x >> BigInt(drop)
}

/** ⌊x / 2^drop⌋ of a number of either sign, towards minus infinity. */
export function signedShiftRightDown(x: bigint, drop: number): bigint {
  return x >> BigInt(drop)
}

/** ⌊a·b / 2^fractionBits⌋ of numbers of either sign, towards minus infinity. */
export function signedMulDown(a: bigint, b: bigint, fractionBits: number): bigint {
  return (a * b) >> BigInt(fractionBits)
}

/** ⌈x / 2^drop⌉. */
export function shiftRightUp(x: bigint, drop: number): bigint {
  requireNonNegative('shiftRightUp', x)
  return (x + (1n << BigInt(drop)) - 1n) >> BigInt(drop)
}

/** ⌊numerator / denominator⌋. @throws {@link DivisionByZeroError} */
export function divDown(numerator: bigint, denominator: bigint): bigint {
  requireNonNegative('divDown', numerator, denominator)
  if (denominator === 0n) throw new DivisionByZeroError(numerator)
  return numerator / denominator
}

/** ⌈numerator / denominator⌉. @throws {@link DivisionByZeroError} */
export function divUp(numerator: bigint, denominator: bigint): bigint {
  requireNonNegative('divUp', numerator, denominator)
  if (denominator === 0n) throw new DivisionByZeroError(numerator)
  return (numerator + denominator - 1n) / denominator
}

/**
 * ⌊numerator / denominator⌋ of a numerator of either sign, towards minus infinity.
 *
 * @throws {@link DivisionByZeroError}; {@link OutOfDomainError} if the denominator is negative
 */
export function signedDivDown(numerator: bigint, denominator: bigint): bigint {
  requireNonNegative('signedDivDown', denominator)
  if (denominator === 0n) throw new DivisionByZeroError(numerator)
  const quotient = numerator / denominator
  return numerator < 0n && quotient * denominator !== numerator ? quotient - 1n : quotient
}

/** ⌊√x⌋; 2F fraction bits going in give F coming out. */
export function sqrtDown(x: bigint): bigint {
  requireNonNegative('sqrtDown', x)
  if (x === 0n) return 0n
  // Newton's iteration from above: it falls until it reaches the root
  let root = 1n << BigInt((x.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + x / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** ⌈√x⌉. */
export function sqrtUp(x: bigint): bigint {
  requireNonNegative('sqrtUp', x)
  return x === 0n ? 0n : sqrtDown(x - 1n) + 1n
}

/** The smaller of two. */
export function min(a: bigint, b: bigint): bigint {
  requireNonNegative('min', a, b)
  return a < b ? a : b
}

/** The larger of two. */
export function max(a: bigint, b: bigint): bigint {
  requireNonNegative('max', a, b)
  return a < b ? b : a
}

/** x moved into [low, high]. If low > high, high. */
export function clamp(x: bigint, low: bigint, high: bigint): bigint {
  return min(max(x, low), high)
}

/** min(x, 2^bits - 1). */
export function saturate(x: bigint, bits: number): bigint {
  return min(x, (1n << BigInt(bits)) - 1n)
}

/** x of either sign, moved into [-2^bits, 2^bits - 1]. */
export function saturateSigned(x: bigint, bits: number): bigint {
  const limit = 1n << BigInt(bits)
  if (x < -limit) return -limit
  return x < limit ? x : limit - 1n
}

/** |a - b|. */
export function absoluteDifference(a: bigint, b: bigint): bigint {
  requireNonNegative('absoluteDifference', a, b)
  return a < b ? b - a : a - b
}

/** max(a - b, 0). */
export function subtractOrZero(a: bigint, b: bigint): bigint {
  requireNonNegative('subtractOrZero', a, b)
  return a < b ? 0n : a - b
}

function requireNonNegative(operation: string, ...values: readonly bigint[]): void {
  for (const value of values) if (value < 0n) throw new OutOfDomainError(operation, value, 'a non-negative integer')
}

/** An argument lies outside the domain on which circuit and twin are defined. */
export class OutOfDomainError extends ProverError {
  readonly code = 'math.out-of-domain'
  readonly operation: string
  readonly value: bigint

  constructor(operation: string, value: bigint, expected: string) {
    super(`${operation} expected ${expected}, got ${value}.`)
    this.operation = operation
    this.value = value
  }
}

/** A quotient was asked of a zero denominator. */
export class DivisionByZeroError extends ProverError {
  readonly code = 'math.division-by-zero'
  readonly numerator: bigint

  constructor(numerator: bigint) {
    super(`Expected a positive denominator under ${numerator}, got 0.`)
    this.numerator = numerator
  }
}
