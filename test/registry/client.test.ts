/** The client against a real chain, real circuit and real proofs. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { network } from 'hardhat'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ewma } from '../../prover/volatility/ewma.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy, INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../prover/parameters/defaultPolicy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import {
  addMarket,
  attestedFeedOf,
  type Bundle,
  checkBundle,
  connectProvider,
  type ContractRevertError,
  deployEngine,
  formatBundle,
  parseBundle,
  RegistryClient,
} from '../../prover/registry/index.ts'
import { batchOf } from '../../prover/registry/market/bundle.ts'
import { placeToBegin } from '../../prover/registry/market/place.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { buildOf, feedSigners, LiveEngine } from './liveEngine.ts'
import { uncheckedSource } from './uncheckedSource.ts'
import { packState } from '../../prover/statement/marketState.ts'

let engine: LiveEngine
let first: Bundle

beforeAll(async () => {
  engine = await LiveEngine.start(['marketRisk8x2', 'marketRisk1x48'], { 'BTC-USD': 7_900n, 'ETH-USD': 194n })
  await engine.observe({ 'BTC-USD': 7_800n, 'ETH-USD': 190n }, 3_600n)
  first = await engine.prove('marketRisk8x2')
})

afterAll(async () => {
  await engine?.close()
})

/** Class and code of what a call throws, with the contract's own error. */
async function refusal(call: Promise<unknown>): Promise<Partial<ContractRevertError> & { code: string }> {
  return call.then(
    () => expect.fail('Expected a refusal, but the call went through.'),
    (error) => error,
  )
}

describe('before the first proof', () => {
  it('lists the markets and their governed states', async () => {
    const markets = await engine.client.markets()
    expect(markets.map(({ name }) => name)).toEqual(['BTC-USD', 'ETH-USD'])
    const market = await engine.client.market('BTC-USD')
    expect(market).toMatchObject({ sequence: 0n, inbox: { count: 1n } })
    expect(market.parameters).toBeUndefined()
  })

  it('finds what waits in the inbox', async () => {
    const waiting = await engine.client.waiting('ETH-USD')
    expect(waiting.map(({ priceE8 }) => priceE8)).toEqual([190n * 10n ** 8n])
  })

  it('reads the policy in force', async () => {
    const { learning, margin } = await engine.client.policies()
    expect({ learning, margin }).toEqual({
      learning: engine.deployment.policy.learning,
      margin: engine.deployment.policy.margin,
    })
  })

  it('names a market the registry does not have', async () => {
    expect(await refusal(engine.client.market('DOGE-USD'))).toMatchObject({ code: 'registry.unknown-market' })
  })

  it('refuses to batch for a key the registry does not know', async () => {
    const strange = `0x${'77'.repeat(32)}`
    expect(await refusal(engine.client.nextBatch(buildOf('marketRisk8x2'), strange))).toMatchObject({
      code: 'registry.model-not-registered',
    })
  })
})

describe('R34: a market that is bound to another volatility model', () => {
  it('is left out of batches, and its being bound is told', async () => {
    await engine.chain.undone(async () => {
      await engine.observe({ 'SOL-USD': 20n })
      const { deployment } = engine
      const [marketId, feed] = [marketIdOf('SOL-USD'), attestedFeedOf(deployment).address]
      const source = await engine.chain.ethers.getContractAt('IObservationSource', feed)
      const { lastWord } = await source.getFunction('latest')(marketId)
      const observation = unpack('observation', lastWord)
      const state = initialState(ewma, observation, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, defaultPolicy)
      const registry = await engine.chain.ethers.getContractAt('RiskRegistry', deployment.addresses.registry)
      await mined(registry.getFunction('setMarketPolicy')(marketId, pack('marketPolicy', defaultPolicy.market)))
      const { modelRegistry } = deployment.addresses
      const models = await engine.chain.ethers.getContractAt('ModelRegistry', modelRegistry)
      const [live] = deployment.models
      const model = (await models.getFunction('modelOf')(live?.modelId)).toObject()
      await mined(models.getFunction('register')(marketIdOf('GARCH'), { ...model, volatilityModel: 2n }))
      const inbox = { source: feed, marketId, fromBlock: 0 }
      const begun = await placeToBegin(engine.chain.ethers.provider as never, inbox)
      await mined(registry.getFunction('addMarket')(marketId, feed, 2, packState(state), begun?.place))
      await engine.observe({ 'SOL-USD': 21n })
      const client = await engine.connect()
      expect(await client.market('SOL-USD')).toMatchObject({ volatilityModel: 2 })
      expect(await client.market('BTC-USD')).toMatchObject({ volatilityModel: 1 })
      const next = await client.nextBatch(buildOf('marketRisk8x2'), engine.keyHash('marketRisk8x2'), ['SOL-USD'])
      const leftOut = [{ name: 'SOL-USD', reason: 'bound-to-another-model' }]
      expect(next).toEqual({ batch: undefined, leftOut })
    })
  })
})

