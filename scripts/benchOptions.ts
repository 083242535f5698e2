/**
 * What pricing options and margining accounts takes, measured in one run:
 *
 *   npm run bench:options [-- --runs 3] [-- --points 3000] [-- --json]
 *
 * 1. constraints of each part, and the accuracy that they buy, against Black-76 to 150 bits
 * 2. strikes proven a second by each backend that is there, arrays of a recorded chain (../shared) or of a made-up expiry
 * 3. gas of a margin of 16, 32, 64 and 127 options: the same margin computed in Solidity, ours alone, ours in a full batch,
 *    with and without the arrays that all accounts of a round share
 *
 * Exits 0 only if 64 options in a full batch take at most 1/50 of the gas that Solidity takes.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { portfolioBuilds, sizeOf } from '../circuits/statements/index.ts'
import { lnDown } from '../prover/math/index.ts'
import { CALL_BITS, gridPrice, priceCall, SHOCKED_VOLATILITY, UNSHOCKED_VOLATILITY } from '../prover/options/black.ts'
import { POINTS } from '../prover/options/grid.ts'
import type { ExpiryMarket, PricingPolicy } from '../prover/options/riskArray.ts'
import { type Backend, type CircuitKeys, createProver } from '../prover/proof/index.ts'
import { isNativeBuilt, nativeFolder } from '../prover/proof/backends/nativeBuild.ts'
import { loadKeys, portfolioBuildOf } from '../prover/service/workspace.ts'
import { stateRiskArray } from '../prover/statement/riskArray.ts'
import { PRECISION, real, referenceLn, referenceNormalCdf } from './tools/cases/reference.ts'
import { logUniform, uniform, usualMarket, usualPolicy } from './tools/cases/expiries.ts'
import { Random } from './tools/cases/random.ts'
import { PortfolioEngine } from './tools/chains/portfolioEngine.ts'
import { measurePortfolioGas } from './tools/chains/portfolioGas.ts'
import { oneExpiryInput, startMarginEngine } from './tools/chains/solidityMargin.ts'
import { NOWHERE } from './tools/benchInputs.ts'
import { circuitFolder, constraintsOf } from './buildCircuits.ts'
import { largestChain, marketsOfChain } from './tools/chainArrays.ts'
import { root } from './tools/sources.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

/** How much less gas than Solidity a margin of 64 options in a full batch takes at least. */
const BAR = 50
const BAR_OPTIONS = 64
const SIZES = [16, 32, BAR_OPTIONS, 127] as const

const flags = readFlags({ runs: whole(1, 1_000, 3), points: whole(4, 10_000_000, 3_000), json: isThere })
const say = (line = ''): void => {
  if (!flags.json) console.log(line)
}
const thousands = (value: number): string => Math.round(value).toLocaleString('en')

// Constraints

type Rows = Readonly<Record<string, number>>

function constraints(): Rows {
  const snapshot = (name: string): Rows =>
    JSON.parse(readFileSync(join(root, 'test', 'snapshots', `${name}.json`), 'utf8'))
  const options = snapshot('options')
  const portfolio = snapshot('portfolio')
  const of = (rows: Rows, name: string): number => rows[name] ?? Number.NaN
  // The unshocked scenario at the mark costs nothing.
  const points =
    of(options, 'MarkPoint()') +
    8 * of(options, 'ScenarioPoint(24)') +
    (POINTS - 10) * of(options, 'ScenarioPoint(22)') +
    of(options, 'TotalVolatilities()')
  const whole: Record<string, number> = {}
  for (const build of portfolioBuilds)
    whole[`all of ${build.name}`] = constraintsOf({ report: join(circuitFolder(build.name), 'report.txt') })
  return {
    'scenario price, d1 decomposed': of(options, 'ScenarioPrice()'),
    'scenario price from logarithms and volatility': of(options, 'ScenarioPoint(22)'),
    'the same, unshocked volatility': of(options, 'ScenarioPoint(24)'),
    'grid point with its share of five volatilities': points / (POINTS - 1),
    'mark of a strike with five Greeks': of(options, 'MarkPoint()'),
    'segment of a book, its array opened': ['ArrayRoot(5)', 'BookSegment(5)', 'SegmentOrder()']
      .map((part) => of(portfolio, part))
      .reduce((a, b) => a + b),
    'closing of an expiry, its header apart': of(portfolio, 'BookClosing(8)'),
    'account of a margin': of(portfolio, 'PortfolioMargin(3)') - of(portfolio, 'PortfolioMargin(2)'),
    'account of margins alone': (of(portfolio, 'MarginsAlone(5)') - of(portfolio, 'MarginsAlone(2)')) / 3,
    ...whole,
  }
}

