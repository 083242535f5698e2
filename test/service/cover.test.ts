import { expect, it } from 'vitest'
import { coverInOrder } from '../../prover/service/daemon/accounts/cover.ts'

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
