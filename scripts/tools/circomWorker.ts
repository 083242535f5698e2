/** A thread that runs the circom compiler on what it is told to. */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

export type CircomTask = {
  /** As on circom's command line. It sees the project as `.` and the folder below as `out`. */
  readonly args: readonly string[]
  readonly project: string
  readonly out: string
}

export type CircomAnswer = {
  /** Null when the compiler broke down. */
  readonly exitCode: number | null
  /** What it said. */
  readonly report: string
  /** What the thread holds on to until it compiles again. */
  readonly memoryBytes: number
}

type Bindings = { readonly fs: typeof fs }
type Instance = { readonly exports: { readonly memory: WebAssembly.Memory } }
type Circom2 = {
  readonly CircomRunner: new (options: {
    readonly args: readonly string[]
    readonly preopens: Readonly<Record<string, string>>
    readonly bindings: Bindings
  }) => { execute(wasm: undefined): Promise<Instance> }
  readonly bindings: Bindings
}

const { CircomRunner, bindings } = createRequire(import.meta.url)('circom2') as Circom2
const module = workerData as WebAssembly.Module

/** The package compiles the compiler for each run; once is enough. */
class Circom extends CircomRunner {
  compile(): WebAssembly.Module {
    return module
  }
}

async function run({ args, project, out }: CircomTask): Promise<CircomAnswer> {
  const files = new Files()
  const preopens = { '.': project, out }
  try {
    const circom = new Circom({ args, preopens, bindings: { ...bindings, fs: files.functions } })
    const { memory } = (await circom.execute(undefined)).exports
    return { exitCode: 0, report: files.said, memoryBytes: memory.buffer.byteLength }
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code === 'number') return { exitCode: code, report: files.said, memoryBytes: Infinity }
    return { exitCode: null, report: `${files.said}${error}\n`, memoryBytes: Infinity }
  } finally {
    files.close()
  }
}

/** Node's functions, except that what goes to the console is kept and what the compiler leaves open is closed. */
class Files {
  said = ''
  readonly #decoder = new TextDecoder()
  readonly #open = new Set<number>()

  readonly functions = {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>): number => {
      const descriptor = fs.openSync(...args)
      this.#open.add(descriptor)
      return descriptor
    },
    closeSync: (descriptor: number): void => {
      fs.closeSync(descriptor)
      this.#open.delete(descriptor)
    },
    writeSync: (descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      if (descriptor > 2) return fs.writeSync(descriptor, bytes, offset, length, position)
      this.said += this.#decoder.decode(bytes.subarray(offset, offset + length), { stream: true })
      return length
    },
  } as typeof fs

  close(): void {
    for (const descriptor of this.#open) fs.closeSync(descriptor)
  }
}

parentPort?.on('message', async (task: CircomTask) => parentPort?.postMessage(await run(task)))
