/**
 * Proofs and public signals as other people's files hold them, taken apart strictly before any verifier sees them.
 *
 * snarkjs accepts a coordinate plus q, a point scaled projectively, another protocol's name, hexadecimal digits; the EVM accepts
 * none of these. Whatever passes here means the same to both, and every proof has exactly one accepted text.
 */
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../errors.ts'
import { BASE_FIELD_ORDER, type G1Point, type G2Point, SCALAR_FIELD_ORDER } from './bn254.ts'

/** The three points of a proof. */
export interface ProofPoints {
  readonly a: G1Point
  readonly b: G2Point
  readonly c: G1Point
}

/** A proof as snarkjs writes it: decimal strings, projective with z = 1. */
export interface Groth16Proof {
  readonly pi_a: readonly [string, string, '1']
  readonly pi_b: readonly [readonly [string, string], readonly [string, string], readonly ['1', '0']]
  readonly pi_c: readonly [string, string, '1']
  readonly protocol: 'groth16'
  readonly curve: 'bn128'
}

/** More digits than any number below 2^256 has are refused unread. */
const MOST_DIGITS = 78
const CANONICAL_DECIMAL = /^(?:0|[1-9][0-9]*)$/

/**
 * Parses a proof.
 *
 * @param value - typically JSON of unknown origin; numbers as canonical decimal strings or bigints
 * @throws {@link MalformedProofError} if the shape, the protocol or the curve is another, or a field is missing or too many
 * @throws {@link NumberNotCanonicalError} if a number is not in the one form that is allowed
 * @throws {@link NumberOutOfRangeError} if a coordinate is not below q
 * @throws {@link PointNotInGroupError} if a point is not on the curve, or not of order r, or infinity
 * @example
 * const { proof } = await readBundle('bundle.json')
 * parseProof(proof).a.x > 0n // → true
 */
export function parseProof(value: unknown): ProofPoints {
  const proof = parseRecord(value, 'proof', ['pi_a', 'pi_b', 'pi_c', 'protocol', 'curve'])
  parseConstant(proof.protocol, 'groth16', 'protocol')
  parseConstant(proof.curve, 'bn128', 'curve')
  return {
    a: parseG1(proof.pi_a, 'pi_a'),
    b: parseG2(proof.pi_b, 'pi_b'),
    c: parseG1(proof.pi_c, 'pi_c'),
  }
}

/**
 * The one text of a proof; the inverse of {@link parseProof}.
 *
 * @example
 * const { proof } = await readBundle('bundle.json')
 * formatProof(parseProof(proof)).curve // → 'bn128'
 */
export function formatProof({ a, b, c }: ProofPoints): Groth16Proof {
  return {
    pi_a: formatG1(a),
    pi_b: formatG2(b),
    pi_c: formatG1(c),
    protocol: 'groth16',
    curve: 'bn128',
  }
}

/**
 * Parses public signals.
 *
 * @param count - how many the circuit has
 * @throws {@link MalformedProofError} if there are more or fewer
 * @throws {@link NumberNotCanonicalError}, {@link NumberOutOfRangeError} if one is not a canonical number below r
 * @example
 * parsePublicSignals(['1', '2', '3'], 3) // → [1n, 2n, 3n]
 */
export function parsePublicSignals(value: unknown, count: number): bigint[] {
  const signals = parseArray(value, 'publicSignals', count)
  // Array.from visits holes as well, which map would leave as they are.
  return Array.from(signals, (signal, i) => parseNumber(signal, SCALAR_FIELD_ORDER, `publicSignals[${i}]`))
}

/** Parses [x, y, 1] as a point of the first group. */
export function parseG1(value: unknown, field: string): G1Point {
  const [x, y, z] = parseArray(value, field, 3)
  const point = { x: parseCoordinate(x, `${field}[0]`), y: parseCoordinate(y, `${field}[1]`) }
  parseConstant(z, '1', `${field}[2]`)
  assertInGroup(() => bn254.G1.Point.fromAffine(point), field)
  return point
}

/** Parses [[x0, x1], [y0, y1], [1, 0]] as a point of the second group. */
export function parseG2(value: unknown, field: string): G2Point {
  const [x, y, z] = parseArray(value, field, 3)
  const [z0, z1] = parseArray(z, `${field}[2]`, 2)
  const point = { x: parsePair(x, `${field}[0]`), y: parsePair(y, `${field}[1]`) }
  parseConstant(z0, '1', `${field}[2][0]`)
  parseConstant(z1, '0', `${field}[2][1]`)
  return knownG2(point, field)
}

/** Points of the second group that were found to be proper, by their coordinates: those parsed last. */
const properG2 = new Map<string, G2Point>()
const MOST_KNOWN = 1_024

/**
 * The one object for a proper point of the second group. Whether it is of order r takes longer to see than the whole of
 * parsing besides, and the same keys and proofs are parsed again and again; that a point is proper never changes.
 */
function knownG2(point: G2Point, field: string): G2Point {
  const coordinates = [...point.x, ...point.y].join()
  const known = properG2.get(coordinates) ?? properPoint(point, field)
  properG2.delete(coordinates)
  properG2.set(coordinates, known)
  const [oldest] = properG2.keys()
  if (properG2.size > MOST_KNOWN && oldest !== undefined) properG2.delete(oldest)
  return known
}

