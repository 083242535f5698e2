import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { mutantsOf } from '../../scripts/verify/mutants.ts'

const sourceOf = (body: string) => `import {A} from "./A.sol"; // a < b
contract C {
    uint256 private constant LIMIT = 2 + 3;
    /// @notice Whether a < b.
    function f(uint256 a, uint256 b) private pure returns (bool) {
${body}
    }
}
`
const mutationsOf = (body: string) =>
  mutantsOf(sourceOf(body)).map(({ operator, before, after, line }) => [operator, before, after, line])

describe('mutants of Solidity', () => {
  test.each([
    ['        return a < b;', [['comparison', '<', '<=', 6]]],
    ['        return a == b;', [['comparison', '==', '!=', 6]]],
    [
      '        b = a + 1;',
      [
        ['arithmetic', '+', '-', 6],
        ['one more', '1', '2', 6],
      ],
    ],
    [
      '        return (!a && b);',
      [
        ['connective', '&&', '||', 6],
        ['negation', '!', '', 6],
      ],
    ],
    ['        _check(a, b);', [['call removed', '_check(a, b);', '', 6]]],
    ['        return\n            _within(a, b);', []],
    ['        return least;', [['word swapped', 'least', 'greatest', 6]]],
    ['        return p.boundFloorX16();', [['field swapped', 'Floor', 'Ceiling', 6]]],
    ['        uint256 c = a;\n        // a < b\n        return c;', []],
  ])('of %s', (body, mutations) => {
    expect(mutationsOf(body)).toEqual(mutations)
  })

  test('a refusal goes with its condition, and its comparison is turned besides', () => {
    expect(mutationsOf('        if (a > b) revert Above(a, b);')).toEqual([
      ['comparison', '>', '>=', 6],
      ['refusal removed', 'if (a > b) revert Above(a, b);', '', 6],
    ])
  })

  test('a mutant differs in its place alone', () => {
    const [mutant] = mutantsOf(sourceOf('        return a < b;'))
    expect(mutant?.source).toBe(sourceOf('        return a <= b;'))
  })

  test('every call of the guard-rails has a mutant without it', () => {
    const source = readFileSync(join(root, 'contracts/registry/GuardRails.sol'), 'utf8')
    const removed = mutantsOf(source).filter(({ operator }) => operator === 'call removed')
    expect(removed.map(({ before }) => /\w+/.exec(before)?.[0])).toEqual(
      expect.arrayContaining([
        '_checkAgreement',
        '_checkLoanToValue',
        '_checkRanges',
        '_checkSpeeds',
        '_checkMaintenanceMargin',
      ]),
    )
  })
})
