import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Makes a folder, and those that it lies in. Node's own `recursive` goes round for ever where a system answers ENOENT although the
 * folder above is there, as Linux does in /proc.
 *
 * @throws what the system says
 */
export function makeFolder(folder: string): void {
  const missing: string[] = []
  for (let at = folder; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at)
  // There already, or a file.
  if (missing.length === 0) mkdirSync(folder, { recursive: true })
  for (const each of missing) makeOne(each)
}

/**
 * Refuses a place in which nothing can be made. Modes do not tell: root may all, and /proc takes nothing from anybody. So a folder
 * of a passing name is made in the innermost one that is there, and removed.
 *
 * @throws what the system says
 */
export function requireMakeable(folder: string): void {
  let at = folder
  while (!isThere(at) && at !== dirname(at)) at = dirname(at)
  rmdirSync(mkdtempSync(join(at, '.zkrisk-')))
}

/** A link that leads nowhere is there, and in the way. */
function isThere(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    // Somebody else was faster.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}
