import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { pack, unpack, wordBits } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import {
  type Batch,
  Engine,
  EWMA,
  freshness,
  type Market,
  modelIdOf,
  type ModelName,
  models,
  withFields,
} from './engine.ts'
import { uncheckedSource } from './uncheckedSource.ts'
import { packState, wordsBy, type StateWords } from '../../prover/statement/marketState.ts'
import { marketStateWords, previousOf } from '../../circuits/statements/index.ts'

const PRICE_E8 = 50_100n * 10n ** 8n
const OBSERVATION_BITS = BigInt(wordBits('observation'))
const NO_PROOF = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]

let engine: Engine
let registry: Contract
let btc: Market
let eth: Market

beforeAll(async () => {
  engine = await Engine.start(3)
  registry = engine.registry
  ;[btc, eth] = engine.markets as [Market, Market]
})

/** Everything inside is undone afterwards, on the chain and in what the test believes of it. */
async function undone(body: () => Promise<void>): Promise<void> {
  const kept = engine.markets.map((market) => ({ ...market, waiting: [...market.waiting] }))
  try {
    await engine.chain.undone(body)
  } finally {
    engine.markets.splice(kept.length)
    for (const [i, market] of kept.entries()) Object.assign(engine.markets[i] as Market, market)
  }
}

/** The call would be refused before any proof is looked at. */
const refused = (batch: Batch, error: string, args?: readonly unknown[]) =>
  expectRevert(engine.submit(batch, NO_PROOF), registry, error, args)

/** An honest batch of one observation each, with a change. */
async function changed(change: (batch: Batch) => void, markets: readonly Market[] = [btc], model: ModelName = 'live') {
  const batch = engine.batch(markets, 1, model)
  change(batch)
  return batch
}

const first = (batch: Batch) => batch.updates[0] as Batch['updates'][number]

describe('an honest batch', () => {
  test('moves all its markets, says so, and leaves what the next one presents', async () => {
    await undone(async () => {
      for (const market of engine.markets) await engine.observe(market, PRICE_E8)
      const batch = engine.batch(engine.markets)
      const receipt = await engine.land(batch)
      const events = eventsOf(receipt, registry)
      expect(events.map(({ name }) => name)).toEqual([...batch.updates.map(() => 'ParametersUpdated'), 'BatchAccepted'])
      const submitter = await engine.chain.signers[0]?.getAddress()
      expect(events.at(-1)?.args.toArray()).toEqual([batch.modelId, batch.commitment, submitter])
      for (const [i, update] of batch.updates.entries()) {
        expect(events[i]?.args.toArray()).toEqual([update.marketId, update.parameters | (1n << 230n)])
        expect(await registry.getFunction('sequence')(update.marketId)).toBe(1n)
        const { parameters } = await readAll(update.marketId)
        expect(parameters).toEqual({ ...unpack('parameters', update.parameters), sequence: 1n })
        const market = engine.marketOf(update.marketId)
        const presented = [
          ...marketStateWords.map((word) => update[word]),
          market.inboxHead,
          market.inboxCount,
          update.source,
          EWMA,
        ]
        const coder = engine.chain.ethers.AbiCoder.defaultAbiCoder()
        const types = [...marketStateWords.map(() => 'uint256'), 'bytes32', 'uint256', 'address', 'uint256']
        const expected = engine.chain.ethers.keccak256(coder.encode(types, presented))
        expect(await registry.getFunction('stateHash')(update.marketId)).toBe(expected)
      }
    })
  })

  test('comes from anyone', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc])
      const { modelId, commitment, updates, observationWords } = batch
      const asStranger = registry.connect(engine.chain.signers[7] as never) as Contract
      const proof = await engine.prove(batch)
      await mined(asStranger.getFunction('submit')(modelId, commitment, proof, updates, observationWords))
    })
  })

  test('takes one or several observations of models of any size, batch after batch', async () => {
    await undone(async () => {
      const steps: [ModelName, Market[], number][] = [
        ['live', [btc, eth], 2],
        ['odd', [btc, eth], 3],
        ['odd', [eth], 1],
        ['odd', [eth], 2],
        ['catchUp', [eth], 5],
        ['catchUp', [btc], 48],
        ['live', [btc], 1],
      ]
      for (const [model, markets, count] of steps) {
        for (const market of markets) {
          for (let i = 0; i < count; i++) await engine.observe(market, PRICE_E8 + BigInt(i))
        }
        await engine.land(engine.batch(markets, count, model))
      }
      expect(btc.sequence).toBe(4n)
      expect(await registry.getFunction('sequence')(btc.marketId)).toBe(4n)
    })
  })

  test('R15: for some markets lands before or after one for others', async () => {
    await undone(async () => {
      for (const market of [btc, eth]) await engine.observe(market, PRICE_E8)
      const [one, other] = [engine.batch([btc]), engine.batch([eth])]
      const [proofOfOne, proofOfOther] = [await engine.prove(one), await engine.prove(other)]
      await undone(async () => {
        await mined(engine.submit(one, proofOfOne))
        await mined(engine.submit(other, proofOfOther))
      })
      await mined(engine.submit(other, proofOfOther))
      await mined(engine.submit(one, proofOfOne))
    })
  })

  test('R15: moves no market if one of them may not move', async () => {
    await undone(async () => {
      for (const market of [btc, eth]) await engine.observe(market, PRICE_E8)
      const batch = engine.batch([btc, eth])
      const wrong = { ...(batch.updates[1] as Batch['updates'][number]), inboxCount: 0n }
      await refused({ ...batch, updates: [first(batch), wrong] }, 'StateMismatch')
      expect(await registry.getFunction('sequence')(btc.marketId)).toBe(0n)
    })
  })
})

