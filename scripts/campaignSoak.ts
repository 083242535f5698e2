/**
 * `zkrisk serve` for an hour at the load that feeds bring by themselves, then for ten minutes at ten times that: whether its memory
 * stays, how old events are when what follows from them is in force, and whether anything is lost.
 *
 *   npm run campaign:soak                                        60 and 10 minutes
 *   npm run campaign:soak -- --minutes 2 --overload 1            a small one
 *   npm run campaign:soak -- --times 20 --accounts 40 --json
 *   NODE_OPTIONS=--heapsnapshot-signal=SIGUSR2 npm run campaign:soak      and kill -USR2 of the service writes what it holds
 *
 * Once the load is an observation of BTC and ETH every half minute, a round every minute, an account that trades every half minute, on
 * a chain with a block every two seconds. The service, the chain and whoever feeds them are processes of their own; prices walk, seeded.
 *
 * Exits 1 if the service's memory grows by more than --slope per cent an hour after its warm-up, by more than twice the slope's error, or
 * the data that it keeps after full collections do; if of a hundred events more than one is older than observations may be before what
 * follows from it is in force; if files stay open; if memory under the overload is half as much again; if anything is lost, taken twice or not the twin's; or if an audit does not accept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultPlausibility } from '../prover/market/plausibility.ts'
import { defaultPortfolioFreshness } from '../prover/registry/portfolio/deploy.ts'
import { Random } from './tools/cases/random.ts'
import { decimal, isThere, readFlags, whole } from './tools/flags.ts'
import { type Spread, spreadOf } from './tools/latency/spread.ts'
import { audited } from './tools/live/audits.ts'
import { LiveEngine } from './tools/live/liveEngine.ts'
import { MemoryWatch, type Sample } from './tools/live/memoryWatch.ts'
import { agesOf, comesInForce, type InForce, type Reckoning, reckon } from './tools/live/reckoning.ts'
import { ServedProcess } from './tools/live/servedProcess.ts'
import { type Brought, SoakLoad, Walk } from './tools/live/soakLoad.ts'
import { type Trend, trendOf } from './tools/live/trend.ts'

const BLOCK_SECONDS = 2
/** Of the time at once the load, until memory is what it stays: a quarter of an hour on a busy machine. */
const WARM_SHARE = 1 / 3
const MOST_PEAK = 1.5
/** Files and sockets come and go by so many. */
const MOST_MORE_FILES = 8
/** Errors of a slope that are chance. */
const ERRORS = 2
/** What came in last has this long to come in force. */
const DRAIN_MS = 300_000
const MEGABYTE = 2 ** 20
const phases = ['once', 'overload'] as const

const flags = readFlags({
  minutes: decimal(0.1, 10_000, 60),
  overload: decimal(0.1, 1_000, 10),
  times: decimal(1, 100, 10),
  accounts: whole(1, 1_000, 12),
  slope: decimal(0, 1_000_000, 1),
  sample: decimal(0.1, 600, 10),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})

type Memory = {
  /** Bytes, an hour. */
  readonly trend: Trend
  /** Per cent an hour, and its error. */
  readonly slopePercent: number
  readonly errorPercent: number
  /** Of data and of code that is kept after full collections, where there were three. */
  readonly live: Trend | undefined
  readonly code: Trend | undefined
  /** Bytes. */
  readonly peakUnderOverload: number
  readonly childrenPeak: number
  readonly chainLast: number
  readonly moreFiles: number
  readonly moreSockets: number
  readonly storeBytesAnHour: number
}

type Figures = {
  readonly machine: string
  readonly load: number
  readonly minutes: Readonly<Record<(typeof phases)[number], number>>
  readonly brought: Brought
  /** Milliseconds. */
  readonly ages: Readonly<Record<(typeof phases)[number], { readonly events: Spread; readonly reports: Spread }>>
  readonly mostAgeSeconds: number
  readonly memory: Memory
  readonly isDrained: boolean
  readonly reckoning: Omit<Reckoning, 'observations' | 'reports' | 'batches' | 'margins' | 'witnesses' | 'superseded'>
  readonly batches: number
  readonly margins: number
  readonly witnesses: number
  readonly superseded: Readonly<Record<string, number>>
  readonly retried: Readonly<Record<string, number>>
  readonly audit: Awaited<ReturnType<typeof audited>>
}

