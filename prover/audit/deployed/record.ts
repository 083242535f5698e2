/** What a chain says of an engine's contracts: their code, who made them and how, who governs, who attests, what they answer. */
import { z } from 'zod'
import { stamped } from '../modelRecord.ts'
import { addressSchema, bytesSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'

const block = z.int().min(0)
const text = z.string().max(128)
/** Of a policy of portfolios, all its words. */
const values = z.string().max(1 << 14)

/** What a contract is for; which of ours it then must be is {@link contractsFor}. */
const parts = [
  'registry',
  'portfolioRegistry',
  'crossRegistry',
  'riskArrays',
  'modelRegistry',
  'council',
  'source',
  'rounds',
  'batchVerifier',
  'improvement',
  'counts',
  'policyBounds',
  'policyChecks',
  'inboxPlaces',
  'venue',
  'venueOrders',
] as const

/** The transaction that put a contract on the chain. */
const creationSchema = z.strictObject({
  block,
  transactionHash: hashSchema,
  from: addressSchema,
  nonce: z.int().min(0),
  data: bytesSchema,
})

/** How those who attest changed: all of them were set, the first time by the constructor, or one was revoked. */
const committeeChangeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('set'), ...stamped, signers: z.array(addressSchema), threshold: z.int().min(0) }),
  z.strictObject({ kind: z.literal('revoked'), ...stamped, signer: addressSchema }),
])

export const contractSchema = z.strictObject({
  part: z.enum(parts),
  address: addressSchema,
  /** Runtime code at the last block of the record. */
  code: bytesSchema,
  /** Null where the node does not tell, and of what another contract made. */
  creation: creationSchema.nullable(),
  /** Who attests at the last block, by its answers; null where nobody does. */
  committee: z.strictObject({ threshold: z.int().min(0), signers: z.array(addressSchema) }).nullable(),
  committeeChanges: z.array(committeeChangeSchema),
  /** Of those that ever were signers, whether they still are. */
  signers: z.array(z.strictObject({ account: addressSchema, isSigner: z.boolean(), isContract: z.boolean() })),
})

const memberSchema = z.strictObject({
  account: addressSchema,
  /** Between scheduling a call and making it; the lesser of the one in force and one that was set already. */
  delaySeconds: z.int().min(0),
  /** Unix seconds. */
  since: z.int().min(0),
  /** Where the role was last granted, and who sent that. */
  granted: z.strictObject({ block, transactionHash: hashSchema, by: addressSchema }),
})

const roleSchema = z.strictObject({
  id: integerSchema(64),
  label: text,
  /** Role that may grant and revoke it. */
  admin: integerSchema(64),
  /** Role that may cancel what its members schedule. */
  guardian: integerSchema(64),
  /** Between granting it and having it. */
  grantDelaySeconds: z.int().min(0),
  members: z.array(memberSchema),
})

const targetSchema = z.strictObject({
  address: addressSchema,
  authority: addressSchema,
  isClosed: z.boolean(),
  /** Role that may call each restricted function. */
  functions: z.array(z.strictObject({ method: text, role: integerSchema(64) })),
})

const readSchema = z.strictObject({
  method: text,
  /** Market or account. */
  of: hashSchema.or(addressSchema),
  /** Null if it reverted. */
  answer: z.array(z.strictObject({ name: text, value: values })).nullable(),
  reverted: text.nullable(),
})

export const deployedSchema = z.strictObject({
  contracts: z.array(contractSchema),
  council: z.strictObject({
    address: addressSchema,
    roles: z.array(roleSchema),
    /** Role of each of the council's own functions: administrators alone may call them, its guardians may cancel that. */
    admin: z.array(z.strictObject({ method: text, role: integerSchema(64) })),
    targets: z.array(targetSchema),
  }),
  /** What consumers are answered at the last block. */
  reads: z.array(readSchema),
  /** The last block's time, which those answers are of. */
  time: integerSchema(40),
})

export type DeployedRecord = z.infer<typeof deployedSchema>
export type Part = (typeof parts)[number]
export type ContractRecord = z.infer<typeof contractSchema>
export type CommitteeChange = z.infer<typeof committeeChangeSchema>
export type CreationRecord = z.infer<typeof creationSchema>
export type RoleRecord = z.infer<typeof roleSchema>
export type TargetRecord = z.infer<typeof targetSchema>
export type ReadRecord = z.infer<typeof readSchema>
