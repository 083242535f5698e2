import { describe, expect, test } from 'vitest'
import { mathMains } from '../../scripts/tools/mains/math.ts'
import { compileForProof } from '../../scripts/verify/uniqueness/compiled.ts'
import { proveUnique } from '../../scripts/verify/uniqueness/prove.ts'
import {
  bits,
  least,
  leastOfOthers,
  normalisation,
  quotient,
  root,
  sign,
  thirds,
  weekDay,
  zeroTest,
} from './gadgets.ts'
import type { Gadget } from './smallField.ts'

describe('M26: outputs of templates are unique in their inputs', () => {
  test.each(mathMains.map(({ name, source }) => [name, source] as const))('%s', async (name, source) => {
    const { circuit, outputs, nameOf } = await compileForProof(source, name)
    const { left } = proveUnique(circuit, outputs)
    expect(left.map(nameOf)).toEqual([])
    expect(outputs.length).toBeGreaterThan(0)
  })
})

/** A gadget that is right, and ways to make it wrong, by lemma. */
const cases: readonly (readonly [lemma: string, right: Gadget, wrong: Readonly<Record<string, Gadget>>])[] = [
  [
    'mixed radix',
    bits(17, 4),
    { 'a bit that is unchecked': bits(17, 4, { unchecked: true }), 'one bit more than the order has': bits(17, 5) },
  ],
  ['mixed radix', weekDay(23), { 'a day that may be 7': weekDay(23, { sevenMayBe: true }) }],
  [
    'mixed radix',
    weekDay(23, { named: true }),
    { 'a day of its own that may be 7': weekDay(23, { named: true, sevenMayBe: true }) },
  ],
  ['zero test', zeroTest(7), { 'without its second row': zeroTest(7, { half: true }) }],
  ['mixed radix', thirds(11), { 'two bits that may both be set': thirds(11, { bothMayBe: true }) }],
  [
    'quotient and remainder',
    quotient(31),
    {
      'a remainder above the divisor': quotient(31, { unbounded: true }),
      'a quotient without bound': quotient(31, { loose: true }),
      'a quotient that wraps around': quotient(31, { quotientBits: 4 }),
      'rounded up, without bound of the rest': quotient(31, { up: true, unbounded: true }),
    },
  ],
  ['quotient and remainder', quotient(31, { up: true }), {}],
  ['square root', root(67), { 'a rest above twice the root': root(67, { unbounded: true }) }],
  ['square root', root(79, { up: true }), { 'rounded up, without bound': root(79, { up: true, unbounded: true }) }],
  ['square root', root(67), { 'squares that wrap around': root(11, { restBits: 3 }) }],
  ['sign', sign(17), { 'numbers that reach around the order': sign(13, { width: 3 }) }],
  ['normalisation', normalisation(67), { 'a mantissa of two powers': normalisation(67, { width: 3 }) }],
  ['normalisation', normalisation(67), { 'products that wrap around': normalisation(11) }],
  [
    'normalisation',
    normalisation(67, { named: true }),
    { 'a mantissa of two powers, with factors of their own': normalisation(67, { named: true, width: 3 }) },
  ],
  [
    'selector',
    least(11, { named: true }),
    {
      'any of equals, with a least one of its own': least(11, { named: true, anyOfEquals: true }),
      'differences that wrap around, with a least one of its own': least(5, { named: true, spreadBits: 3 }),
    },
  ],
  [
    'selector',
    leastOfOthers(11),
    {
      'any of equals, others closed up': leastOfOthers(11, { anyOfEquals: true }),
      'differences that wrap around, others closed up': leastOfOthers(5, { spreadBits: 3 }),
    },
  ],
  [
    'selector',
    least(17),
    { 'any of equals': least(17, { anyOfEquals: true }), 'differences that wrap around': least(5, { spreadBits: 3 }) },
  ],
]

describe('M27: a lemma holds for its gadget and not for one that lacks a premise', () => {
  for (const [index, [lemma, right, wrong]] of cases.entries()) {
    test(`${lemma}, ${index}: proved, and so it is`, () => {
      expect(right.lemmas).toContain(lemma)
      expect(right.isProved).toBe(true)
      expect(right.counterexample()).toBeUndefined()
    })
    test.each(Object.entries(wrong))(`${lemma}, ${index}: %s is not proved, and has two witnesses`, (_, gadget) => {
      expect(gadget.isProved).toBe(false)
      expect(gadget.counterexample()).toBeDefined()
    })
  }

  test('whatever the sizes, nothing is proved that has two witnesses', () => {
    let proved = 0
    for (const order of [5, 7, 11, 13, 17, 19, 23, 29, 31]) {
      const gadgets = [
        ...[2, 3, 4, 5].map((count) => bits(order, count)),
        ...[1, 2, 3].flatMap((quotientBits) =>
          [1, 2].flatMap((remainderBits) =>
            [true, false].map((up) => quotient(order, { quotientBits, remainderBits, up })),
          ),
        ),
        ...[1, 2, 3].flatMap((restBits) => [true, false].map((up) => root(order, { restBits, up }))),
        ...[1, 2, 3, 4].map((width) => sign(order, { width })),
        ...[1, 2, 3, 4, 5].flatMap((from) =>
          [1, 2, 3].flatMap((width) =>
            [true, false].map((named) => normalisation(order, { least: from, width, named })),
          ),
        ),
        weekDay(order),
        weekDay(order, { named: true }),
        thirds(order),
        ...(order < 14
          ? [1, 2].flatMap((spreadBits) => [least(order, { spreadBits }), leastOfOthers(order, { spreadBits })])
          : []),
        zeroTest(order),
      ]
      for (const gadget of gadgets.filter(({ isProved }) => isProved)) {
        expect(gadget.counterexample()).toBeUndefined()
        proved++
      }
    }
    expect(proved).toBeGreaterThan(100)
  })
})
