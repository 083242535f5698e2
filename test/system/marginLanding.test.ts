import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, getAddress, parseEther, toBeHex, toQuantity, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  checkMarginBundle,
  formatPortfolioAudit,
  type PortfolioAuditReport,
  readMarginBundle,
} from '../../prover/audit/index.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import {
  connectProvider,
  ContractRevertError,
  deployPortfolio,
  type Deployment,
  PortfolioClient,
  readDeployment,
  writeDeployment,
} from '../../prover/registry/index.ts'
import { artifactOf, compiledContractOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { auditFromChain } from '../../prover/service/answers/auditing.ts'
import { formatProof, type MarginProofOptions, proveMargin } from '../../prover/service/answers/marginProof.ts'
import { formatUnhealthy, proveUnhealthyAccount } from '../../prover/service/answers/unhealthyProof.ts'
import { openReader } from '../../prover/service/answers/inForce.ts'
import { marginOf } from '../../prover/service/answers/margins.ts'
import { findEngine, writeEngine } from '../../prover/service/takeover/takeOver.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import {
  developmentChainBehind,
  developmentKeys,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
  serveDevelopmentChain,
} from '../../prover/service/development/chain.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { exactMoney } from '../../prover/service/text/figures.ts'
import { formatReading } from '../../prover/service/text/inForceTable.ts'
import { wordPlaces } from '../../prover/statement/state.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { loadKeys, portfolioBuildOf } from '../../prover/service/workspace.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
/** Keys that everybody has. */
const openSigners = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD)
const ownAccount = toBeHex(7n, 20)

