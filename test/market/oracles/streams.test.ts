/** Reports of Chainlink's Data Streams, verified by Chainlink's own contracts: a recorded one, and some of our own keys. */
import { compileContract } from '../../../scripts/tools/chains/compileContract.ts'
import { type Contract, computeAddress, concat, dataLength, dataSlice, toBeHex, ZeroAddress, ZeroHash } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { unpack } from '../../../prover/statement/words.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import { chainlinkPart } from '../../../scripts/tools/oracles/foreignContracts.ts'
import { btc, deployStreamsAdapter, deployVerifier, eth, ownKeys } from '../../../scripts/tools/oracles/oracleChain.ts'
import { type StreamsReport, signedPayload, streamsPayload } from '../../../scripts/tools/oracles/payloads.ts'
import { hasRecordings, streamsRecording, streamsSigners } from '../../../scripts/tools/oracles/recordings.ts'
import { expectRevert } from '../../reverts.ts'

const PRICE = 50_000n * 10n ** 18n
const digest = `0x0006${'11'.repeat(30)}`
const feedId = `0x0003${'22'.repeat(30)}`
const otherId = `0x0003${'33'.repeat(30)}`
const token = marketIdOf('TOKEN-USD')
const oracles = ownKeys('oracle', 4)
const feeds = [
  { marketId: btc, feedId, decimals: 18n },
  { marketId: eth, feedId: otherId, decimals: 18n },
]
let chain: Chain
let proxy: Contract
let verifier: Contract
let adapter: Contract

beforeAll(async () => {
  chain = await startChain(new Date('2024-07-01'))
  const deployed = await deployVerifier(
    chain,
    digest,
    oracles.map((oracle) => computeAddress(oracle)),
    2,
  )
  proxy = deployed.proxy
  verifier = deployed.verifier
  adapter = await deployStreamsAdapter(chain, proxy, feeds)
})

const reportOf = (of: Partial<StreamsReport> & Pick<StreamsReport, 'observedAt'>): StreamsReport => ({
  ...{ feedId, validFrom: of.observedAt, nativeFee: 0n, linkFee: 0n, expiresAt: of.observedAt + 1_000n },
  ...{ price: PRICE, bid: of.price ?? PRICE, ask: of.price ?? PRICE },
  ...of,
})
const signed = (of: Partial<StreamsReport> & Pick<StreamsReport, 'observedAt'>): string =>
  streamsPayload(reportOf(of), digest, oracles.slice(0, 2))
const take = (payload: string, { marketId = btc, value = 0n } = {}) =>
  adapter.getFunction('take')(marketId, payload, { gasLimit: GAS_LIMIT, value })
const tryTake = (payload: string, { marketId = btc, value = 0n } = {}): Promise<unknown> =>
  adapter.getFunction('take').staticCall(marketId, payload, { gasLimit: GAS_LIMIT, value })
const last = async (of = adapter, marketId = btc) =>
  unpack('observation', (await of.getFunction('latest')(marketId)).lastWord)
async function at(seconds: bigint): Promise<bigint> {
  const now = (await chain.now()) + seconds
  await chain.setTime(now)
  return now
}
/** A call while the chain stays as it is. */
const refused = (payload: string, error: string, args?: readonly unknown[], marketId = btc) =>
  expectRevert(tryTake(payload, { marketId }), adapter, error, args)

test.skipIf(!hasRecordings)(
  'R115: a recorded report enters as it was signed, verified by Chainlink’s contracts',
  async () => {
    await chain.undone(async () => {
      const report = streamsRecording()
      const { digest: recorded, signers } = streamsSigners(report)
      expect(signers).toHaveLength(6)
      const real = await deployVerifier(chain, recorded, signers, signers.length)
      // Of a token at 0.70; which one, the recording does not say.
      const ofToken = [{ marketId: token, feedId: dataSlice(report, 256, 288), decimals: 18n }]
      const streams = await deployStreamsAdapter(chain, real.proxy, ofToken)
      await chain.setTime(1_722_348_998n + 3n)
      await mined(streams.getFunction('take')(token, report, { gasLimit: GAS_LIMIT }))
      expect(await last(streams, token)).toEqual({
        ...{ priceE8: 69_541_024n, asOf: 1_722_348_998n, impliedVolatilityX16: 0n, rangeCode: 0n },
      })
      const stranger = await deployVerifier(chain, recorded, signers.slice(1), signers.length)
      const other = await deployStreamsAdapter(chain, stranger.proxy, ofToken)
      const call = other.getFunction('take').staticCall(token, report, { gasLimit: GAS_LIMIT })
      const reason = stranger.verifier.interface.encodeErrorResult('BadVerification', [])
      await expectRevert(call, other, 'VerificationFailed', [stranger.proxy.target, reason])
    })
  },
)

