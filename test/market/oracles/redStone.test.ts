/** RedStone's data packages, verified by its own consumer contract: recorded ones, and some of our own keys. */
import {
  type Contract,
  computeAddress,
  concat,
  dataLength,
  dataSlice,
  encodeBytes32String,
  toBeHex,
  ZeroHash,
} from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { unpack } from '../../../prover/statement/words.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import { btc, deployRedStone, eth, ownKeys } from '../../../scripts/tools/oracles/oracleChain.ts'
import { redStonePayload } from '../../../scripts/tools/oracles/payloads.ts'
import { hasRecordings, redStoneRecordings, timeOfPackages } from '../../../scripts/tools/oracles/recordings.ts'
import { expectRevert } from '../../reverts.ts'

const PRICE = 50_000n * 10n ** 8n
const signers = ownKeys('signer', 5)
let chain: Chain
let adapter: Contract
let reader: Contract

beforeAll(async () => {
  chain = await startChain(new Date('2024-07-01'))
  const deployed = await deployRedStone(
    chain,
    signers.map((signer) => computeAddress(signer)),
  )
  adapter = deployed.adapter
  reader = deployed.reader
})

const packages = (value: bigint, asOf: bigint, by: typeof signers = signers.slice(0, 3), feed = 'BTC') =>
  by.map((signer) => ({ feed, value, timestampMs: asOf * 1_000n, signer }))
const signed = (value: bigint, asOf: bigint, by: typeof signers = signers.slice(0, 3), feed = 'BTC'): string =>
  redStonePayload(packages(value, asOf, by, feed))
const take = (payload: string, from = adapter, marketId = btc) =>
  from.getFunction('take')(marketId, payload, { gasLimit: GAS_LIMIT })
const tryTake = (payload: string, from = adapter, marketId = btc): Promise<unknown> =>
  from.getFunction('take').staticCall(marketId, payload, { gasLimit: GAS_LIMIT })
const last = async (of = adapter, marketId = btc) =>
  unpack('observation', (await of.getFunction('latest')(marketId)).lastWord)
async function at(seconds: bigint): Promise<bigint> {
  const now = (await chain.now()) + seconds
  await chain.setTime(now)
  return now
}
const refused = (payload: string, error: string, args?: readonly unknown[], marketId = btc) =>
  expectRevert(tryTake(payload, adapter, marketId), adapter, error, args)
const refusedBy = (payload: string, error: string, args: readonly unknown[]) =>
  refused(payload, 'VerificationFailed', [reader.target, reader.interface.encodeErrorResult(error, args)])

test.skipIf(!hasRecordings)(
  'R115: recorded packages enter as they were signed, by the signers that RedStone’s package has',
  async () => {
    await chain.undone(async () => {
      const { adapter: real } = await deployRedStone(chain)
      for (const payload of redStoneRecordings()) {
        const asOf = timeOfPackages(payload)
        await chain.setTime(asOf + 5n)
        for (const marketId of [btc, eth]) await mined(take(payload, real, marketId))
        expect((await last(real, btc)).asOf).toBe(asOf)
      }
      expect((await last(real, btc)).priceE8).toBeGreaterThan(6n * 10n ** 12n)
      expect((await last(real, eth)).priceE8).toBeGreaterThan(3n * 10n ** 11n)
    })
    await chain.undone(async () => {
      const [payload] = redStoneRecordings() as [string]
      const { adapter: real } = await deployRedStone(chain)
      await chain.setTime(timeOfPackages(payload) + 5n)
      await mined(take(payload, real))
      expect((await last(real)).priceE8).toBe(6_371_750_000_000n)
      await mined(take(payload, real, eth))
      expect((await last(real, eth)).priceE8).toBe(341_899_770_128n)
    })
  },
)

test('R117: packages are of now', async () => {
  await chain.undone(async () => {
    const now = await at(1_000n)
    await tryTake(signed(PRICE, now - 60n))
    await refused(signed(PRICE, now - 61n), 'ObservationStale', [btc, now - 61n, now - 60n])
    await tryTake(signed(PRICE, now + 15n))
    await refused(signed(PRICE, now + 16n), 'ObservationInFuture', [btc, now + 16n, now + 15n])
    const payload = signed(PRICE, now)
    await mined(take(payload))
    await refused(payload, 'ObservationNotLater', [btc, now, now])
    await refused(signed(PRICE, now - 1n), 'ObservationNotLater', [btc, now - 1n, now])
  })
})

