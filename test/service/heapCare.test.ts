/** What a service keeps, told apart from what it has not collected. */
import { describe, expect, it } from 'vitest'
import { HeapCare } from '../../prover/service/daemon/heapCare.ts'

const NUMBERS = 4_000_000
const BYTES = 8 * NUMBERS

describe('the care for the heap', () => {
  it('S49: tells what is kept, not what was let go, and gives the process nothing else', async () => {
    const care = new HeapCare()
    try {
      expect(care.live).toBeUndefined()
      await care.run()
      const before = care.live?.data ?? Number.NaN
      // Doubles of the heap, not of a buffer beside it.
      const kept = { numbers: Array.from({ length: NUMBERS }, (_, i) => i + 0.5) as readonly number[] }
      await care.run()
      expect((care.live?.data ?? Number.NaN) - before).toBeGreaterThan(0.9 * BYTES)
      kept.numbers = []
      await care.run()
      expect((care.live?.data ?? Number.NaN) - before).toBeLessThan(0.1 * BYTES)
      expect(globalThis).not.toHaveProperty('gc')
    } finally {
      care.close()
    }
  })

  it('S49: gives back to the system what is no longer in use', async () => {
    const care = new HeapCare()
    try {
      await care.run()
      const before = process.memoryUsage.rss()
      // It lives long enough to be moved to the old generation, where emptied pages stay.
      const kept = { lists: Array.from({ length: NUMBERS }, (_, i) => [i]) as readonly number[][] }
      const grown = process.memoryUsage.rss() - before
      expect(grown).toBeGreaterThan(2 * BYTES)
      expect(kept.lists.length).toBe(NUMBERS)
      kept.lists = []
      await care.run()
      expect(process.memoryUsage.rss() - before).toBeLessThan(0.3 * grown)
    } finally {
      care.close()
    }
  })

  it('S49: runs by itself', async () => {
    const care = new HeapCare(1)
    try {
      await expect.poll(() => care.live?.code, { timeout: 60_000 }).toBeGreaterThan(0)
    } finally {
      care.close()
    }
  })
})
