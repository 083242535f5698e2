/** Feedback loops on the contracts: what a crash does at a venue, the same by told proofs as by made ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultEnginePolicy } from '../../prover/parameters/policy.ts'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import { splitList } from '../../prover/statement/lists.ts'
import { unpack } from '../../prover/statement/words.ts'
import type { RoundWords } from '../../prover/registry/index.ts'
import { marketOf } from '../../scripts/tools/crashes/engine.ts'
import { type Contracts, MARKET } from '../../scripts/tools/crashes/contracts.ts'
import { BAND } from '../../scripts/tools/crashes/hedger.ts'
import type { Priced } from '../../scripts/tools/crashes/holders.ts'
import { type Outcome, suppositions } from '../../scripts/tools/crashes/outcome.ts'
import { CrashSetting, openedUnder } from '../../scripts/tools/crashes/setting.ts'
import { crashesSvg } from '../../scripts/tools/crashes/picture.ts'
import { type Crash, crashTitles, readCrash } from '../../scripts/tools/crashes/recorded.ts'
import { CrashRun } from '../../scripts/tools/crashes/run.ts'
import { enginePolicyOf, hostileVariants, type Variant, variants } from '../../scripts/tools/crashes/variants.ts'

const NOWHERE = '/nowhere'
const few = { ...suppositions, accounts: 8 }
const variant = (name: string): Variant =>
  [...variants, ...hostileVariants].find((each) => each.name === name) as Variant

async function runAll(setting: CrashSetting, some: readonly Variant[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const each of some) outcomes.push(await setting.run(each))
  return outcomes
}

const RAMP_A_MINUTE = defaultEnginePolicy.tightenPerHour / 60

/** The furthest that the venue's grid moves spot up. */
async function greatestShock({ client }: Contracts): Promise<number> {
  const { scenarioRegular } = splitList('portfolioPolicy', (await client.policy()).words)
  return Math.max(...scenarioRegular.map((word) => Number(unpack('scenarioRegular', word).shockX40) / 2 ** 40))
}

/** March 2020 from the project's own extract, other prices after its start. */
function crashOf(minutes: (price: number) => readonly number[]): Crash {
  const march = readCrash('march2020', 1, 1n, NOWHERE) as Crash
  return { ...march, minutes: minutes(march.minutes[0] as number) }
}

describe('minutes of a recorded crash', () => {
  const march = readCrash('march2020', 2, 5n, NOWHERE) as Crash

  test('are the seed’s, end where the bars end, and reach their lows and nothing beyond', () => {
    expect(march.minutes).toHaveLength(121)
    expect(readCrash('march2020', 2, 5n, NOWHERE)).toEqual(march)
    expect(readCrash('march2020', 2, 6n, NOWHERE)?.minutes).not.toEqual(march.minutes)
    expect(march.minutes[60]).toBe(readCrash('march2020', 2, 6n, NOWHERE)?.minutes[60])
    expect(Math.min(...march.minutes)).toBe(5515)
  })

  test('are none where the file is not there', () => {
    expect(readCrash('may2021', 2, 5n, NOWHERE)).toBeUndefined()
  })
})

test('accounts open with less where there is no stress floor in a calm market, and with as much whatever else is off', () => {
  const march = readCrash('march2020', 1, 1n, NOWHERE) as Crash
  const initial = (name: string): number => openedUnder(march, variant(name)).initial
  expect(initial('no stress floor')).toBeLessThan(initial('all dampers'))
  expect(initial('no ramp')).toBe(initial('all dampers'))
})

test('every damper is off in one variant and in none of them, and by no number beyond its bounds', () => {
  for (const each of variants) expect(() => enginePolicyOf(each), each.name).not.toThrow()
  expect(variants.filter(({ without }) => without.size === 1)).toHaveLength(variant('none').without.size)
})

describe('a fall of a fifth within minutes', () => {
  const fall = crashOf((price) =>
    [1, 0.97, 0.93, 0.88, 0.84, 0.82, 0.81, 0.8, 0.8, 0.81, 0.82, 0.82].map((part) => part * price),
  )
  let setting: CrashSetting
  let all: Outcome

  beforeAll(async () => {
    setting = await CrashSetting.open(fall, few, { by: 'told' })
    all = await setting.run(variant('all dampers'))
  })

  test('has accounts sold by force, below what was recorded, and comes to the same again', async () => {
    expect(all.forcedSales).toBeGreaterThan(0)
    expect(all.poolOvershoot).toBeGreaterThan(0)
    expect(await setting.run(variant('all dampers'))).toEqual(all)
  })

  test('leaves the venue with the tokens that it owes, to the unit, though it has used its insurance', () => {
    expect(all.unaccounted).toBe(0)
    expect(all.insuranceUsed).toBeGreaterThan(0)
  })

  test('is observed as far below as the pool is, without the median, and half as far with it', async () => {
    const alone = await setting.run(variant('no median'))
    expect(alone.observedOvershoot).toBeGreaterThan(1.5 * all.observedOvershoot)
  })

  test('gives who knows the next price nothing, and something without next-observation execution', async () => {
    expect(all.informedGain).toBe(0)
    expect((await setting.run(variant('no next observation'))).informedGain).toBeGreaterThan(0)
  })

  test('has parameters of every minute proven and in force, by no more than the ramp a minute, and the venue’s grid follows', async () => {
    expect(all).toMatchObject({ batches: all.minutes, unobserved: 0 })
    const { contracts } = setting
    await setting.undone(async () => {
      const run = await CrashRun.begin(setting, variant('all dampers'))
      let before = openedUnder(fall, variant('all dampers')).maintenance
      for (let minute = 1; minute <= 4; minute++) {
        await run.step(minute)
        const { maintenanceMarginX24, sequence } = await run.engine.registry.getFunction('parameters')(MARKET)
        const maintenance = Number(maintenanceMarginX24) / 2 ** 24
        expect(sequence).toBe(BigInt(minute))
        expect(maintenance - before).toBeLessThanOrEqual(RAMP_A_MINUTE + 2 ** -24)
        expect(await greatestShock(contracts)).toBeCloseTo(1 + maintenance, 9)
        before = maintenance
      }
      expect(before).toBeGreaterThan(openedUnder(fall, variant('all dampers')).maintenance + RAMP_A_MINUTE)
    })
  })

  test('is drawn', () => {
    expect(crashesSvg([all], crashTitles)).toContain('March 2020')
  })
})

