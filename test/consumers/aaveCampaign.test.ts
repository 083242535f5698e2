/** A small size of `npm run campaign:aave`. */
import { expect, test } from 'vitest'
import { readExtract } from '../../prover/market/histories.ts'
import { replayCrash } from '../../scripts/tools/aave/crash.ts'
import { crashSvg } from '../../scripts/tools/aave/crashPicture.ts'
import { rules } from '../../scripts/tools/aave/gatedMarket.ts'
import { bringHostileUpdates } from '../../scripts/tools/aave/hostileUpdates.ts'
import { replayPairedFields } from '../../scripts/tools/aave/pairedFields.ts'

test.each([rules.bonusBps, 1n])(
  'R179: where one of two paired fields is held back to %i a day the gate makes no wrongful liquidation; field by field makes some',
  async (bonusBps) => {
    const [gate, control] = await replayPairedFields(bonusBps)
    expect(gate).toMatchObject({ liquidated: 0, wrongful: 0, thresholdBps: 8_250n })
    expect(control?.wrongful).toBeGreaterThan(6)
    expect(control?.liquidated).toBe(control?.wrongful)
  },
)

test('R179: no hostile update is applied, and each is refused by name', async () => {
  const { updates, applied, unnamed, refusals, poolUnchanged } = await bringHostileUpdates(320, 3)
  expect({ updates, applied, unnamed, poolUnchanged }).toEqual({
    ...{ updates: 320, applied: 0, unnamed: 0, poolUnchanged: true },
  })
  expect(Object.values(refusals).reduce((sum, times) => sum + times, 0)).toBe(320)
  expect(Object.keys(refusals).length).toBeGreaterThan(14)
})

test('R179: in the crash of March 2020 loan-to-value falls with the registry, thresholds by steps, and the gate makes no more liquidatable than it may', async () => {
  const hours = await replayCrash(readExtract('ETH-USD').rows, 18)
  expect(hours.length).toBeGreaterThan(30)
  for (const hour of hours) {
    expect(hour.loanToValueBps).toBeLessThanOrEqual(hour.heldLoanToValueBps)
    expect(hour.byGate).toBeLessThanOrEqual(Number(rules.mostLiquidatable))
    expect(hour.healthAfter).toBeGreaterThan(0)
  }
  const thresholds = hours.map(({ thresholdBps }) => thresholdBps)
  const windows = thresholds.slice(6).map((after, i) => (thresholds[i] as number) - after)
  expect(Math.max(...windows)).toBeGreaterThan(0)
  // Steps of two windows at most meet within the length of one.
  expect(Math.max(...windows)).toBeLessThanOrEqual(1_000)
  expect(hours.some(({ healthBefore, healthAfter }) => healthAfter < healthBefore)).toBe(true)
  expect(crashSvg(hours)).toMatch(/^<svg [\s\S]*threshold in the pool[\s\S]*<\/svg>\n$/)
})
