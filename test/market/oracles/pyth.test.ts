/** Pyth's updates, verified by Wormhole's own core contract: recorded ones, and some of our own keys for what was never recorded. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contract, ContractFactory, computeAddress, parseEther, toBeHex, ZeroHash } from 'ethers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { artifactOf } from '../../../prover/registry/artifacts.ts'
import { unpack } from '../../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../../scripts/tools/chains/compileContract.ts'
import {
  btc,
  deployAccumulator,
  deployPythAdapter,
  deployWormhole,
  eth,
  type Freshness,
  ownKeys,
} from '../../../scripts/tools/oracles/oracleChain.ts'
import { type PythPrice, pythEmitter, pythUpdate } from '../../../scripts/tools/oracles/payloads.ts'
import {
  btcFeed,
  ethFeed,
  hasRecordings,
  pythRecordings,
  recordedGuardians,
} from '../../../scripts/tools/oracles/recordings.ts'
import { root } from '../../../scripts/tools/sources.ts'
import { expectRevert } from '../../reverts.ts'

const PRICE = 50_000n * 10n ** 8n
const guardians = ownKeys('guardian', 4)
const quorum = guardians.slice(0, 3)
const feeds = [
  { marketId: btc, feedId: btcFeed, decimals: 8n },
  { marketId: eth, feedId: ethFeed, decimals: 8n },
]
let chain: Chain
let core: Contract
let accumulator: Contract
let adapter: Contract

beforeAll(async () => {
  chain = await startChain(new Date('2024-07-01'))
  core = await deployWormhole(
    chain,
    guardians.map((guardian) => computeAddress(guardian)),
  )
  accumulator = await deployAccumulator(chain, core)
  adapter = await deployPythAdapter(chain, accumulator, feeds)
})

const said = (of: Partial<PythPrice> & Pick<PythPrice, 'publishTime'>): PythPrice => ({
  ...{ id: btcFeed, price: PRICE, confidence: 0n, exponent: -8n },
  ...of,
})
const signed = (...prices: readonly PythPrice[]): readonly string[] => [pythUpdate(prices, quorum)]
const take = (updates: readonly string[], { from = adapter, marketId = btc, value = 0n } = {}) =>
  from.getFunction('take')(marketId, updates, { gasLimit: GAS_LIMIT, value })
const tryTake = (updates: readonly string[], { from = adapter, marketId = btc, value = 0n } = {}): Promise<unknown> =>
  from.getFunction('take').staticCall(marketId, updates, { gasLimit: GAS_LIMIT, value })
const last = async (of = adapter, marketId = btc) =>
  unpack('observation', (await of.getFunction('latest')(marketId)).lastWord)

/** Time of the block that calls see from now on. */
async function at(seconds: bigint): Promise<bigint> {
  const now = (await chain.now()) + seconds
  await chain.setTime(now)
  return now
}

describe.skipIf(!hasRecordings)('R115: recorded updates of Pyth', () => {
  test('enter as their publisher says, verified by Wormhole with the guardians that signed them', async () => {
    await chain.undone(async () => {
      const recordings = pythRecordings()
      const { set, guardians: known } = recordedGuardians(recordings.map(({ update }) => update))
      expect(set).toBe(4)
      const real = await deployAccumulator(chain, await deployWormhole(chain, known, set))
      const pyth = await deployPythAdapter(chain, real, feeds, {}, { jumpBps: 19_999n, agreementBps: 11_000n })
      const taken = []
      for (const { name, update, expected } of recordings) {
        if (name.includes('UNIQUE')) continue
        await chain.setTime(expected.publishTime + 3n)
        const [event] = eventsOf(await mined(take([update], { from: pyth })), pyth)
        taken.push(event?.name)
        if (event?.name !== 'ObservationAppended') continue
        expect(await last(pyth)).toEqual({
          ...{ priceE8: expected.price, asOf: expected.publishTime, impliedVolatilityX16: 0n, rangeCode: 0n },
        })
      }
      // A year apart the price has doubled nearly, which the door takes from one observation alone here.
      expect(taken).toEqual(Array.from({ length: 5 }, () => 'ObservationAppended'))
    })
  })

  test('are refused by Wormhole where a guardian that signed them is not of the set', async () => {
    await chain.undone(async () => {
      const [{ update, expected }] = pythRecordings() as [ReturnType<typeof pythRecordings>[number]]
      const { set, guardians: known } = recordedGuardians([update])
      const signer = known.findIndex((guardian) => guardian !== undefined)
      const without = known.map((guardian, i) => (i === signer ? undefined : guardian))
      const other = await deployAccumulator(chain, await deployWormhole(chain, without, set))
      const pyth = await deployPythAdapter(chain, other, feeds)
      await chain.setTime(expected.publishTime + 3n)
      await expectRevert(tryTake([update], { from: pyth }), pyth, 'VerificationFailed')
      await expectRevert(
        other.getFunction('parsePriceFeedUpdates').staticCall([update], [btcFeed], 0, 2n ** 64n - 1n),
        other,
        'NotVerified',
        ['VM signature invalid'],
      )
    })
  })
})

