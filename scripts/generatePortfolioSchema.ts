/**
 * Writes docs/generated/portfolio.schema.json, the JSON Schema of portfolio files, from the schema that reads them.
 *
 *   node scripts/generatePortfolioSchema.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { portfolioSchema } from '../prover/portfolio/input/schema.ts'
import { writeJsonSchema } from './generators/jsonSchema.ts'

writeJsonSchema('portfolio', 'Portfolio of zkrisk margin', portfolioSchema, 'scripts/generatePortfolioSchema.ts')
