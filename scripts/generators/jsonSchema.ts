/** JSON Schemas of files that people write, from the zod schemas that read them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '../tools/sources.ts'

/** Writes docs/generated/<name>.schema.json; with `--check` among the arguments only sees that it is what it should be. */
export function writeJsonSchema(name: string, title: string, schema: z.ZodType, generator: string): void {
  const file = join('docs', 'generated', `${name}.schema.json`)
  const text = `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input' }) }, undefined, 2)}\n`
  const path = join(root, file)
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text)
    console.log(file)
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${file} is stale: node ${generator}`)
    process.exitCode = 1
  }
}
