/**
 * The ceremony gate: which keys may be used where.
 *
 * snarkjs' `groth16 setup` alone leaves delta = gamma, and under such a key anyone proves anything: A = alpha, B = beta,
 * C = -Σ signalᵢ · publicPointᵢ. `snarkjs zkey verify` calls it "Ok" all the same, and money has been lost to it. The gate runs at
 * build, deploy, start and audit, and needs no secrets: it reads the key.
 */
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../../errors.ts'
import { readUint256 } from '../binaryFile.ts'
import { equalG2, G1_GENERATOR, G2_GENERATOR, negateG2, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { domainPower, forEachTerm, type R1cs } from './r1cs.ts'
import { toNobleG2 } from '../strictProof.ts'
import { type VerificationKey, verificationKeyHash, verificationKeyOf } from './verificationKey.ts'
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
  /** The proving key, where it is at hand. */
  readonly zkey?: Zkey
}

/**
 * Lets a key pass, or throws.
 *
 * @param chainId - the chain it is for, or 'undeployed' at build time
 * @throws {@link DeltaNotRandomError} if delta is gamma, the generator, or the negative of one
 * @throws {@link KeysDoNotMatchError} if the proving key belongs to another verification key, or contradicts itself
 * @throws {@link NoContributionsError} if nobody contributed to a production key
 * @throws {@link DevelopmentKeyError} if a development key is for a chain that is not a development chain
 * @example
 * const { verificationKey, manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * checkCeremony({ verificationKey, kind: manifest.kind, contributions: manifest.contributions }, 31337n)
 */
export function checkCeremony(key: KeyUnderInspection, chainId: number | bigint | 'undeployed'): void {
  checkDelta(key.verificationKey)
  if (key.zkey !== undefined) checkProvingKey(key.zkey, key)

  if (key.kind === 'development') {
    if (chainId !== 'undeployed' && !isDevelopmentChain(chainId))
      throw new DevelopmentKeyError(BigInt(chainId), key.circuit)
    return
  }
  const contributions = key.zkey?.contributions.length ?? key.contributions ?? 0
  if (contributions < 1) throw new NoContributionsError()
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
  // With delta = -gamma the forgery takes C = +Σ instead.
  const known = {
    gamma: gamma2,
    '-gamma': negateG2(gamma2),
    generator: G2_GENERATOR,
    '-generator': negateG2(G2_GENERATOR),
  }
  for (const [name, point] of Object.entries(known)) {
    if (equalG2(delta2, point)) throw new DeltaNotRandomError(name)
  }
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
        'Contribute to it (`snarkjs zkey contribute`) and generate the verifier again, or make a development key.',
    )
    this.equals = equals
  }
}

/** Nobody contributed to the second phase, or nothing says so. */
export class NoContributionsError extends ProverError {
  readonly code = 'proof.no-contributions'

  constructor() {
    super(
      'The key has no contribution, so whoever made it may be able to forge proofs. ' +
        'Contribute to it (`snarkjs zkey contribute`), or mark it as a development key in its manifest.',
    )
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
