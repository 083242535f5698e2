/**
 * A whole round of a venue over a recorded option chain, BTC and ETH: seeded accounts of realistic books, every array, book and
 * margin proven, landed and counted, until the open interest is complete; then the next round with only what moved; all of it
 * audited from chain data alone.
 *
 *   npm run campaign:round                          1,000 accounts in the largest chain of ../shared/data/options/deribit-2026
 *   npm run campaign:round -- --accounts 40         a smaller one; tests run it with 2
 *   npm run campaign:round -- --chain <file> --seed 2
 *   npm run campaign:round -- --json
 *
 * In the next round, a minute later, spot has moved by --move (default 0.1 %) and so many of a hundred accounts have traded
 * (--traded, default 2). While spot has moved by no more than --tolerance (default 0.25 %) and the lag of rounds allows it, the
 * arrays in force are carried: accounts that traded are proven in them, and all others keep their margins, which are what
 * the same arrays would give again. Beyond it the next round's arrays are proven, and in them accounts that traded and those
 * whose spot has left the inner nine tenths of their proven thresholds.
 *
 * Exits 0 only if every margin is held, the open interest is that of the twin, and the audit accepts.
 */
import { basename, resolve } from 'node:path'
import { toBeHex } from 'ethers'
import { auditPortfolio } from '../prover/audit/index.ts'
import { riskArray } from '../prover/options/riskArray.ts'
import type { PricedSurface, ProvableMargin } from '../prover/portfolio/accountMargin.ts'
import { shardBook } from '../prover/portfolio/sharding.ts'
import type { ExpirySurface } from '../prover/portfolio/portfolio.ts'
import { createProver, type Prover } from '../prover/proof/index.ts'
import { type Landed, roundOf } from '../prover/registry/index.ts'
import { auditKeyOf } from '../prover/service/answers/auditing.ts'
import { landArrays, proveArrays, type ProvenArrays } from '../prover/service/daemon/portfolios/arrays.ts'
import { proveBooks } from '../prover/service/daemon/portfolios/books.ts'
import { landMargins, placesOf, proveMargins } from '../prover/service/daemon/portfolios/margins.ts'
import { marginModelOf, type PortfolioPlace } from '../prover/service/daemon/portfolios/place.ts'
import { type PortfolioProver, ProofMaker, type ProofMade } from '../prover/service/daemon/portfolios/proofMaker.ts'
import { underWay } from '../prover/service/daemon/underWay.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
} from '../prover/service/development/portfolio.ts'
import { reportAccounts } from '../prover/service/development/portfolioProofs.ts'
import { loadKeys, type PortfolioKeys, portfolioBuildOf } from '../prover/service/workspace.ts'
import { roundWords } from '../prover/statement/portfolioMargin.ts'
import { expiryWords } from '../prover/statement/riskArray.ts'
import { Random } from './tools/cases/random.ts'
import { largestChain, type MarketToProve, marketsOfChain } from './tools/chainArrays.ts'
import { marginIn, type SeededAccount, seededAccounts, type SharedRound, traded } from './tools/roundAccounts.ts'
import { decimal, isThere, orUsage, present, readFlags, whole } from './tools/flags.ts'

/** The chain starts this long before the round, so that there is time to deploy and to report. */
const LEAD_SECONDS = 3600n
const NEXT_ROUND_SECONDS = 60n
/** Batches of accounts whose books and margins are made side by side; proofs queue at one prover. */
const BATCHES_UNDER_WAY = 2
/** Of commit 739c2d1, measured: arrays a second, of 2^16, landing included; a book of five arrays each closed takes 2^17. */
const BEFORE = { arraysPerSecond: 0.89, segments: 5, bookWork: 2, accountsPerMargin: 3 } as const

const say = (line: string): void => console.error(line)
const flags = readFlags({
  chain: present('a file of a recorded option chain'),
  accounts: whole(2, 1_000_000, 1_000),
  seed: whole(0, 1_000_000_000, 1),
  move: decimal(-50, 50, 0.1),
  traded: whole(0, 100, 2),
  tolerance: decimal(0, 50, 0.25),
  json: isThere,
})

/** One market of the venue: its registry, what its round says, who holds what. */
type Venue = {
  readonly market: MarketToProve
  readonly development: DevelopmentPortfolio
  readonly shared: SharedRound
  readonly accounts: readonly VenueAccount[]
}
type VenueAccount = { readonly account: string; readonly held: SeededAccount; readonly provable: ProvableMargin }

