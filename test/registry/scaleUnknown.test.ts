/** A source that is asked its scale and cannot say it, or is given too little gas to: its market never goes on at another one. */
import { type Contract, Wallet, ZeroAddress, ZeroHash } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { rescaleState } from '../../prover/market/priceScale.ts'
import { priceScaleAt, priceScaleNoted } from '../../prover/registry/market/scale.ts'
import { placeToGoOn } from '../../prover/registry/market/place.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { attest, domainOf } from '../../scripts/tools/chains/attestation.ts'
import { eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { type CompiledContract, compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, type Market } from './engine.ts'
import { uncheckedSource } from './uncheckedSource.ts'

const PEPE = marketIdOf('PEPE-USD')
const door = { ...defaultPlausibility, leastSpacingSeconds: 1n }

const inOrder = (sources: readonly Contract[]): Contract[] =>
  [...sources].sort((a, b) => (BigInt(a.target as string) < BigInt(b.target as string) ? -1 : 1))

describe('R111: where a market goes on', () => {
  const signer = new Wallet(`0x${'7'.padStart(64, '0')}`)
  const SCALE = 9
  let chain: Awaited<ReturnType<typeof startChain>>
  let places: Contract
  let council: Contract
  let feed: Contract
  let lastWord: bigint
  let state: readonly [bigint, bigint]

  const scaledFeed = () =>
    chain.deploy('ScaledFeed', council, [signer.address], 1, 100, door, [{ marketId: PEPE, scale: SCALE }])
  const plainFeed = () => chain.deploy('AttestedFeed', council, [signer.address], 1, 100, door)
  const several = (count: number, make: () => Promise<Contract>) =>
    Promise.all(Array.from({ length: count }, make)).then(inOrder)
  const medianOf = (sources: readonly Contract[], least: number) => {
    const addresses = sources.map(({ target }) => target)
    const ages = addresses.map(() => 120n)
    return chain.deploy('MedianFeed', addresses, ages, least, 200n, ZeroAddress, 0n, door)
  }

  beforeAll(async () => {
    chain = await startChain()
    council = await chain.deploy('RiskCouncil', signer.address)
    places = await chain.deploy('InboxPlaces')
    feed = await scaledFeed()
    const asOf = await chain.now()
    const observation = {
      ...{ marketId: PEPE, priceE8: 420n * 10n ** 8n, confidenceE8: 0n, asOf, impliedVolatilityX16: 0n },
      ...{ rangeCode: 0n, deadline: asOf + 600n },
    }
    const signatures = await attest(await domainOf(feed), [signer], observation)
    await mined(feed.getFunction('submit')(observation, signatures, { gasLimit: GAS_LIMIT }))
    lastWord = (await feed.getFunction('latest')(PEPE))[3]
    const middle = 1n << 31n
    state = [
      pack('volatilityState', { ...unpack('volatilityState', 0n), asOf: asOf - 1n, lnPriceX26: middle }),
      pack('anchorState', { ...unpack('anchorState', 0n), anchorLnPriceX26: middle }),
    ]
  })

  /** The state that a market goes on from at the feed, having stood in another source. */
  const goOn = async (from: Contract, gasLimit = 10_000_000n): Promise<string> => {
    const standing = [state, ZeroHash, 0n, from.target]
    const call = places.getFunction('goOn')
    const [, to] = await call.staticCall(PEPE, feed.target, standing, [0n, ZeroHash, 0n], [lastWord], { gasLimit })
    return String(to)
  }

  test('is told at the scale of whatever median it stood in, the largest and medians of medians too', async () => {
    const fifteen = await several(15, scaledFeed)
    const five = await Promise.all(Array.from({ length: 5 }, () => medianOf(fifteen, 8)))
    for (const source of [
      await medianOf(fifteen, 15),
      await medianOf(fifteen.slice(0, 12), 12),
      await medianOf(inOrder(five), 5),
    ]) {
      expect(await source.getFunction('priceScale')(PEPE)).toBe(BigInt(SCALE))
      expect(await goOn(source)).toBe(String(state))
    }
    const plain = await medianOf(await several(3, plainFeed), 2)
    expect(await goOn(plain)).not.toBe(String(state))
    expect(await goOn(plain)).toBe(await goOn(await plainFeed()))
  })

  test('is the same at any gas at which there is one', async () => {
    const fifteen = await several(15, scaledFeed)
    const sources = [await plainFeed(), await scaledFeed(), await medianOf(fifteen, 8), await medianOf(fifteen, 15)]
    for (const source of [...sources, await medianOf(await several(3, plainFeed), 2)]) {
      const right = await goOn(source)
      const found = new Set<string>()
      let refused = 0
      for (let gas = 40_000n; gas < 420_000n; gas += 2_000n) {
        try {
          found.add(await goOn(source, gas))
        } catch {
          refused++
        }
      }
      expect([...found]).toEqual([right])
      expect(refused).toBeGreaterThan(3)
    }
  })

  const behind = (answer: string): Promise<Contract> =>
    chain.deploy(
      compileContract(
        'Behind',
        `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Behind { error Paused(); fallback() external { ${answer} } }`,
      ),
    )

  test.each([
    ['with a reason', 'revert("paused");'],
    ['with an error of four bytes', 'revert Paused();'],
    ['with all its gas', 'assembly { invalid() }'],
    [
      'empty, and after more than a look for a function',
      'for (uint256 i; i < 300; ++i) keccak256(abi.encode(i)); revert();',
    ],
  ])('is nowhere where a source fails %s', async (_, answer) => {
    const source = await behind(answer)
    await expectRevert(goOn(source), feed, 'PriceScaleUnknown', [source.target, PEPE])
  })

  test('R110: is at one unit where a source has no such function, behind a proxy too', async () => {
    const plain = await plainFeed()
    const expected = await goOn(plain)
    expect(expected).not.toBe(String(state))
    const proxy = await behind(`assembly {
      calldatacopy(0, 0, calldatasize())
      let done := delegatecall(gas(), ${plain.target}, 0, calldatasize(), 0, 0)
      returndatacopy(0, 0, returndatasize())
      switch done case 0 { revert(0, returndatasize()) } default { return(0, returndatasize()) }
    }`)
    expect(await goOn(proxy)).toBe(expected)
    expect(await goOn(await behind('revert();'))).toBe(expected)
    expect(await goOn(await behind(''))).toBe(expected)
  })

  test('R114: a median knows nothing of sources that fail, and uses up no gas of the others on them', async () => {
    const honest = await several(2, scaledFeed)
    const failing = await behind('assembly { invalid() }')
    expect(await goOn(await medianOf(inOrder([...honest, failing]), 2))).toBe(String(state))
    // Two that fail are not two that quote one unit.
    const two = [failing, await behind('revert("paused");')]
    const none = await medianOf(inOrder([...two, await plainFeed()]), 2)
    await expectRevert(none.getFunction('priceScale')(PEPE), none, 'NoCommonPriceScale', [PEPE, 2n])
    await expectRevert(goOn(none), feed, 'PriceScaleUnknown', [none.target, PEPE])
  })
})

describe('R111: a market and a source that cannot say its scale', () => {
  const SCALE = -3
  const PRICES_E8 = [50_100n, 50_250n].map((price) => price * 10n ** 8n) as [bigint, bigint]
  const pausable = (): CompiledContract =>
    uncheckedSource(`bool public isPaused;
    function pause(bool is_) external { isPaused = is_; }
    function priceScale(bytes32) external view returns (int256) { require(!isPaused, "paused"); return ${SCALE}; }`)

  /** The market follows, and its state moves by so many steps. */
  async function follow(engine: Engine, market: Market, source: Contract, steps: number): Promise<void> {
    const inbox = { source: source.target as string, marketId: PEPE, fromBlock: 0 }
    const { place, next } = await placeToGoOn(
      engine.chain.ethers.provider as never,
      inbox,
      market.state.volatility.asOf,
    )
    const { inboxHead: head, inboxCount: count } = market
    const standing = { state: packState(market.state), inboxHead: head, inboxCount: count, source: market.feed.target }
    const sent = engine.registry.getFunction('followSource')(PEPE, standing, place, next)
    const [event] = eventsOf(await mined(sent), engine.registry)
    const { inboxHead, inboxCount, state } = event?.args.toObject() ?? {}
    const moved = rescaleState(market.state, steps)
    expect(state.toObject()).toEqual(packState(moved))
    Object.assign(market, { feed: source, inboxHead, inboxCount, state: moved })
  }

  test('waits for one that it is to follow, and leaves one that it followed without asking it', async () => {
    const engine = await Engine.start(0)
    const market = await engine.addMarket(PEPE)
    const { chain, registry } = engine
    const source = await chain.deploy(pausable())
    const tell = async (at: Contract, priceE8: bigint) => {
      const kept = [...market.waiting]
      await engine.observe({ ...market, feed: at, waiting: [] }, priceE8)
      market.waiting = kept
    }
    await tell(source, PRICES_E8[0] / 1000n)
    await mined(registry.getFunction('rotateSource')(PEPE, source))
    await mined(source.getFunction('pause')(true))
    const named = await chain.ethers.getContractAt('ScaledFeed', source.target as string)
    await expectRevert(follow(engine, market, source, SCALE), named, 'PriceScaleUnknown', [source.target, PEPE])
    await mined(source.getFunction('pause')(false))
    await follow(engine, market, source, SCALE)
    await mined(source.getFunction('pause')(true))
    const signers = engine.feedSigners.map(({ address }) => address)
    const fresh = await chain.deploy('AttestedFeed', engine.council, signers, 2, 100, door)
    await tell(fresh, PRICES_E8[1])
    await mined(registry.getFunction('rotateSource')(PEPE, fresh))
    await follow(engine, market, fresh, -SCALE)

    // What the dead source said is in the registry's notes; asked itself it is unknown, which is not one unit.
    const provider = chain.ethers.provider as never
    const at = (source: Contract): readonly [string, string] => [source.target as string, PEPE]
    const registryAt = registry.target as string
    await expect(priceScaleAt(provider, ...at(source))).rejects.toMatchObject({
      code: 'registry.price-scale-unknown',
      market: 'PEPE-USD',
    })
    expect(await priceScaleNoted(provider, registryAt, ...at(source))).toBe(SCALE)
    expect(await priceScaleAt(provider, ...at(fresh))).toBe(0)
    expect(await priceScaleNoted(provider, registryAt, ...at(fresh))).toBe(0)
    const stranger = await chain.deploy(pausable())
    expect(await priceScaleNoted(provider, registryAt, ...at(stranger))).toBe(SCALE)
    await mined(stranger.getFunction('pause')(true))
    await expect(priceScaleNoted(provider, registryAt, ...at(stranger))).rejects.toMatchObject({
      code: 'registry.price-scale-unknown',
    })
  })
})
