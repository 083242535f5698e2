/**
 * Refuses widths that are stated by hand: circom believes whoever writes `out.maxbit = 48`, so only circuits/math does, beside
 * the proof, and words that are generated. Elsewhere a width follows from those templates; where it follows from a bound,
 * AssumeBits and its like stand beside the argument.
 *
 *   node scripts/lintTags.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Token, tokensOf } from './lintPowers.ts'
import { filesBelow, root } from './tools/sources.ts'

const TAG = /^(?:maxbit|signedbit|max|binary)$/
const MAY_STATE = /^circuits\/(?:math|generated)\//

/** One line for each width that is stated, with its file and line. */
export function lintTags(project: string = root): readonly string[] {
  return filesBelow('circuits', '.circom', project)
    .filter((file) => !MAY_STATE.test(file))
    .flatMap((file) =>
      statedIn(tokensOf(readFileSync(join(project, file), 'utf8'))).map(
        ({ line, text }) =>
          `${file}:${line} states .${text} by hand. Take a template of circuits/math that proves it, or AssumeBits, AssumeSigned and their like with the argument beside it.`,
      ),
    )
}

const statedIn = (tokens: readonly Token[]): readonly Token[] =>
  tokens.filter(({ text }, i) => TAG.test(text) && tokens[i - 1]?.text === '.' && tokens[i + 1]?.text === '=')

if (import.meta.main) {
  const complaints = lintTags()
  for (const line of complaints) console.error(line)
  process.exitCode = complaints.length === 0 ? 0 : 1
}
