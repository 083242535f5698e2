import { describe, expect, it } from 'vitest'
import { spacingNotes } from '../../prover/service/text/priceNotes.ts'

describe('what is said of the time between rows', () => {
  it('is nothing from a thirtieth of the horizon to all of it', () => {
    for (const step of [0, 120, 3600]) expect(spacingNotes('a.csv', step, 3600)).toEqual([])
  })

  it('is how much later predictions are tried where rows are further apart, by the horizon of the policy', () => {
    expect(spacingNotes('a.csv', 3601, 3600)).toEqual([expect.stringContaining('is tried 3,601 s later')])
    expect(spacingNotes('a.csv', 86_400, 3600)).toEqual([expect.stringContaining('spans 24 horizons')])
    expect(spacingNotes('a.csv', 86_400, 86_400)).toEqual([])
  })

  it('is that each row is an observation where they are closer', () => {
    expect(spacingNotes('a.csv', 119, 3600)).toEqual([expect.stringContaining('each row is an observation')])
  })
})