describe('R117: a price of Pyth is one of now', () => {
  test('no older than the source takes, no later than the clock skew, later than the last', async () => {
    await chain.undone(async () => {
      const now = await at(1_000n)
      const oldest = now - 60n
      await tryTake(signed(said({ publishTime: oldest })))
      await expectRevert(tryTake(signed(said({ publishTime: oldest - 1n }))), adapter, 'ObservationStale', [
        btc,
        oldest - 1n,
        oldest,
      ])
      const newest = now + 15n
      await tryTake(signed(said({ publishTime: newest })))
      const future = signed(said({ publishTime: newest + 1n }))
      await expectRevert(tryTake(future), adapter, 'ObservationInFuture', [btc, newest + 1n, newest])
      await mined(take(signed(said({ publishTime: now - 40n }))))
      const replayed = signed(said({ publishTime: now - 40n }))
      await expectRevert(tryTake(replayed), adapter, 'ObservationNotLater', [btc, now - 40n, now - 40n])
      const older = signed(said({ publishTime: now - 41n }))
      await expectRevert(tryTake(older), adapter, 'ObservationNotLater', [btc, now - 41n, now - 40n])
      expect((await last()).asOf).toBe(now - 40n)
      // The door's least spacing is 30 seconds: what comes sooner is refused there, as from every source.
      const [event] = eventsOf(await mined(take(signed(said({ publishTime: now - 39n })))), adapter)
      expect(event?.name).toBe('ObservationRefused')
      await mined(take(signed(said({ publishTime: now - 10n }))))
      expect((await last()).asOf).toBe(now - 10n)
    })
  })
})

describe('R118: a price of Pyth is a price', () => {
  const greatest = 2n ** 48n - 1n
  test.each([
    ['negative', { price: -1n }, 'PriceNotPositive', [btc, -1n]],
    ['the least number', { price: -(2n ** 63n) }, 'PriceNotPositive', [btc, -(2n ** 63n)]],
    ['zero', { price: 0n }, 'PriceNotPositive', [btc, 0n]],
    ['of too few steps', { price: 999n }, 'PriceTooCoarse', [btc, 999n, 1_000n]],
    ['beyond a word', { price: greatest + 1n }, 'PriceOutOfRange', [btc, greatest + 1n, 1n, greatest]],
    ['of nine decimals', { exponent: -9n }, 'DecimalsMismatch', [btc, 9n, 8n]],
    ['of seven decimals', { exponent: -7n }, 'DecimalsMismatch', [btc, 7n, 8n]],
    ['of thousands', { exponent: 3n }, 'DecimalsMismatch', [btc, -3n, 8n]],
  ] as const)('not %s', async (_, of, error, args) => {
    await chain.undone(async () => {
      const publishTime = await at(1_000n)
      await expectRevert(tryTake(signed(said({ publishTime, ...of }))), adapter, error, args)
    })
  })

  test.each([1_000n, greatest])(
    'but of as few steps as there must be or as many as a word holds, here %s',
    async (price) => {
      await chain.undone(async () => {
        const publishTime = await at(1_000n)
        await mined(take(signed(said({ publishTime, price }))))
        expect((await last()).priceE8).toBe(price)
      })
    },
  )

  test('scaled from other decimals, rounded down', async () => {
    await chain.undone(async () => {
      for (const [decimals, price, priceE8] of [
        [0n, 7n, 700_000_000n],
        [5n, 20_325_920n, 20_325_920_000n],
        [10n, 1_234_567n, 12_345n],
        [10n, 100_099n, 1_000n],
      ] as const) {
        const other = await deployPythAdapter(chain, accumulator, [{ marketId: btc, feedId: btcFeed, decimals }])
        const publishTime = await at(100n)
        await mined(take(signed(said({ publishTime, price, exponent: -decimals })), { from: other }))
        expect((await last(other)).priceE8).toBe(priceE8)
      }
      const fine = await deployPythAdapter(chain, accumulator, [{ marketId: btc, feedId: btcFeed, decimals: 10n }])
      const tiny = signed(said({ publishTime: await chain.now(), price: 99n, exponent: -10n }))
      await expectRevert(tryTake(tiny, { from: fine }), fine, 'PriceOutOfRange', [btc, 0n, 1n, greatest])
      const coarse = signed(said({ publishTime: await chain.now(), price: 99_999n, exponent: -10n }))
      await expectRevert(tryTake(coarse, { from: fine }), fine, 'PriceTooCoarse', [btc, 999n, 1_000n])
    })
  })
})

