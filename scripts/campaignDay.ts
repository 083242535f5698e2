/**
 * A day that was, with a crash in it, lived through again by `zkrisk serve` at sixty times its pace, while the service is killed with
 * -9 at seeded moments and started again at once: what was lost, taken twice, or is not the twin's, and how long things took.
 *
 *   npm run campaign:day                                    5 February 2026 with its option chains, where ../shared has them: 24 minutes
 *   npm run campaign:day -- --day march2020                 12 March 2020, whose prices come with the project
 *   npm run campaign:day -- --from 8 --hours 5 --speed 600 --kills 3 --accounts 3 --json      a small one
 *
 * Prices are replayed by `zkrisk feed replay` from files. At each of their times a round of option prices is published, and accounts of
 * a venue trade. The service, the chain with a block every two seconds, the replay and this are processes of their own; afterwards
 * `zkrisk audit` goes through both registries.
 *
 * Exits 0 only if every observation that its source took is in a batch, every account has margins of its last report, nothing was taken
 * twice, every margin is the twin's, all work that did not land was given up with a reason, and both audits accept.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PortfolioFreshness } from '../prover/registry/portfolio/deploy.ts'
import { exactPrice } from '../prover/service/text/figures.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { Random } from './tools/cases/random.ts'
import { decimal, isThere, oneOf, readFlags, whole } from './tools/flags.ts'
import { type Spread, spreadOf } from './tools/latency/spread.ts'
import { audited } from './tools/live/audits.ts'
import { addressOf, liveAccounts } from './tools/live/liveAccounts.ts'
import { LiveEngine, MARGINS_MARKET } from './tools/live/liveEngine.ts'
import { dayNames, isRecorded, type RecordedDay, recordedDay } from './tools/live/recordedDays.ts'
import { agesOf, comesInForce, type Reckoning, reckon } from './tools/live/reckoning.ts'
import { ServedProcess } from './tools/live/servedProcess.ts'
import { type SeededAccount, traded } from './tools/roundAccounts.ts'
import { root } from './tools/sources.ts'

const BLOCK_SECONDS = 2
/** Of so many parts of the day it is told apart. */
const STAGES = 4
const HOUR_SECONDS = 3600
/** What came in last has this long to come in force, while other processes have the machine. */
const DRAIN_MS = 600_000
const AGES = ['event p50 / p95 s', 'report p50 / p95 s']
const SAMPLE_MS = 2_000
const MEGABYTE = 2 ** 20
/** Steps of the day are an hour apart at most, and margins are of one of the last two. */
const FRESHNESS: PortfolioFreshness = {
  maxRoundAgeSeconds: 5_400n,
  maxMarginAgeSeconds: 10_800n,
  maxRoundLagSeconds: 3_600n,
}

const flags = readFlags({
  day: oneOf(dayNames, isRecorded('february2026') ? 'february2026' : 'march2020'),
  from: decimal(0, 23, 0),
  hours: decimal(0.5, 24, 24),
  speed: decimal(1, 100_000, 60),
  kills: whole(0, 10_000, 20),
  accounts: whole(1, 1_000, 12),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})

