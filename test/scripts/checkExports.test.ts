import { expect, it } from 'vitest'
import { checkExports } from '../../scripts/checkExports.ts'
import { projectOf } from './project.ts'

const lean = {
  'package.json': JSON.stringify({
    exports: { './prover': { default: './dist/prover/index.js' }, './package.json': './package.json' },
  }),
  'circuits/statements/index.ts': `export const builds = [{ name: 'margin8', template: 'Margin' }]`,
  'circuits/statement/Margin.circom': 'template Margin(N) {\n  signal x <== MulDown(N)(a, b);\n}\n',
  'circuits/math/MulDown.circom':
    'function width(n) {\n  return n;\n}\ntemplate MulDown(N) {\n  var w = width(N);\n}\n',
  'circuits/generated/words.circom': 'template PackUnused() {\n}\n',
  'prover/index.ts': `export * from './market/index.ts'\nexport { verify } from './proof.ts'`,
  'prover/market/index.ts': `export { readPrices } from './prices.ts'`,
  'prover/market/prices.ts': `export type Price = { at: bigint }\nexport function readPrices(): Price[] {\n  return []\n}`,
  'prover/proof.ts': `export const verify = () => import('./worker.ts')`,
  'prover/worker.ts': 'export const work = 1',
  'prover/errors.ts': 'export class OffChainError extends ProverError {}',
  'scripts/build.ts': `import { builds } from '../circuits/statements/index.ts'\nexport const stage = builds`,
  'test/scripts/build.test.ts': `import { stage } from '../../scripts/build.ts'`,
}

it('accepts a tree in which everything is used', () => {
  expect(checkExports(projectOf(lean))).toEqual([])
})

it.each([
  [
    'prover/market/prices.ts',
    `${lean['prover/market/prices.ts']}\nexport const GAP = 3`,
    'prices.ts: nobody imports GAP',
  ],
  [
    'prover/market/prices.ts',
    `${lean['prover/market/prices.ts']}\nexport type Gap = 3`,
    'prices.ts: nobody imports Gap',
  ],
  ['prover/worker2.ts', `export { work } from './worker.ts'`, 'prover/worker2.ts: nobody imports work'],
  ['prover/worker2.ts', 'export class Worker {}', 'prover/worker2.ts: nobody imports Worker'],
  ['test/scripts/build.test.ts', '', 'scripts/build.ts: nobody imports stage'],
  ['circuits/math/MulUp.circom', 'template MulUp(N) {\n}\n', 'circuits/math/MulUp.circom: no build instantiates MulUp'],
  ['circuits/math/MulUp.circom', '// MulUp\nfunction up(n) {\n  return up(n - 1);\n}\n', 'no build instantiates up'],
])('refuses what %s adds for nobody', (file, text, complaint) => {
  const unused = checkExports(projectOf({ ...lean, [file]: text }))
  expect(unused).toHaveLength(1)
  expect(unused[0]).toContain(complaint)
})
