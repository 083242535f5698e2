/** Which account is proven straight from its arrays, of those that are proven together. */
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../circuits/statements/index.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { apartFrom } from '../../prover/service/daemon/portfolios/arrayMargins.ts'
import { accountInArrays, opensArraysOf } from '../../prover/service/daemon/portfolios/inArrays.ts'
import { portfolioBuildOf } from '../../prover/service/workspace.ts'

const svi = { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
const expiries = ['2026-02-27', '2026-03-27'].map((expiry) => ({ expiry, forward: '71000', svi }))
const market = { asOf: '2026-02-05T04:30:00Z', spot: '70853.26', expiries }
const leg = (day: string, strike: number) => ({ instrument: `BTC-${day}-${strike}-C`, quantity: '-0.1' })
/** Calls at so many strikes of one expiry. */
const calls = (count: number, day = '27FEB26') => Array.from({ length: count }, (_, i) => leg(day, 60_000 + 1_000 * i))
const holding = (options: readonly object[]) =>
  provableMargin(
    readPortfolio(JSON.stringify({ account: { cash: '20000', options }, market }), 'portfolio.json'),
    marginSizes,
  )

const build = portfolioBuildOf('arrayMargin')
const [arrayMargin, portfolioMargin, marginsAlone] = (['arrayMargin', 'portfolioMargin', 'marginsAlone'] as const).map(
  (statement) => ({ build: portfolioBuildOf(statement) }),
) as [{ build: typeof build }, { build: typeof build }, { build: typeof build }]
const places = sizeOf(portfolioMargin.build, 'accounts')
const most = sizeOf(build, 'arrays') * sizeOf(build, 'strikes')
const few = holding(calls(1))
const many = holding(calls(most + 1))
const nothing = holding([])

describe('L35: what fits', () => {
  test('options of one expiry at as many strikes as two arrays have, and not at one more', async () => {
    for (const count of [1, most]) expect(opensArraysOf(build, holding(calls(count))), `${count}`).toBe(true)
    for (const other of [many, nothing, holding([leg('27FEB26', 60_000), leg('27MAR26', 60_000)])]) {
      expect(opensArraysOf(build, other)).toBe(false)
      await expect(accountInArrays(build, other)).rejects.toMatchObject({
        code: 'portfolio.too-many-arrays',
        positions: other.positions.length,
      })
    }
    expect((await accountInArrays(build, few)).segments).toHaveLength(sizeOf(build, 'arrays'))
  })
})

describe('R198: who is proven straight from arrays', () => {
  const both = { arrayMargin, portfolioMargin }

  test('whoever would have a proof of margins alone, and fits', () => {
    expect(apartFrom(both, [few])).toBe(0)
    expect(apartFrom(both, [many])).toBeUndefined()
    expect(apartFrom(both, [nothing])).toBeUndefined()
  })

  test('nobody, where a batch has room for all; of one more the last that fits, wherever it stands', () => {
    for (let count = 2; count <= places; count++)
      expect(apartFrom(both, new Array(count).fill(few)), `${count}`).toBeUndefined()
    const rest = new Array(places).fill(many)
    expect(apartFrom(both, [...rest, few])).toBe(places)
    expect(apartFrom(both, [few, ...rest])).toBe(0)
    expect(apartFrom(both, [few, few, ...rest.slice(1)])).toBe(1)
    expect(apartFrom(both, [many, ...rest])).toBeUndefined()
    expect(apartFrom(both, [few, few, ...rest])).toBeUndefined()
  })

  test('nobody without such a model, nor where margins are proven alone', () => {
    expect(apartFrom({ portfolioMargin }, [few])).toBeUndefined()
    expect(apartFrom({ arrayMargin, marginsAlone }, [few])).toBeUndefined()
    expect(apartFrom({ arrayMargin, portfolioMargin, marginsAlone }, [few])).toBe(0)
    expect(apartFrom({ arrayMargin }, [few])).toBe(0)
    expect(apartFrom({ arrayMargin }, [few, few])).toBeUndefined()
  })
})
