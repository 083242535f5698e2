/** Signs with a key that never leaves where it is kept: a key management service, a hardware module, a signing process. */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import {
  AbstractSigner,
  computeAddress,
  getBytes,
  hashMessage,
  hexlify,
  type Provider,
  recoverAddress,
  resolveAddress,
  Signature,
  toBeHex,
  Transaction,
  type TransactionLike,
  type TransactionRequest,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
} from 'ethers'
import { z } from 'zod'
import { ProverError } from '../../errors.ts'

/** What such a keeper offers; the answers of AWS, Google and Azure to an ECDSA key over secp256k1 are of this form. */
export type KeyKeeper = {
  /** DER, as SubjectPublicKeyInfo. */
  readonly publicKey: () => Promise<Uint8Array>
  /** DER, a sequence of r and s, of 32 bytes that are signed as they are. */
  readonly signDigest: (digest: Uint8Array) => Promise<Uint8Array>
}

/** Order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
/** Of a public key that is not compressed, at the end of its DER. */
const POINT_BYTES = 65
const UNCOMPRESSED = 4
const TIMEOUT_MS = 10_000

const DER_SEQUENCE = 0x30
const DER_INTEGER = 0x02

const keeperSchema = z.object({
  publicKey: z.custom<KeyKeeper['publicKey']>((value) => typeof value === 'function'),
  signDigest: z.custom<KeyKeeper['signDigest']>((value) => typeof value === 'function'),
})

export class KmsSigner extends AbstractSigner {
  readonly address: string
  readonly #keeper: KeyKeeper
  readonly #timeoutMs: number

  private constructor(keeper: KeyKeeper, address: string, provider: Provider | null, timeoutMs: number) {
    super(provider)
    this.#keeper = keeper
    this.#timeoutMs = timeoutMs
    this.address = address
  }

  /** @throws {@link KeeperError} if there is no answer, or none that makes sense */
  static async open(keeper: KeyKeeper, provider: Provider | null, timeoutMs = TIMEOUT_MS): Promise<KmsSigner> {
    const key = await answerOf('the public key', keeper.publicKey, timeoutMs)
    const point = key.slice(-POINT_BYTES)
    if (point[0] !== UNCOMPRESSED) throw new KeeperError('the public key is no uncompressed point of secp256k1')
    try {
      return new KmsSigner(keeper, computeAddress(hexlify(point)), provider, timeoutMs)
    } catch (error) {
      throw new KeeperError('the public key is no point of secp256k1', error)
    }
  }

  async getAddress(): Promise<string> {
    return this.address
  }

  connect(provider: Provider | null): KmsSigner {
    return new KmsSigner(this.#keeper, this.address, provider, this.#timeoutMs)
  }

  async signTransaction(request: TransactionRequest): Promise<string> {
    const transaction = request instanceof Transaction ? request.clone() : await this.#transactionOf(request)
    transaction.signature = await this.#sign(transaction.unsignedHash)
    return transaction.serialized
  }

  async signMessage(message: string | Uint8Array): Promise<string> {
    return (await this.#sign(hashMessage(message))).serialized
  }

  async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    value: Record<string, unknown>,
  ): Promise<string> {
    return (await this.#sign(TypedDataEncoder.hash(domain, types, value))).serialized
  }

  async #transactionOf({ from: _, to, ...rest }: TransactionRequest): Promise<Transaction> {
    const resolved = to === null || to === undefined ? {} : { to: await resolveAddress(to, this.provider) }
    return Transaction.from({ ...rest, ...resolved } as TransactionLike)
  }

  /** Ethereum takes the lower of both possible s; which of two points it was is found by trying. */
  async #sign(digest: string): Promise<Signature> {
    const der = await answerOf('a signature', () => this.#keeper.signDigest(getBytes(digest)), this.#timeoutMs)
    const [r, high] = integersIn(der)
    const s = high > ORDER / 2n ? ORDER - high : high
    for (const v of [27, 28]) {
      const signature = Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), v })
      if (isSignedBy(digest, signature, this.address)) return signature
    }
    throw new KeeperError('the signature is of another key or of another digest')
  }
}

/** @throws {@link KeeperModuleError} unless the module's exports are a {@link KeyKeeper} */
export async function loadKeyKeeper(file: string): Promise<KeyKeeper> {
  const module: unknown = await import(pathToFileURL(resolve(file)).href).catch((error: unknown) => {
    throw new KeeperModuleError(file, error)
  })
  const keeper = keeperSchema.safeParse(module)
  if (!keeper.success) throw new KeeperModuleError(file, keeper.error)
  return keeper.data
}

async function answerOf(what: string, asking: () => Promise<Uint8Array>, timeoutMs: number): Promise<Uint8Array> {
  const patience = new AbortController()
  const late = sleep(timeoutMs, undefined, { signal: patience.signal }).then(() => {
    throw new KeeperError(`asked for ${what}, it did not answer within ${timeoutMs / 1000} s`)
  })
  late.catch(() => undefined)
  try {
    const answer = await Promise.race([asking(), late])
    if (!(answer instanceof Uint8Array))
      throw new KeeperError(`asked for ${what}, it answered something else than bytes`)
    return answer
  } catch (error) {
    if (error instanceof KeeperError) throw error
    throw new KeeperError(`asked for ${what}, it failed`, error)
  } finally {
    patience.abort()
  }
}

/** r and s of a signature in DER. */
function integersIn(der: Uint8Array): readonly [bigint, bigint] {
  const bytes = Buffer.from(der)
  const [r, afterR] = integerAt(bytes, 2)
  const [s, end] = integerAt(bytes, afterR)
  if (bytes[0] !== DER_SEQUENCE || bytes[1] !== bytes.length - 2 || end !== bytes.length) throw malformedSignature()
  return [r, s]
}

function integerAt(bytes: Buffer, at: number): readonly [bigint, number] {
  const end = at + 2 + (bytes[at + 1] ?? 0)
  if (bytes[at] !== DER_INTEGER || end > bytes.length || end === at + 2) throw malformedSignature()
  const value = BigInt(hexlify(bytes.subarray(at + 2, end)))
  if (value === 0n || value >= ORDER) throw malformedSignature()
  return [value, end]
}

const malformedSignature = (): KeeperError => new KeeperError('the signature is no DER sequence of two integers')

function isSignedBy(digest: string, signature: Signature, address: string): boolean {
  try {
    return recoverAddress(digest, signature) === address
  } catch {
    return false
  }
}

/** Whoever keeps the key did not answer as it should. */
export class KeeperError extends ProverError {
  readonly code = 'service.key-keeper'
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(`The keeper of the key failed: ${reason}. Check it, and the module that --signer names.`, { cause })
    this.reason = reason
  }
}

/** The module that speaks to the keeper cannot be loaded, or is something else. */
export class KeeperModuleError extends ProverError {
  readonly code = 'service.key-keeper-module'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(
      `Expected ${file} to be a module that exports the functions publicKey and signDigest (docs/sending.md); it cannot be ` +
        'loaded, or exports something else.',
      { cause },
    )
    this.file = file
  }
}
