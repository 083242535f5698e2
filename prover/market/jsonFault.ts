/** Where a text departs from JSON (RFC 8259), and how, in words. */

export type JsonFault = { readonly line: number; readonly column: number; readonly reason: string }

/** The first fault of a text; undefined if it is JSON whose objects name every entry once. */
export function jsonFault(text: string): JsonFault | undefined {
  try {
    const end = skip(text, valueAt(text, skip(text, 0)))
    if (end < text.length) throw new Fault(end, `nothing may follow the value, found ${foundAt(text, end)}`)
    return undefined
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const before = text.slice(0, error.at).split('\n')
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, reason: error.message }
  }
}

/** Ends the reading; nobody else sees one. */
class Fault extends Error {
  readonly at: number

  constructor(at: number, reason: string) {
    super(reason)
    this.at = at
  }
}

/** Nested deeper, a file is none that people write, and the stack has an end. */
const DEEPEST = 200

/** Reads one value. @returns where it ends */
function valueAt(text: string, at: number, depth = 0): number {
  if (depth > DEEPEST) throw new Fault(at, `it is nested more than ${DEEPEST} deep`)
  const start = text[at]
  if (start === '{') return objectAt(text, at, depth)
  if (start === '[') return arrayAt(text, at, depth)
  if (start === '"') return stringAt(text, at)
  const literal = match(text, at, /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y)
  if (literal === undefined) throw new Fault(at, `found ${foundAt(text, at)} where a value should be`)
  return at + literal.length
}

function objectAt(text: string, from: number, depth: number): number {
  const names = new Set<string>()
  let at = skip(text, from + 1)
  if (text[at] === '}') return at + 1
  for (;;) {
    if (text[at] !== '"') throw new Fault(at, `found ${foundAt(text, at)} where the name of an entry should be`)
    const end = stringAt(text, at)
    const name = JSON.parse(text.slice(at, end)) as string
    if (names.has(name)) throw new Fault(at, `the entry "${name}" stands twice in one object`)
    names.add(name)
    at = skip(text, end)
    if (text[at] !== ':') throw new Fault(at, `found ${foundAt(text, at)} where a colon should be`)
    at = skip(text, valueAt(text, skip(text, at + 1), depth + 1))
    if (text[at] === '}') return at + 1
    at = afterComma(text, at, '}')
  }
}

function arrayAt(text: string, from: number, depth: number): number {
  let at = skip(text, from + 1)
  if (text[at] === ']') return at + 1
  for (;;) {
    at = skip(text, valueAt(text, at, depth + 1))
    if (text[at] === ']') return at + 1
    at = afterComma(text, at, ']')
  }
}

function afterComma(text: string, at: number, end: string): number {
  if (text[at] !== ',') throw new Fault(at, `found ${foundAt(text, at)} where a comma or ${end} should be`)
  const next = skip(text, at + 1)
  if (text[next] === end) throw new Fault(at, `a comma stands before ${end} with nothing after it`)
  return next
}

function stringAt(text: string, at: number): number {
  const string = match(text, at, /"(?:[^"\\\r\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)
  const isPlain = string !== undefined && [...string].every((letter) => letter >= ' ')
  if (!isPlain) throw new Fault(at, 'a string that begins here does not end in its line, or has a tab or a \\ too many')
  return at + string.length
}

const skip = (text: string, at: number): number => at + (match(text, at, /[ \t\r\n]*/y) ?? '').length

function match(text: string, at: number, pattern: RegExp): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** What stands somewhere, with what people take for JSON. */
function foundAt(text: string, at: number): string {
  if (at >= text.length) return 'the end of the file'
  const found = match(text, at, /\/[/*]|[\w.+-]+|./suy) ?? text[at]
  if (found === '//' || found === '/*') return 'a comment, which JSON does not have'
  if (found === "'") return "a single quote (JSON's are double)"
  return found === '\n' || found === '\r' ? 'the end of the line' : (found ?? '')
}
