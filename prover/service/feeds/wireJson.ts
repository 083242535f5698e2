/** JSON that strangers send: bounded, every entry once, and numbers told from text without losing a digit. */
import { jsonFault } from '../../market/jsonFault.ts'
import { shortened } from '../text/foreign.ts'
import type { RefusalName } from './priceFeed.ts'

/** A number as it was written. */
export class WireNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Longer messages are not looked at: all options of a currency are a tenth of it. */
export const MOST_MESSAGE_CHARACTERS = 4 * 1024 * 1024

/** Ends the reading of a message; {@link readAll} makes a notice of it. */
export class MessageFault extends Error {
  readonly condition: RefusalName

  constructor(condition: RefusalName, found: string) {
    super(found)
    this.condition = condition
  }
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown
const keepDigits: SourceReviver = (_, value, { source }) =>
  typeof value === 'number' ? new WireNumber(source ?? String(value)) : value

/** @throws {@link MessageFault} */
export function parseWireJson(text: string): unknown {
  if (text.length > MOST_MESSAGE_CHARACTERS) throw new MessageFault('too-large', `${text.length} characters`)
  const fault = jsonFault(text)
  if (fault !== undefined) throw new MessageFault('not-json', `${shortened(text)} (${fault.reason})`)
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
}

/** Entries of an object; none of anything else. */
export function entriesOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WireNumber)
  return isObject ? (value as Readonly<Record<string, unknown>>) : {}
}

/** A whole number that doubles hold. */
export function wholeIn(value: unknown): number | undefined {
  if (!(value instanceof WireNumber) || !/^-?\d{1,15}$/.test(value.text)) return undefined
  return Number(value.text)
}

export const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const listIn = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)