const cli = join(root, 'prover', 'service', 'cli.ts')
const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`)

/** A service that is started again whenever it is killed. */
class KilledService {
  /** Milliseconds from each kill until the next one had started. */
  readonly restarts: { readonly at: number; readonly milliseconds: number }[] = []
  readonly memory: { readonly at: number; readonly bytes: number }[] = []
  readonly retried: Record<string, number> = {}
  readonly #engine: LiveEngine
  readonly #broken = Promise.withResolvers<never>()
  readonly #timer: NodeJS.Timeout
  #process: ServedProcess
  #killedAt: number | undefined

  constructor(engine: LiveEngine) {
    this.#engine = engine
    // Told to whoever asks for it.
    this.broken.catch(() => undefined)
    this.#process = this.#start()
    this.#timer = setInterval(() => {
      const { residentBytes } = this.#process.holdings
      if (residentBytes !== undefined) this.memory.push({ at: performance.now(), bytes: residentBytes })
    }, SAMPLE_MS)
  }

  /** Fails as soon as it ends by itself. */
  get broken(): Promise<never> {
    return this.#broken.promise
  }

  #start(): ServedProcess {
    const begun = new ServedProcess(this.#engine.serveFlags, this.#engine.folder, ({ event, code }) => {
      if (event === 'retrying') this.retried[String(code)] = (this.retried[String(code)] ?? 0) + 1
      if (event !== 'started' || this.#killedAt === undefined || begun !== this.#process) return
      this.restarts.push({ at: performance.now(), milliseconds: performance.now() - this.#killedAt })
      this.#killedAt = undefined
    })
    begun.exited.then(([, signal]) => {
      if (signal !== 'SIGKILL') begun.endedEarly().catch(this.#broken.reject)
    }, this.#broken.reject)
    return begun
  }

  async killAndStart(): Promise<void> {
    const ended = this.#process
    ended.kill('SIGKILL')
    this.#killedAt ??= performance.now()
    // Nobody can have the store before.
    await ended.exited
    this.#process = this.#start()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#process.stop()
  }

  end(): void {
    clearInterval(this.#timer)
    this.#process.kill('SIGKILL')
  }
}

/** What happens at each time of the day, beside its prices: a round, and an account that trades. */
class Venue {
  readonly #engine: LiveEngine
  readonly #day: RecordedDay
  readonly #random: Random
  #accounts: readonly SeededAccount[] = []

  constructor(engine: LiveEngine, day: RecordedDay, random: Random) {
    this.#engine = engine
    this.#day = day
    this.#random = random
  }

  async open(): Promise<void> {
    const last = this.#day.warmUps.find(({ name }) => name === MARGINS_MARKET)?.rows.at(-1)
    const first = this.#day.roundAt(this.#engine, last?.asOf ?? 0n, last?.priceE8 ?? 0n)
    this.#accounts = liveAccounts(first, this.#engine.example, this.#random, flags.accounts, first.surfaces.length)
    for (const [i, account] of this.#accounts.entries()) await this.#engine.report(addressOf(i + 1), account)
    await this.#engine.publish(first)
  }

  async step(step: RecordedDay['steps'][number]): Promise<void> {
    const observed = step.find(({ name }) => name === MARGINS_MARKET)?.observation
    if (observed === undefined) return
    await this.#engine.publish(this.#day.roundAt(this.#engine, observed.asOf, observed.priceE8))
    const at = Number(this.#random.below(BigInt(this.#accounts.length)))
    const account = traded(this.#accounts[at] as SeededAccount, this.#random)
    this.#accounts = this.#accounts.with(at, account)
    await this.#engine.report(addressOf(at + 1), account)
  }
}

async function campaign(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-day-'))
  const random = new Random(BigInt(flags.seed))
  const day = recordedDay(flags.day, flags)
  say(`${flags.day}: ${day.steps.length} times of ${day.bars.length} markets; opening the chain`)
  const engine = await LiveEngine.open({
    ...{ folder, warmUps: day.warmUps, freshness: FRESHNESS, blockSeconds: BLOCK_SECONDS },
  })
  const service = new KilledService(engine)
  const replaying: ChildProcess[] = []
  try {
    const since = await engine.chain.getBlockNumber()
    const venue = new Venue(engine, day, random)
    await venue.open()
    const began = performance.now()
    const lived = live(engine, day, venue, replaying)
    const kills = killAtMoments(service, random, (1000 * HOUR_SECONDS * flags.hours) / flags.speed)
    await Promise.race([Promise.all([lived, kills]), service.broken])
    const seconds = (performance.now() - began) / 1000
    const isDrained = await Promise.race([comesInForce(engine, DRAIN_MS), service.broken])
    await service.stop()
    say('auditing')
    const reckoning = await reckon(engine, since)
    const figures = await figuresOf(engine, day, service, reckoning, { seconds, isDrained })
    const { faults } = figures
    console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
    return faults.length === 0
  } finally {
    service.end()
    for (const child of replaying) child.kill('SIGKILL')
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Prices are replayed to their end, and the venue follows them. */
async function live(engine: LiveEngine, day: RecordedDay, venue: Venue, replaying: ChildProcess[]): Promise<void> {
  const files = day.bars.map(({ name, rows }) => {
    const file = join(engine.folder, `${name}.csv`)
    const price = (priceE8: bigint | undefined): string => (priceE8 === undefined ? '' : exactPrice(priceE8))
    const lines = rows.map(({ asOf, priceE8, lowE8, highE8 }) =>
      [asOf, price(priceE8), price(lowE8), price(highE8)].join(','),
    )
    writeFileSync(file, `${['asOf,price,low,high', ...lines].join('\n')}\n`)
    return file
  })
  const markets = day.bars.flatMap(({ name }) => ['--market', name])
  const place = ['--rpc', engine.url, '--deployment', engine.deploymentFile]
  const args = [cli, 'feed', 'replay', ...files, ...markets, '--speed', String(flags.speed), ...place]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  replaying.push(child)
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  let last = ''
  let step = 0
  for await (const line of createInterface({ input: child.stderr })) {
    last = line
    if (!/^\d{4}-\d\d-\d\d /.test(line)) continue
    await venue.step(day.steps[step++] ?? [])
  }
  const code = await exited
  if (code !== 0 || step !== day.steps.length) throw new Error(`The replay ended with ${code} at step ${step}: ${last}`)
}

async function killAtMoments(service: KilledService, random: Random, milliseconds: number): Promise<void> {
  const began = performance.now()
  const moments = Array.from({ length: flags.kills }, () => Number(random.below(BigInt(Math.ceil(milliseconds)))))
  for (const moment of moments.toSorted((a, b) => a - b)) {
    await sleep(Math.max(0, moment - (performance.now() - began)))
    await service.killAndStart()
  }
}

/** A part of the day. Ages in milliseconds, memory in bytes. */
type Stage = {
  readonly from: string
  readonly prices: readonly number[]
  readonly events: number
  readonly batches: number
  readonly margins: number
  readonly witnesses: number
  readonly superseded: number
  readonly eventAges: Spread
  readonly reportAges: Spread
  readonly restarts: number
  readonly mostBytes: number
}

type Figures = {
  readonly day: string
  readonly machine: string
  readonly load: number
  readonly seconds: number
  readonly stages: readonly Stage[]
  readonly kills: number
  /** From the kill until it serves again, milliseconds. */
  readonly restartAges: Spread
  readonly held: number
  readonly refused: number
  readonly lost: number
  readonly doubled: readonly string[]
  readonly wrong: number
  readonly open: number
  readonly superseded: Readonly<Record<string, number>>
  readonly retried: Readonly<Record<string, number>>
  readonly audit: Awaited<ReturnType<typeof audited>>
  readonly faults: readonly string[]
}

async function figuresOf(
  engine: LiveEngine,
  day: RecordedDay,
  service: KilledService,
  reckoning: Reckoning,
  { seconds, isDrained }: { readonly seconds: number; readonly isDrained: boolean },
): Promise<Figures> {
  const { held, refused, lost, doubled, wrong, open, superseded } = reckoning
  const counts: Record<string, number> = {}
  for (const { reason } of superseded) counts[reason] = (counts[reason] ?? 0) + 1
  const figures = {
    day: flags.day,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[2] ?? Number.NaN,
    seconds,
    stages: await stagesOf(engine, day, service, reckoning),
    kills: flags.kills,
    restartAges: spreadOf(
      service.restarts.map(({ milliseconds }) => milliseconds),
      [50, 95, 100],
    ),
    ...{ held, refused, lost, doubled, wrong, open },
    superseded: counts,
    retried: service.retried,
    audit: await audited(engine),
  }
  const is = (says: string, isSo: boolean): readonly string[] => (isSo ? [says] : [])
  const notIn = reckoning.observations.filter(({ inForce }) => inForce === undefined).length
  return {
    ...figures,
    faults: [
      ...is('not all came in force', !isDrained || lost + notIn > 0),
      ...is(`taken twice: ${doubled.join('; ')}`, doubled.length > 0),
      ...is('not the twin’s', wrong > 0),
      ...is('left unsettled', open > 0),
      ...is(
        'given up without a reason',
        superseded.some(({ reason }) => reason === 'none'),
      ),
      ...is('an audit', !figures.audit.accepted),
    ],
  }
}

/** Each from the block of its first observation to that of the next one's. */
async function stagesOf(
  engine: LiveEngine,
  day: RecordedDay,
  { restarts, memory }: KilledService,
  { observations, reports, batches, margins, witnesses, superseded }: Reckoning,
): Promise<readonly Stage[]> {
  const begins = Array.from({ length: STAGES }, (_, i) => {
    const asOf = day.steps[Math.floor((i * day.steps.length) / STAGES)]?.[0]?.observation.asOf ?? 0n
    return { asOf, block: observations.find((each) => each.asOf >= asOf)?.cameIn ?? Number.POSITIVE_INFINITY }
  })
  const timeOf = (block: number): Promise<number> | number =>
    block === Number.POSITIVE_INFINITY ? block : engine.blocks.of(block)
  const times = await Promise.all(begins.map(({ block }) => timeOf(block)))
  const bars = day.bars.find(({ name }) => name === MARGINS_MARKET)?.rows ?? []
  return Promise.all(
    begins.map(async ({ asOf, block }, i): Promise<Stage> => {
      const [end, until] = [begins[i + 1]?.block ?? Number.POSITIVE_INFINITY, times[i + 1] ?? Number.POSITIVE_INFINITY]
      const isIn = (at: number): boolean => at >= block && at < end
      const isThen = ({ at }: { readonly at: number }): boolean => at >= (times[i] ?? 0) && at < until
      const own = bars.filter((bar) => bar.asOf >= asOf && bar.asOf < (begins[i + 1]?.asOf ?? 1n << 40n))
      const lows = own.map(({ priceE8, lowE8 }) => Number(lowE8 ?? priceE8) / 1e8)
      const events = observations.filter(({ cameIn }) => isIn(cameIn))
      return {
        from: new Date(Number(asOf) * 1000).toISOString().slice(0, 16),
        prices: [Number(own[0]?.priceE8) / 1e8, Math.min(...lows), Number(own.at(-1)?.priceE8) / 1e8],
        events: events.length,
        batches: batches.filter(isIn).length,
        margins: margins.filter(isIn).length,
        witnesses: witnesses.filter(isIn).length,
        superseded: superseded.filter(isThen).length,
        eventAges: spreadOf(await agesOf(engine, events)),
        reportAges: spreadOf(
          await agesOf(
            engine,
            reports.filter(({ cameIn }) => isIn(cameIn)),
          ),
        ),
        restarts: restarts.filter(isThen).length,
        mostBytes: Math.max(...memory.filter(isThen).map(({ bytes }) => bytes)),
      }
    }),
  )
}

function textOf(figures: Figures): string {
  const { day, machine, load, seconds, stages, kills, restartAges, audit, faults, superseded, retried } = figures
  const { held, refused, lost, doubled, wrong, open } = figures
  const inSeconds = (of: Spread): string =>
    Object.values(of)
      .map((ms) => (ms / 1000).toFixed(1))
      .join(' / ')
  const listed = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join('; ') || 'none'
  return [
    `${day}: ${flags.hours} h at ${flags.speed} times in ${(seconds / 60).toFixed(1)} min, ${kills} kills, ${flags.accounts} accounts; ${machine}, load ${load.toFixed(1)}`,
    formatTable(
      [
        'from',
        'BTC',
        'lowest',
        'last',
        'events',
        'batches',
        'margins',
        'witnesses',
        'superseded',
        ...AGES,
        'restarts',
        'MB',
      ],
      stages.map((stage) => [
        stage.from,
        ...stage.prices.map((price) => price.toFixed(0)),
        ...[stage.events, stage.batches, stage.margins, stage.witnesses, stage.superseded].map(String),
        inSeconds(stage.eventAges),
        inSeconds(stage.reportAges),
        String(stage.restarts),
        (stage.mostBytes / MEGABYTE).toFixed(0),
      ]),
    ),
    `serves again ${inSeconds(restartAges)} s after a kill (p50, p95, most)`,
    `superseded: ${listed(superseded)}; tried again: ${listed(retried)}; the door held ${held} and refused ${refused}`,
    `${lost} lost, ${doubled.length} taken twice, ${wrong} not the twin’s, ${open} left unsettled; ` +
      `audit of ${audit.batches} batches, ${audit.margins} margins and ${audit.witnesses} witnesses ${audit.accepted ? 'accepts' : `REFUSES: ${JSON.stringify(audit.failure)}`} (${audit.seconds.toFixed(0)} s)`,
    faults.length === 0 ? 'Nothing was lost.' : `WRONG: ${faults.join('; ')}`,
  ].join('\n')
}

process.exit((await campaign()) ? 0 : 1)