/** Two expiries, of which the account holds one: the round has both. */
const portfolio = {
  account: { cash: '20000', options: [{ instrument: 'BTC-27MAR26-60000-P', quantity: '-2' }] },
  market: {
    currency: 'BTC',
    asOf: '2026-02-05T04:30:00Z',
    spot: '70853.26',
    expiries: [
      {
        expiry: '2026-03-27',
        forward: '71320',
        rate: '0.04',
        svi: { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' },
      },
      { expiry: '2026-02-27', forward: '71000', svi: { a: '0.006', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' } },
    ],
  },
}

let chain: Awaited<ReturnType<typeof openChain>>

const answerOf = (given: object) => marginOf(readPortfolio(JSON.stringify(given), 'portfolio.json'))
const land = async (given: object, options: MarginProofOptions['existing'], out?: string, isAlone?: boolean) =>
  proveMargin(await answerOf(given), () => {}, { existing: options, out, isAlone })
const at = (deployment: string) => ({ rpc: chain.url, deployment: path(deployment) })

beforeAll(async () => {
  writeFileSync(path('portfolio.json'), JSON.stringify(portfolio))
  const files = {
    keyFile: path('prover.key'),
    councilKeyFile: path('council.key'),
    deployment: path('deployment.json'),
  }
  const start = '2020-03-12 09:00:00'
  chain = await openChain({ port: 0, start, ...files, margins: path('portfolio.json'), say: () => {} })
})
afterAll(() => chain?.close())

it('A23: lands a margin in the registry of a deployment, with a bundle of it, and once', async () => {
  const { held, registry, seconds } = await land(portfolio, at('deployment.json'), path('margin.json'))
  expect(held.initialE8).toBe((await answerOf(portfolio)).provable.margin.initialE8)
  expect(registry).toBe(chain.deployment.portfolio?.registry)
  expect(seconds.build).toBe(0)
  expect(seconds.total).toBeCloseTo(seconds.preparation + seconds.proving + seconds.landing, 6)
  const bundle = await readMarginBundle(path('margin.json'))
  const verificationKeyHashes = new Map(bundle.models.map((each) => [each.build, each.verificationKeyHash]))
  expect(await checkMarginBundle(bundle, { verificationKeyHashes, registry })).toMatchObject({ valid: true })
  expect(bundle.round.expiries).toHaveLength(2)
  expect(bundle.models.map(({ build }) => build)).toEqual(['riskArray5', 'arrayMargin2x5'])
  await expect(land(portfolio, at('deployment.json'))).rejects.toMatchObject({ code: 'service.margin-held-already' })
})

it('R86: lands a later margin alone, the same to the last digit: a bundle says so, and the thresholds before it are gone', async () => {
  const registry = chain.deployment.portfolio?.registry ?? ''
  const client = await PortfolioClient.connect({ registry, provider: await connectProvider(chain.url) })
  const account = toBeHex(1n, 20)
  const asOfBefore = (await client.thresholds(account)).asOf
  const later = { ...portfolio, market: { ...portfolio.market, asOf: '2026-02-05T04:35:00Z' } }
  const proof = await land(later, at('deployment.json'), path('alone.json'), true)
  expect(proof.held.maintenanceE8).toBe((await answerOf(later)).provable.margin.maintenanceE8)
  expect(formatProof(proof)).toContain('the contract holds no thresholds of the account')
  const gone = { reason: 'ThresholdsNotProven', arguments: { account, asOf: asOfBefore + 300n } }
  await expect(client.thresholds(account)).rejects.toMatchObject(gone)
  const bundle = await readMarginBundle(path('alone.json'))
  expect(bundle.models.map(({ build }) => build)).toEqual(['riskArray5', 'optionBook8x5', 'marginsAlone5'])
  const verificationKeyHashes = new Map(bundle.models.map((each) => [each.build, each.verificationKeyHash]))
  expect(await checkMarginBundle(bundle, { verificationKeyHashes, registry })).toMatchObject({ valid: true })
  const last = bundle.proofs.at(-1)
  const words = (last?.words ?? []).with(-1, (last?.words.at(-1) ?? 0n) ^ 1n)
  const other = { ...bundle, proofs: bundle.proofs.with(-1, { ...last, words } as (typeof bundle.proofs)[number]) }
  expect(await checkMarginBundle(other, { verificationKeyHashes })).toMatchObject({
    valid: false,
    failure: { claim: 'L9' },
  })
  const reader = await openReader({ rpc: chain.url, deployment: path('deployment.json') }, [], [account])
  const reading = await reader.read()
  reader.close()
  expect(reading.accounts).toMatchObject([{ status: 'in-force', hasThresholds: false, liquidationBelowQuote: null }])
  expect(formatReading(reading)).toContain('not known: these margins were proven without thresholds')
})

it('S40: a deployment rebuilt from the chain names the registry of margins, its contracts and models', async () => {
  const { addresses, portfolio: deployed } = chain.deployment
  const place = { rpc: chain.url, registry: addresses.registry, portfolio: deployed?.registry }
  const { deployment, findings } = await writeEngine(
    { ...place, published: path('deployment.json') },
    path('rebuilt.json'),
  )
  expect(findings).toEqual([])
  expect(deployment.portfolio?.models).toHaveLength(deployed?.models.length ?? 0)
  expect(deployment.portfolio).toEqual({ ...deployed, models: expect.arrayContaining(deployed?.models as unknown[]) })
  const asMarkets = findEngine({ rpc: chain.url, registry: deployed?.registry ?? '' })
  await expect(asMarkets).rejects.toMatchObject({ code: 'service.registry-kind' })
  const provider = await connectProvider(chain.url)
  const venue = toBeHex(77n, 20)
  await provider.send('hardhat_setCode', [venue, compiledContractOf('OptionsVenue').deployedBytecode])
  provider.destroy()
  for (const [address, what] of [
    [venue, 'is the contract OptionsVenue, and no registry'],
    [addresses.council, 'is the contract RiskCouncil, and no registry'],
    [deployed?.registry ?? '', 'holds margins of accounts in one market'],
  ] as const) {
    const asked = findEngine({ rpc: chain.url, registry: address })
    await expect(asked).rejects.toMatchObject({
      code: 'service.registry-kind',
      message: expect.stringContaining(`got ${getAddress(address)}, which ${what}.`),
    })
  }
  const asMargins = findEngine({ ...place, portfolio: addresses.registry })
  await expect(asMargins).rejects.toMatchObject({ code: 'registry.not-a-registry' })
})

it('R87: adds the thresholds that margins alone left out, once, and an auditor accepts both', async () => {
  const registry = chain.deployment.portfolio?.registry ?? ''
  const provider = await connectProvider(chain.url)
  const client = await PortfolioClient.connect({ registry, provider })
  const later = { ...portfolio, market: { ...portfolio.market, asOf: '2026-02-05T04:35:00Z' } }
  const before = await client.margin(toBeHex(1n, 20))
  const { proofs, gas } = await land(later, at('rebuilt.json'))
  // Its array is in force.
  expect(proofs.map(({ statement }) => statement)).toEqual(['arrayMargin'])
  expect(gas.arrays).toBe(0)
  expect(await client.margin(toBeHex(1n, 20))).toEqual(before)
  expect((await client.thresholds(toBeHex(1n, 20))).asOf).toBe(before.asOf)
  for (const isAlone of [true, false]) {
    const again = land(later, at('deployment.json'), undefined, isAlone)
    await expect(again).rejects.toMatchObject({ code: 'service.margin-held-already' })
  }
  const { report } = await auditFromChain({ ...at('deployment.json'), registry, say: () => {} })
  expect(report).toMatchObject({ accepted: true, margins: { length: 3 } })
})

it('A20: a bundle of a margin straight from arrays holds only as it was proven', async () => {
  const bundle = await readMarginBundle(path('margin.json'))
  const verificationKeyHashes = new Map(bundle.models.map((each) => [each.build, each.verificationKeyHash]))
  const failureOf = async (change: Partial<typeof bundle>) =>
    (await checkMarginBundle({ ...bundle, ...change }, { verificationKeyHashes })).failure
  const last = bundle.proofs.length - 1
  const margin = bundle.proofs[last] as (typeof bundle.proofs)[number]
  for (const [index, { section }] of wordPlaces(portfolioBuildOf('arrayMargin')).entries()) {
    const words = margin.words.with(index, (margin.words[index] as bigint) ^ 1n)
    const failure = await failureOf({ proofs: bundle.proofs.with(last, { ...margin, words }) })
    expect(failure?.field?.startsWith(`proofs[${last}].`), section).toBe(true)
  }
  const [ofArrays, ofMargin] = bundle.models as [(typeof bundle.models)[number], (typeof bundle.models)[number]]
  for (const models of [[ofMargin, ofArrays], [ofMargin], [ofArrays]])
    expect(await failureOf({ models })).toMatchObject({ claim: 'R1', field: 'models' })
  const asBatch = { ...ofMargin, build: 'portfolioMargin3' as const }
  expect(await failureOf({ models: [ofArrays, asBatch] })).toMatchObject({ claim: 'A3' })
  const [word = 0n] = bundle.held.positions
  const positions = Array.from({ length: 11 }, (_, i) => word + (BigInt(i) << 40n))
  expect(await failureOf({ held: { ...bundle.held, positions } })).toMatchObject({ claim: 'R28' })
})

it('L12, L18: shows an account to be below maintenance by one proof where its arrays are in force, without options from its book', async () => {
  const later = { ...portfolio, market: { ...portfolio.market, asOf: '2026-02-05T04:35:00Z' } }
  const site = { ...at('deployment.json'), account: toBeHex(8n, 20) }
  const show = async (account: object, existing = site) =>
    proveUnhealthyAccount(await answerOf({ ...later, account }), () => {}, { existing })
  await expect(show(portfolio.account)).rejects.toMatchObject({ code: 'service.account-healthy' })
  const { maintenanceE8 } = (await answerOf(later)).provable.margin
  const cash = (unitsE8: bigint): string => {
    const text = String(unitsE8).padStart(9, '0')
    return `${text.slice(0, -8)}.${text.slice(-8)}`
  }
  // Healthy by nothing at all, and below by one unit.
  const bare = 20_000n * 10n ** 8n - maintenanceE8
  await expect(show({ ...portfolio.account, cash: cash(bare) })).rejects.toMatchObject({
    code: 'service.account-healthy',
    maintenanceE8: 0n,
  })
  const shown = await show({ ...portfolio.account, cash: cash(bare - 1n) })
  expect(shown).toMatchObject({ liquidatable: true, maintenanceE8: -1n, gas: { arrays: 0 } })
  expect(shown.proofs.map(({ statement }) => statement)).toEqual(['scenarioWitness'])
  expect(formatUnhealthy(shown)).toContain('straight from arrays. The contract says: liquidatable.')
  const perpetual = { cash: '10', perps: { quantity: '1' } }
  const other = await show(perpetual, { ...site, account: toBeHex(9n, 20) })
  expect(other).toMatchObject({ liquidatable: true, gas: { arrays: 0 } })
  expect(other.proofs.map(({ statement }) => statement)).toEqual(['unhealthyWitness'])
  expect(formatUnhealthy(other)).toContain('from its book')
})

it('refuses, before anything is sent, what no registry would take, and addresses that are none', async () => {
  const provider = await connectProvider(chain.url)
  const block = await provider.getBlockNumber()
  const holding = (options: readonly object[]) => ({ ...portfolio, account: { ...portfolio.account, options } })
  const strikes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ instrument: `BTC-27MAR26-${40_000 + 500 * i}-C`, quantity: '0.01' }))
  const site = at('deployment.json')
  const many = { code: 'service.too-many-strikes', strikes: 129 }
  await expect(land(holding(strikes(129)), site)).rejects.toMatchObject(many)
  const leg = portfolio.account.options[0] ?? {}
  for (const options of [[{ ...leg, quantity: '0' }], [leg, { ...leg, quantity: '2' }]]) {
    await expect(land(holding(options), site)).rejects.toMatchObject({ code: 'service.nothing-held' })
  }
  // One strike fewer is stopped by the address alone.
  await expect(land(holding(strikes(128)), { ...site, account: '0x12' })).rejects.toMatchObject({
    code: 'service.account-address',
    address: '0x12',
  })
  await expect(auditFromChain({ ...site, registry: '0x1', say: () => {} })).rejects.toMatchObject({ address: '0x1' })
  expect(await provider.getBlockNumber()).toBe(block)
})

