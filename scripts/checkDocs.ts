/**
 * Checks that the documents tell the truth about the tree: every claim has an id of its own and names a test that mentions
 * it, every claim named in a test, a circuit or an audit exists, and every file and npm script that README.md, docs/ and comments
 * point to is there.
 *
 *   node scripts/checkDocs.ts [folder of a project]
 *
 * A claim is a table row of docs/statement.md or docs/claims/*.md whose first cell is its id; the tests are the paths
 * `test/…` in that row. A test is about a claim when its title begins with the id ("M2: …"), a template when its
 * docstring says "Claim: M2", and an audit names the claims it judges in quotation marks or as keys of its table. A file tree is a fenced block marked `tree`, two spaces a level.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { filesBelow, root } from './tools/sources.ts'

type Claim = { readonly id: string; readonly document: string; readonly tests: readonly string[] }

const ids = '[A-Z]\\d{1,3}(?:(?:, | and )[A-Z]\\d{1,3})*'
const testTitle = new RegExp(`\\b(?:describe|it|test)(?:\\.\\w+)*\\(\\s*[\`'"](${ids}): `, 'g')
const judged = /(?:^ {2}|')([A-Z]\d{1,3})(?:'|: ')/gm
const docstring = new RegExp(`\\bClaims?: (${ids})\\b`, 'g')

/** Untruths, one line each; empty when there is none. */
export function checkDocs(project: string = root): readonly string[] {
  const claims = claimsOf(project)
  return [
    ...repeatedClaims(claims),
    ...claims.flatMap((claim) => untestedClaim(claim, project)),
    ...unknownClaims(new Set(claims.map(({ id }) => id)), project),
    ...documentsOf(project).flatMap((document) => [
      ...missingTreeLines(document, project),
      ...deadLinks(document, project),
      ...deadCommands(document, project),
    ]),
    ...sourcesOf(project).flatMap((file) => deadComments(file, project)),
  ]
}

const sourcesOf = (project: string): readonly string[] =>
  ['circuits', 'contracts', 'prover'].flatMap((folder) =>
    ['.ts', '.circom', '.sol', '.go'].flatMap((suffix) => filesBelow(folder, suffix, project)),
  )

const documentsOf = (project: string): readonly string[] => [
  ...['README.md'].filter((file) => existsSync(join(project, file))),
  ...filesBelow('docs', '.md', project),
]

function claimsOf(project: string): readonly Claim[] {
  const documents = documentsOf(project).filter(
    (file) => file === 'docs/statement.md' || file.startsWith('docs/claims/'),
  )
  return documents.flatMap((document) =>
    [...read(project, document).matchAll(/^\| *[*`]*([A-Z]\d{1,3})[*`]* *\|(.*)$/gm)].map(([, id = '', row = '']) => ({
      id,
      document,
      tests: row.match(/\btest\/[\w./-]+\.(?:ts|sol)\b/g) ?? [],
    })),
  )
}

/** An id that stands for two things names neither. */
function repeatedClaims(claims: readonly Claim[]): readonly string[] {
  return claims.flatMap(({ id, document }, i) => {
    const first = claims.findIndex((claim) => claim.id === id)
    return first === i ? [] : [`${document}: claim ${id} is in ${claims[first]?.document} already`]
  })
}

function untestedClaim({ id, document, tests }: Claim, project: string): readonly string[] {
  if (tests.length === 0) return [`${document}: claim ${id} names no test`]
  return tests.flatMap((test) => {
    if (!existsSync(join(project, test))) return [`${document}: claim ${id} names ${test}, which does not exist`]
    const mentions = new RegExp(`\\b${id}\\b`).test(read(project, test))
    return mentions ? [] : [`${document}: claim ${id} names ${test}, which does not mention it`]
  })
}

function unknownClaims(known: ReadonlySet<string>, project: string): readonly string[] {
  // The tests of the scripts quote titles of projects that do not exist.
  const tests = [...filesBelow('test', '.test.ts', project), ...filesBelow('test', '.t.sol', project)].filter(
    (file) => !file.startsWith('test/scripts/'),
  )
  const templates = filesBelow('circuits', '.circom', project)
  const uses = [
    ...tests.map((file) => ({ file, pattern: testTitle })),
    ...templates.map((file) => ({ file, pattern: docstring })),
    ...filesBelow('prover/audit', '.ts', project).map((file) => ({ file, pattern: judged })),
  ]
  return uses.flatMap(({ file, pattern }) => {
    const named = [...read(project, file).matchAll(pattern)].flatMap(([, list = '']) => list.split(/, | and /))
    return [...new Set(named)].filter((id) => !known.has(id)).map((id) => `${file}: claim ${id} is in no document`)
  })
}

function missingTreeLines(document: string, project: string): readonly string[] {
  const blocks = [...read(project, document).matchAll(/^```tree\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  return blocks.flatMap((block) => {
    const folders: string[] = []
    return block
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const depth = (line.length - line.trimStart().length) / 2
        const name = line.trim().split(/\s/)[0] ?? ''
        folders.splice(depth, Number.POSITIVE_INFINITY, name)
        return join(...folders)
      })
      .filter((path) => !existsSync(join(project, path)))
      .map((path) => `${document}: the file tree has ${path}, which does not exist`)
  })
}

function deadLinks(document: string, project: string): readonly string[] {
  // Code has brackets of its own.
  const text = read(project, document).replace(/^```[\s\S]*?^```/gm, '')
  const targets = [...text.matchAll(/\]\((?!\w+:|#)([^)\s#]+)[^)]*\)/g)].map(([, path = '']) => path)
  return targets
    .filter((path) => !existsSync(join(project, dirname(document), path)))
    .map((path) => `${document}: links to ${path}, which does not exist`)
}

/** Tests and scripts that are named as files or as `npm run` has them. */
function deadCommands(document: string, project: string): readonly string[] {
  const text = read(project, document)
  const files = [...text.matchAll(/\b((?:test|scripts)\/[\w./-]+\.(?:ts|mjs))\b/g)].map(([, path = '']) => path)
  const known = existsSync(join(project, 'package.json')) ? JSON.parse(read(project, 'package.json')).scripts : {}
  const commands = [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name = '']) => name)
  return [
    ...files.filter((path) => !existsSync(join(project, path))).map((path) => `names ${path}, which does not exist`),
    ...commands
      .filter((name) => !Object.hasOwn(known ?? {}, name))
      .map((name) => `names \`npm run ${name}\`, which does not exist`),
  ].map((says) => `${document}: ${says}`)
}

/** Paths from the project's root, in a comment's backticks. */
function deadComments(file: string, project: string): readonly string[] {
  const named = [...read(project, file).matchAll(/`((?:circuits|contracts|docs|prover|scripts|test)\/[\w./-]+\.\w+)`/g)]
  return named
    .map(([, path = '']) => path)
    .filter((path) => !existsSync(join(project, path)))
    .map((path) => `${file}: names ${path}, which does not exist`)
}

const read = (project: string, file: string): string => readFileSync(join(project, file), 'utf8')

if (import.meta.main) {
  const untruths = checkDocs(process.argv[2] === undefined ? root : resolve(process.argv[2]))
  for (const line of untruths) console.error(line)
  process.exitCode = untruths.length === 0 ? 0 : 1
}