describe('R15: markets that a batch’s sequence has been moved by already', () => {
  const update = (batch: Batch, i: number) => batch.updates[i] as Batch['updates'][number]
  const storedOf = async ({ marketId }: Market) => [
    await registry.getFunction('stateHash')(marketId),
    (await registry.getFunction('parameters')(marketId)).toObject(),
  ]
  const observeAll = async () => {
    for (const market of engine.markets) await engine.observe(market, PRICE_E8)
  }

  test.each([0, 1, 2])('are skipped, and the others land with the same proof: number %s of three', async (moved) => {
    await undone(async () => {
      await observeAll()
      const batch = engine.batch(engine.markets)
      const proof = await engine.prove(batch)
      const market = engine.markets[moved] as Market
      await engine.land(engine.batch([market]))
      const before = await storedOf(market)
      const events = eventsOf(await mined(engine.submit(batch, proof)), registry)
      expect(events.map(({ name }) => name)).toEqual([
        ...[0, 1, 2].map((i) => (i === moved ? 'MarketSkipped' : 'ParametersUpdated')),
        'BatchAccepted',
      ])
      expect(events[moved]?.args.toArray()).toEqual([market.marketId, 1n])
      expect(await storedOf(market)).toEqual(before)
      for (const other of engine.markets) expect(await registry.getFunction('sequence')(other.marketId)).toBe(1n)
    })
  })

  test('are skipped also where another batch took them further, from other observations, from another source', async () => {
    await undone(async () => {
      const further = await marketOfUncheckedSource()
      for (let i = 0; i < 2; i++) await observeAll()
      const word = pack('observation', btc.waiting[0] as Market['waiting'][number])
      await mined(further.feed.getFunction('append')(further.marketId, word))
      further.waiting.push({ ...(btc.waiting[0] as Market['waiting'][number]) })
      const batch = engine.batch([btc, eth, further])
      const proof = await engine.prove(batch)
      await engine.land(engine.batch([eth], 2))
      await engine.observe(eth, PRICE_E8)
      await engine.land(engine.batch([eth]))
      const events = eventsOf(await mined(engine.submit(batch, proof)), registry)
      expect(events.map(({ name }) => name)).toEqual([
        'ParametersUpdated',
        'MarketSkipped',
        'ParametersUpdated',
        'BatchAccepted',
      ])
    })
  })

  test('are not all of a batch', async () => {
    await undone(async () => {
      await observeAll()
      const batch = engine.batch([btc, eth])
      const proof = await engine.prove(batch)
      await engine.land(engine.batch([btc]))
      await engine.land(engine.batch([eth]))
      await expectRevert(engine.submit(batch, proof), registry, 'NothingToApply', [2n])
    })
  })

  test('are a part of what was proven, as presented', async () => {
    await undone(async () => {
      await observeAll()
      const batch = engine.batch([btc, eth])
      const proof = await engine.prove(batch)
      await engine.land(engine.batch([btc]))
      const words = [...marketStateWords.map(previousOf), ...marketStateWords, 'parameters'] as const
      for (const word of words) {
        const other = { ...update(batch, 0), [word]: update(batch, 0)[word] ^ 1n }
        const changedBatch = { ...batch, updates: [other, update(batch, 1)] }
        await expectRevert(engine.submit(changedBatch, proof), registry, 'ProofRejected')
        const wide = { ...other, [word]: update(batch, 0)[word] | (1n << 255n) }
        await refused({ ...batch, updates: [wide, update(batch, 1)] }, 'WordOutOfRange')
      }
      // A source with more bits than an address has would make the calldata one that no decoder takes.
      const { modelId, commitment, updates, observationWords } = batch
      const args = [modelId, commitment, proof, updates, observationWords]
      const calldata = registry.interface.encodeFunctionData('submit', args)
      const source = update(batch, 0).source.slice(2).toLowerCase().padStart(64, '0')
      const wideSource = `1${source.slice(1)}`
      const to = await registry.getAddress()
      const sent = engine.chain.signers[0]?.call({ to, data: calldata.replace(source, wideSource) })
      await expectRevert(sent as Promise<unknown>, registry, 'WordOutOfRange', [
        btc.marketId,
        BigInt(`0x${wideSource}`),
        160n,
      ])
      // The circuits take margins above 0 for granted: of others a proof says what no twin follows.
      const margins = unpack('anchorState', update(batch, 0).previousAnchorState)
      for (const [initialMarginX24, maintenanceMarginX24] of [
        [margins.initialMarginX24, 0n],
        [margins.maintenanceMarginX24 - 1n, margins.maintenanceMarginX24],
      ] as const) {
        const previousAnchorState = pack('anchorState', { ...margins, initialMarginX24, maintenanceMarginX24 })
        const invented = { ...update(batch, 0), previousAnchorState }
        await refused({ ...batch, updates: [invented, update(batch, 1)] }, 'MarginsOutOfOrder')
      }
      const [observed = 0n, ...rest] = batch.observationWords
      await expectRevert(
        engine.submit({ ...batch, observationWords: [observed ^ (1n << 113n), ...rest] }, proof),
        registry,
        'ProofRejected',
      )
      // Nor may words of its observations say what a proof takes for something else.
      for (const [word, error] of [
        [observed | (1n << 255n), 'ObservationWordOutOfRange'],
        [observed | 1n, 'UnusedSlotNotZero'],
        [0n, 'UsedSlotIsZero'],
      ] as const) {
        await refused({ ...batch, observationWords: [word, ...rest] }, error)
      }
      const none = { ...update(batch, 0), observationCount: 0n }
      await refused({ ...batch, updates: [none, update(batch, 1)] }, 'ObservationCountOutOfRange')
      await mined(engine.submit(batch, proof))
    })
  })

  test('are moved by nothing that is presented of them, however it was proven', async () => {
    await undone(async () => {
      await observeAll()
      await engine.land(engine.batch([btc]))
      const before = await storedOf(btc)
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc, eth])
      Object.assign(first(batch), { sequence: 1n, inboxCount: 7n, inboxHead: `0x${'ab'.repeat(32)}` })
      expect(eventsOf(await mined(engine.proveAndSubmit(batch)), registry).map(({ name }) => name)).toContain(
        'MarketSkipped',
      )
      expect(await storedOf(btc)).toEqual(before)
    })
  })

  test('are not those that a batch comes too early for, or that start elsewhere', async () => {
    await undone(async () => {
      await observeAll()
      const batch = engine.batch([btc, eth])
      const early = { ...update(batch, 1), sequence: 2n }
      await refused({ ...batch, updates: [update(batch, 0), early] }, 'SequenceAhead', [eth.marketId, 2n, 1n])
      const elsewhere = { ...update(batch, 1), inboxCount: 9n }
      await refused({ ...batch, updates: [update(batch, 0), elsewhere] }, 'StateMismatch')
    })
  })
})