/** Frozen, because others are given it as well. */
function properPoint({ x, y }: G2Point, field: string): G2Point {
  const point: G2Point = { x: Object.freeze<[bigint, bigint]>([...x]), y: Object.freeze<[bigint, bigint]>([...y]) }
  assertInGroup(() => toNobleG2(point), field)
  return Object.freeze(point)
}

/** [x, y, 1] in decimal. */
export function formatG1({ x, y }: G1Point): [string, string, '1'] {
  return [x.toString(), y.toString(), '1']
}

/** [[x0, x1], [y0, y1], [1, 0]] in decimal. */
export function formatG2({ x, y }: G2Point): [[string, string], [string, string], ['1', '0']] {
  return [
    [x[0].toString(), x[1].toString()],
    [y[0].toString(), y[1].toString()],
    ['1', '0'],
  ]
}

/** A point of the second group for @noble/curves. */
export function toNobleG2({ x, y }: G2Point): InstanceType<typeof bn254.G2.Point> {
  return bn254.G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
}

/**
 * Parses an object with exactly these own fields.
 *
 * @param optional - fields that may be there too
 */
export function parseRecord<Name extends string>(
  value: unknown,
  field: string,
  names: readonly Name[],
  optional: readonly string[] = [],
): Record<Name, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedProofError(field, 'expected an object')
  }
  const missing = names.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) throw new MalformedProofError(field, `field "${missing}" is missing`)
  const known: readonly string[] = [...names, ...optional]
  const unknown = Reflect.ownKeys(value).find((key) => typeof key !== 'string' || !known.includes(key))
  if (unknown !== undefined) throw new MalformedProofError(field, `field "${String(unknown)}" is unknown`)
  return value as Record<Name, unknown>
}

/** Parses an array of exactly `length` elements. */
function parseArray(value: unknown, field: string, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw new MalformedProofError(field, `expected an array of ${length}`)
  }
  return value
}

/** Refuses anything but `expected`. */
export function parseConstant(value: unknown, expected: string, field: string): void {
  if (value === expected || (typeof value === 'bigint' && value.toString() === expected)) return
  throw new MalformedProofError(field, `expected "${expected}"`)
}

/** Parses a number in [0, bound): a bigint, or a string of decimal digits without leading zeros. */
function parseNumber(value: unknown, bound: bigint, field: string): bigint {
  const canonical =
    typeof value === 'bigint' ||
    (typeof value === 'string' && value.length <= MOST_DIGITS && CANONICAL_DECIMAL.test(value))
  if (!canonical) throw new NumberNotCanonicalError(field)
  const number = BigInt(value)
  if (number < 0n || number >= bound) throw new NumberOutOfRangeError(field, number, bound)
  return number
}

function parseCoordinate(value: unknown, field: string): bigint {
  return parseNumber(value, BASE_FIELD_ORDER, field)
}

function parsePair(value: unknown, field: string): [bigint, bigint] {
  const [c0, c1] = parseArray(value, field, 2)
  return [parseCoordinate(c0, `${field}[0]`), parseCoordinate(c1, `${field}[1]`)]
}

function assertInGroup(make: () => { is0(): boolean; assertValidity(): void }, field: string): void {
  try {
    const point = make()
    point.assertValidity()
    // @noble/curves reads (0, 0) as infinity, as the EVM does, and finds it valid.
    if (!point.is0()) return
  } catch (error) {
    throw new PointNotInGroupError(field, error)
  }
  throw new PointNotInGroupError(field, undefined)
}

/** The shape is not that of a Groth16 proof over BN254, or of its public signals or key. */
export class MalformedProofError extends ProverError {
  readonly code = 'proof.malformed'
  readonly field: string

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}. Nothing was verified.`)
    this.field = field
  }
}

/** A number is neither a bigint nor a decimal string without sign, leading zeros, spaces or prefix. */
export class NumberNotCanonicalError extends ProverError {
  readonly code = 'proof.number-not-canonical'
  readonly field: string

  constructor(field: string) {
    super(`${field}: expected a decimal number without leading zeros. Nothing was verified.`)
    this.field = field
  }
}

/** A coordinate is not below q, or a public signal not below r. */
export class NumberOutOfRangeError extends ProverError {
  readonly code = 'proof.number-out-of-range'
  readonly field: string
  readonly value: bigint
  readonly bound: bigint

  constructor(field: string, value: bigint, bound: bigint) {
    super(`${field}: expected a number below ${bound}, got ${value}. Nothing was verified.`)
    this.field = field
    this.value = value
    this.bound = bound
  }
}

/** A point is not on its curve, not of order r, or infinity, which an honest proof holds with probability 2^-254. */
export class PointNotInGroupError extends ProverError {
  readonly code = 'proof.point-not-in-group'
  readonly field: string

  constructor(field: string, cause: unknown) {
    super(`${field}: expected a finite point of order r on the curve. Nothing was verified.`, { cause })
    this.field = field
  }
}
