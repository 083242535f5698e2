/**
 * JSON files of which every byte matters: one canonical text per content, and a sha256 per section that names what changed.
 *
 * The digests find accidents and careless hands. Whoever changes content and digests alike is found by recomputation, which
 * is the business of whoever reads the content.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { z } from 'zod'
import { ProverError } from '../errors.ts'
import { kindOfFormat, otherKindThan } from '../market/fileKind.ts'
import { jsonFault } from '../market/jsonFault.ts'
import { whyUnreadable } from '../market/textFile.ts'
import { digestOfJson } from './digest.ts'
import { digestSchema, firstIssue } from './wordSchemas.ts'

/** A kind of sealed file. `content` describes an object; each of its fields, or elements of a field's array, is a section. */
export type SealedFormat<Content extends object> = {
  readonly format: string
  readonly version: number
  readonly content: z.ZodType<Content>
  /** Greater files are refused unread. */
  readonly maxBytes: number
}

/** Our files nest a handful of levels; deeper ones are hostile. */
const MAX_DEPTH = 16

/** The one text of a content. */
export function seal<Content extends object>(kind: SealedFormat<Content>, content: Content): string {
  const { format, version } = kind
  // Through the schema, so that fields come in its order, whoever made the object.
  const plain = plainOf(kind.content.parse(plainOf(content))) as Record<string, unknown>
  const sha256 = Object.fromEntries(sectionsOf(plain).map(([section, value]) => [section, digestOfJson(value)]))
  return `${JSON.stringify({ format, version, sha256, content: plain }, undefined, 1)}\n`
}

/** The format stands in a file's first line but one. */
const HEAD_BYTES = 128

/** Whether a file says of itself that it is of a format; one that is no file of ours at all is left to its reader. */
export async function isOfFormat(file: string, { format }: { readonly format: string }): Promise<boolean> {
  return Buffer.from(await readAtMost(file, HEAD_BYTES)).includes(`"${format}"`)
}

/**
 * Reads a sealed text back.
 *
 * @param name - of the file, for the errors
 * @throws {@link UnreadableFileError} if it is too large, too deep, no UTF-8 or no JSON
 * @throws {@link FileFieldError} naming the field that is missing, unknown or malformed
 * @throws {@link SectionChangedError} naming the section whose digest does not fit
 * @throws {@link NotCanonicalError} naming the line of the first byte that is not as {@link seal} writes it
 */
export function unseal<Content extends object>(kind: SealedFormat<Content>, bytes: Uint8Array, name: string): Content {
  const text = textOf(bytes, kind.maxBytes, name)
  const file = jsonOf(text, name)
  const record = recordOf(file, '', name)
  const { format, version, sha256, content, ...others } = record
  if (format !== kind.format) throw new FileFieldError(name, 'format', otherFormat(kind.format, record))
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw new FileFieldError(name, unknown, 'this field is unknown')
  if (version !== kind.version) throw new FileFieldError(name, 'version', `expected ${kind.version}`)

  checkDigests(recordOf(sha256, 'sha256', name), recordOf(content, 'content', name), name)
  const parsed = kind.content.safeParse(content)
  if (!parsed.success) {
    const { path, reason } = firstIssue(parsed.error)
    throw new FileFieldError(name, path, reason)
  }
  const canonical = seal(kind, parsed.data)
  if (canonical !== text) throw new NotCanonicalError(name, lineOfDifference(text, canonical))
  return parsed.data
}

/** What a file says it is; undefined if it is none of ours. */
export function formatOf(bytes: Uint8Array, maxBytes: number, name: string): string | undefined {
  const { format } = recordOf(jsonOf(textOf(bytes, maxBytes, name), name), '', name)
  return kindOfFormat(format) === undefined ? undefined : String(format)
}

function otherFormat(expected: string, file: Record<string, unknown>): string {
  const other = otherKindThan(kindOfFormat(expected), file)
  return other === undefined ? `expected "${expected}"` : `expected "${expected}", got ${other}`
}

/**
 * The bytes of a file, of which no more than `maxBytes` + 1 are read.
 *
 * @throws {@link UnreadableFileError} if it cannot be read
 */