describe('the shape of a batch', () => {
  test('R1: needs a model that is known and active', async () => {
    const batch = engine.batch([])
    const unknown = modelIdOf('unknown')
    const refusedBy = (call: Promise<unknown>, args: readonly unknown[]) =>
      expectRevert(call, engine.modelRegistry, 'ModelNotActive', args)
    await refusedBy(engine.submit({ ...batch, modelId: unknown }, NO_PROOF), [unknown, 0n])
    await undone(async () => {
      await mined(engine.modelRegistry.getFunction('disable')(batch.modelId))
      await refusedBy(engine.submit(batch, NO_PROOF), [batch.modelId, 2n])
    })
  })

  test('R2: has 1 to M markets', async () => {
    await undone(async () => {
      for (const market of engine.markets) await engine.observe(market, PRICE_E8)
      await refused(engine.batch([]), 'BatchSizeOutOfRange', [0n, 8n])
      await refused(engine.batch(engine.markets, 1, 'odd'), 'BatchSizeOutOfRange', [3n, 2n])
      await mined(engine.proveAndSubmit(engine.batch(engine.markets.slice(1), 1, 'odd')))
      await mined(engine.proveAndSubmit(engine.batch([btc], 1, 'odd')))
    })
  })

  test('R2: has the observation words of its markets, no more and no fewer', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const { observationWords } = engine.batch([btc])
      const wrong = (words: bigint[]) => changed((batch) => Object.assign(batch, { observationWords: words }))
      await refused(await wrong([]), 'ObservationWordsMismatch', [0n, 1n])
      await refused(await wrong([...observationWords, 0n]), 'ObservationWordsMismatch', [2n, 1n])
      await refused(
        await changed(() => {}, [btc], 'odd').then((b) => ({ ...b, observationWords: [1n] })),
        'ObservationWordsMismatch',
        [1n, 2n],
      )
    })
  })

  test('R2: has markets in strictly increasing order', async () => {
    await undone(async () => {
      for (const market of [btc, eth]) await engine.observe(market, PRICE_E8)
      await refused(engine.batch([eth, btc]), 'MarketsNotIncreasing', [btc.marketId, eth.marketId])
      await refused(engine.batch([btc, btc]), 'MarketsNotIncreasing', [btc.marketId, btc.marketId])
    })
  })
})

