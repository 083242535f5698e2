/** Codes of ranges: never below the range, above it by less than they claim, and attested even where nothing moved. */
import { expect, it } from 'vitest'
import { rangeCodeUp, rangeOfCode } from '../../prover/market/range.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

it('V3: a code is never below ln(high/low), and above it by less than 1/256 of it and 2^-22', () => {
  const random = new Random(5n)
  for (let i = 0; i < 20_000; i++) {
    const lowE8 = random.between(1n, (1n << random.between(1n, 47n)) - 1n)
    const highE8 = lowE8 + random.below(1n + ((lowE8 * random.below(6n * 1024n)) >> random.between(6n, 24n)))
    const exact = Math.log(Number(highE8) / Number(lowE8))
    const code = rangeCodeUp(highE8, lowE8)
    const range = Number(rangeOfCode(code)) / 2 ** 26
    expect(code).toBeGreaterThan(0n)
    expect(code).toBeLessThan(1n << 12n)
    if (exact >= 1.99) continue
    expect(range, `${highE8}/${lowE8}`).toBeGreaterThanOrEqual(exact - 1e-15)
    expect(range, `${highE8}/${lowE8}`).toBeLessThanOrEqual(exact * (1 + 1 / 255) + 2 ** -21)
  }
})

it('V3: a range of nothing is still attested, one beyond 1.99 is the largest, and codes keep the order of ranges', () => {
  expect(rangeCodeUp(100n, 100n)).toBe(1n)
  expect(rangeCodeUp((1n << 48n) - 1n, 1n)).toBe(0xfffn)
  expect(Number(rangeOfCode(0xfffn)) / 2 ** 26).toBeCloseTo(511 / 256, 9)
  expect(rangeOfCode(0n)).toBe(0n)
  let before = 0n
  for (let highE8 = 10n ** 8n; highE8 < 8n * 10n ** 8n; highE8 = (highE8 * 1001n) / 1000n) {
    const range = rangeOfCode(rangeCodeUp(highE8, 10n ** 8n))
    expect(range).toBeGreaterThanOrEqual(before)
    before = range
  }
})