// Accuracy

/** Greatest errors over the larger of forward and strike. */
type Accuracy = { readonly from: number; readonly to: number; mark: number; shocked: number; unshocked: number }

const ONE = 1n << PRECISION
/** Beyond, a tail is below 10^-19. */
const TAIL = 9n * ONE

/** Total volatilities between powers of two: a second before expiry, ordinary ones, and beyond all reason. */
const VOLATILITY_RANGES = [
  [-17, -10],
  [-10, -6],
  [-6, 0],
  [0, 4],
] as const

function accuracy(count: number): readonly Accuracy[] {
  return VOLATILITY_RANGES.map(([from, to], i) => {
    const random = new Random(BigInt(i) + 77n)
    const found: Accuracy = { from, to, mark: 0, shocked: 0, unshocked: 0 }
    for (let done = 0; done < count / VOLATILITY_RANGES.length; ) {
      const v = logUniform(random, 2 ** from, 2 ** to)
      const forward = BigInt(Math.floor(logUniform(random, 1e8, 1.5e14)))
      const spread = Math.min(9.2, 8 * v + (v * v) / 2)
      const strike = BigInt(Math.floor(Number(forward) * Math.exp(uniform(random, -spread, spread))))
      if (strike < 1n || strike >= 1n << 48n) continue
      done++
      compare(found, forward, strike, BigInt(Math.floor(v * 2 ** 40)))
    }
    return found
  })
}

function compare(found: Accuracy, forward: bigint, strike: bigint, volatilityX40: bigint): void {
  const v = real(volatilityX40, 40)
  const d1 = ((referenceLn(forward) - referenceLn(strike)) * ONE) / v + v / 2n
  const exact = forward * cdf(d1) - strike * cdf(d1 - v)
  const larger = Number(forward > strike ? forward : strike)
  const errorOf = (call: bigint): number => Math.abs(Number(real(call, CALL_BITS) - exact) / larger / Number(ONE))
  const logarithm = lnDown(forward, 26) - (lnDown(strike, 36) >> 10n)
  const scenario = (precision: typeof SHOCKED_VOLATILITY | typeof UNSHOCKED_VOLATILITY): bigint =>
    gridPrice(forward, strike, logarithm, volatilityX40, precision).call
  found.mark = Math.max(found.mark, errorOf(priceCall(forward, strike, volatilityX40)))
  found.shocked = Math.max(found.shocked, errorOf(scenario(SHOCKED_VOLATILITY)))
  found.unshocked = Math.max(found.unshocked, errorOf(scenario(UNSHOCKED_VOLATILITY)))
}

function cdf(x: bigint): bigint {
  if (x > TAIL) return ONE
  if (x < -TAIL) return 0n
  return x < 0n ? ONE - referenceNormalCdf(-x) : referenceNormalCdf(x)
}

// Proving

type Pricing = {
  readonly surface: ExpiryMarket
  readonly policy: PricingPolicy
  readonly strikesE8: readonly bigint[]
  readonly strikes: number
}
type Proving = { readonly backend: Backend; readonly runs: readonly Readonly<Record<string, number>>[] }

