/** Margins over two markets land in a registry that stands already, over RPC; what is not in force there is refused before a proof. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, toBeHex, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FEED_SIGNER_KEYS, FEED_THRESHOLD, developmentChainBehind } from '../../prover/service/development/chain.ts'
import { artifactOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import { connectProvider, writeDeployment } from '../../prover/registry/index.ts'
import { CrossClient } from '../../prover/registry/portfolio/crossClient.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { auditFromChain, auditFromFile } from '../../prover/service/answers/auditing.ts'
import { type CrossProof, proveCross } from '../../prover/service/answers/crossProof.ts'
import { accountAnswer, type CrossAnswer } from '../../prover/service/answers/accountMargins.ts'
import { readPortfolioOverMarkets } from '../../prover/portfolio/input/markets.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { exactMoney } from '../../prover/service/text/figures.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { twoMarkets } from '../audit/crossChain.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'

type Json = ReturnType<typeof twoMarkets>

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
let chain: Awaited<ReturnType<typeof openChain>>
let registry: string

beforeAll(async () => {
  writeFileSync(path('two.json'), JSON.stringify(twoMarkets()))
  const files = {
    keyFile: path('prover.key'),
    councilKeyFile: path('council.key'),
    deployment: path('deployment.json'),
  }
  const start = '2020-03-12 09:00:00'
  chain = await openChain({ port: 0, start, ...files, margins: path('two.json'), say: () => {} })
  registry = chain.deployment.cross?.registry ?? ''
})
afterAll(() => chain?.close())

async function answerOf(file: Json): Promise<CrossAnswer> {
  const { together } = await accountAnswer(readPortfolioOverMarkets(JSON.stringify(file), 'two.json'))
  if (together === undefined) throw new TypeError('one market')
  return together
}

const proofs: string[] = []
const land = async (file: Json, existing: object = {}): Promise<CrossProof> =>
  proveCross(await answerOf(file), (line) => void (line.startsWith('proof') && proofs.push(line)), {
    existing: { rpc: chain.url, registry, ...existing },
  })

/** What is refused, and that nothing was proven before. */
async function refused(file: Json, existing: object = {}): Promise<unknown> {
  proofs.length = 0
  const error: unknown = await land(file, existing).then(
    () => 'landed',
    (thrown: unknown) => thrown,
  )
  expect(proofs).toEqual([])
  return error
}

/** Bends the file, at a later time of all its markets. */
const later = (asOf: string, bend: (file: Json) => void = () => {}): Json =>
  twoMarkets((file) => {
    for (const market of Object.values<Json>(file.markets)) market.asOf = asOf
    bend(file)
  })

it('A31: lands over RPC by a command that names the registry, an audit of the chain accepts it, and so does its bundle', async () => {
  const proven = await zkrisk(
    'margin',
    path('two.json'),
    '--prove',
    '--rpc',
    chain.url,
    '--registry',
    registry,
    '--json',
  )
  expect(proven.code).toBe(0)
  const { proof, im } = JSON.parse(proven.stdout)
  expect(proof).toMatchObject({ proven: true, registry, rpc: chain.url })
  expect(proof.audited).toBeUndefined()
  expect(proof.held.im).toBe(im)
  expect(proof.proofs).toHaveLength(5)
  const bundle = path('cross.audit.json')
  const audited = await zkrisk(
    'audit',
    '--rpc',
    chain.url,
    '--registry',
    registry,
    '-o',
    bundle,
    '--html',
    path('a.html'),
  )
  expect(audited.stdout).toMatch(/^ACCEPTED: 2 of 2 arrays, 1 of 1 margin; (\d+) of \1 claims hold/m)
  expect(audited.code).toBe(0)
  const offline = await auditFromFile(bundle, { registry })
  expect(offline.report).toMatchObject({ kind: 'cross', accepted: true, pinned: false })
  const wrong = await zkrisk('audit', '--bundle', bundle, '--registry', `0x${'12'.repeat(20)}`)
  expect(wrong.code).toBe(1)
  expect(wrong.stdout).toContain('REJECTED')
})

