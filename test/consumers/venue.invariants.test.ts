/**
 * Whatever accounts do at the venue, in whatever order: its cash is its tokens, its positions sum to nothing, the registry knows what it
 * says, and everybody has what a model of the accounts says (VenueSequences.sol).
 *
 * VENUE_RUNS and VENUE_STEPS say how many sequences of how many requests, VENUE_SEED which; `npm run campaign:venue` has 10,000 of 64.
 */
import { describe, expect, test } from 'vitest'
import { runSequences } from './venueSequences.ts'

const runs = Number(process.env.VENUE_RUNS ?? 200)
const steps = Number(process.env.VENUE_STEPS ?? 64)
const seed = Number(process.env.VENUE_SEED ?? 20_261_129)

/** So many at once, each lot with a seed of its own, so that whoever waits sees how far it is. */
const LOT = 500
const lots = Array.from({ length: Math.ceil(runs / LOT) }, (_, i) => Math.min(LOT, runs - i * LOT))

describe('R147: cash, positions and worth', () => {
  test(
    `are kept through ${runs} sequences of ${steps} requests, to the end`,
    async () => {
      const began = performance.now()
      const all = new Map<string, number>()
      let ran = 0
      for (const [i, some] of lots.entries()) {
        const { failure, requests, done } = await runSequences({ runs: some, steps, seed: seed + i })
        expect(failure).toBeUndefined()
        expect(requests).toBe(some * steps)
        for (const [kind, count] of done) all.set(kind, (all.get(kind) ?? 0) + count)
        ran += some
        const minutes = (performance.now() - began) / 60_000
        console.log(`${ran} sequences, ${(ran / minutes).toFixed(0)} a minute`, Object.fromEntries(all))
      }
      for (const kind of [
        'deposit',
        'withdraw',
        'fill',
        'take',
        'late',
        'mark',
        'witness',
        'margins',
        'cancel',
        'insure',
      ]) {
        expect(all.get(kind), kind).toBeGreaterThan(runs / 10)
      }
      for (const kind of ['debt', 'paid']) expect(all.get(kind), kind).toBeGreaterThan(0)
    },
    3_600_000 * 24,
  )
})
