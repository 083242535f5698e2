/** A prover that works in a child process, whichever arithmetic the child uses. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { serialize } from 'node:v8'
import { ProverError } from '../../errors.ts'
import { MOST_TIMER_MS } from '../../timers.ts'
import type { CircuitKeys } from '../keys/keyStore.ts'
import { OrderedAnswers } from './orderedAnswers.ts'
import type { Backend, Prover, Proven } from './prover.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveRequest,
  reviveError,
  type UnverifiedProof,
  type WorkerLimits,
  type WorkerMessage,
} from './proverProtocol.ts'
import { requireValid } from './selfVerification.ts'
import { formatProof } from '../strictProof.ts'
import { type CircuitInput, CircuitInputError } from './witnessCalculator.ts'

/** Calls that keep the native prover busy: the witness of one is computed while the other is proven. */
export const CALLS_UNDER_WAY = 2
export const DEFAULT_TIMEOUT_MS = 120_000
export const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30
/** End of the child's error output that a crash report keeps. */
const REPORT_CHARACTERS = 2_000

interface Request {
  readonly files: CircuitFiles
  readonly input: CircuitInput | undefined
  readonly resolve: (result: UnverifiedProof | undefined) => void
  readonly reject: (error: Error) => void
}

/** Which worker to run, and how. */
export interface WorkerSettings {
  readonly backend: Backend
  /** Name of the worker's source file in this folder, without its ending. */
  readonly worker: string
  readonly timeoutMs: number
  /** How many requests the worker is given at a time; it answers them in order. */
  readonly requestsUnderWay: number
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
  /** Given to the child, the first of them being proven. */
  private underWay: Request[] = []
  private waiting: Request[] = []
  private timer: NodeJS.Timeout | undefined
  private report = ''
  private closed = false
  private readonly answers = new OrderedAnswers()

  constructor(settings: WorkerSettings) {
    this.settings = settings
  }

  /** Process id of the child, or of the process that proves for it, while there is one. */
  get pid(): number | undefined {
    return this.servantPid ?? this.child?.pid
  }

  prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven> {
    return this.answers.add(this.makeProof(circuit, input))
  }

  async warm(circuit: CircuitKeys): Promise<void> {
    await this.answers.add(this.request(circuit, undefined))
  }

  async close(): Promise<void> {
    this.closed = true
    for (const { reject } of [...this.underWay, ...this.waiting]) reject(new ProverClosedError())
    this.underWay = []
    this.waiting = []
    this.restartClock()
    await this.kill()
  }

  /** The child makes the next proof while this one is verified. */
  private async makeProof(circuit: CircuitKeys, input: CircuitInput): Promise<Proven> {
    const start = performance.now()
    const made = (await this.request(circuit, input)) as UnverifiedProof
    const proof = formatProof(made.points)
    const proven = performance.now()
    const { publicSignals } = made
    await requireValid(circuit.circuit, circuit.verificationKey, { proof, publicSignals })
    const end = performance.now()
    const timings = { ...made.timings, verify: end - proven, total: end - start }
    return { proof, publicSignals, backend: this.settings.backend, timings }
  }

  private request(circuit: CircuitKeys, input: CircuitInput | undefined): Promise<UnverifiedProof | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ files: filesOf(circuit), input, resolve, reject })
      this.advance()
    })
  }

  /** Gives the child as many requests as it may have. */
  private advance(): void {
    if (this.closed) {
      for (const { reject } of this.waiting.splice(0)) reject(new ProverClosedError())
      return
    }
    while (this.waiting.length > 0 && this.underWay.length < this.settings.requestsUnderWay) {
      const request = this.waiting.shift() as Request
      const child = this.childFor(request)
      if (child === undefined) continue
      const { files, input } = request
      this.underWay.push(request)
      if (this.underWay.length === 1) this.restartClock()
      try {
        child.send({ files, input } satisfies ProveRequest, (error) => {
          if (error === null) return
          child.kill('SIGKILL')
          this.abandon(child, new ProverCrashedError(null, null, error.message))
        })
      } catch (error) {
        // It never reached the child: no answer will come, and the next one is not for it.
        this.underWay.pop()
        if (this.underWay.length === 0) this.restartClock()
        const signal = Object.keys(input ?? {}).find((name) => !isSendable(input?.[name])) ?? ''
        const reason = `it cannot be sent to the prover's process (${(error as Error).message})`
        request.reject(new CircuitInputError(files.circuit, signal, reason))
      }
    }
    if (this.child !== undefined) setReferenced(this.child, this.underWay.length > 0)
  }

  /** The time limit is for the first proof under way; one that waits for it loses none of its own. */
  private restartClock(): void {
    clearTimeout(this.timer)
    const [first] = this.underWay
    if (first === undefined) return
    this.timer = setTimeout(
      () => {
        const error = new ProverTimeoutError(first.files.circuit, this.settings.timeoutMs)
        void this.kill()
        this.failFirst(error)
      },
      Math.min(this.settings.timeoutMs, MOST_TIMER_MS),
    )
  }

  /** A machine that has no memory, or no processes left, starts none: that costs the request, not whoever asked. */
  private childFor({ reject }: Request): ChildProcess | undefined {
    try {
      return this.child ?? this.start()
    } catch (error) {
      reject(new ProverCrashedError(null, null, (error as Error).message))
      return undefined
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
    child.on('message', (message: WorkerMessage) => {
      if (child === this.child) this.receive(message)
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
    return child
  }

  private receive(message: WorkerMessage): void {
    if ('servantPid' in message) {
      this.servantPid = message.servantPid
      return
    }
    const first = this.underWay.shift()
    if ('failure' in message) first?.reject(reviveError(message.failure))
    else first?.resolve(message.result)
    this.restartClock()
    this.advance()
  }

  private abandon(child: ChildProcess, error: Error): void {
    if (this.child !== child) return
    this.child = undefined
    this.servantPid = undefined
    this.failFirst(error)
  }

  /** The first request fails; a new child gets what the old one had besides. */
  private failFirst(error: Error): void {
    const [first, ...others] = this.underWay
    this.underWay = []
    this.waiting.unshift(...others)
    this.restartClock()
    first?.reject(error)
    this.advance()
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

function isSendable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
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