it('A31: is named by the deployment, which an audit of its markets tells of, and pins contracts by it', async () => {
  const said: string[] = []
  const deployment = path('deployment.json')
  await auditFromChain({ rpc: chain.url, deployment, say: (line) => void said.push(line) })
  expect(said).toContainEqual(expect.stringContaining(`--registry ${registry} audits one`))
  const { report } = await auditFromChain({ rpc: chain.url, deployment, registry, say: () => {} })
  expect(report).toMatchObject({ kind: 'cross', accepted: true })
  const { cross: _, ...without } = chain.deployment
  await writeDeployment(path('without.json'), without)
  expect(await refused(twoMarkets(), { registry: undefined, deployment: path('without.json') })).toMatchObject({
    code: 'service.no-cross-registry',
  })
})

it('commands that want another contract say which one there is', async () => {
  const at = ['--rpc', chain.url]
  const read = await zkrisk('read', ...at, '--deployment', path('deployment.json'), '--open-interest')
  expect(read.stderr).toContain(`the one over several markets, ${registry}, counts none`)
  const none = await zkrisk('read', ...at, '--registry', chain.deployment.addresses.registry, '--account', registry)
  expect(none.stderr).toContain('Give --portfolio <address> or --cross <address>.')
  const audited = await zkrisk('audit', ...at, '--registry', chain.deployment.addresses.council)
  expect(audited.stderr).toContain('got the contract RiskCouncil')
  expect([read.code, none.code, audited.code]).toEqual([1, 1, 1])
})

it('`zkrisk read` says margins over several markets, by the deployment or by the address of their registry', async () => {
  const account = toBeHex(1n, 20)
  const { margins } = (await answerOf(twoMarkets())).provable.margin
  const named = ['--rpc', chain.url, '--deployment', path('deployment.json'), '--account', account, toBeHex(8n, 20)]
  const text = (await zkrisk('read', ...named)).stdout
  const ofMarkets = '(BTC-USD and ETH-USD together)'
  expect(text).toMatch(new RegExp(`Account ${account} \\(BTC-USD and ETH-USD together\\): in force`))
  expect(text).toContain(`Account ${toBeHex(8n, 20)} ${ofMarkets}: no margin was proven yet.`)
  const by = ['--rpc', chain.url, '--registry', chain.deployment.addresses.registry, '--cross', registry]
  const { crossAccounts } = JSON.parse((await zkrisk('read', ...by, '--account', account, '--json')).stdout)
  expect(crossAccounts).toMatchObject([
    { markets: ['BTC-USD', 'ETH-USD'], quoteCurrency: 'USD', status: 'in-force', reports: 1, provenReport: 1 },
  ])
  expect(crossAccounts[0]).toMatchObject({
    aboveInitialMarginQuote: exactMoney(margins.initialE8),
    aboveMaintenanceMarginQuote: exactMoney(margins.maintenanceE8),
  })
  expect(
    crossAccounts[0].worstScenarios.map((scenario: number, m: number) => BigInt(scenario) << BigInt(6 * m)),
  ).toEqual([margins.worstScenarios & 63n, margins.worstScenarios & (63n << 6n)])
})

it('A31: is held once of the same rounds and report; of a later report or round it lands, and arrays in force are not proven anew', async () => {
  expect(await refused(twoMarkets())).toMatchObject({ code: 'service.margin-held-already' })
  const richer = twoMarkets((file) => (file.account.cash = '70000'))
  proofs.length = 0
  const { gas, held } = await land(richer, { registry: undefined, deployment: path('deployment.json') })
  expect(held.sequence).toBe(2n)
  expect(gas.arrays).toBe(0)
  expect(proofs.map((line) => /: (\w+)/.exec(line)?.[1])).toEqual(['optionBook', 'optionBook', 'crossMargins'])
  expect(await refused(richer)).toMatchObject({ code: 'service.margin-held-already' })
})

