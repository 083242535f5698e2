/** What a service holds, looked at every few seconds while it runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from '../../../prover/proof/backends/residentMemory.ts'
import type { LiveEngine } from './liveEngine.ts'
import { bytesOf, type Holdings, type ServedProcess } from './servedProcess.ts'

export type Sample = Holdings & {
  readonly phase: string
  /** Hours since the first. */
  readonly at: number
  /** Data and code of its heap after its last full collection; undefined before the first. */
  readonly liveBytes: number | undefined
  readonly codeBytes: number | undefined
  readonly handles: number | undefined
  readonly storeBytes: number
  readonly chainBytes: number | undefined
}

export type WatchOptions = {
  /** Where the service listens. */
  readonly url: string
  readonly phase: string
  readonly sampleSeconds: number
}

export class MemoryWatch {
  readonly samples: Sample[] = []
  /** What is going on, for whoever reads the samples. */
  phase: string
  readonly #ended = new AbortController()
  readonly #done: Promise<void>

  constructor(engine: LiveEngine, service: ServedProcess, { url, phase, sampleSeconds }: WatchOptions) {
    this.phase = phase
    this.#done = this.#run(engine, service, `${url}/metrics`, sampleSeconds)
    // It is told at the end.
    this.#done.catch(() => undefined)
  }

  async #run(engine: LiveEngine, service: ServedProcess, metrics: string, seconds: number): Promise<void> {
    const began = performance.now()
    const { signal } = this.#ended
    while (!signal.aborted) {
      const told = await fetch(metrics).then((answer) => answer.text())
      this.samples.push({
        ...service.holdings,
        phase: this.phase,
        at: (performance.now() - began) / 3_600_000,
        liveBytes: valueIn(told, 'zkrisk_live_heap_bytes{kind="data"}'),
        codeBytes: valueIn(told, 'zkrisk_live_heap_bytes{kind="code"}'),
        handles: valueIn(told, 'nodejs_active_handles_total'),
        storeBytes: bytesOf(engine.folder, 'serve.sqlite'),
        chainBytes: residentBytes(engine.chainPid),
      })
      await sleep(1000 * seconds, undefined, { signal }).catch(() => undefined)
    }
  }

  /** @throws what looking failed with */
  async end(): Promise<readonly Sample[]> {
    this.#ended.abort()
    await this.#done
    return this.samples
  }
}

function valueIn(told: string, name: string): number | undefined {
  const line = told.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}
