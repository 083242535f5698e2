import { type Contract, Wallet } from 'ethers'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { pack } from '../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { uncheckedSource } from '../registry/uncheckedSource.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import {
  attest,
  byAddress,
  domainOf,
  type Observation,
  type Signature,
} from '../../scripts/tools/chains/attestation.ts'

const btc = marketIdOf('BTC-USD')
const PRICE_E8 = 50_000n * 10n ** 8n
const MAX_CONFIDENCE_BPS = 100n
const SKEW_SECONDS = 15n
const MISSING = `0x${'00'.repeat(32)}`

/** A contract that signs by ERC-1271 with the key of its owner. */
const contractSigner = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
contract ContractSigner is IERC1271 {
    address private immutable owner;
    constructor(address owner_) { owner = owner_; }
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer, , ) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}`

const wallets = byAddress([1, 2, 3, 4].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
const [outsider, ...signers] = wallets as [Wallet, ...Wallet[]]

let chain: Chain
let council: Contract
let feed: Contract

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
})
beforeEach(async () => {
  feed = await deployFeed(signers.map(({ address }) => address))
})

const deployFeed = (addresses: readonly string[], threshold = 2n, maxConfidenceBps = MAX_CONFIDENCE_BPS) =>
  chain.deploy('AttestedFeed', council, addresses, threshold, maxConfidenceBps, {
    ...defaultPlausibility,
    leastSpacingSeconds: 1n,
  })

/** An acceptable observation, at the chain's time. */
async function observation(change: Partial<Observation> = {}): Promise<Observation> {
  const asOf = await chain.now()
  const impliedVolatilityX16 = 1n << 15n
  return {
    marketId: btc,
    priceE8: PRICE_E8,
    confidenceE8: 0n,
    asOf,
    impliedVolatilityX16,
    rangeCode: 0x2f3n,
    deadline: asOf + 600n,
    ...change,
  }
}

async function signed(what: Observation, by: readonly Wallet[] = signers.slice(0, 2)): Promise<Signature[]> {
  return attest(await domainOf(feed), by, what)
}

const send = (what: Observation, signatures: readonly Signature[], to: Contract = feed) =>
  to.getFunction('submit')(what, signatures, { gasLimit: GAS_LIMIT })

/** Attests and sends. */
const submit = async (change: Partial<Observation> = {}) => {
  const what = await observation(change)
  return send(what, await signed(what))
}

describe('R18: an attested feed takes', () => {
  test('an observation that k of n signers attest, from anyone', async () => {
    const what = await observation()
    const carrier = feed.connect(chain.signers[5] as never) as Contract
    const receipt = await mined(send(what, await signed(what, signers.slice(1)), carrier))
    const [appended] = eventsOf(receipt, feed)
    const word = pack('observation', what)
    expect(appended?.name).toBe('ObservationAppended')
    expect(appended?.args.toArray()).toEqual([btc, 1n, word])
    const [, count, asOf, lastWord] = await feed.getFunction('latest')(btc)
    expect([count, asOf, lastWord]).toEqual([1n, what.asOf, word])
  })

  test('a signature of a contract by ERC-1271, and refuses the contract’s other answers', async () => {
    const signer = await chain.deploy(compileContract('ContractSigner', contractSigner), outsider.address)
    const address = signer.target as string
    feed = await deployFeed([address], 1n)
    const what = await observation()
    const [byOwner] = await signed(what, [outsider])
    const [byOther] = await signed(what, [signers[0] as Wallet])
    await expectRevert(
      send(what, [{ signer: address, signature: byOther?.signature as string }]),
      feed,
      'SignatureRejected',
      [address],
    )
    await mined(send(what, [{ signer: address, signature: byOwner?.signature as string }]))
  })

  test('several observations at once, all or none', async () => {
    const eth = marketIdOf('ETH-USD')
    const both = [await observation(), await observation({ marketId: eth })]
    const signatures = await Promise.all(both.map((what) => signed(what)))
    const submitBatch = feed.getFunction('submitBatch')
    await expectRevert(submitBatch(both, signatures.slice(1)), feed, 'LengthMismatch', [2n, 1n])
    await expectRevert(submitBatch(both, [signatures[0], signatures[0]]), feed, 'SignatureRejected')
    expect((await feed.getFunction('latest')(btc)).count).toBe(0n)
    await mined(submitBatch(both, signatures))
    for (const marketId of [btc, eth]) expect((await feed.getFunction('latest')(marketId)).count).toBe(1n)
    // What somebody has carried does not stop the others, and is not appended again.
    const next = await observation({ asOf: (both[0] as Observation).asOf + 1n })
    await mined(submitBatch([...both, next], [...signatures, await signed(next)]))
    expect((await feed.getFunction('latest')(eth)).count).toBe(1n)
    expect((await feed.getFunction('latest')(btc)).count).toBe(2n)
  })
})

describe('R18: an attested feed refuses signatures', () => {
  test('one fewer and one more than k', async () => {
    const what = await observation()
    await expectRevert(send(what, await signed(what, signers.slice(0, 1))), feed, 'SignatureCountMismatch', [1n, 2n])
    await expectRevert(send(what, await signed(what, signers)), feed, 'SignatureCountMismatch', [3n, 2n])
  })

  test('out of order, and one signer twice', async () => {
    const what = await observation()
    const [first, second] = (await signed(what)) as [Signature, Signature]
    await expectRevert(send(what, [second, first]), feed, 'SignersNotIncreasing', [first.signer, second.signer])
    await expectRevert(send(what, [first, first]), feed, 'SignersNotIncreasing', [first.signer, first.signer])
  })

  test('of an outsider', async () => {
    const what = await observation()
    const signatures = await signed(what, [outsider, signers[0] as Wallet])
    await expectRevert(send(what, signatures), feed, 'UnknownSigner', [outsider.address])
  })

  test('over anything but this observation', async () => {
    const what = await observation()
    const signatures = await signed(what)
    const changes: Partial<Observation>[] = [
      { marketId: marketIdOf('ETH-USD') },
      { priceE8: what.priceE8 + 1n },
      { confidenceE8: 1n },
      { asOf: what.asOf - 1n },
      { impliedVolatilityX16: 0n, rangeCode: 0n },
      { deadline: what.deadline + 1n },
    ]
    for (const change of changes) {
      await expectRevert(send({ ...what, ...change }, signatures), feed, 'SignatureRejected', [signers[0]?.address])
    }
  })

  test('for another feed, chain, name or version', async () => {
    const what = await observation()
    const domain = await domainOf(feed)
    const others = [
      { ...domain, verifyingContract: outsider.address },
      { ...domain, chainId: 1 },
      { ...domain, name: 'another feed' },
      { ...domain, version: '2' },
    ]
    for (const other of others) {
      const signatures = await attest(other, signers.slice(0, 2), what)
      await expectRevert(send(what, signatures), feed, 'SignatureRejected')
    }
    await mined(send(what, await attest(domain, signers.slice(0, 2), what)))
  })
})

describe('R18: an attested feed refuses times', () => {
  test('after the deadline, and takes the deadline itself', async () => {
    const what = await observation()
    const signatures = await signed(what)
    await chain.undone(async () => {
      await chain.setNextTime(what.deadline + 1n)
      await expectRevert(send(what, signatures), feed, 'ObservationExpired', [what.deadline, what.deadline + 1n])
    })
    await chain.setNextTime(what.deadline)
    await mined(send(what, signatures))
  })

  test('further in the future than the clock skew', async () => {
    const next = (await chain.now()) + 100n
    const late = await observation({ asOf: next + SKEW_SECONDS + 1n, deadline: next + 600n })
    const lateSignatures = await signed(late)
    const newest = await observation({ asOf: next + SKEW_SECONDS, deadline: next + 600n })
    const newestSignatures = await signed(newest)
    await chain.undone(async () => {
      await chain.setNextTime(next)
      await expectRevert(send(late, lateSignatures), feed, 'ObservationInFuture', [late.asOf, newest.asOf])
    })
    await chain.setNextTime(next)
    await mined(send(newest, newestSignatures))
  })

  test('not later than the market’s last one', async () => {
    const what = await observation()
    await mined(send(what, await signed(what)))
    for (const asOf of [what.asOf, what.asOf - 1n]) {
      await expectRevert(submit({ asOf }), feed, 'ObservationNotLater', [asOf, what.asOf])
    }
    await mined(submit({ asOf: what.asOf + 1n }))
    await mined(submit({ marketId: marketIdOf('ETH-USD'), asOf: what.asOf }))
  })
})

describe('R18: an attested feed appends no values but those that fit a word', () => {
  /** What the feed said of one observation. */
  const said = async (change: Partial<Observation>) => {
    const [event] = eventsOf(await mined(submit(change)), feed)
    return [event?.name, ...(event?.args.toArray().slice(1) ?? [])]
  }
  /** In the order of `IPlausibleInbox.Refusal`. */
  const [NO_PRICE, UNCERTAIN] = [0n, 1n]

  test('a price of 0 and of 49 bits', async () => {
    for (const priceE8 of [0n, 1n << 48n, (1n << 256n) - 1n]) {
      const asOf = await chain.now()
      expect(await said({ priceE8, asOf })).toEqual(['ObservationRefused', asOf, priceE8, NO_PRICE])
    }
    expect((await feed.getFunction('latest')(btc)).count).toBe(0n)
    await chain.undone(async () => expect(await said({ priceE8: 1n })).toContain('ObservationAppended'))
    expect(await said({ priceE8: (1n << 48n) - 1n })).toContain('ObservationAppended')
  })

  test('an implied volatility of 21 bits, and a range of 13', async () => {
    for (const field of ['impliedVolatilityX16', 'rangeCode'] as const) {
      for (const value of [1n << 20n, (1n << 256n) - 1n]) {
        await chain.undone(async () => {
          const asOf = await chain.now()
          const none = { impliedVolatilityX16: 0n, rangeCode: 0n }
          const { impliedVolatilityX16, rangeCode }: typeof none = { ...none, ...{ [field]: value } }
          const receipt = await mined(submit({ ...none, [field]: value, asOf }))
          const [leftOut, appended] = eventsOf(receipt, feed)
          expect(leftOut?.args.toArray()).toEqual([btc, asOf, impliedVolatilityX16, rangeCode])
          expect(appended?.args.word).toBe(pack('observation', { priceE8: PRICE_E8, asOf, ...none }))
        })
      }
    }
  })

  test('a confidence wider than its share of the price', async () => {
    const limit = (PRICE_E8 * MAX_CONFIDENCE_BPS) / 10_000n
    const asOf = await chain.now()
    expect(await said({ confidenceE8: limit + 1n, asOf })).toEqual(['ObservationRefused', asOf, PRICE_E8, UNCERTAIN])
    expect(await said({ confidenceE8: limit })).toContain('ObservationAppended')
  })
})

describe('R18: a feed is made with', () => {
  const addresses = signers.map(({ address }) => address)
  const make = async (...args: Parameters<typeof deployFeed>) => deployFeed(...args)

  test('1 to n signatures', async () => {
    await expectRevert(make(addresses, 0n), feed, 'ThresholdOutOfRange', [0n, 3n])
    await expectRevert(make(addresses, 4n), feed, 'ThresholdOutOfRange', [4n, 3n])
    await expectRevert(make([], 1n), feed, 'ThresholdOutOfRange', [1n, 0n])
    await make(addresses, 3n)
  })

  test('signers in order, each once, none of them zero', async () => {
    const [a, b] = addresses as [string, string]
    const zero = `0x${'00'.repeat(20)}`
    await expectRevert(make([b, a]), feed, 'SignersNotIncreasing', [a, b])
    await expectRevert(make([a, a]), feed, 'SignersNotIncreasing', [a, a])
    await expectRevert(make([zero, a]), feed, 'SignersNotIncreasing', [zero, zero])
  })

  test('a confidence bound of at most the price', async () => {
    await expectRevert(make(addresses, 2n, 10_001n), feed, 'ConfidenceBoundOutOfRange', [10_001n, 10_000n])
    await make(addresses, 2n, 10_000n)
  })
})

describe('R19: an inbox', () => {
  const coder = () => chain.ethers.AbiCoder.defaultAbiCoder()
  const startHead = (source: Contract, marketId: string) =>
    chain.ethers.keccak256(coder().encode(['address', 'uint256', 'bytes32'], [source.target, 31337, marketId]))
  const extend = (head: string, word: bigint) =>
    chain.ethers.solidityPackedKeccak256(['bytes32', 'uint256'], [head, word])

  /** Appends n observations a second apart; heads by count, from the start. */
  async function append(n: number): Promise<string[]> {
    const heads = [startHead(feed, btc)]
    const first = await chain.now()
    for (let i = 1; i <= n; i++) {
      const what = await observation({ asOf: first + BigInt(i), deadline: first + 10_000n })
      await mined(send(what, await signed(what)))
      heads.push(extend(heads[i - 1] as string, pack('observation', what)))
    }
    return heads
  }

  const checkpoint = async (count: number): Promise<string> => {
    const [head] = await feed.getFunction('checkpoints')([btc], [count])
    return head
  }

  test('chains every word onto a start that differs by source, chain and market', async () => {
    const [, first] = await append(1)
    expect((await feed.getFunction('latest')(btc)).head).toBe(first)
    const other = await deployFeed(signers.map(({ address }) => address))
    expect(startHead(feed, btc)).not.toBe(startHead(other, btc))
    expect((await feed.getFunction('latest')(marketIdOf('ETH-USD'))).toArray()).toEqual([MISSING, 0n, 0n, 0n])
  })

  test('keeps the last heads in a ring, and every 32nd for ever', async () => {
    const heads = await append(130)
    const kept = (await Promise.all(heads.map((_, count) => checkpoint(count)))).map((head, n) => head === heads[n])
    const expected = heads.map((_, n) => n > 0 && (n % 32 === 0 || n > 130 - 64))
    expect(kept).toEqual(expected)
    expect(await checkpoint(194)).toBe(heads[130]) // not yet come: the head 64 words before it
    expect(await checkpoint(160)).toBe(MISSING)
  })

  test('takes words of 216 bits, which leave room for the count', async () => {
    const source = await chain.deploy(uncheckedSource())
    const append = source.getFunction('append')
    const greatest = (1n << 216n) - 1n
    await expectRevert(append(btc, greatest + 1n), source, 'InboxWordOutOfRange', [greatest + 1n, greatest])
    await mined(append(btc, greatest))
    const { head, count, lastWord } = await source.getFunction('latest')(btc)
    expect([head, count, lastWord]).toEqual([extend(startHead(source, btc), greatest), 1n, greatest])
  })

  test('answers for many markets at once, and refuses lists of different lengths', async () => {
    const heads = await append(2)
    const answer = await feed.getFunction('checkpoints')([btc, marketIdOf('ETH-USD'), btc], [2, 1, 1])
    expect(answer.toArray()).toEqual([heads[2], MISSING, heads[1]])
    await expectRevert(feed.getFunction('checkpoints')([btc], []), feed, 'LengthMismatch', [1n, 0n])
  })
})
