import { describe, expect, test } from 'vitest'
import type { Constraint, Sum } from '../../scripts/tools/circuits/r1cs.ts'
import { unfold } from '../../scripts/verify/uniqueness/unfolded.ts'

/** Coefficients by wire; 0 is the constant 1. */
type Terms = Readonly<Record<number, number>>

const sum = (terms: Terms): Sum => ({
  wires: Object.keys(terms).map(Number),
  coefficients: Object.values(terms).map(BigInt),
})
const row = (a: Terms, b: Terms, c: Terms): Constraint => [sum(a), sum(b), sum(c)]

/** x·y = z, with labels 11, 12 and 13. */
const keys = { constraints: [row({ 1: 1 }, { 2: 1 }, { 3: 1 })], labels: [0, 11, 12, 13] }

/** Which of these follow where x, y, z are wires 1, 2, 3, and wire 4 is what the compiler took out. */
const followingOf = (constraints: readonly Constraint[], takenOut: Readonly<Record<string, string>> = {}) =>
  unfold(keys, { constraints, labels: [0, 11, 12, 13, 14] }, { 14: takenOut }, []).rows

describe('M27: a constraint follows from those that keys are made for, or proofs do without', () => {
  test.each<[string, Constraint, Constraint]>([
    ['a multiple', row({ 1: 2 }, { 2: 3 }, { 3: 6 }), row({ 1: 2 }, { 2: 3 }, { 3: 5 })],
    ['factors the other way round', row({ 2: 1 }, { 1: -1 }, { 3: -1 }), row({ 2: 1 }, { 1: -1 }, { 3: 1 })],
    ['a constant', row({ 1: 1 }, { 2: 1 }, { 3: 1 }), row({ 1: 1 }, { 2: 1 }, { 0: 1, 3: 1 })],
    ['another wire', row({ 1: 1 }, { 2: 1 }, { 3: 1 }), row({ 1: 1 }, { 1: 1 }, { 3: 1 })],
    ['the constraint of no wire', row({}, {}, {}), row({}, {}, { 0: 1 })],
  ])('%s', (_, does, doesNot) => {
    expect(followingOf([does, doesNot])).toEqual([0])
  })

  test('what the compiler took out is a sum of wires, of this one and no other', () => {
    const linear = row({}, {}, { 1: 2, 3: 1, 0: 5, 4: -1 })
    const product = row({ 4: 1, 1: -2, 0: -5 }, { 0: 7 }, { 3: 7 })
    expect(followingOf([linear, product], { 0: '5', 11: '2', 13: '1' })).toEqual([0, 1])
    expect(followingOf([linear, product], { 0: '5', 11: '2', 13: '2' })).toEqual([])
    expect(followingOf([linear, product])).toEqual([])
  })

  test('without one that keys are made for, no other takes its place', () => {
    const unfolded = { constraints: keys.constraints, labels: keys.labels }
    expect(unfold(keys, unfolded, {}, []).rows).toEqual([0])
    expect(unfold({ ...keys, constraints: [] }, unfolded, {}, []).rows).toEqual([])
  })

  test('an input without a wire is the wire that it equals', () => {
    const unfolded = { constraints: [], labels: keys.labels }
    expect(unfold(keys, unfolded, {}, [12]).inputs).toEqual([2])
    expect(unfold(keys, unfolded, { 20: { 13: '1' } }, [20]).inputs).toEqual([3])
    expect(unfold(keys, unfolded, { 20: { 13: '2' } }, [20]).inputs).toEqual([])
    expect(unfold(keys, unfolded, {}, [20]).inputs).toEqual([])
  })
})
