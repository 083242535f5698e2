/**
 * Proves one whole recorded chain: every expiry fitted, every strike priced under every scenario, every array of strikes a
 * proof of its own, all of them landed on a development chain, one registry and one round a currency.
 *
 *   npm run campaign:shards                          the largest chain of ../shared/data/options/deribit-2026
 *   npm run campaign:shards -- --chain <file>        another one
 *   npm run campaign:shards -- --limit 8             so many arrays, spread evenly over the chain
 *   npm run campaign:shards -- --workers 2           so many provers side by side (default 1), each with keys of its own
 *   npm run campaign:shards -- --json
 *
 * Exits 0 only if every array was proven and the registry holds it. What cannot be priced is refused by name and counted.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { sizeOf } from '../circuits/statements/index.ts'
import { ProverError } from '../prover/errors.ts'
import { type CircuitKeys, createProver, type Prover } from '../prover/proof/index.ts'
import { type ProvenPortfolio, roundOf } from '../prover/registry/index.ts'
import { ARRAYS_PER_TRANSACTION, landArrays } from '../prover/service/daemon/portfolios/arrays.ts'
import { modelOf, type PortfolioModel, type PortfolioPlace } from '../prover/service/daemon/portfolios/place.ts'
import { proveStatement } from '../prover/service/daemon/portfolios/proofMaker.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio, publishDevelopmentRound } from '../prover/service/development/portfolio.ts'
import { loadKeys, portfolioBuildOf } from '../prover/service/workspace.ts'
import type { StatementContext } from '../prover/statement/challenge.ts'
import { expiryWords, type StatedRiskArray, stateRiskArray } from '../prover/statement/riskArray.ts'
import {
  type ArrayToProve,
  largestChain,
  type MarketToProve,
  marketsOfChain,
  type Refusal,
} from './tools/chainArrays.ts'
import { isThere, orUsage, present, readFlags, whole } from './tools/flags.ts'

/** The chain starts this long before the round, so that there is time to deploy. */
const LEAD_SECONDS = 600n

/** A market's registry with its round published. */
type Place = PortfolioPlace & {
  readonly market: MarketToProve
  readonly model: PortfolioModel
  readonly context: StatementContext
}

type MadeArray = {
  readonly array: ArrayToProve
  readonly arrayRoot: bigint
  readonly proven: ProvenPortfolio
  readonly backend: string
  readonly milliseconds: { readonly twin: number; readonly witness: number; readonly proof: number }
}

const build = portfolioBuildOf('riskArray')
const say = (line: string): void => console.error(line)
const flags = readFlags({
  chain: present('a file of a recorded option chain'),
  limit: whole(1, 1_000_000, undefined),
  workers: whole(1, 64, 1),
  json: isThere,
})

async function campaign(file: string | undefined): Promise<number> {
  if (file === undefined) {
    say('No recorded chains beside the checkout. Name one with --chain.')
    return 2
  }
  const fitting = performance.now()
  const markets = limited(
    orUsage(() => marketsOfChain(file)),
    flags.limit ?? Number.POSITIVE_INFINITY,
  )
  const fitSeconds = secondsSince(fitting)
  const total = markets.reduce((sum, { arrays }) => sum + arrays.length, 0)
  say(`${basename(file)}: ${total} arrays of ${sizeOf(build, 'strikes')} strikes to prove`)

  const keys = await loadKeys(build.name)
  const earliest = markets.reduce((least, { asOf }) => (asOf < least ? asOf : least), markets[0]?.asOf ?? 0n)
  const chain = await startDevelopmentChain(earliest - LEAD_SECONDS)
  const provers = Array.from({ length: flags.workers }, () => createProver())
  try {
    for (const prover of provers) await prover.warm(keys)
    const made: MadeArray[] = []
    const refused: Refusal[] = markets.flatMap((market) => market.refused)
    const places: Place[] = []
    for (const market of markets) places.push(await settle(chain, keys, market))
    const started = performance.now()
    const landing = new Landing()
    await proveArrays(places, provers, refused, (array, place) => {
      made.push(array)
      landing.take(place, array)
      const { twin, witness, proof } = array.milliseconds
      const parts = `twin ${seconds(twin)}, witness ${seconds(witness)}, proof ${seconds(proof)} s`
      say(`${String(made.length).padStart(4)} of ${total}  ${array.array.leg}: ${parts}`)
    })
    await landing.finish()
    const proving = secondsSince(started)
    const peaks = peakMegabytes()
    const figures = figuresOf(file, markets, { made, refused, landing, fitSeconds, proving, peaks })
    if (flags.json) console.log(JSON.stringify(figures, null, 2))
    else print(figures)
    return made.length > 0 && landing.accepted === total ? 0 : 1
  } finally {
    await Promise.all([...provers.map((prover) => prover.close()), chain.close()])
  }
}