describe('R3: the state a batch starts from', () => {
  test('is the one in force, every part of it', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const presented = first(engine.batch([btc]))
      const changes: Partial<Batch['updates'][number]>[] = [
        ...marketStateWords.map((word) => ({ [previousOf(word)]: presented[previousOf(word)] ^ 1n })),
        { inboxHead: `0x${'ab'.repeat(32)}` },
        { inboxCount: presented.inboxCount + 1n },
        { source: registry.target as string },
        { marketId: eth.marketId },
      ]
      for (const change of changes)
        await refused(await changed((b) => Object.assign(first(b), change)), 'StateMismatch')
    })
  })

  test('is that of a known market', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const marketId = marketIdOf('UNKNOWN')
      await refused(await changed((batch) => Object.assign(first(batch), { marketId })), 'UnknownMarket', [marketId])
    })
  })
})

describe('R34: the volatility model that a market is bound to', () => {
  const OTHER = 2
  const otherId = modelIdOf('other')

  /** A model like the live one, of the same verifier even, that the council takes for one of another family. */
  const registerOther = () => engine.registerModel('other', { ...models.live, volatilityModel: OTHER })
  const boundElsewhere = (batch: Batch, market: Market, given: number, bound: number) =>
    refused(batch, 'MarketBoundToAnotherModel', [market.marketId, BigInt(given), BigInt(bound)])

  test('is the only one that moves it, however valid the proof of another', async () => {
    await undone(async () => {
      await registerOther()
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc])
      const other = { ...batch, modelId: otherId }
      const submitted = engine.submit(other, await engine.prove(other))
      const args = [btc.marketId, BigInt(OTHER), BigInt(EWMA)]
      await expectRevert(submitted, registry, 'MarketBoundToAnotherModel', args)
      await engine.land(batch)
    })
  })

  test('is that of every market of a batch', async () => {
    await undone(async () => {
      await registerOther()
      const sol = await engine.addMarket(marketIdOf('SOL-USD'), engine.feed, OTHER)
      expect(await registry.getFunction('volatilityModelOf')(sol.marketId)).toBe(BigInt(OTHER))
      for (const market of [btc, sol]) await engine.observe(market, PRICE_E8)
      await boundElsewhere(engine.batch([btc, sol]), sol, EWMA, OTHER)
      await boundElsewhere({ ...engine.batch([btc, sol]), modelId: otherId }, btc, OTHER, EWMA)
      await boundElsewhere(engine.batch([sol], 1, 'catchUp'), sol, EWMA, OTHER)
      await engine.land({ ...engine.batch([sol]), modelId: otherId })
      await engine.observe(sol, PRICE_E8)
      await boundElsewhere(engine.batch([sol]), sol, EWMA, OTHER)
      await engine.land({ ...engine.batch([sol]), modelId: otherId })
      await engine.land(engine.batch([btc]))
    })
  })

  test('cannot be given in calldata, not in bits that belong to no address either', async () => {
    await undone(async () => {
      await registerOther()
      await engine.observe(btc, PRICE_E8)
      for (const modelId of [otherId, modelIdOf('live')]) {
        const { commitment, updates, observationWords } = engine.batch([btc])
        const call = [modelId, commitment, NO_PROOF, updates, observationWords]
        const clean = registry.interface.encodeFunctionData('submit', call)
        const source = engine.chain.ethers
          .zeroPadValue(first(engine.batch([btc])).source, 32)
          .slice(2)
          .toLowerCase()
        for (const bits of ['1', '2', '3', 'f']) {
          const dirty = clean.replace(source, `${source.slice(0, 23)}${bits}${source.slice(24)}`)
          expect(dirty).not.toBe(clean)
          const sent = engine.chain.signers[0]?.sendTransaction({
            to: registry.target,
            data: dirty,
            gasLimit: 1_000_000n,
          })
          const error = modelId === otherId ? 'MarketBoundToAnotherModel' : 'StateMismatch'
          await expectRevert(sent as Promise<never>, registry, error)
        }
      }
    })
  })

  test('is one of 1 to 255, and is named before a state that is not in force', async () => {
    await undone(async () => {
      await registerOther()
      await engine.observe(btc, PRICE_E8)
      const stale = await changed((batch) => Object.assign(first(batch), { inboxCount: 77n }))
      await refused(stale, 'StateMismatch')
      await boundElsewhere({ ...stale, modelId: otherId }, btc, OTHER, EWMA)
      const marketId = marketIdOf('NEW')
      expect(await registry.getFunction('volatilityModelOf')(marketId)).toBe(0n)
      await mined(registry.getFunction('setMarketPolicy')(marketId, pack('marketPolicy', btc.policy)))
      for (const model of [0, 256]) {
        const call = registry.getFunction('addMarket')(
          marketId,
          btc.feed,
          model,
          wordsBy(() => 0n),
          await engine.placeIn(btc.feed, btc.marketId),
        )
        await expectRevert(call, registry, 'VolatilityModelOutOfRange', [marketId, BigInt(model)])
      }
      const lastId = marketIdOf('LAST-USD')
      const addLast = () => engine.addMarket(lastId, engine.feed, 255)
      await expectRevert(addLast(), registry, 'NoActiveModel', [lastId, 255n])
      await engine.registerModel('last', { ...models.live, volatilityModel: 255 })
      const last = await addLast()
      await engine.observe(last, PRICE_E8)
      await engine.land({ ...engine.batch([last]), modelId: modelIdOf('last') })
    })
  })
})