test('R115: a price of other decimals is scaled, rounded down', async () => {
  await chain.undone(async () => {
    const observedAt = await at(1_000n)
    await mined(take(signed({ observedAt, price: PRICE + 19_999_999_999n })))
    expect((await last()).priceE8).toBe(PRICE / 10n ** 10n + 1n)
    const eight = await deployStreamsAdapter(chain, proxy, [{ marketId: btc, feedId, decimals: 8n }])
    await mined(eight.getFunction('take')(btc, signed({ observedAt, price: 7_000n }), { gasLimit: GAS_LIMIT }))
    expect((await last(eight)).priceE8).toBe(7_000n)
  })
})

test('R117: a report is one of now: its observations, and the time that it is valid', async () => {
  await chain.undone(async () => {
    const now = await at(1_000n)
    await tryTake(signed({ observedAt: now - 60n }))
    await refused(signed({ observedAt: now - 61n }), 'ObservationStale', [btc, now - 61n, now - 60n])
    await tryTake(signed({ observedAt: now + 15n }))
    const late = signed({ observedAt: now + 16n, validFrom: now })
    await refused(late, 'ObservationInFuture', [btc, now + 16n, now + 15n])
    await tryTake(signed({ observedAt: now, validFrom: now + 15n }))
    const unripe = signed({ observedAt: now, validFrom: now + 16n })
    await refused(unripe, 'ReportNotYetValid', [btc, now + 16n, now + 15n])
    await tryTake(signed({ observedAt: now, expiresAt: now }))
    await refused(signed({ observedAt: now, expiresAt: now - 1n }), 'ReportExpired', [btc, now - 1n, now])
    const payload = signed({ observedAt: now })
    await mined(take(payload))
    await refused(payload, 'ObservationNotLater', [btc, now, now])
    await refused(signed({ observedAt: now - 1n }), 'ObservationNotLater', [btc, now - 1n, now])
  })
})

test('R118: a price of a report is a price', async () => {
  await chain.undone(async () => {
    const observedAt = await at(1_000n)
    const greatest = 2n ** 48n - 1n
    await refused(signed({ observedAt, price: 0n }), 'PriceNotPositive', [btc, 0n])
    await refused(signed({ observedAt, price: -(2n ** 191n) }), 'PriceNotPositive', [btc, -(2n ** 191n)])
    await tryTake(signed({ observedAt, price: 10n ** 13n }))
    await refused(signed({ observedAt, price: 10n ** 13n - 1n }), 'PriceTooCoarse', [btc, 999n, 1_000n])
    await refused(signed({ observedAt, price: 10n ** 10n - 1n }), 'PriceOutOfRange', [btc, 0n, 1n, greatest])
    const most = (greatest + 1n) * 10n ** 10n - 1n
    await tryTake(signed({ observedAt, price: most }))
    await refused(signed({ observedAt, price: most + 1n }), 'PriceOutOfRange', [btc, greatest + 1n, 1n, greatest])
    const extreme = 2n ** 191n - 1n
    await refused(signed({ observedAt, price: extreme }), 'PriceOutOfRange', [btc, extreme / 10n ** 10n, 1n, greatest])
  })
})

test('R119: bid and ask are about the price, and no further from it than the source takes', async () => {
  await chain.undone(async () => {
    const observedAt = await at(1_000n)
    const most = (PRICE * 50n) / 10_000n
    await tryTake(signed({ observedAt, bid: PRICE - most, ask: PRICE + most }))
    for (const quotes of [{ bid: PRICE - most - 1n }, { ask: PRICE + most + 1n }]) {
      await refused(signed({ observedAt, ...quotes }), 'ConfidenceTooWide', [btc, most + 1n, most])
    }
    await refused(signed({ observedAt, bid: PRICE + 1n, ask: PRICE + 2n }), 'QuotesCrossed', [
      btc,
      PRICE + 1n,
      PRICE,
      PRICE + 2n,
    ])
    await refused(signed({ observedAt, ask: PRICE - 1n }), 'QuotesCrossed', [btc, PRICE, PRICE, PRICE - 1n])
    const extremes = signed({ observedAt, bid: -(2n ** 191n), ask: 2n ** 191n - 1n })
    await refused(extremes, 'ConfidenceTooWide', [btc, PRICE + 2n ** 191n, most])
  })
})

test('R120: a report is of its market’s stream', async () => {
  await chain.undone(async () => {
    const observedAt = await at(1_000n)
    const ofOther = signed({ observedAt, feedId: otherId })
    await tryTake(ofOther, { marketId: eth })
    await refused(ofOther, 'WrongFeed', [btc, otherId, feedId])
    await refused(ofOther, 'UnknownMarket', [ZeroHash], ZeroHash)
    const schema = [{ marketId: btc, feedId: `0x0002${'22'.repeat(30)}`, decimals: 18n }]
    await expectRevert(deployStreamsAdapter(chain, proxy, schema), adapter, 'NotSchema3', [btc, schema[0]?.feedId])
    expect(await adapter.getFunction('verifier')()).toBe(proxy.target)
  })
})

