/**
 * Writes docs/generated/portfolio.schema.json, the JSON Schema of portfolio files, from the schema that reads them.
 *
 *   node scripts/generatePortfolioSchema.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { portfolioSchema } from '../prover/portfolio/input/schema.ts'
import { root } from './tools/sources.ts'

const file = join('docs', 'generated', 'portfolio.schema.json')
const schema = z.toJSONSchema(portfolioSchema, { io: 'input' })
const text = `${JSON.stringify({ title: 'Portfolio of zkrisk margin', ...schema }, undefined, 2)}\n`
const path = join(root, file)

if (!process.argv.includes('--check')) {
  writeFileSync(path, text)
  console.log(file)
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error(`${file} is stale: node scripts/generatePortfolioSchema.ts`)
  process.exitCode = 1
}
