/** The service beside shadows that nobody can prove: their market goes on as if there were none. */
import { readFileSync } from 'node:fs'
import { concat, Contract, keccak256, toBeHex, Wallet, ZeroHash } from 'ethers'
import type { JsonRpcProvider } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { addShadow, connectProvider, promoteShadow, RegistryClient, removeShadow } from '../../prover/registry/index.ts'
import { placeToBegin } from '../../prover/registry/market/place.ts'
import { addShadowCalls } from '../../prover/registry/market/shadows.ts'
import { listShadows } from '../../prover/service/answers/shadows.ts'
import { createProver } from '../../prover/proof/index.ts'
import { keyHashOf, proveBatch } from '../../prover/service/daemon/proving.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { pack } from '../../prover/statement/words.ts'
import { buildOf, keysOf } from '../registry/liveEngine.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'
import { packState } from '../../prover/statement/marketState.ts'

const MARKET = 'BTC-USD'
const UNKNOWN_MODEL = 7
/** What has failed so often for one reason fails for ever. */
const TRIES = 5
const folder = temporaryFolder()
let tryOut: TryOut
let provider: JsonRpcProvider
let council: Wallet
let client: RegistryClient
let registry: Contract
let models: Contract
let snapshot: string

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  provider = await connectProvider(tryOut.rpc)
  council = new Wallet(readFileSync(tryOut.councilKeyFile, 'utf8').trim(), provider)
  registry = new Contract(tryOut.deployment.addresses.registry, interfaceOf('RiskRegistry'), council)
  models = new Contract(await registry.getFunction('models')(), interfaceOf('ModelRegistry'), council)
})
beforeEach(async () => {
  client = await RegistryClient.connect({ registry: tryOut.deployment.addresses.registry, provider })
  snapshot = await provider.send('evm_snapshot', [])
})
afterEach(() => provider.send('evm_revert', [snapshot]))
afterAll(async () => {
  provider.destroy()
  await tryOut.close()
})

const mined = async (sent: Promise<{ wait(): Promise<unknown> }>) => (await sent).wait()

const haveBothMoved = async () => Object.values(await tryOut.sequences()).every((sequence) => sequence === 1n)
const listed = async () => (await listShadows({ rpc: tryOut.rpc, deployment: tryOut.deploymentFile })).shadows

/** Writes a score without losses where the registry keeps that of a shadow: behind the words of its state. */
async function haveTried(name: string, predictions: bigint): Promise<void> {
  const { state } = await client.market(name)
  const words = Object.values(packState(state))
  const first = toBeHex(words[0] ?? 0n, 32)
  for (let slot = 0n; ; slot++) {
    const place = BigInt(keccak256(concat([marketIdOf(name), toBeHex(slot, 32)])))
    if ((await provider.getStorage(client.registry, place)) !== first) continue
    const score = toBeHex(pack('score', { predictions, lossDownX44: 0n, lossUpX44: 0n }), 32)
    await provider.send('hardhat_setStorageAt', [client.registry, toBeHex(place + BigInt(words.length)), score])
    return
  }
}

/** Serves an hour, by default until both markets have it; what was said on the way. */
async function serveHour(
  name: string,
  options: {
    readonly market?: readonly string[]
    readonly until?: (step: string) => Promise<boolean>
    /** Once the first batch is planned. */
    readonly meanwhile?: () => Promise<void>
  } = {},
): Promise<string> {
  const { until = haveBothMoved, meanwhile, ...more } = options
  await tryOut.feed(1)
  const stop = new AbortController()
  const events: string[] = []
  await runServe({
    rpc: tryOut.rpc,
    deployment: tryOut.deploymentFile,
    keyFile: tryOut.keyFile,
    store: `${folder}/${name}.sqlite`,
    triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.01 },
    pollMs: 20,
    signal: stop.signal,
    ...more,
    onEvent: async ({ step, detail = '' }) => {
      if (step === 'planned' && !events.some((event) => event.startsWith(step))) await meanwhile?.()
      events.push(`${step} ${detail}`)
      if (step === 'retrying' && events.filter((event) => event.startsWith(step)).length > TRIES) stop.abort()
      const isIdle = step === 'unserved' || step === 'confirmed'
      if (isIdle && (await until(step))) stop.abort()
    },
  })
  return events.join('\n')
}