test('R119: a price of Pyth is no less sure than the source takes', async () => {
  await chain.undone(async () => {
    const publishTime = await at(1_000n)
    const most = (PRICE * 50n) / 10_000n
    await tryTake(signed(said({ publishTime, confidence: most })))
    const unsure = signed(said({ publishTime, confidence: most + 1n }))
    await expectRevert(tryTake(unsure), adapter, 'ConfidenceTooWide', [btc, most + 1n, most])
    const all = await deployPythAdapter(chain, accumulator, feeds, { maxConfidenceBps: 10_000n })
    await tryTake(signed(said({ publishTime, confidence: PRICE })), { from: all })
    const more = signed(said({ publishTime, confidence: PRICE + 1n }))
    await expectRevert(tryTake(more, { from: all }), all, 'ConfidenceTooWide', [btc, PRICE + 1n, PRICE])
    const none = await deployPythAdapter(chain, accumulator, feeds, { maxConfidenceBps: 0n })
    await tryTake(signed(said({ publishTime })), { from: none })
    const some = signed(said({ publishTime, confidence: 1n }))
    await expectRevert(tryTake(some, { from: none }), none, 'ConfidenceTooWide', [btc, 1n, 0n])
  })
})

describe('R120: a price of Pyth is of its market', () => {
  test('alone, or of several in one update, each from its own feed', async () => {
    await chain.undone(async () => {
      const publishTime = await at(1_000n)
      const both = signed(said({ publishTime, price: 7_000n }), said({ publishTime, id: ethFeed, price: 9_000n }))
      const swapped = signed(said({ publishTime, id: ethFeed, price: 9_000n }), said({ publishTime, price: 7_000n }))
      for (const updates of [both, swapped]) {
        await chain.undone(async () => {
          await mined(adapter.getFunction('takeAll')([btc, eth], updates, { gasLimit: GAS_LIMIT }))
          expect([(await last()).priceE8, (await last(adapter, eth)).priceE8]).toEqual([7_000n, 9_000n])
        })
      }
      const ofEth = signed(said({ publishTime, id: ethFeed, price: 9_000n }))
      await tryTake(ofEth, { marketId: eth })
      await expectRevert(tryTake(ofEth), adapter, 'VerificationFailed', [
        accumulator.target,
        accumulator.interface.encodeErrorResult('FeedNotInUpdates', [btcFeed]),
      ])
      await expectRevert(tryTake(both, { marketId: ZeroHash }), adapter, 'UnknownMarket', [ZeroHash])
    })
  })

  test('and one that somebody carried already does not stop the others, while one that is refused does', async () => {
    await chain.undone(async () => {
      const publishTime = await at(1_000n)
      const both = signed(said({ publishTime, price: 7_000n }), said({ publishTime, id: ethFeed, price: 9_000n }))
      await mined(take(both))
      const takeAll = (updates: readonly string[]) =>
        adapter.getFunction('takeAll')([btc, eth, eth], updates, { gasLimit: GAS_LIMIT })
      const receipt = await mined(takeAll(both))
      expect(eventsOf(receipt, adapter).map(({ name, args }) => [name, args.marketId])).toEqual([
        ['ObservationAppended', eth],
      ])
      const later = (await at(100n)) - 1n
      const oneBad = signed(said({ publishTime: later }), said({ publishTime: later, id: ethFeed, price: 0n }))
      await expectRevert(adapter.getFunction('takeAll').staticCall([btc, eth], oneBad), adapter, 'PriceNotPositive', [
        eth,
        0n,
      ])
      expect((await last()).asOf).toBe(publishTime)
    })
  })

  test('also where a verifier answers for another', async () => {
    await chain.undone(async () => {
      const wrong = await chain.deploy(
        compileContract(
          'Wrong',
          `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IPyth} from "contracts/market/oracles/IPyth.sol";
contract Wrong is IPyth {
    function getUpdateFee(bytes[] calldata) external pure returns (uint256) { return 0; }
    function parsePriceFeedUpdates(bytes[] calldata, bytes32[] calldata ids, uint64, uint64)
        external payable returns (PriceFeed[] memory prices) {
        prices = new PriceFeed[](ids.length);
        prices[0] = PriceFeed(bytes32(uint256(ids[0]) + 1), Price(1, 0, -8, block.timestamp), Price(1, 0, -8, block.timestamp));
    }
}`,
        ),
      )
      const other = await deployPythAdapter(chain, wrong, feeds)
      await expectRevert(tryTake([], { from: other }), other, 'WrongFeed', [
        btc,
        `0x${(BigInt(btcFeed) + 1n).toString(16)}`,
        btcFeed,
      ])
    })
  })
})

