import { expect, it } from 'vitest'
import { checkDocs } from '../../scripts/checkDocs.ts'
import { projectOf } from './project.ts'

const truthful = {
  'README.md':
    'See [the statement](docs/statement.md#claims).\n\n```tree\ncircuits/\n  math/       fixed point\ndocs/\n```\n',
  'docs/statement.md':
    '| id | claim | test |\n|---|---|---|\n| R1 | margin holds | `test/parameters/margin.test.ts` |\n',
  'docs/claims/math.md': '| M2 | rounds down | test/math/mul.test.ts, test/math/attack.test.ts |\n',
  'circuits/math/MulDown.circom': '/** Claim: M2. */',
  'test/parameters/margin.test.ts': `it('R1: holds', () => {})`,
  'test/math/mul.test.ts': `describe('M2: rounds down', () => {})`,
  'test/math/attack.test.ts': `it.each([1])('R1, M2: refuses %i', () => {})`,
}

it('accepts documents that agree with the tree', () => {
  expect(checkDocs(projectOf(truthful))).toEqual([])
})

it.each([
  ['docs/statement.md', '| R1 | margin holds | soon |', 'claim R1 names no test'],
  ['docs/statement.md', '| R1 | margin holds | test/gone.test.ts |', 'test/gone.test.ts, which does not exist'],
  ['test/parameters/margin.test.ts', `it('holds', () => {})`, 'which does not mention it'],
  [
    'test/math/new.test.ts',
    `test("M2 and M9: never seen", () => {})`,
    'test/math/new.test.ts: claim M9 is in no document',
  ],
  ['prover/audit/judge.ts', `compare('R7', 'head', 1, 2)`, 'prover/audit/judge.ts: claim R7 is in no document'],
  ['prover/audit/titles.ts', `const titles = {\n  R8: 'inbox',\n}`, 'claim R8 is in no document'],
  ['circuits/math/MulUp.circom', '/** Claim: M3. */', 'circuits/math/MulUp.circom: claim M3 is in no document'],
  ['docs/claims/math.md', '', 'claim M2 is in no document'],
  [
    'docs/claims/other.md',
    '| R1 | something else | test/parameters/margin.test.ts |',
    'claim R1 is in docs/claims/other.md already',
  ],
  ['README.md', '```tree\ncircuits/\n  maths/   fixed point\n```', 'the file tree has circuits/maths'],
  ['README.md', 'Read [more](docs/gone.md).', 'links to docs/gone.md'],
  ['docs/glossary.md', 'Read [more](../docs/gone.md).', 'links to ../docs/gone.md'],
  ['docs/faults.md', '| a fault | test/math/gone.test.ts |', 'names test/math/gone.test.ts'],
  ['docs/faults.md', 'Run `npm run campaign:gone`.', 'names `npm run campaign:gone`'],
  ['prover/math/mul.ts', '/** Twin of `circuits/math/Gone.circom`. */', 'names circuits/math/Gone.circom'],
])('refuses %s with %s', (file, text, complaint) => {
  const untruths = checkDocs(projectOf({ ...truthful, [file]: text }))
  expect(untruths).not.toHaveLength(0)
  for (const untruth of untruths) expect(untruth).toContain(complaint)
})