/** As many arrays in all, evenly spread, so that a small run sees near and far expiries of every currency. */
function limited(markets: readonly MarketToProve[], limit: number): readonly MarketToProve[] {
  const total = markets.reduce((sum, { arrays }) => sum + arrays.length, 0)
  if (!(limit < total)) return markets
  let index = 0
  return markets.map((market) => ({
    ...market,
    arrays: market.arrays.filter(() => {
      const at = index++
      return Math.floor(((at + 1) * limit) / total) > Math.floor((at * limit) / total)
    }),
  }))
}

/** A registry for one currency, which takes arrays only, and its round. */
async function settle(chain: DevelopmentChain, keys: CircuitKeys, market: MarketToProve): Promise<Place> {
  const development = await deployDevelopmentPortfolio(chain, { riskArray: keys }, market.policy, `${market.name}-USD`)
  const { client, deployment, models } = development
  const round = roundOf(deployment.marketId, market.asOf, market.marketWords, market.surfaces.map(expiryWords))
  await publishDevelopmentRound(development, round)
  say(`${market.name}: ${market.surfaces.length} expiries published, ${market.arrays.length} arrays`)
  const model = modelOf(development, 'riskArray')
  return { market, client, models, round, model, context: await client.arrayContext(round, model.modelId) }
}

/** Prices and proves arrays, two under way a prover, so that the next one is priced while one is proven. */
async function proveArrays(
  places: readonly Place[],
  provers: readonly Prover[],
  refused: Refusal[],
  onMade: (made: MadeArray, place: Place) => void,
): Promise<void> {
  const waiting = places.flatMap((place) => place.market.arrays.map((array) => ({ place, array }))).values()
  const work = async (prover: Prover): Promise<void> => {
    for (const { place, array } of waiting) {
      const { market, model, context } = place
      const started = performance.now()
      let stated: StatedRiskArray
      try {
        stated = await stateRiskArray(model.build, context, array.surface, market.pricingPolicy, array.strikesE8)
      } catch (error) {
        if (!(error instanceof ProverError)) throw error
        refused.push({ leg: array.leg, code: error.code, options: array.options })
        continue
      }
      const twin = performance.now() - started
      const { proven, backend, timings } = await proveStatement(prover, model, stated)
      const milliseconds = { twin, witness: timings.witness, proof: timings.proof }
      onMade({ array, arrayRoot: stated.arrayRoot, proven, backend, milliseconds }, place)
    }
  }
  await Promise.all([...provers, ...provers].map(work))
}

/** Lands arrays in groups, one transaction after the other, while others are proven. */
class Landing {
  readonly gas: number[] = []
  accepted = 0
  seconds = 0
  private readonly waiting = new Map<Place, MadeArray[]>()
  private last: Promise<void> = Promise.resolve()

  take(place: Place, array: MadeArray): void {
    const group = [...(this.waiting.get(place) ?? []), array]
    const isFull = group.length === ARRAYS_PER_TRANSACTION
    this.waiting.set(place, isFull ? [] : group)
    if (isFull) this.enqueue(place, group)
  }

  /** @throws what a registry refused */
  async finish(): Promise<void> {
    for (const [place, group] of this.waiting) if (group.length > 0) this.enqueue(place, group)
    await this.last
  }

  private enqueue(place: Place, group: readonly MadeArray[]): void {
    this.last = this.last.then(() => this.land(place, group))
    // It is thrown where it is waited for.
    this.last.catch(() => {})
  }

  private async land(place: Place, group: readonly MadeArray[]): Promise<void> {
    const { client, market } = place
    const started = performance.now()
    for (const { gasUsed } of await landArrays(
      place,
      group.map(({ proven }) => proven),
    )) {
      this.gas.push(Number(gasUsed))
      say(`${market.name}: ${group.length} arrays landed with ${gasUsed.toLocaleString('en')} gas`)
    }
    for (const { arrayRoot } of group) if (await client.isArrayAccepted(arrayRoot, market.asOf)) this.accepted++
    this.seconds += secondsSince(started)
  }
}