describe('R4: an update', () => {
  test('applies once, whatever the proof’s encoding', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc])
      const proof = await engine.prove(batch)
      const negated = negate(proof)
      await undone(async () => {
        await mined(engine.submit(batch, negated)) // a valid proof as well
      })
      await mined(engine.submit(batch, proof))
      for (const again of [proof, negated, await engine.prove(batch)]) {
        await expectRevert(engine.submit(batch, again), registry, 'NothingToApply', [1n])
      }
      expect(await registry.getFunction('sequence')(btc.marketId)).toBe(1n)
    })
  })

  test('counts to the end of its counter and no further', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      const slot = await slotOf(btc)
      const last = (1n << 26n) - 1n
      const stored = BigInt((await engine.chain.request('eth_getStorageAt', registry.target, slot, 'latest')) as string)
      const parameters = stored & ((1n << 230n) - 1n)
      await engine.observe(btc, PRICE_E8)
      await engine.chain.setStorage(registry, slot, parameters | (last << 230n))
      const beyond = await changed((batch) => Object.assign(first(batch), { sequence: last + 1n }))
      await refused(beyond, 'SequenceExhausted', [btc.marketId, last])
      await engine.chain.setStorage(registry, slot, parameters | ((last - 1n) << 230n))
      btc.sequence = last - 1n
      await mined(engine.proveAndSubmit(engine.batch([btc])))
      expect(await registry.getFunction('sequence')(btc.marketId)).toBe(last)
    })
  })
})

