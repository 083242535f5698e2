/**
 * Flags of the scripts that take any. What is wrong with them is said in a line before anything is built or proven, with exit code 2, as
 * the `zkrisk` command does.
 */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { ProverError } from '../../prover/errors.ts'

/** What a flag takes, and is without being given. */
export type Flag<T> = {
  /** What stands after it, for people; empty of a switch, which takes nothing. */
  readonly takes: string
  /** Undefined for what the flag does not take. */
  readonly read: (text: string) => T | undefined
  readonly initially: T
}

type Flags = Readonly<Record<string, Flag<unknown>>>
type Read<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never }

/** There or not there. */
export const isThere: Flag<boolean> = { takes: '', read: () => true, initially: false }

/** A whole number within bounds, both included. */
export function whole<T extends number | undefined>(least: number, most: number, initially: T): Flag<number | T> {
  const read = (text: string) => within(/^\d{1,15}$/, text, least, most)
  return { takes: `a whole number from ${least} to ${most}`, read, initially }
}

/** A number with or without decimals within bounds, both included. */
export function decimal(least: number, most: number, initially: number): Flag<number> {
  const read = (text: string) => within(/^-?\d{1,15}(\.\d{1,15})?$/, text, least, most)
  return { takes: `a number from ${least} to ${most}`, read, initially }
}

/** Anything but nothing, such as the name of a file. */
export function named(takes: string): Flag<string | undefined> {
  return { takes, read: (text) => (text === '' ? undefined : text), initially: undefined }
}

/** A file or folder that has to be there. */
export function present(takes: string): Flag<string | undefined> {
  return {
    takes: `${takes} that is there`,
    read: (text) => (existsSync(text) ? text : undefined),
    initially: undefined,
  }
}

/** A file to write at the end of the work: its folder has to be there, and is missed before the work begins. */
export const toWrite: Flag<string | undefined> = {
  takes: 'a file to write, in a folder that is there',
  read: (text) => (text !== '' && existsSync(dirname(text)) ? text : undefined),
  initially: undefined,
}

/** One of some names. */
export function oneOf<N extends string, T extends N | undefined>(names: readonly N[], initially: T): Flag<N | T> {
  return { takes: `one of ${names.join(', ')}`, read: (text) => names.find((name) => name === text), initially }
}

function within(form: RegExp, text: string, least: number, most: number): number | undefined {
  const value = form.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : undefined
}

/** Flags of this process; ends it after `--help`, and with exit code 2 where something is wrong with them. */
export function readFlags<F extends Flags>(flags: F): Read<F> {
  if (process.argv.slice(2).includes('--help')) {
    console.log(listOf(flags))
    process.exit(0)
  }
  const read = orUsage(() => parseFlags(flags, process.argv.slice(2)))
  // Of `scripts/run.mjs`, which asks before it builds anything.
  if (process.env.ZKRISK_FLAGS_ALONE !== undefined) process.exit(0)
  return read
}

/** What is needed before the work begins; ends the process with exit code 2 and what is missing. */
export function orUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    console.error(`${error.message} [${error.code}]`)
    process.exit(2)
  }
}

/** @throws {@link FlagError} of the first that is unknown, has no value, or one that it does not take */
export function parseFlags<F extends Flags>(flags: F, args: readonly string[]): Read<F> {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { takes }]) => [name, { type: takes === '' ? 'boolean' : 'string' } as const]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(flags).map(([name, { initially }]) => [name, initially]),
  )
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    const flag = token.kind === 'option' && Object.hasOwn(flags, token.name) ? flags[token.name] : undefined
    if (token.kind === 'positional' || flag === undefined) {
      const what =
        token.kind === 'positional' ? `Expected nothing but flags, got '${token.value}'` : `No flag ${token.rawName}`
      throw new FlagError(`${what}. ${listOf(flags)}`)
    }
    values[token.name] = valueAfter(token, flag)
  }
  return values as Read<F>
}

function valueAfter({ rawName, value }: { rawName: string; value: string | undefined }, flag: Flag<unknown>): unknown {
  if (flag.takes === '') {
    if (value !== undefined) throw new FlagError(`${rawName}: expected nothing after it, got '${value}'.`)
    return true
  }
  const read = value === undefined ? undefined : flag.read(value)
  if (read !== undefined) return read
  throw new FlagError(`${rawName}: expected ${flag.takes}, got ${value === undefined ? 'nothing' : `'${value}'`}.`)
}

function listOf(flags: Flags): string {
  const one = ([name, { takes, initially }]: [string, Flag<unknown>]): string =>
    `--${name}${takes === '' ? '' : ` <${takes}>`}${takes === '' || initially === undefined ? '' : ` (${initially})`}`
  const names = Object.entries(flags).map(one)
  return names.length === 0 ? 'It takes no flags.' : `Flags: ${names.join(', ')}.`
}

/** A script was called with flags that it does not have, or with values that they do not take. */
export class FlagError extends ProverError {
  readonly code = 'scripts.flag'
}
