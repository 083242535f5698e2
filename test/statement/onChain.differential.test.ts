import type { Contract } from 'ethers'
import { concat, toBeHex, keccak256 } from 'ethers'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import { evaluate } from '../../prover/statement/challenge.ts'
import { expectRevert } from '../reverts.ts'
import { startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

/** Makes the library's functions callable. */
const harness = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {Statement} from "contracts/statement/Statement.sol";
import {PortfolioStatement} from "contracts/statement/PortfolioStatement.sol";
contract Statements {
    function challenge(uint256[] memory words) external pure returns (uint256) { return Statement.challenge(words); }
    function evaluation(uint256[] memory words, uint256 first, uint256 point) external pure returns (uint256) {
        return Statement.evaluation(words, first, point);
    }
    error StatementIncomplete(uint256 words, uint256 expected);
    error StatementWordOutOfRange(uint256 index, uint256 word, uint256 limit);
    function transcript(uint256 count, uint256[] calldata one, uint256[] calldata all) external view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory open = PortfolioStatement.open("layout", "model", "subject", 7, count);
        for (uint256 i = 0; i < one.length; ++i) PortfolioStatement.put(open, one[i]);
        PortfolioStatement.putList(open, all);
        return PortfolioStatement.close(open);
    }
    function run(uint256 count, uint256[] calldata one, uint256[] calldata all) external view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory open = PortfolioStatement.open("layout", "model", "subject", 7, count);
        for (uint256 i = 0; i < one.length; ++i) PortfolioStatement.put(open, one[i]);
        uint256 first;
        assembly { first := all.offset }
        PortfolioStatement.putRun(open, first, all.length);
        return PortfolioStatement.close(open);
    }
    function repeated(uint256 count, uint256 word, uint256 times, uint256[] calldata roots) external view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory open = PortfolioStatement.open("layout", "model", "subject", 7, count);
        PortfolioStatement.putRepeated(open, word, times);
        PortfolioStatement.putRoots(open, roots);
        return PortfolioStatement.close(open);
    }
}`

let statements: Contract

beforeAll(async () => {
  const chain = await startChain()
  statements = await chain.deploy(compileContract('Statements', harness))
})

const word = fc.bigInt({ min: 0n, max: (1n << 248n) - 1n })

describe('the contract computes as the prover does', () => {
  test('R14: the evaluation, of any number of words at any point', async () => {
    const vectors = fc.tuple(fc.array(word, { maxLength: 70 }), fc.nat(12), word)
    await fc.assert(
      fc.asyncProperty(vectors, async ([words, header, point]) => {
        const transcript = [...Array.from({ length: header }, (_, i) => BigInt(i) << 250n), ...words]
        const found = await statements.getFunction('evaluation')(transcript, header, point)
        expect(found).toBe(evaluate(words, point))
      }),
      { numRuns: 300 },
    )
  })

  test('R14: the evaluation of every length up to three runs of the unrolled loop', async () => {
    const point = (1n << 248n) - 5n
    for (let length = 0; length <= 25; length++) {
      const words = Array.from({ length }, (_, i) => (1n << 247n) + BigInt(i))
      expect(await statements.getFunction('evaluation')(words, 0, point)).toBe(evaluate(words, point))
    }
  })

  test('R14: the challenge, over every word', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 70 }), async (words) => {
        const preimage = concat(words.map((value) => toBeHex(value, 32)))
        const found = await statements.getFunction('challenge')(words)
        expect(found).toBe(BigInt(keccak256(preimage)) >> 8n)
      }),
      { numRuns: 100 },
    )
  })
})

describe('R25: the transcript of a statement about portfolios', () => {
  type Call = (count: bigint, one: readonly bigint[], all: readonly bigint[]) => Promise<readonly bigint[]>
  const calls: readonly (readonly [string, Call])[] = (['transcript', 'run'] as const).map((method) => [
    method === 'run' ? 'from calldata' : 'from memory',
    (count, one, all) => statements.getFunction(method)(count, one, all),
  ])
  const refuses = (call: Promise<unknown>, error: string, args: readonly bigint[]) =>
    expectRevert(call, statements, error, args)

  test.each(calls)('takes as many words as the statement has, one at a time or many, %s', async (_, transcript) => {
    const [commitment, evaluation, point = 0n] = await transcript(3n, [1n], [2n, 3n])
    expect([commitment, evaluation]).toEqual([7n, evaluate([1n, 2n, 3n], point)])
    for (const [one, all] of [
      [[1n, 2n, 3n], []],
      [[], [1n, 2n, 3n]],
    ] as const) {
      expect([...(await transcript(3n, one, all))]).toEqual([commitment, evaluation, point])
    }
  })

  test.each(calls)('takes no fewer and no more, %s', async (_, transcript) => {
    await refuses(transcript(3n, [1n], [2n]), 'StatementIncomplete', [2n, 3n])
    await refuses(transcript(3n, [1n, 2n, 3n, 4n], []), 'StatementIncomplete', [4n, 3n])
    await refuses(transcript(3n, [1n], [2n, 3n, 4n]), 'StatementIncomplete', [2n, 3n])
  })

  test.each(calls)('takes words up to their limit, %s', async (_, transcript) => {
    const limit = 1n << 248n
    await transcript(4n, [limit - 1n], [limit - 1n, 0n, limit - 1n])
    await refuses(transcript(2n, [limit], [1n]), 'StatementWordOutOfRange', [0n, limit, limit])
    for (const at of [0, 1, 2]) {
      const words = [1n, 2n, 3n].with(at, limit)
      await refuses(transcript(4n, [1n], words), 'StatementWordOutOfRange', [BigInt(at) + 1n, limit, limit])
    }
  })

  test('takes one word several times, and roots up to the order of the field', async () => {
    const repeated = (count: bigint, times: bigint, roots: readonly bigint[]) =>
      statements.getFunction('repeated')(count, 5n, times, roots)
    const greatest = SCALAR_FIELD_ORDER - 1n
    const [commitment, evaluation, point] = await repeated(5n, 3n, [1n, greatest])
    expect([commitment, evaluation]).toEqual([7n, evaluate([5n, 5n, 5n, 1n, greatest], point)])
    await refuses(repeated(2n, 3n, []), 'StatementIncomplete', [1n, 2n])
    const tooLarge = [2n, greatest + 1n, greatest + 1n]
    await refuses(repeated(4n, 1n, [1n, greatest + 1n, 2n]), 'StatementWordOutOfRange', tooLarge)
  })
})
