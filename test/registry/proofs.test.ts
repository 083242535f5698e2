import { keccak256, toBeHex, toUtf8Bytes } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type StatementName, statements, marketStateWords } from '../../circuits/statements/index.ts'
import { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import type { ProofCalldata } from '../../prover/proof/proofCalldata.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { unpack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import {
  type Batch,
  type Elsewhere,
  Engine,
  type Market,
  type MarketUpdate,
  models,
  modelIdOf,
  withFields,
} from './engine.ts'

const PRICE_E8 = 50_100n * 10n ** 8n
const VERIFIER_GAS = 350_000n
const UINT256 = 1n << 256n

let engine: Engine
let markets: [Market, Market, Market]
let batch: Batch
let proof: ProofCalldata

beforeAll(async () => {
  engine = await Engine.start(3)
  markets = engine.markets as [Market, Market, Market]
  await engine.neverStale()
  for (const market of markets) await engine.observe(market, PRICE_E8)
  batch = engine.batch(markets)
  proof = await engine.prove(batch)
})

const refused = (error: string, words: readonly bigint[], args?: readonly unknown[], what = batch) =>
  expectRevert(engine.submit(what, words), engine.registry, error, args)
const lands = (what: Batch, words: readonly bigint[]) =>
  engine.chain.undone(async () => mined(engine.submit(what, words)))

describe('R12: proofs and signals have one encoding', () => {
  test('every coordinate is below the base field’s order, in every alias that fits a word', async () => {
    let aliases = 0
    for (const [i, coordinate] of proof.entries()) {
      for (let alias = coordinate + BASE_FIELD_ORDER; alias < UINT256; alias += BASE_FIELD_ORDER) {
        await refused('CoordinateNotCanonical', proof.with(i, alias), [BigInt(i), alias])
        aliases++
      }
      for (const edge of [BASE_FIELD_ORDER, UINT256 - 1n]) {
        await refused('CoordinateNotCanonical', proof.with(i, edge), [BigInt(i), edge])
      }
      await refused('ProofRejected', proof.with(i, BASE_FIELD_ORDER - 1n))
    }
    expect(aliases).toBeGreaterThanOrEqual(8 * 4)
    await lands(batch, proof)
  })

  test('the commitment is below the scalar field’s order', async () => {
    for (let alias = batch.commitment + SCALAR_FIELD_ORDER; alias < UINT256; alias += SCALAR_FIELD_ORDER) {
      await refused('SignalNotCanonical', proof, [0n, alias], { ...batch, commitment: alias })
    }
    const greatest = { ...batch, commitment: SCALAR_FIELD_ORDER - 1n }
    await lands(greatest, await engine.prove(greatest))
  })
})

describe('R13: a proof that does not verify', () => {
  test('is refused whatever bit of it was changed', async () => {
    for (const [i, word] of proof.entries()) {
      for (const bit of [0n, 1n, 64n, 128n, 200n, 250n]) {
        const flipped = word ^ (1n << bit)
        await refused(flipped < BASE_FIELD_ORDER ? 'ProofRejected' : 'CoordinateNotCanonical', proof.with(i, flipped))
      }
    }
    await refused('ProofRejected', [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n])
  })

  test('burns at most the gas cap', async () => {
    const onCurve = await gasOfFailure(proof.with(0, 1n).with(1, 2n)) // the generator: a point, and not the proof's
    const offCurve = await gasOfFailure(proof.with(0, 1n).with(1, 3n))
    const { gasUsed: honest } = await lands(batch, proof)
    expect(onCurve).toBeLessThan(honest)
    expect(offCurve).toBeLessThan(honest + VERIFIER_GAS)
  })

  test('is refused of whatever verifier, also one that reverts, answers nothing, or burns what it gets', async () => {
    const verifiers = {
      reverts:
        'function verifyProof(uint256[2] calldata, uint256[2][2] calldata, uint256[2] calldata, uint256[3] calldata) external pure returns (bool) { revert(); }',
      answersNothing: 'fallback() external {}',
      answersTwo: 'fallback(bytes calldata) external returns (bytes memory) { return abi.encode(2); }',
      answersShortly: 'fallback(bytes calldata) external returns (bytes memory) { return hex"01"; }',
      burns: 'fallback() external { while (true) {} }',
    }
    for (const [name, body] of Object.entries(verifiers)) {
      const source = `// SPDX-License-Identifier: GPL-3.0-or-later\npragma solidity ^0.8.28;\ncontract Verifier { ${body} }`
      const verifier = await engine.chain.deploy(compileContract('Verifier', source))
      await mined(
        engine.modelRegistry.getFunction('register')(modelIdOf(name), {
          ...models.live,
          verifier,
          status: 0,
          layoutHash: (await engine.modelRegistry.getFunction('modelOf')(modelIdOf('live'))).layoutHash,
          verificationKeyHash: `0x${'00'.repeat(32)}`,
          manifestHash: `0x${'00'.repeat(32)}`,
        }),
      )
      await refused('ProofRejected', proof, undefined, { ...batch, modelId: modelIdOf(name) })
    }
  })
})