it('A31: refuses other markets, one market, one beyond those that circuits prove, and a contract of another kind', async () => {
  const solana = twoMarkets((file) => {
    file.markets.SOL = { ...file.markets.ETH, expiries: [], spot: '150' }
    delete file.markets.ETH
    file.account.options = file.account.options.filter((each: Json) => !String(each.instrument).startsWith('ETH'))
    file.account.perps = file.account.perps.map((each: Json) => ({
      ...each,
      currency: each.currency === 'ETH' ? 'SOL' : each.currency,
    }))
    file.parameters.spreadCredits = {}
  })
  expect(await refused(solana)).toMatchObject({
    code: 'service.markets-of-others',
    expected: ['BTC-USD', 'ETH-USD'],
    found: ['BTC-USD', 'SOL-USD'],
  })
  const three = twoMarkets((file) => (file.markets.SOL = { asOf: file.markets.BTC.asOf, spot: '150' }))
  three.account.perps.push({ currency: 'SOL', quantity: '1' })
  expect(await refused(three)).toMatchObject({ code: 'service.prove-over-markets', markets: 3 })
  const { modelRegistry } = chain.deployment.addresses
  expect(await refused(twoMarkets(), { registry: modelRegistry })).toMatchObject({ code: 'registry.not-a-registry' })
  expect(await refused(twoMarkets(), { registry: '0x12' })).toMatchObject({ code: 'service.account-address' })
  const one = path('one.json')
  writeFileSync(
    one,
    JSON.stringify({ account: { cash: '1', perps: { quantity: '1' } }, market: twoMarkets().markets.BTC }),
  )
  const alone = await zkrisk('margin', one, '--prove', '--rpc', chain.url, '--registry', registry, '--json')
  expect(JSON.parse(alone.stderr || alone.stdout).error.code).toBe('service.registry-of-several')
})

it('A31: with 128 strikes a market is taken, with one beyond refused', async () => {
  const strikes = (count: number): Json =>
    later('2026-02-05T06:00:00Z', (file) => {
      const instrument = (i: number): string => `BTC-27MAR26-${40_000 + 500 * i}-C`
      file.account.options = Array.from({ length: count }, (_, i) => ({ instrument: instrument(i), quantity: '-0.01' }))
    })
  expect(await refused(strikes(129))).toMatchObject({ code: 'service.too-many-strikes', strikes: 129 })
  // One fewer passes on to what is asked next: who the account is.
  expect(await refused(strikes(128), { account: '0x12' })).toMatchObject({ code: 'service.account-address' })
})

