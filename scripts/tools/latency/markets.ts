/** From an observation's block to the block in which what follows from it is in force, by the service as it runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTime } from '../../../prover/market/time.ts'
import { connectProvider, RegistryClient } from '../../../prover/registry/index.ts'
import type { ServeEvent } from '../../../prover/service/daemon/serve.ts'
import { runServe } from '../../../prover/service/daemon/serving.ts'
import {
  developmentChainBehind,
  developmentKeys,
  serveDevelopmentChain,
} from '../../../prover/service/development/chain.ts'
import { crashHistory } from '../../../prover/service/development/demo.ts'
import {
  appendObservations,
  deployDevelopmentEngine,
  type DevelopmentEngine,
  type NamedObservation,
} from '../../../prover/service/development/engine.ts'
import { writeSecretFile } from '../../../prover/service/wholeFile.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../../../prover/service/workspace.ts'
import { BlockTimes, mineEvery } from './blockTimes.ts'
import { type Latencies, latenciesOf } from './spread.ts'

/** Early enough that 120 hours and the crash lie behind it. */
const START = parseTime('2020-03-09 06:00:00') as bigint
/** Until caches and compilers are warm; not counted. */
const WARM_UP = 3

/** Stages of an event: until the service has planned its batch, proven, signed and sent it, and until the next block has it. */
const steps = ['planned', 'proven', 'signed', 'sent'] as const

export async function marketLatencies(events: number, blockSeconds: number): Promise<Latencies> {
  const folder = mkdtempSync(join(tmpdir(), 'latency-'))
  const server = await serveDevelopmentChain(START, 0)
  const provider = await connectProvider(server.url)
  const blocks = new BlockTimes(provider)
  const ended = new AbortController()
  try {
    const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
    const { warmUps, steps: hours } = crashHistory(START, events + WARM_UP)
    const engine = await deployDevelopmentEngine(developmentChainBehind(provider), keys, warmUps)
    await mineEvery(provider, blockSeconds)
    const told = new Told()
    writeSecretFile(join(folder, 'prover.key'), `${developmentKeys.prover}\n`)
    const serving = runServe({
      ...{ rpc: server.url, deployment: engine.deployment, keyFile: join(folder, 'prover.key') },
      ...{ store: join(folder, 'serve.sqlite'), signal: ended.signal, onEvent: (event) => told.hear(event) },
      triggers: { triggers: ['observations'], heartbeatSeconds: 10 ** 9, spotMove: 1 },
    })
    const measured: Readonly<Record<string, number>>[] = []
    for (const observations of hours) {
      measured.push(await Promise.race([measure(engine, observations, told, blocks), endedEarly(serving)]))
    }
    ended.abort()
    await serving
    return latenciesOf(`batches of ${warmUps.map(({ name }) => name).join(' and ')}`, measured.slice(WARM_UP))
  } finally {
    ended.abort()
    blocks.close()
    provider.destroy()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function endedEarly(serving: Promise<unknown>): Promise<never> {
  await serving
  throw new Error('The service ended.')
}

async function measure(
  { chain, deployment }: DevelopmentEngine,
  observations: readonly NamedObservation[],
  told: Told,
  blocks: BlockTimes,
): Promise<Readonly<Record<string, number>>> {
  const { registry } = deployment.addresses
  const before = await chain.provider.getBlockNumber()
  const confirmed = told.next()
  await appendObservations(chain, deployment, observations)
  await confirmed
  const { provider } = chain
  const client = await RegistryClient.connect({ registry, provider, fromBlock: deployment.block })
  const [market] = deployment.markets
  if (market === undefined) throw new Error('No market.')
  const [appended] = await provider.getLogs({ address: market.source, fromBlock: before + 1 })
  const landed = await client.lastBatch(market.marketId)
  if (appended === undefined || landed === undefined) throw new Error('Nothing landed.')
  const at = [
    await blocks.of(appended.blockNumber),
    ...steps.map((step) => told.at(step)),
    await blocks.of(landed.block),
  ]
  const names = ['seen', 'proof', 'sign', 'send', 'block']
  return Object.fromEntries(names.map((name, i) => [name, (at[i + 1] ?? Number.NaN) - (at[i] ?? Number.NaN)]))
}

/** When each step was told of the first batch that is planned from now on. */
class Told {
  private job: string | undefined
  private times = new Map<string, number>()
  private confirmed = Promise.withResolvers<void>()

  hear({ step, job }: ServeEvent): void {
    if (step === 'planned' && this.job === undefined) this.job = job
    if (job === undefined || job !== this.job) return
    if (!this.times.has(step)) this.times.set(step, performance.now())
    if (step === 'confirmed') this.confirmed.resolve()
  }

  /** @returns when that batch is confirmed */
  next(): Promise<void> {
    this.job = undefined
    this.times = new Map()
    this.confirmed = Promise.withResolvers()
    return this.confirmed.promise
  }

  at(step: string): number {
    const at = this.times.get(step)
    if (at === undefined) throw new Error(`The service told nothing of '${step}'.`)
    return at
  }
}
