/**
 * Whatever the book, the market, the treasury and an attacker in the pool do, in whatever order: the agent's tokens are those that it
 * counts, it counts every one that came and went, and no trade is worse than its rules allow.
 *
 * HEDGE_RUNS and HEDGE_STEPS say how many sequences of how many requests.
 */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { revertDataOf } from '../reverts.ts'
import { ATTACKER, COUNCIL, hedgeRules, PRICE, TestHedge, TRADER } from '../../scripts/tools/chains/hedgingEngine.ts'

const RUNS = Number(process.env.HEDGE_RUNS ?? 6)
const STEPS = Number(process.env.HEDGE_STEPS ?? 40)
const E18 = 10n ** 18n

type Action =
  | { readonly name: 'book'; readonly deltaE12: bigint; readonly gammaE20: bigint }
  | { readonly name: 'market'; readonly bps: bigint; readonly isFollowed: boolean; readonly seconds: bigint }
  | { readonly name: 'attack'; readonly isSale: boolean; readonly size: bigint }
  | { readonly name: 'fund' | 'take' | 'send'; readonly assets: bigint; readonly cash: bigint }
  | { readonly name: 'absorb' | 'rebalance' }

const assets = fc.bigInt({ min: 0n, max: 20n * E18 })
const cash = fc.bigInt({ min: 0n, max: 50_000n * 10n ** 6n })
const actions = fc.oneof(
  fc.record({
    name: fc.constant('book'),
    deltaE12: fc.bigInt({ min: -40n * E12, max: 40n * E12 }),
    gammaE20: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
  }),
  fc.record({
    name: fc.constant('market'),
    bps: fc.bigInt({ min: -300n, max: 300n }),
    isFollowed: fc.constantFrom(true, true, true, false),
    seconds: fc.constantFrom(20n, 300n, 900n, 900n),
  }),
  fc.record({ name: fc.constant('attack'), isSale: fc.boolean(), size: fc.bigInt({ min: 1n, max: 8n }) }),
  fc.record({ name: fc.constantFrom('fund', 'take', 'send'), assets, cash }),
  fc.record({ name: fc.constant('absorb') }),
  { weight: 4, arbitrary: fc.record({ name: fc.constant('rebalance') }) },
) as fc.Arbitrary<Action>

let at: TestHedge
/** Tokens that came in by calls, less those that went out. */
let counted: { asset: bigint; cash: bigint }
/** Tokens that were sent without a call. */
let sent: { asset: bigint; cash: bigint }
let deltaE12: bigint
let gammaE20: bigint
/** How often each kind of request went through, so that a test of refusals alone is seen. */
const done = new Map<string, number>()

beforeAll(async () => {
  at = await TestHedge.open({
    engine: await PortfolioEngine.start(),
    change: { maxTradeE12: 10n * E12, intervalSeconds: 60n },
  })
  for (const token of [at.pool.asset, at.pool.cash]) {
    await mined(
      (token.connect(at.signer(COUNCIL) as never) as typeof token).getFunction('approve')(at.agent, E18 ** 3n),
    )
  }
  await at.settle()
})

/** Whether a request went through; that it was refused by one of the contracts' errors is as good. */
async function tried(name: string, body: () => Promise<unknown>): Promise<boolean> {
  try {
    await body()
  } catch (error) {
    if (revertDataOf(error) === undefined) throw error
    return false
  }
  done.set(name, (done.get(name) ?? 0) + 1)
  return true
}

