import { expect, it } from 'vitest'
import { lintCircuits } from '../../scripts/lintCircuits.ts'
import { projectOf } from './project.ts'

const inverse = (constraint: string): string => `pragma circom 2.2.3;
include "comparators.circom";
template Inverse() {
    signal input in;
    signal output out;
    signal zero <== IsZero()(in);
    zero === 0;
    out <-- 1 / in;
    ${constraint}
}
`
const complaintsAbout = (file: string, text: string): readonly string[] =>
  lintCircuits(projectOf({ [file]: text })).filter((line) => line.includes(file))

it('names a hint that is not on the list, constrained or not', () => {
  const file = 'circuits/math/Inverse.circom'
  for (const constraint of ['out * in === 1;', '']) {
    expect(complaintsAbout(file, inverse(constraint))[0]).toBe(`CS0005 ${file}: 1 found, 0 known`)
  }
})

it('names a listed finding that grew, and one that is gone', () => {
  const file = 'circuits/math/DivDown.circom'
  const twoHints = inverse('signal other <-- in \\ 2;\nother * 2 === in;\nout * in === 1;')
  expect(complaintsAbout(file, twoHints)[0]).toBe(`CS0005 ${file}: 2 found, 1 known`)
  expect(complaintsAbout(file, '')).toContain(`CS0005 ${file}: none found, 1 known; take it off the list`)
})
