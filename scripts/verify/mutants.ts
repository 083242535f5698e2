/** Mutants of Solidity sources: each has one place changed, in a way that a test should notice. */

export type Mutant = {
  readonly operator: string
  /** From 1. */
  readonly line: number
  readonly before: string
  readonly after: string
  /** What is replaced, in characters of the source, and by what. */
  readonly start: number
  readonly end: number
  readonly text: string
  readonly source: string
}

type Operator = { readonly name: string; readonly pattern: RegExp; replace(match: string): string }

const swap =
  (pairs: readonly (readonly [string, string])[]) =>
  (match: string): string =>
    new Map([...pairs, ...pairs.map(([a, b]) => [b, a] as const)]).get(match) ?? match

const comparisons = new Map([
  [' < ', ' <= '],
  [' <= ', ' < '],
  [' > ', ' >= '],
  [' >= ', ' > '],
  [' == ', ' != '],
  [' != ', ' == '],
])

/** Each changes one match at a time. */
const operators: readonly Operator[] = [
  { name: 'comparison', pattern: / (?:<|<=|>|>=|==|!=) /g, replace: (match) => comparisons.get(match) ?? match },
  { name: 'arithmetic', pattern: / [+\-*] (?=[\w(])/g, replace: (match) => (match === ' + ' ? ' - ' : ' + ') },
  { name: 'one more', pattern: /(?<=[+\-*] )\d+\b(?! \*\*)/g, replace: (match) => String(Number(match) + 1) },
  { name: 'connective', pattern: /&&|\|\|/g, replace: swap([['&&', '||']]) },
  { name: 'negation', pattern: /(?<=\()!(?=\w)/g, replace: () => '' },
  { name: 'refusal removed', pattern: /(?:if \([^;{}]*\) )?revert [^;]*;/g, replace: () => '' },
  // A statement, not what an expression goes on with in the next line.
  {
    name: 'call removed',
    pattern: /(?<=^ +)(?<![^\s;{}]\s*^ +)(?:_\w+|[A-Z]\w+\.\w+|\w+\.check\w*)\([^;{}]*\);$/gm,
    replace: () => '',
  },
  {
    name: 'word swapped',
    pattern: /\b(?:maintenance|initial|stepDown|tighten|loosen|least|greatest)\b/g,
    replace: swap([
      ['maintenance', 'initial'],
      ['tighten', 'loosen'],
      ['least', 'greatest'],
    ]),
  },
  {
    name: 'field swapped',
    pattern: /(?<=\.\w+)(?:Floor|Ceiling|Down|Up)(?=X\d\d\b)/g,
    replace: swap([
      ['Floor', 'Ceiling'],
      ['Down', 'Up'],
    ]),
  },
]

/** All mutants of a source, in the order of their places; comments, imports, parameters and attributes are left alone. */
export function mutantsOf(source: string): readonly Mutant[] {
  const open = bodies(source)
  const mutants = operators.flatMap(({ name, pattern, replace }) =>
    [...open.matchAll(pattern)].flatMap((match) => {
      const after = replace(match[0])
      const line = source.slice(0, match.index).split('\n').length
      const start = match.index
      const end = start + match[0].length
      const mutated = source.slice(0, start) + after + source.slice(end)
      const trimmed = (text: string) => text.trim().replaceAll(/\s+/g, ' ')
      return after === match[0]
        ? []
        : [
            {
              operator: name,
              line,
              before: trimmed(match[0]),
              after: trimmed(after),
              start,
              end,
              text: after,
              source: mutated,
            },
          ]
    }),
  )
  return mutants.toSorted((a, b) => a.line - b.line)
}

/** The source with what is no body of a function blanked out, at the same places. */
function bodies(source: string): string {
  const bare = source.replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, blank)
  let result = ''
  let at = 0
  for (const { index, 0: head } of bare.matchAll(/(?:function \w+|constructor|modifier \w+)\s*\([^{;]*\{/g)) {
    const start = index + head.length
    if (start < at) continue
    const end = endOfBody(bare, start)
    result += blank(bare.slice(at, start)) + bare.slice(start, end)
    at = end
  }
  return result + blank(bare.slice(at))
}

function endOfBody(source: string, start: number): number {
  let depth = 1
  for (let i = start; i < source.length; i++) {
    if (source[i] === '{') depth++
    if (source[i] === '}' && --depth === 0) return i
  }
  return source.length
}

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ')
