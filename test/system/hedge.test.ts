/** The agent on open interest that was proven: nothing is traded before the last account was counted, then minus what all of them come to. */
import { Contract, type Signer, toBeHex } from 'ethers'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProvableMargin, provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import { artifactOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import { revertDataOf } from '../../prover/registry/contractErrors.ts'
import { expiriesHashOf, type RoundWords } from '../../prover/registry/portfolio/rounds.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { landMargins, proveMargins } from '../../prover/service/daemon/portfolios/margins.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
} from '../../prover/service/development/portfolio.ts'
import { reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { deployToken, deployUniswap, UniswapPool } from '../../prover/service/development/uniswapPool.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { readPeriods } from '../../scripts/tools/hedge/periods.ts'
import { hedgeRules } from '../../scripts/tools/chains/hedgingEngine.ts'
import { run } from '../service/zkrisk.ts'

const market = { asOf: '2026-02-05T04:30:00Z', spot: '70853.26', perpPrice: '70840' }
const SPOT_E8 = 7_085_326_000_000n
const E18 = 10n ** 18n
const holding = (quantity: string): ProvableMargin =>
  provableMargin(
    readPortfolio(JSON.stringify({ account: { cash: '200000', perps: { quantity } }, market }), 'account.json'),
    marginSizes,
  )
/** Three accounts, a quarter short together. */
const held = [holding('-1.5'), holding('1'), holding('0.25')] as const
const addresses = [1n, 7n, 8n].map((n) => toBeHex(n, 20))

let chain: DevelopmentChain
let development: DevelopmentPortfolio
let prover: Prover
let round: RoundWords
let pool: UniswapPool
let agent: Contract

beforeAll(async () => {
  const { portfolioMargin } = await loadPortfolioKeys()
  chain = await startDevelopmentChain(held[0].round.asOf - 3_600n)
  development = await deployDevelopmentPortfolio(chain, { portfolioMargin }, policyOf(held[0]))
  prover = createProver()
  const council = chain.account('council')
  pool = await poolAt(council)
  agent = await agentIn(pool, council)
  const accounts = addresses.map((account, i) => ({ account, provable: held[i] as ProvableMargin }))
  await reportAccounts(development, accounts)
  round = roundWordsOf(development.deployment.marketId, held)
  await publishDevelopmentRound(development, round)
})

afterAll(async () => {
  await prover.close()
  await chain.close()
})

async function poolAt(owner: Signer): Promise<UniswapPool> {
  const asset = await deployToken(owner, 'ASSET', 18)
  const cash = await deployToken(owner, 'CASH', 6)
  for (const token of [asset, cash]) await mined(token.getFunction('mint')(await owner.getAddress(), 10n ** 27n))
  const terms = { asset, cash, feePips: 3_000n, priceE8: SPOT_E8, observations: 8 }
  const made = await UniswapPool.create(await deployUniswap(owner), owner, terms)
  await made.admit(owner)
  await made.provide(owner, 6_000n, { asset: 1_000n * E18, cash: 10n ** 14n })
  return made
}

async function agentIn({ pool: place, asset, cash, uniswap }: UniswapPool, council: Signer): Promise<Contract> {
  const { registry } = development.deployment
  const own = new Contract(registry, interfaceOf('PortfolioRegistry'), council)
  const authority = await own.getFunction('authority')()
  const args = [authority, await development.client.counts(), uniswap.factory, place, asset, hedgeRules]
  const address = await deployContract(council, 'HedgingAgent', artifactOf('HedgingAgent'), args)
  const made = new Contract(address, interfaceOf('HedgingAgent'), council)
  for (const [token, name, amount] of [
    [asset, 'fundAsset', 10n * E18],
    [cash, 'fundCash', 10n ** 12n],
  ] as const) {
    await mined(token.getFunction('approve')(address, amount))
    await mined(made.getFunction(name)(amount))
  }
  return made
}

const roundArgument = () => ({ asOf: round.asOf, expiriesHash: expiriesHashOf(round), marketWords: round.market })

async function refusal(): Promise<string | undefined> {
  try {
    await agent.getFunction('rebalance').staticCall(roundArgument())
    return undefined
  } catch (error) {
    const data = revertDataOf(error) ?? '0x'
    const known = [interfaceOf('HedgingAgent'), interfaceOf('OpenInterest')]
    return known.map((each) => each.parseError(data)?.name).find((name) => name !== undefined) ?? data
  }
}

/** Proves and lands margins of some of the accounts, which counts them. */
async function count(places: readonly number[]): Promise<void> {
  const { client, models } = development
  const place = { client, models, round }
  const reported = await Promise.all(places.map((i) => client.account(addresses[i] as string)))
  const some = places.map((i) => held[i] as ProvableMargin)
  const batches = await proveMargins(place, new ProofMaker({ prover }, 1), some, reported)
  const books = reported.map((each) => ({ ...each, books: [] }))
  await landMargins(place, books, batches)
}

describe('R169: a hedge of what was proven', () => {
  it('waits until every account was counted, and is then minus what all of them come to', async () => {
    expect(await refusal()).toBe('OpenInterestNotComplete')
    await development.client.openCount(round)
    expect(await refusal()).toBe('OpenInterestNotComplete')
    await count([0, 1])
    expect(await refusal()).toBe('OpenInterestNotComplete')
    await count([2])
    expect(await refusal()).toBeUndefined()
    const { deltaE12 } = await development.client.openInterest()
    expect(deltaE12).toBe(-(10n ** 12n) / 4n)
    await mined(agent.getFunction('rebalance')(roundArgument()))
    const { assetHeld, neutralAmount } = (await agent.getFunction('holdings')()).toObject()
    expect(assetHeld - neutralAmount).toBe(E18 / 4n)
    expect(await refusal()).toBe('GapWithinBand')
  })
})

const root = join(import.meta.dirname, '..', '..')
const isPresent = existsSync(join(root, '..', 'shared', 'data', 'prices'))

describe('R169: the campaign', () => {
  it(`at CI size trades, prints costs and says how much of the variance is left${isPresent ? '' : ' (of the extract alone)'}`, async () => {
    const script = join(root, 'scripts', 'campaignHedge.ts')
    const { code, stdout } = await run(process.execPath, [script, '--prices', '8', '--json'])
    expect(code).toBe(0)
    const outcomes = JSON.parse(stdout)
    expect(outcomes).toHaveLength(isPresent ? 4 : 1)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ prices: 8, options: 24 })
      expect(outcome.varianceRatio).toBeGreaterThan(0)
      // Every call but the last of a price either traded or was refused by name.
      const refused = Object.values<number>(outcome.refused).reduce((sum, count) => sum + count, 0)
      expect(outcome.trades + refused).toBeGreaterThanOrEqual(8)
      for (const cost of ['fees', 'gas']) expect(outcome.costs[cost] > 0).toBe(outcome.trades > 0)
    }
    // The extract begins calm: its first prices stay within the band.
    expect(outcomes.some(({ trades }: { readonly trades: number }) => trades > 0)).toBe(isPresent)
  })

  it.each([
    ['--prices', '2', 3, 1_000_000],
    ['--prices', '1.5', 3, 1_000_000],
    ['--seed', 'x', 0, 999_999_999],
  ])('refuses %s %s in a line', async (flag, value, least, most) => {
    const { code, stderr } = await run(process.execPath, [join(root, 'scripts', 'campaignHedge.ts'), flag, value])
    expect(code).toBe(2)
    expect(stderr).toBe(`${flag}: expected a whole number from ${least} to ${most}, got '${value}'. [scripts.flag]\n`)
  })

  it('has the extract of March 2020 where no long histories are', () => {
    const [period, ...others] = readPeriods(1n, join(root, 'nowhere'))
    expect(others).toEqual([])
    expect(period?.steps).toHaveLength(168)
    expect(
      period?.book.every(({ quantity, expiry }) => quantity < 0 && expiry > (period.steps.at(-1)?.asOf ?? 0n)),
    ).toBe(true)
    expect(
      period?.steps.every(({ options }) => options.every(({ volatility }) => volatility > 0.1 && volatility < 10)),
    ).toBe(true)
  })
})
