/** What a verifier holds: the public part of a proving key, in snarkjs' JSON. */
import { createHash } from 'node:crypto'
import type { G1Point, G2Point } from '../bn254.ts'
import {
  formatG1,
  formatG2,
  MalformedProofError,
  parseConstant,
  parseG1,
  parseG2,
  parseRecord,
} from '../strictProof.ts'
import type { Zkey } from './zkey.ts'

/** A verification key in numbers. */
export interface VerificationKey {
  readonly alpha1: G1Point
  readonly beta2: G2Point
  readonly gamma2: G2Point
  readonly delta2: G2Point
  /** One point for the constant 1 and one for each public signal. */
  readonly publicPoints: readonly G1Point[]
}

/** A verification key as in `verification_key.json`. */
export interface VerificationKeyJson {
  readonly protocol: 'groth16'
  readonly curve: 'bn128'
  readonly nPublic: number
  readonly vk_alpha_1: readonly string[]
  readonly vk_beta_2: readonly (readonly string[])[]
  readonly vk_gamma_2: readonly (readonly string[])[]
  readonly vk_delta_2: readonly (readonly string[])[]
  readonly IC: readonly (readonly string[])[]
}

/** Public signals beyond this would not fit a contract (EIP-170) and are refused unread. */
const MOST_PUBLIC_SIGNALS = 240

/** The verification key inside a proving key. */
export function verificationKeyOf({ header, publicPoints }: Zkey): VerificationKey {
  const { alpha1, beta2, gamma2, delta2 } = header
  return { alpha1, beta2, gamma2, delta2, publicPoints }
}

/**
 * Parses a verification key.
 *
 * @param value - typically JSON; snarkjs' redundant `vk_alphabeta_12` may be there and is not read
 * @throws {@link MalformedProofError} if the shape is another; what {@link parseG1} throws if a point is not a proper one. A
 * public point at infinity is refused as well: its signal would not be bound to the proof
 * @example
 * const { verificationKey } = await loadVerifyingKeys('riskArray5')
 * parseVerificationKey(formatVerificationKey(verificationKey)).publicPoints.length // → 4
 */
export function parseVerificationKey(value: unknown): VerificationKey {
  const names = ['protocol', 'curve', 'nPublic', 'vk_alpha_1', 'vk_beta_2', 'vk_gamma_2', 'vk_delta_2', 'IC'] as const
  const key = parseRecord(value, 'verificationKey', names, ['vk_alphabeta_12'])
  parseConstant(key.protocol, 'groth16', 'protocol')
  parseConstant(key.curve, 'bn128', 'curve')
  const points = key.IC
  if (!Array.isArray(points) || points.length === 0 || points.length > MOST_PUBLIC_SIGNALS + 1) {
    throw new MalformedProofError('IC', `expected an array of 1 to ${MOST_PUBLIC_SIGNALS + 1} points`)
  }
  if (key.nPublic !== points.length - 1) throw new MalformedProofError('nPublic', `expected ${points.length - 1}`)
  return {
    alpha1: parseG1(key.vk_alpha_1, 'vk_alpha_1'),
    beta2: parseG2(key.vk_beta_2, 'vk_beta_2'),
    gamma2: parseG2(key.vk_gamma_2, 'vk_gamma_2'),
    delta2: parseG2(key.vk_delta_2, 'vk_delta_2'),
    publicPoints: Array.from(points, (point, i) => parseG1(point, `IC[${i}]`)),
  }
}

/**
 * snarkjs' JSON, without the pairing of alpha and beta, which no verifier here reads.
 *
 * @example
 * const { verificationKey } = await loadVerifyingKeys('riskArray5')
 * formatVerificationKey(verificationKey).nPublic // → 3
 */
export function formatVerificationKey(key: VerificationKey): VerificationKeyJson {
  return {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: key.publicPoints.length - 1,
    vk_alpha_1: formatG1(key.alpha1),
    vk_beta_2: formatG2(key.beta2),
    vk_gamma_2: formatG2(key.gamma2),
    vk_delta_2: formatG2(key.delta2),
    IC: key.publicPoints.map(formatG1),
  }
}

/**
 * The key's identity: sha256 of its JSON without white space, in {@link formatVerificationKey}'s order. Independent of who wrote
 * the file and how it was indented.
 *
 * @example
 * const { verificationKey, manifest } = await loadVerifyingKeys('riskArray5')
 * verificationKeyHash(verificationKey) === manifest.verificationKeySha256 // → true
 */
export function verificationKeyHash(key: VerificationKey): string {
  return createHash('sha256')
    .update(JSON.stringify(formatVerificationKey(key)))
    .digest('hex')
}

/** Identity of what keys of one first phase share: sha256 of alpha, beta and gamma as {@link formatVerificationKey} has them. */
export function firstPhaseHash(key: VerificationKey): string {
  const { vk_alpha_1, vk_beta_2, vk_gamma_2 } = formatVerificationKey(key)
  return createHash('sha256')
    .update(JSON.stringify([vk_alpha_1, vk_beta_2, vk_gamma_2]))
    .digest('hex')
}
