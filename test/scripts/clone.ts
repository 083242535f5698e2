/** Clones of this project in miniature: its scripts and prover, circuits of one's own. */
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/tools/sources.ts'
import { projectOf } from './project.ts'

/** @param circuits - Circom texts by path below circuits/ */
export function cloneOf(circuits: Readonly<Record<string, string>>): string {
  const files = Object.entries(circuits).map(([path, text]) => [`circuits/${path}`, text])
  const clone = projectOf(Object.fromEntries(files))
  for (const folder of [
    'scripts',
    'prover/proof',
    'prover/config.ts',
    'prover/errors.ts',
    'prover/folder.ts',
    'prover/market/textFile.ts',
    'circuits/statements',
    'circuits/generated/claimIds.ts',
    'package.json',
    'package-lock.json',
  ]) {
    cpSync(join(root, folder), join(clone, folder), { recursive: true })
  }
  mkdirSync(join(clone, 'circuits'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  return clone
}