describe('R14: a proof fits one place once', () => {
  const elsewhere: Record<string, () => Elsewhere> = {
    'another layout': () => ({ layout: keccak256(toUtf8Bytes('another layout')) }),
    'another chain': () => ({ chainId: 1n }),
    'another registry': () => ({ registry: engine.modelRegistry.target as string }),
    'another model': () => ({ modelId: modelIdOf('odd') }),
    'the sequence before': () => ({ subject: sequences((sequence) => sequence - 1n) }),
    'the sequence after': () => ({ subject: sequences((sequence) => sequence + 1n) }),
    'another market': () => ({
      subject: sequences((sequence) => sequence).with(2, modelIdOf('X')),
    }),
    'fewer markets': () => ({ subject: sequences((sequence) => sequence).slice(0, 4) }),
  }
  const sequences = (change: (sequence: bigint) => bigint) =>
    markets.flatMap(({ marketId, sequence }) => [marketId, toBeHex(change(sequence + 1n), 32)])

  for (const [place, context] of Object.entries(elsewhere)) {
    test(`not ${place}`, async () => {
      await refused('ProofRejected', await engine.prove(batch, context()))
    })
  }

  test('not of a model whose proofs are about something else', async () => {
    for (const [kind, name] of (Object.keys(statements) as StatementName[]).entries()) {
      if (name === 'marketRisk') continue
      const id = modelIdOf(`KIND-${kind}`)
      await mined(
        engine.modelRegistry.getFunction('register')(id, {
          ...models.live,
          volatilityModel: 0,
          verifier: engine.verifier,
          status: 0,
          layoutHash: layoutHash(name),
          verificationKeyHash: `0x${'00'.repeat(32)}`,
          manifestHash: `0x${'00'.repeat(32)}`,
        }),
      )
      const submitted = engine.submit({ ...batch, modelId: id }, proof)
      const args = [id, layoutHash(name), layoutHash('marketRisk')]
      await expectRevert(submitted, engine.modelRegistry, 'ModelOfAnotherLayout', args)
    }
  })

  test('not another commitment', async () => {
    await refused('ProofRejected', proof, undefined, { ...batch, commitment: batch.commitment + 1n })
  })

  test('not after its policy changed, and again under the new one', async () => {
    await engine.chain.undone(async () => {
      const { learning, margin } = engine
      const policies = markets.map(({ policy }) => policy)
      try {
        await engine.setMarginPolicy({ scanMultipleX8: margin.scanMultipleX8 + 1n })
        await refused('ProofRejected', proof)
        await engine.setMarketPolicy(markets[1], { maxReturnX16: 700n })
        await lands(batch, await engine.prove(batch))
        await refused('ProofRejected', proof)
      } finally {
        Object.assign(engine, { learning, margin })
        for (const [i, market] of markets.entries()) market.policy = policies[i] as Market['policy']
      }
    })
  })

  test('not another result, not even one that obeys every guard-rail', async () => {
    for (const [i, update] of batch.updates.entries()) {
      for (const field of [...marketStateWords, 'parameters'] as const) {
        // The least significant bits: a variance, a log price, and the initial margin, which other checks watch.
        const other = field === 'parameters' ? update.parameters ^ (1n << 150n) : update[field] ^ 1n
        const updates = batch.updates.with(i, { ...update, [field]: other } as MarketUpdate)
        await refused('ProofRejected', proof, undefined, { ...batch, updates })
      }
    }
  })

  test('not with the results of two markets exchanged', async () => {
    const [first, second, third] = batch.updates as [MarketUpdate, MarketUpdate, MarketUpdate]
    const asOfOf = ({ anchorState }: MarketUpdate) => unpack('anchorState', anchorState).anchorAsOf
    const takenFrom = (update: MarketUpdate, other: MarketUpdate): MarketUpdate => ({
      ...update,
      anchorState: withFields('anchorState', update.anchorState, { anchorAsOf: asOfOf(other) }),
    })
    expect(asOfOf(first)).not.toBe(asOfOf(second))
    const updates = [takenFrom(first, second), takenFrom(second, first), third]
    await refused('ProofRejected', proof, undefined, { ...batch, updates })
  })

  test('not under a smaller choice of its markets, which are proven anew', async () => {
    const fewer = { ...batch, updates: batch.updates.slice(0, 2), observationWords: batch.observationWords.slice(0, 2) }
    await refused('ProofRejected', proof, undefined, fewer)
    await lands(fewer, await engine.prove(fewer))
  })
})

/** Gas of a submission that is refused. */
async function gasOfFailure(words: readonly bigint[]): Promise<bigint> {
  return engine.chain.undone(async () => {
    await refused('ProofRejected', words)
    const block = await engine.chain.ethers.provider.getBlock('latest')
    return BigInt(block?.gasUsed ?? 0)
  })
}
