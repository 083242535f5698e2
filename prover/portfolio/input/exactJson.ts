import { ProverError } from '../../errors.ts'
import { jsonFault } from '../../market/jsonFault.ts'

/** The third argument of a reviver (ES2025), which the library's types do not know yet. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/**
 * Reads JSON without losing a digit: every number becomes the text that it was written as. A byte order mark is no part of it.
 *
 * @param text - the file, decoded as UTF-8
 * @param file - what errors call it
 * @throws {@link JsonSyntaxError}, {@link JsonEncodingError}
 */
export function parseExactJson(text: string, file: string): unknown {
  const keepDigits: SourceReviver = (_, value, { source }) =>
    typeof value === 'number' ? (source ?? String(value)) : value
  const encoding = encodingOf(text)
  if (encoding !== undefined) throw new JsonEncodingError(file, encoding)
  const json = text.replace(/^\uFEFF/, '')
  const fault = jsonFault(json)
  if (fault !== undefined) throw new JsonSyntaxError(file, fault)
  return JSON.parse(json, keepDigits as (key: string, value: unknown) => unknown)
}

type Encoding = 'gzip' | 'UTF-16' | 'other'

/** What a text is that is no UTF-8: decoding leaves marks where bytes are none. */
function encodingOf(text: string): Encoding | undefined {
  if (text.startsWith('\u001f\uFFFD')) return 'gzip'
  // Of UTF-16, every other byte is 0 where it says what JSON says
  if (/^\uFFFD\uFFFD/.test(text) || text.slice(0, 64).includes('\0')) return 'UTF-16'
  return text.includes('\uFFFD') ? 'other' : undefined
}

const advice: Readonly<Record<Encoding, string>> = {
  gzip: 'a gzipped file. Unpack it',
  'UTF-16': 'UTF-16, as PowerShell writes it. Save it as UTF-8 (Out-File -Encoding utf8)',
  other: 'bytes that are none, as of Windows-1252. Save it as UTF-8',
}

/** A file is no JSON. */
export class JsonSyntaxError extends ProverError {
  readonly code = 'portfolio.json-syntax'
  readonly file: string
  readonly line: number
  readonly column: number

  constructor(file: string, { line, column, reason }: NonNullable<ReturnType<typeof jsonFault>>) {
    super(`${file}, line ${line}, column ${column}: expected JSON; ${reason}.`)
    this.file = file
    this.line = line
    this.column = column
  }
}

/** A file is text of another encoding than UTF-8. */
export class JsonEncodingError extends ProverError {
  readonly code = 'portfolio.json-encoding'
  readonly file: string
  readonly encoding: Encoding

  constructor(file: string, encoding: Encoding) {
    super(`${file}: expected JSON in UTF-8, got ${advice[encoding]}.`)
    this.file = file
    this.encoding = encoding
  }
}
