/** What a chain says of a model, and the key that the auditor brought for it. */
import { z } from 'zod'
import { type BuildName, builds } from '../../circuits/statements/index.ts'
import { verificationKeySchema } from '../registry/proofSchemas.ts'
import { addressSchema, bytesSchema, digestSchema, hashSchema, integerSchema } from '../registry/wordSchemas.ts'

/** Where an event stands: block, and index of the log within it. */
export const at = { block: z.int().min(0), logIndex: z.int().min(0) }

/** The same with its time and who sent it. */
export const stamped = { ...at, timestamp: z.int().min(0), by: addressSchema }

export const pauseEventSchema = z.strictObject({
  ...stamped,
  kind: z.enum(['paused', 'held', 'lifted']),
  /** Of a market, a source or a model. */
  id: hashSchema,
  /** When it ends by itself; null of one that is held or lifted. */
  until: integerSchema(40).nullable(),
})

/** What the chain holds of the last pause of something; zeros if there was none. */
export const lastPauseSchema = z.strictObject({ id: hashSchema, since: integerSchema(40), until: integerSchema(40) })

export type PauseEvent = z.infer<typeof pauseEventSchema>
export type LastPause = z.infer<typeof lastPauseSchema>

const keyManifestSchema = z.strictObject({
  version: z.literal(1),
  circuit: z.string().max(64),
  kind: z.enum(['development', 'production']),
  contributions: z.int().min(0),
  transcript: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .exactOptional(),
  r1csSha256: digestSchema,
  wasmSha256: digestSchema,
  zkeySha256: digestSchema,
  verificationKeySha256: digestSchema,
  createdAt: z.string().max(64),
  tools: z.record(z.string().max(64), z.string().max(64)),
})

const buildNames = builds.map(({ name }) => name) as [BuildName, ...BuildName[]]

export const modelSchema = z.strictObject({
  modelId: hashSchema,
  verifier: addressSchema,
  /** Runtime code at the verifier's address. */
  verifierCode: bytesSchema,
  places: z.int().min(0).max(255),
  slots: z.int().min(0).max(255),
  allowsBacklog: z.boolean(),
  volatilityModel: z.int().min(0).max(255),
  layoutHash: hashSchema,
  verificationKeyHash: hashSchema,
  manifestHash: hashSchema,
  registered: z.strictObject(at),
  disabled: z.strictObject(at).nullable(),
  pauses: z.array(pauseEventSchema),
  lastPauses: z.array(lastPauseSchema),
  /** What the auditor brought for this model; null if nothing. */
  key: z
    .strictObject({
      build: z.enum(buildNames),
      verificationKey: verificationKeySchema,
      manifest: keyManifestSchema.nullable(),
    })
    .nullable(),
})

export type ModelRecord = z.infer<typeof modelSchema>