describe('R121: Pyth’s fee', () => {
  /** As Pyth's contract takes one; what it is of is not to be had from npm. */
  const withFee = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IWormhole} from "contracts/market/oracles/IWormhole.sol";
import {PythAccumulator} from "contracts/market/oracles/PythAccumulator.sol";
contract PythWithFee is PythAccumulator {
    error InsufficientFee();
    constructor(IWormhole core, uint16 chain, bytes32 sender) PythAccumulator(core, chain, sender) {}
    function getUpdateFee(bytes[] calldata updates) public pure override returns (uint256) { return 1000 * updates.length; }
    function parsePriceFeedUpdates(bytes[] calldata updates, bytes32[] calldata ids, uint64 from, uint64 to)
        external payable override returns (PriceFeed[] memory) {
        if (msg.value < getUpdateFee(updates)) revert InsufficientFee();
        return _parse(updates, Wanted(ids, from, to, new PriceFeed[](ids.length)));
    }
}`
  /** Calls the adapter, and takes money back or does not. */
  const caller = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IPythAdapter} from "contracts/market/oracles/IPythAdapter.sol";
contract Caller {
    bool private immutable _takes;
    constructor(bool takes) { _takes = takes; }
    receive() external payable { require(_takes); }
    function take(IPythAdapter adapter, bytes32 marketId, bytes[] calldata updates) external payable {
        adapter.take{value: msg.value}(marketId, updates);
    }
}`

  test('is paid exactly, what is more comes back, and less is refused before anything is verified', async () => {
    await chain.undone(async () => {
      const pyth = await chain.deploy(
        compileContract('PythWithFee', withFee),
        core.target,
        pythEmitter.chain,
        pythEmitter.address,
      )
      const paid = await deployPythAdapter(chain, pyth, feeds)
      const balance = (of: Contract) => chain.ethers.provider.getBalance(of.target)
      const publishTime = await at(1_000n)
      const updates = signed(said({ publishTime }))
      await expectRevert(tryTake(updates, { from: paid, value: 999n }), paid, 'FeeTooLow', [999n, 1_000n])
      const two = [...updates, ...updates]
      await expectRevert(tryTake(two, { from: paid, value: 1_999n }), paid, 'FeeTooLow', [1_999n, 2_000n])
      await tryTake(two, { from: paid, value: 2_000n })
      const takes = await chain.deploy(compileContract('Caller', caller), true)
      const call = takes.getFunction('take')
      await mined(call(paid.target, btc, updates, { gasLimit: GAS_LIMIT, value: parseEther('1') }))
      expect([await balance(takes), await balance(paid), await balance(pyth)]).toEqual([
        parseEther('1') - 1_000n,
        0n,
        1_000n,
      ])
      const deaf = await chain.deploy(compileContract('Caller', caller), false)
      const later = (await at(100n)) - 1n
      const more = deaf
        .getFunction('take')
        .staticCall(paid.target, btc, signed(said({ publishTime: later })), { value: 1_001n })
      await expectRevert(more, paid, 'RefundFailed', [deaf.target, 1n])
      await deaf
        .getFunction('take')
        .staticCall(paid.target, btc, signed(said({ publishTime: later })), { value: 1_000n })
    })
  })

  test('is none where Wormhole alone verifies: all that is sent comes back', async () => {
    await chain.undone(async () => {
      const publishTime = await at(1_000n)
      await mined(take(signed(said({ publishTime })), { value: 5n }))
      expect(await chain.ethers.provider.getBalance(adapter.target)).toBe(0n)
      const parse = accumulator.getFunction('parsePriceFeedUpdates')
      const call = parse.staticCall(signed(said({ publishTime })), [btcFeed], 0, publishTime, { value: 1n })
      await expectRevert(call, accumulator, 'FeeNotTaken', [1n, 0n])
    })
  })
})

