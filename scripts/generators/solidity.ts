/** All Solidity that follows from the declarations: only what contracts use, and what that uses in turn. */
import { lists, marketStruct, marketUpdate, statements, words } from '../../circuits/statements/index.ts'
import type { Statement } from '../../circuits/statements/language.ts'
import { marketStatements } from '../../circuits/statements/market.ts'
import { optionStatements } from '../../circuits/statements/options.ts'
import { accountStatements } from '../../circuits/statements/portfolio.ts'
import { solidityBounds } from './solidityBounds.ts'
import { solidityCallItem, solidityStruct } from './solidityCalls.ts'
import { solidityMemoryFrames, solidityTranscriptFrames } from './solidityFrames.ts'
import { solidityLists } from './solidityLists.ts'
import { solidityUse } from './solidityText.ts'
import { solidityWords } from './solidityWords.ts'
import type { Generated } from './text.ts'

/** @param handwritten texts of the contracts that use it */
export function solidity(handwritten: readonly string[]): Generated {
  const use = solidityUse(handwritten)
  const frames = {
    ...solidityMemoryFrames(marketStatements, words, lists, use),
    ...solidityTranscriptFrames({ ...optionStatements, ...accountStatements }, words, lists, use),
    ...solidityCallItem('marketUpdate', marketUpdate, use),
    ...solidityStruct('marketState', marketStruct, words, use),
    ...solidityBounds(words, use),
  }
  const sections = Object.values(statements as Readonly<Record<string, Statement>>).flatMap(({ inputs, outputs }) =>
    [...inputs, ...outputs].flatMap((group) => group.sections),
  )
  const listsUse = solidityUse([...handwritten, ...Object.values(frames)])
  const withLists = { ...frames, ...solidityLists(lists, sections, words, listsUse) }
  return { ...withLists, ...solidityWords(words, solidityUse([...handwritten, ...Object.values(withLists)])) }
}
