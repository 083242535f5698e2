/** Nobody trades at a price that was known when the order was placed, and quotes are what their makers signed. */
import { beforeAll, describe, expect, test } from 'vitest'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { option, SPOT, TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const SKEW = 15n
const CALL = option(110_000n, E12)

let at: TestVenue

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  for (const each of [HOUSE, ALICE, BOB]) await at.deposit(each, 100_000n)
})

/** An order, a round and a quote that fit each other. */
async function agreed(change: Parameters<TestVenue['place']>[1], premiumE12 = 0n) {
  const order = await at.place(ALICE, change)
  await at.round(SPOT * E8)
  const quote = await at.quote(HOUSE, order, { premiumE12 })
  return { order, quote, signature: await at.sign(HOUSE, quote) }
}

describe('R136: an order', () => {
  test('is filled at a round observed later than any that may have been seen when it was placed, to the second', async () => {
    await at.undone(async () => {
      const order = await at.place(ALICE, { perpsE12: E12 })
      const placed = await at.chain.now()
      const quote = await at.quote(HOUSE, order)
      const signature = await at.sign(HOUSE, quote)
      const earliest = placed + SKEW
      expect(await at.orders.getFunction('earliestOf')(quote.orderId)).toBe(earliest)
      await at.round(SPOT * E8, SKEW)
      expect(at.newest.asOf).toBe(earliest)
      await expectRevert(at.fill(order, quote, signature), at.orders, 'RoundNotAfterOrder', [earliest, earliest])
      await at.round(SPOT * E8, 1n)
      await mined(at.fill(order, quote, signature))
    })
  })

  test('is not filled at a round that another has overtaken', async () => {
    await at.undone(async () => {
      const { order, quote, signature } = await agreed({ perpsE12: E12 })
      const old = at.newest
      await at.round((SPOT - 1_000n) * E8)
      const { asOf } = at.newest
      at.newest = old
      await expectRevert(at.fill(order, quote, signature), at.venue, 'RoundNotNewest', [old.asOf, asOf])
    })
  })

  test('is filled once, at its limits and not beyond, until it expires', async () => {
    await at.undone(async () => {
      const priceE8 = SPOT * E8 + 1n
      for (const [perpsE12, limitE8, isIn] of [
        [E12, priceE8, true],
        [E12, priceE8 - 1n, false],
        [-E12, priceE8, true],
        [-E12, priceE8 + 1n, false],
      ] as const) {
        const { order, quote, signature } = await agreed({ perpsE12, limitE8 })
        if (!isIn)
          await expectRevert(at.fill(order, quote, signature), at.orders, 'PriceBeyondLimit', [priceE8, limitE8])
        else await at.undone(() => mined(at.fill(order, quote, signature)))
      }
      const premiumE12 = 2_000n * E12
      const tight = await agreed({ options: [CALL], premiumE12: premiumE12 - 1n }, premiumE12)
      await expectRevert(at.fill(tight.order, tight.quote, tight.signature), at.orders, 'PremiumBeyondLimit')
      const fits = await agreed({ options: [CALL], premiumE12 }, premiumE12)
      await at.undone(async () => {
        await at.chain.setNextTime(fits.order.expiresAt + 1n)
        await expectRevert(at.fill(fits.order, fits.quote, fits.signature), at.orders, 'Expired')
      })
      await mined(at.fill(fits.order, fits.quote, fits.signature))
      await expectRevert(at.fill(fits.order, fits.quote, fits.signature), at.orders, 'OrderUnknown', [
        fits.quote.orderId,
      ])
    })
  })

  test('is its owner’s to place and to take back, once, and says something', async () => {
    await at.undone(async () => {
      const order = await at.order(ALICE, { perpsE12: E12 })
      await expectRevert(at.callOrders(BOB, 'placeOrder', order), at.orders, 'NotOwner')
      await expectRevert(at.callOrders(ALICE, 'cancelOrder', order), at.orders, 'OrderUnknown')
      await expectRevert(at.callOrders(ALICE, 'placeOrder', { ...order, perpsE12: 0n }), at.orders, 'NothingChanges')
      await mined(at.callOrders(ALICE, 'placeOrder', order))
      await expectRevert(at.callOrders(ALICE, 'placeOrder', order), at.orders, 'OrderExists')
      await expectRevert(at.callOrders(BOB, 'cancelOrder', order), at.orders, 'NotOwner')
      await mined(at.callOrders(ALICE, 'cancelOrder', order))
      await at.round(SPOT * E8)
      const quote = await at.quote(HOUSE, order)
      await expectRevert(at.fill(order, quote, await at.sign(HOUSE, quote)), at.orders, 'OrderUnknown')
    })
  })
})