describe('a market whose source is no attested feed', () => {
  it('is added, read, proven and landed as any other', async () => {
    await engine.chain.undone(async () => {
      const source = await engine.chain.deploy(uncheckedSource())
      const marketId = marketIdOf('SOL-USD')
      const observe = async (priceE8: bigint): Promise<void> => {
        const asOf = (await engine.chain.now()) + 60n
        await engine.chain.setTime(asOf)
        const word = pack('observation', { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
        await mined(source.getFunction('append')(marketId, word))
      }
      await observe(20n * 10n ** 8n)
      const other = { name: 'unchecked', kind: 'other' as const, address: source.target as string }
      const { deployment } = engine
      const added = await addMarket(
        engine.chain.signers[0] as never,
        { ...deployment, sources: [...deployment.sources, other] },
        { name: 'SOL-USD', policy: defaultPolicy.market, volatilityModel: 'ewma', source: 'unchecked' },
      )
      expect(added.deployment.markets.at(-1)).toMatchObject({ source: other.address, volatilityModel: 'ewma' })
      await observe(21n * 10n ** 8n)
      const bundle = await engine.prove('marketRisk8x2', ['SOL-USD'])
      const client = await engine.connect()
      expect(await client.submit(bundle)).toMatchObject({ status: 'applied' })
      expect(await client.market('SOL-USD')).toMatchObject({
        sequence: 1n,
        inbox: { source: other.address, count: 2n },
      })
      await observe(22n * 10n ** 8n)
      expect((await client.waiting('SOL-USD')).map(({ priceE8 }) => priceE8)).toEqual([22n * 10n ** 8n])
    })
  })
})

describe('a bundle', () => {
  it('survives being written and read', () => {
    const text = formatBundle(first)
    expect(formatBundle(parseBundle(Buffer.from(text), 'bundle.json'))).toBe(text)
    expect(batchOf(parseBundle(Buffer.from(text), 'bundle.json'))).toEqual(batchOf(first))
  })

  it('holds every claim under the pinned key', async () => {
    const pins = { verificationKeyHash: engine.keyHash('marketRisk8x2'), chainId: 31337n }
    const verdict = await checkBundle(first, pins)
    expect(verdict).toMatchObject({ valid: true, pinned: true })
    expect(verdict.claims.map(({ claim }) => claim)).toContain('P7')
  })

  it('is refused elsewhere: another registry, another chain, a changed proof', async () => {
    const elsewhere = { ...first, context: { ...first.context, registry: engine.deployment.addresses.council } }
    expect(await refusal(engine.client.submit(elsewhere))).toMatchObject({ code: 'registry.wrong-registry' })
    const abroad = { ...first, context: { ...first.context, chainId: 1n } }
    expect(await refusal(engine.client.submit(abroad))).toMatchObject({ code: 'registry.wrong-chain', expected: 1n })
    const swapped = { ...first, proof: { ...first.proof, pi_a: first.proof.pi_c } }
    expect(await refusal(engine.client.submit(swapped))).toMatchObject({
      code: 'registry.reverted',
      reason: 'ProofRejected',
    })
  })

  it('lands once however often it is submitted', async () => {
    const landed = await engine.client.submit(first)
    expect(landed.status).toBe('applied')
    expect(await engine.client.submit(first)).toEqual({ status: 'already-applied' })
    const market = await engine.client.market('BTC-USD')
    expect(market).toMatchObject({ sequence: 1n, inbox: { count: 2n } })
    expect(market.state).toEqual(first.markets[0]?.state)
    expect(market.parameters).toEqual(first.markets[0]?.parameters)
    expect(await engine.client.waiting('BTC-USD')).toEqual([])
  })

  it('is followed by another from the state it led to, found by a client that saw nothing before', async () => {
    await engine.observe({ 'BTC-USD': 7_600n }, 3_600n)
    const fresh = await engine.connect()
    expect(await fresh.market('BTC-USD')).toEqual(await engine.client.market('BTC-USD'))
    const next = await engine.next('marketRisk8x2')
    expect(next.names).toEqual(['BTC-USD'])
    expect(next.leftOut).toEqual([{ name: 'ETH-USD', reason: 'nothing-waiting' }])
    expect(next.batch.markets[0]).toMatchObject({ sequence: 2n, previous: first.markets[0]?.state })
  })

  it('of old observations is left to the catch-up build, which drains them', async () => {
    for (const price of [7_500n, 7_400n]) await engine.observe({ 'BTC-USD': price }, 3_600n)
    await engine.chain.setTime((await engine.chain.now()) + 3_600n)
    const live = await engine.client.nextBatch(buildOf('marketRisk8x2'), engine.keyHash('marketRisk8x2'))
    expect(live).toEqual({
      batch: undefined,
      leftOut: [
        { name: 'BTC-USD', reason: 'behind' },
        { name: 'ETH-USD', reason: 'nothing-waiting' },
      ],
    })
    const catchUp = await engine.prove('marketRisk1x48')
    expect(catchUp.markets[0]?.observations).toHaveLength(3)
    expect(await engine.client.submit(catchUp)).toMatchObject({ status: 'applied' })
    expect(await engine.client.market('BTC-USD')).toMatchObject({ sequence: 2n, inbox: { count: 5n } })
  })

  it("of a state that has moved on is refused with the contract's own error", async () => {
    expect(await refusal(engine.client.submit(first))).toMatchObject({
      code: 'registry.reverted',
      reason: 'NothingToApply',
    })
  })

  it("is read back from another contract's submission by tracing", async () => {
    await engine.observe({ 'ETH-USD': 188n }, 60n)
    const bundle = await engine.prove('marketRisk8x2', ['ETH-USD'])
    const { to, data } = engine.client.transactionOf(bundle)
    const forwarder = await deployForwarder(to)
    const signer = engine.chain.signers[4] as never as {
      sendTransaction(tx: object): Promise<{ wait(): Promise<unknown> }>
    }
    await (await signer.sendTransaction({ to: forwarder, data, gasLimit: 5_000_000n })).wait()
    expect(await engine.client.isApplied(bundle)).toBe(true)
    expect(await (await engine.connect()).market('ETH-USD')).toMatchObject({ sequence: 2n })
  })

  it('of a long backlog ends where the inbox keeps a checkpoint for ever', async () => {
    const { inbox } = await engine.client.market('BTC-USD')
    await engine.observeMany(
      'BTC-USD',
      Array.from({ length: 120 }, (_, i) => 7_400n + BigInt(i)),
      30n,
    )
    const live = await engine.client.nextBatch(buildOf('marketRisk8x2'), engine.keyHash('marketRisk8x2'), ['BTC-USD'])
    expect(live.leftOut).toEqual([{ name: 'BTC-USD', reason: 'behind' }])
    const catchUp = await engine.prove('marketRisk1x48', ['BTC-USD'])
    expect(inbox.count + BigInt(catchUp.markets[0]?.observations.length ?? 0)).toBe(32n)
    expect(await engine.client.submit(catchUp)).toMatchObject({ status: 'applied' })
  })

  it('forgets observations that a reorganisation took back', async () => {
    const before = await engine.client.waiting('ETH-USD')
    await engine.chain.undone(async () => {
      await engine.observe({ 'ETH-USD': 170n })
      expect((await engine.client.waiting('ETH-USD')).at(-1)?.priceE8).toBe(170n * 10n ** 8n)
    })
    expect(await engine.client.waiting('ETH-USD')).toEqual(before)
    await engine.observe({ 'ETH-USD': 171n })
    expect((await engine.client.waiting('ETH-USD')).map(({ priceE8 }) => priceE8)).toEqual([171n * 10n ** 8n])
  })

  it('of a disabled model is refused before anything is proven', async () => {
    const { modelRegistry } = engine.deployment.addresses
    const [council] = engine.chain.signers
    const models = await engine.chain.ethers.getContractAt('ModelRegistry', modelRegistry, council)
    const modelId = engine.deployment.models.find(({ name }) => name === 'marketRisk1x48')?.modelId
    await (await models.getFunction('disable')(modelId)).wait()
    expect(await refusal(engine.prove('marketRisk1x48'))).toMatchObject({ code: 'registry.model-disabled' })
  })
})

/** A contract that passes on its calldata: `calldatacopy(0, 0, size); call(registry); revert if it failed`. */
async function deployForwarder(target: string): Promise<string> {
  const runtime = `365f5f375f5f365f5f73${target.slice(2)}5af1602757${'5f5ffd'}5b00`
  const length = runtime.length / 2
  const fixed = runtime.replace('602757', `60${(length - 2).toString(16).padStart(2, '0')}57`)
  const creation = `0x60${length.toString(16).padStart(2, '0')}80600a5f395ff3${'00'}${fixed}`
  const signer = engine.chain.signers[0] as never as {
    sendTransaction(tx: object): Promise<{ wait(): Promise<{ contractAddress: string }> }>
  }
  const { contractAddress } = await (await signer.sendTransaction({ data: creation })).wait()
  return contractAddress
}

describe('connecting', () => {
  let server: Server
  let rpcUrl: string

  beforeAll(async () => {
    server = createServer((_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}')).listen(
      0,
      '127.0.0.1',
    )
    await new Promise((resolve) => server.once('listening', resolve))
    rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`
  })

  afterAll(() => {
    server.close()
  })

  it('refuses a node of another chain', async () => {
    expect(await refusal(connectProvider(rpcUrl, 31337n))).toMatchObject({
      code: 'registry.wrong-chain',
      expected: 31337n,
      found: 1n,
    })
  })

  it("says when no node answers, and keeps the address's path to itself", async () => {
    const error = await refusal(connectProvider('http://127.0.0.1:9/secret-key'))
    expect(error).toMatchObject({ code: 'registry.rpc-unreachable' })
    expect(error.message).not.toContain('secret-key')
  })

  it("says so when the node goes away, and when it answers nonsense, without the address's path", async () => {
    const node = await network.createServer()
    const { address, port } = await node.listen()
    const provider = await connectProvider(`http://${address}:${port}/secret-key`, 31337n)
    const { addresses } = await deployEngine(await provider.getSigner(), {
      models: [],
      feed: { signers: feedSigners.map((signer) => signer.address), threshold: 2 },
      policy: defaultPolicy,
    })
    const client = await RegistryClient.connect({ registry: addresses.registry, provider })
    await node.close()
    const gone = await refusal(client.policies())
    expect(gone).toMatchObject({ code: 'registry.rpc' })
    expect(gone.message).not.toContain('secret-key')
    const nonsense = await refusal(
      RegistryClient.connect({ registry: addresses.registry, provider: await connectProvider(rpcUrl) }),
    )
    expect(nonsense.code).toMatch(/^registry\.rpc/)
    expect(nonsense.message).not.toContain('secret-key')
  })

  it('refuses an address without a contract', async () => {
    const registry = `0x${'12'.repeat(20)}`
    const call = RegistryClient.connect({ registry, provider: engine.chain.ethers.provider as never })
    expect(await refusal(call)).toMatchObject({ code: 'registry.registry-missing' })
  })

  it('refuses to submit without an account', async () => {
    const client = await RegistryClient.connect({
      registry: engine.deployment.addresses.registry,
      provider: engine.chain.ethers.provider as never,
    })
    expect(await refusal(client.submit(first))).toMatchObject({ code: 'registry.no-signer' })
  })
})