type Outcome = {
  readonly made: readonly MadeArray[]
  readonly refused: readonly Refusal[]
  readonly landing: Pick<Landing, 'gas' | 'accepted' | 'seconds'>
  readonly fitSeconds: number
  readonly proving: number
  readonly peaks: { readonly own: number; readonly children: number }
}

function figuresOf(file: string, markets: readonly MarketToProve[], outcome: Outcome) {
  const { made, refused, landing, fitSeconds, proving, peaks } = outcome
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
  const spent = (part: keyof MadeArray['milliseconds']): number =>
    sum(made.map(({ milliseconds }) => milliseconds[part])) / 1000
  return {
    chain: basename(file),
    backend: [...new Set(made.map(({ backend }) => backend))].join(', '),
    workers: flags.workers,
    markets: markets.map(({ name, surfaces, arrays, arbitraged }) => ({
      name,
      expiries: surfaces.length,
      arrays: arrays.length,
      arbitraged,
    })),
    options: sum(made.map(({ array }) => array.options)),
    strikes: sum(made.map(({ array }) => array.strikes)),
    arrays: made.length,
    accepted: landing.accepted,
    refused,
    seconds: {
      fit: fitSeconds,
      proving,
      twin: spent('twin'),
      witness: spent('witness'),
      proof: spent('proof'),
      landing: landing.seconds,
    },
    arraysPerSecond: made.length / proving,
    megabytes: peaks,
    gas: { transactions: landing.gas.length, total: sum(landing.gas), perArray: sum(landing.gas) / made.length },
  }
}

function print(figures: ReturnType<typeof figuresOf>): void {
  const { seconds: spent, megabytes, gas, refused, markets } = figures
  const round = (value: number): string => Math.round(value).toLocaleString('en')
  const expiries = markets.map(({ name, expiries: count }) => `${name} ${count}`).join(', ')
  const arbitraged = markets.flatMap((market) => market.arbitraged)
  for (const line of [
    `${figures.chain}, ${figures.backend}, ${figures.workers} prover(s) at once`,
    `${round(figures.options)} options, ${figures.strikes} strikes, expiries: ${expiries}`,
    `${figures.arrays} arrays proven and verified, ${figures.accepted} held by the registries`,
    `refused: ${refused.length === 0 ? 'nothing' : refused.map(({ leg, code, options }) => `${leg} (${options} options): ${code}`).join('; ')}`,
    `fits with a butterfly arbitrage among their strikes: ${arbitraged.length === 0 ? 'none' : arbitraged.join(', ')}`,
    `fit ${spent.fit.toFixed(1)} s, twin ${spent.twin.toFixed(1)} s, witness ${spent.witness.toFixed(1)} s, proof ${spent.proof.toFixed(1)} s, landing ${spent.landing.toFixed(1)} s`,
    `in all ${spent.proving.toFixed(1)} s; ${figures.arraysPerSecond.toFixed(2)} arrays and ${((figures.arraysPerSecond * figures.strikes) / figures.arrays).toFixed(2)} strikes a second, landing included`,
    `memory at its peak: this process with its chain ${round(megabytes.own)} MB, provers ${round(megabytes.children)} MB`,
    `gas: ${round(gas.total)} in ${gas.transactions} transactions, ${round(gas.perArray)} an array`,
  ]) {
    console.log(line)
  }
}

/** Most memory that this process has held, and that those which it started have held together (Linux; else NaN). */
function peakMegabytes(): { readonly own: number; readonly children: number } {
  const own = process.resourceUsage().maxRSS / 1024
  try {
    const processes = readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap((pid) => {
        const status = readIfThere(`/proc/${pid}/status`)
        const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
        return status === '' ? [] : [{ pid: Number(pid), parent: number('PPid'), peak: number('VmHWM') / 1024 }]
      })
    const below = (parent: number): number =>
      processes.filter((each) => each.parent === parent).reduce((total, each) => total + each.peak + below(each.pid), 0)
    return { own, children: below(process.pid) }
  } catch {
    return { own, children: Number.NaN }
  }
}

/** Processes end while they are looked at. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2)
}

process.exitCode = await campaign(flags.chain === undefined ? largestChain() : resolve(flags.chain))
