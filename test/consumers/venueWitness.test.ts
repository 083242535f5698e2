/** A witness and the liquidation that it is for, in one transaction: both or neither, and nothing else by the venue's mouth. */
import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { ProvenVenue } from './provenVenue.ts'
import { option, rules, SPOT, type TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, CAROL, ANYBODY] = [0, 1, 2, 3, 6]
const CALL = option(110_000n, -E12)

let proven: ProvenVenue
let at: TestVenue

beforeAll(async () => {
  proven = await ProvenVenue.open()
  at = proven.at
  for (const each of [HOUSE, ALICE, BOB, CAROL]) await at.deposit(each, 10_000_000n)
  const { order } = await proven.fill(ALICE, HOUSE, { perpsE12: E12, options: [CALL] })
  await proven.landArrays([CALL])
  for (const each of [ALICE, HOUSE]) await proven.prove(each)
  await at.takeTrade(order, HOUSE)
  await at.round(SPOT * E8)
  for (const each of [ALICE, HOUSE]) await mined(at.mark(ANYBODY, each))
  await proven.landArrays([CALL])
})

const byWitness = (witness: string, fractionBps = rules.stepBps) =>
  at.liquidateByWitness(BOB, ALICE, fractionBps, witness)
const isLiquidatable = async (i: number): Promise<boolean> => {
  const { key } = await at.account(i)
  return (await at.registry.getFunction('marginForLiquidation')(key)).liquidatable
}

describe('R188: a liquidation by its witness', () => {
  test('comes to what both in turn come to', async () => {
    const witness = await proven.witnessOf(ALICE)
    const standing = async () => [await at.account(ALICE), await at.account(BOB)]
    const inOne = await at.undone(async () => {
      const receipt = await mined(byWitness(witness))
      expect(eventsOf(receipt, at.registry).map(({ name }) => name)).toContain('AccountUnhealthy')
      expect(eventsOf(receipt, at.venue).map(({ name }) => name)).toEqual(['Flagged', 'Liquidated'])
      return standing()
    })
    const inTurn = await at.undone(async () => {
      const sender = at.signer(ANYBODY)
      await (await sender.sendTransaction({ to: at.registry.target as string, data: witness })).wait()
      await mined(at.liquidate(BOB, ALICE, rules.stepBps))
      return standing()
    })
    const timeless = (accounts: typeof inOne) => accounts.map((each) => ({ ...each, flaggedAt: 0n }))
    // The auction begins a second later, which this many seconds of it are not worth a unit of.
    expect(timeless(inOne).map(({ perpsE12, positionsHash }) => [perpsE12, positionsHash])).toEqual(
      timeless(inTurn).map(({ perpsE12, positionsHash }) => [perpsE12, positionsHash]),
    )
    expect(inOne.map(({ reports }) => reports)).toEqual(inTurn.map(({ reports }) => reports))
  })

  test('is both or neither: a liquidation that is refused leaves no evidence, a witness that is refused liquidates nobody', async () => {
    const witness = await proven.witnessOf(ALICE)
    await at.undone(async () => {
      await expectRevert(byWitness(witness, rules.stepBps + 1n), at.venue, 'FractionTooLarge')
      expect(await isLiquidatable(ALICE)).toBe(false)
      // The last bit of the proof.
      const other = `${witness.slice(0, -1)}${witness.endsWith('0') ? '1' : '0'}`
      await expectRevert(byWitness(other), at.registry, 'ProofRejected')
      expect(await isLiquidatable(ALICE)).toBe(false)
      await mined(byWitness(witness))
      expect(await isLiquidatable(ALICE)).toBe(true)
      await expectRevert(byWitness(witness), at.registry, 'WordCountMismatch')
    })
  })

  test('of another account is no evidence against this one', async () => {
    const witness = await proven.witnessOf(HOUSE)
    await at.undone(async () => {
      await expectRevert(byWitness(witness), at.venue, 'NotLiquidatable')
      expect(await isLiquidatable(HOUSE)).toBe(false)
    })
  })

  test('has the venue ask the registry for nothing but witnesses, above all for no report', async () => {
    const { key } = await at.account(ALICE)
    const call = (method: string, ...args: readonly unknown[]) =>
      at.registry.interface.encodeFunctionData(method, [...args])
    const none = [0n, 0n, 0n, 0n]
    const asked = [
      call('reportAccount', key, [], 0n, none),
      call('reportCandidate', key, [], 0n, none),
      call('replaceAccount', key, key, true),
      call('setAuthority', key),
      '0x',
      (await proven.witnessOf(ALICE)).slice(0, 8),
    ]
    for (const data of asked) {
      const selector = data.slice(0, 10).padEnd(10, '0')
      await expectRevert(byWitness(data), at.venue, 'NotAWitness', [selector])
    }
  })

  test('is open to whoever may liquidate, and to nobody who may not', async () => {
    const witness = await proven.witnessOf(ALICE)
    await at.undone(async () => {
      const own = at.liquidateByWitness(ALICE, ALICE, rules.stepBps, witness)
      await expectRevert(own, at.venue, 'SameAccount')
      await expectRevert(at.liquidateByWitness(ANYBODY, ALICE, rules.stepBps, witness), at.venue, 'AccountUnknown')
      await mined(at.liquidateByWitness(CAROL, ALICE, rules.stepBps, witness))
    })
  })
})
