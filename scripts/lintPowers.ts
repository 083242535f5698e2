/**
 * Refuses powers that circuits would raise at run time: circom's witness generators square and multiply for each of them,
 * a hundred times the work of a step of Horner's rule. A power of constants and template parameters is folded when the
 * circuit is compiled; one of a variable that a loop of the template changes is not. Functions are left alone.
 *
 *   node scripts/lintPowers.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow, root } from './tools/sources.ts'

export type Token = { readonly text: string; readonly line: number }

/** Comments and strings come first, so that what they contain is not looked at; longer operators before their parts. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"[^"]*"|[A-Za-z_$][\w$]*|\d\w*|<==|==>|===|<--|-->|\*\*=|<<=|>>=|\*\*|[-+*/\\%&|^]=|\+\+|--|[=!<>]=|\S/g
const ASSIGNMENT = /^(?:\+\+|--|=|(?:\*\*|<<|>>|[-+*/\\%&|^])=)$/
const POWER = /^\*\*=?$/
const NAME = /^[A-Za-z_$]/
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const OPENING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

/** One line for each power of a loop's variable, with its file and line. */
export function lintPowers(project: string = root): readonly string[] {
  return filesBelow('circuits', '.circom', project).flatMap((file) => {
    const tokens = tokensOf(readFileSync(join(project, file), 'utf8'))
    return templatesOf(tokens).flatMap((template) =>
      powersIn(template).map(
        ({ line, names }) =>
          `${file}:${line} a power of ${names.join(', ')}, which a loop changes, is raised at run time. Sum from the top (sum += sum + bits[i]) or double as you go.`,
      ),
    )
  })
}

export function tokensOf(source: string): readonly Token[] {
  let line = 1
  let at = 0
  return [...source.matchAll(TOKEN)]
    .map(({ 0: text, index }) => {
      line += source.slice(at, index).split('\n').length - 1
      at = index
      return { text, line }
    })
    .filter(({ text }) => !/^(?:\/[/*]|")/.test(text))
}

/** The bodies of a file's templates. */
function templatesOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  return indicesOf(tokens, ({ text }) => text === 'template').map((at) => {
    const from = tokens.findIndex(({ text }, i) => i > at && text === '{')
    return tokens.slice(from, closingOf(tokens, from) + 1)
  })
}

function powersIn(template: readonly Token[]): readonly { readonly line: number; readonly names: readonly string[] }[] {
  const changing = changedByLoops(template)
  return indicesOf(template, ({ text }) => POWER.test(text)).flatMap((at) => {
    const operands = template.slice(operandBefore(template, at), operandAfter(template, at) + 1)
    const names = new Set(namesIn(operands).filter((name) => changing.has(name)))
    return names.size === 0 ? [] : [{ line: (template[at] as Token).line, names: [...names] }]
  })
}

/** Variables that are assigned in a loop or its head, and those that are computed from them. */
function changedByLoops(template: readonly Token[]): ReadonlySet<string> {
  const loops = indicesOf(template, ({ text }) => text === 'for' || text === 'while').map(
    (at) => [at, statementEnd(template, closingOf(template, at + 1) + 1)] as const,
  )
  const assignments = indicesOf(template, ({ text }) => ASSIGNMENT.test(text)).map((at) => ({
    name: (template[operandBefore(template, at)] as Token).text,
    isInLoop: loops.some(([from, to]) => from < at && at <= to),
    from: namesIn(template.slice(at + 1, statementEnd(template, at + 1))),
  }))
  const changing = new Set(assignments.filter(({ isInLoop }) => isInLoop).map(({ name }) => name))
  for (let size = 0; size !== changing.size; ) {
    size = changing.size
    for (const { name, from } of assignments) if (from.some((each) => changing.has(each))) changing.add(name)
  }
  return changing
}

/** Where a statement ends: at its semicolon or the end of its block, whatever else belongs to it included. */
function statementEnd(tokens: readonly Token[], from: number): number {
  for (let at = from; at < tokens.length; at++) {
    const { text } = tokens[at] as Token
    if (text in CLOSING) at = closingOf(tokens, at)
    else if (text in OPENING) return at
    if ((text === ';' || text === '{') && tokens[at + 1]?.text !== 'else') return at
  }
  return tokens.length
}

/** First token of the operand before an operator: a name or number with its members, indices and arguments, or brackets. */
function operandBefore(tokens: readonly Token[], operator: number): number {
  let at = operator - 1
  while ((tokens[at] as Token).text in OPENING) {
    at = openingOf(tokens, at) - 1
    if (!NAME.test(tokens[at]?.text ?? '') && !((tokens[at]?.text ?? '') in OPENING)) return at + 1
  }
  while (tokens[at - 1]?.text === '.') at = operandBefore(tokens, at - 1)
  return at
}

/** Last token of the operand after an operator. */
function operandAfter(tokens: readonly Token[], operator: number): number {
  let at = operator + 1
  while (/^[-!~]$/.test((tokens[at] as Token).text)) at++
  if ((tokens[at] as Token).text in CLOSING) at = closingOf(tokens, at)
  for (;;) {
    const next = tokens[at + 1]?.text ?? ''
    if (next === '[' || next === '(') at = closingOf(tokens, at + 1)
    else if (next === '.') at += 2
    else return at
  }
}

/** Variables among tokens: members such as `maxbit` are none. */
const namesIn = (tokens: readonly Token[]): readonly string[] =>
  tokens.filter(({ text }, i) => NAME.test(text) && tokens[i - 1]?.text !== '.').map(({ text }) => text)

const closingOf = (tokens: readonly Token[], opening: number): number => partnerOf(tokens, opening, 1, CLOSING)
const openingOf = (tokens: readonly Token[], closing: number): number => partnerOf(tokens, closing, -1, OPENING)

function partnerOf(tokens: readonly Token[], from: number, step: 1 | -1, partners: typeof CLOSING): number {
  const own = tokens[from]?.text ?? ''
  let depth = 0
  for (let at = from; at >= 0 && at < tokens.length; at += step) {
    if (tokens[at]?.text === own) depth++
    if (tokens[at]?.text === partners[own] && --depth === 0) return at
  }
  return step === 1 ? tokens.length - 1 : 0
}

const indicesOf = (tokens: readonly Token[], is: (token: Token) => boolean): readonly number[] =>
  tokens.flatMap((token, i) => (is(token) ? [i] : []))

if (import.meta.main) {
  const complaints = lintPowers()
  for (const line of complaints) console.error(line)
  process.exitCode = complaints.length === 0 ? 0 : 1
}
