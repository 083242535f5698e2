/**
 * Checks that nothing is there for nobody: every export of circuits/, prover/ and scripts/ is imported somewhere or part of
 * what package.json exports, and every Circom template and function is instantiated, through others, by some build.
 *
 *   node scripts/checkExports.ts [folder of a project]
 *
 * A re-export is a use only if what it leads to is used. Tests count as uses of TypeScript, not of circuits: a template that
 * only a test instantiates proves nothing. Classes of errors are for whoever catches them, and a type may stay that a used
 * declaration of the same file names in its signature. What scripts/generate.ts writes is its business.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { filesBelow, root } from './tools/sources.ts'

/** Templates that stay although no build takes them. */
const unbuilt: readonly string[] = [
  // Arithmetic with claims of its own in docs/claims/math.md; each goes with its claim when the circuits are next cut.
  'And',
  'Complement',
  'ExpDown',
  'NormalPdfDown',
  'Not',
  'Or',
  'Select',
  'SignedRangeCheck',
]

/** Exports that go when their files, which are being rewritten, are next changed. */
const goingSoon: ReadonlySet<string> = new Set([
  'prover/registry/deployment.ts deployedMarketSchema',
  'prover/registry/deployment.ts deployedModelSchema',
  'prover/registry/deployment.ts deploymentSchema',
  'prover/registry/deployment.ts freshnessSchema',
  'prover/registry/models.ts readModelById',
])

/** What is exported or imported: a name of a file, or `*` for all of them. */
type Reference = { readonly file: string; readonly name: string }

type Module = {
  readonly file: string
  /** Declarations of its own, by exported name. */
  readonly declared: ReadonlyMap<string, ts.Node>
  /** What it passes on, by exported name; `*` without a name of its own may stand several times. */
  readonly passedOn: readonly { readonly as: string; readonly from: Reference }[]
  readonly imported: readonly Reference[]
}

/** Exports and templates that nobody uses, one line each; empty when there are none. */
export function checkExports(project: string = root): readonly string[] {
  return [...unusedExports(project), ...unusedTemplates(project)]
}

function unusedExports(project: string): readonly string[] {
  const modules = new Map(modulesOf(project).map((module) => [module.file, module]))
  const used = new Set<string>()
  const use = ({ file, name }: Reference): void => {
    const module = modules.get(file)
    if (module === undefined || used.has(`${file} ${name}`)) return
    used.add(`${file} ${name}`)
    if (name === '*') for (const own of exportsOf(module)) use({ file, name: own })
    const declaration = module.declared.get(name)
    if (declaration !== undefined) for (const type of typesNamedBy(declaration)) useType(module, type)
    for (const { as, from } of module.passedOn) {
      if (as === name) use(from)
      else if (as === '*' && declaration === undefined) use({ file: from.file, name })
    }
  }
  const useType = ({ file, declared }: Module, name: string): void => {
    const declaration = declared.get(name)
    if (declaration !== undefined && isType(declaration)) use({ file, name })
  }
  for (const entry of entryPoints(project)) use({ file: entry, name: '*' })
  for (const { imported } of modules.values()) for (const each of imported) use(each)
  return [...modules.values()]
    .filter(({ file }) => !file.startsWith('test/'))
    .flatMap((module) =>
      exportsOf(module)
        .filter((name) => !used.has(`${module.file} ${name}`) && !goingSoon.has(`${module.file} ${name}`))
        .filter((name) => !isError(module.declared.get(name)))
        .map((name) => `${module.file}: nobody imports ${name}`),
    )
}

/** Names that a file exports; a default is for tools that load the file by its path. */
const exportsOf = ({ declared, passedOn }: Module): readonly string[] =>
  [...declared.keys(), ...passedOn.map(({ as }) => as)].filter((name) => name !== '*' && name !== 'default')

/** Sources of what package.json exports: `./dist/prover/index.js` is compiled from prover/index.ts. */
function entryPoints(project: string): readonly string[] {
  const manifest = join(project, 'package.json')
  if (!existsSync(manifest)) return []
  const { exports = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports?: Record<string, unknown> }
  return Object.values(exports).flatMap((entry) => {
    const path = typeof entry === 'string' ? entry : String((entry as { default?: string }).default)
    return path.startsWith('./dist/') && path.endsWith('.js') ? [path.slice('./dist/'.length).replace(/js$/, 'ts')] : []
  })
}

function modulesOf(project: string): readonly Module[] {
  const files = ['circuits', 'prover', 'scripts', 'test'].flatMap((top) =>
    ['.ts', '.mjs'].flatMap((suffix) => filesBelow(top, suffix, project)),
  )
  const configurations = ['hardhat.config.ts', 'vitest.config.ts'].filter((file) => existsSync(join(project, file)))
  return [...files, ...configurations].map((file) => moduleOf(file, project))
}

