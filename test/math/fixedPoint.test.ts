/**
 * The exact integer operations: each result is pinned by the inequality that defines it, between integers, so the tests
 * need no other division or square root. M2 to M15 and M19.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  absoluteDifference,
  clamp,
  DivisionByZeroError,
  divDown,
  divUp,
  max,
  min,
  mulDown,
  mulUp,
  OutOfDomainError,
  saturate,
  shiftRightDown,
  shiftRightUp,
  signedMulDown,
  signedShiftRightDown,
  sqrtDown,
  sqrtUp,
  subtractOrZero,
} from '../../prover/math/index.ts'

const RUNS = { numRuns: 10_000, seed: 20_261_122 }

const number = (bits: number) =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }), fc.integer({ min: 0, max: bits }))
    .map(([value, drop]) => value >> BigInt(drop))
const fraction = fc.integer({ min: 1, max: 64 })

describe('M2 and M3: products', () => {
  it('M2: mulDown is the greatest and M3: mulUp the least number of units on its side of the product', () => {
    fc.assert(
      fc.property(number(126), number(126), fraction, (a, b, bits) => {
        const unit = 1n << BigInt(bits)
        const down = mulDown(a, b, bits)
        const up = mulUp(a, b, bits)
        expect(down * unit <= a * b && a * b < (down + 1n) * unit).toBe(true)
        expect((up - 1n) * unit < a * b && a * b <= up * unit).toBe(true)
      }),
      RUNS,
    )
  })

  it('rounds 1.5 × 2.5 as its name says', () => {
    expect(mulDown(3n, 5n, 1)).toBe(7n)
    expect(mulUp(3n, 5n, 1)).toBe(8n)
    expect(mulUp(4n, 5n, 1)).toBe(10n)
  })
})

describe('M4 to M6: shifts and saturation', () => {
  it('M4: shiftRightDown and M5: shiftRightUp enclose the quotient by one unit or none', () => {
    fc.assert(
      fc.property(number(253), fraction, (x, drop) => {
        const unit = 1n << BigInt(drop)
        const down = shiftRightDown(x, drop)
        const up = shiftRightUp(x, drop)
        expect(down * unit <= x && x <= up * unit).toBe(true)
        expect(up - down).toBe(x % unit === 0n ? 0n : 1n)
      }),
      RUNS,
    )
  })

  it('M6: saturates at the largest number of the width', () => {
    expect(saturate(255n, 8)).toBe(255n)
    expect(saturate(256n, 8)).toBe(255n)
    expect(saturate(254n, 8)).toBe(254n)
  })
})

describe('M7 and M8: quotients', () => {
  it('M7: divDown and M8: divUp enclose the quotient by one unit or none', () => {
    fc.assert(
      fc.property(number(250), number(126), (n, smaller) => {
        const d = smaller + 1n
        expect(divDown(n, d) * d <= n && n < (divDown(n, d) + 1n) * d).toBe(true)
        expect((divUp(n, d) - 1n) * d < n && n <= divUp(n, d) * d).toBe(true)
      }),
      RUNS,
    )
  })

  it('refuses a zero denominator and names the numerator', () => {
    for (const divide of [divDown, divUp]) {
      expect(() => divide(5n, 0n)).toThrow(DivisionByZeroError)
      expect(() => divide(5n, 0n)).toThrow(expect.objectContaining({ code: 'math.division-by-zero', numerator: 5n }))
    }
  })
})

describe('M9 and M10: square roots', () => {
  it('M9: sqrtDown and M10: sqrtUp are the integers whose squares enclose the number', () => {
    fc.assert(
      fc.property(number(248), (x) => {
        expect(sqrtDown(x) ** 2n <= x && x < (sqrtDown(x) + 1n) ** 2n).toBe(true)
        expect(x <= sqrtUp(x) ** 2n && (x === 0n || (sqrtUp(x) - 1n) ** 2n < x)).toBe(true)
      }),
      RUNS,
    )
  })

  it('takes squares and their neighbours exactly', () => {
    for (const root of [1n, 2n, 3n, 1n << 31n, (1n << 124n) - 1n]) {
      expect([sqrtDown(root ** 2n - 1n), sqrtDown(root ** 2n), sqrtDown(root ** 2n + 1n)]).toEqual([
        root - 1n,
        root,
        root,
      ])
      expect([sqrtUp(root ** 2n), sqrtUp(root ** 2n + 1n)]).toEqual([root, root + 1n])
    }
    expect([sqrtDown(0n), sqrtUp(0n)]).toEqual([0n, 0n])
  })
})

describe('M11 to M15: comparisons', () => {
  it('M12: min, max and clamp, M14: absoluteDifference and M15: subtractOrZero agree with their definitions', () => {
    fc.assert(
      fc.property(number(252), number(252), number(252), (a, b, c) => {
        expect(min(a, b) + max(a, b)).toBe(a + b)
        expect(max(a, b) >= a && max(a, b) >= b).toBe(true)
        expect(absoluteDifference(a, b)).toBe(max(a, b) - min(a, b))
        expect(subtractOrZero(a, b)).toBe(max(a, b) - b)
        const [low, high] = [min(b, c), max(b, c)]
        expect(clamp(a, low, high)).toBe([a, low, high].toSorted((x, y) => (x < y ? -1 : 1))[1])
      }),
      RUNS,
    )
  })

  it('clamps to the ceiling where floor and ceiling cross', () => {
    expect(clamp(5n, 9n, 7n)).toBe(7n)
  })
})

describe('M19: signed numbers', () => {
  const signed = fc.tuple(number(120), fc.boolean()).map(([value, negative]) => (negative ? -value : value))

  it('round towards minus infinity', () => {
    expect(signedShiftRightDown(-1n, 4)).toBe(-1n)
    expect(signedShiftRightDown(-16n, 4)).toBe(-1n)
    expect(signedShiftRightDown(-17n, 4)).toBe(-2n)
    fc.assert(
      fc.property(signed, signed, fraction, (a, b, bits) => {
        const product = signedMulDown(a, b, bits)
        const unit = 1n << BigInt(bits)
        expect(product * unit <= a * b && a * b < (product + 1n) * unit).toBe(true)
      }),
      RUNS,
    )
  })
})

describe('the domain of unsigned operations', () => {
  it.each([
    ['mulDown', () => mulDown(-1n, 1n, 1)],
    ['mulUp', () => mulUp(1n, -1n, 1)],
    ['shiftRightDown', () => shiftRightDown(-1n, 1)],
    ['shiftRightUp', () => shiftRightUp(-1n, 1)],
    ['divDown', () => divDown(-1n, 1n)],
    ['divUp', () => divUp(1n, -1n)],
    ['sqrtDown', () => sqrtDown(-1n)],
    ['sqrtUp', () => sqrtUp(-1n)],
    ['min', () => min(-1n, 1n)],
    ['max', () => max(-1n, 1n)],
    ['absoluteDifference', () => absoluteDifference(-1n, 1n)],
    ['subtractOrZero', () => subtractOrZero(1n, -1n)],
  ])('%s refuses a negative number and says which', (operation, attempt) => {
    expect(attempt).toThrow(OutOfDomainError)
    expect(attempt).toThrow(expect.objectContaining({ code: 'math.out-of-domain', operation, value: -1n }))
  })
})
