/** `zkrisk serve` as whoever runs it has it: a process of its own, heard through its log, looked at through what the system says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { residentBytes } from '../../../prover/proof/backends/residentMemory.ts'
import { root } from '../sources.ts'

/** A line of its log. */
export type LogLine = { readonly event?: string; readonly msg?: string; readonly [field: string]: unknown }

/** What a process holds; undefined where the system does not say (only Linux does). */
export type Holdings = {
  readonly residentBytes: number | undefined
  /** Of the processes that it has started, together. */
  readonly childrenBytes: number
  readonly files: number
  readonly sockets: number
}

const cli = join(root, 'prover', 'service', 'cli.ts')

export class ServedProcess {
  /** Where it listens, from when it does. */
  readonly listening: Promise<string>
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>
  readonly #child: ChildProcess
  #last = ''

  /** @param hear - takes each line of its log */
  constructor(flags: readonly string[], folder: string, hear: (line: LogLine) => void) {
    const args = [cli, 'serve', ...flags, '--http', '127.0.0.1:0', '--log', 'json']
    this.#child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    this.exited = once(this.#child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    const { promise, resolve } = Promise.withResolvers<string>()
    this.listening = promise
    if (this.#child.stderr === null) return
    createInterface({ input: this.#child.stderr }).on('line', (text) => {
      this.#last = text
      const line = lineOf(text)
      if (line.event === 'listening') resolve(String(line.url))
      hear(line)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#child.kill(signal)
  }

  /** Until it ends, which is not asked of it. @throws always */
  async endedEarly(): Promise<never> {
    const [code, signal] = await this.exited
    throw new Error(`The service ended with ${code ?? signal}: ${this.#last}`)
  }

  /** Ends it as whoever runs it does. @throws if it does not end well */
  async stop(): Promise<void> {
    this.kill('SIGTERM')
    const [code] = await this.exited
    if (code !== 0) throw new Error(`The service ended with ${code}: ${this.#last}`)
  }

  get holdings(): Holdings {
    return holdingsOf(this.pid)
  }
}

/** Bytes of files whose names begin so. */
export function bytesOf(folder: string, prefix: string): number {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)) : []
  return names.reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0)
}

function holdingsOf(pid: number): Holdings {
  const links = linksOf(pid)
  const children = childrenOf(pid)
  return {
    residentBytes: residentBytes(pid),
    childrenBytes: children.reduce((sum, child) => sum + (residentBytes(child) ?? 0), 0),
    files: links.length,
    sockets: links.filter((link) => link.startsWith('socket:')).length,
  }
}

function linksOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return ifThere(() => readdirSync(folder), []).map((name) => ifThere(() => readlinkSync(join(folder, name)), ''))
}

/** Of all generations. */
function childrenOf(pid: number): readonly number[] {
  const threads = ifThere(() => readdirSync(`/proc/${pid}/task`), [])
  const own = threads.flatMap((thread) => {
    const text = ifThere(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'), '')
    return text.split(' ').filter(Boolean).map(Number)
  })
  return own.flatMap((child) => [child, ...childrenOf(child)])
}

function ifThere<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** What is no line of the log is what the command says at its end. */
function lineOf(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { msg: text }
  }
}
