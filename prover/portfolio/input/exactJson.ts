import { ProverError } from '../../errors.ts'

/** The third argument of a reviver (ES2025), which the library's types do not know yet. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/**
 * Reads JSON without losing a digit: every number becomes the text that it was written as.
 *
 * @param file - what the error calls it
 * @throws {@link JsonSyntaxError}
 */
export function parseExactJson(text: string, file: string): unknown {
  const keepDigits: SourceReviver = (_, value, { source }) =>
    typeof value === 'number' ? (source ?? String(value)) : value
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
  } catch (cause) {
    throw new JsonSyntaxError(file, cause)
  }
}

/** A file is no JSON. */
export class JsonSyntaxError extends ProverError {
  readonly code = 'portfolio.json-syntax'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(`${file}: expected JSON (${cause instanceof Error ? cause.message : String(cause)}).`, { cause })
    this.file = file
  }
}
