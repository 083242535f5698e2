import { expect, it } from 'vitest'
import { checkStages } from '../../scripts/checkStages.ts'
import { projectOf } from './project.ts'

const orderly = {
  'circuits/statements/index.ts': '',
  'circuits/math/MulDown.circom': 'include "bitify.circom";',
  'circuits/volatility/Ewma.circom': 'include "../math/MulDown.circom";',
  'circuits/parameters/Margin.circom':
    'include "volatility/Ewma.circom";\ninclude "generated/words/Parameters.circom";',
  'circuits/generated/words/Parameters.circom': 'include "../../math/MulDown.circom";',
  'circuits/statement/Commitment.circom': '',
  'circuits/generated/frames/MarketRiskFrame.circom': 'include "../../statement/Commitment.circom";',
  'contracts/market/Inbox.sol': 'import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";',
  'contracts/registry/RiskRegistry.sol': 'import {Inbox} from "../market/Inbox.sol";',
  'prover/errors.ts': '',
  'prover/market/files.ts': `export function parent(): string {\n  return join(folder, '..')\n}`,
  'prover/math/ln.ts': `import { ProverError } from '../errors.ts'`,
  'prover/statement/words.ts': `import { statements } from '../../circuits/statements/index.ts'\nexport * from '../math/ln.ts'`,
  'prover/registry/chain.ts': '',
  'prover/registry/index.ts': `export * from './market/client.ts'\nexport * from './portfolio/client.ts'`,
  'prover/registry/market/client.ts': `import { ask } from '../chain.ts'`,
  'prover/registry/portfolio/client.ts': `import { ask } from '../chain.ts'\nimport { words } from '../../market/files.ts'`,
  'prover/audit/models.ts': `import { modelSizes } from '../registry/portfolio/client.ts'`,
  'prover/index.ts': `export * from './statement/words.ts'`,
  'scripts/bench.ts': `import { words } from '../prover/statement/words.ts'\nimport { Random } from './tools/random.ts'`,
  'test/system/whole.test.ts': `import { Random } from '../../scripts/tools/random.ts'`,
}

it('accepts a tree whose imports point backwards', () => {
  expect(checkStages(projectOf(orderly))).toEqual([])
})

it.each([
  ['prover/math/ln.ts', `import { words } from '../statement/words.ts'`, 'statement comes after math'],
  ['prover/math/ln.ts', `import {\n  words,\n} from '../statement/words.ts'`, 'statement comes after math'],
  ['prover/math/ln.ts', `import type Words, { word } from '../statement/words.ts'`, 'statement comes after math'],
  ['prover/math/ln.ts', `import '../statement/words.ts'`, 'statement comes after math'],
  ['prover/math/ln.ts', `export type { Words } from '../statement/words.ts'`, 'statement comes after math'],
  ['prover/math/ln.ts', `const words = await import('../statement/words.ts')`, 'statement comes after math'],
  ['prover/math/ln.ts', `fork(new URL('../proof/worker.ts', import.meta.url))`, 'proof comes after math'],
  ['prover/math/ln.ts', `import { all } from '../index.ts'`, 'stands above the stages'],
  ['prover/math/ln.ts', `import { builds } from '../../scripts/build.ts'`, 'no part of the product'],
  ['prover/math/ln.ts', `import { circuit } from '../../test/circuit.ts'`, 'is a test'],
  ['scripts/bench.ts', `import { startChain } from '../test/chain.ts'`, 'imports test/chain.ts, which is a test'],
  [
    'scripts/tools/parts.ts',
    `import type { Main } from '../../test/circuit.ts'`,
    'what both need is in scripts/tools/',
  ],
  ['prover/errors.ts', `import { lnDown } from './math/ln.ts'`, 'a declaration stands above every stage'],
  ['prover/registry/portfolio/client.ts', `import { ask } from '../market/client.ts'`, 'what engines share'],
  ['prover/registry/market/client.ts', `import type { Margin } from '../portfolio/client.ts'`, 'what engines share'],
  ['prover/registry/chain.ts', `import { Client } from './market/client.ts'`, 'what engines share'],
  ['circuits/math/MulDown.circom', 'include "../volatility/Ewma.circom";', 'volatility comes after math'],
  ['circuits/math/MulDown.circom', 'include "volatility/Ewma.circom";', 'volatility comes after math'],
  ['circuits/generated/words/Parameters.circom', 'include "../../volatility/Ewma.circom";', 'volatility comes after'],
  [
    'circuits/generated/words/Parameters.circom',
    'include "../../statement/Commitment.circom";',
    'statement comes after',
  ],
  ['contracts/market/Inbox.sol', 'import {R} from "../registry/RiskRegistry.sol";', 'registry comes after market'],
  ['contracts/market/Inbox.sol', 'import "../registry/RiskRegistry.sol";', 'registry comes after market'],
])('refuses %s with %s', (file, text, complaint) => {
  const violations = checkStages(projectOf({ ...orderly, [file]: text }))
  expect(violations).toHaveLength(1)
  expect(violations[0]).toContain(file)
  expect(violations[0]).toContain(complaint)
})

it.each(['prover/utils/hex.ts', 'circuits/common/bits.circom', 'contracts/helpers/Math.sol', 'test/helpers/chain.ts'])(
  'refuses the folder of %s',
  (file) => {
    const violations = checkStages(projectOf({ ...orderly, [file]: '' }))
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain('not the name of a stage')
  },
)
