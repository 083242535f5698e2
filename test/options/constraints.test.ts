/** What pricing costs, as `npm run snapshot` last wrote it, and the bars it must stay below. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { POINTS } from '../../prover/options/grid.ts'
import { root } from '../../scripts/tools/sources.ts'
import { countConstraints } from '../../scripts/tools/circuits/circuit.ts'
import { optionMains } from '../../scripts/tools/mains/options.ts'

const snapshot: Record<string, number> = JSON.parse(
  readFileSync(join(root, 'test', 'snapshots', 'options.json'), 'utf8'),
)
const rows = (name: string): number => snapshot[name] as number

describe('B3 to B6: constraints', () => {
  test('are those of the snapshot', async () => {
    expect(await countConstraints(optionMains)).toEqual(snapshot)
  })

  test('stay below the bars: 130 a scenario price, 185 a strike with Greeks, 220 a point with its volatility', () => {
    const points = rows('MarkPoint()') + 8 * rows('ScenarioPoint(24)') + (POINTS - 10) * rows('ScenarioPoint(22)')
    const perPoint = (points + rows('TotalVolatilities()')) / (POINTS - 1)
    console.log(
      `scenario price ${rows('ScenarioPrice()')}, strike with five Greeks ${rows('MarkPoint()')}, point ${perPoint.toFixed(1)}`,
    )
    expect(rows('ScenarioPrice()')).toBeLessThanOrEqual(130)
    expect(rows('MarkPoint()')).toBeLessThanOrEqual(185)
    expect(perPoint).toBeLessThanOrEqual(220)
  })
})
