/**
 * From a round to an account that can be liquidated, on the embedded chain: rounds five minutes apart, in each of them an account
 * that is below maintenance, shown by one scenario straight from the round's arrays, each event timed by stage.
 *
 *   npm run bench:liquidation                       20 rounds for accounts of 10 and of 64 options
 *   npm run bench:liquidation -- --rounds 100 --backend snarkjs
 *   npm run bench:liquidation -- --json
 *
 * Arrays serve every account of the round, so what they take is told apart: the clock of `arrays` starts when the round is
 * published and stops when they are in force, that of `witness` starts there and stops when the account is liquidatable.
 */
import { cpus, loadavg } from 'node:os'
import { toBeHex } from 'ethers'
import { readPortfolio } from '../prover/portfolio/input/schema.ts'
import { createProver, type Prover } from '../prover/proof/index.ts'
import { type ProvableMargin, provableMargin } from '../prover/portfolio/accountMargin.ts'
import { marginSizes } from '../prover/service/answers/margins.ts'
import { landArrays, proveArrays } from '../prover/service/daemon/portfolios/arrays.ts'
import { ProofMaker } from '../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../prover/service/daemon/portfolios/witness.ts'
import { startDevelopmentChain } from '../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
} from '../prover/service/development/portfolio.ts'
import { reportAccounts } from '../prover/service/development/portfolioProofs.ts'
import { loadKeys, portfolioBuildOf } from '../prover/service/workspace.ts'
import { isThere, oneOf, readFlags, whole } from './tools/flags.ts'

const START = 1_770_265_800
const SPACING_SECONDS = 300
/** Until caches and compilers are warm; not counted. */
const WARM_UP = 2
/** A call and a put at each. */
const STRIKES = [5, 32] as const
const percentiles = [50, 95] as const

const flags = readFlags({
  rounds: whole(1, 10_000, 20),
  backend: oneOf(['auto', 'native', 'snarkjs'], undefined),
  json: isThere,
})

type Event = { readonly arrays: number; readonly witness: number; readonly gas: number }

/** A short straddle at each strike, with hardly any cash, in a market that moves a little from round to round. */
function marginAt(round: number, strikes: number): ProvableMargin {
  const spot = 70_000 + 50 * (round % 7)
  const instruments = Array.from({ length: strikes }, (_, i) => `BTC-27MAR26-${54_000 + 1000 * i}`)
  const options = instruments.flatMap((name) => [`${name}-C`, `${name}-P`])
  const svi = { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
  const text = JSON.stringify({
    account: { cash: '1000', options: options.map((instrument) => ({ instrument, quantity: '-0.1' })) },
    market: {
      asOf: new Date(1000 * (START + SPACING_SECONDS * round)).toISOString(),
      spot: String(spot),
      expiries: [{ expiry: '2026-03-27T08:00:00Z', forward: String(spot + 450), rate: '0.04', svi }],
    },
  })
  return provableMargin(readPortfolio(text, 'account'), marginSizes)
}

async function timed(
  { client, models, ...development }: DevelopmentPortfolio,
  prover: Prover,
  account: string,
  provable: ProvableMargin,
): Promise<Event> {
  const round = roundWordsOf(development.deployment.marketId, [provable])
  await publishDevelopmentRound({ client, models, ...development }, round)
  const place = { client, models, round }
  const published = performance.now()
  const arrays = await proveArrays(place, new ProofMaker({ prover }, provable.arrays.length), [provable])
  await landArrays(
    place,
    [...arrays.values()].flatMap(({ proven }) => proven ?? []),
  )
  const inForce = performance.now()
  const shown = { account, provable, sequence: 1n }
  const { gasUsed } = await proveUnhealthyByArrays(place, { prover }, shown, provable.margin.worstScenario)
  const { liquidatable, ageSeconds } = await client.marginForLiquidation(account)
  if (!liquidatable || ageSeconds > SPACING_SECONDS)
    throw new Error(`${account} is not liquidatable in round ${round.asOf}.`)
  return { arrays: inForce - published, witness: performance.now() - inForce, gas: Number(gasUsed) }
}

/** The smallest value that so many percent of all do not exceed. */
const nearestRank = (all: readonly number[], percent: number): number =>
  all.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * all.length) - 1)] ?? Number.NaN

const spread = (all: readonly number[]) =>
  Object.fromEntries(percentiles.map((percent) => [`p${percent}`, Math.round(nearestRank(all, percent))]))

async function eventsOf(prover: Prover, strikes: number): Promise<readonly Event[]> {
  const keysOf = async (statement: 'riskArray' | 'scenarioWitness') => loadKeys(portfolioBuildOf(statement).name)
  const keys = { riskArray: await keysOf('riskArray'), scenarioWitness: await keysOf('scenarioWitness') }
  const chain = await startDevelopmentChain(BigInt(START - SPACING_SECONDS))
  try {
    const first = marginAt(0, strikes)
    const development = await deployDevelopmentPortfolio(chain, keys, policyOf(first))
    const account = toBeHex(1n, 20)
    await reportAccounts(development, [{ account, provable: first }])
    const events: Event[] = []
    for (let round = 0; round < flags.rounds + WARM_UP; round++) {
      events.push(await timed(development, prover, account, marginAt(round, strikes)))
    }
    return events.slice(WARM_UP)
  } finally {
    await chain.close()
  }
}

const prover = createProver({}, flags.backend)
try {
  const accounts = []
  for (const strikes of STRIKES) {
    const events = await eventsOf(prover, strikes)
    const milliseconds = {
      arrays: spread(events.map(({ arrays }) => arrays)),
      witness: spread(events.map(({ witness }) => witness)),
      both: spread(events.map(({ arrays, witness }) => arrays + witness)),
    }
    const arrays = Math.ceil(strikes / marginSizes.strikes)
    accounts.push({ options: 2 * strikes, arrays, events: events.length, gas: events[0]?.gas, milliseconds })
  }
  const figures = {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[0],
    accounts,
  }
  console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
} finally {
  await prover.close()
}
process.exit()

function textOf({
  machine,
  load,
  accounts,
}: {
  machine: string
  load: number | undefined
  accounts: readonly AccountFigures[]
}) {
  const rows = accounts.flatMap(({ options, arrays, events, gas, milliseconds }) => [
    `${options} options in ${arrays} ${arrays === 1 ? 'array' : 'arrays'}, ${events} rounds, ${gas?.toLocaleString('en')} gas`,
    ...Object.entries(milliseconds).map(
      ([stage, of]) =>
        `  ${stage.padEnd(10)}${Object.entries(of)
          .map(([name, ms]) => `  ${name} ${String(ms).padStart(6)} ms`)
          .join('')}`,
    ),
  ])
  return [`${machine}, load ${load?.toFixed(1)}`, ...rows].join('\n')
}

type AccountFigures = {
  readonly options: number
  readonly arrays: number
  readonly events: number
  readonly gas: number | undefined
  readonly milliseconds: Readonly<Record<string, Readonly<Record<string, number>>>>
}
