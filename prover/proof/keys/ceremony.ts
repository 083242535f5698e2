/**
 * The ceremony gate: which keys may be used where.
 *
 * snarkjs' `groth16 setup` alone leaves delta = gamma, and under such a key anyone proves anything: A = alpha, B = beta,
 * C = -Σ signalᵢ · publicPointᵢ. `snarkjs zkey verify` calls it "Ok" all the same, and money has been lost to it. The gate runs at
 * build, deploy, start and audit, and needs no secrets: it reads the key.
 */
import { normalizeZ } from '@noble/curves/abstract/curve.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../../errors.ts'
import { readUint256 } from '../binaryFile.ts'
import { equalG2, G1_GENERATOR, G2_GENERATOR, type G2Point, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { domainPower, forEachTerm, type R1cs } from './r1cs.ts'
import { toNobleG2 } from '../strictProof.ts'
import { firstPhaseHash, type VerificationKey, verificationKeyHash, verificationKeyOf } from './verificationKey.ts'
import { checkTranscript, readTranscript } from './transcript.ts'
import { readCoefficients, type Zkey } from './zkey.ts'

/** Chains that never hold money: Hardhat's and Anvil's, and the old default of Ganache and geth --dev. */
export const DEVELOPMENT_CHAIN_IDS: readonly bigint[] = [31337n, 1337n]

/** Development keys are made by one party from secrets it could keep; production keys by a ceremony. */
export type KeyKind = 'development' | 'production'

/** A key and what its manifest says about it. */
export interface KeyUnderInspection {
  /** Its circuit, for the errors. */
  readonly circuit?: string
  readonly verificationKey: VerificationKey
  /** From the manifest; a key without one is taken for a production key. */
  readonly kind?: KeyKind
  /** From the manifest; read from the proving key instead when that is given. */
  readonly contributions?: number
  /** What the key says of its second phase, as hexadecimal digits; from the manifest, or the proving key where that is given. */
  readonly transcript?: string | undefined
  /** The proving key, where it is at hand. */
  readonly zkey?: Zkey
}

/**
 * Lets a key pass, or throws.
 *
 * @param chainId - the chain it is for, or 'undeployed' at build time
 * @throws {@link DeltaNotRandomError} if delta is a small multiple of gamma or the generator, or they of it
 * @throws {@link KeysDoNotMatchError} if the proving key belongs to another verification key, or contradicts itself
 * @throws {@link NoContributionsError} if nobody contributed to a production key, or nothing shows it
 * @throws {@link TranscriptBrokenError} if what is shown of its second phase does not lead to its delta
 * @throws {@link CeremonyTooSmallError} if fewer than three contributed to it, or no beacon came last
 * @throws {@link DevelopmentKeyError} if a development key is for a chain that is not a development chain
 * @example
 * const { verificationKey, manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * checkCeremony({ ...manifest, verificationKey }, 31337n)
 */
export function checkCeremony(key: KeyUnderInspection, chainId: number | bigint | 'undeployed'): void {
  checkDelta(key.verificationKey)
  if (key.zkey !== undefined) checkProvingKey(key.zkey, key)

  if (key.kind === 'development') {
    if (chainId !== 'undeployed' && !isDevelopmentChain(chainId))
      throw new DevelopmentKeyError(BigInt(chainId), key.circuit)
    return
  }
  checkSecondPhase(key)
}

/** Whoever sets a key up is one; two more may not be in league with them. */
const LEAST_CONTRIBUTIONS = 3

/** Whether a key had a ceremony is read from what the key itself shows, never from what a manifest says of it. */
function checkSecondPhase({ verificationKey, contributions, transcript, zkey }: KeyUnderInspection): void {
  const section = zkey?.transcript ?? (transcript === undefined ? undefined : Buffer.from(transcript, 'hex'))
  if (section === undefined) throw new NoContributionsError()
  const shown = readTranscript(section, 'the transcript of the key')
  const count = shown.contributions.length
  if (count === 0) throw new NoContributionsError()
  if (contributions !== undefined && contributions !== count)
    throw new KeysDoNotMatchError(`the manifest counts ${contributions} contributions, the transcript ${count}`)
  checkTranscript(shown, verificationKey.delta2)
  const people = shown.contributions.filter(({ isBeacon }) => !isBeacon).length
  const endsWithBeacon = shown.contributions.at(-1)?.isBeacon === true
  if (people < LEAST_CONTRIBUTIONS || !endsWithBeacon) throw new CeremonyTooSmallError(people, endsWithBeacon)
}

/**
 * Lets keys pass whose proofs are to be verified together, or throws.
 *
 * @throws {@link FirstPhaseDiffersError} if one has another alpha, beta or gamma than the first
 */
export function checkFirstPhase(
  keys: readonly { readonly circuit: string; readonly verificationKey: VerificationKey }[],
): void {
  const [first, ...others] = keys
  if (first === undefined) return
  const expected = firstPhaseHash(first.verificationKey)
  const apart = others.find(({ verificationKey }) => firstPhaseHash(verificationKey) !== expected)
  if (apart !== undefined) throw new FirstPhaseDiffersError(apart.circuit, first.circuit)
}

/**
 * Whether a chain may use development keys.
 *
 * @example
 * isDevelopmentChain(1n) // → false
 */
export function isDevelopmentChain(chainId: number | bigint): boolean {
  return DEVELOPMENT_CHAIN_IDS.includes(BigInt(chainId))
}

/**
 * Checks that a proving key was made for a circuit: the same sizes, and the same coefficients in A and B. That its points are
 * right as well only `snarkjs zkey verify` can tell, given the powers-of-tau file.
 *
 * @throws {@link WrongCircuitError} if it was made for another
 */
export function checkKeyFitsCircuit(zkey: Zkey, r1cs: R1cs, circuit: string): void {
  const { wires, publicSignals } = zkey.header
  const sameSizes =
    wires === r1cs.wires && publicSignals === r1cs.publicSignals && zkey.header.domainPower === domainPower(r1cs)
  if (!sameSizes) throw new WrongCircuitError(circuit)

  const coefficients = readCoefficients(zkey)
  const expect = (matrix: number, row: number, wire: number, value: bigint): void => {
    const next = coefficients.next()
    const same =
      !next.done &&
      next.value.matrix === matrix &&
      next.value.row === row &&
      next.value.wire === wire &&
      next.value.value === value
    if (!same) throw new WrongCircuitError(circuit)
  }
  forEachTerm(r1cs, (matrix, constraint, wire, offset) => {
    if (matrix < 2) expect(matrix, constraint, wire, readUint256(r1cs.terms, offset) % SCALAR_FIELD_ORDER)
  })
  for (let wire = 0; wire <= publicSignals; wire++) expect(0, r1cs.constraints + wire, wire, 1n)
  if (!coefficients.next().done) throw new WrongCircuitError(circuit)
}

function checkDelta({ delta2, gamma2 }: VerificationKey): void {
  // With delta = k·gamma the forgery takes C = -Σ / k, and +Σ / k for the negative.
  const known = equalG2(gamma2, G2_GENERATOR) ? { gamma: gamma2 } : { gamma: gamma2, generator: G2_GENERATOR }
  for (const [name, point] of Object.entries(known)) {
    const multiple = smallMultiple(delta2, point)
    const part = multiple === undefined ? smallMultiple(point, delta2) : undefined
    const found = multiple ?? part
    if (found === undefined) continue
    const size = Math.abs(found)
    const text = size === 1 ? name : part === undefined ? `${size}·${name}` : `${name}/${size}`
    throw new DeltaNotRandomError(`${found < 0 ? '-' : ''}${text}`)
  }
}

/** Far beyond what anybody would call small, and read in a moment. */
const MOST_SMALL = 256

/** k if a point is k times another, for |k| up to {@link MOST_SMALL}. */
function smallMultiple({ x, y }: G2Point, of: G2Point): number | undefined {
  const multiples = multiplesOf(of)
  const index = multiples.findIndex((each) => each.x[0] === x[0] && each.x[1] === x[1])
  const found = multiples[index]
  if (found === undefined) return undefined
  return found.y[0] === y[0] && found.y[1] === y[1] ? index + 1 : -(index + 1)
}

/** Of the points asked about last: the generator, and the deltas of an engine's keys, which are checked at every audit. */
const knownMultiples = new Map<string, readonly G2Point[]>()
const MOST_KNOWN = 32

function multiplesOf(point: G2Point): readonly G2Point[] {
  const name = [...point.x, ...point.y].join()
  const made = knownMultiples.get(name) ?? computeMultiples(point)
  // Asked again, it is the last to be forgotten.
  knownMultiples.delete(name)
  knownMultiples.set(name, made)
  const oldest = knownMultiples.keys().next().value
  if (knownMultiples.size > MOST_KNOWN && oldest !== undefined) knownMultiples.delete(oldest)
  return made
}

function computeMultiples(point: G2Point): readonly G2Point[] {
  const base = toNobleG2(point)
  const multiples = [base]
  while (multiples.length < MOST_SMALL) multiples.push((multiples.at(-1) as typeof base).add(base))
  return normalizeZ(bn254.G2.Point, multiples).map((each) => {
    const { x, y } = each.toAffine()
    return { x: [x.c0, x.c1], y: [y.c0, y.c1] }
  })
}

function checkProvingKey(zkey: Zkey, { verificationKey, contributions }: KeyUnderInspection): void {
  if (verificationKeyHash(verificationKeyOf(zkey)) !== verificationKeyHash(verificationKey)) {
    throw new KeysDoNotMatchError('the verification key is not the one inside the proving key')
  }
  if (contributions !== undefined && contributions !== zkey.contributions.length) {
    throw new KeysDoNotMatchError(
      `the manifest counts ${contributions} contributions, the key ${zkey.contributions.length}`,
    )
  }
  const { delta1, delta2 } = zkey.header
  const last = zkey.contributions.at(-1)
  if (last !== undefined && (last.delta1.x !== delta1.x || last.delta1.y !== delta1.y)) {
    throw new KeysDoNotMatchError('its last contribution did not lead to its delta')
  }
  const { Point } = bn254.G1
  const product = bn254.pairingBatch([
    { g1: Point.fromAffine(delta1), g2: toNobleG2(G2_GENERATOR) },
    { g1: Point.fromAffine(G1_GENERATOR).negate(), g2: toNobleG2(delta2) },
  ])
  if (!bn254.fields.Fp12.eql(product, bn254.fields.Fp12.ONE)) {
    throw new KeysDoNotMatchError('its delta differs between the two groups')
  }
}

/** delta is a value that everybody knows: the second phase of the set-up was skipped. */
export class DeltaNotRandomError extends ProverError {
  readonly code = 'proof.delta-not-random'
  /** What delta equals. */
  readonly equals: string

  constructor(equals: string) {
    super(
      `The key's delta equals ${equals}: anyone can forge proofs under it. ` +
        'Contribute to it (`zkrisk keys contribute`) and generate the verifier again, or make a development key.',
    )
    this.equals = equals
  }
}

/** Nobody contributed to the second phase, or nothing says so. */
export class NoContributionsError extends ProverError {
  readonly code = 'proof.no-contributions'

  constructor() {
    super(
      'The key has no contribution that it can show, so whoever made it may be able to forge proofs, whatever its manifest says. ' +
        'Contribute to it (`zkrisk keys contribute`) and take it in with `zkrisk keys import`, or mark it as a development key.',
    )
  }
}

/** A ceremony that one or two could have held among themselves. */
export class CeremonyTooSmallError extends ProverError {
  readonly code = 'proof.ceremony-too-small'
  readonly contributions: number
  readonly hasBeacon: boolean

  constructor(contributions: number, hasBeacon: boolean) {
    super(
      `Expected ${LEAST_CONTRIBUTIONS} contributions at least, and a public beacon after the last, got ${contributions} ` +
        `${hasBeacon ? 'and a beacon' : 'without a beacon at the end'}. Have others contribute (\`zkrisk keys contribute\`), then apply a beacon (\`zkrisk keys beacon\`).`,
    )
    this.contributions = contributions
    this.hasBeacon = hasBeacon
  }
}

/** A development key is about to be used on a chain that may hold money. */
export class DevelopmentKeyError extends ProverError {
  readonly code = 'proof.development-key'
  readonly chainId: bigint
  readonly circuit: string | undefined

  constructor(chainId: bigint, circuit?: string) {
    super(
      `${circuit === undefined ? '' : `The keys of ${circuit} are development keys. `}Development keys can be forged by whoever made them and are refused on chain ${chainId}. ` +
        `Use keys from a ceremony there, or one of the development chains ${DEVELOPMENT_CHAIN_IDS.join(', ')}.`,
    )
    this.chainId = chainId
    this.circuit = circuit
  }
}

/** Proofs under these keys cannot be verified together. */
export class FirstPhaseDiffersError extends ProverError {
  readonly code = 'proof.first-phase-differs'
  readonly circuit: string
  readonly other: string

  constructor(circuit: string, other: string) {
    super(
      `Expected the keys of ${circuit} and ${other} to share their first phase, as proofs under them are verified together; they do not. ` +
        `Begin both ceremonies from the same powers of tau, or make development keys of both in one folder: \`zkrisk keys setup ${circuit} ${other}\`.`,
    )
    this.circuit = circuit
    this.other = other
  }
}

/** Two files that belong together do not. */
export class KeysDoNotMatchError extends ProverError {
  readonly code = 'proof.keys-do-not-match'

  constructor(reason: string) {
    super(`The key's files contradict each other: ${reason}. Take all of them from the same set-up.`)
  }
}

/** The proving key was made for another circuit. */
export class WrongCircuitError extends ProverError {
  readonly code = 'proof.wrong-circuit'
  readonly circuit: string

  constructor(circuit: string) {
    super(`The proving key was not made for circuit ${circuit} as compiled here. Compile the circuit it was made for.`)
    this.circuit = circuit
  }
}
