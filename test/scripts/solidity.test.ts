import { createRequire } from 'node:module'
import type { CompilerInput, CompilerOutput } from 'hardhat/types/solidity'
import { expect, it } from 'vitest'
import { compileInParts, ownContractsOnly, partsOf } from '../../scripts/tools/solidity.ts'

const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }

/** Long enough to be a part of its own. */
const padding = `// ${'-'.repeat(20_000)}`
const header = '// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n'
const sources = {
  'npm/base@1.0.0/Base.sol': `${header}contract Base { uint256 public count; function add(uint256 a) public { count += a; } }`,
  'project/contracts/First.sol': `${header}import "npm/base@1.0.0/Base.sol";
contract First is Base { function twice(uint256 a) external { add(2 * a); } }
${padding}`,
  'project/contracts/Second.sol': `${header}import "npm/base@1.0.0/Base.sol";
contract Second { function make() external returns (Base) { return new Base(); } }
${padding}`,
  'project/contracts/IThird.sol': `${header}interface IThird { function third() external; }`,
}

/** As Hardhat asks for it. */
const input: CompilerInput = {
  language: 'Solidity',
  sources: Object.fromEntries(Object.entries(sources).map(([file, content]) => [file, { content }])),
  settings: {
    evmVersion: 'cancun',
    viaIR: true,
    optimizer: { enabled: true, runs: 200 },
    remappings: [],
    outputSelection: {
      '*': {
        '': ['ast'],
        '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.methodIdentifiers'],
      },
    },
  },
}

it('compiles in parts to what the compiler makes of all at once', async () => {
  const whole = JSON.parse(solc.compile(JSON.stringify(input))) as CompilerOutput
  const own = ownContractsOnly(input)
  expect(partsOf(own, 4)).toHaveLength(3)
  for (const most of [1, 4]) {
    const merged = await compileInParts(own, most)
    expect(merged.sources).toEqual(whole.sources)
    for (const file of Object.keys(sources).filter((name) => name.startsWith('project/'))) {
      expect(merged.contracts?.[file], file).toMatchObject(whole.contracts?.[file] ?? {})
    }
    expect(merged.contracts?.['project/contracts/Second.sol']?.Second?.evm?.bytecode?.object).toMatch(/^60/)
  }
})

it('knows of other people’s contracts what it knows of abstract ones', async () => {
  const { contracts } = await compileInParts(ownContractsOnly(input), 2)
  const base = contracts?.['npm/base@1.0.0/Base.sol']?.Base
  expect(base?.abi).toHaveLength(2)
  expect([base?.evm?.bytecode?.object, base?.evm?.deployedBytecode?.object]).toEqual(['', ''])
})

it('says each mistake once', async () => {
  const wrong = { ...sources, 'project/contracts/IThird.sol': `${header}interface IThird { function third() }` }
  const broken = {
    ...input,
    sources: Object.fromEntries(Object.entries(wrong).map(([file, content]) => [file, { content }])),
  }
  const { errors } = await compileInParts(ownContractsOnly(broken), 4)
  expect(errors?.map(({ type, severity }) => [type, severity])).toEqual([['ParserError', 'error']])
})