const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`)

async function campaign(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-soak-'))
  const random = new Random(BigInt(flags.seed))
  const walk = new Walk(random)
  const engine = await LiveEngine.open({
    ...{ folder, warmUps: walk.before(), freshness: defaultPortfolioFreshness, blockSeconds: BLOCK_SECONDS },
    // Ten times the pace is what its bound is there to refuse.
    plausibility: { ...defaultPlausibility, leastSpacingSeconds: 1n },
  })
  const retried: Record<string, number> = {}
  const service = new ServedProcess(engine.serveFlags, folder, ({ event, code }) => {
    if (event === 'retrying') retried[String(code)] = (retried[String(code)] ?? 0) + 1
  })
  try {
    const url = await Promise.race([service.listening, service.endedEarly()])
    const since = await engine.chain.getBlockNumber()
    const load = new SoakLoad(engine, walk, random, flags.accounts)
    await load.begin()
    const watch = new MemoryWatch(engine, service, { url, phase: 'once', sampleSeconds: flags.sample })
    say(`service ${service.pid}, chain ${engine.chainPid}: ${flags.minutes} minutes at once the load`)
    await Promise.race([load.run(flags.minutes, 1), service.endedEarly()])
    const between = await engine.chain.getBlockNumber()
    watch.phase = 'overload'
    say(`${flags.overload} minutes at ${flags.times} times the load`)
    await Promise.race([load.run(flags.overload, flags.times), service.endedEarly()])
    watch.phase = 'after'
    const drained = new AbortController()
    const rounds = load.publishUntil(drained.signal)
    const isDrained = await comesInForce(engine, DRAIN_MS)
    drained.abort()
    await rounds
    const samples = await watch.end()
    await service.stop()
    const memory = memoryIn(samples)
    const { slopePercent, errorPercent } = memory
    say(`memory ${slopePercent.toFixed(2)} ± ${errorPercent.toFixed(2)} %/h; reckoning`)
    const { observations, reports, batches, margins, witnesses, superseded, ...reckoning } = await reckon(engine, since)
    const ages = async (phase: (typeof phases)[number], events: readonly InForce[]): Promise<Spread> => {
      const own = events.filter(({ cameIn }) => (phase === 'once') === cameIn <= between)
      return spreadOf(await agesOf(engine, own), [50, 95, 99, 100])
    }
    const agesIn = async (phase: (typeof phases)[number]) => ({
      events: await ages(phase, observations),
      reports: await ages(phase, reports),
    })
    const own = { once: await agesIn('once'), overload: await agesIn('overload') }
    say(`ages ${JSON.stringify(own)}; ${JSON.stringify(reckoning)}; auditing`)
    const figures: Figures = {
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
      load: loadavg()[2] ?? Number.NaN,
      minutes: { once: flags.minutes, overload: flags.overload },
      brought: load.brought,
      ages: own,
      mostAgeSeconds: Number(engine.deployment.policy.freshness.maxObservationAgeSeconds),
      memory,
      ...{ isDrained, reckoning, batches: batches.length, margins: margins.length, witnesses: witnesses.length },
      superseded: countsOf(superseded.map(({ reason }) => reason)),
      retried,
      audit: await audited(engine),
    }
    const faults = faultsIn(figures)
    console.log(flags.json ? JSON.stringify({ ...figures, faults, samples }, undefined, 2) : textOf(figures, faults))
    return faults.length === 0
  } finally {
    service.kill('SIGKILL')
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]))
}

function memoryIn(samples: readonly Sample[]): Memory {
  const once = samples.filter(({ phase }) => phase === 'once')
  const warm = once.slice(Math.floor(WARM_SHARE * once.length))
  const line = (read: (sample: Sample) => number | undefined): Trend =>
    trendOf(warm.map((sample) => ({ at: sample.at, value: read(sample) ?? Number.NaN })))
  const most = (of: readonly Sample[], read: (sample: Sample) => number | undefined): number =>
    Math.max(...of.map((sample) => read(sample) ?? Number.NaN))
  const more = (read: (sample: Sample) => number): number =>
    Math.min(...samples.slice(-3).map(read)) - most(warm.slice(0, 3), read)
  const trend = line((sample) => sample.residentBytes)
  return {
    trend,
    slopePercent: (100 * trend.slope) / trend.mean,
    errorPercent: (100 * trend.error) / trend.mean,
    live: keptTrend(warm, (sample) => sample.liveBytes),
    code: keptTrend(warm, (sample) => sample.codeBytes),
    peakUnderOverload: most(
      samples.filter(({ phase }) => phase !== 'once'),
      (sample) => sample.residentBytes,
    ),
    childrenPeak: most(samples, (sample) => sample.childrenBytes),
    chainLast: samples.at(-1)?.chainBytes ?? Number.NaN,
    moreFiles: more((sample) => sample.files),
    moreSockets: more((sample) => sample.sockets),
    storeBytesAnHour: line((sample) => sample.storeBytes).slope,
  }
}

/** Each collection once: a sample tells of the last one. */
function keptTrend(samples: readonly Sample[], read: (sample: Sample) => number | undefined): Trend | undefined {
  const collections = samples.flatMap((sample, i) => {
    const value = read(sample)
    const before = samples[i - 1]
    return value === undefined || before === undefined || value === read(before) ? [] : [{ at: sample.at, value }]
  })
  return collections.length < 3 ? undefined : trendOf(collections)
}

/** What is over, in words; a figure that the system does not tell is. */
function faultsIn({ memory, ages, mostAgeSeconds, isDrained, reckoning, audit }: Figures): readonly string[] {
  const { slopePercent, errorPercent, peakUnderOverload, trend, live, moreFiles } = memory
  const { lost, doubled, wrong, open } = reckoning
  const late = phases.filter((phase) => !((ages[phase].events.p99 ?? Number.NaN) <= 1000 * mostAgeSeconds))
  const is = (says: string, isSo: boolean): readonly string[] => (isSo ? [says] : [])
  return [
    ...is('memory grows', !(slopePercent - ERRORS * errorPercent <= flags.slope)),
    ...is(
      'data that are kept grow',
      live !== undefined && !(live.slope - ERRORS * live.error <= (flags.slope * live.mean) / 100),
    ),
    ...is('memory under the overload', !(peakUnderOverload <= MOST_PEAK * trend.mean)),
    ...is('files stay open', !(moreFiles <= MOST_MORE_FILES)),
    ...late.map((phase) => `events are too old: ${phase}`),
    ...is('not all came in force', !isDrained || lost > 0),
    ...is(`taken twice: ${doubled.join('; ')}`, doubled.length > 0),
    ...is('not the twin’s', wrong > 0),
    ...is('left unsettled', open > 0),
    ...is('an audit', !audit.accepted),
  ]
}

function textOf(figures: Figures, faults: readonly string[]): string {
  const { machine, load, minutes, brought, ages, memory, reckoning, superseded, retried, audit } = figures
  const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1)
  const seconds = (of: Spread): string =>
    Object.entries(of)
      .map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)}`)
      .join(', ')
  const { trend, live, code, slopePercent, errorPercent } = memory
  const per = (of: Trend): string => `${megabytes(of.slope)} ± ${megabytes(of.error)} MB/h at ${megabytes(of.mean)} MB`
  const kept = (of: Trend | undefined): string => (of === undefined ? 'not known, of fewer than three' : per(of))
  const listed = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join('; ') || 'none'
  return [
    `${minutes.once} min at once the load, ${minutes.overload} at ${flags.times} times; ${machine}, load ${load.toFixed(1)}`,
    `brought: ${brought.observations} observations (${brought.refused} refused), ${brought.rounds} rounds, ${brought.reports} reports of ${flags.accounts} accounts`,
    ...phases.flatMap((phase) => [
      `${phase}: an observation is in force after ${seconds(ages[phase].events)} s, a report after ${seconds(ages[phase].reports)} s`,
    ]),
    `memory of the service: ${per(trend)}, ${slopePercent.toFixed(2)} ± ${errorPercent.toFixed(2)} %/h`,
    `kept after full collections: data ${kept(live)}; code ${kept(code)}`,
    `at most ${megabytes(memory.peakUnderOverload)} MB under the overload, its prover ${megabytes(memory.childrenPeak)} MB, the chain ${megabytes(memory.chainLast)} MB at the end`,
    `files and sockets ${memory.moreFiles} and ${memory.moreSockets} more, store ${megabytes(memory.storeBytesAnHour)} MB/h at once the load`,
    `${figures.batches} batches, ${figures.margins} margins, ${figures.witnesses} witnesses; superseded: ${listed(superseded)}; tried again: ${listed(retried)}`,
    `${reckoning.lost} lost, ${reckoning.doubled.length} taken twice, ${reckoning.wrong} not the twin’s, ${reckoning.open} left unsettled; ` +
      `audit of ${audit.batches} batches and ${audit.margins} margins ${audit.accepted ? 'accepts' : `REFUSES: ${JSON.stringify(audit.failure)}`} (${audit.seconds.toFixed(0)} s)`,
    faults.length === 0 ? 'All within its limits.' : `OVER: ${faults.join('; ')}`,
  ].join('\n')
}

process.exit((await campaign()) ? 0 : 1)
