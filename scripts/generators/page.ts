/** Pages of documents that are written by a generator. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../tools/sources.ts'

/** Writes a file of docs/generated; with `--check` among the arguments only sees that it is what it should be. */
export function writePage(name: string, text: string, generator: string): void {
  const file = `docs/generated/${name}`
  const path = join(root, file)
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text)
    console.log(file)
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${file} is stale: node ${generator}`)
    process.exitCode = 1
  }
}
