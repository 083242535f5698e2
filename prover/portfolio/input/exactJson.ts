import { ProverError } from '../../errors.ts'
import { jsonFault } from './jsonFault.ts'

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
  if (isUtf16(text)) throw new JsonEncodingError(file)
  const json = text.replace(/^\uFEFF/, '')
  const fault = jsonFault(json)
  if (fault !== undefined) throw new JsonSyntaxError(file, fault)
  return JSON.parse(json, keepDigits as (key: string, value: unknown) => unknown)
}

/** Of UTF-16, every other byte is 0 where it says what JSON says, and its mark is no UTF-8. */
const isUtf16 = (text: string): boolean => /^\uFFFD\uFFFD/.test(text) || text.slice(0, 64).includes('\0')

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
  readonly encoding = 'UTF-16'

  constructor(file: string) {
    super(
      `${file}: expected JSON in UTF-8, got UTF-16, as PowerShell writes it. Save it as UTF-8 (Out-File -Encoding utf8).`,
    )
    this.file = file
  }
}