export async function readAtMost(file: string, maxBytes: number): Promise<Uint8Array> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file, 'r')
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(Math.min(size, maxBytes + 1))
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return buffer.subarray(0, length)
  } catch (error) {
    throw new UnreadableFileError(file, whyUnreadable(error), error)
  } finally {
    await handle?.close()
  }
}

/** JSON text of unknown origin, limited in size and depth. */
export function textOf(bytes: Uint8Array, maxBytes: number, name: string): string {
  if (bytes.length > maxBytes) throw new UnreadableFileError(name, `it is larger than ${maxBytes} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    const readable = new TextDecoder('utf-8').decode(bytes).split('\uFFFD', 1)[0] ?? ''
    throw new UnreadableFileError(name, `line ${readable.split('\n').length} is not UTF-8 text`)
  }
}

/** Parses JSON, after a look at how deeply it nests. */
export function jsonOf(text: string, name: string): unknown {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '[' || char === '{') {
      depth++
      if (depth > MAX_DEPTH) throw new UnreadableFileError(name, `it nests deeper than ${MAX_DEPTH} levels`)
    } else if (char === ']' || char === '}') depth--
  }
  try {
    return JSON.parse(text)
  } catch {
    const { line, column, reason } = jsonFault(text) ?? { line: 1, column: 1, reason: 'it is no JSON' }
    throw new UnreadableFileError(name, `line ${line}, column ${column}: ${reason}`)
  }
}

/** Bigints as decimal strings. */
function plainOf(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)),
  )
}

function sectionsOf(content: Record<string, unknown>): readonly (readonly [section: string, value: unknown])[] {
  return Object.entries(content).flatMap(([field, value]) =>
    Array.isArray(value)
      ? [[field, value.length], ...value.map((element, i): [string, unknown] => [`${field}[${i}]`, element])]
      : [[field, value]],
  ) as [string, unknown][]
}

function checkDigests(digests: Record<string, unknown>, content: Record<string, unknown>, name: string): void {
  const sections = sectionsOf(content)
  const known = new Set(sections.map(([section]) => section))
  for (const [section, digest] of Object.entries(digests)) {
    if (!digestSchema.safeParse(digest).success) {
      throw new FileFieldError(name, `sha256.${section}`, 'expected 64 lower-case hexadecimal digits')
    }
    if (!known.has(section)) throw new SectionChangedError(name, section)
  }
  for (const [section, value] of sections) {
    if (digests[section] !== digestOfJson(value)) throw new SectionChangedError(name, section)
  }
}

function recordOf(value: unknown, field: string, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new FileFieldError(name, field, 'expected an object')
}

function lineOfDifference(text: string, canonical: string): number {
  let line = 1
  for (let i = 0; i < text.length && text[i] === canonical[i]; i++) if (text[i] === '\n') line++
  return line
}

/** A file is missing, too large, too deeply nested, or not JSON. */
export class UnreadableFileError extends ProverError {
  readonly code = 'registry.unreadable-file'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(`${file} cannot be read: ${reason}. Check its name, or fetch it again from where it was made.`, { cause })
    this.file = file
  }
}

/** A field of a file is missing, unknown or malformed. */
export class FileFieldError extends ProverError {
  readonly code = 'registry.file-field'
  readonly file: string
  readonly field: string

  constructor(file: string, field: string, reason: string) {
    super(`${file}${field === '' ? '' : `, ${field}`}: ${reason}. Correct the file, or make it again.`)
    this.file = file
    this.field = field
  }
}

/** A section of a file is not what its digest says. */
export class SectionChangedError extends ProverError {
  readonly code = 'registry.section-changed'
  readonly file: string
  readonly section: string

  constructor(file: string, section: string) {
    super(`${file}: ${section} was changed since the file was written. Do not act on it; fetch the file again.`)
    this.file = file
    this.section = section
  }
}

/** A file says the right things in another spelling: spaces, escapes, order or repetition of fields. */
export class NotCanonicalError extends ProverError {
  readonly code = 'registry.not-canonical'
  readonly file: string
  readonly line: number

  constructor(file: string, line: number) {
    super(`${file}, line ${line}: not as the file was written. Do not act on it; fetch the file again.`)
    this.file = file
    this.line = line
  }
}
