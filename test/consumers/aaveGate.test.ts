/**
 * The gate before Aave's own contracts: each rule to the basis point and the second, each refusal beside what is taken. Parameters are
 * set here; test/registry/aaveMarket.test.ts has them proven.
 */
import { type Contract, Wallet } from 'ethers'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AaveMarket } from '../../prover/service/development/aaveMarket.ts'
import {
  E18,
  E8,
  first,
  firstPriceE8,
  GatedMarket,
  type Held,
  HOUR,
  marketId,
  NO_ADDRESS,
  NOBODY,
  parametersOf,
  type Rules,
  rules,
  shareX24,
} from '../../scripts/tools/aave/gatedMarket.ts'
import { eventsOf, GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { expectRevert } from '../reverts.ts'

let at: GatedMarket
let snapshot: unknown

beforeAll(async () => {
  at = await GatedMarket.open()
  // Health factors of 1.0312, 1.0260, 1.0208, … at the first price.
  for (const [i, debt] of [20_000n, 19_900n, 19_800n, 15_000n].entries()) await at.borrower(2 + i, debt * E18)
})

beforeEach(async () => {
  snapshot = await at.chain.request('evm_snapshot')
})

afterEach(async () => {
  await at.chain.request('evm_revert', snapshot)
})

const lower = { ltvBps: 7_700n, thresholdBps: 8_000n, bonusBps: 10_500n }
const higher = { ltvBps: 8_050n, thresholdBps: 8_300n, bonusBps: 10_500n }

const refused = (sent: Promise<unknown>, error: string, args?: readonly unknown[]) =>
  expectRevert(sent, at.gate, error, args)

const ofRegistry = (sent: Promise<unknown>, error: string) => expectRevert(sent, at.registry, error)

/** Does nothing to the pool, whatever it is. */
async function nothingLost(body: () => Promise<void>): Promise<void> {
  const before = [await at.inPool(), await at.gate.getFunction('windowOf')(at.asset)]
  await body()
  expect((await at.inPool()) as unknown).toEqual(before[0])
  const [, ...used] = (await at.gate.getFunction('windowOf')(at.asset)).toArray()
  expect(used).toEqual((before[1] as { toArray(): unknown[] }).toArray().slice(1))
}

/** The accounts of other signers than the lender and the gate's caller, sorted. */
const listed = (...also: readonly string[]): readonly string[] =>
  [...at.accounts(), ...also].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))

describe('R170: values', () => {
  test('move to what the registry holds, all three, after the delay, by anybody', async () => {
    await at.announced({ ...lower, bonusBps: 10_600n })
    const moved = eventsOf(await mined(at.apply()), at.gate)
    expect(await at.inPool()).toEqual({ ...lower, bonusBps: 10_600n })
    expect(moved.map(({ name }) => name)).toEqual(['CollateralMoved'])
    expect(moved[0]?.args.before.toArray()).toEqual([8_000n, 8_250n, 10_500n])
    expect(moved[0]?.args.current.toArray()).toEqual([7_700n, 8_000n, 10_600n])
    await refused(at.apply(), 'NothingToMove', [at.asset])
    await refused(at.announce(), 'NothingToMove', [at.asset])
  })

  test('are rounded down, threshold and loan-to-value against the borrower; of a 5 % bonus nothing is added', async () => {
    const bonusX24 = 3_277n << 8n // as a policy of 5 % has it, in 2^-16
    const limitX24 = shareX24(8_000n) - 1n
    const change: Partial<Held> = {
      liquidationThresholdX24: limitX24,
      maintenanceMarginX24: (1n << 24n) - bonusX24 - limitX24,
      maxLoanToValueX24: limitX24,
      initialMarginX24: (1n << 24n) - bonusX24 - limitX24,
    }
    await at.hold(lower, change)
    const { held } = await at.gate.getFunction('standingOf')(at.asset)
    expect(held.toArray()).toEqual([7_999n, 7_999n, 10_500n])
  })

  test('are nobody’s to choose: Aave takes none of an outsider, and the gate has no function that takes one', async () => {
    const configurator = at.market.configurator.connect(at.signer(19)) as Contract
    await expect(
      mined(configurator.getFunction('configureReserveAsCollateral')(at.asset, 7_700n, 8_000n, 10_500n)),
    ).rejects.toThrow()
    const writes = at.gate.interface.fragments.filter(
      (one) => one.type === 'function' && !('stateMutability' in one && one.stateMutability === 'view'),
    )
    const names = writes.map((one) => (one as unknown as { name: string }).name).sort()
    const council = ['bindAsset', 'releaseAsset', 'setAuthority', 'setRules']
    expect(names).toEqual(['announce', 'applyAnnounced', 'lowerLoanToValue', 'registerContract', ...council].sort())
  })

  test('whole: a threshold and a loan-to-value that were not proven for one bonus are refused', async () => {
    const own = parametersOf(lower)
    await nothingLost(async () => {
      await at.hold(lower, { maxLoanToValueX24: own.maxLoanToValueX24 - 1n })
      const bonusX24 = shareX24(500n)
      await refused(at.announce(), 'BonusesDiffer', [marketId, bonusX24, bonusX24 + 1n])
      await at.hold(lower, { maxLoanToValueX24: 0n })
      await refused(at.announce(), 'BonusesDiffer')
    })
    // A limit that would be negative is zero: the initial margin and the bonus are the whole or more.
    const initialMarginX24 = (1n << 24n) - shareX24(500n)
    await at.hold(lower, { maxLoanToValueX24: 0n, initialMarginX24 })
    await mined(at.announce())
    await mined(at.lowerLoanToValue())
    expect(await at.inPool()).toEqual({ ...first, ltvBps: 0n })
  })
})