it('is not served on a port that is taken', async () => {
  const port = Number(new URL(chain.url).port)
  await expect(serveDevelopmentChain(1_583_971_200n, port)).rejects.toMatchObject({ code: 'service.port-taken', port })
})

it('A23: refuses, before anything is proven, a deployment without margins, and a portfolio of another market', async () => {
  const { portfolio: _, ...without } = chain.deployment
  await writeDeployment(path('without.json'), without)
  await expect(land(portfolio, at('without.json'))).rejects.toMatchObject({ code: 'service.no-portfolio-registry' })
  const options = [{ instrument: 'ETH-27MAR26-60000-P', quantity: '-2' }]
  const ether = { account: { ...portfolio.account, options }, market: { ...portfolio.market, currency: 'ETH' } }
  await expect(land(ether, at('deployment.json'))).rejects.toMatchObject({ code: 'service.market-of-others' })
})

it('is named by an audit of its deployment, which is of the markets', async () => {
  const registryNamed = async (file: string): Promise<readonly string[]> => {
    const said: string[] = []
    await auditFromChain({ ...at(file), say: (line) => void said.push(line) })
    return said.filter((line) => line.startsWith('Markets only'))
  }
  const registry = chain.deployment.portfolio?.registry
  expect(await registryNamed('deployment.json')).toEqual([expect.stringContaining(`--registry ${registry} `)])
  expect(await registryNamed('without.json')).toEqual([])
})

