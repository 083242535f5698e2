/**
 * The second phase of a set-up, as its key tells it: who came after whom, and that each knew a secret of its own.
 *
 * Each contribution multiplies delta by a secret and shows, by a ratio of points that nobody could foresee, that it knows the
 * secret; a beacon's secret follows from a public value, which is computed again here. The first delta is the generator and the
 * last one the key's, so a key that was made in one go has no transcript. That its other points follow delta only
 * `zkrisk keys verify --ptau` tells.
 *
 * @see snarkjs, zkey_verify_frominit.js; S. Bowe, A. Gabizon, I. Miers, Scalable Multi-party Computation (2017)
 */
import { createHash } from 'node:crypto'
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../../errors.ts'
import { dataView, MalformedFileError } from '../binaryFile.ts'
import { BASE_FIELD_ORDER, type G1Point, type G2Point, inverse, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { toNobleG2 } from '../strictProof.ts'
import { pointFrom1, pointFrom2 } from './zkeyPoints.ts'

const HASH_BYTES = 64
const G1_BYTES = 64
const G2_BYTES = 128
const COUNT_BYTES = 4

/** One step of the second phase of a trusted set-up. */
export interface Contribution {
  /** delta after the step. */
  readonly delta1: G1Point
  /** A point, and the same times the step's secret. */
  readonly base1: G1Point
  readonly multiple1: G1Point
  /** The point that the hash of all that came before leads to, times the secret. */
  readonly multiple2: G2Point
  readonly hash: Uint8Array
  readonly name: string
  /** Whether it applied a public random beacon. */
  readonly isBeacon: boolean
  readonly beacon?: { readonly value: Uint8Array; readonly iterationsExponent: number } | undefined
}

/** What a key says of its second phase. */
export interface Transcript {
  /** Hash of circuit and first phase. */
  readonly circuitHash: Uint8Array
  readonly contributions: readonly Contribution[]
}

/** Parses the last section of a proving key. @throws {@link MalformedFileError} */
export function readTranscript(section: Uint8Array, file: string): Transcript {
  const truncated = (): MalformedFileError => new MalformedFileError(file, 'its list of contributions is truncated')
  if (section.length < HASH_BYTES + COUNT_BYTES) throw truncated()
  const view = dataView(section)
  const count = view.getUint32(HASH_BYTES, true)
  const contributions: Contribution[] = []
  let position = HASH_BYTES + COUNT_BYTES
  for (let i = 0; i < count; i++) {
    const fixed = 3 * G1_BYTES + G2_BYTES + HASH_BYTES
    if (position + fixed + 8 > section.length) throw truncated()
    const at = (offset: number): number => position + offset
    const length = view.getUint32(at(fixed + 4), true)
    if (at(fixed + 8) + length > section.length) throw truncated()
    contributions.push({
      delta1: pointFrom1(section, at(0)),
      base1: pointFrom1(section, at(G1_BYTES)),
      multiple1: pointFrom1(section, at(2 * G1_BYTES)),
      multiple2: pointFrom2(section, at(3 * G1_BYTES)),
      hash: section.slice(at(3 * G1_BYTES + G2_BYTES), at(fixed)),
      isBeacon: view.getUint32(at(fixed), true) === 1,
      ...readParameters(section.subarray(at(fixed + 8), at(fixed + 8) + length), file),
    })
    position = at(fixed + 8) + length
  }
  if (position < section.length) throw new MalformedFileError(file, 'bytes follow its last contribution')
  return { circuitHash: section.slice(0, HASH_BYTES), contributions }
}

const Parameter = { name: 1, iterations: 2, beacon: 3 } as const

function readParameters(bytes: Uint8Array, file: string): Pick<Contribution, 'name' | 'beacon'> {
  let [name, value, iterationsExponent]: [string, Uint8Array | undefined, number] = ['', undefined, 0]
  for (let i = 0; i < bytes.length; ) {
    const kind = bytes[i]
    const next = bytes[i + 1] ?? 0
    if (kind === Parameter.iterations) {
      iterationsExponent = next
      i += 2
      continue
    }
    const text = bytes.slice(i + 2, i + 2 + next)
    if (kind === Parameter.name) name = new TextDecoder().decode(text)
    else if (kind === Parameter.beacon) value = text
    else throw new MalformedFileError(file, 'a contribution has a parameter that nobody knows')
    i += 2 + next
  }
  return { name, ...(value === undefined ? {} : { beacon: { value, iterationsExponent } }) }
}

/**
 * Follows a transcript from the generator to a key's delta.
 *
 * @throws {@link TranscriptBrokenError} naming the contribution that does not follow
 */
export function checkTranscript({ circuitHash, contributions }: Transcript, delta2: G2Point): void {
  const said = createHash('blake2b512').update(circuitHash)
  let delta = generator1()
  for (const [i, contribution] of contributions.entries()) {
    const { hash, base1, multiple1, multiple2, delta1 } = contribution
    const expected = said.copy().update(bytes1(base1)).update(bytes1(multiple1)).digest()
    if (!expected.equals(hash)) throw new TranscriptBrokenError(i, 'its hash is not that of what came before')
    const base2 = hashToG2(hash)
    const ratio = toNobleG2(multiple2)
    if (!sameRatio(noble1(base1), noble1(multiple1), base2, ratio))
      throw new TranscriptBrokenError(i, 'it shows no secret of its own')
    if (!sameRatio(delta, noble1(delta1), base2, ratio))
      throw new TranscriptBrokenError(i, 'it does not follow on the one before')
    if (contribution.isBeacon) checkBeacon(contribution, i)
    for (const point of [delta1, base1, multiple1]) said.update(bytes1(point))
    said.update(bytes2(multiple2)).update(hash)
    delta = noble1(delta1)
  }
  if (!sameRatio(generator1(), delta, bn254.G2.Point.BASE, toNobleG2(delta2)))
    throw new TranscriptBrokenError(contributions.length - 1, 'it does not lead to the delta of the key')
}

/** More would take minutes, and shows no more: what counts is that nobody knew the value beforehand. */
const MOST_ITERATIONS_EXPONENT = 24

/** A beacon's secret is what its public value leads to. */
function checkBeacon({ beacon, base1, multiple1 }: Contribution, index: number): void {
  if (beacon === undefined || beacon.iterationsExponent > MOST_ITERATIONS_EXPONENT)
    throw new TranscriptBrokenError(index, 'its beacon names no value, or more iterations than are computed here')
  let value: Uint8Array = beacon.value
  for (let i = 0; i < 2 ** beacon.iterationsExponent; i++) value = createHash('sha256').update(value).digest()
  const random = new ChaCha(value)
  const secret = (random.element(SCALAR_FIELD_ORDER) * inverse(2n ** 256n, SCALAR_FIELD_ORDER)) % SCALAR_FIELD_ORDER
  const base = random.pointOfG1()
  const isBeacons = base.equals(noble1(base1)) && base.multiply(secret).equals(noble1(multiple1))
  if (!isBeacons) throw new TranscriptBrokenError(index, 'its secret is not that of the beacon')
}

type Noble1 = InstanceType<typeof bn254.G1.Point>
type Noble2 = InstanceType<typeof bn254.G2.Point>

const noble1 = (point: G1Point): Noble1 => {
  const held = bn254.G1.Point.fromAffine(point)
  held.assertValidity()
  return held
}
const generator1 = (): Noble1 => bn254.G1.Point.BASE

/** Whether b1 is to a1 what b2 is to a2. */
function sameRatio(a1: Noble1, b1: Noble1, a2: Noble2, b2: Noble2): boolean {
  a2.assertValidity()
  b2.assertValidity()
  const product = bn254.pairingBatch([
    { g1: a1, g2: b2 },
    { g1: b1.negate(), g2: a2 },
  ])
  return bn254.fields.Fp12.eql(product, bn254.fields.Fp12.ONE)
}

const bytes = (values: readonly bigint[]): Buffer =>
  Buffer.from(values.map((value) => value.toString(16).padStart(64, '0')).join(''), 'hex')
const bytes1 = ({ x, y }: G1Point): Buffer => bytes([x, y])
const bytes2 = ({ x, y }: G2Point): Buffer => bytes([x[1], x[0], y[1], y[0]])

const hashToG2 = (hash: Uint8Array): Noble2 => new ChaCha(hash).pointOfG2()

/** Order of the second group's curve over that of the group. */
const COFACTOR_G2 = 0x30644e72e131a029b85045b68181585e06ceecda572a2489345f2299c0f9fa8dn
const MONTGOMERY_INVERSE = inverse(2n ** 256n, BASE_FIELD_ORDER)
const CHACHA_CONSTANT = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]
const ROUNDS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const

