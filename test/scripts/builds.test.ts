import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allBuilds } from '../../circuits/builds.ts'
import { buildCircuit, constraintsOf } from '../../scripts/buildCircuits.ts'
import { root } from '../../scripts/sources.ts'

/** Warnings of `circom --inspect` that were looked at, by code and template, and why they are no mistake. */
const understood: Readonly<Record<string, string>> = {
  'CA01 BitsToNumber': 'a field of a word reads its own bits only',
  'CA01 Exp2NegativeOfBits': 'bits below the argument of the table are dropped: the claimed truncation',
  'CA02 MarketStep': 'only the newest observation publishes a move',
  'CA01 ObservationStep': 'a slot that tests no prediction reads no learning policy',
  'CA02 ObservationStep': 'nor an implied volatility',
}

const snapshot = JSON.parse(readFileSync(join(root, 'test/snapshots/builds.json'), 'utf8')) as Record<string, number>

describe.each(allBuilds)('$name', (build) => {
  it('has the constraints of the snapshot', async () => {
    expect(constraintsOf(await buildCircuit(build))).toBe(snapshot[build.name])
  })

  it('compiles without a warning that nobody looked at', async () => {
    const report = readFileSync((await buildCircuit(build)).report, 'utf8')
    const warnings = [...report.matchAll(/^warning\[(\w+)\]: In template "(\w+)/gm)].map(
      ([, code, name]) => `${code} ${name}`,
    )
    expect(report.match(/^warning/gm)?.length ?? 0).toBe(warnings.length)
    expect([...new Set(warnings)].filter((warning) => !(warning in understood))).toEqual([])
  })
})

it('fits eight markets with two observations each into 2^15 constraints', () => {
  // The key's domain also holds a row for each of the three public signals and for the constant one.
  expect(snapshot.marketRisk8x2).toBeLessThanOrEqual(2 ** 15 - 4)
})