describe('R171: Aave’s joint rules', () => {
  const one = 1n << 24n

  test('no threshold, no bonus, shares beyond the whole: refused by name', async () => {
    await nothingLost(async () => {
      const atMost = { maintenanceMarginX24: one - shareX24(500n), liquidationThresholdX24: 0n, maxLoanToValueX24: 0n }
      await at.hold(lower, { ...atMost, initialMarginX24: one - shareX24(500n) })
      await refused(at.announce(), 'NoThreshold', [marketId, one - shareX24(500n)])
      await at.hold({ ...lower, bonusBps: 10_000n })
      await refused(at.announce(), 'BonusTooLow', [10_000n, 10_001n])
      await at.hold(lower, { maintenanceMarginX24: one - shareX24(8_000n) + 1n })
      const args = [marketId, one - shareX24(8_000n) + 1n, shareX24(8_000n), one]
      await refused(at.announce(), 'SharesAboveOne', args)
      await at.hold(lower, { maintenanceMarginX24: 2n ** 255n })
      await refused(at.announce(), 'SharesAboveOne')
    })
    await at.hold({ ...lower, bonusBps: 10_001n })
    await mined(at.announce())
  })

  test('a loan-to-value above the threshold', async () => {
    await nothingLost(async () => {
      await at.hold({ ...lower, ltvBps: 8_001n })
      await refused(at.announce(), 'LoanToValueAboveThreshold', [8_001n, 8_000n])
    })
    await at.hold({ ...lower, ltvBps: 8_000n })
    await mined(at.announce())
  })

  test('a threshold with its bonus above the whole, also on the way between two that are not', async () => {
    await at.market.configure('WETH', { ltvBps: 7_000n, thresholdBps: 7_930n, bonusBps: 12_600n })
    await at.setRules({ raiseBps: 500n, bonusBps: 500n })
    await at.announced({ ltvBps: 7_000n, thresholdBps: 9_400n, bonusBps: 10_500n })
    await nothingLost(() => refused(at.apply(), 'ThresholdWithBonusAboveOne', [8_280n, 12_100n, 8_264n]))
    await at.setRules({ raiseBps: 100n, bonusBps: 100n })
    await mined(at.apply())
    expect(await at.inPool()).toEqual({ ltvBps: 7_000n, thresholdBps: 8_000n, bonusBps: 12_500n })
  })
})

