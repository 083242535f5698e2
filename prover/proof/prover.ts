/** Makes proofs. Every proof is verified before it leaves, whichever backend made it. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { ProverError } from '../errors.ts'
import type { CircuitKeys } from './keyStore.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveResponse,
  reviveError,
  type UnverifiedProof,
  type WorkerLimits,
  type WorkTimings,
} from './proverProtocol.ts'
import { formatProof, type Groth16Proof } from './strictProof.ts'
import { verifyWithSnarkjs } from './verify.ts'
import type { CircuitInput } from './witnessCalculator.ts'

/** Where the time of one proof went, in milliseconds. */
export interface ProofTimings extends WorkTimings {
  /** The verification of the finished proof. */
  readonly verify: number
  /** From call to answer, waiting for earlier proofs included. */
  readonly total: number
}

/** A proof that has been verified. */
export interface Proven {
  readonly proof: Groth16Proof
  /** In circuit order: outputs, then public inputs. */
  readonly publicSignals: readonly bigint[]
  readonly timings: ProofTimings
}

/** A backend; proofs are made one after the other, in the order of the calls. */
export interface Prover {
  /**
   * Proves that the circuit accepts the input.
   *
   * @throws {@link ProverError} of a class that says what went wrong; the prover stays usable
   */
  prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven>
  /** Loads a circuit ahead of its first proof. */
  warm(circuit: CircuitKeys): Promise<void>
  /** Ends the backend; proofs under way fail with {@link ProverClosedError}. */
  close(): Promise<void>
}

/** What a prover may use. */
export interface ProverOptions {
  /** For one proof, loading the key included. */
  readonly timeoutMs?: number
  /** Resident memory of the child process. */
  readonly memoryBytes?: number
  /** Defaults to one per processor, at most eight. */
  readonly threads?: number
}

const DEFAULT_TIMEOUT_MS = 120_000
const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30
/** End of the child's error output that a crash report keeps. */
const REPORT_CHARACTERS = 2_000

const backends: Readonly<Record<string, (options: ProverOptions) => Prover>> = {
  snarkjs: (options) => new SnarkjsProver(options),
}

/**
 * The prover that the environment asks for.
 *
 * @param backend - defaults to the variable ZKRISK_PROVER, then to 'snarkjs', which needs nothing but npm
 * @throws {@link UnknownBackendError} if there is no such backend
 */
export function createProver(
  options: ProverOptions = {},
  backend: string = process.env.ZKRISK_PROVER ?? 'snarkjs',
): Prover {
  const create = Object.hasOwn(backends, backend) ? backends[backend] : undefined
  if (create === undefined) throw new UnknownBackendError(backend, Object.keys(backends))
  return create(options)
}

interface Pending {
  readonly resolve: (result: UnverifiedProof | undefined) => void
  readonly reject: (error: Error) => void
}

/**
 * Proves with snarkjs' arithmetic in a resident child process. A crash or a hang costs the proof under way and nothing else: the
 * next one gets a new child. An idle prover keeps no process alive.
 */
export class SnarkjsProver implements Prover {
  private readonly timeoutMs: number
  private readonly limits: WorkerLimits
  private child: ChildProcess | undefined
  private pending: Pending | undefined
  private report = ''
  private nextId = 0
  private last: Promise<unknown> = Promise.resolve()
  private closed = false

  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, memoryBytes = DEFAULT_MEMORY_BYTES, threads }: ProverOptions = {}) {
    this.timeoutMs = timeoutMs
    this.limits = { memoryBytes, threads }
  }

  /** The child's process id, while it has one. */
  get pid(): number | undefined {
    return this.child?.pid
  }

  async prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven> {
    const start = performance.now()
    const made = (await this.enqueue(circuit, input)) as UnverifiedProof
    const proof = formatProof(made.points)
    const proven = performance.now()
    const { publicSignals } = made
    const verdict = await verifyWithSnarkjs(circuit.verificationKey, { proof, publicSignals })
    if (!verdict.accepted) throw new SelfVerificationError(circuit.circuit, verdict.reason)
    const end = performance.now()
    return { proof, publicSignals, timings: { ...made.timings, verify: end - proven, total: end - start } }
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
    const timer = setTimeout(() => this.expire(files.circuit), this.timeoutMs)
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
    // Node runs the .ts source directly; the published build has .js beside .js.
    const entry = new URL(`./snarkjsWorker${import.meta.url.slice(-3)}`, import.meta.url)
    const child = fork(entry, [JSON.stringify(this.limits)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [`--max-old-space-size=${Math.ceil(this.limits.memoryBytes / 2 ** 20)}`],
      // Keys to wallets live in the environment; the child has no use for any of it.
      env: {},
    })
    this.child = child
    this.report = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.report = (this.report + text).slice(-REPORT_CHARACTERS)
    })
    child.on('message', (response: ProveResponse) => {
      if (child !== this.child) return
      if ('failure' in response) this.fail(reviveError(response.failure))
      else this.pending?.resolve(response.result)
    })
    child.on('error', (error) => this.abandon(child, new ProverCrashedError(null, null, error.message)))
    child.on('close', (exitCode, signal) => {
      const outOfMemory = exitCode === OUT_OF_MEMORY_EXIT
      this.abandon(
        child,
        outOfMemory
          ? new ProverOutOfMemoryError(this.limits.memoryBytes)
          : new ProverCrashedError(exitCode, signal, this.report),
      )
    })
    setReferenced(child, false)
    return child
  }

  private expire(circuit: string): void {
    this.fail(new ProverTimeoutError(circuit, this.timeoutMs))
    void this.kill()
  }

  private abandon(child: ChildProcess, error: Error): void {
    if (this.child !== child) return
    this.child = undefined
    this.fail(error)
  }

  private fail(error: Error): void {
    this.pending?.reject(error)
    this.pending = undefined
  }

  private async kill(): Promise<void> {
    const { child } = this
    this.child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    setReferenced(child, true)
    child.kill('SIGKILL')
    await ended
  }
}

function filesOf({ circuit, wasm, zkey, manifest }: CircuitKeys): CircuitFiles {
  return { circuit, wasm, wasmSha256: manifest.wasmSha256, zkey, zkeySha256: manifest.zkeySha256 }
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

/** The finished proof does not verify: the key belongs to another circuit, or memory is faulty. The proof was thrown away. */
export class SelfVerificationError extends ProverError {
  readonly code = 'proof.self-verification'
  readonly circuit: string

  constructor(circuit: string, cause: ProverError) {
    super(
      `A finished proof of ${circuit} does not verify and was thrown away. Check its keys with \`zkrisk keys verify\`.`,
      {
        cause,
      },
    )
    this.circuit = circuit
  }
}

/** The prover was closed. */
export class ProverClosedError extends ProverError {
  readonly code = 'proof.prover-closed'

  constructor() {
    super('The prover was closed before this proof was finished. Create another one.')
  }
}

/** There is no backend of this name. */
export class UnknownBackendError extends ProverError {
  readonly code = 'proof.unknown-backend'
  readonly backend: string

  constructor(backend: string, known: readonly string[]) {
    super(`There is no prover "${backend}". Set ZKRISK_PROVER to one of: ${known.join(', ')}.`)
    this.backend = backend
  }
}