it('is audited with models, contracts and pins by names that tell them apart', async () => {
  const audited = async (registry?: string) => {
    const { report, pins } = await auditFromChain({ ...at('deployment.json'), registry, say: () => {} })
    const keys = pins.flatMap(({ what, value }) => (what === 'keys' ? [value.split(' ')[0] ?? ''] : []))
    return { report, names: report.models.map(({ name }) => name), keys }
  }
  const ofMarkets = await audited()
  const ofMargins = await audited(chain.deployment.portfolio?.registry)
  const names = (of: typeof ofMarkets) => of.names.filter((name) => !name.includes('0x')).toSorted()
  expect(names(ofMarkets).every((name) => name.startsWith('marketRisk'))).toBe(true)
  expect(names(ofMargins)).toContain('riskArray5')
  // Every model is of one kind or the other, and each audit names those of the other kind too.
  const others = (of: typeof ofMarkets) =>
    of.names
      .filter((name) => name.includes('0x'))
      .map((name) => name.replace(/ 0x[0-9a-f]{8}…, not used by this registry$/, ''))
  expect(others(ofMarkets).toSorted()).toEqual(names(ofMargins))
  expect(others(ofMargins).toSorted()).toEqual(names(ofMarkets))
  for (const each of [ofMarkets, ofMargins]) expect(each.keys.toSorted()).toEqual(names(each))
  const table = formatPortfolioAudit(ofMargins.report as PortfolioAuditReport)
  expect(table).toContain('contract BatchVerifier of PortfolioRegistry')
  expect(table).toContain('contract BatchVerifier of RiskArrays')
  expect(table).toMatch(/policy +1 version /)
})

