import type { Contract } from 'ethers'
import { concat, toBeHex, keccak256 } from 'ethers'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { evaluate } from '../../prover/statement/challenge.ts'
import { startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

/** Makes the library's functions callable. */
const harness = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {Statement} from "contracts/statement/Statement.sol";
contract Statements {
    function challenge(uint256[] memory words) external pure returns (uint256) { return Statement.challenge(words); }
    function evaluation(uint256[] memory words, uint256 first, uint256 point) external pure returns (uint256) {
        return Statement.evaluation(words, first, point);
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