describe('a slow fall', () => {
  const fall = crashOf((price) => Array.from({ length: 13 }, (_, minute) => (1 - 0.003 * minute) * price))
  let setting: CrashSetting
  let all: Outcome

  beforeAll(async () => {
    setting = await CrashSetting.open(fall, { ...suppositions, accounts: 24 }, { by: 'told' })
    all = await setting.run(variant('all dampers'))
  })

  test('begins with a hedge by the agent, toward what a count of every vault comes to', async () => {
    const { contracts, venue, vaults, hedger, longs } = setting
    const { deltaE12, accounts } = await contracts.vaults.openInterest()
    const [delta, position] = [Number(deltaE12) / 1e12, await hedger.position()]
    expect(accounts).toBe(BigInt(venue.makers.length))
    expect(delta).toBeCloseTo(vaults.deltaAt(venue.market as Priced), 9)
    expect(Math.abs(delta + position)).toBeLessThan(BAND * longs)
    expect(Math.abs(position)).toBeGreaterThan(0.1 * longs)
  })

  test('is not hedged by a count that a vault is missing from', async () => {
    const { contracts, venue, hedger } = setting
    const { clerk, vaults, countedModels: models } = contracts
    await setting.undone(async () => {
      const before = await vaults.openInterest()
      await contracts.chain.setTime(BigInt(fall.start))
      const priceE8 = (venue.market as Priced).priceE8
      await venue.publish(
        marketOf(BigInt(fall.start), priceE8, openedUnder(fall, variant('all dampers')), venue.expiry),
      )
      const round = venue.round as RoundWords
      await vaults.openCount(round)
      const some = venue.makers.slice(1).map((book) => ({ key: book.owner, book }))
      await venue.proofs.land({ client: vaults, models }, some)
      expect(await vaults.openInterest()).toEqual(before)
      expect(await hedger.rebalance(round)).toEqual({ refusal: 'GapWithinBand' })
      await expect(clerk.openCount(round)).rejects.toMatchObject({ reason: 'CountNotLater' })
    })
  })

  test('is hedged as makers trade', () => {
    expect(all.hedges).toBeGreaterThan(0)
    expect(all.counts).toBeGreaterThanOrEqual(all.hedges)
    expect(all.greatestUnhedged).toBeLessThan(3 * BAND)
  })

  test('gives nobody anything who trades about the hedge, though one who holds the agent off leaves it further from its target', async () => {
    const [sandwiched, heldOff, forerun] = (await runAll(setting, hostileVariants)) as [Outcome, Outcome, Outcome]
    expect(sandwiched.hostileGain).toBeLessThan(0)
    expect(sandwiched.hedges).toBeGreaterThan(0)
    expect(heldOff.hostileGain).toBeLessThan(0)
    expect(heldOff.hedgesRefused.PoolAwayFromMean).toBeGreaterThan(0)
    expect(heldOff.unhedged).toBeGreaterThan(all.unhedged)
    expect(forerun.hostileGain).toBeLessThanOrEqual(0)
  })
})

test('a price that stays has nobody sold', async () => {
  const still = crashOf((price) => new Array(5).fill(price))
  const setting = await CrashSetting.open(still, few, { by: 'told' })
  expect(await setting.run(variant('all dampers'))).toMatchObject({ forcedSales: 0, badDebt: 0, hedgerCost: 0 })
})

describe('proofs', () => {
  let prover: Prover
  beforeAll(() => {
    prover = createProver()
  })
  afterAll(() => prover.close())

  test('that are made come to the same numbers as those that are told', async () => {
    const fall = crashOf((price) => [1, 0.96, 0.92, 0.88, 0.85].map((part) => part * price))
    const outcomes: Outcome[] = []
    for (const proofs of [{ by: 'told' }, { by: 'made', prover }] as const) {
      const setting = await CrashSetting.open(fall, { ...few, accounts: 4 }, proofs)
      outcomes.push(await setting.run(variant('all dampers')))
    }
    expect(outcomes[0]?.forcedSales).toBeGreaterThan(0)
    expect(outcomes[0]?.proofs).toBeGreaterThan(0)
    expect(outcomes[1]).toEqual(outcomes[0])
  })
})
