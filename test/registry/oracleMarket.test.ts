/** A market that lives on an oracle: recorded updates of Pyth from their guardians' signatures to parameters in force. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { addMarket } from '../../prover/registry/index.ts'
import { unpack } from '../../prover/statement/words.ts'
import { GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { btc, deployAccumulator, deployPythAdapter, deployWormhole } from '../../scripts/tools/oracles/oracleChain.ts'
import { btcFeed, hasRecordings, pythRecordings, recordedGuardians } from '../../scripts/tools/oracles/recordings.ts'
import { LiveEngine } from './liveEngine.ts'

let engine: LiveEngine | undefined

beforeAll(async () => {
  // The recordings that are hours apart, and not a year.
  if (hasRecordings)
    engine = await LiveEngine.start(['marketRisk8x2'], { 'ETH-USD': 3_500n }, {}, new Date('2025-08-05'))
})

afterAll(async () => {
  await engine?.close()
})

test.skipIf(!hasRecordings)(
  'R115: a market’s parameters follow from recorded updates of Pyth',
  async () => {
    const { chain, deployment } = engine as LiveEngine
    const recordings = pythRecordings()
    const { set, guardians } = recordedGuardians(recordings.map(({ update }) => update))
    const pyth = await deployAccumulator(chain, await deployWormhole(chain, guardians, set))
    const adapter = await deployPythAdapter(chain, pyth, [{ marketId: btc, feedId: btcFeed, decimals: 8n }])
    const [first, ...later] = recordings.filter(({ expected }) => expected.publishTime > 1_754_352_000n)
    const carry = async ({ update, expected }: (typeof recordings)[number]): Promise<void> => {
      await chain.setTime(expected.publishTime + 3n)
      await mined(adapter.getFunction('take')(btc, [update], { gasLimit: GAS_LIMIT }))
    }
    await carry(first as (typeof recordings)[number])
    const source = { name: 'pyth', kind: 'other' as const, address: adapter.target as string }
    const market = { name: 'BTC-USD', policy: defaultPolicy.market, volatilityModel: 'ewma' as const, source: 'pyth' }
    const added = { ...deployment, sources: [...deployment.sources, source] }
    await addMarket(chain.signers[0] as never, added, market)
    const client = await (engine as LiveEngine).connect()
    ;(engine as LiveEngine).client = client
    for (const [i, recording] of later.entries()) {
      await carry(recording)
      expect((await client.waiting('BTC-USD')).map(({ priceE8 }) => priceE8)).toEqual([recording.expected.price])
      const bundle = await (engine as LiveEngine).prove('marketRisk8x2', ['BTC-USD'])
      expect(await client.submit(bundle)).toMatchObject({ status: 'applied' })
      expect(await client.market('BTC-USD')).toMatchObject({
        sequence: BigInt(i + 1),
        inbox: { source: source.address },
      })
    }
    const { lastWord } = await adapter.getFunction('latest')(btc)
    const last = later.at(-1)?.expected
    expect(unpack('observation', lastWord)).toMatchObject({ priceE8: last?.price, asOf: last?.publishTime })
    const { parameters } = await client.market('BTC-USD')
    expect(parameters?.asOf).toBe(last?.publishTime)
    expect(later).toHaveLength(3)
  },
  120_000,
)
