/** Points of a key file: affine, Montgomery form, little-endian; not checked to be on the curve. */
import { readUint256 } from '../binaryFile.ts'
import { BASE_FIELD_ORDER, type G1Point, type G2Point, inverse } from '../bn254.ts'

const FIELD_BYTES = 32
/** Coordinates are stored times 2^256. */
const MONTGOMERY_INVERSE = inverse(2n ** 256n, BASE_FIELD_ORDER)

function readCoordinate(bytes: Uint8Array, offset: number): bigint {
  return (readUint256(bytes, offset) * MONTGOMERY_INVERSE) % BASE_FIELD_ORDER
}

/** The point of the first group at `offset`. */
export function pointFrom1(bytes: Uint8Array, offset: number): G1Point {
  return { x: readCoordinate(bytes, offset), y: readCoordinate(bytes, offset + FIELD_BYTES) }
}

/** The point of the second group at `offset`. */
export function pointFrom2(bytes: Uint8Array, offset: number): G2Point {
  const coordinates = [0, 1, 2, 3].map((i) => readCoordinate(bytes, offset + i * FIELD_BYTES))
  const [x0, x1, y0, y1] = coordinates as [bigint, bigint, bigint, bigint]
  return { x: [x0, x1], y: [y0, y1] }
}
