/** Who may ask a running service for more than figures: keys of a file that only its owner can read. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { ProverError } from '../../errors.ts'
import { whyUnreadable } from '../../market/textFile.ts'
import { KeyFileModeError } from '../daemon/account.ts'
import { KeyRefusedError, ScopeMissingError, WritesClosedError } from './problems.ts'

/** read: figures, where they are not open to all. prove: ask for a proof now. operate: pause and resume. */
const scopes = ['read', 'prove', 'operate'] as const
export type Scope = (typeof scopes)[number]

const LEAST_KEY_BYTES = 32
const MOST_KEY_BYTES = 256
const OTHERS = 0o077

type ApiKey = { readonly name: string; readonly digest: Buffer; readonly scopes: readonly Scope[] }

const keysSchema = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[\w.-]{1,40}$/),
        key: z
          .string()
          .regex(/^[\x21-\x7e]+$/)
          .min(LEAST_KEY_BYTES)
          .max(MOST_KEY_BYTES),
        scopes: z.array(z.enum(scopes)).min(1),
      }),
    )
    .min(1)
    .max(64),
})

/** Of a service without keys nobody may ask anything but figures. */
export class ApiKeys {
  private readonly keys: readonly ApiKey[]

  constructor(keys: z.infer<typeof keysSchema>['keys']) {
    this.keys = keys.map(({ name, key, scopes: may }) => ({ name, digest: digestOf(key), scopes: may }))
  }

  get isEmpty(): boolean {
    return this.keys.length === 0
  }

  /**
   * The name of the key that a request carries. Takes the same time whichever key it is, or none of ours.
   *
   * @throws {@link WritesClosedError}, {@link KeyRefusedError}, {@link ScopeMissingError}
   */
  require(authorization: string | undefined, scope: Scope): string {
    if (this.isEmpty) throw new WritesClosedError()
    const found = this.find(authorization)
    if (found === undefined) throw new KeyRefusedError()
    if (!found.scopes.includes(scope)) throw new ScopeMissingError(scope)
    return found.name
  }

  /**
   * Of what is open to all: whoever shows a key learns here that it is none of ours, and not only at the first write.
   *
   * @throws {@link KeyRefusedError}
   */
  refuseUnknown(authorization: string | undefined): void {
    const isShown = /^Bearer /i.test(authorization ?? '')
    if (isShown && !this.isEmpty && this.find(authorization) === undefined) throw new KeyRefusedError()
  }

  private find(authorization: string | undefined): ApiKey | undefined {
    const [, key = ''] = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(authorization ?? '') ?? []
    const digest = digestOf(key)
    let found: ApiKey | undefined
    for (const own of this.keys) if (timingSafeEqual(own.digest, digest)) found = own
    return found
  }
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

/**
 * @param file - `{ "keys": [{ "name", "key", "scopes" }] }`, its owner's alone
 * @throws {@link ApiKeysError}, {@link KeyFileModeError}; neither says anything of a key
 */
export function readApiKeys(file: string): ApiKeys {
  const parsed = keysSchema.safeParse(parse(file, readOwn(file)))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ApiKeysError(file, wordsOf(issue?.path.map(String) ?? []))
  }
  const { keys } = parsed.data
  const twice = keys.find(({ name, key }, i) => keys.findIndex((each) => each.name === name || each.key === key) !== i)
  if (twice !== undefined) throw new ApiKeysError(file, `${twice.name}: its name or its key stands twice`)
  return new ApiKeys(keys)
}

function wordsOf(path: readonly string[]): string {
  const field = path.at(-1) ?? ''
  const place = path.join('.')
  if (field === 'key')
    return `${place}: expected ${LEAST_KEY_BYTES} to ${MOST_KEY_BYTES} printable characters without spaces`
  if (field === 'name') return `${place}: expected at most 40 letters, digits, dots, dashes`
  if (path.includes('scopes')) return `${place}: expected some of ${scopes.join(', ')}`
  return `${place === '' ? 'the file' : place}: expected { "keys": [{ "name", "key", "scopes" }] } and nothing else`
}

function readOwn(file: string): string {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const stats = fstatSync(descriptor)
    if (stats.isDirectory()) throw new ApiKeysError(file, 'it is a folder')
    if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0)
      throw new KeyFileModeError(file, stats.mode & 0o777)
    return readFileSync(descriptor, 'utf8')
  } catch (error) {
    if (error instanceof KeyFileModeError || error instanceof ApiKeysError) throw error
    throw new ApiKeysError(file, whyUnreadable(error), error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The cause would hold what it stumbled over: a key.
    throw new ApiKeysError(file, 'it is no JSON')
  }
}

/** The file of keys cannot be used. */
export class ApiKeysError extends ProverError {
  readonly code = 'service.api-keys'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(
      `Expected keys in ${file}, but ${reason}. \`openssl rand -hex 32\` makes one; docs/operations.md has an example.`,
      { cause },
    )
    this.file = file
  }
}