it('A23: where keys are not public it lands only under the policy, round and report in force, or with the keys for them', async () => {
  const deployment = await deployOwnRegistry()
  const keyFile = path('prover.key')
  const own = { ...at(deployment), keyFile, account: ownAccount }
  const { account: _, ...unnamed } = own
  await expect(land(portfolio, unnamed)).rejects.toMatchObject({ code: 'service.account-not-named' })
  await expect(land({ ...portfolio, parameters: { lossFactor: { maintenance: 0.7 } } }, own)).rejects.toMatchObject({
    code: 'service.policy-not-in-force',
    section: 'lossFactors',
  })
  await expect(land(portfolio, own)).rejects.toMatchObject({ code: 'service.round-not-published' })
  const signing = { ...own, signerKeyFile: [path('signer.key')] }
  await expect(land(portfolio, signing)).rejects.toMatchObject({ code: 'service.report-differs' })
  const otherSpot = { ...portfolio, market: { ...portfolio.market, spot: '70853.27' } }
  await expect(land(otherSpot, signing)).rejects.toMatchObject({ code: 'service.round-not-published' })
  const { held } = await land(portfolio, { ...own, venueKeyFile: path('venue.key') })
  expect(held).toMatchObject({ sequence: 1n })
})

it('A23: where signers are public it takes the keys that are given instead of those that everybody has', async () => {
  const venue = `0x${'57'.repeat(32)}`
  const deployment = await deployOwnRegistry('open', { signers: openSigners, venue })
  const provider = await connectProvider(chain.url)
  await provider.send('hardhat_setBalance', [new Wallet(venue).address, toQuantity(parseEther('1'))])
  provider.destroy()
  const site = { ...at(deployment), account: ownAccount }
  writeSecretFile(path('stranger.key'), `0x${'58'.repeat(32)}`)
  // The venue that everybody has the key of is not this registry's.
  const report = { code: 'service.report-differs', account: getAddress(ownAccount) }
  await expect(land(portfolio, site)).rejects.toMatchObject({
    ...report,
    message: expect.stringContaining('not the venue'),
  })
  const strangers = [path('stranger.key'), path('stranger.key')]
  const later = { ...portfolio, market: { ...portfolio.market, asOf: '2026-02-05T04:40:00Z' } }
  await expect(land(later, { ...site, signerKeyFile: strangers })).rejects.toBeInstanceOf(ContractRevertError)
  const { held } = await land(portfolio, { ...site, venueKeyFile: path('venue.key') })
  expect(held).toMatchObject({ sequence: 1n })
})

it('A23: sets a policy only where the council may at once, and says so with its version', async () => {
  const other = {
    ...portfolio,
    market: { ...portfolio.market, asOf: '2026-02-05T04:50:00Z' },
    parameters: { lossFactor: { maintenance: '0.7' } },
  }
  const deployment = await deployOwnRegistry('governed', { signers: openSigners, venue: developmentKeys.feeder })
  const site = { ...at(deployment), account: ownAccount }
  const said: string[] = []
  const prove = async () => proveMargin(await answerOf(other), (line) => void said.push(line), { existing: site })
  const { portfolio: place, addresses } = await readDeployment(path(deployment))
  const provider = await connectProvider(chain.url)
  const council = developmentChainBehind(provider).account('council')
  const authority = new Contract(addresses.council, interfaceOf('RiskCouncil'), council)
  const grant = async (delay: bigint) => mined(await authority.getFunction('grantRole')(0n, council.address, delay))
  await grant(3600n)
  const notInForce = { code: 'service.policy-not-in-force', section: 'lossFactors' }
  await expect(prove()).rejects.toMatchObject(notInForce)
  expect(said.filter((line) => line.startsWith('policy'))).toEqual([])
  const client = await PortfolioClient.connect({ registry: place?.registry ?? '', provider })
  expect((await client.policy()).version).toBe(1n)
  provider.destroy()
})

