/** How fast `zkrisk serve` proves and how soon its probes answer while nobody else asks it, and while somebody floods it. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTime } from '../../prover/market/time.ts'
import { connectProvider, type Deployment, RegistryClient } from '../../prover/registry/index.ts'
import { type DevelopmentChain, developmentChainBehind } from '../../prover/service/development/chain.ts'
import { crashHistory } from '../../prover/service/development/demo.ts'
import { appendObservations, type NamedObservation } from '../../prover/service/development/engine.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import type { Flooded, Flooding, FloodOrder } from './flooding.ts'

/** Batches in a minute, and times of probes. */
export type Pace = {
  readonly batchesPerMinute: number
  readonly probeMs: { readonly median: number; readonly worst: number }
}
export type FloodResult = {
  readonly alone: Pace
  readonly flooded: Pace
  /** Per cent fewer batches, of pairs of spells that follow each other, and its standard error. */
  readonly drop: { readonly percent: number; readonly error: number }
  readonly answers: Pick<Flooded, 'byStatus' | 'letGo'>
  /** Per cent of the machine that the flooder took itself, which one elsewhere would not. */
  readonly flooderPercent: number
}

const START = '2020-03-10 12:00:00'
const HOUR_SECONDS = 3600n
const PROBE_MS = 200
const SPELL_SECONDS = 10
/** An error is known of so many. */
const LEAST_PAIRS = 3
/** What a client may ask at once is asked by then, and what a flood left behind is over. */
const SETTLE_MS = 1500
/** The first batches load keys. */
const FIRST_BATCHES = 3
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const flooding = join(import.meta.dirname, 'flooding.ts')

/**
 * Spells alone and spells flooded take turns, each pair the other way round than the one before: what a batch costs changes as prices
 * go on and as the machine does, by as much as a flood costs.
 *
 * @param seconds - flooded, and as many alone
 */
