/** Who asks for trades that no margin will ever allow moves none of the figures that a venue asks its buffer by. */
import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { countCall } from '../../prover/registry/portfolio/calldata.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { ProvenVenue } from './provenVenue.ts'
import { option, rules as venueRules, SPOT, type TestVenue } from './venue.ts'

const [HOUSE, ALICE, MALLORY, MAL, ANYBODY] = [0, 1, 2, 3, 6]
const PUT = option(90_000n, 0n, -E12)
/** A thousand assets, by accounts that hold a hundred of cash. */
const RECKLESS = option(90_000n, 0n, -1_000n * E12)
const rules = { floorBps: 1_000n, ceilingBps: 11_000n, coverBps: 20_000n, defaultsBps: 100n, maxAgeSeconds: 3_600n }

let proven: ProvenVenue
let at: TestVenue
let policy: Contract

beforeAll(async () => {
  proven = await ProvenVenue.open()
  at = proven.at
  policy = await at.chain.deploy('VenuePolicy', at.engine.council, at.registry, rules)
  for (const each of [HOUSE, ALICE]) await at.deposit(each, 10_000_000n)
  for (const each of [MALLORY, MAL]) await at.deposit(each, 100n)
  const { order } = await proven.fill(ALICE, HOUSE, { options: [PUT] })
  await proven.landArrays([PUT])
  for (const each of [ALICE, HOUSE]) await proven.prove(each)
  await at.takeTrade(order, HOUSE)
})

const openCount = () => mined(at.engine.send(countCall(at.newest)))
const standing = async (): Promise<Record<string, bigint>> =>
  (await policy.getFunction('standingOf')(await at.venue.getFunction('insuranceE12')())).toObject()
/** Counts Alice and the house, with what the circuit that states nothing says of them. */
async function countBoth(): Promise<void> {
  const accounts = await Promise.all([ALICE, HOUSE].map((each) => proven.reported(each)))
  const inOrder = accounts.toSorted((a, b) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1))
  await proven.landArrays([PUT])
  const keys = inOrder.map(({ positions }) => proven.arraysOf(positions))
  await at.engine.landMargins(at.newest, inOrder, keys, 'portfolioMargin')
}

describe('R187: reckless trades', () => {
  test('between accounts of one’s own, reported just before a count, are in none of its figures, and the buffer is as without them', async () => {
    const counted = async () => {
      await openCount()
      expect(await at.engine.client.countUnderWay()).toMatchObject({ accounts: 2n })
      await countBoth()
      const { asOf: _, fundE12: __, ...figures } = await standing()
      expect(figures).toMatchObject({ isKnown: true, accounts: 2n })
      return figures
    }
    const without = await at.undone(async () => {
      await proven.fill(MALLORY, MAL, { perpsE12: E12 }) // for the same round
      return counted()
    })
    const within = await at.undone(async () => {
      await proven.fill(MALLORY, MAL, { perpsE12: 1_000n * E12, options: [RECKLESS] })
      const figures = await counted()
      // It stands reported all the while, and is refused what it asked for.
      const positions = [[RECKLESS], [option(90_000n, 0n, 1_000n * E12)]]
      const effect = at.call(ANYBODY, 'takeEffect', await at.address(MALLORY), ...positions)
      await expectRevert(effect, at.registry, 'MarginNotYetProven')
      return figures
    })
    expect(within).toEqual(without)
  })

  test('given up or left to expire, they stay out of the next count, and what was held is in it', async () => {
    await at.undone(async () => {
      await proven.fill(MALLORY, MAL, { perpsE12: 1_000n * E12, options: [RECKLESS] })
      await at.later(venueRules.changeSeconds + 1n)
      await mined(at.call(ANYBODY, 'cancelChange', await at.address(MALLORY)))
      await at.round(SPOT * E8)
      await openCount()
      expect(await at.engine.client.countUnderWay()).toMatchObject({ accounts: 2n })
    })
  })

  test('that took effect are counted: the control', async () => {
    await at.undone(async () => {
      const { order } = await proven.fill(MALLORY, MAL, { perpsE12: E12 })
      for (const each of [MALLORY, MAL]) await proven.prove(each)
      await at.takeTrade(order, MAL)
      await openCount()
      expect(await at.engine.client.countUnderWay()).toMatchObject({ accounts: 4n })
    })
  })
})
