/** Workers as processes that may be killed, stopped and continued. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { WorkerEvent } from '../../../prover/service/daemon/fleet/worker.ts'
import type { TrialWorkerOptions } from './trialWorker.ts'

const script = join(import.meta.dirname, 'trialWorker.ts')

export class WorkerProcess {
  readonly events: WorkerEvent[] = []
  /** When each of these was heard of, by this process's clock that never steps. */
  readonly heardAt: number[] = []
  killedAt: number | undefined
  readonly ended: Promise<unknown>
  readonly #child: ChildProcess
  #told: () => void = () => undefined

  constructor(options: TrialWorkerOptions) {
    this.#child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.ended = once(this.#child, 'exit')
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.events.push(JSON.parse(line) as WorkerEvent)
      this.heardAt.push(performance.now())
      this.#told()
    })
  }

  /** Waits for a step, of a job if one is named. */
  async until(step: WorkerEvent['step'], job?: string): Promise<WorkerEvent> {
    while (true) {
      const found = this.events.find((event) => event.step === step && (job === undefined || event.job === job))
      if (found !== undefined) return found
      if (this.#child.exitCode !== null) throw new Error(`The worker ended: ${JSON.stringify(this.events.at(-1))}`)
      await new Promise<void>((resolve) => {
        this.#told = resolve
        void this.ended.then(() => resolve())
      })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    await this.ended
  }

  async kill(): Promise<void> {
    this.killedAt ??= performance.now()
    this.signal('SIGKILL')
    await this.ended
  }
}
