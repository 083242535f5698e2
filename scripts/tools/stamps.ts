/** Notes in build/stamps of what a stage has been done for. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './sources.ts'

const stampFile = (name: string): string => `build/stamps/${name}`

export function isStamped(name: string, key: string): boolean {
  return readStamp(name) === key
}

export const stamp = (name: string, key: string): void => writeIfChanged(stampFile(name), key)

export function readStamp(name: string): string | undefined {
  const file = join(root, stampFile(name))
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** @param path - from the root */
export function writeIfChanged(path: string, text: string): void {
  const file = join(root, path)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.draft`, text)
  renameSync(`${file}.draft`, file)
}

/**
 * What the file system says of files, a line each. Every write, truncation, renaming and setting of times moves the time of
 * change, which nobody can set; who may write the disk underneath can deceive it.
 *
 * @param files - paths from the root
 * @returns undefined if one is missing
 */
export function statesOf(files: readonly string[]): string | undefined {
  const states = files.map((file) => statSync(join(root, file), { bigint: true, throwIfNoEntry: false }))
  if (states.includes(undefined)) return undefined
  return states
    .map((state, i) => [files[i], state?.dev, state?.ino, state?.size, state?.mtimeNs, state?.ctimeNs].join(' '))
    .join('\n')
}
