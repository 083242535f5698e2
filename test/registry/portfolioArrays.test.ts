import { ZeroHash } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import { policyWordsOf, type ProvenPortfolio, type RoundWords } from '../../prover/registry/index.ts'
import { arraysCall, type RegistryCall } from '../../prover/registry/portfolio/calldata.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import type { SectionWords } from '../../prover/statement/state.ts'
import { eventsOf, GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import {
  type ArrayKey,
  E8,
  freshness,
  modelIdOf,
  PortfolioEngine,
  policy,
  rootOf,
  roundAt,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const NEAR = 2_000_000_000n
const FAR = 2_000_604_800n

const array = (expiry: bigint, firstE8: bigint): ArrayKey => ({
  expiry,
  strikesE8: Array.from({ length: 6 }, (_, i) => (firstE8 + BigInt(i) * 1000n) * E8),
})
const keys = [array(NEAR, 80_000n), array(NEAR, 90_000n), array(FAR, 80_000n)]

let engine: PortfolioEngine
let round: RoundWords
let arrays: readonly ProvenPortfolio[]

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  round = await engine.round([NEAR, FAR])
  arrays = await Promise.all(keys.map((key) => engine.array(round, key)))
})

const callOf = (given: readonly ProvenPortfolio[] = arrays): RegistryCall =>
  arraysCall(round, modelIdOf('riskArray'), given)
const lands = (call: RegistryCall) => engine.chain.undone(async () => mined(engine.send(call)))
const refused = (call: RegistryCall, error: string, args?: readonly unknown[], by = engine.arrays) =>
  expectRevert(engine.send(call), by, error, args)
const withArgument = (call: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...call,
  args: call.args.with(i, value),
})
/** The first array with something changed, proven anew. */
const other = async (change: SectionWords): Promise<ProvenPortfolio> => engine.array(round, keys[0] as ArrayKey, change)