/** What a round took. */
type Took = {
  readonly seconds: Record<string, number>
  readonly proofs: ProofMade[]
  readonly gas: { arrays: number; accounts: number }
  readonly batches: { count: number }
}

async function campaign(file: string | undefined): Promise<number> {
  if (file === undefined) {
    say('No recorded chains beside the checkout. Name one with --chain.')
    return 2
  }
  const random = new Random(BigInt(flags.seed))
  const markets = orUsage(() => marketsOfChain(file))
  const keys = await keysOf(['riskArray', 'optionBook', 'portfolioMargin'])
  const earliest = markets.reduce((least, { asOf }) => (asOf < least ? asOf : least), markets[0]?.asOf ?? 0n)
  const chain = await startDevelopmentChain(earliest - LEAD_SECONDS)
  const prover = createProver()
  try {
    for (const each of Object.values(keys)) await prover.warm(each)
    const first = took()
    const venues: Venue[] = []
    for (const [i, market] of markets.entries()) {
      venues.push(await openVenue(chain, keys, market, random, shareOf(flags.accounts, markets.length, i), first))
    }
    for (const venue of venues) await openRound(venue, first)
    const accounts = venues.flatMap((venue) => venue.accounts)
    say(`${basename(file)}: ${accounts.length} accounts in ${markets.map(({ name }) => name).join(' and ')}`)
    const arrays: ProvenArrays[] = []
    for (const venue of venues) arrays.push(await proveRound(venue, prover, first))
    for (const venue of venues) await requireCounted(venue)
    say(`first round: ${total(first).toFixed(1)} s`)
    const second = took()
    const moved: Venue[] = []
    for (const venue of venues) moved.push(await moveOn(venue, random, second))
    for (const [i, venue] of moved.entries()) {
      const isCarried = venue.shared === venues[i]?.shared
      await proveRound(venue, prover, second, isCarried ? arrays[i] : undefined)
    }
    const auditing = performance.now()
    const accepted = await auditAll(venues, keys)
    const figures = figuresOf(venues, moved, first, second, { accepted, seconds: secondsSince(auditing) })
    if (flags.json) console.log(JSON.stringify(figures, null, 2))
    else print(figures)
    return accepted ? 0 : 1
  } finally {
    await Promise.all([prover.close(), chain.close()])
  }
}

const keysOf = async (statements: readonly (keyof PortfolioKeys)[]): Promise<Partial<PortfolioKeys>> =>
  Object.fromEntries(
    await Promise.all(statements.map(async (name) => [name, await loadKeys(portfolioBuildOf(name).name)] as const)),
  )

const took = (): Took => ({
  seconds: {},
  proofs: [],
  gas: { arrays: 0, accounts: 0 },
  batches: { count: 0 },
})
const total = ({ seconds }: Took): number => Object.values(seconds).reduce((sum, each) => sum + each, 0)
const secondsSince = (started: number): number => (performance.now() - started) / 1000
const shareOf = (all: number, parts: number, part: number): number =>
  Math.floor((all * (part + 1)) / parts) - Math.floor((all * part) / parts)
const gasOf = (landed: readonly Landed[]): number => landed.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0)

/** Does something and adds what it took to a stage. */
async function timed<Result>({ seconds }: Took, stage: string, work: () => Promise<Result>): Promise<Result> {
  const started = performance.now()
  try {
    return await work()
  } finally {
    seconds[stage] = (seconds[stage] ?? 0) + secondsSince(started)
  }
}

/** A registry with its accounts reported. */
async function openVenue(
  chain: DevelopmentChain,
  keys: Partial<PortfolioKeys>,
  market: MarketToProve,
  random: Random,
  count: number,
  took: Took,
): Promise<Venue> {
  const development = await deployDevelopmentPortfolio(chain, keys, market.policy, `${market.name}-USD`)
  const { pricingPolicy, marginPolicy, round } = market
  const arrays = await timed(took, 'twin', async () =>
    market.arrays.map(({ surface, strikesE8 }) => pricedArray(surface, strikesE8, market)),
  )
  const shared = { pricingPolicy, marginPolicy, round, arrays }
  const held = seededAccounts(shared, random, count)
  const accounts = await timed(took, 'twin', async () => held.map((each, i) => accountIn(shared, each, i)))
  await timed(took, 'reports', async () => reportAccounts(development, accounts))
  return { market, development, shared, accounts }
}

