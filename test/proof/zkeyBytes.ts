/** A proving key's file taken apart, so that tests can change it in one place. */
import { BASE_FIELD_ORDER, type G1Point, type G2Point } from '../../prover/proof/bn254.ts'
import { writeUint256 } from '../../prover/proof/binaryFile.ts'

/** Where the contents of a section lie. */
export type SectionBounds = { readonly start: number; readonly end: number }

export const Section = {
  protocol: 1,
  header: 2,
  publicPoints: 3,
  coefficients: 4,
  a: 5,
  b1: 6,
  b2: 7,
  c: 8,
  h: 9,
  contributions: 10,
} as const

/** Offsets of the header's points. */
export const HeaderPoint = { alpha1: 84, beta1: 148, beta2: 212, gamma2: 340, delta1: 468, delta2: 532 } as const
export const HEADER_WIRES = 72

export function sectionsOf(zkey: Buffer): Map<number, SectionBounds> {
  const sections = new Map<number, SectionBounds>()
  for (let position = 12; position < zkey.length; ) {
    const start = position + 12
    const end = start + Number(zkey.readBigUInt64LE(position + 4))
    sections.set(zkey.readUInt32LE(position), { start, end })
    position = end
  }
  return sections
}

/** A copy that a function has changed. */
export function changed(zkey: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(zkey)
  change(copy)
  return copy
}

/** A key of other sections: [id, content], in this order. */
export function assembled(zkey: Buffer, sections: readonly (readonly [number, Uint8Array])[]): Buffer {
  const header = Buffer.from(zkey.subarray(0, 12))
  header.writeUInt32LE(sections.length, 8)
  const pieces = sections.flatMap(([id, content]) => {
    const start = Buffer.alloc(12)
    start.writeUInt32LE(id, 0)
    start.writeBigUInt64LE(BigInt(content.length), 4)
    return [start, content]
  })
  return Buffer.concat([header, ...pieces])
}

/** Coordinates as keys hold them, times 2^256. */
const montgomery = (value: bigint): bigint => (value * 2n ** 256n) % BASE_FIELD_ORDER

export function writeG1(bytes: Uint8Array, offset: number, { x, y }: G1Point): void {
  for (const [i, value] of [x, y].entries()) writeUint256(bytes, offset + 32 * i, montgomery(value))
}

export function writeG2(bytes: Uint8Array, offset: number, { x, y }: G2Point): void {
  for (const [i, value] of [...x, ...y].entries()) writeUint256(bytes, offset + 32 * i, montgomery(value))
}