describe('R125: updates are verified by Wormhole’s core contract', () => {
  const parse = (update: string, from = 0n, to = 2n ** 64n - 1n): Promise<unknown> =>
    accumulator.getFunction('parsePriceFeedUpdates').staticCall([update], [btcFeed], from, to)
  const price = said({ publishTime: 1_720_000_000n })

  test('with a quorum of guardians, who are of the set, in order', async () => {
    await parse(pythUpdate([price], quorum))
    await expectRevert(parse(pythUpdate([price], guardians.slice(0, 2))), accumulator, 'NotVerified', ['no quorum'])
    const strangers = [...guardians.slice(0, 2), ...ownKeys('stranger', 1)]
    await expectRevert(parse(pythUpdate([price], strangers)), accumulator, 'NotVerified', ['VM signature invalid'])
    await expectRevert(parse(pythUpdate([price], quorum, { set: 1 })), accumulator, 'NotVerified', [
      'invalid guardian set',
    ])
  })

  test('of Pyth’s own messenger', async () => {
    const { chain: from, address } = pythEmitter
    for (const emitter of [
      { chain: from + 1n, address },
      { chain: from, address: `${address.slice(0, -1)}0` },
    ]) {
      const update = pythUpdate([price], quorum, { emitter })
      await expectRevert(parse(update), accumulator, 'WrongEmitter', [emitter.chain, emitter.address, from, address])
    }
  })

  test('with a root, and of prices below it, whatever else guardians signed', async () => {
    const root = (payload: (text: string) => string) => parse(pythUpdate([price], quorum, { payload }))
    const below = (message: (text: string) => string) => parse(pythUpdate([price], quorum, { message }))
    await expectRevert(
      root((text) => `${text}00`),
      accumulator,
      'NoRoot',
      [38n, '0x4155575600'],
    )
    await expectRevert(
      root((text) => text.slice(0, -2)),
      accumulator,
      'NoRoot',
      [36n, '0x4155575600'],
    )
    await expectRevert(
      root((text) => `0x4155575601${text.slice(12)}`),
      accumulator,
      'NoRoot',
      [37n, '0x4155575601'],
    )
    await expectRevert(
      root(() => '0x'),
      accumulator,
      'NoRoot',
    )
    await expectRevert(
      below((text) => `${text}00`),
      accumulator,
      'NotAPrice',
      [0n, 86n, 85n],
    )
    await expectRevert(
      below((text) => text.slice(0, -2)),
      accumulator,
      'NotAPrice',
      [0n, 84n, 85n],
    )
    await expectRevert(
      below((text) => `0x01${text.slice(4)}`),
      accumulator,
      'NotAPrice',
      [0n, 85n, 85n],
    )
    await expectRevert(
      below(() => '0x'),
      accumulator,
      'NotAPrice',
      [0n, 0n, 85n],
    )
    await below((text) => text)
  })

  test('and of the times that are asked for, the first of several', async () => {
    const time = price.publishTime
    await parse(pythUpdate([price], quorum), time, time)
    const missing = (from: bigint, to: bigint) =>
      expectRevert(parse(pythUpdate([price], quorum), from, to), accumulator, 'FeedNotInUpdates', [btcFeed])
    await missing(time + 1n, time + 2n)
    await missing(time - 2n, time - 1n)
  })

  test.each([1, 2, 3, 5, 8])('for each of %s prices below one root', async (count) => {
    const ids = Array.from({ length: count }, (_, i) => `0x${(i + 1).toString(16).padStart(64, '0')}`)
    const update = pythUpdate(
      ids.map((id, i) =>
        said({ id, price: BigInt(i) - 2n, confidence: BigInt(i), exponent: BigInt(i) - 9n, publishTime: 1_000n }),
      ),
      quorum,
    )
    const found = await accumulator.getFunction('parsePriceFeedUpdates').staticCall([update], ids, 0, 2_000)
    expect(
      found.map(({ id, price: { price, conf, expo, publishTime } }: never) => [id, price, conf, expo, publishTime]),
    ).toEqual(ids.map((id, i) => [id, BigInt(i) - 2n, BigInt(i), BigInt(i) - 9n, 1_000n]))
  })
})

