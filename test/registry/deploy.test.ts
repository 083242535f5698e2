/** What deploying refuses, and what it leaves behind. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { network } from 'hardhat'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { volatilityModels } from '../../prover/volatility/models.ts'
import { type Build, portfolioBuilds } from '../../circuits/statements/index.ts'
import type { CircuitKeys, VerificationKey } from '../../prover/proof/index.ts'
import {
  addMarket,
  attestedFeedOf,
  type Deployment,
  type DeployOptions,
  deployEngine,
  deployPortfolio,
  interfaceOf,
  modelIdOf,
  type PortfolioDeployOptions,
  readDeployment,
  SourceUnknownError,
  sourceOf,
  writeDeployment,
} from '../../prover/registry/index.ts'
import { registerLayouts } from '../../prover/registry/layouts.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { type Chain, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { freeStatement } from '../../scripts/tools/chains/freeStatement.ts'
import { buildOf, feedSigners, keysOf } from './liveEngine.ts'
import { policy } from '../../scripts/tools/chains/portfolioEngine.ts'

let chain: Chain
let keys: CircuitKeys
let deployment: Deployment
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-'))
  chain = await startChain()
  keys = await keysOf('marketRisk8x2')
  deployment = await deployEngine(chain.signers[0] as never, options())
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function options(change: Partial<CircuitKeys> = {}): DeployOptions {
  const { verificationKey, manifest } = { ...keys, ...change }
  return {
    models: [{ build: buildOf('marketRisk8x2'), verificationKey, manifest }],
    feed: { signers: feedSigners.map(({ address }) => address), threshold: 2 },
    policy: defaultPolicy,
  }
}

const contractAt = (name: string, address: string) => chain.ethers.getContractAt(name, address)

function portfolioOptions(): PortfolioDeployOptions {
  const { council, modelRegistry } = deployment.addresses
  const rounds = { signers: feedSigners.map(({ address }) => address), threshold: 2 }
  return { council, modelRegistry, market: 'BTC-USD', rounds, policy, venue: council, models: [] }
}

describe('deploying', () => {
  it('registers a model that is bound to its key and layout', async () => {
    const [model] = deployment.models
    const registry = await chain.ethers.getContractAt('ModelRegistry', deployment.addresses.modelRegistry)
    expect(model?.modelId).toBe(modelIdOf('marketRisk8x2', model?.verificationKeyHash ?? '', layoutHash('marketRisk')))
    const onChain = await registry.getFunction('modelOf')(model?.modelId)
    expect(onChain.verificationKeyHash).toBe(`0x${keys.manifest.verificationKeySha256}`)
    expect(onChain.manifestHash).toBe(model?.manifestHash)
    expect([onChain.places, onChain.slots, onChain.status, onChain.allowsBacklog]).toEqual([8n, 2n, 1n, false])
    expect(onChain.volatilityModel).toBe(1n)
  })

  it('refuses development keys on any other chain, before anything is sent', async () => {
    const { ethers } = await network.create({ override: { chainId: 1 } })
    const [signer] = await ethers.getSigners()
    await expect(deployEngine(signer as never, options())).rejects.toMatchObject({
      code: 'proof.development-key',
      chainId: 1n,
    })
    expect(await ethers.provider.getBlockNumber()).toBe(0)
  })

  it('refuses a key straight from the set-up, with delta = gamma, and one that nobody contributed to', async () => {
    const raw = { ...keys.verificationKey, delta2: keys.verificationKey.gamma2 }
    await expect(deployEngine(chain.signers[0] as never, options({ verificationKey: raw }))).rejects.toMatchObject({
      code: 'proof.delta-not-random',
    })
    const production = { ...keys.manifest, kind: 'production' as const }
    await expect(deployEngine(chain.signers[0] as never, options({ manifest: production }))).rejects.toMatchObject({
      code: 'proof.no-contributions',
    })
  })

  it('refuses a key that the compiled verifier was not made from', async () => {
    const { publicPoints } = keys.verificationKey
    const other = { ...keys.verificationKey, publicPoints: [...publicPoints].reverse() }
    await expect(deployEngine(chain.signers[0] as never, options({ verificationKey: other }))).rejects.toMatchObject({
      code: 'registry.verifier-out-of-date',
      build: 'marketRisk8x2',
    })
  })

  it('K12: refuses books and margins of different first phases, before anything is sent; arrays may be of another', async () => {
    const [books, margin, apart] = await Promise.all(
      (['second', 'third', 'apart'] as const).map(async (name) => (await freeStatement(name)).verificationKey),
    )
    const build = (statement: string) => portfolioBuilds.find((each) => each.statement === statement) as Build
    const model = (statement: string, verificationKey: VerificationKey | undefined) => {
      const manifest = { ...keys.manifest, circuit: build(statement).name }
      return { build: build(statement), verificationKey: verificationKey as VerificationKey, manifest }
    }
    const deploy = (...models: ReturnType<typeof model>[]) =>
      chain.undone(() => deployPortfolio(chain.signers[0] as never, { ...portfolioOptions(), models }))
    const sent = () => chain.ethers.provider.getBlockNumber()
    const before = await sent()
    for (const [statement, other] of [
      ['portfolioMargin', 'optionBook'],
      ['unhealthyWitness', 'optionBook'],
      ['optionBook', 'portfolioMargin'],
    ] as const) {
      const refused = { circuit: build(statement).name, other: build(other).name }
      const given = [model('riskArray', apart), model(other, books), model(statement, apart)]
      await expect(deploy(...given)).rejects.toMatchObject({ code: 'proof.first-phase-differs', ...refused })
    }
    expect(await sent()).toBe(before)
    // Those of one go on, as far as the verifiers that were compiled for other keys.
    const fitting = [model('riskArray', apart), model('optionBook', books), model('portfolioMargin', margin)]
    await expect(deploy(...fitting)).rejects.toMatchObject({ code: 'registry.verifier-out-of-date' })
  })

  it('R33: goes on only where the layouts are known, and names the one that is not', async () => {
    const { council, modelRegistry } = deployment.addresses
    const [admin, stranger] = chain.signers
    const registry = await chain.ethers.getContractAt('ModelRegistry', modelRegistry)
    const unknown = { code: 'registry.layout-unknown', statement: 'riskArray', layoutHash: layoutHash('riskArray') }
    const register = (signer: unknown) =>
      registerLayouts(signer as never, council, modelRegistry, ['marketRisk', 'riskArray'])
    await chain.undone(async () => {
      await registerLayouts(stranger as never, council, modelRegistry, ['marketRisk']) // known, so nothing to register
      await expect(register(stranger)).rejects.toMatchObject(unknown)
      await expect(deployPortfolio(stranger as never, portfolioOptions())).rejects.toMatchObject(unknown)
      await register(admin)
      await register(stranger)
      expect(await registry.getFunction('kindOf')(layoutHash('riskArray'))).toBe(2n)
    })
    await chain.undone(async () => {
      // Who may register layouts only after a delay cannot do so within a deployment.
      await mined((await contractAt('RiskCouncil', council)).getFunction('grantRole')(0n, admin, 3600n))
      await expect(register(admin)).rejects.toMatchObject(unknown)
    })
    await chain.undone(async () => {
      await mined(registry.getFunction('registerLayout')(layoutHash('riskArray'), 3n))
      const other = { code: 'registry.layout-of-another-kind', statement: 'riskArray', kind: 'optionBook' }
      await expect(register(admin)).rejects.toMatchObject(other)
      await expect(deployPortfolio(admin as never, portfolioOptions())).rejects.toMatchObject(other)
    })
  })

  it('leaves adding markets to the council, after a first observation', async () => {
    const market = { name: 'BTC-USD', policy: defaultPolicy.market, volatilityModel: 'ewma' } as const
    await expect(addMarket(chain.signers[0] as never, deployment, market)).rejects.toMatchObject({
      code: 'registry.no-first-observation',
      market: 'BTC-USD',
    })
  })

  it('refuses a policy that says what the market’s model does not read, before anything is sent', async () => {
    const policy = withStartingWords(volatilityModels.garch, defaultPolicy).market
    const add = (volatilityModel: 'ewma' | 'garch') =>
      addMarket(chain.signers[0] as never, deployment, { name: 'BTC-USD', policy, volatilityModel })
    await expect(add('ewma')).rejects.toMatchObject({
      code: 'registry.policy-unread',
      market: 'BTC-USD',
      fields: ['longRunVolatilityX16', 'reversionRateX36', 'forecastWeightX26'],
    })
    await expect(add('garch')).rejects.toMatchObject({ code: 'registry.no-first-observation' })
  })

  it('decodes what contracts refuse, by name and arguments', async () => {
    const registry = interfaceOf('RiskRegistry')
    expect(registry.getError('StateMismatch')?.inputs.map(({ name }) => name)).toEqual(['marketId', 'given', 'inForce'])
    const signers = feedSigners.map(({ address }) => address)
    const impossible = { ...options(), feed: { signers, threshold: 4 } }
    await expect(deployEngine(chain.signers[0] as never, impossible)).rejects.toMatchObject({
      code: 'registry.reverted',
      reason: 'ThresholdOutOfRange',
      arguments: { threshold: 4n, signers: 3n },
    })
  })
})

/** As much of the file as the tests change. */
type DeploymentJson = Record<string, unknown> & {
  addresses: Partial<Record<string, string>>
  sources: Record<string, unknown>[]
  markets: Record<string, unknown>[]
  policy: { margin: Record<string, string> }
}

