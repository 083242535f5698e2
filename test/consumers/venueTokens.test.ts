/** Tokens of any decimals are counted to the unit, those that keep some or call back are refused, and rules stay in their bounds. */
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeBytes32String } from 'ethers'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { reentrantCoin } from './reentrantCoin.ts'
import { coin, type Rules, rules, TestVenue } from './venue.ts'

const ALICE = 1
let engine: PortfolioEngine

beforeAll(async () => {
  engine = await PortfolioEngine.start()
})

const cashOf = async (at: TestVenue): Promise<bigint> => (await at.account(ALICE)).cashE12

describe('R148: decimals', () => {
  test.each([6, 12, 13, 18])('of %i are cash of twelve, and come back as they were', async (decimals) => {
    const at = await TestVenue.open({ engine, token: coin(decimals) })
    await at.deposit(ALICE, 7n)
    expect(await cashOf(at)).toBe(7n * E12)
    const least = decimals > 12 ? 10n ** BigInt(decimals - 12) : 1n
    await mined(at.call(ALICE, 'deposit', least))
    expect(await cashOf(at)).toBe(7n * E12 + (decimals > 12 ? 1n : 10n ** BigInt(12 - decimals)))
    for (const amount of [0n, ...(least > 1n ? [least - 1n, least + 1n] : [])]) {
      await expectRevert(at.call(ALICE, 'deposit', amount), at.venue, 'AmountNotWhole', [amount, least])
      await expectRevert(at.call(ALICE, 'fundInsurance', amount), at.venue, 'AmountNotWhole', [amount, least])
      await expectRevert(at.call(ALICE, 'withdraw', amount, at.roundArgument, []), at.venue, 'AmountNotWhole')
    }
    const all = 7n * 10n ** BigInt(decimals) + least
    const before = await at.token.getFunction('balanceOf')(at.venue)
    await mined(at.call(ALICE, 'withdraw', all, at.roundArgument, []))
    expect(before - (await at.token.getFunction('balanceOf')(at.venue))).toBe(all)
    expect(await cashOf(at)).toBe(0n)
  })

  test.each([5, 19])('of %i are refused', async (decimals) => {
    const token = await engine.chain.deploy(coin(decimals))
    const { venue } = await TestVenue.open({ engine })
    const deployed = engine.chain.deploy('OptionsVenue', engine.council, engine.registry, token, rules)
    await expectRevert(deployed, venue, 'UnsupportedDecimals', [BigInt(decimals), 6n, 18n])
  })
})

describe('R148: a token', () => {
  test('that keeps a fee is refused, and one that does not is taken', async () => {
    const fee = coin(
      6,
      'function _update(address a, address b, uint256 v) internal override { super._update(a, b, a == address(0) || v < 100 ? v : v - 1); }',
    )
    const at = await TestVenue.open({ engine, token: fee })
    await expectRevert(at.call(ALICE, 'deposit', 1_000n), at.venue, 'TransferDiffers', [999n, 1_000n])
    await expectRevert(at.call(ALICE, 'fundInsurance', 1_000n), at.venue, 'TransferDiffers', [999n, 1_000n])
    expect(BigInt((await at.account(ALICE)).key)).toBe(0n)
    await mined(at.call(ALICE, 'deposit', 99n))
  })

  test.each(['deposit', 'withdraw', 'fundInsurance'])('that calls back into a %s is refused', async (name) => {
    const at = await TestVenue.open({ engine, token: reentrantCoin })
    await at.deposit(ALICE, 10n)
    await mined(at.call(ALICE, 'deposit', 1n))
    const fragment = at.venue.interface.getFunction('fundInsurance')
    const again = at.venue.interface.encodeFunctionData(fragment as never, [1n])
    await mined(at.token.getFunction('arm')(at.venue, again))
    const args = name === 'withdraw' ? [1n, at.roundArgument, []] : [1n]
    await expectRevert(at.call(ALICE, name, ...args), at.venue, 'ReentrancyGuardReentrantCall')
  })

  test('that pays an owner nothing any more harms that owner alone', async () => {
    const at = await TestVenue.open({ engine, token: blocking })
    await at.deposit(ALICE, 10n)
    await at.deposit(2, 10n)
    await mined(at.token.getFunction('block')(await at.address(ALICE)))
    const refused = at.withdraw(ALICE, 10n)
    await expect(refused).rejects.toThrow()
    expect(await cashOf(at)).toBe(10n * E12)
    await mined(at.withdraw(2, 10n))
  })
})

describe('R150: rules', () => {
  const bounds: Readonly<Partial<Record<keyof Rules, readonly [bigint, bigint]>>> = {
    changeSeconds: [30n, 3_600n],
    settlementSeconds: [30n, 3_600n],
    auctionSeconds: [60n, 86_400n],
    windowSeconds: [60n, 604_800n],
    startPayBps: [1n, 10_000n],
    endBonusBps: [0n, 10_000n],
    bondBps: [100n, 20_000n],
    stepBps: [100n, 10_000n],
    bandBps: [0n, 5_000n],
    budgetE12: [1n, 2n ** 128n - 1n],
  }

  test('are within their bounds, and the council’s to set', async () => {
    const at = await TestVenue.open({ engine })
    for (const [rule, [least, most]] of Object.entries(bounds)) {
      for (const value of [least, most]) await mined(at.call(0, 'setRules', { ...rules, [rule]: value }))
      const beyond = rule === 'budgetE12' ? [0n] : least === 0n ? [most + 1n] : [least - 1n, most + 1n]
      for (const value of beyond) {
        const about = [encodeBytes32String(rule), value, least, most]
        await expectRevert(at.call(0, 'setRules', { ...rules, [rule]: value }), at.venue, 'RuleOutOfRange', about)
      }
    }
    await expectRevert(at.call(ALICE, 'setRules', rules), at.venue, 'AccessManagedUnauthorized')
  })
})

const blocking = coin(
  6,
  'mapping(address => bool) private _isBlocked; function block(address a) external { _isBlocked[a] = true; } function _update(address a, address b, uint256 v) internal override { require(!_isBlocked[b]); super._update(a, b, v); }',
)
