/** Examples in the docstrings of public functions, and a program that runs them as a user's would. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root } from '../../scripts/tools/sources.ts'

/** Sources of what package.json exports. */
const entries: Readonly<Record<string, string>> = {
  'zk-risk-engine': 'prover/library.ts',
  'zk-risk-engine/prover': 'prover/index.ts',
  'zk-risk-engine/verify': 'prover/verify.ts',
  'zk-risk-engine/contracts': 'prover/registry/index.ts',
}

/** A function, or a class or constant that has an example as well. */
export type PublicFunction = {
  readonly name: string
  /** The first of the entries that export it. */
  readonly entry: string
  /** Undefined where the docstring has none. */
  readonly example: string | undefined
}

export type PublicNames = {
  readonly functions: readonly PublicFunction[]
  /** Everything that runs, by entry. */
  readonly values: Readonly<Record<string, ReadonlySet<string>>>
}

export function publicNames(): PublicNames {
  const options = { module: ts.ModuleKind.NodeNext, allowImportingTsExtensions: true, noEmit: true, skipLibCheck: true }
  const program = ts.createProgram(
    Object.values(entries).map((file) => join(root, file)),
    { ...options, target: ts.ScriptTarget.ES2024, strict: true },
  )
  const checker = program.getTypeChecker()
  const functions = new Map<ts.Declaration, PublicFunction>()
  const values: Record<string, Set<string>> = {}
  for (const [entry, file] of Object.entries(entries)) {
    const source = program.getSourceFile(join(root, file))
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${file} is no module.`)
    values[entry] = new Set()
    for (const symbol of checker.getExportsOfModule(module)) {
      const { valueDeclaration } = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      if (valueDeclaration === undefined) continue
      values[entry].add(symbol.name)
      const example = exampleOf(valueDeclaration)
      if (functions.has(valueDeclaration) || !(isFunction(valueDeclaration) || example !== undefined)) continue
      functions.set(valueDeclaration, { name: symbol.name, entry, example })
    }
  }
  return { functions: [...functions.values()], values }
}

const isFunction = (node: ts.Declaration): boolean =>
  ts.isFunctionDeclaration(node) ||
  (ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer))

function exampleOf(node: ts.Declaration): string | undefined {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === 'example')
  return ts.getTextOfJSDocComment(tag?.comment)?.trim()
}

/**
 * An example as a module whose default export runs it. Its own imports stand above; other names come from its entry, or from
 * `/prover`, which has them all. `expression // → value` on a line says what the expression is.
 */
export function moduleOf({ entry, example = '' }: PublicFunction, { values }: PublicNames): string {
  const lines = example.split('\n')
  const own = lines.filter((line) => line.startsWith('import '))
  const body = lines.filter((line) => !line.startsWith('import ')).map(checked)
  const words = new Set(body.join('\n').match(/[A-Za-z_]\w*/g))
  const imports = [entry, 'zk-risk-engine/prover'].map((from) => {
    const names = [...(values[from] ?? [])].filter((name) => words.delete(name))
    return `import { ${names.join(', ')} } from '${from}'`
  })
  return [
    `import { deepStrictEqual } from 'node:assert/strict'`,
    ...own,
    ...imports,
    'export default async () => {',
    ...body,
    '}',
  ].join('\n')
}

/** The program in README.md, as a module like those of {@link moduleOf}; it imports all that it uses. */
export function readmeModule(): string {
  const [, program = ''] = /^```js\n([\s\S]*?)^```/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  const lines = program.split('\n')
  const own = lines.filter((line) => line.startsWith('import '))
  const body = lines.filter((line) => !line.startsWith('import ')).map(checked)
  const assert = `import { deepStrictEqual } from 'node:assert/strict'`
  return [assert, ...own, 'export default async () => {', ...body, '}'].join('\n')
}

/** The claims of an example. */
export const claimsOf = (example: string): readonly string[] =>
  example.split('\n').filter((line) => line.includes(' // → '))

function checked(line: string): string {
  const [expression, value] = line.split(' // → ')
  return value === undefined ? line : `;deepStrictEqual(${expression?.replace(/^;/, '')}, ${value})`
}

/** Runs modules one after the other and says as JSON which of them failed, and how. */
export const runnerOf = (modules: readonly string[]): string => `
const failures = {}
for (const name of ${JSON.stringify(modules)}) {
  try {
    const { default: run } = await import('./' + name)
    await run()
  } catch (error) {
    failures[name] = String(error?.stack ?? error)
  }
}
console.log(JSON.stringify(failures))
process.exit(0)
`