const marketAt = (source: unknown) => ({
  name: 'BTC-USD',
  marketId: `0x${'11'.repeat(32)}`,
  source,
  volatilityModel: 'ewma',
  block: 1,
})

describe('deployment.json', () => {
  it('names its sources', () => {
    const [feed] = deployment.sources
    const other = { name: 'other', kind: 'other' as const, address: deployment.addresses.registry }
    const two = { ...deployment, sources: [...deployment.sources, other] }
    expect(feed).toMatchObject({ name: 'attested', kind: 'attestedFeed', threshold: 2, maxConfidenceBps: 100 })
    expect(sourceOf(deployment)).toBe(feed)
    expect(sourceOf(two, 'other')).toBe(other)
    expect(attestedFeedOf(two)).toBe(feed)
    const known = ['attested', 'other']
    for (const name of [undefined, 'third']) {
      expect(() => sourceOf(two, name)).toThrow(expect.objectContaining({ code: 'registry.source-unknown', known }))
    }
    expect(() => attestedFeedOf(two, 'other')).toThrow(SourceUnknownError)
  })

  it('is read as it was written', async () => {
    const file = join(folder, 'deployment.json')
    await writeDeployment(file, deployment)
    expect(await readDeployment(file)).toEqual(deployment)
  })

  it.each([
    ['a missing address', (json: DeploymentJson) => delete json.addresses.registry, 'addresses.registry'],
    ['an unknown field', (json: DeploymentJson) => Object.assign(json.addresses, { old: '' }), 'addresses.old'],
    [
      'a mistyped address',
      (json: DeploymentJson) => Object.assign(json.addresses, { council: '0x12' }),
      'addresses.council',
    ],
    ['another version', (json: DeploymentJson) => Object.assign(json, { version: 3 }), 'version'],
    ['no source', (json: DeploymentJson) => Object.assign(json, { sources: [] }), 'sources'],
    ['a source without address', (json: DeploymentJson) => delete json.sources[0]?.address, 'sources[0].address'],
    [
      'a source of another kind',
      (json: DeploymentJson) => Object.assign(json.sources[0] ?? {}, { kind: 'pyth' }),
      'sources[0].kind',
    ],
    ['two sources of a name', (json: DeploymentJson) => json.sources.push(json.sources[0] ?? {}), 'sources[1].name'],
    [
      'a market of a source that is not listed',
      (json: DeploymentJson) => json.markets.push(marketAt(json.addresses.registry)),
      'markets[0].source',
    ],
    [
      'a market of a volatility model that nobody knows',
      (json: DeploymentJson) => json.markets.push({ ...marketAt(json.sources[0]?.address), volatilityModel: 'other' }),
      'markets[0].volatilityModel',
    ],
    [
      'the one feed of version 1',
      (json: DeploymentJson) => {
        const [{ address, signers, threshold, maxConfidenceBps } = {}] = json.sources
        Object.assign(json, { version: 1, feed: { signers, threshold, maxConfidenceBps } })
        Object.assign(json.addresses, { feed: address })
        Reflect.deleteProperty(json, 'sources')
      },
      'feed',
    ],
    [
      'a policy word over its width',
      (json: DeploymentJson) => Object.assign(json.policy.margin, { impliedWeightX10: '2048' }),
      'policy.margin.impliedWeightX10',
    ],
  ])('with %s is refused at the field', async (_, change, field) => {
    const file = join(folder, 'deployment.json')
    await writeDeployment(file, deployment)
    const json = JSON.parse(readFileSync(file, 'utf8'))
    change(json)
    writeFileSync(file, JSON.stringify(json))
    await expect(readDeployment(file)).rejects.toMatchObject({ code: 'registry.deployment-field', field })
  })

  it('that is no JSON is refused', async () => {
    const file = join(folder, 'broken.json')
    writeFileSync(file, '{"chainId":')
    await expect(readDeployment(file)).rejects.toMatchObject({ code: 'registry.unreadable-file', file })
  })
})