async function run(action: Action): Promise<void> {
  switch (action.name) {
    case 'book':
      ;({ deltaE12, gammaE20 } = action)
      return at.figures(deltaE12, gammaE20)
    case 'market': {
      const priceE8 = (PRICE * E8 * (10_000n + action.bps)) / 10_000n
      if (action.isFollowed) await at.pool.moveTo(at.signer(TRADER), priceE8)
      await at.settle(priceE8, action.seconds)
      return at.figures(deltaE12, gammaE20)
    }
    case 'attack': {
      const unit = action.isSale ? E18 : PRICE * 10n ** 6n
      await at.pool.swap(at.signer(ATTACKER), action.isSale ? 'asset' : 'cash', action.size * unit)
      return
    }
    case 'fund':
      return move('fundAsset', 'fundCash', action, 1n)
    case 'take':
      return move('withdrawAsset', 'withdrawCash', action, -1n)
    case 'send':
      for (const side of ['asset', 'cash'] as const) {
        const amount = side === 'asset' ? action.assets : action.cash
        await mined(at.pool[side].getFunction('transfer')(at.agent, amount))
        sent[side] += amount
      }
      return
    case 'absorb':
      await mined(at.call(COUNCIL, 'absorb'))
      counted = { asset: counted.asset + sent.asset, cash: counted.cash + sent.cash }
      sent = { asset: 0n, cash: 0n }
      return
    case 'rebalance':
      await rebalance()
  }
}

async function move(
  assetCall: string,
  cashCall: string,
  { assets: amount, cash: money }: { readonly assets: bigint; readonly cash: bigint },
  sign: bigint,
): Promise<void> {
  const to = sign < 0n ? [await at.address(COUNCIL)] : []
  if (await tried(assetCall, () => mined(at.call(COUNCIL, assetCall, amount, ...to)))) counted.asset += sign * amount
  if (await tried(cashCall, () => mined(at.call(COUNCIL, cashCall, money, ...to)))) counted.cash += sign * money
}

/** A trade is toward the target and not past it, within the cap, no worse than the slippage from spot, and moves the pool little. */
async function rebalance(): Promise<void> {
  const before = await at.holdings()
  const poolBefore = await at.pool.priceE8()
  const gap = -deltaE12 * 10n ** 6n - (before.assetHeld - before.neutralAmount)
  let assetAmount = 0n
  let cashAmount = 0n
  const went = await tried('rebalance', async () => {
    ;({ assetAmount, cashAmount } = await at.rebalanced())
  })
  if (!went) return
  counted.asset += assetAmount
  counted.cash += cashAmount
  const size = assetAmount < 0n ? -assetAmount : assetAmount
  expect(assetAmount * gap).toBeGreaterThan(0n)
  // Positions count in 10^-12 of an asset, and parts of that are held.
  expect(size).toBeLessThan((gap < 0n ? -gap : gap) + 10n ** 6n)
  expect(size).toBeLessThanOrEqual(10n * E18)
  const spotE8 = (at.roundArgument.marketWords[0] as bigint) & ((1n << 44n) - 1n)
  const worthE6 = (size * spotE8) / 10n ** 20n
  const worst = (worthE6 * hedgeRules.slippageBps) / 10_000n + 1n
  expect(assetAmount > 0n ? -cashAmount - worthE6 : worthE6 - cashAmount).toBeLessThanOrEqual(worst)
  const moved = Number(await at.pool.priceE8()) / Number(poolBefore)
  expect(Math.abs(Math.log(moved))).toBeLessThanOrEqual(0.003_005)
}

async function holds(): Promise<void> {
  const { assetHeld, cashHeld } = await at.holdings()
  expect([assetHeld, cashHeld]).toEqual([counted.asset, counted.cash])
  expect(await at.balances()).toEqual([assetHeld + sent.asset, cashHeld + sent.cash])
}

describe('R168: in any order of requests', () => {
  test('tokens in are tokens out, and each trade is within the rules', async () => {
    const sequences = fc.array(actions, { minLength: STEPS, maxLength: STEPS })
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        await at.undone(async () => {
          const { assetHeld, cashHeld } = await at.holdings()
          counted = { asset: assetHeld, cash: cashHeld }
          sent = { asset: 0n, cash: 0n }
          ;[deltaE12, gammaE20] = [0n, 0n]
          await at.figures(deltaE12)
          for (const action of sequence) {
            await run(action)
            await holds()
          }
        })
      }),
      { numRuns: RUNS, seed: 8, endOnFailure: true },
    )
    for (const name of ['rebalance', 'fundAsset', 'fundCash', 'withdrawAsset', 'withdrawCash']) {
      expect(done.get(name) ?? 0, name).toBeGreaterThanOrEqual(RUNS)
    }
  })
})
