import { type Contract, Wallet } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  attestRound,
  type AttestedRound,
  roundIdOf,
  roundsDomain,
  type RoundWords,
  type SignedRound,
} from '../../prover/registry/index.ts'
import { expiriesHashOf, expiryHashesOf, hashOfWords } from '../../prover/registry/portfolio/rounds.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { deployRounds, E8, roundAt } from '../../scripts/tools/chains/portfolioEngine.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { byAddress } from '../../scripts/tools/chains/attestation.ts'

const EXPIRIES = [2_000_000_000n, 2_000_604_800n]
const wallets = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
const [first, second, third] = wallets as [Wallet, Wallet, Wallet]
const stranger = new Wallet(`0x${'77'.repeat(32)}`)
const addresses = wallets.map(({ address }) => address)

let chain: Chain
let council: Contract
let rounds: Contract
let now: bigint

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  rounds = await deployRounds(chain, council, wallets)
  now = (await chain.now()) + 1_000n
  await chain.setTime(now)
})

const domain = (of = rounds) => roundsDomain(31337n, of.target as string)
const sign = (round: RoundWords, signers: readonly Wallet[] = [first, second], deadline = now + 10_000n, of = rounds) =>
  attestRound(domain(of), signers, round, deadline)
const publish = ({ round, signatures }: SignedRound, of = rounds) =>
  of.getFunction('publish')(round, signatures, { gasLimit: GAS_LIMIT })
const refused = (signed: SignedRound, error: string, args?: readonly unknown[]) =>
  expectRevert(publish(signed), rounds, error, args)
const at = (asOf: bigint) => roundAt(asOf, EXPIRIES, 100_000n * E8)

