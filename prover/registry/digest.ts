import { createHash } from 'node:crypto'

/** sha256 of the JSON text of plain data without white space, in lower-case hexadecimal. */
export function digestOfJson(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