it('a shadow whose model was disabled, or whose keys are others’, is reported', async () => {
  await addShadow(council, client, { market: MARKET, model: 'garch' })
  const garch = tryOut.deployment.models.find(({ name }) => name === 'marketRiskGarch7x2')
  await mined(models.getFunction('disable')(garch?.modelId))
  expect(await serveHour('disabled')).toMatch(/unserved BTC-USD~garch: Model marketRiskGarch7x2 .* was disabled/)
})

it('a shadow of a model that this engine does not know is listed by its id, and reported', async () => {
  const verifier = tryOut.deployment.models[0]?.verifier
  const sizes = { places: 8, slots: 2, status: 0, allowsBacklog: false, volatilityModel: UNKNOWN_MODEL }
  const hashes = { layoutHash: layoutHash('marketRisk'), verificationKeyHash: ZeroHash, manifestHash: ZeroHash }
  await mined(models.getFunction('register')(marketIdOf('SEVEN'), { verifier, ...sizes, ...hashes }))
  const shadowId = toBeHex(BigInt(marketIdOf(MARKET)) + BigInt(UNKNOWN_MODEL), 32)
  const { state } = await client.market(MARKET)
  await mined(
    registry.getFunction('setMarketPolicy')(shadowId, pack('marketPolicy', await client.marketPolicy(MARKET))),
  )
  const { source } = (await client.market(MARKET)).inbox
  const begun = await placeToBegin(client.provider, { source, marketId: marketIdOf(MARKET), fromBlock: 0 })
  await mined(registry.getFunction('addShadow')(marketIdOf(MARKET), UNKNOWN_MODEL, packState(state), begun?.place))
  expect(marketIdOf('BTC-USD~model7')).toBe(shadowId)
  expect(await serveHour('unknown')).toContain('no keys for the volatility model of BTC-USD~model7')
  expect(await listed()).toMatchObject([{ market: MARKET, model: 'model7', waiting: 1 }])
})

