/**
 * What became of each step of a deployment, on the disk before and after it: a line of JSON each, never rewritten.
 *
 * A transaction is signed, its line is flushed, then it is sent. Whatever the moment at which the process dies, the next
 * one sends the very same transaction again, under the same nonce, so that it is mined once.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ProverError } from '../../errors.ts'
import { makeFolder } from '../../folder.ts'

const header = z.strictObject({
  format: z.literal('zk-risk-engine/deploy-journal'),
  version: z.literal(1),
  chainId: z.string(),
  /** Hash of the chain's block 0: a development chain that was started afresh is another one. */
  genesis: z.string(),
  deployer: z.string(),
})

const entry = z.strictObject({
  step: z.string(),
  /** Of what the step does; another plan has another one. */
  digest: z.string(),
  state: z.enum(['signed', 'mined', 'reverted']),
  nonce: z.int(),
  hash: z.string(),
  /** The signed transaction, which anybody may see: it holds no key. */
  raw: z.string(),
  block: z.int().optional(),
  gasUsed: z.string().optional(),
})

export type JournalHeader = Omit<z.infer<typeof header>, 'format' | 'version'>
export type JournalEntry = z.infer<typeof entry>

export class DeployJournal {
  readonly file: string
  private readonly descriptor: number
  private readonly entries: JournalEntry[]

  private constructor(file: string, descriptor: number, entries: JournalEntry[]) {
    this.file = file
    this.descriptor = descriptor
    this.entries = entries
  }

  /** What a journal holds, without opening it for more; undefined if there is none. @throws {@link JournalError} */
  static peek(file: string, expected: JournalHeader): readonly JournalEntry[] | undefined {
    return existsSync(file) && wholeText(file) !== '' ? readEntries(file, expected) : undefined
  }

  /**
   * Opens a journal, or begins one, for this process alone.
   *
   * @throws {@link JournalError} if it is of another chain or account, or damaged; {@link JournalBusyError}
   */
  static open(file: string, expected: JournalHeader): DeployJournal {
    makeFolder(dirname(file))
    lock(file)
    try {
      // A process that died before its first line was whole has left nothing.
      const isNew = !existsSync(file) || wholeText(file) === ''
      const entries = isNew ? [] : readEntries(file, expected)
      if (existsSync(file)) dropTornLine(file)
      const descriptor = openSync(file, 'a')
      const journal = new DeployJournal(file, descriptor, entries)
      if (isNew) journal.append({ format: 'zk-risk-engine/deploy-journal', version: 1, ...expected })
      return journal
    } catch (error) {
      unlock(file)
      throw error
    }
  }

  /** Every line about a step, oldest first. */
  of(step: string): readonly JournalEntry[] {
    return this.entries.filter((each) => each.step === step)
  }

  /** Steps that a transaction is said to be of. */
  stepsOf(hash: string): readonly string[] {
    return [...new Set(this.entries.filter((each) => each.hash === hash).map(({ step }) => step))]
  }

  /** Steps that were begun and not refused by the chain. */
  steps(): readonly string[] {
    const last = new Map(this.entries.map(({ step, state }) => [step, state]))
    return [...last].filter(([, state]) => state !== 'reverted').map(([step]) => step)
  }

  record(line: JournalEntry): void {
    this.append(line)
    this.entries.push(line)
  }

  close(): void {
    closeSync(this.descriptor)
    unlock(this.file)
  }

  private append(line: object): void {
    try {
      writeSync(this.descriptor, `${JSON.stringify(line)}\n`)
      fsyncSync(this.descriptor)
    } catch (cause) {
      throw new JournalError(this.file, 'it cannot be written', cause)
    }
  }
}

/** A process that died while it wrote leaves half a line at the end, of something that it had not begun. */
function wholeText(file: string): string {
  const text = readFileSync(file, 'utf8')
  return text.slice(0, text.lastIndexOf('\n') + 1)
}

function dropTornLine(file: string): void {
  const whole = wholeText(file)
  if (whole.length !== readFileSync(file, 'utf8').length) writeFileSync(file, whole, { flush: true })
}

function readEntries(file: string, expected: JournalHeader): JournalEntry[] {
  const [first, ...rest] = wholeText(file)
    .split('\n')
    .filter((line) => line !== '')
  const found = header.safeParse(parse(first ?? '', file))
  if (!found.success) throw new JournalError(file, 'its first line is not that of a journal')
  for (const field of ['chainId', 'genesis', 'deployer'] as const) {
    if (found.data[field] !== expected[field])
      throw new JournalError(file, `it is of ${names[field]} ${found.data[field]}, not of ${expected[field]}`)
  }
  return rest.map((line, i) => {
    const parsed = entry.safeParse(parse(line, file))
    if (!parsed.success) throw new JournalError(file, `its line ${i + 2} is damaged`)
    return parsed.data
  })
}

const names = { chainId: 'chain', genesis: 'a chain that began with block', deployer: 'the deployer' } as const

function parse(line: string, file: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new JournalError(file, 'a line of it is damaged', cause)
  }
}

const lockOf = (file: string): string => `${file}.lock`

/** The lock appears with its holder in it, and one that was left behind is taken by whoever moves that very one aside. */
function lock(file: string): void {
  const claim = `${lockOf(file)}.${process.pid}`
  try {
    writeFileSync(claim, `${process.pid}`)
    while (!tryLink(claim, lockOf(file))) {
      const holder = holderOf(file)
      if (holder !== undefined && isRunning(holder)) throw new JournalBusyError(file, holder)
      if (holder !== undefined) removeLeftBehind(file, holder)
    }
  } catch (cause) {
    if (cause instanceof JournalBusyError) throw cause
    throw new JournalError(file, 'it cannot be written', cause)
  } finally {
    rmSync(claim, { force: true })
  }
}

function tryLink(existing: string, path: string): boolean {
  try {
    linkSync(existing, path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  }
}

/** Undefined once the lock is gone. */
function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(lockOf(file), 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

/** Another process may have done the same, and hold the lock by now: then it is put back. */
function removeLeftBehind(file: string, holder: number): void {
  const aside = `${lockOf(file)}.${process.pid}.aside`
  try {
    renameSync(lockOf(file), aside)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw cause
  }
  if (Number(readFileSync(aside, 'utf8')) !== holder) tryLink(aside, lockOf(file))
  rmSync(aside, { force: true })
}

function unlock(file: string): void {
  rmSync(lockOf(file), { force: true })
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A journal is of something else, or was damaged. */
export class JournalError extends ProverError {
  readonly code = 'service.deploy-journal'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(
      `The journal ${file} cannot be gone on from: ${reason}. Name the journal of this deployment with --journal, or another file to deploy afresh.`,
      { cause },
    )
    this.file = file
  }
}

/** Another process is deploying by the same journal. */
export class JournalBusyError extends ProverError {
  readonly code = 'service.deploy-busy'
  readonly file: string
  readonly pid: number

  constructor(file: string, pid: number) {
    super(`Process ${pid} is deploying by the journal ${file}. Wait until it ends, or end it.`)
    this.file = file
    this.pid = pid
  }
}
