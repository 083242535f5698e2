/**
 * Counting of lines that leaves memory alone. Hardhat's counter writes each line's number where memory is free, and ours assembles
 * answers there before it takes the place; scratch space is free between statements.
 */
import type { SolidityHooks } from 'hardhat/types/hooks'
import type { HardhatPlugin } from 'hardhat/types/plugins'
import type { CompilerInput } from 'hardhat/types/solidity'

const AT_FREE_MEMORY = 'let ptr := mload(0x40)'

function inScratchSpace(input: CompilerInput): CompilerInput {
  const sources = Object.entries(input.sources).map(([file, source]) => [
    file,
    file.startsWith('__NomicFoundationCoverage')
      ? { ...source, content: source.content.replace(AT_FREE_MEMORY, 'let ptr := 0') }
      : source,
  ])
  return { ...input, sources: Object.fromEntries(sources) }
}

const hooks: Partial<SolidityHooks> = {
  preprocessSolcInputBeforeBuilding: async (context, input, next) =>
    inScratchSpace(await next(context, inScratchSpace(input))),
}

export const countingBesideMemory: HardhatPlugin = {
  id: 'zkrisk-coverage',
  hookHandlers: { solidity: async () => ({ default: async () => hooks }) },
}
