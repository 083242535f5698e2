import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builds, marketBuilds, sizeOf, volatilityModels } from '../../circuits/statements/index.ts'
import { buildCircuit, summaryOf } from '../../scripts/buildCircuits.ts'
import { root } from '../../scripts/tools/sources.ts'

/** Warnings of `circom --inspect` that were looked at, by code and template, and why they are no mistake. */
const understood: Readonly<Record<string, string>> = {
  'CA01 BitsToNumber': 'a field of a word reads its own bits only',
  'CA01 Exp2NegativeOfBits': 'bits below the argument of the table are dropped: the claimed truncation',
  'CA02 Slot': 'the range is handed on as bits',
  'CA02 MarketStep': 'only the newest observation publishes a move',
  'CA01 ObservationStep': 'a slot that tests no prediction reads no learning policy, and of a whole bus what it needs',
  'CA01 Evaluate': 'of the whole policy what it needs',
  ...Object.fromEntries(
    Object.values(volatilityModels).flatMap(({ template }) =>
      ['Step', 'Used'].map((part) => [`CA01 ${template}${part}`, 'of what every model is given, what this one needs']),
    ),
  ),
  'CA01 RangeOrReturn': 'that a slot is unused says nothing of its range',
  'CA01 Publish': 'of the whole policy what it needs',
  'CA02 ObservationStep': 'nor an implied volatility',
  'CA02 GridShocks': 'prices depend on shocks, not on what their scenarios count',
  'CA02 ScenarioPoint': 'Greeks are of the mark only',
  'CA02 PositionQuantities': 'of calls and puts together only the sign is asked here',
  'CA01 SegmentSums': 'rho follows from the price, and the unshocked scenario is the mark',
  'CA02 SegmentSums': 'calls count with puts, as their sum',
  'CA02 ExpiryGreeks': 'floors whose signs nobody needs',
  'CA01 CloseExpiry': 'expiry, time and confidence are read by other templates',
  'CA02 CloseExpiry': 'of a floor with a sign often one is needed only',
  'CA01 TotalsOfElements': 'a root commits to a sum of quantities that only OptionBook bounds',
  'CA01 AccountHoldings': 'of all totals of a book what it needs',
  'CA01 InitialNeeds': 'of the terms of initial margin what it needs',
  'CA01 AccountMargins': 'of all totals of a book what it needs',
  'CA02 PoolTerms': 'of the first market’s words what all markets share',
  'CA01 MarketTerms': 'of the pool what initial margin needs not',
  'CA02 MarketTerms': 'what the pool says for all markets',
  'CA01 WorstLoss': 'of all totals of a book what it needs',
  'CA02 WorstLoss': 'of a floor with a sign one is needed only',
  'CA01 PartHoldings': 'of all totals of a book what it needs',
  'CA02 PartHoldings': 'of a floor with a sign one is needed only',
  'CA01 SpreadLeg': 'of what a market leaves what may offset',
  'CA02 SpreadLeg': 'under the basis contingency spot does not move, and nothing offsets',
  'CA02 CrossSum': 'of a floor with a sign one is needed only',
  'CA02 CrossMargins': 'net deltas and losses are for the spread credit, which has taken them',
  'CA02 CrossPart': 'regular shocks undamped are for thresholds',
  'CA01 CrossPart': 'of all totals of a book what it needs',
  'CA01 NetGreeks': 'of all totals of a book what it needs',
  'CA02 AccountHoldings': 'of a floor with a sign one is needed only',
  'CA02 WorstScenario': 'that a difference fits its bits is all that is asked of it',
  'CA02 InitialFactor': 'of a floor with a sign one is needed only',
  'CA01 AccountDefault': 'thresholds are of the regular shocks',
  'CA02 AccountDefault': 'of a floor with a sign one is needed only',
  'CA02 MarginsAlone': 'of what an account’s margins leave only they are said',
  'CA02 ArrayMargin': 'nor is more asked of one there, and after its last array nothing is folded',
  'CA02 PortfolioMargin': 'of an account’s balance only its equity is asked further',
  'CA02 AccountThresholds': 'liquidation has no probability',
  'CA02 AccountMargins': 'of a floor with a sign one is needed only',
  'CA02 NetGreeks': 'of a floor with a sign one is needed only',
  'CA02 UnhealthyWitness': 'a witness is about maintenance, not about initial margin',
  'CA02 ScenarioWitness': 'nor is one straight from arrays',
  'CA01 ScenarioArray': 'the mark, the forward and the skew are for closing',
  'CA02 ScenarioSums': 'calls count with puts, as their sum',
  'CA01 CloseScenario':
    'groups are for opening; expiry, time and confidence, Greeks and what they take are for whole books',
  'CA02 CloseScenario': 'of a floor with a sign often one is needed only',
  'CA01 WitnessBound': 'a balance has a hedge, which the loss has taken',
  'CA02 WitnessBound': 'of a loss its size, whatever its sign',
}

const snapshot: Record<string, { readonly constraints: number }> = JSON.parse(
  readFileSync(join(root, 'test/snapshots/builds.json'), 'utf8'),
)

describe.each(builds)('$name', (build) => {
  it('has the constraints of the snapshot, byte for byte', async () => {
    expect(summaryOf(await buildCircuit(build))).toEqual(snapshot[build.name])
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

// The key's domain also holds a row for each of the three public signals and for the constant one.
/** Live builds are proven within seconds, those that drain backlogs when there is one. */
it.each(marketBuilds)('$name fits the keys that a prover of markets holds', (build) => {
  const bits = sizeOf(build, 'testEverySlot') === 1 ? 17 : 15
  expect(snapshot[build.name]?.constraints).toBeLessThanOrEqual(2 ** bits - 4)
})
