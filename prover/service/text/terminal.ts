import { writeSync } from 'node:fs'
import { ProverError } from '../../errors.ts'
import { whyUnreadable } from '../../market/textFile.ts'
import { UsageError } from './usageError.ts'

/** Exit codes of every command. */
export const EXIT = { success: 0, failure: 1, usage: 2 } as const

/** What takes a command's text as it is: this process's standard output and standard error, unless somebody else asked. */
export type Streams = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

export const ownStreams: Streams = {
  out: (text) => {
    try {
      writeAll(1, text)
    } catch (error) {
      throw isUnwritable(error) ? new OutputUnwritableError(error as Error) : error
    }
  },
  err: (text) => unlessUnwritable(() => writeAll(2, text)),
}

/** What a disk answers that is full or broken. */
const UNWRITABLE: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'])

/** Tells, and goes on where nobody can be told: work that is under way is worth more than its log. */
export function unlessUnwritable(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    if (!isUnwritable(error)) throw error
  }
}

const isUnwritable = (error: unknown): boolean =>
  error instanceof OutputUnwritableError || UNWRITABLE.has((error as NodeJS.ErrnoException).code)

/** Where a command speaks: results to standard output, progress to standard error. */
export type Terminal = {
  readonly json: boolean
  /** Progress and remarks; never part of the result. */
  say(line: string): void
  /** Progress that is formatted already, line ends included. */
  raw(text: string): void
  /** The result: `text` for people, or `value` as JSON. Called once. */
  result(value: unknown, text: string): void
  /** One result of several: `text`, or `value` as one line of JSON. */
  line(value: unknown, text: string): void
}

export function openTerminal(json: boolean, { out, err }: Streams): Terminal {
  return {
    json,
    say: (line) => err(`${line}\n`),
    raw: err,
    result: (value, text) => out(json ? `${toJson(value)}\n` : text.endsWith('\n') ? text : `${text}\n`),
    line: (value, text) => out(json ? `${JSON.stringify(value, plainIntegers)}\n` : `${text}\n`),
  }
}

/** Indented JSON; integers beyond a double's reach become decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, plainIntegers, 2)
}

const plainIntegers = (_: string, inner: unknown): unknown => (typeof inner === 'bigint' ? inner.toString() : inner)

/**
 * Tells of an error: what happened and what to do, then its code; as JSON on standard output where that was asked for.
 *
 * @returns the exit code
 */
export function reportError(terminal: Terminal, error: unknown): number {
  const { code, message } = describeError(error)
  const say = (): void => terminal.say(`zkrisk: ${message}\n        code ${code}`)
  if (!terminal.json) say()
  else {
    try {
      terminal.result({ error: { code, message, ...fieldsOf(error) } }, '')
    } catch (unwritable) {
      if (!isUnwritable(unwritable)) throw unwritable
      say()
    }
  }
  if (isDebugging() && error instanceof Error) terminal.say(error.stack ?? '')
  else if (!(error instanceof ProverError)) terminal.say('        ZKRISK_DEBUG=1 shows where it happened.')
  return isOfUsage(error) ? EXIT.usage : EXIT.failure
}

/** Whether a command was called wrongly, or an option's value cannot be read. */
const isOfUsage = (error: unknown): boolean =>
  error instanceof UsageError || (error instanceof ProverError && String(Reflect.get(error, 'entry')).startsWith('--'))

/** Code and message of any error; those that are neither ours nor of a file are marked as unexpected. */
export function describeError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ProverError) return { code: error.code, message: error.message }
  const { path, syscall } = (error ?? {}) as NodeJS.ErrnoException
  if (path !== undefined && ['open', 'stat', 'lstat', 'access', 'scandir'].includes(syscall ?? '')) {
    return {
      code: 'service.file',
      message: `${path}: expected a file that can be opened, but ${whyUnreadable(error)}. Check the path.`,
    }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'service.unexpected', message: `Unexpected: ${message.split('\n')[0]}` }
}

const isDebugging = (): boolean => !['', '0', undefined].includes(process.env.ZKRISK_DEBUG)

/** What a typed error carries besides code and message. */
function fieldsOf(error: unknown): object {
  if (!(error instanceof ProverError)) return {}
  return Object.fromEntries(
    Object.entries(error).filter(([name]) => !['name', 'code', 'cause'].includes(name) && !name.startsWith('_')),
  )
}

/** Synchronous, so that nothing is lost when the process ends right after; a closed pipe is the reader's business. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

/** A result has nowhere to go. */
export class OutputUnwritableError extends ProverError {
  readonly code = 'service.output'

  constructor(cause: Error) {
    super(
      `Standard output could not be written: its disk takes nothing (${(cause as NodeJS.ErrnoException).code}). Make room where it goes, and run the command again.`,
      { cause },
    )
  }
}
