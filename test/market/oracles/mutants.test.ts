/** A small size of `npm run campaign:oracles`, with recorded payloads where they are and with keys of our own. */
import { expect, test } from 'vitest'
import { mutantsOf } from '../../../scripts/tools/oracles/mutants.ts'
import { runMutationCampaign } from '../../../scripts/tools/oracles/mutationCampaign.ts'
import { hasRecordings } from '../../../scripts/tools/oracles/recordings.ts'

const PER_ORACLE = 120

test.each([
  ['recorded', true],
  ['of our own', false],
] as const)(
  'R116: no changed payload is taken, and each is refused by name: %s',
  async (_, recorded) => {
    if (recorded && !hasRecordings) return
    const counted = await runMutationCampaign(PER_ORACLE, 3, recorded)
    expect(counted.map(({ oracle }) => oracle).sort()).toEqual(['Chainlink Data Streams', 'Pyth', 'RedStone'])
    for (const { mutants, accepted, unnamed, refusals } of counted) {
      expect(mutants).toBeGreaterThanOrEqual(PER_ORACLE)
      expect({ accepted, unnamed }).toEqual({ accepted: 0, unnamed: 0 })
      expect(Object.values(refusals).reduce((sum, times) => sum + times, 0)).toBe(mutants)
      expect(Object.keys(refusals).length).toBeGreaterThan(3)
    }
  },
  120_000,
)

test('R116: changes of payloads differ from it and from all others that were signed', () => {
  const payload = `0x${'ab'.repeat(80)}`
  const other = `0x${'cd'.repeat(80)}`
  const mutants = mutantsOf(payload, 500, 1, [payload, other])
  expect(mutants).not.toContain(payload)
  expect(mutants).not.toContain(other)
  expect(new Set(mutants).size).toBeGreaterThan(300)
  expect(mutantsOf(payload, 500, 1, [payload, other])).toEqual(mutants)
  expect(mutantsOf(payload, 500, 2, [payload, other])).not.toEqual(mutants)
})