/** snarkjs' source of numbers that anybody can draw again: ChaCha20 with the first 32 bytes of a hash as its key. */
class ChaCha {
  private readonly state: Uint32Array
  private readonly block = new Uint32Array(16)
  private next = 16

  constructor(seed: Uint8Array) {
    const view = dataView(seed)
    const key = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, false))
    this.state = Uint32Array.from([...CHACHA_CONSTANT, ...key, 0, 0, 0, 0])
  }

  /** Below an order of 254 bits; uniform. */
  element(order: bigint): bigint {
    for (;;) {
      let value = 0n
      for (let i = 0n; i < 4n; i++) value += ((BigInt(this.word()) << 32n) + BigInt(this.word())) << (64n * i)
      value &= 2n ** 254n - 1n
      if (value < order) return value
    }
  }

  pointOfG1(): Noble1 {
    const { Fp } = bn254.fields
    for (;;) {
      const x = this.coordinate()
      const isGreater = (this.word() & 1) === 1
      const square = Fp.create(x ** 3n + 3n)
      if (!isSquare(square)) continue
      const y = Fp.sqrt(square)
      return bn254.G1.Point.fromAffine({ x, y: isNegative(y) === isGreater ? y : Fp.neg(y) })
    }
  }

  pointOfG2(): Noble2 {
    const { Fp2 } = bn254.fields
    for (;;) {
      const x = Fp2.fromBigTuple([this.coordinate(), this.coordinate()])
      const isGreater = (this.word() & 1) === 1
      const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), TWIST_B)
      const norm = (square.c0 * square.c0 + square.c1 * square.c1) % BASE_FIELD_ORDER
      if (!isSquare(norm)) continue
      const y = Fp2.sqrt(square)
      const negative = isNegative(y.c1 === 0n ? y.c0 : y.c1)
      const point = bn254.G2.Point.fromAffine({ x, y: negative === isGreater ? y : Fp2.neg(y) })
      return timesCofactor(point)
    }
  }

  private coordinate(): bigint {
    return (this.element(BASE_FIELD_ORDER) * MONTGOMERY_INVERSE) % BASE_FIELD_ORDER
  }

  private word(): number {
    if (this.next === 16) this.refill()
    return this.block[this.next++] ?? 0
  }

  private refill(): void {
    const { block, state } = this
    block.set(state)
    for (let i = 0; i < 10; i++) for (const [a, b, c, d] of ROUNDS) quarterRound(block, a, b, c, d)
    for (const [i, value] of state.entries()) block[i] = (block[i] ?? 0) + value
    this.next = 0
    // More blocks than 2^32 are never drawn.
    state[12] = (state[12] ?? 0) + 1
  }
}