export async function measureFlood(
  folder: string,
  seconds: number,
  flood: Omit<Flooding, 'url'>,
): Promise<FloodResult> {
  const [deployment, keyFile, councilKeyFile] = ['deployment.json', 'prover.key', 'council.key'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const chain = await openChain({ port: 0, deployment, keyFile, councilKeyFile, start: START, say: () => undefined })
  const place = ['--rpc', chain.url, '--deployment', deployment, '--key-file', keyFile, '--poll', '50']
  const store = ['--store', join(folder, 'serve.sqlite'), '--http', '127.0.0.1:0', '--log', 'json']
  const service = spawn(process.execPath, [cli, 'serve', ...place, ...store], { stdio: ['ignore', 'ignore', 'pipe'] })
  let feeder: Feeder | undefined
  let flooder: ChildProcess | undefined
  try {
    const url = await addressOf(service)
    feeder = await Feeder.open(chain.url, chain.deployment)
    while (feeder.batches < FIRST_BATCHES) await feeder.next()
    flooder = fork(flooding, [JSON.stringify({ ...flood, url } satisfies Flooding)])
    const pairs = Math.max(LEAST_PAIRS, Math.round(seconds / SPELL_SECONDS))
    const spell = seconds / pairs
    const alone: Watched[] = []
    const flooded: (Watched & Flooded)[] = []
    for (let pair = 0; pair < pairs; pair++) {
      for (const isFlooded of pair % 2 === 0 ? [false, true] : [true, false]) {
        if (isFlooded) flooder.send('flood' satisfies FloodOrder)
        await sleep(SETTLE_MS)
        const watched = await watch(url, feeder, spell)
        if (isFlooded) flooded.push({ ...watched, ...(await answersOf(flooder)) })
        else alone.push(watched)
      }
    }
    return resultOf(alone, flooded)
  } finally {
    flooder?.kill('SIGKILL')
    await feeder?.close()
    const ended = once(service, 'exit')
    service.kill('SIGTERM')
    await ended
    await chain.close()
  }
}

async function addressOf(service: ChildProcess): Promise<string> {
  if (service.stderr === null) throw new Error('The service has no output.')
  const address = Promise.withResolvers<string>()
  createInterface({ input: service.stderr })
    .on('line', (line) => {
      const [, url] = /"url":"(http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? []
      if (url !== undefined) address.resolve(url)
    })
    .on('close', () => address.reject(new Error('The service ended before it listened.')))
  return address.promise
}

/** The next hour comes as soon as the one before is in force. */
class Feeder {
  batches = 0
  readonly #client: RegistryClient
  readonly #chain: DevelopmentChain
  readonly #deployment: Deployment
  readonly #hours = hoursFrom(parseTime(START) ?? 0n)

  private constructor(client: RegistryClient, chain: DevelopmentChain, deployment: Deployment) {
    this.#client = client
    this.#chain = chain
    this.#deployment = deployment
  }

  static async open(rpc: string, deployment: Deployment): Promise<Feeder> {
    const { addresses, chainId, block } = deployment
    const chain = developmentChainBehind(await connectProvider(rpc, chainId))
    const client = await RegistryClient.connect({
      registry: addresses.registry,
      provider: chain.provider,
      fromBlock: block,
    })
    return new Feeder(client, chain, deployment)
  }

  async next(): Promise<void> {
    const { sequence: before } = await this.#client.market('BTC-USD')
    await appendObservations(this.#chain, this.#deployment, this.#hours.next().value)
    while ((await this.#client.market('BTC-USD')).sequence === before) await sleep(20)
    this.batches++
  }

  async close(): Promise<void> {
    await this.#chain.close()
  }
}

/** The extract's hours, and at its end, which a fast machine comes to, its prices back and forth. */
function* hoursFrom(start: bigint): Generator<readonly NamedObservation[], never> {
  let { steps } = crashHistory(start, Number.MAX_SAFE_INTEGER)
  for (let asOf = start + HOUR_SECONDS; ; steps = steps.toReversed()) {
    for (const step of steps) {
      yield step.map(({ name, observation }) => ({ name, observation: { ...observation, asOf } }))
      asOf += HOUR_SECONDS
    }
  }
}

type Watched = { readonly batchesMs: readonly number[]; readonly probesMs: readonly number[]; readonly seconds: number }

async function watch(url: string, feeder: Feeder, seconds: number): Promise<Watched> {
  const began = performance.now()
  const ended = began + 1000 * seconds
  const probesMs: number[] = []
  const probing = (async () => {
    while (performance.now() < ended) {
      const asked = performance.now()
      await (await fetch(`${url}/livez`)).text()
      probesMs.push(performance.now() - asked)
      await sleep(PROBE_MS)
    }
  })()
  const batchesMs: number[] = []
  const feeding = (async () => {
    for (let last = began; last < ended; ) {
      await feeder.next()
      const now = performance.now()
      batchesMs.push(now - last)
      last = now
    }
  })()
  await Promise.all([feeding, probing])
  return { batchesMs, probesMs, seconds: (performance.now() - began) / 1000 }
}

function resultOf(alone: readonly Watched[], flooded: readonly (Watched & Flooded)[]): FloodResult {
  const drops = flooded.map((each, pair) => 100 * (1 - meanMs(alone[pair] ?? each) / meanMs(each)))
  const percent = meanOf(drops)
  const squares = drops.reduce((sum, drop) => sum + (drop - percent) ** 2, 0)
  const byStatus: Record<string, number> = {}
  for (const [status, count] of flooded.flatMap((each) => Object.entries(each.byStatus)))
    byStatus[status] = (byStatus[status] ?? 0) + count
  const total = (of: (spell: Watched & Flooded) => number): number => flooded.reduce((sum, each) => sum + of(each), 0)
  const machineSeconds = total(({ seconds }) => seconds + SETTLE_MS / 1000) * availableParallelism()
  return {
    alone: paceOf(alone),
    flooded: paceOf(flooded),
    drop: { percent, error: Math.sqrt(squares / (drops.length - 1) / drops.length) },
    answers: { byStatus, letGo: total(({ letGo }) => letGo) },
    flooderPercent: (100 * total(({ processorSeconds }) => processorSeconds)) / machineSeconds,
  }
}

function paceOf(spells: readonly Watched[]): Pace {
  const probes = spells.flatMap(({ probesMs }) => probesMs).toSorted((a, b) => a - b)
  return {
    batchesPerMinute: 60_000 / meanOf(spells.flatMap(({ batchesMs }) => batchesMs)),
    probeMs: { median: probes[Math.floor(probes.length / 2)] ?? 0, worst: probes.at(-1) ?? 0 },
  }
}

const meanMs = ({ batchesMs }: Watched): number => meanOf(batchesMs)

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

async function answersOf(flooder: ChildProcess): Promise<Flooded> {
  const told = once(flooder, 'message')
  flooder.send('rest' satisfies FloodOrder)
  const [answers] = (await told) as [Flooded]
  return answers
}
