/**
 * All mutants of a source in one: where a mutant differs, the code asks for a number, and behaves as the mutant of that number or, for
 * any other, as the source does. So the compiler runs once for all of them, and which mutant a contract is, is 32 bytes of its code.
 */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Mutant } from './mutants.ts'

/** Where the number stands in the code until one is put there; it is no mutant's. */
export const NUMBER_MARK: string = createHash('sha256').update('number of the mutant').digest('hex')

const NUMBER_FILE = 'contracts/MutantNumber.sol'
const NUMBER_SOURCE = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
function mutantNumber() pure returns (uint256 which) { assembly { which := 0x${NUMBER_MARK} } }
`

/** Reads a source by the path that is imported. */
export type Sources = (path: string) => string

/**
 * What is compiled instead, and which mutants it can be: their sources by number, in the order of the list. An operator is
 * replaced with its operands: `a - b * c` has the mutant `a - (b + c)`.
 */
export type Switched = { readonly source: string; readonly mutants: ReadonlyMap<number, string> }

type AstNode = {
  readonly nodeType: string
  readonly src: string
  readonly typeDescriptions?: { readonly typeString?: string }
}
type CompilerError = {
  readonly severity: string
  readonly sourceLocation?: { readonly file: string; readonly start: number; readonly end: number }
}
type Output = {
  readonly errors?: readonly CompilerError[]
  readonly sources?: Record<string, { readonly ast?: AstNode }>
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>
  >
}

/** `file` over its source with mutants switched into it, numbered from `first` on; `roots` are what imports it, directly or not. */
export function switchOf(
  file: string,
  roots: readonly string[],
  sources: Sources,
  mutants: readonly Pick<Mutant, 'start' | 'end' | 'text'>[],
  first = 0,
): Switched {
  const source = sources(file)
  const { ast } = compile({ [file]: source }, sources, { '': ['ast'] }).sources?.[file] ?? {}
  if (ast === undefined) throw new Error(`${file} does not compile.`)
  const places = placesIn(ast)
  let switches = mutants.flatMap((mutant, i) => switchAt(source, places, mutant, first + i))
  for (;;) {
    const switched = withNumber(render(source, switches))
    const rejected = rejectedNumbers(file, roots, sources, switched)
    if (rejected.size === 0) {
      const alone = switches.map((each) => [each.number, aloneIn(source, each)] as const)
      return { source: switched.replaceAll(/\/\*[<>]\d+\*\//g, ''), mutants: new Map(alone) }
    }
    switches = switches.filter(({ number }) => !rejected.has(number))
  }
}

const aloneIn = (source: string, { start, end, text, isStatement }: Switch): string =>
  source.slice(0, start) + (isStatement ? text : `(${text})`) + source.slice(end)

/** The number comes from a file that is imported where the compiler's version is stated. */
const withNumber = (source: string): string => source.replace(/^pragma [^;]*;/m, `$& import "${NUMBER_FILE}";`)

type Place = { readonly start: number; readonly end: number; readonly isStatement: boolean }
type Switch = Place & { readonly number: number; readonly text: string }

const expressions = new Set(['BinaryOperation', 'Conditional', 'FunctionCall', 'Identifier', 'Literal', 'MemberAccess'])
const statements = new Set(['ExpressionStatement', 'IfStatement', 'RevertStatement', 'Return', 'EmitStatement'])

/** Expressions that have a value which can be chosen, and statements that declare nothing, the innermost first. */
function placesIn(ast: AstNode): readonly Place[] {
  const places: Place[] = []
  const visit = (node: unknown, isTaken: boolean): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, false)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    const { nodeType = '', src = '', typeDescriptions } = node as Partial<AstNode>
    if (nodeType === 'InlineAssembly') return
    const [start = 0, length = 0] = src.split(':').map(Number)
    const isValue = !/^(tuple|function|type|module|struct .* storage ref)\b/.test(typeDescriptions?.typeString ?? '')
    if (statements.has(nodeType)) places.push({ start, end: start + length, isStatement: true })
    else if (expressions.has(nodeType) && isValue && !isTaken)
      places.push({ start, end: start + length, isStatement: false })
    for (const [key, child] of Object.entries(node)) {
      visit(child, key === 'leftHandSide' || (key === 'expression' && nodeType === 'FunctionCall'))
    }
  }
  visit(ast, false)
  return places.sort((a, b) => a.end - a.start - (b.end - b.start))
}

/** Where a mutant is chosen: the innermost place around what it changes. */
function switchAt(
  source: string,
  places: readonly Place[],
  { start, end, text: replacement }: Pick<Mutant, 'start' | 'end' | 'text'>,
  number: number,
): readonly Switch[] {
  const place = places.find((each) => each.start <= start && end <= each.end + (each.isStatement ? 1 : 0))
  if (place === undefined) return []
  // A statement's node ends before its semicolon.
  const stop = place.isStatement && source[place.end] === ';' ? place.end + 1 : place.end
  const text = source.slice(place.start, start) + replacement + source.slice(end, stop)
  return [{ ...place, end: stop, number, text }]
}

/** Alternatives are those of the source as it is: one mutant at a time. Marks tell to which an error belongs. */
function render(source: string, switches: readonly Switch[], from = 0, to = source.length): string {
  const within = switches.filter(({ start, end }) => from <= start && end <= to)
  const outermost = within.toSorted((a, b) => a.start - b.start || b.end - a.end)[0]
  if (outermost === undefined) return source.slice(from, to)
  const { start, end, isStatement } = outermost
  const here = within.filter((each) => each.start === start && each.end === end)
  const rest = switches.filter((each) => !here.includes(each))
  const inner = render(source, rest, start, end)
  const chosen = here.reduce(
    (otherwise, { number, text }) =>
      isStatement
        ? `if (mutantNumber() == ${number}) { /*<${number}*/${text}/*>${number}*/ } else { ${otherwise} }`
        : `(mutantNumber() == ${number} ? /*<${number}*/${text}/*>${number}*/ : ${otherwise})`,
    inner,
  )
  return source.slice(from, start) + chosen + render(source, rest, end, to)
}

/** Numbers of mutants that the compiler takes for none. */
function rejectedNumbers(
  file: string,
  roots: readonly string[],
  sources: Sources,
  source: string,
): ReadonlySet<number> {
  const entries = [file, ...roots].map((root) => [root, root === file ? source : sources(root)])
  const { errors = [] } = compile(Object.fromEntries(entries), sources, { '*': ['abi'] })
  const refused = errors.filter(({ severity }) => severity === 'error')
  if (refused.length === 0) return new Set()
  const marked = [...source.matchAll(/\/\*<(\d+)\*\//g)].map(({ index, 1: number }) => ({
    number: Number(number),
    start: index,
    end: source.indexOf(`/*>${number}*/`, index),
  }))
  const found = new Set<number>()
  for (const { sourceLocation } of refused) {
    const { start = -1, end = -1 } = sourceLocation?.file === file ? sourceLocation : {}
    const inside = marked.filter((mark) => mark.start <= start && end <= mark.end)
    const hit = inside.length > 0 ? inside : marked.filter((mark) => start <= mark.end && mark.start <= end)
    for (const { number } of hit) found.add(number)
  }
  if (found.size === 0) throw new Error(`${file} with its mutants does not compile: ${JSON.stringify(refused[0])}`)
  return found
}

type Compiler = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string }
const compiler = createRequire(import.meta.url)('solc') as Compiler

/** @param selection - of the sources given, as the compiler takes it */
export function compile(
  given: Readonly<Record<string, string>>,
  sources: Sources,
  selection: Readonly<Record<string, readonly string[]>>,
  settings: object = { evmVersion: 'cancun' },
): Output {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(given).map(([path, content]) => [path, { content }])),
    settings: {
      ...settings,
      // Else every change of the source is one of the code.
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: Object.fromEntries(Object.keys(given).map((path) => [path, selection])),
    },
  }
  const read = (path: string): string => given[path] ?? (path === NUMBER_FILE ? NUMBER_SOURCE : sources(path))
  return JSON.parse(compiler.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) })) as Output
}