function quarterRound(block: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (into: number, from: number, turned: number, bits: number): void => {
    block[into] = (block[into] ?? 0) + (block[from] ?? 0)
    const mixed = (block[turned] ?? 0) ^ (block[into] ?? 0)
    block[turned] = (mixed << bits) | (mixed >>> (32 - bits))
  }
  step(a, b, d, 16)
  step(c, d, b, 12)
  step(a, b, d, 8)
  step(c, d, b, 7)
}

const TWIST_B = bn254.fields.Fp2.div(bn254.fields.Fp2.fromBigTuple([3n, 0n]), bn254.fields.Fp2.fromBigTuple([9n, 1n]))

const isNegative = (value: bigint): boolean => value >= (BASE_FIELD_ORDER + 1n) / 2n

/** Euler's criterion; of the quadratic extension, of the norm. */
const isSquare = (value: bigint): boolean =>
  value === 0n || bn254.fields.Fp.pow(value, (BASE_FIELD_ORDER - 1n) / 2n) === 1n

/** The library multiplies by elements of the scalar field only, and the cofactor is greater than its order. */
function timesCofactor(point: Noble2): Noble2 {
  let result = bn254.G2.Point.ZERO
  for (const bit of COFACTOR_G2.toString(2)) {
    result = result.double()
    if (bit === '1') result = result.add(point)
  }
  return result
}

/** A contribution does not follow on what came before, or leads elsewhere. */
export class TranscriptBrokenError extends ProverError {
  readonly code = 'proof.transcript-broken'
  /** From 0. */
  readonly contribution: number

  constructor(contribution: number, reason: string) {
    super(
      `The key's ceremony does not hold: of contribution ${contribution + 1}, ${reason}. ` +
        'Take the key that the ceremony ended with, whole, or hold the ceremony again.',
    )
    this.contribution = contribution
  }
}
