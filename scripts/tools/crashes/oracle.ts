/** Three sources and the contract that takes their median: two markets elsewhere, and the pool that forced sales go to. */
import { type Contract, ZeroAddress } from 'ethers'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { pack } from '../../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined } from '../chains/chain.ts'
import { compileContract } from '../chains/compileContract.ts'
import { MARKET } from './contracts.ts'

const MAX_AGE_SECONDS = 60n
/** Sources that have to agree, and how far from the median. */
const LEAST_SOURCES = 2
const DEVIATION_BPS = 500

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

export class Oracle {
  readonly #feed: Contract
  readonly #sources: readonly Contract[]

  private constructor(feed: Contract, sources: readonly Contract[]) {
    this.#feed = feed
    this.#sources = sources
  }

  static async deploy(chain: Chain): Promise<Oracle> {
    const sources: Contract[] = []
    for (let i = 0; i < 3; i++) sources.push(await chain.deploy(toldSource()))
    const ascending = sources.map(({ target }) => target as string).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const ages = ascending.map(() => MAX_AGE_SECONDS)
    const terms = [LEAST_SOURCES, DEVIATION_BPS, ZeroAddress, 0, defaultPlausibility]
    return new Oracle(await chain.deploy('MedianFeed', ascending, ages, ...terms), sources)
  }

  /** The median of what three sources say now; undefined where the feed holds it or the sources disagree. */
  async take(pricesE8: readonly bigint[], asOf: bigint): Promise<bigint | undefined> {
    for (const [i, priceE8] of pricesE8.entries()) {
      const word = pack('observation', { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
      await mined((this.#sources[i] as Contract).getFunction('tell')(word, asOf, { gasLimit: GAS_LIMIT }))
    }
    const taken = await mined(this.#feed.getFunction('take')(MARKET, { gasLimit: GAS_LIMIT })).catch(whereReverted)
    if (taken === undefined || !eventsOf(taken, this.#feed).some(({ name }) => name === 'ObservationAppended')) {
      return undefined
    }
    const [, , , word] = await this.#feed.getFunction('latest')(MARKET)
    return pricesE8.find(
      (priceE8) => pack('observation', { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n }) === word,
    )
  }
}

/** What the feed refuses is no observation; whatever else goes wrong is. */
function whereReverted(error: unknown): undefined {
  if (error instanceof Error && error.message.includes('revert')) return undefined
  throw error
}