describe('R172: delays', () => {
  test('an announcement is applied from the end of the delay to the last second that it is valid', async () => {
    await at.hold(lower)
    const [announced] = eventsOf(await mined(at.announce()), at.gate)
    const [from, until] = [announced?.args.from, announced?.args.until] as [bigint, bigint]
    expect([until - from, announced?.args.collateral.toArray()]).toEqual([
      rules.validSeconds,
      [7_700n, 8_000n, 10_500n],
    ])
    expect(from - (await at.chain.now())).toBe(rules.delaySeconds)
    const attempt = async (time: bigint) => {
      await at.chain.setTime(time - 2n)
      await at.refresh()
      await at.chain.setNextTime(time)
      return at.apply()
    }
    await at.chain.undone(() =>
      nothingLost(() => refused(attempt(from - 1n), 'DelayNotOver', [at.asset, from - 1n, from])),
    )
    await at.chain.undone(async () => void (await mined(attempt(from))))
    await at.chain.undone(async () => void (await mined(attempt(until))))
    await nothingLost(() => refused(attempt(until + 1n), 'NothingAnnounced', [at.asset, until]))
    await mined(at.announce())
  })

  test('nobody makes a delay begin again, and a registry that turned ends it', async () => {
    await at.announced({ ...lower, thresholdBps: 8_100n })
    const { from, until } = await at.gate.getFunction('announcementOf')(at.asset)
    await at.hold(lower)
    await nothingLost(() => refused(at.announce(), 'AnnouncementPending', [at.asset, from, until]))
    await at.hold(higher)
    await nothingLost(() => refused(at.apply(), 'AnnouncementOutdated', [at.asset, 8_300n, 8_100n, 8_250n]))
    await mined(at.announce())
    expect((await at.gate.getFunction('announcementOf')(at.asset)).thresholdBps).toBe(8_300n)
  })

  test('whoever was warned is hit by no more: further by now, the announced triple; nearer, the one held', async () => {
    await at.announced(lower)
    await at.chain.undone(async () => {
      await at.hold({ ltvBps: 7_650n, thresholdBps: 7_900n, bonusBps: 10_550n })
      await mined(at.apply())
      // Loan-to-value, which nobody needs to be warned of, is what is held.
      expect(await at.inPool()).toEqual({ ...lower, ltvBps: 7_650n })
    })
    await at.hold({ ltvBps: 7_650n, thresholdBps: 8_100n, bonusBps: 10_550n })
    await mined(at.apply())
    expect(await at.inPool()).toEqual({ ltvBps: 7_650n, thresholdBps: 8_100n, bonusBps: 10_550n })
  })

  test('loan-to-value falls at once and alone, and rises like all else', async () => {
    await at.hold(lower)
    const health = await at.healthOf(2)
    await mined(at.lowerLoanToValue())
    expect(await at.inPool()).toEqual({ ...first, ltvBps: 7_700n })
    // Interest alone, of a few seconds.
    expect(health - (await at.healthOf(2))).toBeLessThan(10n ** 10n)
    await refused(at.lowerLoanToValue(), 'NothingToMove', [at.asset])
    await at.hold({ ...lower, ltvBps: 7_701n })
    await refused(at.lowerLoanToValue(), 'NothingToMove', [at.asset])
  })

  test('loan-to-value falls where Aave took a threshold with its bonus by rounding: neither of them moves', async () => {
    const rounded = { ...first, thresholdBps: 9_524n }
    await at.market.configure('WETH', rounded)
    await at.hold(lower)
    await mined(at.lowerLoanToValue())
    expect(await at.inPool()).toEqual({ ...rounded, ltvBps: 7_700n })
  })

  test('a higher threshold waits as well, and asks for no accounts', async () => {
    await at.hold(higher)
    await refused(at.apply([]), 'NothingAnnounced', [at.asset, 0n])
    await at.announced(higher)
    await mined(at.apply([]))
    expect(await at.inPool()).toEqual(higher)
  })
})

