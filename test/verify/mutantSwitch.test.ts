import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Chain, startChain } from '../../scripts/tools/chains/chain.ts'
import { root } from '../../scripts/tools/sources.ts'
import { hastySettings } from '../../scripts/verify/hastySettings.ts'
import { mutantsOf } from '../../scripts/verify/mutants.ts'
import { compile, NUMBER_MARK, type Sources, switchOf } from '../../scripts/verify/mutantSwitch.ts'

const file = 'contracts/Judge.sol'
const source = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Judge {
    error Refused(uint256 a);
    function judge(uint256 a, uint256 least, uint256 unit) external pure returns (uint256) {
        if (a < least) revert Refused(a);
        if (a + 1 == 7 && least != 3) return 2 * a + 1;
        return a - least * unit;
    }
}
`
const sources: Sources = (path) => (path === file ? source : readFileSync(join(root, path), 'utf8'))
const questions = [0n, 3n, 5n, 6n, 7n, 9n].flatMap((a) => [0n, 1n, 3n, 6n].map((least) => [a, least, 1n]))
const mutants = mutantsOf(source)
const switched = switchOf(file, [file], sources, mutants)

function codeOf(text: string): string {
  const { contracts } = compile({ [file]: text }, sources, { '*': ['evm.bytecode.object'] }, hastySettings)
  return contracts?.[file]?.Judge?.evm.bytecode.object ?? ''
}

const abi = [
  'function judge(uint256, uint256, uint256) pure returns (uint256)',
  'error Refused(uint256)',
  'error Panic(uint256)',
]

describe('all mutants in one contract', () => {
  let chain: Chain
  beforeAll(async () => {
    chain = await startChain()
  })

  async function answersOf(code: string): Promise<readonly unknown[]> {
    const factory = new chain.ethers.ContractFactory(abi, `0x${code}`, chain.signers[0])
    const judge = (await factory.deploy()).getFunction('judge')
    return Promise.all(
      questions.map((question) => judge(...question).catch(({ data }: { readonly data: unknown }) => data)),
    )
  }

  test('each number is its mutant, and any other the source', async () => {
    expect(switched.mutants.size).toBeGreaterThan(8)
    const all = codeOf(switched.source)
    expect(await answersOf(all)).toEqual(await answersOf(codeOf(source)))
    for (const [number, mutant] of switched.mutants) {
      const chosen = all.replaceAll(NUMBER_MARK, number.toString(16).padStart(64, '0'))
      const answers = await answersOf(codeOf(mutant))
      expect({ mutant, answers: await answersOf(chosen) }).toEqual({ mutant, answers })
    }
  })
})

test('mutants that do not compile are none, and others beside them stay', () => {
  const swapped = mutants.flatMap(({ operator }, number) => (operator === 'word swapped' ? [number] : []))
  expect(swapped.length).toBeGreaterThan(0) // nothing is called greatest
  expect([...switched.mutants.keys()].sort((a, b) => a - b)).toEqual(
    [...mutants.keys()].filter((number) => !swapped.includes(number)),
  )
})
