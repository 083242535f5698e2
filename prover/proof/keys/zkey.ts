/**
 * snarkjs' proving key (*.zkey, Groth16): layout, strict reader and writer.
 *
 * Points are affine in Montgomery form, coordinates little-endian; infinity is all zeros.
 *
 * @see https://github.com/iden3/snarkjs/blob/master/src/zkey_utils.js
 */
import {
  dataView,
  MalformedFileError,
  readSections,
  readUint256,
  requireSection,
  writeSections,
  writeUint256,
} from '../binaryFile.ts'
import { BASE_FIELD_ORDER, type G1Point, type G2Point, inverse, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { type Contribution, readTranscript } from './transcript.ts'
import { pointFrom1, pointFrom2 } from './zkeyPoints.ts'

const FORMAT = { magic: 'zkey', versions: [1, 2] }
const GROTH16 = 1
const FIELD_BYTES = 32
const G1_BYTES = 2 * FIELD_BYTES
const G2_BYTES = 4 * FIELD_BYTES
const COEFFICIENT_BYTES = 12 + FIELD_BYTES
const CIRCUIT_HASH_BYTES = 64

const Section = {
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

/** Offsets in the header section. */
const Header = {
  baseField: 4,
  scalarField: 8 + FIELD_BYTES,
  wires: 8 + 2 * FIELD_BYTES,
  publicSignals: 12 + 2 * FIELD_BYTES,
  domainSize: 16 + 2 * FIELD_BYTES,
  alpha1: 20 + 2 * FIELD_BYTES,
  beta1: 20 + 2 * FIELD_BYTES + G1_BYTES,
  beta2: 20 + 2 * FIELD_BYTES + 2 * G1_BYTES,
  gamma2: 20 + 2 * FIELD_BYTES + 2 * G1_BYTES + G2_BYTES,
  delta1: 20 + 2 * FIELD_BYTES + 2 * G1_BYTES + 2 * G2_BYTES,
  delta2: 20 + 2 * FIELD_BYTES + 3 * G1_BYTES + 2 * G2_BYTES,
  end: 20 + 2 * FIELD_BYTES + 3 * G1_BYTES + 3 * G2_BYTES,
} as const

/** Where the verification key's points come from. */
export interface ZkeyHeader {
  readonly wires: number
  readonly publicSignals: number
  readonly domainPower: number
  readonly alpha1: G1Point
  readonly beta1: G1Point
  readonly beta2: G2Point
  readonly gamma2: G2Point
  readonly delta1: G1Point
  readonly delta2: G2Point
}

/** A parsed proving key; byte arrays are views into the file. */
export interface Zkey {
  readonly header: ZkeyHeader
  readonly publicPoints: readonly G1Point[]
  readonly contributions: readonly Contribution[]
  /** The section that they are from, for {@link readTranscript}. */
  readonly transcript: Uint8Array
  /** See {@link readCoefficients}. */
  readonly coefficients: Uint8Array
  readonly a: Uint8Array
  readonly b1: Uint8Array
  readonly b2: Uint8Array
  readonly c: Uint8Array
  readonly h: Uint8Array
}

/**
 * Parses a proving key; every length is checked, points and coefficients are not.
 *
 * @param bytes - the whole file
 * @param file - its name, for the errors only
 * @throws {@link MalformedFileError} if it is not a whole Groth16 key over BN254
 */
export function readZkey(bytes: Uint8Array, file: string): Zkey {
  const sections = readSections(bytes, FORMAT, file)
  const protocol = requireSection(sections, Section.protocol, file, 4)
  if (dataView(protocol).getUint32(0, true) !== GROTH16) throw new MalformedFileError(file, 'it is not a Groth16 key')
  const header = readHeader(requireSection(sections, Section.header, file, Header.end), file)

  const { wires, publicSignals, domainPower } = header
  const coefficients = requireSection(sections, Section.coefficients, file)
  checkCoefficients(coefficients, header, file)
  const transcript = requireSection(sections, Section.contributions, file)
  const publicBytes = requireSection(sections, Section.publicPoints, file, (publicSignals + 1) * G1_BYTES)
  return {
    header,
    publicPoints: Array.from({ length: publicSignals + 1 }, (_, i) => pointFrom1(publicBytes, i * G1_BYTES)),
    contributions: readTranscript(transcript, file).contributions,
    transcript,
    coefficients,
    a: requireSection(sections, Section.a, file, wires * G1_BYTES),
    b1: requireSection(sections, Section.b1, file, wires * G1_BYTES),
    b2: requireSection(sections, Section.b2, file, wires * G2_BYTES),
    c: requireSection(sections, Section.c, file, (wires - publicSignals - 1) * G1_BYTES),
    h: requireSection(sections, Section.h, file, 2 ** domainPower * G1_BYTES),
  }
}

/** One entry of the matrices A and B. */
export interface Coefficient {
  readonly matrix: number
  readonly row: number
  readonly wire: number
  readonly value: bigint
}

/** The coefficients of A and B in file order. */
export function* readCoefficients({ coefficients }: Zkey): Generator<Coefficient, void> {
  const view = dataView(coefficients)
  for (let offset = 4; offset < coefficients.length; offset += COEFFICIENT_BYTES) {
    yield {
      matrix: view.getUint32(offset, true),
      row: view.getUint32(offset + 4, true),
      wire: view.getUint32(offset + 8, true),
      value: (readUint256(coefficients, offset + 12) * COEFFICIENT_SCALE_INVERSE) % SCALAR_FIELD_ORDER,
    }
  }
}

/** The points of a key to be written, as bytes. */
export interface ZkeyParts {
  readonly wires: number
  readonly publicSignals: number
  readonly domainPower: number
  readonly alpha1: Uint8Array
  readonly beta1: Uint8Array
  readonly beta2: Uint8Array
  readonly gamma2: Uint8Array
  readonly delta1: Uint8Array
  readonly delta2: Uint8Array
  readonly publicPoints: Uint8Array
  readonly coefficients: Uint8Array
  readonly a: Uint8Array
  readonly b1: Uint8Array
  readonly b2: Uint8Array
  readonly c: Uint8Array
  readonly h: Uint8Array
}

/** The pieces, in order, of a key file without contributions. */
export function writeZkey(parts: ZkeyParts): Uint8Array[] {
  const protocol = new Uint8Array(4)
  dataView(protocol).setUint32(0, GROTH16, true)

  const header = new Uint8Array(Header.end)
  const view = dataView(header)
  view.setUint32(Header.baseField - 4, FIELD_BYTES, true)
  writeUint256(header, Header.baseField, BASE_FIELD_ORDER)
  view.setUint32(Header.scalarField - 4, FIELD_BYTES, true)
  writeUint256(header, Header.scalarField, SCALAR_FIELD_ORDER)
  view.setUint32(Header.wires, parts.wires, true)
  view.setUint32(Header.publicSignals, parts.publicSignals, true)
  view.setUint32(Header.domainSize, 2 ** parts.domainPower, true)
  for (const name of ['alpha1', 'beta1', 'beta2', 'gamma2', 'delta1', 'delta2'] as const) {
    header.set(parts[name], Header[name])
  }

  return writeSections(FORMAT, 1, [
    [Section.protocol, [protocol]],
    [Section.header, [header]],
    [Section.publicPoints, [parts.publicPoints]],
    [Section.coefficients, [parts.coefficients]],
    [Section.a, [parts.a]],
    [Section.b1, [parts.b1]],
    [Section.b2, [parts.b2]],
    [Section.c, [parts.c]],
    [Section.h, [parts.h]],
    [Section.contributions, [new Uint8Array(CIRCUIT_HASH_BYTES + 4)]],
  ])
}

function readHeader(section: Uint8Array, file: string): ZkeyHeader {
  const view = dataView(section)
  const isBn254 =
    view.getUint32(Header.baseField - 4, true) === FIELD_BYTES &&
    readUint256(section, Header.baseField) === BASE_FIELD_ORDER &&
    view.getUint32(Header.scalarField - 4, true) === FIELD_BYTES &&
    readUint256(section, Header.scalarField) === SCALAR_FIELD_ORDER
  if (!isBn254) throw new MalformedFileError(file, 'it is not over BN254')

  const domainSize = view.getUint32(Header.domainSize, true)
  const domainPower = 31 - Math.clz32(domainSize)
  const wires = view.getUint32(Header.wires, true)
  const publicSignals = view.getUint32(Header.publicSignals, true)
  if (domainSize !== 2 ** domainPower) throw new MalformedFileError(file, 'its domain size is not a power of two')
  if (publicSignals >= wires) throw new MalformedFileError(file, 'it has more public signals than wires')
  return {
    wires,
    publicSignals,
    domainPower,
    alpha1: pointFrom1(section, Header.alpha1),
    beta1: pointFrom1(section, Header.beta1),
    beta2: pointFrom2(section, Header.beta2),
    gamma2: pointFrom2(section, Header.gamma2),
    delta1: pointFrom1(section, Header.delta1),
    delta2: pointFrom2(section, Header.delta2),
  }
}

/** Makes sure that every coefficient names a matrix, a row and a wire that exist. */
function checkCoefficients(section: Uint8Array, { wires, domainPower }: ZkeyHeader, file: string): void {
  const view = dataView(section)
  const count = section.length < 4 ? 0 : view.getUint32(0, true)
  if (section.length !== 4 + count * COEFFICIENT_BYTES) {
    throw new MalformedFileError(file, `section ${Section.coefficients} does not hold ${count} coefficients`)
  }
  for (let offset = 4; offset < section.length; offset += COEFFICIENT_BYTES) {
    const exists =
      view.getUint32(offset, true) < 2 &&
      view.getUint32(offset + 4, true) < 2 ** domainPower &&
      view.getUint32(offset + 8, true) < wires
    if (!exists) throw new MalformedFileError(file, 'a coefficient lies outside the circuit')
  }
}

/** Coefficients are stored times 2^512. */
const COEFFICIENT_SCALE_INVERSE = inverse(2n ** 512n, SCALAR_FIELD_ORDER)
