/** A venue counts at the scale of prices that it was deployed at, and at no other; so it does against the registry that takes proofs. */
import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { policyWordsOf } from '../../prover/registry/index.ts'
import { selectorsOf, VENUE_ROLE } from '../../prover/registry/authority.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E8, MARKET, policy, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { roundArgument, SPOT, TestVenue } from './venue.ts'

const [ALICE, ANYBODY] = [1, 6]
const SCALE = 3
let engine: PortfolioEngine
let scaled: Contract
let at: TestVenue

/** Gives a venue its role. */
async function admit({ venue }: TestVenue): Promise<void> {
  await mined(engine.council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
}

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  const { council, registry, arrays } = engine
  for (const [contract, name] of [
    [registry, 'PortfolioRegistry'],
    [arrays, 'RiskArrays'],
  ] as const) {
    await mined(council.getFunction('setTargetFunctionRole')(contract, selectorsOf(name, 'venue'), VENUE_ROLE))
  }
  const signers = engine.roundSigners.map(({ address }) => address)
  const scales = [{ marketId: MARKET, scale: SCALE }]
  scaled = await engine.chain.deploy('ScaledRounds', council, signers, 2, 300, scales)
  at = await TestVenue.open({ engine, real: true })
  await admit(at)
  await at.deposit(ALICE, 10n)
})

/** Rounds come from the other source from now on. */
async function migrate(): Promise<void> {
  await mined(engine.arrays.getFunction('setRounds')(scaled, policyWordsOf(policy)))
  Object.assign(engine, { rounds: scaled })
}

describe('R146: the scale of prices', () => {
  test('is the one that the venue was deployed at: at another it reports, pays and settles nothing, until the first is back', async () => {
    const { rounds } = engine
    await at.undone(async () => {
      expect(await at.venue.getFunction('priceScale')()).toBe(0n)
      await mined(at.mark(ANYBODY, ALICE))
      await migrate()
      await at.round(SPOT * E8)
      await expectRevert(at.withdraw(ALICE, 1n), engine.arrays, 'PriceScaleNotInForce')
      await expectRevert(at.call(ANYBODY, 'acceptPriceScale'), engine.arrays, 'PriceScaleNotInForce', [
        0n,
        BigInt(SCALE),
      ])
      const fix = at.call(ANYBODY, 'fixSettlement', at.newest.asOf, roundArgument(at.newest))
      await expectRevert(fix, at.venue, 'PriceScaleDiffers', [BigInt(SCALE), 0n])
      await mined(engine.arrays.getFunction('setRounds')(rounds, policyWordsOf(policy)))
      Object.assign(engine, { rounds })
      await mined(at.withdraw(ALICE, 1n))
      await at.round(SPOT * E8)
      await mined(at.call(ANYBODY, 'fixSettlement', at.newest.asOf, roundArgument(at.newest)))
    })
    Object.assign(engine, { rounds })
  })

  test('of a venue that was deployed later is taken at anybody’s call, once it has its role', async () => {
    const { rounds } = engine
    await at.undone(async () => {
      await migrate()
      const later = await TestVenue.open({ engine, real: true })
      expect(await later.venue.getFunction('priceScale')()).toBe(BigInt(SCALE))
      await later.deposit(ALICE, 10n)
      const call = () => later.call(ANYBODY, 'acceptPriceScale')
      await expectRevert(call(), engine.arrays, 'AccessManagedUnauthorized', [later.venue.target])
      await admit(later)
      await expectRevert(later.mark(ANYBODY, ALICE), engine.arrays, 'PriceScaleNotInForce')
      await mined(call())
      await mined(later.mark(ANYBODY, ALICE))
    })
    Object.assign(engine, { rounds })
  })
})
