/**
 * Writes what follows from circuits/statements/ and docs/claims/: buses and frames in Circom, words and layouts in Solidity,
 * the ids of claims.
 *
 *   node scripts/generate.ts           writes the files, and deletes what no longer follows
 *   node scripts/generate.ts --check   exits 1 when a committed file differs from what would be written
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  builds,
  busyHoursX6,
  COLLATERALS,
  lists,
  MOST_MARKETS,
  MOST_POSITIONS,
  statements,
  retiredVolatilityModelIds,
  volatilityModels,
  words,
} from '../circuits/statements/index.ts'
import { circomModels, circomWords } from './generators/circom.ts'
import { circomFrames } from './generators/circomFrames.ts'
import { claimIds, claimRows } from './generators/claims.ts'
import { declarationFaults } from './generators/faults.ts'
import { circomHours } from './generators/hours.ts'
import { circomSizes } from './generators/sizes.ts'
import { solidity } from './generators/solidity.ts'
import { solidityLimits } from './generators/solidityLimits.ts'
import type { Generated } from './generators/text.ts'
import { filesBelow, root } from './tools/sources.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Whether a handwritten circuit, or the frame of a statement, instantiates a template. */
function usesOf(frames: Generated): (template: string) => boolean {
  const handwritten = filesBelow('circuits', '.circom').filter((file) => !file.startsWith('circuits/generated/'))
  const texts = [...handwritten.map(read), ...Object.values(frames)]
  const named = new Set(texts.flatMap((text) => text.match(/\b[A-Z]\w*(?=\()/g) ?? []))
  return (template) => named.has(template)
}

/** Contracts written by hand, those of tests and tools among them. */
const contracts = ['contracts', 'scripts', 'test']
  .flatMap((top) => filesBelow(top, '.sol'))
  // Properties hold of what contracts use; they make nothing.
  .filter((file) => !/^(contracts\/generated|scripts\/verify)\//.test(file))

const faults = declarationFaults(
  { words, statements, builds, lists, volatilityModels, retiredVolatilityModelIds },
  new Set(claimRows().map(({ id }) => id)),
)
if (faults.length > 0) {
  for (const fault of faults) console.error(fault)
  process.exit(1)
}

const frames = circomFrames(statements, words)
const files: Generated = {
  ...circomWords(words, usesOf(frames)),
  ...frames,
  ...circomModels(volatilityModels, words),
  ...circomHours(busyHoursX6),
  ...circomSizes({ collaterals: COLLATERALS, mostMarkets: MOST_MARKETS }, statements, words),
  ...solidity(contracts.map(read)),
  ...solidityLimits(MOST_POSITIONS, MOST_MARKETS),
  ...claimIds(),
}
/** Folders that hold generated files only, tables apart. */
const held = ['circuits', 'contracts']
  .flatMap((top) => ['.circom', '.sol', '.ts'].flatMap((suffix) => filesBelow(`${top}/generated`, suffix)))
  .filter((path) => !path.startsWith('circuits/generated/tables/'))

const check = process.argv.includes('--check')
const left = held.filter((path) => !(path in files))
const stale = Object.entries(files).filter(([path, text]) => !held.includes(path) || read(path) !== text)
if (check) {
  const wrong = [...stale.map(([path]) => path), ...left]
  if (wrong.length > 0) {
    console.error(`Stale: ${wrong.join(', ')}. Run "npm run generate" and commit the result.`)
    process.exit(1)
  }
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(`wrote ${path}`)
  }
  for (const path of left) {
    rmSync(join(root, path))
    console.log(`deleted ${path}`)
  }
}
