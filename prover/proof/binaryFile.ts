/**
 * The container of iden3's binary formats (*.r1cs, *.zkey): four letters, a version, then numbered sections, each with its length.
 *
 * Strict where snarkjs is lenient: every byte belongs to exactly one section, no section comes twice, so a truncated or padded
 * file is refused before anything reads it. Little-endian throughout.
 */
import { ProverError } from '../errors.ts'

const HEADER_BYTES = 12
const SECTION_HEADER_BYTES = 12

/** Sections by number; views into the file's bytes, not copies. */
export type Sections = ReadonlyMap<number, Uint8Array>

/** What to expect of a file. */
export interface FileFormat {
  /** The four letters the file starts with. */
  readonly magic: string
  /** Versions that may be read. */
  readonly versions: readonly number[]
}

/**
 * Splits a file into its sections.
 *
 * @param bytes - the whole file
 * @param file - its name, for the error only
 * @throws {@link MalformedFileError} if the file is not of this format, or truncated, or longer than its sections
 */
export function readSections(bytes: Uint8Array, format: FileFormat, file: string): Sections {
  const view = dataView(bytes)
  if (bytes.length < HEADER_BYTES) throw new MalformedFileError(file, `it is only ${bytes.length} bytes long`)
  const magic = String.fromCharCode(...bytes.subarray(0, 4))
  if (magic !== format.magic) throw new MalformedFileError(file, `it does not start with "${format.magic}"`)
  const version = view.getUint32(4, true)
  if (!format.versions.includes(version)) throw new MalformedFileError(file, `version ${version} is not supported`)

  const sections = new Map<number, Uint8Array>()
  const count = view.getUint32(8, true)
  let position = HEADER_BYTES
  for (let i = 0; i < count; i++) {
    if (position + SECTION_HEADER_BYTES > bytes.length) throw new MalformedFileError(file, 'it is truncated')
    const id = view.getUint32(position, true)
    const length = view.getBigUint64(position + 4, true)
    const start = position + SECTION_HEADER_BYTES
    if (length > BigInt(bytes.length - start)) {
      throw new MalformedFileError(file, `it is truncated inside section ${id}`)
    }
    if (sections.has(id)) throw new MalformedFileError(file, `section ${id} comes twice`)
    sections.set(id, bytes.subarray(start, start + Number(length)))
    position = start + Number(length)
  }
  if (position !== bytes.length) throw new MalformedFileError(file, 'bytes follow its last section')
  return sections
}

/**
 * Section `id`, of exactly `length` bytes when that is given.
 *
 * @throws {@link MalformedFileError} if it is missing or of another length
 */
export function requireSection(sections: Sections, id: number, file: string, length?: number): Uint8Array {
  const section = sections.get(id)
  if (section === undefined) throw new MalformedFileError(file, `section ${id} is missing`)
  if (length !== undefined && section.length !== length) {
    throw new MalformedFileError(file, `section ${id} has ${section.length} bytes instead of ${length}`)
  }
  return section
}

/** The pieces, in order, of a file with these sections; concatenate or write them one after the other. */
export function writeSections(
  format: FileFormat,
  version: number,
  sections: readonly (readonly [id: number, parts: readonly Uint8Array[]])[],
): Uint8Array[] {
  const header = new Uint8Array(HEADER_BYTES)
  header.set(new TextEncoder().encode(format.magic))
  dataView(header).setUint32(4, version, true)
  dataView(header).setUint32(8, sections.length, true)

  const pieces: Uint8Array[] = [header]
  for (const [id, parts] of sections) {
    const sectionHeader = new Uint8Array(SECTION_HEADER_BYTES)
    dataView(sectionHeader).setUint32(0, id, true)
    dataView(sectionHeader).setBigUint64(
      4,
      parts.reduce((sum, part) => sum + BigInt(part.length), 0n),
      true,
    )
    pieces.push(sectionHeader, ...parts)
  }
  return pieces
}

/** A view of exactly these bytes, wherever they lie in their buffer. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The 32-byte little-endian integer at `offset`. */
export function readUint256(bytes: Uint8Array, offset: number): bigint {
  const view = dataView(bytes)
  let value = 0n
  for (let limb = 3; limb >= 0; limb--) value = (value << 64n) | view.getBigUint64(offset + 8 * limb, true)
  return value
}

/** Writes `value` < 2^256 as 32 little-endian bytes at `offset`. */
export function writeUint256(bytes: Uint8Array, offset: number, value: bigint): void {
  const view = dataView(bytes)
  for (let limb = 0; limb < 4; limb++) {
    view.setBigUint64(offset + 8 * limb, BigInt.asUintN(64, value >> BigInt(64 * limb)), true)
  }
}

/** A binary file is not what its name promises: truncated, padded, or of another kind. */
export class MalformedFileError extends ProverError {
  readonly code = 'proof.malformed-file'
  readonly file: string
  readonly reason: string

  constructor(file: string, reason: string) {
    super(`Cannot read ${file}: ${reason}. Build it again, or fetch it again from where it was published.`)
    this.file = file
    this.reason = reason
  }
}