it('A23: says the version of a policy that it sets', async () => {
  const said: string[] = []
  const other = {
    account: { cash: '20000', perps: { quantity: '0.1' } },
    market: { ...portfolio.market, asOf: '2026-02-05T05:00:00Z' },
    parameters: { lossFactor: { maintenance: '0.7' } },
  }
  const existing = { ...at('deployment.json'), account: ownAccount }
  const say = (line: string) => void said.push(line)
  await proveMargin(await answerOf(other), say, { existing })
  expect(said).toContain('policy of version 2 set: the one before it differed in lossFactors')
  const again = { ...other, market: { ...other.market, asOf: '2026-02-05T05:05:00Z' } }
  said.length = 0
  await proveMargin(await answerOf(again), say, { existing })
  expect(said.filter((line) => line.startsWith('policy'))).toEqual([])
})

/** A registry of margins whose round is signed, and whose accounts are reported, by these keys. */
async function deployOwnRegistry(
  name = 'own',
  { signers, venue } = { signers: [`0x${'51'.repeat(32)}`], venue: developmentKeys.feeder as string },
): Promise<string> {
  const provider = await connectProvider(chain.url)
  const council = developmentChainBehind(provider).account('council')
  writeSecretFile(path('signer.key'), signers[0] as string)
  writeSecretFile(path('venue.key'), venue)
  const { provable } = await answerOf(portfolio)
  const statements = ['riskArray', 'optionBook', 'portfolioMargin'] as const
  const models = await Promise.all(
    statements.map(async (statement) => {
      const build = portfolioBuildOf(statement)
      const { verificationKey, manifest } = await loadKeys(build.name)
      return { build, verificationKey, manifest }
    }),
  )
  const authority = await deployContract(council, 'RiskCouncil', artifactOf('RiskCouncil'), [council.address])
  const modelRegistry = await deployContract(council, 'ModelRegistry', artifactOf('ModelRegistry'), [authority])
  const deployed = await deployPortfolio(council, {
    council: authority,
    modelRegistry,
    market: 'BTC-USD',
    rounds: {
      signers: signers.map((key) => new Wallet(key).address),
      threshold: signers.length,
      maxAgeSeconds: 86_400n,
    },
    policy: policyOf(provable),
    freshness: { maxRoundAgeSeconds: 86_400n, maxMarginAgeSeconds: 86_400n, maxRoundLagSeconds: 86_400n },
    venue: new Wallet(venue).address,
    models,
  })
  provider.destroy()
  const { registry, arrays, rounds } = deployed
  const deployment: Deployment = {
    ...chain.deployment,
    addresses: { ...chain.deployment.addresses, council: authority, modelRegistry },
    portfolio: { registry, arrays, rounds, market: 'BTC-USD', models: Object.values(deployed.models) },
  }
  await writeDeployment(path(`${name}.json`), deployment)
  return `${name}.json`
}

