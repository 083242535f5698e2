/** What numbers, hashes and words look like in our JSON files: one spelling each, so that equal files have equal bytes. */
import { getAddress } from 'ethers'
import { z } from 'zod'
import { type Fields, type WordName, words } from '../../circuits/statements/index.ts'
import type { MarketState } from '../parameters/marketRisk.ts'
import { closestName } from '../portfolio/input/closestName.ts'
import { partsBy } from '../statement/marketState.ts'

/** 2^256 has 78 digits; longer numbers are refused unread. */
const MOST_DIGITS = 78

/** An integer in [0, 2^bits): a decimal string without sign, leading zeros or spaces. */
export function integerSchema(bits = 256) {
  return z
    .string()
    .max(MOST_DIGITS)
    .regex(/^(?:0|[1-9][0-9]*)$/, 'expected a decimal integer without sign and leading zeros')
    .transform((text) => BigInt(text))
    .refine((value) => value < 1n << BigInt(bits), `expected an integer below 2^${bits}`)
}

/** 32 bytes in lower-case hexadecimal with 0x. */
export const hashSchema = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected 0x and 64 lower-case hexadecimal digits')

/** sha256 in lower-case hexadecimal, without 0x. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')

/** An address with its checksum. */
export const addressSchema = z.string().refine(isChecksummed, 'expected an address with its checksum')

/** Bytes in lower-case hexadecimal with 0x. */
export const bytesSchema = z
  .string()
  .regex(/^0x(?:[0-9a-f]{2})*$/, 'expected 0x and pairs of lower-case hexadecimal digits')

/** Every field of a packed word by name, each within its width. */
export function wordSchema<W extends WordName>(word: W): z.ZodType<Fields<W>> {
  const shape = Object.fromEntries(words[word].fields.map(({ name, bits }) => [name, integerSchema(bits)]))
  return z.strictObject(shape) as unknown as z.ZodType<Fields<W>>
}

/** A market's state: every word of it by the name of its part. */
export const stateSchema = z.strictObject(partsBy((_, word) => wordSchema(word))) as unknown as z.ZodType<MarketState>

/** Path of a field as people read it: `markets[1].previous.volatility.asOf`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

const isMissing = (issue: z.core.$ZodIssue): boolean => issue.code === 'invalid_type' && issue.input === undefined

/** Where and why a schema refuses a value: a key that is a missing one's misspelt, or else its first issue. */
export function firstIssue(error: z.ZodError): { readonly path: string; readonly reason: string } {
  const misspelt = misspeltKey(error.issues)
  if (misspelt !== undefined) return misspelt
  const [issue] = error.issues
  if (issue === undefined) return { path: '', reason: 'invalid' }
  if (issue.code === 'unrecognized_keys') {
    return { path: pathOf([...issue.path, issue.keys[0] ?? '']), reason: 'this field is unknown' }
  }
  if (isMissing(issue)) {
    return { path: pathOf(issue.path), reason: 'this field is missing' }
  }
  if (issue.code === 'invalid_type' && issue.expected === 'number' && typeof issue.input === 'string') {
    return { path: pathOf(issue.path), reason: `expected a number, got "${issue.input}". Write it without quotes` }
  }
  if (issue.code === 'invalid_key')
    return { path: pathOf(issue.path), reason: issue.issues[0]?.message ?? issue.message }
  return { path: pathOf(issue.path), reason: issue.message }
}

function misspeltKey(
  issues: readonly z.core.$ZodIssue[],
): { readonly path: string; readonly reason: string } | undefined {
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const parent = pathOf(issue.path)
    const missing = issues.filter((each) => isMissing(each) && pathOf(each.path.slice(0, -1)) === parent)
    const names = missing.map(({ path }) => String(path.at(-1)))
    for (const key of issue.keys) {
      const meant = closestName(key, names)
      if (meant !== undefined)
        return { path: pathOf([...issue.path, key]), reason: `this field is unknown: did you mean \`${meant}\`?` }
    }
  }
  return undefined
}

function isChecksummed(text: string): boolean {
  try {
    return /^0x[0-9a-fA-F]{40}$/.test(text) && getAddress(text) === text
  } catch {
    return false
  }
}