describe('R173: steps', () => {
  test('a window takes so much and no more; threshold and bonus go by one fraction, loan-to-value falls the whole way', async () => {
    await at.market.setPrice('WETH', 2n * firstPriceE8) // nobody is near
    await at.announced({ ltvBps: 6_000n, thresholdBps: 6_250n, bonusBps: 10_700n })
    await mined(at.apply())
    // 500 of 2,000, so 50 of 200.
    expect(await at.inPool()).toEqual({ ltvBps: 6_000n, thresholdBps: 7_750n, bonusBps: 10_550n })
    const { since } = await at.gate.getFunction('windowOf')(at.asset)
    await nothingLost(() => refused(at.apply(), 'StepsTaken', [at.asset, since + rules.windowSeconds]))
    await at.chain.undone(async () => {
      await at.chain.setTime(since + rules.windowSeconds - 3n)
      await at.refresh()
      await refused(at.apply(), 'StepsTaken')
    })
    await at.chain.setTime(since + rules.windowSeconds - 1n)
    await at.refresh()
    await mined(at.apply())
    // The next 500 of 1,500 that are left, so 50 of 150.
    expect(await at.inPool()).toEqual({ ltvBps: 6_000n, thresholdBps: 7_250n, bonusBps: 10_600n })
  })

  test('the bonus has a step of its own, which holds the threshold back with it', async () => {
    await at.setRules({ bonusBps: 10n })
    await at.announced({ ltvBps: 7_700n, thresholdBps: 8_050n, bonusBps: 10_700n })
    await mined(at.apply())
    // 10 of 200, so 10 of 200.
    expect(await at.inPool()).toEqual({ ltvBps: 7_700n, thresholdBps: 8_240n, bonusBps: 10_510n })
  })

  test('loan-to-value rises by its own step at most, and by no greater fraction than the threshold', async () => {
    await at.market.configure('WETH', { ...first, ltvBps: 7_000n })
    await at.announced({ ltvBps: 8_100n, thresholdBps: 8_350n, bonusBps: 10_500n })
    await mined(at.apply([]))
    expect(await at.inPool()).toEqual({ ltvBps: 7_100n, thresholdBps: 8_350n, bonusBps: 10_500n })
    await nothingLost(() => refused(at.apply([]), 'StepsTaken'))
  })

  test('there and back takes the steps of both ways: nobody is worn down by turns', async () => {
    await at.setRules({ lowerBps: 100n })
    for (const [values, expected] of [
      [{ ...first, thresholdBps: 8_150n }, 8_150n],
      [first, 8_250n],
    ] as const) {
      await at.announced(values)
      await mined(at.apply())
      expect((await at.inPool()).thresholdBps).toBe(expected)
    }
    await at.announced({ ...first, thresholdBps: 8_150n })
    await nothingLost(() => refused(at.apply(), 'StepsTaken'))
  })

  test('tighter rules count what was used under those before', async () => {
    await at.announced({ ...first, thresholdBps: 8_000n })
    await at.chain.undone(async () => {
      await mined(at.apply())
      await at.setRules({ lowerBps: 200n })
      await at.announced({ ...first, thresholdBps: 7_900n, ltvBps: 7_900n })
      await mined(at.apply())
      expect(await at.inPool()).toEqual({ ltvBps: 7_900n, thresholdBps: 8_000n, bonusBps: 10_500n })
    })
  })
})

/** A threshold at which the first so many of the borrowers are below 1, and the next one is not. */
async function thresholdThatLiquidates(count: number): Promise<bigint> {
  const account = await at.signer(2 + count).getAddress()
  const health = await at.market.healthOf(account)
  return (8_250n * E18) / health + 1n
}

