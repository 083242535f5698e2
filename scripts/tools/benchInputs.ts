/** What benchmarks give circuits: batches with every slot taken, and the portfolio of docs/examples. */
import { portfolioBuildOf } from '../../prover/service/workspace.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Build,
  type BuildName,
  COLLATERALS,
  marketBuilds,
  type MarketBuildName,
  sizeOf,
  volatilityModelOf,
} from '../../circuits/statements/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { INITIAL_MULTIPLIER_X18 } from '../../prover/parameters/defaultPolicy.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
} from '../../prover/parameters/policy.ts'
import { volatilityModelOfId } from '../../prover/volatility/models.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import type { CircuitInput } from '../../prover/proof/index.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { type MarketRiskBatch, stateBatch } from '../../prover/statement/marketRisk.ts'
import { stateArrayMargin } from '../../prover/statement/arrayMargin.ts'
import { stateCrossMargins } from '../../prover/statement/crossMargins.ts'
import { stateBook } from '../../prover/statement/optionBook.ts'
import type { StatementContext } from '../../prover/statement/challenge.ts'
import { stateMargins, stateWitness } from '../../prover/statement/portfolioMargin.ts'
import { shardBook, wholeShard } from '../../prover/portfolio/sharding.ts'
import { stateScenarioWitness } from '../../prover/statement/scenarioWitness.ts'
import { stateRiskArray } from '../../prover/statement/riskArray.ts'
import { root } from './sources.ts'

/** A registry that no chain has. */
export const NOWHERE: StatementContext = {
  chainId: 31337n,
  registry: `0x${'00'.repeat(19)}01`,
  modelId: `0x${'00'.repeat(31)}02`,
  subject: [`0x${'00'.repeat(31)}03`],
}

/** As many markets and observations as the build takes; another seed has other prices. */
export function fullBatch(build: Build, seed = 0): MarketRiskBatch {
  const engine = encodeEnginePolicy(defaultEnginePolicy)
  const policy = encodeMarketPolicy(defaultMarketPolicy)
  const asOf = 1_583_971_200n
  const model = volatilityModelOfId(volatilityModelOf(build))
  const markets = Array.from({ length: sizeOf(build, 'markets') }, (_, i) => {
    const priceE8 = BigInt(7_900_00000000 - i * 100_00000000)
    const observations = Array.from({ length: sizeOf(build, 'observations') }, (_, k) => ({
      priceE8: (priceE8 * BigInt(10_000 - (k % 2 === 0 ? 120 : 260) - seed)) / 10_000n,
      asOf: asOf + 1_800n * BigInt(k + 1),
      impliedVolatilityX16: 0n,
      rangeCode: 0n,
    }))
    const previous = initialState(model, { priceE8, asOf }, 13_421_773n, INITIAL_MULTIPLIER_X18, {
      ...engine,
      market: policy,
    })
    return { marketId: marketIdOf(`M${i}-USD`), sequence: 1n, previous, observations, policy }
  })
  const { chainId, registry, modelId } = NOWHERE
  return { build, chainId, registry, modelId, ...engine, markets }
}

/** An input of every build. */
export async function buildInputs(): Promise<Readonly<Record<BuildName, CircuitInput>>> {
  const batch = async (build: Build): Promise<CircuitInput> => (await stateBatch(fullBatch(build))).circuitInput
  const ofMarkets = await Promise.all(marketBuilds.map(async (build) => [build.name, await batch(build)] as const))
  return { ...(Object.fromEntries(ofMarkets) as Record<MarketBuildName, CircuitInput>), ...(await portfolioInputs()) }
}

async function portfolioInputs(): Promise<Readonly<Record<Exclude<BuildName, MarketBuildName>, CircuitInput>>> {
  const file = join(root, 'docs', 'examples', 'short-strangle.json')
  const { arrays, positions, chain, account, round, margin, ...policies } = provableMargin(
    readPortfolio(readFileSync(file, 'utf8'), file),
    marginSizes,
  )
  const { pricingPolicy, marginPolicy } = policies
  const stated = await Promise.all(
    arrays.map(({ surface, strikesE8 }) =>
      stateRiskArray(portfolioBuildOf('riskArray'), NOWHERE, surface, pricingPolicy, strikesE8),
    ),
  )
  const shard = chain.shards[0] as (typeof chain.shards)[number]
  const rootOf = (array: object): bigint => stated[arrays.findIndex((each) => each.array === array)]?.arrayRoot ?? 0n
  const roots = shard.segments.map(({ array }) => rootOf(array))
  const witness = portfolioBuildOf('scenarioWitness')
  const inWitness = { segments: sizeOf(witness, 'arrays'), expiries: sizeOf(witness, 'expiries') }
  const priced = arrays.map(({ array }) => array)
  const { segments } = shardBook(positions, priced, inWitness).shards[0] as (typeof chain.shards)[number]
  const accounts = [account, account, account]
  const inOneExpiry = portfolioBuildOf('arrayMargin')
  const { expiry } = positions[0] as (typeof positions)[number]
  const few = wholeShard(
    positions.filter((each) => each.expiry === expiry),
    priced,
    {
      segments: sizeOf(inOneExpiry, 'arrays'),
      expiries: sizeOf(inOneExpiry, 'expiries'),
    },
  )
  // Its cash gone and as much again owed, the account is short in its worst scenario.
  const cashE12 = account.holdings.cashE12 - 10n ** 18n
  const poor = { ...account, holdings: { ...account.holdings, cashE12 } }
  const market = { round, policy: marginPolicy }
  const { collateralsE12, ...holdings } = account.holdings
  const part = { book: account.book, holdings }
  const crossAccount = { parts: [part, part], collateralsE12 }
  const inputOf = ({ circuitInput }: { readonly circuitInput: object }) => circuitInput as CircuitInput
  return {
    riskArray5: inputOf(stated[0] as (typeof stated)[number]),
    optionBook8x5: inputOf(await stateBook(portfolioBuildOf('optionBook'), NOWHERE, shard, roots)),
    portfolioMargin3: inputOf(
      await stateMargins(portfolioBuildOf('portfolioMargin'), NOWHERE, accounts, round, marginPolicy),
    ),
    marginsAlone5: inputOf(
      await stateMargins(
        portfolioBuildOf('marginsAlone'),
        NOWHERE,
        [...accounts, account, account],
        round,
        marginPolicy,
      ),
    ),
    arrayMargin2x5: inputOf(
      await stateArrayMargin(
        inOneExpiry,
        NOWHERE,
        {
          segments: few.segments,
          arrayRoots: few.segments.map(({ array }) => rootOf(array)),
          holdings: account.holdings,
        },
        round,
        marginPolicy,
      ),
    ),
    crossMargins2x2: inputOf(
      await stateCrossMargins(
        portfolioBuildOf('crossMargins'),
        NOWHERE,
        [crossAccount, crossAccount],
        [market, market],
        { collateralMarkets: new Array<bigint>(COLLATERALS).fill(0n), creditsX40: [0n, 0n] },
      ),
    ),
    unhealthyWitness: inputOf(
      await stateWitness(
        portfolioBuildOf('unhealthyWitness'),
        NOWHERE,
        poor,
        round,
        marginPolicy,
        margin.worstScenario,
      ),
    ),
    scenarioWitness13x5: inputOf(
      await stateScenarioWitness(
        witness,
        NOWHERE,
        { segments, arrayRoots: segments.map(({ array }) => rootOf(array)), holdings: poor.holdings },
        round,
        marginPolicy,
        margin.worstScenario,
      ),
    ),
  }
}