/** Publishes a venue's first round, after every venue has its accounts: a report takes a block, and so a second of the chain. */
async function openRound({ market, development, shared }: Venue, took: Took): Promise<void> {
  await publish(development, market.surfaces, shared)
  await timed(took, 'reports', () => development.client.openCount(roundAt(development, market.surfaces, shared)))
}

const pricedArray = (
  surface: ExpirySurface,
  strikesE8: readonly bigint[],
  { pricingPolicy }: Pick<MarketToProve, 'pricingPolicy'>,
): PricedSurface => ({ surface, strikesE8, array: riskArray(surface, pricingPolicy, strikesE8) })

const accountIn = (shared: SharedRound, held: SeededAccount, index: number): VenueAccount => ({
  account: toBeHex(BigInt(index + 1), 20),
  held,
  provable: marginIn(shared, held),
})

const roundAt = ({ deployment }: DevelopmentPortfolio, surfaces: readonly ExpirySurface[], { round }: SharedRound) =>
  roundOf(deployment.marketId, round.asOf, roundWords(round), surfaces.map(expiryWords))

const publish = (
  development: DevelopmentPortfolio,
  surfaces: readonly ExpirySurface[],
  shared: SharedRound,
): Promise<void> => publishDevelopmentRound(development, roundAt(development, surfaces, shared))

/** Arrays unless they are known, then books and margins batch by batch, each landed while the next is proven. */
async function proveRound(venue: Venue, prover: Prover, took: Took, known?: ProvenArrays): Promise<ProvenArrays> {
  const { development, shared, accounts, market } = venue
  const { client, models } = development
  const surfaces = [...new Map(shared.arrays.map(({ surface }) => [surface.expiry, surface])).values()]
  const place: PortfolioPlace = { client, models, round: roundAt(development, surfaces, shared) }
  const provables = accounts.map(({ provable }) => provable)
  const proving: PortfolioProver = { prover, onProof: (made) => void took.proofs.push(made) }
  const maker = new ProofMaker(proving, 0)
  const arrays = known ?? (await timed(took, 'arrays', () => proveArrays(place, maker, provables)))
  if (known === undefined) {
    await timed(took, 'landing arrays', async () => {
      const landed = await landArrays(
        place,
        [...arrays.values()].flatMap(({ proven }) => proven ?? []),
      )
      took.gas.arrays += gasOf(landed)
    })
    say(`${market.name}: ${arrays.size} arrays landed`)
  }
  await timed(took, 'books and margins', () => proveAccounts(place, maker, { accounts, arrays }, took))
  return arrays
}

async function proveAccounts(
  place: PortfolioPlace,
  maker: ProofMaker,
  { accounts, arrays }: { readonly accounts: readonly VenueAccount[]; readonly arrays: ProvenArrays },
  took: Took,
): Promise<void> {
  const places = placesOf(marginModelOf(place))
  const batches = Array.from({ length: Math.ceil(accounts.length / places) }, (_, i) =>
    accounts.slice(i * places, (i + 1) * places),
  )
  let last: Promise<unknown> = Promise.resolve()
  let done = 0
  await underWay(batches, BATCHES_UNDER_WAY, async (batch) => {
    const provables = batch.map(({ provable }) => provable)
    const reported = await Promise.all(batch.map(({ account }) => place.client.account(account)))
    const books = await proveBooks(place, maker, provables, reported, arrays)
    const margins = await proveMargins(place, maker, provables, reported)
    last = last.then(async () => {
      took.gas.accounts += gasOf(await landMargins(place, books, margins))
      took.batches.count++
    })
    last.catch(() => {}) // thrown where it is waited for
    done += batch.length
    if (done % 50 < places) say(`  ${done} of ${accounts.length} accounts`)
  })
  await last
  for (const { account, provable } of accounts) {
    const held = await place.client.margin(account)
    if (held.maintenanceE8 !== provable.margin.maintenanceE8)
      throw new Error(`The registry holds another margin of ${account}.`)
  }
}