describe('R174: accounts made liquidatable', () => {
  test('are counted by the pool’s own health factors, and capped by window', async () => {
    expect(await at.healthOf(2)).toBeGreaterThan(E18)
    const two = await thresholdThatLiquidates(2)
    await at.announced({ ...lower, ltvBps: 7_700n, thresholdBps: two })
    await at.chain.undone(async () => {
      const [moved] = eventsOf(await mined(at.apply()), at.gate)
      expect(moved?.args.liquidatable).toBe(2n)
      expect([await at.healthOf(2), await at.healthOf(3)].every((health) => health < E18)).toBe(true)
      expect(await at.healthOf(4)).toBeGreaterThanOrEqual(E18)
      expect((await at.gate.getFunction('windowOf')(at.asset)).liquidatable).toBe(2n)
      // The window has none left; those that are liquidatable already count no more.
      await at.announced({ ...lower, thresholdBps: two - 10n })
      await nothingLost(() => refused(at.apply(), 'TooManyLiquidatable', [at.asset, 1n, 0n]))
      await at.setRules({ mostLiquidatable: 3n })
      const [further] = eventsOf(await mined(at.apply()), at.gate)
      expect(further?.args.liquidatable).toBe(1n)
      expect((await at.gate.getFunction('windowOf')(at.asset)).liquidatable).toBe(3n)
    })
    await at.setRules({ mostLiquidatable: 1n })
    await nothingLost(() => refused(at.apply(), 'TooManyLiquidatable', [at.asset, 2n, 1n]))
  })

  test('of less debt than counts stop nothing', async () => {
    await at.setRules({ mostLiquidatable: 0n })
    await at.announced({ ...lower, thresholdBps: await thresholdThatLiquidates(1) })
    await nothingLost(() => refused(at.apply(), 'TooManyLiquidatable', [at.asset, 1n, 0n]))
    const [, debt] = await at.market.pool.getFunction('getUserAccountData')(await at.signer(2).getAddress())
    await at.setRules({ mostLiquidatable: 0n, leastDebt: debt })
    await nothingLost(() => refused(at.apply(), 'TooManyLiquidatable', [at.asset, 1n, 0n]))
    await at.setRules({ mostLiquidatable: 0n, leastDebt: 2n * debt })
    await mined(at.apply())
  })

  test('a borrower in an e-mode category keeps its threshold, and does not count', async () => {
    const { configurator, pool } = at.market
    const category = [1, 9_000, 9_300, 10_200, NO_ADDRESS, 'one']
    await mined(configurator.getFunction('setEModeCategory')(...category, { gasLimit: GAS_LIMIT }))
    for (const name of ['WETH', 'USD']) {
      await mined(configurator.getFunction('setAssetEModeCategory')(at.market.reserve(name).asset, 1))
    }
    const enter = (pool.connect(at.signer(2)) as Contract).getFunction('setUserEMode')
    await mined(enter(1, { gasLimit: GAS_LIMIT }))
    await at.announced({ ...lower, thresholdBps: await thresholdThatLiquidates(2) })
    const [moved] = eventsOf(await mined(at.apply()), at.gate)
    expect(moved?.args.liquidatable).toBe(1n)
    expect(await at.healthOf(2)).toBeGreaterThan(E18)
  })

  test('no threshold and no loan-to-value rises to what the asset’s e-mode category has', async () => {
    const { configurator } = at.market
    const category = [1, 8_040, 8_300, 10_200, NO_ADDRESS, 'one']
    await mined(configurator.getFunction('setEModeCategory')(...category, { gasLimit: GAS_LIMIT }))
    await mined(configurator.getFunction('setAssetEModeCategory')(at.asset, 1))
    await at.announced(higher)
    await nothingLost(() => refused(at.apply([]), 'NotBelowEMode', [at.asset, 1n, 8_300n, 8_300n]))
    await at.hold({ ...higher, thresholdBps: 8_299n })
    await nothingLost(() => refused(at.apply([]), 'NotBelowEMode', [at.asset, 1n, 8_050n, 8_040n]))
    await at.hold({ ...higher, thresholdBps: 8_299n, ltvBps: 8_039n })
    await mined(at.apply([]))
  })
})

describe('R175: accounts are listed', () => {
  const all = () => [...at.accounts()]

  beforeEach(() => at.announced(lower))

  test('in order and once', async () => {
    const [one, two, ...others] = all() as [string, string, ...string[]]
    await nothingLost(async () => {
      await refused(at.apply([one, one, two, ...others]), 'AccountsNotIncreasing', [one, one])
      await refused(at.apply([two, one, ...others]), 'AccountsNotIncreasing', [one, two])
      await refused(at.apply([NO_ADDRESS, one, two, ...others]), 'AccountsNotIncreasing', [NO_ADDRESS, NO_ADDRESS])
    })
    await mined(at.apply([one, two, ...others]))
  })

  test('all but so much of the supply, to the unit; whoever supplies to be listed hides nobody', async () => {
    const omitted = await at.signer(2).getAddress()
    const others = all().filter((account) => account !== omitted)
    await nothingLost(async () => {
      await refused(at.apply([]), 'TooMuchUnlisted', [at.asset, 40n * E18, rules.mostUnlisted])
      await refused(at.apply(others), 'TooMuchUnlisted', [at.asset, 10n * E18, rules.mostUnlisted])
    })
    await at.supplier(18, 1_000_000n * E18)
    const whale = await at.signer(18).getAddress()
    await nothingLost(() => refused(at.apply(listed().filter((one) => one !== omitted)), 'TooMuchUnlisted'))
    expect(all()).toContain(whale)
    await at.setRules({ mostUnlisted: 10n * E18 - 1n })
    const without = all().filter((account) => account !== omitted)
    await refused(at.apply(without), 'TooMuchUnlisted', [at.asset, 10n * E18, 10n * E18 - 1n])
    await at.setRules({ mostUnlisted: 10n * E18 })
    await mined(at.apply(without))
  })

  test('a contract only a delay after it was registered; one with an owner’s key that acts by a contract’s code at once', async () => {
    const contract = at.registry.target as string
    await nothingLost(async () => {
      await refused(at.apply(listed(contract)), 'AccountIsContract', [contract, 0n])
      await refused(at.call('registerContract', NOBODY.replace('01', 'f1')), 'AccountNotContract')
    })
    await mined(at.call('registerContract', contract))
    const since = await at.chain.now()
    await refused(at.call('registerContract', contract), 'ContractKnown', [contract, since])
    await at.chain.setTime(since + rules.delaySeconds - 2n)
    await at.chain.setNextTime(since + rules.delaySeconds - 1n)
    const from = since + rules.delaySeconds
    await nothingLost(() => refused(at.apply(listed(contract)), 'AccountIsContract', [contract, from]))
    await at.chain.undone(async () => void (await mined(at.apply(listed(contract)))))
    const delegated = Wallet.createRandom().address
    await at.chain.request('hardhat_setCode', delegated, `0xef0100${contract.slice(2)}`)
    await mined(at.apply(listed(delegated)))
  })
})

