import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

/** Files below a folder of the project whose names end in `suffix`: paths from the project's root, sorted, with `/`. */
export function filesBelow(folder: string, suffix: string, base: string = root): readonly string[] {
  if (!existsSync(join(base, folder))) return []
  return readdirSync(join(base, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(base.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()
}

/** SHA-256 over the names and contents of files (in the order given) and over the words beside them. */
export function contentHash(files: readonly string[], ...words: readonly string[]): string {
  const hash = createHash('sha256')
  for (const word of words) hash.update(`${word.length}:${word}`)
  for (const file of files) {
    const bytes = readFileSync(join(root, file))
    hash.update(`${file}:${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}

/** Installed version of a dependency. */
export function versionOf(dependency: string): string {
  const manifest = readFileSync(join(root, 'node_modules', dependency, 'package.json'), 'utf8')
  return `${dependency}@${(JSON.parse(manifest) as { version: string }).version}`
}