/** The registry's figures are complete, and what the twin says of every account together. */
async function requireCounted({ development, accounts, market }: Venue): Promise<void> {
  const found = await development.client.openInterest()
  const margins = accounts.map(({ provable }) => provable.margin)
  const sum = (of: (margin: ProvableMargin['margin']) => bigint): bigint =>
    margins.reduce((all, each) => all + of(each), 0n)
  const expected = {
    accounts: BigInt(accounts.length),
    defaultProbabilityX32: sum(({ thresholds }) => thresholds.defaultProbabilityX32),
    unhealthy: sum(({ maintenanceE8 }) => (maintenanceE8 < 0n ? 1n : 0n)),
    expectedShortfallE8: sum(({ risk }) => risk.expectedShortfallE8),
  }
  for (const [field, value] of Object.entries(expected)) {
    const held = found[field as keyof typeof expected]
    if (held !== value) throw new Error(`Open interest of ${market.name}: expected ${field} ${value}, got ${held}.`)
  }
  const probability = Number(found.defaultProbabilityX32) / 2 ** 32
  const shortfall = Number(found.expectedShortfallE8) / 1e8
  say(
    `${market.name}: open interest of ${found.accounts} accounts complete: ${probability.toFixed(2)} defaults and a shortfall of ` +
      `${shortfall.toLocaleString('en', { maximumFractionDigits: 0 })} expected, ${found.unhealthy} below maintenance, delta ${(Number(found.deltaE12) / 1e12).toFixed(1)}`,
  )
}

/** A minute later: prices have moved a little, some accounts have traded, and what must be proven anew is left of the accounts. */
async function moveOn(venue: Venue, random: Random, took: Took): Promise<Venue> {
  const { market, development, shared } = venue
  const factorE6 = BigInt(Math.round(1e6 * (1 + flags.move / 100)))
  const scaled = (priceE8: bigint): bigint => (priceE8 * factorE6) / 10n ** 6n
  const asOf = shared.round.asOf + NEXT_ROUND_SECONDS
  const { spotE8, perpPriceE8 } = shared.round
  const round = { ...shared.round, asOf, spotE8: scaled(spotE8), perpPriceE8: scaled(perpPriceE8) }
  const surfaceAt = (surface: ExpirySurface): ExpirySurface => ({
    ...surface,
    asOf,
    forwardVariableE8: scaled(surface.forwardVariableE8),
    forwardFixedE8: scaled(surface.forwardFixedE8),
  })
  const isCarried = Math.abs(flags.move) <= flags.tolerance
  const arrays = await timed(took, 'twin', async () =>
    shared.arrays.map(({ surface, strikesE8 }) => pricedArray(surfaceAt(surface), strikesE8, market)),
  )
  const published = { ...shared, round, arrays }
  const next = isCarried ? shared : published
  const chosen = venue.accounts.flatMap((each) => {
    const hasTraded = random.below(100n) < BigInt(flags.traded)
    if (!hasTraded && (isCarried || keepsItsSide(each, round.spotE8))) return []
    const held = hasTraded ? traded(each.held, random) : each.held
    return [{ account: each.account, hasTraded, held, provable: marginIn(next, held) }]
  })
  await timed(took, 'reports', () =>
    reportAccounts(
      development,
      chosen.filter(({ hasTraded }) => hasTraded),
    ),
  )
  await publish(development, market.surfaces.map(surfaceAt), published)
  const where = isCarried ? 'in the arrays that are in force' : 'in arrays of their own'
  say(`${market.name}: ${chosen.length} of ${venue.accounts.length} accounts moved; they are proven ${where}`)
  return { market, development, shared: next, accounts: chosen }
}

/** Whether spot lies so far within an account's proven thresholds that at unchanged volatility it is on the side where it was. */
function keepsItsSide({ provable }: VenueAccount, spotE8: bigint): boolean {
  const { margin, round } = provable
  if (margin.maintenanceE8 < 0n) return true // it is liquidatable already, and stays so until it is shown not to be
  const { liquidationDownE8, liquidationUpE8 } = margin.thresholds
  const before = round.spotE8
  return spotE8 >= before
    ? 10n * (spotE8 - before) < 9n * (liquidationUpE8 - before)
    : 10n * (before - spotE8) < 9n * (before - liquidationDownE8)
}