describe('R176: what cannot be moved is refused by name, and nothing is lost', () => {
  test('a stale market, a paused one, one without a proof', async () => {
    await at.announced(lower)
    const calls = [() => at.apply(), () => at.lowerLoanToValue()]
    await nothingLost(async () => {
      await mined(at.registry.getFunction('setAge')(marketId, 3_901n))
      for (const call of calls) await ofRegistry(call(), 'ParametersStale')
      await ofRegistry(at.announce(), 'ParametersStale')
      await at.refresh()
      await at.chain.undone(async () => {
        await mined(at.registry.getFunction('setPaused')(marketId, HOUR))
        for (const call of calls) await ofRegistry(call(), 'MarketPaused')
      })
      await at.chain.undone(async () => {
        await mined(at.registry.getFunction('forget')(marketId))
        for (const call of calls) await ofRegistry(call(), 'NotYetProven')
      })
    })
    await at.refresh()
    await mined(at.apply())
  })

  test('an asset that the pool does not list, that is not bound, that nobody can borrow against', async () => {
    const bind = (asset: unknown, id = marketId) => at.by(0, 'bindAsset', asset, id, rules)
    await refused(bind(NOBODY), 'AssetNotListed', [NOBODY])
    const coin = at.market.reserve('USD').asset.target
    await refused(bind(coin), 'AssetNotCollateral', [coin])
    await refused(bind(at.asset), 'AssetBoundAlready', [at.asset, marketId])
    for (const call of ['announce', 'lowerLoanToValue', 'marketOf', 'rulesOf', 'announcementOf', 'windowOf'])
      await refused(at.gate.getFunction(call).staticCall(NOBODY), 'AssetNotBound', [NOBODY])
    await refused(at.call('applyAnnounced', NOBODY, []), 'AssetNotBound', [NOBODY])
    await mined(at.by(0, 'releaseAsset', at.asset))
    await refused(at.announce(), 'AssetNotBound', [at.asset])
    await refused(at.by(0, 'releaseAsset', at.asset), 'AssetNotBound', [at.asset])
    await expectRevert(bind(at.asset, marketIdOf('SOL-USD')), at.registry, 'NotYetProven')
    await mined(bind(at.asset))
    expect(await at.gate.getFunction('marketOf')(at.asset)).toBe(marketId)
  })

  test('a reserve that Aave’s administrators stopped: paused, frozen, not active', async () => {
    await at.announced(lower)
    const stops = [
      ['setReservePause', true, [at.asset, true, false, true]],
      ['setReserveFreeze', true, [at.asset, true, true, false]],
    ] as const
    for (const [stop, value, args] of stops) {
      await at.chain.undone(async () => {
        await mined(at.market.configurator.getFunction(stop)(at.asset, value))
        await nothingLost(async () => {
          for (const sent of [at.apply(), at.lowerLoanToValue(), at.announce()])
            await refused(sent, 'ReserveStopped', args)
        })
      })
    }
    await at.market.list([{ name: 'COIN', priceE8: E8, collateral: first }])
    const { asset } = at.market.reserve('COIN')
    await mined(at.market.configurator.getFunction('setReserveActive')(asset, false))
    await refused(at.by(0, 'bindAsset', asset, marketId, rules), 'ReserveStopped', [asset.target, false, false, false])
    await mined(at.apply())
  })

  test('a pool of another market, or none', async () => {
    const { chain, council, registry, market } = at
    const make = (pool: unknown) => chain.deploy('AaveGate', council, registry, pool)
    const other = await AaveMarket.open(chain.signers[0] as never, [{ name: 'COIN', priceE8: E8 }])
    const posing = compileContract(
      'PosingPool',
      `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract PosingPool { address public immutable ADDRESSES_PROVIDER; constructor(address p) { ADDRESSES_PROVIDER = p; } }`,
    )
    const pool = await chain.deploy(posing, market.provider)
    await refused(make(pool), 'ForeignPool', [pool.target, market.pool.target])
    // Nobody, a contract that is no pool, one that answers anything with nothing, and a pool's own provider.
    const weth = await chain.deploy('MockToken', 'WETH', 18)
    for (const none of [NOBODY, registry.target, weth.target, market.provider.target])
      await refused(make(none), 'ForeignPool', [none, NO_ADDRESS])
    await make(other.pool)
    // The market's governance may put another pool in the place of its own.
    await at.announced(lower)
    await mined(market.provider.getFunction('setAddress')(chain.ethers.encodeBytes32String('POOL'), other.pool))
    await refused(at.apply(), 'ForeignPool', [market.pool.target, other.pool.target])
    await mined(market.provider.getFunction('setAddress')(chain.ethers.encodeBytes32String('POOL'), market.pool))
    await mined(at.apply())
  })

  test('a gate that is no risk admin, and what Aave itself refuses', async () => {
    await at.announced(lower)
    const { acl } = at.market
    await mined(acl.getFunction('removeRiskAdmin')(at.gate))
    await nothingLost(() => refused(at.apply(), 'GateNotRiskAdmin', [at.gate.target, acl.target]))
    await mined(acl.getFunction('addPoolAdmin')(at.gate))
    await at.chain.undone(async () => void (await mined(at.apply())))
    const refusing = compileContract(
      'Refusing',
      `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Refusing {
    function configureReserveAsCollateral(address, uint256, uint256, uint256) external pure { revert("20"); }
}`,
    )
    const configurator = await at.chain.deploy(refusing)
    const id = at.chain.ethers.encodeBytes32String('POOL_CONFIGURATOR')
    await mined(at.market.provider.getFunction('setAddress')(id, configurator))
    const reason = at.chain.ethers.concat([
      '0x08c379a0',
      at.chain.ethers.AbiCoder.defaultAbiCoder().encode(['string'], ['20']),
    ])
    await nothingLost(() => refused(at.apply(), 'PoolRefused', [at.asset, reason]))
  })

  test('rules outside their bounds, and rules of anybody but the council', async () => {
    const bounds: readonly (readonly [keyof Rules, bigint, bigint])[] = [
      ['delaySeconds', 300n, 7n * 24n * HOUR],
      ['validSeconds', HOUR, 14n * 24n * HOUR],
      ['windowSeconds', HOUR, 30n * 24n * HOUR],
      ['lowerBps', 1n, 2_000n],
      ['raiseBps', 1n, 500n],
      ['bonusBps', 1n, 500n],
      ['mostLiquidatable', 0n, 1_000n],
    ]
    for (const [rule, least, most] of bounds) {
      const name = at.chain.ethers.encodeBytes32String(rule)
      for (const value of [least - 1n, most + 1n].filter((one) => one >= 0n)) {
        await refused(at.setRules({ [rule]: value }), 'RuleOutOfRange', [name, value, least, most])
      }
      for (const value of [least, most]) await at.setRules({ [rule]: value })
    }
    const restricted: readonly (readonly [string, readonly unknown[]])[] = [
      ['bindAsset', [at.asset, marketId, rules]],
      ['setRules', [at.asset, rules]],
      ['releaseAsset', [at.asset]],
    ]
    for (const [name, args] of restricted) await refused(at.call(name, ...args), 'AccessManagedUnauthorized')
    await expectRevert(at.by(0, 'setRules', NOBODY, rules), at.gate, 'AssetNotBound', [NOBODY])
  })
})
