/** Whether a deployed verifier holds a verification key, from its code alone. */
import { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from '../proof/index.ts'
import type { VerificationKey } from '../proof/index.ts'

const PUSH1 = 0x60
const PUSH32 = 0x7f

/**
 * The first part of the key that is not among the code's constants; undefined if all are there. Generators differ in which
 * points they store negated, so either sign counts.
 */
export function missingConstant(code: string, key: VerificationKey): string | undefined {
  const constants = pushedConstants(code)
  const has = (value: bigint): boolean => constants.has(value)
  const hasY = (value: bigint): boolean => has(value) || has(BASE_FIELD_ORDER - value)
  const { alpha1, beta2, gamma2, delta2, publicPoints } = key
  const g2 = Object.entries({ beta2, gamma2, delta2 })
  const missing = g2.find(([, { x, y }]) => !(x.every(has) && y.every(hasY)))
  if (missing !== undefined) return missing[0]
  if (!(has(alpha1.x) && hasY(alpha1.y))) return 'alpha1'
  const index = publicPoints.findIndex(({ x, y }) => !(has(x) && hasY(y)))
  return index === -1 ? undefined : `publicPoints[${index}]`
}

/** Whether a contract verifies proofs over BN254: it holds values below the order of one field, and points of the other. */
export function isVerifier(code: string): boolean {
  const constants = pushedConstants(code)
  return constants.has(BASE_FIELD_ORDER) && constants.has(SCALAR_FIELD_ORDER)
}

/** Code without the compiler's metadata, whose length its last two bytes tell: it differs with file names only. */
export function withoutMetadata(code: string): string {
  const length = Number.parseInt(code.slice(-4), 16)
  const end = code.length - 4 - 2 * length
  return end > 2 ? code.slice(0, end) : code
}

function pushedConstants(code: string): ReadonlySet<bigint> {
  const bytes = Buffer.from(code.slice(2), 'hex')
  const constants = new Set<bigint>()
  for (let i = 0; i < bytes.length; i++) {
    const opcode = bytes[i] as number
    if (opcode < PUSH1 || opcode > PUSH32) continue
    const length = opcode - PUSH1 + 1
    constants.add(BigInt(`0x0${bytes.subarray(i + 1, i + 1 + length).toString('hex')}`))
    i += length
  }
  return constants
}