async function auditAll(venues: readonly Venue[], keys: Partial<PortfolioKeys>): Promise<boolean> {
  let accepted = true
  for (const { development, market } of venues) {
    const { provider } = development.chain
    const { report } = await auditPortfolio({
      provider,
      registry: development.deployment.registry,
      keys: Object.values(keys).map(auditKeyOf),
      fromBlock: development.deployment.block,
    })
    say(`${market.name}: audit ${report.accepted ? 'accepts' : 'refuses'} ${report.margins.length} margins`)
    accepted &&= report.accepted
  }
  return accepted
}

/** Seconds that the sizes and rates of commit 739c2d1 give for the same arrays, books and margins. */
function secondsBefore(venues: readonly Venue[]): number {
  const { arraysPerSecond, segments, bookWork, accountsPerMargin } = BEFORE
  const units = venues.reduce((sum, { accounts }) => {
    const provables = accounts.map(({ provable }) => provable)
    const arrays = new Set(provables.flatMap((each) => each.arrays.map(({ array }) => array))).size
    const books = provables.reduce((count, { positions, arrays: own }) => {
      const priced = own.map(({ array }) => array)
      return count + shardBook(positions, priced, { segments, expiries: segments }).shards.length
    }, 0)
    return sum + arrays + bookWork * books + Math.ceil(accounts.length / accountsPerMargin)
  }, 0)
  return units / arraysPerSecond
}

function figuresOf(
  venues: readonly Venue[],
  moved: readonly Venue[],
  first: Took,
  second: Took,
  audit: { readonly accepted: boolean; readonly seconds: number },
) {
  const round = (of: readonly Venue[], { seconds, proofs, gas, batches }: Took) => {
    const count = (statement: string): number => proofs.filter((made) => made.statement === statement).length
    const accounts = of.flatMap((venue) => venue.accounts)
    const proving = (seconds.arrays ?? 0) + (seconds['books and margins'] ?? 0)
    const all = Object.values(seconds).reduce((sum, each) => sum + each, 0)
    return {
      accounts: accounts.length,
      unhealthy: accounts.filter(({ provable }) => provable.margin.maintenanceE8 < 0n).length,
      legs: accounts.reduce((sum, { held }) => sum + held.legs, 0),
      proofs: { arrays: count('riskArray'), books: count('optionBook'), margins: count('portfolioMargin') },
      seconds: { ...seconds, total: all },
      proofsPerMinute: (60 * proofs.length) / proving,
      gas: { ...gas, perAccount: accounts.length === 0 ? 0 : gas.accounts / accounts.length },
      transactions: batches.count,
    }
  }
  const one = round(venues, first)
  const before = secondsBefore(venues)
  return {
    first: one,
    next: round(moved, second),
    before: { seconds: before, ratio: one.seconds.total / before },
    audit,
    megabytes: process.memoryUsage().rss / 2 ** 20,
  }
}

type Figures = ReturnType<typeof figuresOf>

function print({ first, next, before, audit, megabytes }: Figures): void {
  const number = (value: number, digits = 0): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  const rows = (
    name: string,
    { accounts, unhealthy, legs, proofs, seconds, proofsPerMinute, gas }: Figures['first'],
  ) => [
    `${name}: ${number(accounts)} accounts, ${number(legs)} legs, ${number(unhealthy)} below maintenance`,
    `  ${number(proofs.arrays)} arrays, ${number(proofs.books)} books, ${number(proofs.margins)} margins; ${number(proofsPerMinute, 1)} proofs a minute`,
    `  ${Object.entries(seconds)
      .map(([stage, value]) => `${stage} ${number(value, 1)} s`)
      .join(', ')}`,
    `  gas: arrays ${number(gas.arrays)}, accounts ${number(gas.accounts)} (${number(gas.perAccount)} each)`,
  ]
  for (const line of [
    ...rows('Round', first),
    ...rows('Next round', next),
    `Commit 739c2d1 would take ${number(before.seconds)} s for the first round by its sizes and rates: ${number(before.ratio, 2)} of it.`,
    `Audit from chain data alone: ${audit.accepted ? 'accepted' : 'REFUSED'} in ${number(audit.seconds, 1)} s; ${number(megabytes)} MB in this process.`,
  ])
    console.log(line)
}

process.exit(await campaign(flags.chain === undefined ? largestChain() : resolve(flags.chain)))