it('a shadow that the circuit refuses keeps its market waiting once, and is tried by itself', async () => {
  const shadow = { market: MARKET, model: 'rangeMixture' } as const
  await addShadow(council, client, shadow)
  const name = 'BTC-USD~rangeMixture'
  const unread = { ...(await client.marketPolicy(MARKET)), longRunVolatilityX16: 1n }
  await mined(registry.getFunction('setMarketPolicy')(marketIdOf(name), pack('marketPolicy', unread)))
  const said = await serveHour('refused')
  expect(said.match(/planned .*BTC-USD #1, BTC-USD~rangeMixture #1/g)).toHaveLength(1)
  expect(said).toContain('confirmed BTC-USD #1, ETH-USD #1')
  expect((await client.market(name)).sequence).toBe(0n)
})

it('a shadow that somebody else moves step by step makes no batch of its market come too late', async () => {
  await addShadow(council, client, { market: MARKET, model: 'rangeMixture' })
  const name = 'BTC-USD~rangeMixture'
  const keys = await keysOf('marketRiskRange6x2')
  const prover = createProver()
  /** Lands the next observation of some, as anybody may. */
  const land = async (...names: string[]) => {
    const theirs = await RegistryClient.connect({ registry: client.registry, provider, signer: council })
    const next = await theirs.nextBatch(buildOf('marketRiskRange6x2'), keyHashOf(keys), names)
    if (next.batch === undefined) throw new Error(JSON.stringify(next.leftOut))
    await theirs.submit((await proveBatch(prover, keys, next)).bundle)
  }
  try {
    await tryOut.feed(1)
    await land(MARKET, 'ETH-USD')
    const haveMovedTwice = async () => Object.values(await tryOut.sequences()).every((sequence) => sequence === 2n)
    const said = await serveHour('step', { until: haveMovedTwice, meanwhile: () => land(name) })
    // The shadow's part of the batch is skipped, its market's lands with the same proof.
    expect(said.match(/^planned \S+ #\d[^(\n]*/gm)?.[0]).toBe(`planned BTC-USD #2, ${name} #1, ETH-USD #2 `)
    expect(said).not.toContain('superseded')
    expect(said).toMatch(new RegExp(`confirmed BTC-USD #2, .*, ${name} moved by another batch before`))
  } finally {
    await prover.close()
  }
})

it('a shadow that is removed between two looks is no reason to stop', async () => {
  const shadow = { market: MARKET, model: 'ewma' } as const
  await addShadow(council, client, shadow)
  const { shadows } = RegistryClient.prototype
  RegistryClient.prototype.shadows = async function (this: RegistryClient) {
    const listed = await shadows.call(this)
    RegistryClient.prototype.shadows = shadows
    await removeShadow(council, client, shadow)
    return listed
  }
  expect(await serveHour('removed')).toContain('confirmed BTC-USD #1, ETH-USD #1')
})

it('a shadow that a reorganisation undid is no longer listed', async () => {
  const before = await provider.send('evm_snapshot', [])
  await addShadow(council, client, { market: MARKET, model: 'ewma' })
  expect(await client.shadows()).toHaveLength(1)
  await provider.send('evm_revert', [before])
  await expect(client.market('BTC-USD~ewma')).rejects.toMatchObject({ code: 'registry.unknown-market' })
  expect(await client.shadows()).toHaveLength(0)
  expect(await client.markets()).toHaveLength(2)
})

it('after a promotion a market goes before shadows; once it is too late for its model, that is said', async () => {
  const promoted = { market: MARKET, model: 'garch' } as const
  await addShadow(council, client, { market: MARKET, model: 'rangeMixture' })
  await addShadow(council, client, promoted)
  await serveHour('tried', { until: async () => (await listed()).every(({ waiting }) => waiting === 0) })
  for (const name of ['BTC-USD~rangeMixture', 'BTC-USD~garch']) await haveTried(name, 168n)
  await promoteShadow(council, client, promoted)
  const market = [MARKET]
  const first = await serveHour('promoted', {
    market,
    until: async () => (await client.market(MARKET)).sequence === 2n,
  })
  expect(first).toMatch(/started .*\nplanned BTC-USD #2, BTC-USD~garch #2 /)
  await tryOut.feed(1)
  const said = await serveHour('late', { market, until: async (step) => step === 'unserved' })
  expect(said).toMatch(/unserved BTC-USD: behind, and no circuit of its volatility model takes what waits/)
})

it('a market that is named twice is served once', async () => {
  const said = await serveHour('twice', { market: [MARKET, MARKET, 'ETH-USD'] })
  expect(said).toContain('confirmed BTC-USD #1, ETH-USD #1')
})

it('a shadow is added with a policy that its model reads only, and its running one is left alone', async () => {
  const shadow = { market: MARKET, model: 'ewma' } as const
  const policy = { ...(await client.marketPolicy(MARKET)), longRunVolatilityX16: 1n }
  await expect(addShadow(council, client, shadow, { policy })).rejects.toMatchObject({ code: 'registry.policy-unread' })
  const garch = { market: MARKET, model: 'garch' } as const
  await addShadow(council, client, garch)
  const own = { ...(await client.marketPolicy('BTC-USD~garch')), longRunVolatilityX16: 40_000n }
  await mined(registry.getFunction('setMarketPolicy')(marketIdOf('BTC-USD~garch'), pack('marketPolicy', own)))
  await expect(addShadow(council, client, garch)).rejects.toMatchObject({ code: 'registry.shadow-exists' })
  expect(await client.marketPolicy('BTC-USD~garch')).toEqual(own)
})

it('a shadow whose policy is in force already takes one call, which whoever may only add shadows can make', async () => {
  const shadow = { market: MARKET, model: 'garch' } as const
  const methods = async () => (await addShadowCalls(client, shadow)).calls.map(({ method }) => method)
  expect(await methods()).toEqual(['setMarketPolicy', 'addShadow'])
  await addShadow(council, client, shadow)
  await expect(methods()).rejects.toMatchObject({ code: 'registry.shadow-exists' })
  await removeShadow(council, client, shadow)
  expect(await methods()).toEqual(['addShadow'])
})

it('names of models are those of the table, or model7 of an id that is not in it', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'model1', 'model0', 'model256', 'model07', '']) {
    expect(() => marketIdOf(`BTC-USD~${name}`)).toThrow(/market name/)
  }
})
