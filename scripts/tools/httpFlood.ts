/** How fast `zkrisk serve` proves and how soon its probes answer while nobody else asks it, and while somebody floods it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTime } from '../../prover/market/time.ts'
import { connectProvider, type Deployment, RegistryClient } from '../../prover/registry/index.ts'
import { type DevelopmentChain, developmentChainBehind } from '../../prover/service/development/chain.ts'
import { crashHistory } from '../../prover/service/development/demo.ts'
import { appendObservations, type NamedObservation } from '../../prover/service/development/engine.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import type { Flooded, Flooding } from './flooding.ts'

/** Batches in a minute, and times of probes. */
export type Pace = {
  readonly batchesPerMinute: number
  /** Of that: a batch takes now longer, now shorter. */
  readonly errorPercent: number
  readonly probeMs: { readonly median: number; readonly worst: number }
}
export type FloodResult = { readonly alone: Pace; readonly flooded: Pace; readonly answers: Flooded }

const START = '2020-03-10 12:00:00'
const HOUR_SECONDS = 3600n
const PROBE_MS = 200
/** The first batches load keys. */
const FIRST_BATCHES = 3
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const flooding = join(import.meta.dirname, 'flooding.ts')

/**
 * The flood comes between two halves of the time alone: what a batch costs changes as prices go on, by as much as a flood costs.
 *
 * @param seconds - of each of the two
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
    const before = await watch(url, feeder, seconds / 2)
    flooder = spawn(process.execPath, [flooding, JSON.stringify({ ...flood, url } satisfies Flooding)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const meanwhile = await watch(url, feeder, seconds)
    const answers = await endOf(flooder)
    const after = await watch(url, feeder, seconds / 2)
    const [alone, flooded] = [paceOf([before, after]), paceOf([meanwhile])]
    return { alone, flooded, answers }
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

type Watched = { readonly batchesMs: readonly number[]; readonly probesMs: readonly number[] }

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
  return { batchesMs, probesMs }
}

function paceOf(parts: readonly Watched[]): Pace {
  const batches = meanOf(parts.flatMap(({ batchesMs }) => batchesMs))
  const probes = parts.flatMap(({ probesMs }) => probesMs).toSorted((a, b) => a - b)
  return {
    batchesPerMinute: 60_000 / batches.mean,
    errorPercent: (100 * batches.error) / batches.mean,
    probeMs: { median: probes[Math.floor(probes.length / 2)] ?? 0, worst: probes.at(-1) ?? 0 },
  }
}

/** The mean of values and its standard error. */
function meanOf(values: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, error: Math.sqrt(squares / (values.length - 1) / values.length) }
}

async function endOf(flooder: ChildProcess): Promise<Flooded> {
  let said = ''
  flooder.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const closed = once(flooder, 'close')
  flooder.kill('SIGTERM')
  await closed
  return JSON.parse(said) as Flooded
}