describe('R126: what an adapter is made of makes sense', () => {
  const refused = (made: Promise<unknown>, error: string, args?: readonly unknown[]) =>
    expectRevert(made, adapter, error, args)
  const fresh = (of: Partial<Freshness>) => deployPythAdapter(chain, accumulator, feeds, of)

  test('a verifier that is there, markets once each, feeds with names and decimals that are scaled', async () => {
    const [one] = feeds as [(typeof feeds)[number]]
    const nobody = { ...accumulator, target: '0x000000000000000000000000000000000000dEaD' } as unknown as Contract
    await refused(deployPythAdapter(chain, nobody, feeds), 'NoContract', [nobody.target])
    await refused(deployPythAdapter(chain, accumulator, []), 'MarketsOutOfRange', [0n, 256n])
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...one, marketId: toBeHex(i + 1, 32) }))
    await refused(deployPythAdapter(chain, accumulator, many(257)), 'MarketsOutOfRange', [257n, 256n])
    await deployPythAdapter(chain, accumulator, many(256))
    await refused(deployPythAdapter(chain, accumulator, [one, one]), 'MarketListedTwice', [btc])
    await refused(deployPythAdapter(chain, accumulator, [{ ...one, feedId: ZeroHash }]), 'FeedIdEmpty', [btc])
    const decimals = [{ ...one, decimals: 19n }]
    await refused(deployPythAdapter(chain, accumulator, decimals), 'BoundOutOfRange', ['decimals', 19n, 0n, 18n])
    await deployPythAdapter(chain, accumulator, [{ ...one, decimals: 18n }])
    expect(await adapter.getFunction('feedOf')(btc)).toEqual([btcFeed, 8n])
    expect(await adapter.getFunction('feedOf')(ZeroHash)).toEqual([ZeroHash, 0n])
    expect(await adapter.getFunction('pyth')()).toBe(accumulator.target)
  })

  test('as docs/oracles.md sets one up', async () => {
    await chain.undone(async () => {
      const page = readFileSync(join(root, 'docs', 'oracles.md'), 'utf8')
      const [, example = ''] = page.match(/^```js\n([\s\S]*?)^```/m) ?? []
      const body = `${example.replace(/^import .*$/gm, '')}\nreturn adapter`
      const names = ['ContractFactory', 'artifactOf', 'marketIdOf', 'signer', 'pythAddress']
      const run = new (Object.getPrototypeOf(async () => {}).constructor)(...names, body)
      const made = await run(ContractFactory, artifactOf, marketIdOf, chain.signers[0], accumulator.target)
      await mined(take(signed(said({ publishTime: await at(100n) })), { from: made }))
      expect((await last(made)).priceE8).toBe(PRICE)
      expect(Object.values(defaultPlausibility)).toEqual(await made.plausibility())
    })
  })

  test('ages, confidence and grace within bounds', async () => {
    const thirtyDays = 30n * 86_400n
    await refused(fresh({ maxAgeSeconds: 0n }), 'BoundOutOfRange', ['maxAgeSeconds', 0n, 1n, thirtyDays])
    await refused(fresh({ maxAgeSeconds: thirtyDays + 1n }), 'BoundOutOfRange', [
      'maxAgeSeconds',
      thirtyDays + 1n,
      1n,
      thirtyDays,
    ])
    await fresh({ maxAgeSeconds: thirtyDays })
    await refused(fresh({ maxConfidenceBps: 10_001n }), 'BoundOutOfRange', ['maxConfidenceBps', 10_001n, 0n, 10_000n])
    await refused(fresh({ graceSeconds: 1n }), 'BoundOutOfRange', ['graceSeconds', 1n, 0n, 0n])
    const uptimeFeed = accumulator.target as string
    await refused(fresh({ uptimeFeed, graceSeconds: 86_401n }), 'BoundOutOfRange', [
      'graceSeconds',
      86_401n,
      0n,
      86_400n,
    ])
    const { freshness } = (await fresh({ uptimeFeed, graceSeconds: 86_400n })) as unknown as {
      freshness(): Promise<unknown>
    }
    expect(await freshness()).toEqual([60n, 50n, uptimeFeed, 86_400n])
    await refused(fresh({ uptimeFeed: '0x000000000000000000000000000000000000dEaD' }), 'NoContract')
  })
})

