/** Three sources and the contract that takes their median: two markets elsewhere, and the pool that forced sales go to. */
import { type Contract, ZeroAddress } from 'ethers'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { pack, unpack } from '../../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined } from '../chains/chain.ts'
import { compileContract } from '../chains/compileContract.ts'
import { MARKET } from './contracts.ts'

const MAX_AGE_SECONDS = 60n
/** Sources that have to agree, and how far from the median. */
const LEAST_SOURCES = 2
const DEVIATION_BPS = 500
/** Which of the sources is the pool. */
const POOL = 2

/** A source whose last observation is what it was told. */
const toldSource = () =>
  compileContract(
    'ToldSource',
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract ToldSource {
    uint256 private _word;
    uint256 private _asOf;
    uint256 private _count;
    function tell(uint256 word, uint256 asOf) external { (_word, _asOf) = (word, asOf); ++_count; }
    function latest(bytes32) external view returns (bytes32, uint256, uint256, uint256) {
        return (bytes32(0), _count, _asOf, _word);
    }
}`,
  )

/** Whose prices are observed: the median of all sources, or the pool alone. */
export type Observed = 'median' | 'pool'

export class Oracle {
  readonly #feeds: Readonly<Record<Observed, Contract>>
  readonly #sources: readonly Contract[]

  private constructor(feeds: Readonly<Record<Observed, Contract>>, sources: readonly Contract[]) {
    this.#feeds = feeds
    this.#sources = sources
  }

  static async deploy(chain: Chain): Promise<Oracle> {
    const sources: Contract[] = []
    for (let i = 0; i < 3; i++) sources.push(await chain.deploy(toldSource()))
    const feedOf = (some: readonly Contract[], least: number) => {
      const ascending = some.map(({ target }) => target as string).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
      const ages = ascending.map(() => MAX_AGE_SECONDS)
      return chain.deploy('MedianFeed', ascending, ages, least, DEVIATION_BPS, ZeroAddress, 0, defaultPlausibility)
    }
    const [median, pool] = [await feedOf(sources, LEAST_SOURCES), await feedOf(sources.slice(POOL), 1)]
    return new Oracle({ median, pool }, sources)
  }

  /** The contract whose observations parameters are proven from. */
  feed = (of: Observed): Contract => this.#feeds[of]

  /**
   * What a feed takes of what three sources say now.
   *
   * @param pricesE8 - the pool's last
   * @returns undefined where the feed holds it or the sources disagree
   */
  async take(of: Observed, pricesE8: readonly bigint[], asOf: bigint): Promise<bigint | undefined> {
    for (const [i, priceE8] of pricesE8.entries()) {
      const word = pack('observation', { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
      await mined((this.#sources[i] as Contract).getFunction('tell')(word, asOf, { gasLimit: GAS_LIMIT }))
    }
    const feed = this.feed(of)
    const taken = await mined(feed.getFunction('take')(MARKET, { gasLimit: GAS_LIMIT })).catch(whereReverted)
    if (taken === undefined || !eventsOf(taken, feed).some(({ name }) => name === 'ObservationAppended')) {
      return undefined
    }
    const [, , , word] = await feed.getFunction('latest')(MARKET)
    return unpack('observation', word).priceE8
  }
}

/** What the feed refuses is no observation; whatever else goes wrong is. */
function whereReverted(error: unknown): undefined {
  if (error instanceof Error && error.message.includes('revert')) return undefined
  throw error
}
