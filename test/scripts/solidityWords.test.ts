/** Words in Solidity: of types of their own, which the compiler tells apart; and nothing that no contract uses. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { filesBelow, root } from '../../scripts/tools/sources.ts'
import { expectRevert } from '../reverts.ts'

const putShared = (first: string, second: string): string => `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {MarketRiskFrame} from "contracts/generated/MarketRiskFrame.sol";
import {LearningPolicyWord, MarginPolicyWord} from "contracts/generated/Words.sol";
contract Shared {
    function put(LearningPolicyWord learning, MarginPolicyWord margin) external pure returns (uint256 first, uint256 second) {
        uint256[2] memory words;
        uint256 place;
        assembly ("memory-safe") { place := words }
        MarketRiskFrame.putShared(place, ${first}, ${second});
        return (words[0], words[1]);
    }
}`

it('puts words in the order of the declaration', async () => {
  const shared = await (await startChain()).deploy(compileContract('Shared', putShared('learning', 'margin')))
  expect(await shared.getFunction('put')(5n, 7n)).toEqual([5n, 7n])
})

it.each([
  [
    'a learning word where a margin word belongs',
    'learning',
    'learning',
    'from LearningPolicyWord to MarginPolicyWord',
  ],
  ['two words in each other’s place', 'margin', 'learning', 'from MarginPolicyWord to LearningPolicyWord'],
  ['a number where a word belongs', '5', 'margin', 'from int_const 5 to LearningPolicyWord'],
])('the compiler refuses %s', (_, first, second, conversion) => {
  expect(() => compileContract('Shared', putShared(first, second))).toThrow(conversion)
})

const packer = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ObservationElement, packObservation, packScore, ScoreWord} from "contracts/generated/Words.sol";
contract Packer {
    error FieldOutOfRange(string field, uint256 value);
    function observation(uint256[] calldata v) external pure returns (ObservationElement) {
        return packObservation(v[0], v[1], v[2], v[3]);
    }
    function score(uint256[] calldata v) external pure returns (ScoreWord) { return packScore(v[0], v[1], v[2]); }
}`

const packed = {
  observation: { priceE8: 48n, asOf: 32n, impliedVolatilityX16: 20n, rangeCode: 12n },
  score: { predictions: 32n, lossDownX44: 100n, lossUpX44: 100n },
} as const

it('packs fields up to their widths, and refuses each that is wider', async () => {
  const contract = await (await startChain()).deploy(compileContract('Packer', packer))
  for (const [word, widths] of Object.entries(packed)) {
    const greatest = Object.values(widths).map((width) => 2n ** width - 1n)
    const bits = Object.values(widths).reduce((sum, width) => sum + width, 0n)
    expect(await contract.getFunction(word)(greatest)).toBe(2n ** bits - 1n)
    for (const [i, field] of Object.keys(widths).entries()) {
      const wide = (greatest[i] as bigint) + 1n
      const call = contract.getFunction(word)(greatest.with(i, wide))
      await expectRevert(call, contract, 'FieldOutOfRange', [field, wide])
    }
  }
})

type Node = {
  readonly nodeType?: string
  readonly id?: number
  readonly name?: string
  readonly constant?: boolean
  readonly referencedDeclaration?: number
}

/** All nodes of syntax trees. */
function nodesOf(tree: unknown): readonly Node[] {
  if (typeof tree !== 'object' || tree === null) return []
  return [tree as Node, ...Object.values(tree).flatMap(nodesOf)]
}

it('generates nothing that nothing uses', () => {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string, callbacks: object): string }
  const contentOf = (path: string) => ({ content: readFileSync(join(root, path), 'utf8') })
  // Properties of the machine-checked sort are no users: they are written for what there is.
  const scripts = filesBelow('scripts', '.sol').filter((file) => !file.startsWith('scripts/verify/'))
  const files = [...filesBelow('contracts', '.sol'), ...scripts]
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((file) => [file, contentOf(file)])),
    settings: { outputSelection: { '*': { '': ['ast'] } } },
  }
  const fromPackages = (path: string) => ({ contents: contentOf(join('node_modules', path)).content })
  const { sources } = JSON.parse(solc.compile(JSON.stringify(input), { import: fromPackages })) as {
    readonly sources: Readonly<Record<string, { readonly ast: unknown }>>
  }
  const used = new Set(nodesOf(sources).map(({ referencedDeclaration }) => referencedDeclaration))
  const generated = Object.entries(sources)
    .filter(([file]) => file.startsWith('contracts/generated/'))
    .flatMap(([, { ast }]) => nodesOf(ast))
    .filter(
      ({ nodeType = '', constant }) =>
        ['FunctionDefinition', 'UserDefinedValueTypeDefinition'].includes(nodeType) || constant === true,
    )
  expect(generated.length).toBeGreaterThan(50)
  expect(generated.filter(({ id }) => !used.has(id)).map(({ name }) => name)).toEqual([])
})
