/**
 * Writes docs/generated/policy.schema.json, the JSON Schema of what-if policies, from the schema that reads them.
 *
 *   node scripts/generatePolicySchema.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { policyFileSchema } from '../prover/parameters/policyFile.ts'
import { writeJsonSchema } from './generators/jsonSchema.ts'

writeJsonSchema(
  'policy',
  'Policy of zkrisk params and zkrisk policy',
  policyFileSchema,
  'scripts/generatePolicySchema.ts',
)
