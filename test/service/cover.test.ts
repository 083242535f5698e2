import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Cover, coverInOrder } from '../../prover/service/daemon/accounts/cover.ts'
import type { Strikes } from '../../prover/service/daemon/accounts/roundPrices.ts'

const EXPIRY = 1_770_451_200n
const held = (...strikes: readonly number[]) => strikes.map((strike) => ({ expiry: EXPIRY, strikeE8: BigInt(strike) }))
const array = (...strikes: readonly number[]) => ({ expiry: EXPIRY, strikesE8: strikes.map(BigInt) })

/** As they were in force when a registry refused an account that nothing else was wrong with. */
const [wide, between] = [array(56, 67, 70, 74, 81), array(60, 63, 78, 78, 78)]
const account = held(56, 60, 63, 67, 78, 81)

it('S51: an account whose strikes lie in turn in two arrays takes arrays of its own, and then these', () => {
  const { arrays, missing } = coverInOrder([account], [wide, between], [], 5)
  expect(missing).toEqual([array(56, 60, 63, 67, 78), array(81, 81, 81, 81, 81)])
  expect(arrays).toEqual(missing)
  const landed = coverInOrder([account], [wide, between, ...missing], [], 5)
  expect(landed.missing).toEqual([])
  expect(new Set(landed.arrays)).toEqual(new Set(missing))
})

it('S51: others keep the arrays that are there, and beside them such an account has its own proven', () => {
  const other = held(67, 70)
  expect(coverInOrder([other], [wide, between], [], 5)).toEqual({ arrays: [wide], missing: [] })
  const { missing } = coverInOrder([other, account], [wide, between], [], 5)
  expect(missing).toEqual([array(56, 60, 63, 67, 78), array(81, 81, 81, 81, 81)])
  // One after the other is no turn back.
  expect(coverInOrder([held(60, 63, 67, 70)], [wide, between], [], 5).missing).toEqual([])
})

it('S51: an array that two such accounts want is proven once, and one that is there already not again', () => {
  const own = [array(56, 60, 63, 67, 78), array(81, 81, 81, 81, 81)]
  expect(coverInOrder([account, account], [wide, between], [], 5).missing).toEqual(own)
  // Arrays that came later have its strikes in turn as well.
  const later = [array(60, 67, 78, 82, 83), array(56, 63, 81, 84, 85)]
  const { arrays, missing } = coverInOrder([account], [wide, between, ...own, ...later], [], 5)
  expect(missing).toEqual([])
  expect(new Set(arrays)).toEqual(new Set(own))
})

it('S51: nothing is proven twice, and every account comes to arrays in order, whatever the others hold', () => {
  const strikes = fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 9 })
  const book = strikes.map((each) => held(...each.toSorted((a, b) => a - b)))
  fc.assert(
    fc.property(
      fc.array(book, { minLength: 1, maxLength: 4 }),
      fc.array(book, { maxLength: 3 }),
      (accounts, before) => {
        const atHand: Strikes[] = []
        const keys = () => atHand.map(({ strikesE8 }) => strikesE8.join())
        const land = ({ missing }: Cover) => {
          atHand.push(...missing)
          expect(new Set(keys()).size).toBe(atHand.length)
        }
        for (const each of before) land(coverInOrder([each], atHand, accounts.flat(), 5))
        land(coverInOrder(accounts, atHand, before.flat(), 5))
        for (const each of accounts) land(coverInOrder([each], atHand, before.flat(), 5))
        for (const each of accounts) {
          const { arrays, missing } = coverInOrder([each], atHand, [], 5)
          expect(missing).toEqual([])
          const met = each.map(({ strikeE8 }) => arrays.findIndex(({ strikesE8 }) => strikesE8.includes(strikeE8)))
          expect(met).not.toContain(-1)
          const turns = met.filter((at, i) => at !== met[i - 1])
          expect(new Set(turns).size).toBe(turns.length)
        }
      },
    ),
    // A history in which what the second account has proven put the first one out of order.
    {
      numRuns: 2_000,
      examples: [
        [
          [held(4, 6, 8, 9, 11, 12), held(1, 4, 5, 8)],
          [held(1, 2, 3, 7, 11, 13, 14), held(4, 5, 6, 7, 8, 9, 11, 12)],
        ],
      ],
    },
  )
})
