/**
 * What a door costs beside the inbox that it guards, in gas: both alone, without signatures, which cost as they did.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from 'ethers'
import { expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { pack } from '../../prover/statement/words.ts'
import { GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

const snapshotFile = join(import.meta.dirname, '..', 'snapshots', 'doorGas.json')
const btc = marketIdOf('BTC-USD')
const PRICE_E8 = 50_000n * 10n ** 8n

/** Both take a word, so that calldata are alike. */
const sources = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ObservationElement, packObservation} from "contracts/generated/Words.sol";
import {ObservationInbox} from "contracts/market/ObservationInbox.sol";
import {PlausibleInbox} from "contracts/market/PlausibleInbox.sol";
contract Bare is ObservationInbox {
    function take(bytes32 marketId, ObservationElement w) external {
        require(w.asOf() > _lastAsOf(marketId));
        _append(marketId, packObservation(w.priceE8(), w.asOf(), w.impliedVolatilityX16(), 500));
    }
}
contract Guarded is PlausibleInbox {
    constructor(Plausibility memory bounds) PlausibleInbox(bounds) {}
    function take(bytes32 marketId, ObservationElement w) external {
        require(w.asOf() > _lastAsOf(marketId));
        _offer(marketId, Offer(w.priceE8(), w.asOf(), w.impliedVolatilityX16(), 500));
    }
}`

test('R71: a near observation costs little more with a door than without, and touches no slot of its own', async () => {
  const chain = await startChain()
  const bare = await chain.deploy(compileContract('Bare', sources))
  const guarded = await chain.deploy(compileContract('Guarded', sources), defaultPlausibility)
  // A fixed time: the zeros among its bytes are part of the figures.
  const start = 2_000_000_000n
  let n = 0n
  const next = async (to: Contract, priceE8: bigint, impliedVolatilityX16 = 40_000n): Promise<number> => {
    n += 1n
    const asOf = start + 30n * n
    await chain.setNextTime(asOf)
    const word = pack('observation', { priceE8, asOf, impliedVolatilityX16, rangeCode: 500n })
    return Number((await mined(to.getFunction('take')(btc, word, { gasLimit: GAS_LIMIT }))).gasUsed)
  }
  // Until the ring has turned once, slots are new.
  for (let i = 0; i < 66; i++) for (const to of [bare, guarded]) await next(to, PRICE_E8)
  const found = {
    'append without a door': await next(bare, PRICE_E8),
    'near the last one': await next(guarded, PRICE_E8 + 1n),
    'refused beyond the factor': await next(guarded, PRICE_E8 * 10n),
    'held, the market’s first': await next(guarded, PRICE_E8 * 2n),
    'held again': await next(guarded, PRICE_E8 * 2n),
    confirmed: await next(guarded, PRICE_E8 * 2n),
    'without its implied volatility, the market’s first': await next(guarded, PRICE_E8 * 2n, 90_000n),
    'with one again': await next(guarded, PRICE_E8 * 2n, 40_000n),
  }
  if (process.env.UPDATE_SNAPSHOTS === '1') writeFileSync(snapshotFile, `${JSON.stringify(found, undefined, 2)}\n`)
  expect(found).toEqual(JSON.parse(readFileSync(snapshotFile, 'utf8')))
  // A cold read alone is 2,100, a slot of its own 5,000: these are steps, on the slot that is read anyway.
  expect(found['near the last one'] - found['append without a door']).toBeLessThan(2_300)
})
