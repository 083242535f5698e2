/** A prover that works in a child process, whichever arithmetic the child uses. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { ProverError } from '../errors.ts'
import type { CircuitKeys } from './keyStore.ts'
import type { Backend, Prover, Proven } from './prover.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  reviveError,
  type UnverifiedProof,
  type WorkerLimits,
  type WorkerMessage,
} from './proverProtocol.ts'
import { requireValid } from './selfVerification.ts'
import { formatProof } from './strictProof.ts'
import type { CircuitInput } from './witnessCalculator.ts'

export const DEFAULT_TIMEOUT_MS = 120_000
export const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30
/** End of the child's error output that a crash report keeps. */
const REPORT_CHARACTERS = 2_000

interface Pending {
  readonly resolve: (result: UnverifiedProof | undefined) => void
  readonly reject: (error: Error) => void
}

/** Which worker to run, and how. */
export interface WorkerSettings {
  readonly backend: Backend
  /** Name of the worker's source file in this folder, without its ending. */
  readonly worker: string
  readonly timeoutMs: number
  readonly limits: WorkerLimits
}

/**
 * Proves in a resident child process. A crash or a hang costs the proof under way and nothing else: the next one gets a new child.
 * An idle prover keeps no process alive.
 */
export class WorkerProver implements Prover {
  private readonly settings: WorkerSettings
  private servantPid: number | undefined
  private child: ChildProcess | undefined
  private pending: Pending | undefined
  private report = ''
  private nextId = 0
  private last: Promise<unknown> = Promise.resolve()
  private closed = false

  constructor(settings: WorkerSettings) {
    this.settings = settings
  }

  /** Process id of the child, or of the process that proves for it, while there is one. */
  get pid(): number | undefined {
    return this.servantPid ?? this.child?.pid
  }

  async prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven> {
    const start = performance.now()
    const made = (await this.enqueue(circuit, input)) as UnverifiedProof
    const proof = formatProof(made.points)
    const proven = performance.now()
    const { publicSignals } = made
    await requireValid(circuit.circuit, circuit.verificationKey, { proof, publicSignals })
    const end = performance.now()
    const timings = { ...made.timings, verify: end - proven, total: end - start }
    return { proof, publicSignals, backend: this.settings.backend, timings }
  }

  async warm(circuit: CircuitKeys): Promise<void> {
    await this.enqueue(circuit, undefined)
  }

  async close(): Promise<void> {
    this.closed = true
    this.fail(new ProverClosedError())
    await this.kill()
  }

  /** One request at a time; a failed one does not stop the next. */
  private enqueue(circuit: CircuitKeys, input: CircuitInput | undefined): Promise<UnverifiedProof | undefined> {
    const request = this.last.then(() => this.request(filesOf(circuit), input))
    this.last = request.catch(() => undefined)
    return request
  }

  private async request(files: CircuitFiles, input: CircuitInput | undefined): Promise<UnverifiedProof | undefined> {
    if (this.closed) throw new ProverClosedError()
    const child = this.child ?? this.start()
    const id = this.nextId++
    setReferenced(child, true)
    const timer = setTimeout(() => this.expire(files.circuit), this.settings.timeoutMs)
    try {
      return await new Promise((resolve, reject) => {
        this.pending = { resolve, reject }
        child.send({ id, files, input }, (error) => {
          if (error !== null) this.fail(new ProverCrashedError(null, null, error.message))
        })
      })
    } finally {
      clearTimeout(timer)
      this.pending = undefined
      setReferenced(child, false)
    }
  }

  private start(): ChildProcess {
    const { worker, limits } = this.settings
    // Node runs the .ts source directly; the published build has .js beside .js.
    const entry = new URL(`./${worker}${import.meta.url.slice(-3)}`, import.meta.url)
    const child = fork(entry, [JSON.stringify(limits)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [`--max-old-space-size=${Math.ceil(limits.memoryBytes / 2 ** 20)}`],
      // Keys to wallets live in the environment; the child has no use for any of it.
      env: {},
    })
    this.child = child
    this.report = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.report = (this.report + text).slice(-REPORT_CHARACTERS)
    })
    child.on('message', (response: WorkerMessage) => {
      if (child !== this.child) return
      if ('servantPid' in response) this.servantPid = response.servantPid
      else if ('failure' in response) this.fail(reviveError(response.failure))
      else this.pending?.resolve(response.result)
    })
    child.on('error', (error) => this.abandon(child, new ProverCrashedError(null, null, error.message)))
    child.on('close', (exitCode, signal) => {
      const outOfMemory = exitCode === OUT_OF_MEMORY_EXIT
      this.abandon(
        child,
        outOfMemory
          ? new ProverOutOfMemoryError(limits.memoryBytes)
          : new ProverCrashedError(exitCode, signal, this.report),
      )
    })
    setReferenced(child, false)
    return child
  }

  private expire(circuit: string): void {
    this.fail(new ProverTimeoutError(circuit, this.settings.timeoutMs))
    void this.kill()
  }

  private abandon(child: ChildProcess, error: Error): void {
    if (this.child !== child) return
    this.child = undefined
    this.servantPid = undefined
    this.fail(error)
  }

  private fail(error: Error): void {
    this.pending?.reject(error)
    this.pending = undefined
  }

  private async kill(): Promise<void> {
    const { child, servantPid } = this
    this.child = undefined
    this.servantPid = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    setReferenced(child, true)
    // It ends by itself once the child is gone, unless it is stopped or hangs.
    if (servantPid !== undefined) kill(servantPid)
    child.kill('SIGKILL')
    await ended
  }
}

function filesOf({ circuit, wasm, zkey, manifest }: CircuitKeys): CircuitFiles {
  return { circuit, wasm, wasmSha256: manifest.wasmSha256, zkey, zkeySha256: manifest.zkeySha256 }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

/** Whether the child keeps this process alive: only while it works. */
function setReferenced(child: ChildProcess, referenced: boolean): void {
  const action = referenced ? 'ref' : 'unref'
  child[action]()
  child.channel?.[action]()
  ;(child.stderr as Socket | null)?.[action]()
}

/** The child process ended in the middle of a proof. */
export class ProverCrashedError extends ProverError {
  readonly code = 'proof.prover-crashed'
  readonly exitCode: number | null
  readonly signal: string | null
  /** The end of its error output. */
  readonly report: string

  constructor(exitCode: number | null, signal: string | null, report: string) {
    super(
      `The prover's process ended in the middle of a proof (${signal ?? exitCode ?? report}). Ask for the proof again.`,
    )
    this.exitCode = exitCode
    this.signal = signal
    this.report = report
  }
}

/** The child process took more memory than it may. */
export class ProverOutOfMemoryError extends ProverError {
  readonly code = 'proof.prover-out-of-memory'
  readonly memoryBytes: number

  constructor(memoryBytes: number) {
    super(`The prover needed more than ${memoryBytes} bytes. Raise its memory limit, or use fewer threads.`)
    this.memoryBytes = memoryBytes
  }
}

/** A proof took longer than it may; its process was ended. */
export class ProverTimeoutError extends ProverError {
  readonly code = 'proof.prover-timeout'
  readonly circuit: string
  readonly timeoutMs: number

  constructor(circuit: string, timeoutMs: number) {
    super(`A proof of ${circuit} took longer than ${timeoutMs} ms. Ask for it again, or raise the time limit.`)
    this.circuit = circuit
    this.timeoutMs = timeoutMs
  }
}

/** The prover was closed. */
export class ProverClosedError extends ProverError {
  readonly code = 'proof.prover-closed'

  constructor() {
    super('The prover was closed before this proof was finished. Create another one.')
  }
}