describe('R137: a quote', () => {
  test('is for one order, of its maker’s word, once, until its deadline', async () => {
    await at.undone(async () => {
      const { order, quote, signature } = await agreed({ perpsE12: E12 })
      const changes = [{ premiumE12: 1n }, { deadline: quote.deadline + 1n }, { nonce: quote.nonce + 1n }]
      for (const change of changes) {
        const other = { ...quote, ...change }
        const isOfPremium = 'premiumE12' in change
        await expectRevert(
          at.fill(order, other, signature),
          at.orders,
          'SignatureRejected',
          isOfPremium ? [quote.maker] : undefined,
        )
      }
      await expectRevert(at.fill(order, quote, await at.sign(BOB, quote)), at.orders, 'SignatureRejected')
      const another = await at.place(ALICE, { perpsE12: -E12 })
      await expectRevert(at.fill(another, quote, signature), at.orders, 'QuoteForOtherOrder')
      const own = await at.quote(ALICE, order)
      await expectRevert(at.fill(order, own, await at.sign(ALICE, own)), at.orders, 'SameAccount', [order.owner])
      await at.undone(async () => {
        await mined(at.callOrders(HOUSE, 'cancelQuote', quote.nonce))
        await expectRevert(at.fill(order, quote, signature), at.orders, 'QuoteUsedAlready', [quote.maker, quote.nonce])
        await expectRevert(at.callOrders(HOUSE, 'cancelQuote', quote.nonce), at.orders, 'QuoteUsedAlready')
      })
      const late = { ...quote, deadline: await at.chain.now() }
      await expectRevert(at.fill(order, late, await at.sign(HOUSE, late)), at.orders, 'Expired')
      await at.undone(async () => {
        await mined(at.callOrders(BOB, 'cancelQuote', quote.nonce)) // another maker's number
        await mined(at.fill(order, quote, signature))
      })
    })
  })

  test('is signed by contracts too, as ERC-1271 has it', async () => {
    await at.undone(async () => {
      const maker = await at.chain.deploy(signingContract)
      await mined(at.token.getFunction('mint')(maker, 10n ** 12n))
      await mined(maker.getFunction('join')(at.token, at.venue, 10n ** 12n))
      const order = await at.place(ALICE, { perpsE12: E12 })
      await at.round(SPOT * E8)
      const quote = await at.quote(HOUSE, order, { maker: maker.target as string })
      await expectRevert(at.fill(order, quote, '0x02'), at.orders, 'SignatureRejected', [maker.target])
      await mined(at.fill(order, quote, '0x01'))
    })
  })

  test('has a premium that a model could have: of a call between exercise and the asset, of a put between that and the strike', async () => {
    await at.undone(async () => {
      const [low, high] = [(SPOT * 95n) / 100n, (SPOT * 105n) / 100n]
      const put = option(110_000n, 0n, E12)
      const cases = [
        { options: [option(90_000n, E12)], least: (low - 90_000n) * E12, most: high * E12 },
        { options: [put], least: (110_000n - high) * E12, most: 110_000n * E12 },
        { options: [option(90_000n, -E12)], least: -high * E12, most: (90_000n - low) * E12 },
        { options: [], least: 0n, most: 0n },
      ]
      for (const { options, least, most } of cases) {
        for (const [premiumE12, isIn] of [
          [least, true],
          [least - 1n, false],
          [most, true],
          [most + 1n, false],
        ] as const) {
          const { order, quote, signature } = await agreed(
            { options, perpsE12: E12, premiumE12: 2n ** 100n },
            premiumE12,
          )
          if (isIn) await at.undone(() => mined(at.fill(order, quote, signature)))
          else
            await expectRevert(at.fill(order, quote, signature), at.orders, 'PremiumOutOfBand', [
              premiumE12,
              least,
              most,
            ])
        }
      }
    })
  })

  test('reaches the venue through its orders alone', async () => {
    const trade = {
      owner: await at.address(ALICE),
      maker: await at.address(HOUSE),
      perpsE12: E12,
      premiumE12: 0n,
      options: [],
    }
    await expectRevert(at.call(ANYBODY, 'trade', trade, at.roundArgument, [], []), at.venue, 'NotOrders', [
      await at.address(ANYBODY),
    ])
  })
})

describe('R138: trading at old marks', () => {
  /** Where orders are filled at the last price, whoever sees the next one doubles their cash in these five moves. */
  test('five moves of 2 %, each known in advance, bring nothing: an order is filled behind the move', async () => {
    await at.undone(async () => {
      let spotE8 = SPOT * E8
      await at.round(spotE8)
      const before = (await at.account(ALICE)).cashE12
      for (let move = 0; move < 5; move++) {
        const next = (spotE8 * 102n) / 100n
        const order = await at.place(ALICE, { perpsE12: E12 })
        const quote = await at.quote(HOUSE, order)
        const signature = await at.sign(HOUSE, quote)
        // At the old mark, which is the newest round still.
        await expectRevert(at.fill(order, quote, signature), at.orders, 'RoundNotAfterOrder')
        await at.round(next)
        await mined(at.fill(order, quote, signature))
        for (const each of [ALICE, HOUSE]) await at.prove(each)
        await at.takeTrade(order, HOUSE)
        spotE8 = next
        const back = await at.place(ALICE, { perpsE12: -E12 })
        await at.round(spotE8)
        await at.match(back, HOUSE)
        for (const each of [ALICE, HOUSE]) await at.prove(each)
        await at.takeTrade(back, HOUSE)
      }
      expect((await at.account(ALICE)).cashE12).toBe(before)
    })
  })
})

/** Signs whatever comes with a signature of 1, and reverts on everything that somebody sends it. */
const signingContract = compileContract(
  'Maker',
  `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
interface IVenue { function deposit(uint256 amount) external; }
contract Maker {
    function join(IERC20 token, IVenue venue, uint256 amount) external {
        token.approve(address(venue), amount);
        venue.deposit(amount);
    }
    function isValidSignature(bytes32, bytes calldata signature) external pure returns (bytes4) {
        return signature[0] == 0x01 ? bytes4(0x1626ba7e) : bytes4(0);
    }
    receive() external payable { revert(); }
}`,
)