test('R118: a value is a price', async () => {
  await chain.undone(async () => {
    const now = await at(1_000n)
    const greatest = 2n ** 48n - 1n
    await refused(signed(0n, now), 'PriceNotPositive', [btc, 0n])
    for (const value of [1n, 999n]) await refused(signed(value, now), 'PriceTooCoarse', [btc, value, 1_000n])
    for (const value of [1_000n, greatest]) await tryTake(signed(value, now))
    for (const value of [greatest + 1n, 2n ** 128n - 1n, 2n ** 128n, 2n ** 256n - 1n]) {
      await refused(signed(value, now), 'PriceOutOfRange', [btc, value, 1n, greatest])
    }
  })
})

test('R120: a value is of its market’s feed', async () => {
  await chain.undone(async () => {
    const now = await at(1_000n)
    const ofEth = signed(PRICE, now, signers.slice(0, 3), 'ETH')
    await tryTake(ofEth, adapter, eth)
    await refusedBy(ofEth, 'InsufficientNumberOfUniqueSigners', [0n, 3n])
    await refused(ofEth, 'UnknownMarket', [ZeroHash], ZeroHash)
    expect(await adapter.getFunction('feedOf')(btc)).toEqual([encodeBytes32String('BTC'), 8n])
    expect(await adapter.getFunction('reader')()).toBe(reader.target)
  })
})

describe('R124: only what was signed is taken, in the one form that it has', () => {
  test('by as many as RedStone asks for, who are its signers, each once, at one time', async () => {
    await chain.undone(async () => {
      const now = await at(1_000n)
      await tryTake(signed(PRICE, now, signers.slice(2, 5)))
      await refusedBy(signed(PRICE, now, signers.slice(0, 2)), 'InsufficientNumberOfUniqueSigners', [2n, 3n])
      const twice = [signers[0], signers[0], signers[1]] as typeof signers
      await refusedBy(signed(PRICE, now, twice), 'InsufficientNumberOfUniqueSigners', [2n, 3n])
      const [stranger] = ownKeys('stranger', 1) as [(typeof signers)[number]]
      const strangers = [...signers.slice(0, 2), stranger]
      await refusedBy(signed(PRICE, now, strangers), 'SignerNotAuthorised', [computeAddress(stranger)])
      const mixed = [...packages(PRICE, now, signers.slice(0, 2)), ...packages(PRICE, now - 1n, signers.slice(2, 3))]
      await refusedBy(redStonePayload(mixed), 'TimestampsMustBeEqual', [])
    })
  })

  test('the median of them', async () => {
    await chain.undone(async () => {
      const now = await at(1_000n)
      const values = [PRICE * 2n, PRICE, 1n]
      const each = signers
        .slice(0, 3)
        .map((signer, i) => ({ feed: 'BTC', value: values[i] ?? 0n, timestampMs: now * 1_000n, signer }))
      await mined(take(redStonePayload(each)))
      expect((await last()).priceE8).toBe(PRICE)
    })
  })

  test('with no byte beside, between or behind', async () => {
    await chain.undone(async () => {
      const payload = signed(PRICE, await at(1_000n))
      const length = dataLength(payload)
      await tryTake(payload)
      await refused(concat(['0x00', payload]), 'PackagesLengthMismatch', [BigInt(length + 1), BigInt(length)])
      await refused(dataSlice(payload, 1), 'PackagesLengthMismatch', [BigInt(length - 1), BigInt(length)])
      await refused('0x', 'PackagesLengthMismatch', [0n, 14n])
      const ending = '0x000000000002ed57011e0000'
      const metadata = concat([dataSlice(payload, 0, length - 12), '0x61', '0x000001', dataSlice(payload, length - 9)])
      await refused(metadata, 'NotAPayload', ['0x000001000002ed57011e0000', ending])
      const one = concat([dataSlice(payload, 0, length - 14), toBeHex(1, 2), ending])
      await refused(one, 'PackagesLengthMismatch', [BigInt(length), BigInt(142 + 14)])
      const many = concat([dataSlice(payload, 0, length - 14), toBeHex(4, 2), ending])
      await refused(many, 'PackagesLengthMismatch', [BigInt(length), BigInt(length + 78)])
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const place = length - 14 - 33
      const s = order - BigInt(dataSlice(payload, place, place + 32))
      const other = concat([dataSlice(payload, 0, place), toBeHex(s, 32), dataSlice(payload, place + 32)])
      await refused(other, 'SignatureNotLow', [s, order / 2n])
    })
  })
})
