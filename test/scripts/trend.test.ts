import { describe, expect, it } from 'vitest'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Measured, trendOf } from '../../scripts/tools/live/trend.ts'

const HOUR_OF_SAMPLES = 360

/** An hour of a process at 200 MB, which grows by so many an hour; each step up or down stays for a while. */
function memory(seed: bigint, slope: number, staying: number): readonly Measured[] {
  const random = new Random(seed)
  let apart = 0
  return Array.from({ length: HOUR_OF_SAMPLES }, (_, i) => {
    const at = i / HOUR_OF_SAMPLES
    apart = staying * apart + Number(random.below(2_001n)) / 1000 - 1
    return { at, value: 200 + slope * at + apart }
  })
}

const seeds = Array.from({ length: 200 }, (_, i) => BigInt(i + 1))

describe('a trend', () => {
  it('is the line itself where there is nothing else', () => {
    const { mean, slope, error } = trendOf(Array.from({ length: 50 }, (_, i) => ({ at: i, value: 3 + 2 * i })))
    expect([mean, slope]).toEqual([52, 2])
    expect(error).toBeCloseTo(0, 9)
  })

  it('of what stays the same rarely rises by more than twice its error, though measurements resemble each other', () => {
    for (const staying of [0, 0.9]) {
      const far = seeds.filter((seed) => {
        const { slope, error } = trendOf(memory(seed, 0, staying))
        return slope > 2 * error
      })
      expect(far.length).toBeLessThan(0.15 * seeds.length)
    }
  })

  it('of what grows by a hundredth an hour is further than that from level, and of three times that above the limit', () => {
    const seen = (slope: number, least: number): number =>
      seeds.filter((seed) => {
        const { slope: found, error } = trendOf(memory(seed, slope, 0.5))
        return found - 2 * error > least
      }).length
    expect(seen(2, 0)).toBe(seeds.length)
    expect(seen(6, 2)).toBe(seeds.length)
  })

  it('has a larger error where measurements resemble each other than where they do not', () => {
    const errors = [0, 0.9].map((staying) => trendOf(memory(1n, 0, staying)).error)
    expect(errors[1]).toBeGreaterThan(3 * (errors[0] ?? 0))
  })
})
