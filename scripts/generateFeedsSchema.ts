/**
 * Writes docs/generated/feeds.schema.json, the JSON Schema of files of feeds, from the schema that reads them.
 *
 *   node scripts/generateFeedsSchema.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { feedFileSchema } from '../prover/service/feeds/feedConfig.ts'
import { writeJsonSchema } from './generators/jsonSchema.ts'

writeJsonSchema('feeds', 'Feeds of zkrisk feed live', feedFileSchema, 'scripts/generateFeedsSchema.ts')
