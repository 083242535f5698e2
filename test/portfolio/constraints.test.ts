/** What books and margins cost, as `npm run snapshot` last wrote it, and what the builds must stay below. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Build, mainComponent, portfolioBuilds, sizeOf } from '../../circuits/statements/index.ts'
import { POINTS } from '../../prover/options/grid.ts'
import { CALL_BITS, GAMMA_BITS, PDF_BITS, THETA_BITS } from '../../prover/options/riskArray.ts'
import { root } from '../../scripts/tools/sources.ts'
import { countConstraints } from '../../scripts/tools/circuits/circuit.ts'
import { portfolioMains } from '../../scripts/tools/mains/portfolio.ts'

const snapshot: Record<string, number> = JSON.parse(
  readFileSync(join(root, 'test', 'snapshots', 'portfolio.json'), 'utf8'),
)
const rows = (name: string): number => snapshot[name] as number

describe('L1 to L14: constraints', () => {
  test('are those of the snapshot', async () => {
    expect(await countConstraints(portfolioMains)).toEqual(snapshot)
  })

  test('a position is one constraint a scenario, an account below 17,000, and each build fits its domain', () => {
    const buildOf = (statement: string) => portfolioBuilds.find((build) => build.statement === statement) as Build
    const margin = buildOf('portfolioMargin')
    const account = (rows(mainComponent(margin)) - rows('PortfolioMargin(2)')) / (sizeOf(margin, 'accounts') - 2)
    // Of the rows of a segment's sums, those that are not its words' are products: one a strike and price.
    const products = (rows('SegmentSums(5)') / 5 - rows('PositionQuantities()')) / (POINTS - 1)
    console.log(
      `array ${rows('BookSegment(5)')}, expiry ${rows('CloseExpiry()')}, account ${account}, witness ${rows('UnhealthyWitness()')}, position and price ${products.toFixed(2)}`,
    )
    expect(account).toBeLessThan(17_000)
    expect(products).toBeLessThan(1.3)
    // What SegmentSums is counted at.
    expect(sizeOf(buildOf('optionBook'), 'strikes')).toBe(5)
    expect(rows(mainComponent(buildOf('optionBook')))).toBeLessThan(2 ** 17 - 1_000)
    // Nearly full since concentration compares each of 18 positions with its size; a proof's public signals take three rows.
    expect(rows(mainComponent(margin))).toBeLessThan(2 ** 16 - 500)
    const alone = buildOf('marginsAlone')
    const accountAlone = (rows(mainComponent(alone)) - rows('MarginsAlone(2)')) / (sizeOf(alone, 'accounts') - 2)
    console.log(`account alone ${accountAlone}, five of them ${rows(mainComponent(alone))}`)
    expect(accountAlone).toBeLessThan(10_600)
    expect(sizeOf(alone, 'accounts')).toBeGreaterThanOrEqual(5)
    expect(rows(mainComponent(alone)) + 3).toBeLessThan(2 ** 16)
    expect(rows('UnhealthyWitness()')).toBeLessThan(2 ** 14 - 200)
  })
})

test('L2: the circuits read arrays at the scales that the pricing twin writes', () => {
  const layout = readFileSync(join(root, 'circuits', 'portfolio', 'layout.circom'), 'utf8')
  const scale = (name: string): number => Number(layout.match(new RegExp(`${name}\\(\\) \\{ return (\\d+)`))?.[1])
  expect(['call', 'pdf', 'gamma', 'theta'].map((name) => scale(`${name}FractionBits`))).toEqual([
    CALL_BITS,
    PDF_BITS,
    GAMMA_BITS,
    THETA_BITS,
  ])
})