describe('R124: only what was signed is taken, in the one form that it has', () => {
  test('by as many as the verifier asks for, of its configuration', async () => {
    await chain.undone(async () => {
      const observedAt = await at(1_000n)
      const report = reportOf({ observedAt })
      const by = (keys: typeof oracles, under = digest): string => streamsPayload(report, under, keys)
      await tryTake(by(oracles.slice(2, 4)))
      const reason = (error: string, args: readonly unknown[], of = verifier) => [
        proxy.target,
        of.interface.encodeErrorResult(error, args),
      ]
      await refused(by(oracles.slice(0, 1)), 'VerificationFailed', reason('IncorrectSignatureCount', [1, 2]))
      await refused(by(oracles.slice(0, 3)), 'VerificationFailed', reason('IncorrectSignatureCount', [3, 2]))
      await refused(by(ownKeys('stranger', 2)), 'VerificationFailed', reason('BadVerification', []))
      const twice = [oracles[0], oracles[0]] as typeof oracles
      await refused(by(twice), 'VerificationFailed', reason('BadVerification', []))
      const unknown = `0x0006${'44'.repeat(30)}`
      await refused(
        by(oracles.slice(0, 2), unknown),
        'VerificationFailed',
        reason('VerifierNotFound', [unknown], proxy),
      )
    })
  })

  test('with no byte beside, between or behind', async () => {
    await chain.undone(async () => {
      const observedAt = await at(1_000n)
      const payload = signed({ observedAt })
      const length = dataLength(payload)
      await tryTake(payload)
      await refused(concat([payload, '0x00']), 'PayloadNotCanonical', [BigInt(length + 1), BigInt(length)])
      await refused(dataSlice(payload, 0, length - 1), 'PayloadNotCanonical', [BigInt(length - 1), BigInt(length)])
      await refused('0x', 'PayloadNotCanonical', [0n, 256n])
      const moved = concat([dataSlice(payload, 0, 96), toBeHex(225, 32), dataSlice(payload, 128)])
      await refused(moved, 'PayloadNotCanonical', [BigInt(length), BigInt(length)])
      const spare = concat([dataSlice(payload, 0, 223), '0x01', dataSlice(payload, 224)])
      await refused(spare, 'SpareSignatures', [dataSlice(spare, 192, 224), 2n])
      const many = concat([dataSlice(payload, 0, 544), toBeHex(32, 32), dataSlice(payload, 576)])
      await refused(many, 'PayloadNotCanonical', [BigInt(length), 1_568n])
      const short = signedPayload(toBeHex(1, 256), digest, oracles.slice(0, 2))
      await refused(short, 'ReportLengthMismatch', [256n, 288n])
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const s = order - BigInt(dataSlice(payload, length - 32))
      await refused(concat([dataSlice(payload, 0, length - 32), toBeHex(s, 32)]), 'SignatureNotLow', [s, order / 2n])
    })
  })
})

test('R121: Chainlink’s fee is paid exactly, in the chain’s own coin; less is refused and more comes back', async () => {
  await chain.undone(async () => {
    const coin = compileContract(
      'WrappedCoin',
      `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {WETH} from "solady/src/tokens/WETH.sol";
contract WrappedCoin is WETH {}`,
    )
    const [link, native] = [await chain.deploy(coin), await chain.deploy(coin)]
    const rewards = await chain.deploy(chainlinkPart('llo-feeds/v0.5.0/RewardManager'), link.target)
    const fees = await chain.deploy(
      chainlinkPart('llo-feeds/v0.5.0/FeeManager'),
      ...[link.target, native.target, proxy.target, rewards.target],
    )
    await mined(proxy.getFunction('setFeeManager')(fees.target))
    const observedAt = await at(1_000n)
    const payload = signed({ observedAt, nativeFee: 1_000n, linkFee: 10n })
    await expectRevert(tryTake(payload, { value: 999n }), adapter, 'FeeTooLow', [999n, 1_000n])
    await tryTake(payload, { value: 1_000n })
    const [payer] = chain.signers
    const balance = (of: string) => chain.ethers.provider.getBalance(of)
    const before = await balance(payer?.address ?? ZeroAddress)
    const receipt = await mined(take(payload, { value: 10n ** 18n }))
    expect(before - (await balance(payer?.address ?? ZeroAddress))).toBe(1_000n + receipt.gasUsed * receipt.gasPrice)
    expect(await native.getFunction('balanceOf')(fees.target)).toBe(1_000n)
    expect(await balance(adapter.target as string)).toBe(0n)
    expect((await last()).asOf).toBe(observedAt)
    // What the fee manager itself refuses is said to be its refusal.
    const expired = signed({ observedAt: observedAt + 1n, expiresAt: observedAt - 1n })
    const reason = fees.interface.encodeErrorResult('ExpiredReport', [])
    await expectRevert(tryTake(expired), adapter, 'VerificationFailed', [fees.target, reason])
  })
})