function arraysToProve(count: number): { readonly source: string; readonly arrays: readonly Pricing[] } {
  const chain = largestChain()
  if (chain !== undefined) {
    const all = marketsOfChain(chain).flatMap(({ arrays, pricingPolicy: policy }) =>
      arrays
        .filter(({ strikes }) => strikes === sizeOf(portfolioBuildOf('riskArray'), 'strikes'))
        .map((array) => ({ ...array, policy })),
    )
    const some = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as Pricing)
    return { source: basename(chain), arrays: some }
  }
  const strikes = sizeOf(portfolioBuildOf('riskArray'), 'strikes')
  const arrays = Array.from({ length: count }, (_, i): Pricing => {
    const strikesE8 = Array.from({ length: strikes }, (_, s) => BigInt(60_000 + 1_000 * (i * strikes + s)) * 10n ** 8n)
    return { surface: usualMarket, policy: usualPolicy, strikesE8, strikes }
  })
  return { source: 'a made-up expiry of 30 days', arrays }
}

/** A proof after the other in a warm prover; the first, which loads the keys, does not count. */
async function proving(backend: Backend, keys: CircuitKeys, arrays: readonly Pricing[]): Promise<Proving> {
  const prover = createProver({}, backend)
  const runs: Record<string, number>[] = []
  try {
    for (const [i, { surface, policy, strikesE8 }] of arrays.entries()) {
      const started = performance.now()
      const { circuitInput } = await stateRiskArray(portfolioBuildOf('riskArray'), NOWHERE, surface, policy, strikesE8)
      const twin = performance.now() - started
      const { timings, backend: by } = await prover.prove(keys, circuitInput)
      if (by !== backend) throw new Error(`${by} proved instead of ${backend}; its warning says why.`)
      const { witness, proof, verify, total } = timings
      if (i > 0) runs.push({ twin, witness, proof, verify, total: twin + total })
    }
    return { backend, runs }
  } finally {
    await prover.close()
  }
}

// Gas

type GasRow = {
  readonly options: number
  readonly solidity: number
  readonly alone: number
  readonly batched: number
  readonly arrays: number
  readonly accounts: number
}

async function gasRows(): Promise<readonly GasRow[]> {
  const peer = await startMarginEngine()
  const engine = await PortfolioEngine.start(portfolioBuilds)
  const rows: GasRow[] = []
  for (const options of SIZES) {
    const { gas: solidity } = await peer.margins(oneExpiryInput(options))
    const ours = await measurePortfolioGas(engine, options)
    rows.push({
      options,
      solidity: Number(solidity),
      alone: ours.oneAccount,
      batched: ours.fullBatch / ours.accounts,
      arrays: ours.oneArray + ours.otherArrays,
      accounts: ours.accounts,
    })
  }
  return rows
}

/** From how many accounts on, in full batches, a round's arrays and their margins take 1/`times` of Solidity's gas. */
function paidBack({ solidity, batched, arrays }: GasRow, times: number): number {
  const saved = solidity / times - batched
  return saved > 0 ? Math.max(1, Math.ceil(arrays / saved)) : Number.POSITIVE_INFINITY
}

const accounts = (count: number): string => (Number.isFinite(count) ? String(count) : 'never')

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN

say(`bench:options, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`)
const rows = constraints()
say('\nConstraints (--O2)')
for (const [part, count] of Object.entries(rows))
  say(`  ${part.padEnd(50)}${count.toFixed(count % 1 ? 1 : 0).padStart(9)}`)