describe('R5: the newest observation', () => {
  const maxAge = freshness.maxObservationAgeSeconds

  test('is at most maxObservationAgeSeconds old', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc])
      const proof = await engine.prove(batch)
      const asOf = unpack('parameters', first(batch).parameters).asOf
      for (const age of [maxAge - 1n, maxAge]) {
        await undone(async () => {
          await engine.chain.setNextTime(asOf + age)
          await mined(engine.submit(batch, proof))
        })
      }
      await engine.chain.setNextTime(asOf + maxAge + 1n)
      await expectRevert(engine.submit(batch, proof), registry, 'ObservationStale', [btc.marketId, asOf, asOf + 1n])
    })
  })

  test('may be older in a model that drains backlogs', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc], 1, 'catchUp')
      await engine.chain.setTime((await engine.chain.now()) + 100n * maxAge)
      await mined(engine.proveAndSubmit(batch))
      await expectRevert(registry.getFunction('parameters')(btc.marketId), registry, 'ParametersStale')
    })
  })

  test('is at most 15 seconds ahead of the chain, whatever the source takes', async () => {
    await undone(async () => {
      const market = await marketOfUncheckedSource()
      const now = (await engine.chain.now()) + 1000n
      for (const [ahead, error] of [[16n, 'ObservationInFuture'], [15n], [14n]] as const) {
        await undone(async () => {
          await engine.append(market, { priceE8: PRICE_E8, asOf: now + ahead, impliedVolatilityX16: 0n, rangeCode: 0n })
          const batch = engine.batch([market])
          const proof = await engine.prove(batch)
          await engine.chain.setNextTime(now)
          if (error === undefined) await mined(engine.submit(batch, proof))
          else await expectRevert(engine.submit(batch, proof), registry, error, [market.marketId, now + 16n, now + 15n])
        })
      }
    })
  })

  test('is later than the state, whatever the source takes', async () => {
    await undone(async () => {
      const market = await marketOfUncheckedSource()
      const { asOf } = market.state.volatility
      for (const [later, refusal] of [
        [0n, true],
        [1n, false],
      ] as const) {
        await undone(async () => {
          const observation = { priceE8: PRICE_E8, asOf: asOf + later, impliedVolatilityX16: 0n, rangeCode: 0n }
          await engine.append(market, { ...observation, asOf: asOf + 1n })
          const batch = engine.batch([market])
          if (!refusal) return void (await mined(engine.proveAndSubmit(batch)))
          batch.observationWords[0] = pack('observation', observation) << OBSERVATION_BITS
          await refused(batch, 'ObservationNotLater', [market.marketId, asOf, asOf])
        })
      }
    })
  })
})

describe('R6: observation slots', () => {
  test('are 1 to K a market', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const count = (observationCount: bigint) => changed((b) => Object.assign(first(b), { observationCount }))
      await refused(await count(0n), 'ObservationCountOutOfRange', [btc.marketId, 0n, 2n])
      await refused(await count(3n), 'ObservationCountOutOfRange', [btc.marketId, 3n, 2n])
    })
  })

  test('before the batch’s observations are zero, and those of its observations are not', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      await engine.observe(btc, PRICE_E8)
      const one = engine.batch([btc])
      const filled = await changed((batch) => {
        batch.observationWords = [(batch.observationWords[0] as bigint) | 5n]
      })
      await refused(filled, 'UnusedSlotNotZero', [btc.marketId, 0n, 5n])
      await refused({ ...one, updates: [{ ...first(one), observationCount: 2n }] }, 'UsedSlotIsZero', [
        btc.marketId,
        0n,
      ])
      const odd = engine.batch([btc], 2, 'odd')
      const [low, high] = odd.observationWords as [bigint, bigint]
      await refused({ ...odd, observationWords: [low | 1n, high] }, 'UnusedSlotNotZero', [btc.marketId, 0n, 1n])
      const hole = { ...odd, observationWords: [0n, high] }
      await refused(hole, 'UsedSlotIsZero', [btc.marketId, 1n])
      await mined(engine.proveAndSubmit(odd))
    })
  })

  test('leave no bit of their words over', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const stray = await changed((batch) => {
        batch.observationWords = [(batch.observationWords[0] as bigint) | (1n << (2n * OBSERVATION_BITS))]
      })
      await refused(stray, 'ObservationWordOutOfRange', [btc.marketId, stray.observationWords[0]])
      const odd = engine.batch([btc], 1, 'odd')
      const last = (odd.observationWords[1] as bigint) | (1n << OBSERVATION_BITS)
      await refused({ ...odd, observationWords: [0n, last] }, 'ObservationWordOutOfRange', [btc.marketId, last])
    })
  })
})