describe('R24: attested rounds', () => {
  test('are published by anybody and found by their time', async () => {
    await chain.undone(async () => {
      const round = at(now)
      const [event] = eventsOf(await mined(publish(await sign(round))), rounds)
      const roundId = roundIdOf(31337n, rounds.target as string, round)
      expect(event?.args.toArray().slice(0, 4)).toEqual([round.marketId, now, roundId, hashOfWords(round.market)])
      expect([...(event?.args.expiryHashes ?? [])]).toEqual(expiryHashesOf(round))
      expect(await rounds.getFunction('roundOf')(round.marketId, now)).toBe(roundId)
      expect(await rounds.getFunction('latestAsOf')(round.marketId)).toBe(now)
      expect(BigInt(await rounds.getFunction('roundOf')(round.marketId, now - 1n))).toBe(0n)
      expect(BigInt(await rounds.getFunction('roundOf')(`0x${'12'.repeat(32)}`, now))).toBe(0n)
    })
  })

  test('hash as EIP-712 says, with any number of expiries', async () => {
    for (const count of [0, 1, 2]) {
      const round = roundAt(now, EXPIRIES.slice(0, count), E8)
      await chain.undone(async () => mined(publish(await sign(round))))
    }
  })

  test('need exactly k signatures of different known signers, in order', async () => {
    const round = at(now)
    for (const signers of [
      [first, second],
      [first, third],
      [second, third],
    ]) {
      await chain.undone(async () => mined(publish(await sign(round, signers))))
    }
    await refused(await sign(round, [first]), 'SignatureCountMismatch', [1n, 2n])
    await refused(await sign(round, wallets), 'SignatureCountMismatch', [3n, 2n])
    await refused(await sign(round, []), 'SignatureCountMismatch', [0n, 2n])
    const { round: attested, signatures } = await sign(round)
    const [one, two] = signatures as [(typeof signatures)[0], (typeof signatures)[0]]
    const order = [second.address, first.address]
    await refused({ round: attested, signatures: [two, one] }, 'SignersNotIncreasing', [order[1], order[0]])
    await refused({ round: attested, signatures: [one, one] }, 'SignersNotIncreasing', [order[1], order[1]])
    await refused(await sign(round, [first, stranger]), 'UnknownSigner', [stranger.address])
    const borrowed = { signer: two.signer, signature: one.signature }
    await refused({ round: attested, signatures: [one, borrowed] }, 'SignatureRejected', [two.signer])
  })

  test('are signed in every word, for this source and chain', async () => {
    const signed = await sign(at(now))
    const { round, signatures } = signed
    const changes: Partial<AttestedRound>[] = [
      { marketId: `0x${'12'.repeat(32)}` },
      { asOf: round.asOf - 1n },
      { marketHash: `0x${'12'.repeat(32)}` },
      { expiryHashes: round.expiryHashes.toReversed() },
      { expiryHashes: round.expiryHashes.slice(1) },
      { expiryHashes: [...round.expiryHashes, `0x${'00'.repeat(32)}`] },
      { deadline: round.deadline + 1n },
    ]
    for (const change of changes) {
      await refused({ round: { ...round, ...change }, signatures }, 'SignatureRejected')
    }
    const other = await deployRounds(chain, council, wallets)
    await refused(await sign(at(now), [first, second], undefined, other), 'SignatureRejected')
    const elsewhere = { ...domain(), chainId: 1n }
    await refused(await attestRound(elsewhere, [first, second], at(now), now + 1_000n), 'SignatureRejected')
    await refused(
      await attestRound({ ...domain(), version: '2' }, [first, second], at(now), now + 1_000n),
      'SignatureRejected',
    )
  })

  test('are published before their deadline, fresh, and not from the future', async () => {
    const inBlockAt = async (time: bigint, signed: SignedRound, error?: string, args?: readonly unknown[]) => {
      await chain.undone(async () => {
        await chain.setNextTime(time)
        if (error === undefined) await mined(publish(signed))
        else await refused(signed, error, args)
      })
    }
    const next = now + 500n
    const dated = (asOf: bigint, deadline = next + 10_000n) => sign(at(asOf), [first, second], deadline)
    await inBlockAt(next, await dated(next, next))
    await inBlockAt(next, await dated(next, next - 1n), 'RoundExpired', [next - 1n, next])
    await inBlockAt(next, await dated(next - 300n))
    await inBlockAt(next, await dated(next - 301n), 'RoundStale', [next - 301n, next - 300n])
    await inBlockAt(next, await dated(next + 15n))
    await inBlockAt(next, await dated(next + 16n), 'RoundInFuture', [next + 16n, next + 15n])
  })

  test('are later with every one of a market, whatever other markets do', async () => {
    await chain.undone(async () => {
      const signed = await sign(at(now))
      await mined(publish(signed))
      await refused(signed, 'RoundNotLater', [now, now])
      const same = { ...at(now), market: at(now - 1n).market }
      await refused(await sign(same), 'RoundNotLater', [now, now])
      await refused(await sign(at(now - 1n)), 'RoundNotLater', [now - 1n, now])
      const otherMarket = { ...at(now - 1n), marketId: `0x${'12'.repeat(32)}` }
      await mined(publish(await sign(otherMarket)))
      await mined(publish(await sign(at(now + 1n))))
      expect(await rounds.getFunction('latestAsOf')(at(now).marketId)).toBe(now + 1n)
    })
  })

  test('are known by every word, their source and chain', async () => {
    const round = at(now)
    const place = rounds.target as string
    const [forward, surface, shape] = round.expiries[0] as [bigint, bigint, bigint]
    const others = [
      roundIdOf(1n, place, round),
      roundIdOf(31337n, first.address, round),
      roundIdOf(31337n, place, { ...round, marketId: `0x${'12'.repeat(32)}` }),
      roundIdOf(31337n, place, { ...round, asOf: round.asOf + 1n }),
      ...round.market.map((_, i) =>
        roundIdOf(31337n, place, { ...round, market: round.market.with(i, (round.market[i] as bigint) + 1n) }),
      ),
      ...[
        [forward + 1n, surface, shape],
        [forward, surface + 1n, shape],
        [forward, surface, shape + 1n],
      ].map((expiry) => roundIdOf(31337n, place, { ...round, expiries: round.expiries.with(0, expiry as never) })),
      roundIdOf(31337n, place, { ...round, expiries: round.expiries.toReversed() }),
    ]
    expect(new Set([roundIdOf(31337n, place, round), ...others]).size).toBe(others.length + 1)
    expect(expiriesHashOf({ ...round, expiries: [] })).toBe(hashOfWords([]))
  })

  test('may be signed by contracts (ERC-1271)', async () => {
    const source = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Signer {
    bool private immutable agrees;
    constructor(bool agrees_) { agrees = agrees_; }
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return agrees ? this.isValidSignature.selector : bytes4(0);
    }
}`
    for (const agrees of [true, false]) {
      const contract = await chain.deploy(compileContract('Signer', source), agrees)
      const signer = contract.target as string
      const committee = await chain.deploy('AttestedRounds', council, [signer], 1, 300)
      const signed = await sign(at(now), [], undefined, committee)
      const given = { ...signed, signatures: [{ signer, signature: '0x12' }] }
      if (agrees) await mined(publish(given, committee))
      else await expectRevert(publish(given, committee), committee, 'SignatureRejected', [signer])
    }
  })

  test('come from a committee that is one', async () => {
    const deploy = (signers: readonly string[], threshold: number, age: number) =>
      chain.deploy('AttestedRounds', council, signers, threshold, age)
    await expectRevert(deploy(addresses, 0, 300), rounds, 'ThresholdOutOfRange', [0n, 3n])
    await expectRevert(deploy(addresses, 4, 300), rounds, 'ThresholdOutOfRange', [4n, 3n])
    await expectRevert(deploy(addresses, 2, 0), rounds, 'RoundAgeOutOfRange', [0n, 86_400n])
    await expectRevert(deploy(addresses, 2, 86_401), rounds, 'RoundAgeOutOfRange', [86_401n, 86_400n])
    await expectRevert(deploy(addresses.toReversed(), 2, 300), rounds, 'SignersNotIncreasing')
    await expectRevert(deploy([first.address, first.address], 2, 300), rounds, 'SignersNotIncreasing')
    await deploy(addresses, 3, 86_400)
    expect(await rounds.getFunction('isSigner')(stranger.address)).toBe(false)
    expect(await rounds.getFunction('isSigner')(first.address)).toBe(true)
  })
})
