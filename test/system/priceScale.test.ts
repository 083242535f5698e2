/** A margin of a token worth 0.00000042, really proven: landed, read back and audited at its scale; another scale is refused by name. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, toBeHex, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { formatPortfolioAudit } from '../../prover/audit/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { artifactOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import { connectProvider, PortfolioClient, policyWordsOf } from '../../prover/registry/index.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { auditFromChain } from '../../prover/service/answers/auditing.ts'
import { openReader } from '../../prover/service/answers/inForce.ts'
import { proveMargin } from '../../prover/service/answers/marginProof.ts'
import { marginOf, netGreeksOf, thresholdsJson } from '../../prover/service/answers/margins.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { developmentChainBehind, FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../../prover/service/development/chain.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { castOn, configOf, deployArgs, startOtherChain } from './deployed.ts'

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
const ACCOUNT = toBeHex(1n, 20)

/** One sold put and cash, at a spot. */
function portfolioAt(spot: number, asOf: string, market: object = {}) {
  const decimal = (value: number): string => String(Number(value.toPrecision(12)))
  const svi = { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
  return {
    account: {
      cash: '16000',
      options: [
        {
          ...{ expiry: '2026-03-27', strike: decimal(spot * 0.85), type: 'put', currency: 'PEPE' },
          quantity: decimal(-141_706 / spot),
        },
      ],
    },
    market: {
      ...{ currency: 'PEPE', asOf, spot: decimal(spot), ...market },
      expiries: [{ expiry: '2026-03-27', forward: decimal(spot * 1.0066), rate: '0.04', svi }],
    },
  }
}

let chain: Awaited<ReturnType<typeof openChain>>
const answerOf = (given: object) => marginOf(readPortfolio(JSON.stringify(given), 'portfolio.json'))
const place = () => ({ rpc: chain.url, deployment: path('deployment.json') })
const land = async (given: object) => proveMargin(await answerOf(given), () => {}, { existing: place() })

beforeAll(async () => {
  writeFileSync(path('portfolio.json'), JSON.stringify(portfolioAt(4.2e-7, '2026-02-05T04:30:00Z')))
  const files = {
    keyFile: path('prover.key'),
    councilKeyFile: path('council.key'),
    deployment: path('deployment.json'),
  }
  const start = '2020-03-12 09:00:00'
  chain = await openChain({ port: 0, start, ...files, margins: path('portfolio.json'), say: () => {} })
})
afterAll(() => chain?.close())

it('V12, R113: is what the same account has at 100, held by a contract, and read in prices of one unit', async () => {
  const given = portfolioAt(4.2e-7, '2026-02-05T04:30:00Z')
  const { held, count } = await proveMargin(await answerOf(given), () => {}, { existing: place(), isCounting: true })
  const { provable } = await answerOf(portfolioAt(100, '2026-02-05T04:30:00Z'))
  expect(Number(held.initialE8) / Number(provable.margin.initialE8)).toBeCloseTo(1, 5)
  expect(Number(held.maintenanceE8) / Number(provable.margin.maintenanceE8)).toBeCloseTo(1, 5)
  await expect(
    proveMargin(await answerOf(given), () => {}, { existing: place(), isCounting: true }),
  ).rejects.toMatchObject({
    code: 'service.round-counted-already',
    message: expect.stringContaining('2026-02-05T04:30:00Z'),
  })
  const reader = await openReader(place(), [], [ACCOUNT])
  const { accounts } = await reader.read()
  reader.close()
  const { liquidationDown } = thresholdsJson(await answerOf(given))
  expect(liquidationDown).toBeLessThan(4.2e-7)
  expect(Number(accounts[0]?.liquidationBelowQuote)).toBeCloseTo(liquidationDown ?? 0, 17)
  const { report } = await auditFromChain({ ...place(), registry: chain.deployment.portfolio?.registry, say: () => {} })
  expect(report).toMatchObject({ accepted: true, margins: { length: 1 } })
  if (!('openInterest' in report)) throw new Error('An audit of margins is of a portfolio registry.')
  const answer = await answerOf(given)
  const { deltaOf, gamma, vegaPerPoint } = netGreeksOf(answer)
  const ratiosOf = ({ netDelta, netGamma }: { netDelta: number | null; netGamma: number | null }) => [
    (netDelta ?? 0) / (deltaOf.options + deltaOf.perpetuals),
    (netGamma ?? 0) / gamma,
  ]
  const { last } = report.openInterest
  if (count === undefined || last === undefined) throw new Error('The count of one account is complete.')
  const vegas = [Number(count.netVegaPerPointQuote), last.netVegaPerPoint].map((vega) => vega / vegaPerPoint)
  for (const ratio of [...ratiosOf(count), ...ratiosOf(last), ...vegas]) expect(ratio).toBeCloseTo(1, 9)
  const legs = answer.legs.map(({ leg, mark, shocked, contribution }) => [
    (Number(leg.quantityE12) / 1e12) * 1e9,
    mark,
    shocked,
    contribution,
  ])
  const audited = report.margins[0]?.legs.filter(({ mark }) => mark !== undefined) ?? []
  expect(audited.map(({ quantity, mark, shocked, contribution }) => [quantity, mark, shocked, contribution])).toEqual(
    legs,
  )
  expect(audited[0]?.leg).toMatch(/ 0\.000000\d+ (?:call|put)$/)
  const words = formatPortfolioAudit(report)
  expect(words).toMatch(/mark 0\.000000\d+ +shocked 0\.00000/)
})

it('R110: a market is deployed at its scale, and a price of one unit attested at it', async () => {
  const other = await startOtherChain(1337)
  try {
    const own = temporaryFolder()
    const cast = await castOn(other)
    const markets = [{ name: 'PEPE-USD', volatilityModel: 'ewma', firstVolatilityPercent: 75, priceUnits: 1e9 }]
    const args = deployArgs(own, other, cast, configOf(1337, cast, { markets }))
    const wrong = deployArgs(own, other, cast, configOf(1337, cast, { markets: [{ ...markets[0], priceUnits: 500 }] }))
    expect((await zkrisk(...wrong, '--yes')).stderr).toContain('markets[0].priceUnits')
    deployArgs(own, other, cast, configOf(1337, cast, { markets }))
    const awaiting = await zkrisk(...args, '--yes')
    expect(awaiting.stderr).toContain('service.awaiting-observation')
    expect(awaiting.stdout + awaiting.stderr).toContain('PEPE-USD in prices of 1,000,000,000 units')
    const keys = cast.signers.slice(0, 2).map(({ privateKey }, i) => {
      writeSecretFile(join(own, `${i}.key`), privateKey)
      return join(own, `${i}.key`)
    })
    const attest = (price: string) =>
      zkrisk(
        ...['feed', 'attest', 'PEPE-USD', price, '--rpc', other.rpc, '--deployment', join(own, 'deployment.json')],
        ...['--key-file', join(own, 'deployer.key'), '--signer-key-file', ...keys, '--json'],
      )
    const told = await attest('4.2e-7')
    expect([told.code, JSON.parse(told.stdout)]).toMatchObject([0, { outcome: 'appended', price: '0.00000042' }])
    const { feed } = JSON.parse(told.stdout)
    const source = new Contract(feed, interfaceOf('ScaledFeed'), other.provider)
    expect((await source.getFunction('latestPrice')(marketIdOf('PEPE-USD'))).toArray().slice(0, 2)).toEqual([
      42_000_000_000n,
      9n,
    ])
    expect((await attest('0.000000420000000001')).stdout).toContain('with at most 17 decimals')
  } finally {
    await other.close()
  }
})

it('R112: at another scale is refused before anything is proven, from the command line too', async () => {
  const other = portfolioAt(4.2e-7, '2026-02-05T04:32:00Z', { priceUnits: 1e8 })
  await expect(land(other)).rejects.toMatchObject({
    ...{ code: 'registry.price-scale-not-in-force', units: '100000000', unitsInForce: '1000000000' },
  })
  writeFileSync(path('other.json'), JSON.stringify(other))
  const told = await zkrisk(
    ...['margin', path('other.json'), '--prove', '--rpc', chain.url, '--deployment', path('deployment.json')],
  )
  expect(told.code).toBe(1)
  expect(told.stderr).toContain('Expected prices of 1,000,000,000 units')
})

it('R112: goes over to another scale: by the council, then the venue, then account by account; an auditor follows', async () => {
  const provider = await connectProvider(chain.url)
  const development = developmentChainBehind(provider)
  const council = development.account('council')
  const { registry = '', arrays = '' } = chain.deployment.portfolio ?? {}
  const client = await PortfolioClient.connect({ registry, provider })
  const later = portfolioAt(4.2e-7, '2026-02-05T04:35:00Z', { priceUnits: 1e8 })
  const { provable } = await answerOf(later)
  const signers = FEED_SIGNER_KEYS.map((key) => new Wallet(key).address).sort((a, b) =>
    BigInt(a) < BigInt(b) ? -1 : 1,
  )
  const authority = chain.deployment.addresses.council
  const scales = [{ marketId: marketIdOf('PEPE-USD'), scale: 8 }]
  const args = [authority, signers, FEED_THRESHOLD, 300, scales]
  const rounds = await deployContract(council, 'ScaledRounds', artifactOf('ScaledRounds'), args)
  const words = policyWordsOf(policyOf(provable))
  const sent = await new Contract(arrays, interfaceOf('RiskArrays'), council).getFunction('setRounds')(rounds, words)
  await sent.wait()
  expect(await client.priceScale()).toBe(8)
  const reported = await client.account(ACCOUNT)
  await expect(client.requireScale(8, [reported])).rejects.toMatchObject({
    ...{ code: 'registry.account-at-another-scale', account: ACCOUNT, units: '1000000000' },
  })
  const before = portfolioAt(4.2e-7, '2026-02-05T04:35:00Z')
  await expect(land(before)).rejects.toMatchObject({ code: 'registry.price-scale-not-in-force' })
  const { held } = await land(later)
  expect(Number(held.initialE8) / Number(provable.margin.initialE8)).toBe(1)
  expect((await client.account(ACCOUNT)).priceScale).toBe(8)
  const { report } = await auditFromChain({ ...place(), registry, say: () => {} })
  expect(report.failure).toBeUndefined()
  expect(report).toMatchObject({ accepted: true, margins: { length: 2 } })
  provider.destroy()
})