const points = flags.points
const errors = accuracy(points)
const precise = {
  mark: rows['mark of a strike with five Greeks'],
  shocked: rows['scenario price from logarithms and volatility'],
  unshocked: rows['the same, unshocked volatility'],
}
say(`\nGreatest error of ${thousands(points)} random prices over the larger of forward and strike, by total volatility`)
say(`  ${''.padEnd(24)}${'mark'.padStart(12)}${'shocked'.padStart(12)}${'unshocked'.padStart(12)}`)
say(
  `  ${'constraints'.padEnd(24)}${String(precise.mark).padStart(12)}${String(precise.shocked).padStart(12)}${String(precise.unshocked).padStart(12)}`,
)
for (const { from, to, ...each } of errors) {
  const cells = [each.mark, each.shocked, each.unshocked].map((error) => error.toExponential(1).padStart(12))
  say(`  ${`2^${from} to 2^${to}`.padEnd(24)}${cells.join('')}`)
}

const keys = await loadKeys(portfolioBuildOf('riskArray').name)
const { source, arrays } = arraysToProve(1 + flags.runs)
const strikes = sizeOf(portfolioBuildOf('riskArray'), 'strikes')
const backends: readonly Backend[] = isNativeBuilt(nativeFolder) ? ['native', 'snarkjs'] : ['snarkjs']
const proofs: Proving[] = []
say(`\nArrays of ${strikes} strikes proven one after the other, warm, ${source}; medians in ms`)
say(
  `  ${''.padEnd(10)}${['twin', 'witness', 'proof', 'verify', 'total', 'strikes/s'].map((head) => head.padStart(11)).join('')}`,
)
for (const backend of backends) {
  const each = await proving(backend, keys, arrays)
  proofs.push(each)
  const of = (part: string): number => median(each.runs.map((run) => run[part] ?? Number.NaN))
  const cells = ['twin', 'witness', 'proof', 'verify', 'total'].map((part) => of(part).toFixed(0))
  cells.push(((1000 * strikes) / of('total')).toFixed(2))
  say(`  ${backend.padEnd(10)}${cells.map((cell) => cell.padStart(11)).join('')}`)
}

const gas = await gasRows()
say('\nGas of an account’s margin; in brackets how many times less than Solidity')
say(
  `  ${'options'.padEnd(9)}${['Solidity', 'ours alone', 'in a full batch', 'alone, with arrays', 'arrays'].map((head) => head.padStart(20)).join('')}`,
)
for (const row of gas) {
  const times = (ours: number): string => `${thousands(ours)} (${(row.solidity / ours).toFixed(1)})`
  const cells = [
    thousands(row.solidity),
    times(row.alone),
    times(row.batched),
    times(row.alone + row.arrays),
    thousands(row.arrays),
  ]
  say(`  ${String(row.options).padEnd(9)}${cells.map((cell) => cell.padStart(20)).join('')}`)
}
say('\nGas an option')
for (const row of gas) {
  const per = (value: number): string => thousands(value / row.options)
  say(
    `  ${String(row.options).padEnd(9)}Solidity ${per(row.solidity)}, alone ${per(row.alone)}, in a full batch ${per(row.batched)}, alone with arrays ${per(row.alone + row.arrays)}`,
  )
}
say('\nAccounts, in full batches, from which on a round’s arrays are paid back')
for (const row of gas)
  say(
    `  ${String(row.options).padEnd(9)}less than Solidity: ${accounts(paidBack(row, 1))}; ${BAR} times less: ${accounts(paidBack(row, BAR))}`,
  )

const judged = gas.find(({ options }) => options === BAR_OPTIONS)
const reached = (judged?.solidity ?? 0) / (judged?.batched ?? Number.NaN)
say(
  `\n${BAR_OPTIONS} options in a full batch: ${reached.toFixed(1)} times less gas than Solidity, arrays apart; the bar is ${BAR}`,
)
if (flags.json) {
  const paid = gas.map((row) => ({ options: row.options, cheaper: paidBack(row, 1), barReached: paidBack(row, BAR) }))
  console.log(JSON.stringify({ constraints: rows, accuracy: errors, source, proofs, gas, paid, reached }, null, 2))
}
// The chains' in-process nodes would keep this process alive.
process.exit(reached >= BAR ? 0 : 1)
