/** The process of native/main.go, seen from the worker that owns it: frames in, frames out, one request at a time. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { ProverError } from '../../errors.ts'
import { dataView, MalformedFileError } from '../binaryFile.ts'
import { CorruptKeyFileError } from '../keys/keyStore.ts'
import { NativeUnavailableError } from './nativeBuild.ts'
import { type ProofPoints, parseProof } from '../strictProof.ts'
import { ProofRejectedError } from '../verify.ts'

const LENGTH_BYTES = 4
/** A proof takes less than a kilobyte; error messages are short. */
const MOST_ANSWER_BYTES = 2 ** 20
/** End of the error output that a crash report keeps. */
const REPORT_CHARACTERS = 2_000

/** A key by name and content. */
export interface KeyReference {
  readonly zkey: string
  readonly sha256: string
}

/** What the process says of one request. */
export interface NativeAnswer {
  /** Undefined when only the key was to be loaded. */
  readonly points: ProofPoints | undefined
  /** Of the key. */
  readonly wires: number
  readonly publicSignals: number
  readonly loadMs: number
  readonly proofMs: number
  readonly keysInMemory: number
  /** The most memory that the process has held. */
  readonly peakBytes: number
}

/** What the process may take. */
export interface NativeLimits {
  /** All keys in its memory together, by the size of their files. */
  readonly keyBytes: number
  /** All of it; it ends with OUT_OF_MEMORY_EXIT (proverProtocol.ts) when it has taken more. */
  readonly memoryBytes: number
}

interface Pending {
  readonly key: KeyReference
  readonly id: number
  readonly wantsProof: boolean
  readonly resolve: (answer: NativeAnswer) => void
  readonly reject: (error: ProverError) => void
}

/** A running process; it is of no use any more once a request was rejected with anything but a refusal. */
export class NativeProcess {
  private readonly program: string
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  private pending: Pending | undefined
  private received: Uint8Array = new Uint8Array()
  private report = ''
  private nextId = 0
  private failure: ProverError | undefined

  /**
   * @param program - path of the compiled native/main.go
   * @param onEnd - called once the process is gone
   */
  constructor(program: string, { keyBytes, memoryBytes }: NativeLimits, onEnd: () => void) {
    this.program = program
    // An empty environment: keys to wallets live in ours.
    this.child = spawn(program, [String(keyBytes), String(memoryBytes)], { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stdout.on('data', (bytes: Uint8Array) => this.receive(bytes))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.report = (this.report + text).slice(-REPORT_CHARACTERS)
    })
    // A broken pipe means that the process is gone; how it ended is told by 'close'.
    this.child.stdin.on('error', () => {})
    this.child.on('error', (error) => {
      this.fail(new NativeUnavailableError(program, error.message, error))
      onEnd()
    })
    this.child.on('close', (exitCode, signal) => {
      this.fail(new NativeCrashedError(exitCode, signal, this.report))
      onEnd()
    })
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  /**
   * Loads a key where it is not in memory yet, and proves.
   *
   * Errors of the first three classes leave the process usable.
   *
   * @param wires - 32 little-endian bytes each; undefined to load the key only
   * @param onSent - called once the request has left this thread
   * @throws {@link NativeRefusedError} if it refuses
   * @throws {@link ProofRejectedError} if the wires do not satisfy the key's circuit, so that its proof did not verify
   * @throws {@link CorruptKeyFileError}, {@link MalformedFileError} if the key's file is not what its hash says, or not a key
   * @throws {@link NativeCrashedError} if the process ends
   * @throws {@link NativeFrameError} if its answer makes no sense; the process is ended
   * @throws {@link NativeUnavailableError} if it could not be started
   */
  request(key: KeyReference, wires?: Uint8Array, onSent: () => void = () => {}): Promise<NativeAnswer> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      this.pending = { key, id, wantsProof: wires !== undefined, resolve, reject }
      const header = new TextEncoder().encode(JSON.stringify({ id, ...key }))
      const bodyBytes = LENGTH_BYTES + header.length + (wires?.length ?? 0)
      const lengths = new Uint8Array(2 * LENGTH_BYTES)
      dataView(lengths).setUint32(0, bodyBytes, true)
      dataView(lengths).setUint32(LENGTH_BYTES, header.length, true)
      this.child.stdin.cork()
      this.child.stdin.write(lengths)
      this.child.stdin.write(header, wires === undefined ? onSent : undefined)
      if (wires !== undefined) this.child.stdin.write(wires, onSent)
      this.child.stdin.uncork()
    })
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  private receive(bytes: Uint8Array): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes])
    if (this.received.length < LENGTH_BYTES) return
    const length = dataView(this.received).getUint32(0, true)
    const end = LENGTH_BYTES + length
    if (length > MOST_ANSWER_BYTES) this.distrust(`it announced an answer of ${length} bytes`)
    else if (this.received.length > end) this.distrust('it said more than was asked')
    else if (this.received.length === end) {
      const frame = this.received.subarray(LENGTH_BYTES)
      this.received = new Uint8Array()
      this.answer(frame)
    }
  }

  private answer(frame: Uint8Array): void {
    const { pending } = this
    if (pending === undefined) {
      this.distrust('it answered without being asked')
      return
    }
    try {
      const answer = parseAnswer(frame, pending)
      this.pending = undefined
      pending.resolve(answer)
    } catch (error) {
      if (isRefusal(error)) {
        this.pending = undefined
        pending.reject(error)
      } else this.distrust((error as Error).message, error)
    }
  }

  private distrust(reason: string, cause?: unknown): void {
    this.fail(new NativeFrameError(this.program, reason, cause))
    this.kill()
  }

  private fail(error: ProverError): void {
    this.failure ??= error
    this.pending?.reject(this.failure)
    this.pending = undefined
  }
}

