/**
 * Checks the order of the house: a file imports only from its own stage and from stages before it, in TypeScript, Circom
 * and Solidity alike, and every folder of circuits/, contracts/, prover/ and test/ is named after a stage. Within a stage,
 * market/ and portfolio/ do not import each other, nor does what both share import either. No script imports from test/: what
 * both need is in scripts/tools/.
 *
 *   node scripts/checkStages.ts [folder of a project]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { filesBelow, root } from './tools/sources.ts'

/** In order of dependence. */
const stages = [
  'math',
  'market',
  'volatility',
  'parameters',
  'options',
  'portfolio',
  'statement',
  'proof',
  'registry',
  'consumers',
  'audit',
  'service',
] as const

/** Top folders whose sub-folders are stages, with the further names they may hold. */
const tops: Record<string, readonly string[]> = {
  circuits: ['generated', 'statements'],
  contracts: ['generated'],
  prover: [],
  test: ['package', 'scripts', 'snapshots', 'system', 'verify'],
}

/** Engines that some stages of the prover hold a folder each for. */
const engines: readonly string[] = ['market', 'portfolio']

/** Declarations above all stages, which every stage may import. Other files at the top of a folder may only import. */
const declarations: ReadonlySet<string> = new Set([
  'circuits/generated/claimIds.ts',
  'circuits/statements/index.ts',
  'circuits/statements/language.ts',
  'circuits/statements/market.ts',
  'circuits/statements/options.ts',
  'circuits/statements/portfolio.ts',
  'prover/config.ts',
  'prover/errors.ts',
  'prover/folder.ts',
  'prover/timers.ts',
])

/** Violations, one line each; empty when the order holds. */
export function checkStages(project: string = root): readonly string[] {
  return [...misnamedFolders(project), ...backwardImports(project), ...testsInScripts(project)]
}

function misnamedFolders(project: string): readonly string[] {
  return Object.entries(tops).flatMap(([top, others]) => {
    const allowed: readonly string[] = [...stages, ...others]
    if (!existsSync(join(project, top))) return []
    return readdirSync(join(project, top), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !allowed.includes(entry.name))
      .map(({ name }) => `${top}/${name}/: not the name of a stage; expected one of ${allowed.join(', ')}`)
  })
}

function backwardImports(project: string): readonly string[] {
  const sources = ['circuits', 'contracts', 'prover'].flatMap((top) =>
    ['.ts', '.circom', '.sol'].flatMap((suffix) => filesBelow(top, suffix, project)),
  )
  return sources.flatMap((file) =>
    importsOf(file, project)
      .map((imported) => violation(file, imported))
      .filter((found) => found !== undefined),
  )
}

function testsInScripts(project: string): readonly string[] {
  return filesBelow('scripts', '.ts', project).flatMap((file) =>
    importsOf(file, project)
      .filter((imported) => placeOf(imported).top === 'test')
      .map((imported) => `${file} imports ${imported}, which is a test: what both need is in scripts/tools/`),
  )
}

function violation(file: string, imported: string): string | undefined {
  const importer = placeOf(file)
  const target = placeOf(imported)
  if (!(target.top in tops)) return `${file} imports ${imported}, which is no part of the product`
  if (target.top === 'test') return `${file} imports ${imported}, which is a test`
  if (declarations.has(imported) || target.stage === 'generated') return undefined
  if (importer.stage === undefined) {
    if (declarations.has(file) && target.stage !== undefined)
      return `${file} imports ${imported}: a declaration stands above every stage`
    return undefined
  }
  if (target.stage === undefined) return `${file} imports ${imported}, which stands above the stages`
  const reach = importer.stage === 'generated' ? reachOfGenerated(file) : orderOf(importer.stage)
  if (orderOf(target.stage) <= reach) return importer.stage === target.stage ? mixture(file, imported) : undefined
  return `${file} imports ${imported}: ${target.stage} comes after ${importer.stage}`
}

/** Generated code uses arithmetic only; frames also what makes a statement of words, and a step, the choice of a model all models. */
function reachOfGenerated(file: string): number {
  if (/^circuits\/generated\/frames\/|^contracts\/generated\/\w+Frame\./.test(file)) return orderOf('statement')
  return orderOf(file === 'circuits/generated/VolatilityModels.circom' ? 'volatility' : 'math')
}

/** A stage's index lists what it holds; every other file is of one engine or of none. */
function mixture(file: string, imported: string): string | undefined {
  const target = engineOf(imported)
  if (target === undefined || target === engineOf(file) || file.endsWith('/index.ts')) return undefined
  return `${file} imports ${imported}: what engines share stands beside their folders`
}

/** `prover/audit/market/judge.ts` is of markets; `prover/audit/pins.ts` and `prover/market/prices.ts` of no engine. */
function engineOf(file: string): string | undefined {
  const [top = '', , engine = '', ...rest] = file.split('/')
  return top === 'prover' && rest.length > 0 && engines.includes(engine) ? engine : undefined
}

const orderOf = (stage: string): number => stages.indexOf(stage as (typeof stages)[number])

/** `prover/proof/verify.ts` lies in stage proof of prover; `prover/index.ts` in no stage. */
function placeOf(file: string): { readonly top: string; readonly stage: string | undefined } {
  const [top = '', ...rest] = file.split('/')
  return { top, stage: rest.length > 1 ? rest[0] : undefined }
}

const importPatterns: Record<string, RegExp> = {
  ts: /^\s*(?:import|export)\s+(?:[\w$*{}\s,]+\sfrom\s+)?['"](\.[^'"]+)['"]|\b(?:import|URL)\(\s*['"](\.[^'"]+\.\w+)['"]/gm,
  circom: /(?:^|\n)\s*include\s+"([^"]+)"/g,
  sol: /(?:^|\n)\s*import\b[^;"']*["'](\.[^"']+)["']/g,
}

/** Files of the project that a file imports, as paths from its root; packages are left out. */
export function importsOf(file: string, project: string): readonly string[] {
  const pattern = importPatterns[file.slice(file.lastIndexOf('.') + 1)]
  if (pattern === undefined) return []
  const text = readFileSync(join(project, file), 'utf8')
  return [...text.matchAll(pattern)].flatMap((match) => {
    const path = match[1] ?? match[2] ?? ''
    const local = resolve(project, dirname(file), path)
    if (local.startsWith(join(project, 'node_modules'))) return []
    if (path.startsWith('.') || existsSync(local)) return [relative(project, local).replaceAll('\\', '/')]
    // Circom also looks below circuits/; what is in neither place comes from circomlib.
    return existsSync(join(project, 'circuits', path)) ? [join('circuits', path)] : []
  })
}

if (import.meta.main) {
  const violations = checkStages(process.argv[2] === undefined ? root : resolve(process.argv[2]))
  for (const line of violations) console.error(line)
  process.exitCode = violations.length === 0 ? 0 : 1
}