function moduleOf(file: string, project: string): Module {
  const source = ts.createSourceFile(file, readFileSync(join(project, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const declared = new Map<string, ts.Node>()
  const passedOn: { as: string; from: Reference }[] = []
  const imported: Reference[] = []
  const resolved = (specifier: string): string =>
    relative(project, resolve(project, dirname(file), specifier)).replaceAll('\\', '/')
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const specifier = statement.moduleSpecifier as ts.StringLiteral | undefined
      const from = specifier?.text.startsWith('.') ? resolved(specifier.text) : undefined
      if (ts.isImportDeclaration(statement)) {
        if (from !== undefined) imported.push(...importedNames(statement).map((name) => ({ file: from, name })))
      } else passedOn.push(...passedNames(statement, from ?? '', file))
    } else for (const [name, node] of exportedNames(statement)) declared.set(name, node)
  }
  const visit = (node: ts.Node): void => {
    const specifier = dynamicImport(node)
    if (specifier?.startsWith('.')) imported.push({ file: resolved(specifier), name: '*' })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { file, declared, passedOn, imported }
}

function importedNames({ importClause }: ts.ImportDeclaration): readonly string[] {
  const bindings = importClause?.namedBindings
  const all = importClause?.name === undefined ? [] : ['default']
  if (bindings === undefined) return all
  if (ts.isNamespaceImport(bindings)) return ['*']
  return [...all, ...bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)]
}

function passedNames({ exportClause }: ts.ExportDeclaration, from: string, own: string): Module['passedOn'] {
  const file = from === '' ? own : from
  if (exportClause === undefined) return [{ as: '*', from: { file, name: '*' } }]
  if (ts.isNamespaceExport(exportClause)) return [{ as: exportClause.name.text, from: { file, name: '*' } }]
  return exportClause.elements.map(({ name, propertyName }) => ({
    as: name.text,
    from: { file, name: (propertyName ?? name).text },
  }))
}

function exportedNames(statement: ts.Statement): readonly (readonly [string, ts.Node])[] {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
  if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) return [['default', statement]]
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap((each) =>
      namesBound(each.name).map((name) => [name, each] as const),
    )
  }
  const { name } = statement as ts.DeclarationStatement
  return name === undefined ? [] : [[name.text, statement]]
}

function namesBound(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((each) => (ts.isOmittedExpression(each) ? [] : namesBound(each.name)))
}

/** `import('./x.ts')`, as an expression or as a type. */
function dynamicImport(node: ts.Node): string | undefined {
  const argument =
    ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined
  if (argument !== undefined && ts.isStringLiteral(argument)) return argument.text
  if (!ts.isImportTypeNode(node) || !ts.isLiteralTypeNode(node.argument)) return undefined
  return ts.isStringLiteral(node.argument.literal) ? node.argument.literal.text : undefined
}

const isType = (node: ts.Node): boolean => ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node)

const isError = (node: ts.Node | undefined): boolean =>
  node !== undefined &&
  ts.isClassDeclaration(node) &&
  (node.heritageClauses ?? []).some(({ types }) =>
    types.some(({ expression }) => expression.getText().endsWith('Error')),
  )

/** Names of types in a declaration, outside the bodies of its functions. */
function typesNamedBy(declaration: ts.Node): readonly string[] {
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node)) return
    if (ts.isTypeReferenceNode(node)) names.push(node.typeName.getText().split('.')[0] ?? '')
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return names
}

/** A template or function of Circom and the names in its text, among them those of what it instantiates. */
type CircomPart = { readonly file: string; readonly name: string; readonly names: ReadonlySet<string> }

function unusedTemplates(project: string): readonly string[] {
  const parts = filesBelow('circuits', '.circom', project).flatMap((file) => circomParts(file, project))
  const byName = new Map(parts.map((part) => [part.name, part]))
  const used = new Set<string>()
  const use = (name: string): void => {
    const part = byName.get(name)
    if (part === undefined || used.has(name)) return
    used.add(name)
    for (const each of part.names) use(each)
  }
  for (const name of [...builtTemplates(project), ...unbuilt]) use(name)
  return parts
    .filter(({ file, name }) => !used.has(name) && !file.startsWith('circuits/generated/'))
    .map(({ file, name }) => `${file}: no build instantiates ${name}`)
}

function builtTemplates(project: string): readonly string[] {
  const declared = filesBelow('circuits/statements', '.ts', project)
  return declared.flatMap((file) =>
    [...readFileSync(join(project, file), 'utf8').matchAll(/\btemplate: '(\w+)'/g)].map(([, name = '']) => name),
  )
}

function circomParts(file: string, project: string): readonly CircomPart[] {
  const text = readFileSync(join(project, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
  return text.split(/^(?=(?:template|function|bus)\b)/m).flatMap((part) => {
    const head = /^(?:template|function|bus)\s+(?:(?:custom|parallel)\s+)*(\w+)/.exec(part)
    if (head === null) return []
    const names = new Set([...part.slice(head[0].length).matchAll(/\b[A-Za-z_]\w*\b/g)].map(([name]) => name))
    return [{ file, name: head[1] as string, names }]
  })
}

if (import.meta.main) {
  const unused = checkExports(process.argv[2] === undefined ? root : resolve(process.argv[2]))
  for (const line of unused) console.error(line)
  process.exitCode = unused.length === 0 ? 0 : 1
}