function parseAnswer(frame: Uint8Array, { id, key, wantsProof }: Pending): NativeAnswer {
  const answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame))
  if (answer?.id !== id) throw new Error(`it answered request ${answer?.id} instead of ${id}`)
  const { error, proof, ...numbers } = answer
  if (error !== undefined) throw refusalOf(String(error?.code), String(error?.message), key)
  const names = ['wires', 'publicSignals', 'loadMs', 'proofMs', 'keysInMemory', 'peakBytes'] as const
  if (!names.every((name) => Number.isFinite(numbers[name]))) throw new Error('a number is missing from its answer')
  if ((proof !== undefined) !== wantsProof) throw new Error(`its answer has ${wantsProof ? 'no' : 'a'} proof`)
  return { ...numbers, points: wantsProof ? parseProof(proof) : undefined }
}

/** Whether the process has said no, which it may. */
const isRefusal = (error: unknown): error is ProverError =>
  [NativeRefusedError, ProofRejectedError, CorruptKeyFileError, MalformedFileError].some(
    (refusal) => error instanceof refusal,
  )

function refusalOf(code: string, reason: string, { zkey }: KeyReference): ProverError {
  if (code === 'corrupt-key-file') return new CorruptKeyFileError(zkey, reason)
  if (code === 'malformed-key') return new MalformedFileError(zkey, reason)
  if (code === 'invalid-proof') return new ProofRejectedError()
  return new NativeRefusedError(code, reason)
}

/** The native process ended in the middle of a proof. */
export class NativeCrashedError extends ProverError {
  readonly code = 'proof.native-crashed'
  readonly exitCode: number | null
  readonly signal: string | null
  /** The end of its error output. */
  readonly report: string

  constructor(exitCode: number | null, signal: string | null, report: string) {
    super(`The native prover's process ended in the middle of a proof (${signal ?? exitCode}). ${report}`.trim())
    this.exitCode = exitCode
    this.signal = signal
    this.report = report
  }
}

/** What the native process sent is not an answer; the process was ended. */
export class NativeFrameError extends ProverError {
  readonly code = 'proof.native-frame'
  readonly program: string
  readonly reason: string

  constructor(program: string, reason: string, cause?: unknown) {
    super(
      `${program} does not answer as the native prover does: ${reason}. Build it again: \`npm run build:native\`.`,
      {
        cause,
      },
    )
    this.program = program
    this.reason = reason
  }
}

/** The native prover gives a reason why it does not prove this. */
export class NativeRefusedError extends ProverError {
  readonly code = 'proof.native-refused'
  readonly condition: string
  readonly reason: string

  constructor(condition: string, reason: string) {
    super(`The native prover refuses: ${reason} (${condition}). Check the keys with \`zkrisk keys verify\`.`)
    this.condition = condition
    this.reason = reason
  }
}
