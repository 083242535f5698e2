/** Proofs and verification keys in snarkjs' JSON, as our files hold them: numbers are canonical decimals that stay text. */
import { z } from 'zod'
import type { Groth16Proof } from '../proof/index.ts'

const g1Schema = z.tuple([integerText(), integerText(), z.literal('1')])
const g2Schema = z.tuple([
  z.tuple([integerText(), integerText()]),
  z.tuple([integerText(), integerText()]),
  z.tuple([z.literal('1'), z.literal('0')]),
])

/** A proof in snarkjs' JSON; whether its points are on the curve is for the verifiers to say. */
export const proofSchema = z.strictObject({
  pi_a: g1Schema,
  pi_b: g2Schema,
  pi_c: g1Schema,
  protocol: z.literal('groth16'),
  curve: z.literal('bn128'),
}) as unknown as z.ZodType<Groth16Proof>

/** A verification key in snarkjs' JSON for statements of three public signals. */
export const verificationKeySchema = z.strictObject({
  protocol: z.literal('groth16'),
  curve: z.literal('bn128'),
  nPublic: z.literal(3),
  vk_alpha_1: g1Schema,
  vk_beta_2: g2Schema,
  vk_gamma_2: g2Schema,
  vk_delta_2: g2Schema,
  IC: z.array(g1Schema).length(4),
})

/** A canonical decimal that stays text. */
function integerText() {
  return z
    .string()
    .max(78)
    .regex(/^(?:0|[1-9][0-9]*)$/, 'expected a decimal integer without sign and leading zeros')
}