describe('R26: arrays of a round', () => {
  test('are recorded for their round, expiry and policy, one or several at a time', async () => {
    await engine.chain.undone(async () => {
      const receipt = await mined(engine.send(callOf()))
      const events = eventsOf(receipt, engine.arrays)
      expect(events.map(({ name }) => name)).toEqual(keys.map(() => 'ArrayAccepted'))
      for (const [i, key] of keys.entries()) {
        const root = engine.arrayRoot(round, key)
        expect(events[i]?.args.toArray()).toEqual([root, round.asOf, key.expiry, 1n])
        const record = await engine.arrays.getFunction('arrayOf')(root)
        const model = BigInt(modelIdOf('riskArray')) >> 96n
        expect(record).toBe(round.asOf | (1n << 32n) | (key.expiry << 64n) | (model << 96n))
        expect(await engine.client.isArrayAccepted(root, round.asOf)).toBe(true)
        expect(await engine.client.isArrayAccepted(root, round.asOf - 1n)).toBe(false)
      }
    })
    await lands(callOf(arrays.slice(0, 1)))
    expect(await engine.client.isArrayAccepted(engine.arrayRoot(round, keys[0] as ArrayKey), round.asOf)).toBe(false)
  })

  test('rest on the round’s words', async () => {
    const call = callOf()
    const hashes = call.args[2] as readonly string[]
    const alien = `0x${'12'.repeat(32)}`
    await refused(withArgument(call, 0, round.asOf + 1n), 'RoundTimeMismatch', [round.asOf, round.asOf + 1n])
    const market = call.args[1] as readonly bigint[]
    for (const i of market.keys()) {
      // The last bit of spot, or of what else stands lowest.
      await refused(withArgument(call, 1, market.with(i, (market[i] as bigint) ^ 1n)), 'RoundUnknown')
    }
    await refused(withArgument(call, 2, hashes.with(0, alien)), 'RoundUnknown')
    await refused(withArgument(call, 2, hashes.toReversed()), 'RoundUnknown')
    await refused(withArgument(call, 2, hashes.slice(0, 1)), 'RoundUnknown')
    const items = call.args[4] as readonly { readonly expiryWords: readonly bigint[]; readonly expiryIndex: number }[]
    const [first] = items as [(typeof items)[0]]
    for (const i of [0, 1, 2]) {
      const expiryWords = first.expiryWords.with(i, (first.expiryWords[i] as bigint) + (1n << 40n))
      await refused(withArgument(call, 4, items.with(0, { ...first, expiryWords })), 'ExpiryMismatch')
    }
    await refused(withArgument(call, 4, items.with(0, { ...first, expiryIndex: 1 })), 'ExpiryMismatch')
    await refused(withArgument(call, 4, items.with(0, { ...first, expiryIndex: 2 })), 'ExpiryMismatch')
  })

  test('are of the round’s time, which the words tell too', async () => {
    // Signers that attest another round's expiry: the contract does not take their word for its time.
    await engine.chain.undone(async () => {
      const asOf = (await engine.chain.now()) + 5n
      await engine.chain.setTime(asOf)
      const mixed = { ...roundAt(asOf, [NEAR, FAR], E8), expiries: round.expiries }
      await engine.publish(mixed)
      const old = await engine.array(mixed, keys[0] as ArrayKey)
      await refused(arraysCall(mixed, modelIdOf('riskArray'), [old]), 'RoundTimeMismatch', [round.asOf, asOf])
    })
  })

  test('follow the policy in force, in every word', async () => {
    const { scenarioSkew, lossFactors, contingencies, collateralPolicy, ...others } = policy
    const { concentration, collateralSizes, ...pricing } = others
    for (const [name, words] of Object.entries(pricing)) {
      const changed = words.with(words.length - 1, (words.at(-1) as bigint) + 1n)
      await refused(callOf([await other({ [name]: changed })]), 'ProofRejected')
    }
  })

  test('have the strikes and the root that were proven', async () => {
    const call = callOf()
    const strikes = call.args[5] as readonly bigint[]
    for (const i of strikes.keys()) {
      await refused(withArgument(call, 5, strikes.with(i, (strikes[i] as bigint) + 1n)), 'ProofRejected')
    }
    const expected = BigInt(strikes.length)
    await refused(withArgument(call, 5, [...strikes, 0n]), 'WordCountMismatch', [expected + 1n, expected])
    await refused(withArgument(call, 5, strikes.slice(1)), 'WordCountMismatch', [expected - 1n, expected])
    await refused(withArgument(call, 5, strikes.with(0, 1n << 248n)), 'StatementWordOutOfRange')
    const items = call.args[4] as readonly { readonly arrayRoot: bigint; readonly commitment: bigint }[]
    const [first, second, third] = items as [(typeof items)[0], (typeof items)[0], (typeof items)[0]]
    await refused(withArgument(call, 4, [{ ...first, arrayRoot: rootOf(1n) }, second, third]), 'ProofRejected')
    const exchanged = [{ ...first, arrayRoot: second.arrayRoot }, { ...second, arrayRoot: first.arrayRoot }, third]
    await refused(withArgument(call, 4, exchanged), 'ProofRejected')
    const aliased = { ...first, arrayRoot: first.arrayRoot + SCALAR_FIELD_ORDER }
    await refused(withArgument(call, 4, [aliased, second, third]), 'StatementWordOutOfRange')
    const greatest = await other({ arrayRoot: [SCALAR_FIELD_ORDER - 1n] })
    await lands(callOf([greatest]))
    const commitment = first.commitment + SCALAR_FIELD_ORDER
    await refused(withArgument(call, 4, [{ ...first, commitment }, second, third]), 'SignalNotCanonical', [
      0n,
      commitment,
    ])
  })

  test('land all or none: one bad proof among several refuses them', async () => {
    const [a, b, c] = arrays as readonly [ProvenPortfolio, ProvenPortfolio, ProvenPortfolio]
    for (const given of [
      [{ ...a, proof: b.proof }, b, c],
      [a, { ...b, proof: a.proof }, c],
      [a, b, { ...c, proof: b.proof }],
    ]) {
      await refused(callOf(given), 'ProofRejected')
    }
    await refused(callOf([{ ...a, proof: b.proof }]), 'ProofRejected')
    await refused(withArgument(callOf(), 6, [a.proof, b.proof]), 'ProofCountMismatch', [2n, 3n])
    await refused(callOf([]), 'ProofCountMismatch', [0n, 0n])
    const bent = callOf([a, b, { ...c, proof: c.proof.with(7, c.proof[7] + (1n << 255n)) as never }])
    await refused(bent, 'CoordinateNotCanonical')
  })

  test('come from a model of arrays that is active', async () => {
    for (const name of ['optionBook', 'portfolioMargin', 'unhealthyWitness'] as const) {
      const id = modelIdOf(name)
      const args = [id, layoutHash(name), layoutHash('riskArray')]
      await refused(withArgument(callOf(), 3, id), 'ModelOfAnotherLayout', args, engine.models)
    }
    await engine.chain.undone(async () => {
      await mined(engine.models.getFunction('disable')(modelIdOf('riskArray')))
      await refused(callOf(), 'ModelNotActive', [modelIdOf('riskArray'), 2n], engine.models)
    })
  })

  test('land however old their round is, for what is proven by them answers for that', async () => {
    for (const age of [freshness.maxRoundAgeSeconds, freshness.maxRoundAgeSeconds + 1n]) {
      await engine.chain.undone(async () => {
        await engine.chain.setNextTime(round.asOf + age)
        await mined(engine.send(callOf()))
      })
    }
    await engine.chain.undone(async () => {
      await engine.round([NEAR, FAR], freshness.maxRoundLagSeconds + 1n)
      await mined(engine.send(callOf()))
    })
  })

  test('fit one registry, chain, model and round', async () => {
    const context = await engine.context('riskArray', round, [])
    const { sections } = (arrays[0] as ProvenPortfolio).stated
    for (const elsewhere of [
      { chainId: 1n },
      { registry: engine.models.target as string },
      { modelId: modelIdOf('optionBook') },
      { subject: [`0x${'00'.repeat(32)}`] },
    ]) {
      const foreign = await engine.prove('riskArray', { ...context, ...elsewhere }, sections)
      await refused(callOf([foreign]), 'ProofRejected')
    }
  })

  test('R85: count where they landed alone, though another contract takes the same rounds and models', async () => {
    await engine.chain.undone(async () => {
      const place = [engine.council, engine.models, engine.rounds, round.marketId]
      const other = await engine.chain.deploy('RiskArrays', ...place, policyWordsOf(policy), freshness)
      const key = keys[0] as ArrayKey
      const root = engine.arrayRoot(round, key)
      const context = { ...(await engine.context('riskArray', round, [])), registry: other.target as string }
      const { sections } = (arrays[0] as ProvenPortfolio).stated
      const elsewhere = callOf([await engine.prove('riskArray', context, sections)])
      const send = (call: RegistryCall) => other.getFunction(call.method)(...call.args, { gasLimit: GAS_LIMIT })
      await refused(elsewhere, 'ProofRejected')
      await expectRevert(send(callOf([arrays[0] as ProvenPortfolio])), other, 'ProofRejected')
      await mined(send(elsewhere))
      const asked = [round.asOf, 1n, ZeroHash, [root, NEAR]]
      await other.getFunction('requireArrays')(...asked)
      const record = round.asOf | (1n << 32n) | (NEAR << 64n)
      const unknown = engine.arrays.getFunction('requireArrays')(...asked)
      await expectRevert(unknown, engine.arrays, 'ArrayUnknown', [root, 0n, record])
      await mined(engine.send(callOf([arrays[0] as ProvenPortfolio])))
      await engine.arrays.getFunction('requireArrays')(...asked)
    })
  })

  test('R54: are asked for together, each of its expiry and by a model that is active', async () => {
    await engine.chain.undone(async () => {
      const second = await engine.withKey('riskArray', 'first')
      const [one, two, far] = keys as [ArrayKey, ArrayKey, ArrayKey]
      await mined(engine.send(callOf([arrays[0] as ProvenPortfolio, arrays[2] as ProvenPortfolio])))
      const bySecond = [await second.array(round, two)]
      await mined(engine.send(arraysCall(round, second.modelIdOf('riskArray'), bySecond)))
      const pair = (key: ArrayKey) => [engine.arrayRoot(round, key), key.expiry]
      const askOf = (likely: string, words: readonly bigint[]) =>
        engine.arrays.getFunction('requireArrays')(round.asOf, 1n, likely, words) as Promise<unknown>
      const ask = (...words: readonly bigint[]) => askOf(ZeroHash, words)
      for (const words of [[], pair(one), [...pair(one), ...pair(two), ...pair(far)]]) await ask(...words)
      const misplaced = [engine.arrayRoot(round, far), NEAR]
      const unknown = ask(...pair(one), ...pair(two), ...misplaced)
      const record = round.asOf | (1n << 32n)
      const args = [misplaced[0], record | (FAR << 64n), record | (NEAR << 64n)]
      await expectRevert(unknown, engine.arrays, 'ArrayUnknown', args)
      await expect(ask(...pair(one), engine.arrayRoot(round, two))).rejects.toThrow()
      await mined(engine.models.getFunction('disable')(second.modelIdOf('riskArray')))
      const disabled = [second.modelIdOf('riskArray'), 2n]
      for (const words of [
        pair(two),
        [...pair(one), ...pair(two)],
        [...pair(two), ...pair(one)],
        [...pair(one), ...pair(two), ...pair(far)],
      ]) {
        const likelies = [ZeroHash, modelIdOf('riskArray'), second.modelIdOf('riskArray'), modelIdOf('optionBook')]
        for (const likely of likelies) {
          await expectRevert(askOf(likely, words), engine.models, 'ModelNotActive', disabled)
        }
      }
      for (const likely of [ZeroHash, modelIdOf('riskArray'), second.modelIdOf('riskArray')]) {
        await askOf(likely, [...pair(one), ...pair(far)])
      }
    })
  })

  test('proven again after a change of policy count for the new one', async () => {
    await engine.chain.undone(async () => {
      await mined(engine.send(callOf()))
      const { words } = await engine.client.policy()
      await mined(engine.arrays.getFunction('setPortfolioPolicy')([...words]))
      const root = engine.arrayRoot(round, keys[0] as ArrayKey)
      expect(await engine.client.isArrayAccepted(root, round.asOf)).toBe(false)
      await mined(engine.send(callOf()))
      expect(await engine.client.isArrayAccepted(root, round.asOf)).toBe(true)
    })
  })
})