it('R91: counts the open interest with the margins that it lands, and says how far it has got', async () => {
  const [before, counted] = ['07:40', '07:45'].map((time) => ({
    ...portfolio,
    market: { ...portfolio.market, asOf: `2026-02-05T${time}:00Z` },
  })) as [typeof portfolio, typeof portfolio]
  const other = { account: { cash: '-60000', perps: { quantity: '1' } } }
  const otherSite = { ...at('deployment.json'), account: toBeHex(8n, 20) }
  // Cash alone is not counted, whatever the account held before.
  for (const account of [toBeHex(9n, 20), ownAccount]) {
    await land({ ...before, account: { cash: '100' } }, { ...otherSite, account })
  }
  await land({ ...before, ...other }, otherSite)
  const answers = await Promise.all([answerOf(counted), answerOf({ ...counted, ...other })])
  const [first, second] = answers as [(typeof answers)[0], (typeof answers)[0]]
  const opened = await proveMargin(first, () => {}, { existing: at('deployment.json'), isCounting: true })
  expect(opened.count).toMatchObject({
    status: 'not-counted',
    underWay: { counted: 1, accounts: 2, missing: [expect.stringMatching(/^0x/)] },
  })
  expect(formatProof(opened)).toMatch(/^ {2}not counted yet {11}1: 0x\w{40}$/m)
  expect(formatProof(opened)).toContain('count under way           1 of 2 accounts')
  // One count is under way: the flag opens no other, and the last account completes it.
  const last = await proveMargin(second, () => {}, { existing: otherSite, isCounting: true })
  const margins = answers.map(({ provable }) => provable.margin)
  const sum = (part: (of: (typeof margins)[number]) => bigint): bigint =>
    margins.reduce((all, of) => all + part(of), 0n)
  const expected = {
    status: 'complete',
    accounts: 2,
    accountsBelowMaintenance: Number(sum(({ maintenanceE8 }) => (maintenanceE8 < 0n ? 1n : 0n))),
    expectedDefaults: Number(sum(({ thresholds }) => thresholds.defaultProbabilityX32)) / 2 ** 32,
    expectedShortfallQuote: exactMoney(sum(({ risk }) => risk.expectedShortfallE8)),
    netDelta: Number(sum(({ spotGreeks }) => spotGreeks.deltaE12) + 10n ** 12n) / 1e12,
    underWay: null,
  }
  expect(last.count).toMatchObject(expected)
  expect(expected.accountsBelowMaintenance).toBeGreaterThan(0)
  const reader = await openReader({ rpc: chain.url, deployment: path('deployment.json'), openInterest: true }, [], [])
  const reading = await reader.read()
  reader.close()
  expect(reading.openInterest).toMatchObject(expected)
  expect(formatReading(reading)).toMatch(/accounts with positions +2, each once; below maintenance 1/)
})

it('R198: proves few options of one expiry straight from arrays, others by a book, and all by books where nothing else is taken', async () => {
  const at0 = (time: string, options: readonly object[]) => ({
    account: { ...portfolio.account, options },
    market: { ...portfolio.market, asOf: `2026-02-05T${time}:00Z` },
  })
  const [leg] = portfolio.account.options
  const twoExpiries = at0('08:00', [leg ?? {}, { instrument: 'BTC-27FEB26-80000-C', quantity: '1' }])
  const strikes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ instrument: `BTC-27MAR26-${60_000 + 1_000 * i}-C`, quantity: '0.1' }))
  const books = ['optionBook', 'portfolioMargin']
  for (const [given, expected] of [
    [twoExpiries, ['riskArray', 'riskArray', ...books]],
    [at0('08:05', strikes(10)), ['riskArray', 'riskArray', 'arrayMargin']],
    [at0('08:10', strikes(11)), ['riskArray', 'riskArray', 'riskArray', ...books]],
  ] as const) {
    const proof = await land(given, at('deployment.json'))
    expect(proof.proofs.map(({ statement }) => statement)).toEqual(expected)
    const { margin } = (await answerOf(given)).provable
    expect(proof.held).toMatchObject({ initialE8: margin.initialE8, maintenanceE8: margin.maintenanceE8 })
    const isFromArrays = expected.some((statement) => statement === 'arrayMargin')
    expect(formatProof(proof).includes('1 margin straight from them, without a book.')).toBe(isFromArrays)
    console.log(`${expected.join(', ')}: ${proof.gas.margin} gas`)
  }
  const deployment = await deployOwnRegistry('books', { signers: openSigners, venue: developmentKeys.feeder })
  const { proofs } = await land(at0('08:15', strikes(1)), { ...at(deployment), account: ownAccount })
  expect(proofs.map(({ statement }) => statement)).toEqual(['riskArray', ...books])
})