it('A31: where keys are not public it lands only under policies, rounds of every market and a report in force', async () => {
  const provider = await connectProvider(chain.url)
  const development = developmentChainBehind(provider)
  const council = development.account('council')
  const place = chain.deployment.cross
  const second = new Contract(place?.markets[1]?.arrays ?? '', interfaceOf('RiskArrays'), council)
  const rounds = new Contract(place?.rounds ?? '', interfaceOf('AttestedRounds'), council)
  const signer = `0x${'59'.repeat(32)}`
  writeSecretFile(path('signer.key'), signer)
  const snapshot = await provider.send('evm_snapshot', [])
  try {
    const { address } = new Wallet(signer)
    await mined(rounds.getFunction('setCommittee')([address], 1))
    const keyFile = path('prover.key')
    const own = { keyFile, account: toBeHex(7n, 20) }
    const file = later('2026-02-05T05:00:00Z')
    await provider.send('evm_setNextBlockTimestamp', [Date.parse('2026-02-05T05:10:01Z') / 1000])
    await provider.send('evm_mine', [])
    expect(await refused(file, { keyFile })).toMatchObject({ code: 'service.account-not-named' })
    const bent = later(
      '2026-02-05T05:00:00Z',
      (each) => (each.parameters.lossFactor = { maintenance: 0.7, initial: 1.2 }),
    )
    expect(await refused(bent, own)).toMatchObject({
      code: 'service.policy-not-in-force',
      section: 'lossFactors of BTC-USD',
    })
    const credits = later('2026-02-05T05:00:00Z', (each) => (each.parameters.spreadCredits.ETH = 0.01))
    expect(await refused(credits, own)).toMatchObject({ code: 'service.policy-not-in-force', section: 'spreadCredits' })
    expect(await refused(file, own)).toMatchObject({ code: 'service.round-not-published', market: 'BTC-USD' })
    const signing = { ...own, signerKeyFile: [path('signer.key')] }
    expect(await refused(file, signing)).toMatchObject({ code: 'service.report-differs' })
    const spot = later('2026-02-05T05:00:00Z', (each) => (each.markets.ETH.spot = '2081'))
    expect(await refused(spot, signing)).toMatchObject({ code: 'service.round-not-published', market: 'ETH-USD' })
    // A later round of one market overtakes the other one's, by more than rounds may lag.
    const ahead = later('2026-02-05T05:10:00Z')
    expect(await refused(ahead, signing)).toMatchObject({ code: 'service.report-differs' })
    const freshness = { maxRoundAgeSeconds: 86_400n, maxMarginAgeSeconds: 86_400n, maxRoundLagSeconds: 120n }
    await mined(second.getFunction('setPortfolioFreshness')(freshness))
    expect(await refused(file, own)).toMatchObject({
      code: 'service.round-not-in-force',
      market: 'ETH-USD',
      reason: 'RoundOvertaken',
    })
    await mined(
      second.getFunction('setPortfolioFreshness')({
        ...freshness,
        maxRoundAgeSeconds: 120n,
      }),
    )
    await provider.send('evm_setNextBlockTimestamp', [Date.parse('2026-02-05T05:20:00Z') / 1000])
    await provider.send('evm_mine', [])
    expect(await refused(ahead, own)).toMatchObject({ code: 'service.round-not-in-force', reason: 'RoundStale' })
  } finally {
    await provider.send('evm_revert', [snapshot])
    provider.destroy()
  }
})

it('A31: whose market goes on at another scale is refused until prices and report are of it', async () => {
  const provider = await connectProvider(chain.url)
  const council = developmentChainBehind(provider).account('council')
  const [, second] = chain.deployment.cross?.markets ?? []
  const snapshot = await provider.send('evm_snapshot', [])
  try {
    const arrays = new Contract(second?.arrays ?? '', interfaceOf('RiskArrays'), council)
    const signers = FEED_SIGNER_KEYS.map((key) => new Wallet(key).address)
    const sorted = signers.toSorted((a: string, b: string) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const marketId = await arrays.getFunction('marketId')()
    const given = [chain.deployment.addresses.council, sorted, FEED_THRESHOLD, 86_400n, [{ marketId, scale: 3 }]]
    const source = await deployContract(council, 'ScaledRounds', artifactOf('ScaledRounds'), given)
    const [, words] = await arrays.getFunction('portfolioPolicy')()
    await mined(arrays.getFunction('setRounds')(source, [...words]))
    expect(await refused(later('2026-02-05T07:00:00Z'))).toMatchObject({
      code: 'registry.price-scale-not-in-force',
      unitsInForce: '1000',
    })
    const client = await CrossClient.connect({ registry, provider })
    expect(client.markets.map(({ priceScale }) => priceScale)).toEqual([0, 3])
    await expect(client.requireScales([0, 3], toBeHex(1n, 20))).rejects.toMatchObject({
      code: 'registry.account-at-another-scale',
      units: '1',
      unitsInForce: '1000',
    })
    await client.requireScales([0, 3], toBeHex(9n, 20))
  } finally {
    await provider.send('evm_revert', [snapshot])
    provider.destroy()
  }
})