describe('R7: observations are the inbox’s next ones', () => {
  /** Three observations wait; a batch presents the given ones instead of the first two. */
  async function presenting(choose: (words: bigint[]) => [bigint, bigint]): Promise<void> {
    await undone(async () => {
      // After a day no margin is held back, so the guard rails allow those of any of the three.
      for (let i = 0n; i < 3n; i++) await engine.observe(btc, PRICE_E8 + i, i === 0n ? 86_400n : 1n)
      const words = btc.waiting.map((observation) => pack('observation', observation))
      const [low, high] = choose(words)
      const batch = engine.batch([btc], 2)
      await refused(presentingWord(batch, low | (high << OBSERVATION_BITS)), 'InboxMismatch')
    })
  }

  test('none dropped', () => presenting(([a, , c]) => [a as bigint, c as bigint]))
  test('none of the first dropped', () => presenting(([, b, c]) => [b as bigint, c as bigint]))
  test('none reordered', () => presenting(([a, b]) => [b as bigint, a as bigint]))
  test('none repeated', () => presenting(([a]) => [a as bigint, a as bigint]))
  test('none changed', () => presenting(([a, b]) => [a as bigint, (b as bigint) + 1n]))
  test('none invented', () => presenting(([a, b]) => [(a as bigint) ^ 1n, (b as bigint) ^ 1n]))

  test('none consumed twice, and none before it came', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const early = engine.batch([btc])
      const aSecondLater = (early.observationWords[0] as bigint) + (1n << (OBSERVATION_BITS + 48n))
      await refused(presentingWord(early, aSecondLater), 'InboxMismatch')
      const [consumed] = btc.waiting
      await engine.land(engine.batch([btc]))
      await engine.observe(btc, PRICE_E8)
      const again = engine.batch([btc])
      again.observationWords = [pack('observation', consumed as never) << OBSERVATION_BITS]
      await refused(again, 'ObservationNotLater')
    })
  })

  test('names what it computed and what the source recorded', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      await engine.observe(eth, PRICE_E8)
      const batch = engine.batch([btc, eth])
      const changedWord = (batch.observationWords[1] as bigint) ^ (1n << OBSERVATION_BITS)
      batch.observationWords[1] = changedWord
      const observation = unpack('observation', changedWord >> OBSERVATION_BITS)
      const given = engine.extendHead(eth.inboxHead, observation)
      const { head, count } = await eth.feed.getFunction('latest')(eth.marketId)
      await refused(batch, 'InboxMismatch', [eth.marketId, count, given, head])
    })
  })

  test('of every source of the batch, whatever the runs of markets that share one', async () => {
    await undone(async () => {
      const other = await marketOfUncheckedSource('BNX-USD') // between the first feed's second and third market
      const markets = [...engine.markets].sort((a, b) => (BigInt(a.marketId) < BigInt(b.marketId) ? -1 : 1))
      expect(markets.indexOf(other)).toBe(2)
      for (const market of markets) await engine.observe(market, PRICE_E8)
      for (const [i, market] of markets.entries()) {
        const wrong = engine.batch(markets)
        wrong.observationWords[i] = (wrong.observationWords[i] as bigint) ^ (1n << OBSERVATION_BITS)
        await expectRevert(engine.submit(wrong, NO_PROOF), registry, 'InboxMismatch')
        expect(market.marketId).toBe(wrong.updates[i]?.marketId)
      }
      const batch = engine.batch(markets)
      await mined(engine.proveAndSubmit(batch))
    })
  })

  test('or nothing, when the source does not answer what it was asked', async () => {
    await undone(async () => {
      const market = await marketOfUncheckedSource()
      await engine.observe(market, PRICE_E8)
      await mined(market.feed.getFunction('fallSilent')())
      await refused(engine.batch([market]), 'SourceFailed', [market.feed.target])
    })
  })
})

