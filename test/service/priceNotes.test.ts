import { describe, expect, it } from 'vitest'
import { parsePriceFile } from '../../prover/market/prices.ts'
import { priceNotes, spacingNotes } from '../../prover/service/text/priceNotes.ts'

describe('what is said of times', () => {
  it('is which rows are ahead of now, from the first second on', () => {
    const text = 'time,price\n2020-03-12 00:00,7950\n2020-03-12 01:00,7820\n2020-03-12 02:00,7800'
    const notes = (now: string) =>
      priceNotes('a.csv', parsePriceFile(text, 'a.csv'), BigInt(Date.parse(now)) / 1000n).filter((line) =>
        line.startsWith('Warning'),
      )
    expect(notes('2020-03-12T00:59:59Z')).toEqual([
      'Warning: a.csv: 2 of 3 rows are ahead of now, 2020-03-12T00:59:59Z, from 2020-03-12T01:00:00Z on. --to leaves them out.',
    ])
    expect(notes('2020-03-12T02:00:00Z')).toEqual([])
  })
})

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
