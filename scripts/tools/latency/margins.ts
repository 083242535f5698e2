/** From a round's block to the blocks in which an account's margin, or that it can be liquidated, is in force. */
import { toBeHex } from 'ethers'
import { type ProvableMargin, provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../../prover/portfolio/input/schema.ts'
import type { Prover } from '../../../prover/proof/index.ts'
import { connectProvider, type Landed } from '../../../prover/registry/index.ts'
import { marginSizes } from '../../../prover/service/answers/margins.ts'
import { landArrays, proveArrays } from '../../../prover/service/daemon/portfolios/arrays.ts'
import { landTogether, provePortfolios } from '../../../prover/service/daemon/portfolios/portfolios.ts'
import { ProofMaker } from '../../../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../../../prover/service/daemon/portfolios/witness.ts'
import { developmentChainBehind, serveDevelopmentChain } from '../../../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
} from '../../../prover/service/development/portfolio.ts'
import { reportAccounts } from '../../../prover/service/development/portfolioProofs.ts'
import { loadKeys, portfolioBuildOf } from '../../../prover/service/workspace.ts'
import { BlockTimes, mineEvery } from './blockTimes.ts'
import { type Latencies, latenciesOf } from './spread.ts'

const START = 1_770_265_800
const SPACING_SECONDS = 300
const WARM_UP = 2
/** A call and a put at each, all in one array. */
const STRIKES = 5
const ACCOUNT = toBeHex(1n, 20)
const statements = ['riskArray', 'optionBook', 'portfolioMargin', 'arrayMargin', 'scenarioWitness'] as const

/** Short straddles in a market that moves a little from round to round; whether cash bears them. */
function provableAt(round: number, cash: string): ProvableMargin {
  const spot = 70_000 + 50 * (round % 7)
  const instruments = Array.from({ length: STRIKES }, (_, i) => `BTC-27MAR26-${66_000 + 2000 * i}`)
  const options = instruments.flatMap((name) => [`${name}-C`, `${name}-P`])
  const svi = { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
  const text = JSON.stringify({
    account: { cash, options: options.map((instrument) => ({ instrument, quantity: '-0.1' })) },
    market: {
      asOf: new Date(1000 * (START + SPACING_SECONDS * round)).toISOString(),
      spot: String(spot),
      expiries: [{ expiry: '2026-03-27T08:00:00Z', forward: String(spot + 450), rate: '0.04', svi }],
    },
  })
  return provableMargin(readPortfolio(text, 'account'), marginSizes)
}

type Measure = (
  development: DevelopmentPortfolio,
  prover: Prover,
  provable: ProvableMargin,
  clock: Clock,
) => Promise<Readonly<Record<string, number>>>

/** Times of blocks, and the block of the round. */
type Clock = { readonly round: number; of(block: number): Promise<number> }

/** The account's margin, its arrays with it in one block where they come into it. */
export const marginLatencies = (prover: Prover, rounds: number, blockSeconds: number): Promise<Latencies> =>
  latencies('an account’s margin', '1000000', marginOnce, prover, rounds, blockSeconds)

/** An account below maintenance, until the registry says that it can be liquidated. */
export const liquidationLatencies = (prover: Prover, rounds: number, blockSeconds: number): Promise<Latencies> =>
  latencies('an account below maintenance', '1000', liquidationOnce, prover, rounds, blockSeconds)

const marginOnce: Measure = async ({ client, models, deployment }, prover, provable, clock) => {
  const round = roundWordsOf(deployment.marketId, [provable])
  let proven = 0
  const proving = { prover, onProof: () => (proven = performance.now()) }
  const accounts = [{ account: ACCOUNT, provable }]
  const { landed } = await provePortfolios({ client, models, round }, proving, accounts, 'all', landTogether)
  return { proofs: proven - clock.round, block: (await clock.of(lastOf(landed.margins).block)) - proven }
}

const liquidationOnce: Measure = async ({ client, models, deployment }, prover, provable, clock) => {
  const round = roundWordsOf(deployment.marketId, [provable])
  const place = { client, models, round }
  const arrays = await proveArrays(place, new ProofMaker({ prover }, provable.arrays.length), [provable])
  const proven = [...arrays.values()].flatMap((each) => each.proven ?? [])
  const landed = lastOf(await landArrays(place, proven))
  const inForce = await clock.of(landed.block)
  const shown = { account: ACCOUNT, provable, sequence: 1n }
  const { block } = await proveUnhealthyByArrays(place, { prover }, shown, provable.margin.worstScenario)
  const { liquidatable } = await client.marginForLiquidation(ACCOUNT)
  if (!liquidatable) throw new Error(`The account is not liquidatable in round ${round.asOf}.`)
  return { arrays: inForce - clock.round, witness: (await clock.of(block)) - inForce }
}

function lastOf(landed: readonly Landed[]): Landed {
  const last = landed.at(-1)
  if (last === undefined) throw new Error('Nothing landed.')
  return last
}

async function latencies(
  of: string,
  cash: string,
  measure: Measure,
  prover: Prover,
  rounds: number,
  blockSeconds: number,
): Promise<Latencies> {
  const server = await serveDevelopmentChain(BigInt(START - SPACING_SECONDS), 0)
  const provider = await connectProvider(server.url)
  const blocks = new BlockTimes(provider)
  try {
    const keys = await Promise.all(
      statements.map(async (each) => [each, await loadKeys(portfolioBuildOf(each).name)] as const),
    )
    const first = provableAt(0, cash)
    const chain = developmentChainBehind(provider)
    const development = await deployDevelopmentPortfolio(chain, Object.fromEntries(keys), policyOf(first))
    await reportAccounts(development, [{ account: ACCOUNT, provable: first }])
    await mineEvery(provider, blockSeconds)
    const measured: Readonly<Record<string, number>>[] = []
    for (let i = 0; i < rounds + WARM_UP; i++) {
      const provable = provableAt(i, cash)
      await publishDevelopmentRound(development, roundWordsOf(development.deployment.marketId, [provable]))
      const { rounds: source } = development.deployment
      const head = await provider.getBlockNumber()
      const published = (await provider.getLogs({ address: source, fromBlock: head - 1 })).at(-1)?.blockNumber ?? head
      const clock = { round: await blocks.of(published), of: (block: number) => blocks.of(block) }
      measured.push(await measure(development, prover, provable, clock))
    }
    return latenciesOf(of, measured.slice(WARM_UP))
  } finally {
    blocks.close()
    provider.destroy()
    await server.close()
  }
}