describe('a market is added', () => {
  const add = async (marketId: string, source: Contract, state: StateWords) => {
    const place = await engine.placeIn(source, marketId)
    return registry.getFunction('addMarket')(marketId, source, EWMA, state, place)
  }

  test('once, with a policy, right after its source’s latest observation', async () => {
    await undone(async () => {
      const words = packState(btc.state)
      await expectRevert(add(btc.marketId, btc.feed, words), registry, 'MarketAlreadyExists', [btc.marketId])
      const marketId = marketIdOf('NEW')
      await expectRevert(add(marketId, btc.feed, words), registry, 'MarketPolicyMissing', [marketId])
      await mined(registry.getFunction('setMarketPolicy')(marketId, pack('marketPolicy', btc.policy)))
      const { asOf } = btc.state.volatility
      await expectRevert(add(marketId, btc.feed, words), registry, 'InitialStateElsewhere', [marketId, asOf, 0n])
      const source = await engine.chain.deploy(uncheckedSource())
      for (const latest of [asOf - 1n, asOf + 1n]) {
        const observation = { priceE8: PRICE_E8, asOf: latest, impliedVolatilityX16: 0n, rangeCode: 0n }
        await mined(source.getFunction('append')(marketId, pack('observation', observation)))
        await expectRevert(add(marketId, source, words), registry, 'InitialStateElsewhere', [marketId, asOf, latest])
      }
      const observation = { priceE8: PRICE_E8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
      await mined(source.getFunction('append')(marketId, pack('observation', observation)))
      const [event] = eventsOf(await mined(add(marketId, source, words)), registry)
      const { head, count } = await source.getFunction('latest')(marketId)
      const told = [marketId, source.target, BigInt(EWMA), Object.values(words), head, count]
      expect(event?.args.toArray(true)).toEqual(told)
    })
  })

  test('with a sensible state', async () => {
    await undone(async () => {
      const marketId = marketIdOf('NEW')
      await mined(registry.getFunction('setMarketPolicy')(marketId, pack('marketPolicy', btc.policy)))
      const source = await engine.chain.deploy(uncheckedSource())
      const { volatility, anchor } = btc.state
      const observation = { priceE8: PRICE_E8, asOf: volatility.asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
      await mined(source.getFunction('append')(marketId, pack('observation', observation)))
      const words = packState(btc.state)
      const withAnchor = (change: Partial<typeof anchor>) =>
        add(marketId, source, { ...words, anchorState: pack('anchorState', { ...anchor, ...change }) })
      for (const word of marketStateWords) {
        const wide = words[word] | (1n << 255n)
        const bits = BigInt(wordBits(word))
        await expectRevert(add(marketId, source, { ...words, [word]: wide }), registry, 'WordOutOfRange', [
          marketId,
          wide,
          bits,
        ])
      }
      const anchorAsOf = volatility.asOf + 1n
      const args = [marketId, anchorAsOf, volatility.asOf]
      await expectRevert(withAnchor({ anchorAsOf }), registry, 'AnchorInFuture', args)
      await expectRevert(withAnchor({ maintenanceMarginX24: 0n }), registry, 'MarginsOutOfOrder')
      const maintenanceMarginX24 = anchor.initialMarginX24 + 1n
      await expectRevert(withAnchor({ maintenanceMarginX24 }), registry, 'MarginsOutOfOrder', [
        marketId,
        maintenanceMarginX24,
        anchor.initialMarginX24,
      ])
      await mined(withAnchor({ maintenanceMarginX24: anchor.initialMarginX24 }))
    })
  })
})

/** A batch that presents another last observation word, and a result of that time. */
function presentingWord(batch: Batch, word: bigint): Batch {
  const { asOf } = unpack('observation', word >> OBSERVATION_BITS)
  const update = first(batch)
  const volatilityState = withFields('volatilityState', update.volatilityState, { asOf })
  const parameters = withFields('parameters', update.parameters, { asOf })
  return { ...batch, updates: [{ ...update, volatilityState, parameters }], observationWords: [word] }
}

/** (-A, -B, C): as valid a proof as (A, B, C). */
function negate(proof: readonly bigint[]): bigint[] {
  const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n
  return proof.map((word, i) => ([1, 4, 5].includes(i) ? q - word : word))
}

async function readAll(marketId: string) {
  const parameters = (await registry.getFunction('parameters')(marketId)).toObject()
  return { parameters }
}

/** Where the registry keeps a market's parameters: the mapping's place is found by looking for what it must hold. */
async function slotOf(market: Market): Promise<string> {
  const coder = engine.chain.ethers.AbiCoder.defaultAbiCoder()
  const stateHash = await registry.getFunction('stateHash')(market.marketId)
  for (let place = 0; place < 20; place++) {
    const slot = engine.chain.ethers.keccak256(coder.encode(['bytes32', 'uint256'], [market.marketId, place]))
    const next = engine.chain.ethers.toBeHex(BigInt(slot) + 1n, 32)
    if ((await engine.chain.request('eth_getStorageAt', registry.target, next, 'latest')) === stateHash) return slot
  }
  throw new Error('The market was not found in storage.')
}

/** A market whose source takes any word at any time. */
async function marketOfUncheckedSource(name = 'ZZZ-USD'): Promise<Market> {
  const source = await engine.chain.deploy(uncheckedSource())
  return engine.addMarket(marketIdOf(name), source as Contract)
}