test('R127: what Pyth signs meets the same door as what attesters sign', async () => {
  await chain.undone(async () => {
    let now = await at(1_000n)
    await mined(take(signed(said({ publishTime: now }))))
    for (const [price, outcome] of [
      [PRICE * 2n, 'ObservationHeld'],
      [PRICE * 10n, 'ObservationRefused'],
      [PRICE + 1n, 'ObservationAppended'],
    ] as const) {
      now = await at(31n)
      const [event] = eventsOf(await mined(take(signed(said({ publishTime: now, price })))), adapter)
      expect(event?.name).toBe(outcome)
    }
  })
})

test('R130: whatever Pyth says is taken or refused as the rules say', async () => {
  const now = await at(1_000n)
  const offered = fc.record({
    price: fc.oneof(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.bigInt(-2n, 2n),
      fc.bigInt(998n, 1_001n),
      fc.bigInt(2n ** 48n - 2n, 2n ** 48n + 1n),
    ),
    confidence: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 1_000n)),
    exponent: fc.constantFrom(-8n, -8n, -8n, -9n, -7n, 0n, 8n, -128n),
    publishTime: fc.oneof(
      fc.bigInt(now - 62n, now - 58n),
      fc.bigInt(now + 13n, now + 18n),
      fc.constantFrom(0n, 2n ** 64n - 1n, now),
    ),
  })
  const expected = ({ price, confidence, exponent, publishTime }: Omit<PythPrice, 'id'>): string => {
    if (exponent !== -8n) return 'DecimalsMismatch'
    if (publishTime < now - 60n) return 'ObservationStale'
    if (publishTime > now + 15n) return 'ObservationInFuture'
    if (price <= 0n) return 'PriceNotPositive'
    if (confidence > (price * 50n) / 10_000n) return 'ConfidenceTooWide'
    if (price < 1_000n) return 'PriceTooCoarse'
    return price < 2n ** 48n ? 'taken' : 'PriceOutOfRange'
  }
  const outcomes = new Set<string>()
  await fc.assert(
    fc.asyncProperty(offered, async (of) => {
      const wanted = expected(of)
      outcomes.add(wanted)
      const call = tryTake(signed(said(of)))
      if (wanted === 'taken') await call
      else await expectRevert(call, adapter, wanted)
    }),
    { numRuns: 300, seed: 11 },
  )
  expect(outcomes.size).toBe(8)
})
