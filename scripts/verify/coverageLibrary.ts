/**
 * Counting of lines that leaves memory alone. Hardhat's counter writes each line's number where memory is free, and ours assembles
 * answers there before it takes the place; scratch space is free between statements.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { SolidityHooks } from 'hardhat/types/hooks'
import type { HardhatPlugin } from 'hardhat/types/plugins'
import type { CompilerInput } from 'hardhat/types/solidity'
import { root } from '../tools/sources.ts'

const isCounter = (file: string): boolean => file.startsWith('__NomicFoundationCoverage')
const AT_FREE_MEMORY = 'let ptr := mload(0x40)'

function inScratchSpace(input: CompilerInput): CompilerInput {
  const sources = Object.entries(input.sources).map(([file, source]) => [
    file,
    isCounter(file) ? { ...source, content: source.content.replace(AT_FREE_MEMORY, 'let ptr := 0') } : source,
  ])
  return { ...input, sources: Object.fromEntries(sources) }
}

/** Contracts that tests compile import ours as well: with lines counted, if a folder for such sources is named. */
function keep(path: string, content: string): string {
  const folder = process.env.ZKRISK_COUNTED_SOURCES
  if (folder === undefined) return content
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return content
}

const hooks: Partial<SolidityHooks> = {
  preprocessProjectFileBeforeBuilding: async (context, name, path, content, version, next) =>
    keep(relative(root, path), await next(context, name, path, content, version)),
  preprocessSolcInputBeforeBuilding: async (context, input, next) => {
    const changed = inScratchSpace(await next(context, inScratchSpace(input)))
    for (const [file, { content }] of Object.entries(changed.sources)) if (isCounter(file)) keep(file, content)
    return changed
  },
}

export const countingBesideMemory: HardhatPlugin = {
  id: 'zkrisk-coverage',
  hookHandlers: { solidity: async () => ({ default: async () => hooks }) },
}
