/** What a schema finds wrong with a request, in words for whoever sent it: never a library's, nor a pattern. */
import { RequestInvalidError } from './problems.ts'

/** An issue of a schema, as the framework hands it on. */
type Issue = {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Parts of a request, as people call them. */
const parts: Readonly<Record<string, string>> = {
  params: 'address',
  querystring: 'query',
  headers: 'header',
  body: 'body',
}

const types: Readonly<Record<string, string>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list' },
  ...{ object: 'an object', record: 'an object' },
}

/** @param part - of the request, as the framework calls it */
export const invalidRequest = (issues: readonly Issue[], part = 'request'): RequestInvalidError =>
  new RequestInvalidError(
    issues.map((issue) => ({
      at: `${parts[part] ?? part}${issue.instancePath.replace(/\/$/, '').replaceAll('/', '.')}`,
      says: wordsOf(issue),
    })),
  )

function wordsOf({ keyword, message = '', params }: Issue): string {
  const { expected, keys, values, minimum, maximum, origin } = params
  if (keyword === 'unrecognized_keys') return `expected nothing called ${listOf(keys)}`
  // What our own schemas say of a value begins so.
  if (message.startsWith('expected ')) return message
  if (keyword === 'invalid_type') return `expected ${types[String(expected)] ?? 'another type'}`
  if (keyword === 'invalid_value') return `expected ${listOf(values)}`
  if (keyword === 'too_small') return `expected at least ${String(minimum)}${unitOf(origin)}`
  if (keyword === 'too_big') return `expected at most ${String(maximum)}${unitOf(origin)}`
  return params.format === 'uuid' ? 'expected an id as its request was answered with' : 'expected another form'
}

const listOf = (entries: unknown): string =>
  Array.isArray(entries) ? entries.map((entry) => `"${String(entry).slice(0, 60)}"`).join(' or ') : 'otherwise'

function unitOf(origin: unknown): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' of them' : ''
}
