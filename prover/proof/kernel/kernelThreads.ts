/** Worker threads with a kernel each, and one queue of tasks for them. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { ProverError } from '../../errors.ts'
import { kernelCode } from './kernelCode.ts'
import type { Answer, Task } from './kernelThread.ts'

/** Beyond this the threads' copies of a key cost more memory than they save time. */
const MOST_THREADS = 8

interface Job {
  readonly id: number
  readonly task: Task
  /** The one thread that may take it; any when undefined. */
  readonly thread: number | undefined
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** A pool of threads; close it, or the process stays alive. */
export class KernelThreads {
  readonly count: number
  private readonly workers: readonly Worker[]
  private readonly queue: Job[] = []
  private readonly current: (Job | undefined)[]
  private nextId = 0
  private failure: Error | undefined

  private constructor(workers: readonly Worker[]) {
    this.count = workers.length
    this.workers = workers
    this.current = workers.map(() => undefined)
    for (const [thread, worker] of workers.entries()) {
      worker.on('message', (message: { id: number; answer?: Answer; failure?: unknown }) =>
        this.finish(thread, message),
      )
      worker.on('error', (error) => this.abort(new KernelThreadError(error)))
      worker.on('exit', () => this.abort(new KernelThreadError(undefined)))
    }
  }

  /** Starts the threads. @param count - defaults to one per processor, at most eight */
  static async start(count = Math.min(availableParallelism(), MOST_THREADS)): Promise<KernelThreads> {
    const workerData = await kernelCode()
    // Node runs the .ts source directly; the published build has .js beside .js.
    const entry = new URL(`./kernelThread${import.meta.url.slice(-3)}`, import.meta.url)
    return new KernelThreads(Array.from({ length: count }, () => new Worker(entry, { workerData, execArgv: [] })))
  }

  /** Queues a task for whichever thread is free first. */
  run(task: Task): Promise<Answer> {
    return this.enqueue(task, undefined)
  }

  /** Queues one task for each thread. */
  runOnEach(makeTask: (thread: number) => Task): Promise<Answer[]> {
    return Promise.all(this.workers.map((_, thread) => this.enqueue(makeTask(thread), thread)))
  }

  /** Ends the threads; tasks under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()))
  }

  private enqueue(task: Task, thread: number | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      this.queue.push({ id: this.nextId++, task, thread, resolve, reject })
      this.dispatch()
    })
  }

  private dispatch(): void {
    for (const [thread, worker] of this.workers.entries()) {
      if (this.current[thread] !== undefined) continue
      const next = this.queue.findIndex((job) => job.thread === undefined || job.thread === thread)
      if (next < 0) continue
      const [job] = this.queue.splice(next, 1) as [Job]
      this.current[thread] = job
      worker.postMessage({ id: job.id, task: job.task })
    }
  }

  private finish(thread: number, message: { answer?: Answer; failure?: unknown }): void {
    const job = this.current[thread]
    this.current[thread] = undefined
    if (message.failure === undefined) job?.resolve(message.answer)
    else job?.reject(message.failure)
    this.dispatch()
  }

  private abort(error: Error): void {
    this.failure ??= error
    for (const job of [...this.current, ...this.queue.splice(0)]) job?.reject(this.failure)
    this.current.fill(undefined)
  }
}

/** A thread ended while it was still needed: out of memory, or closed early. */
export class KernelThreadError extends ProverError {
  readonly code = 'proof.thread-ended'

  constructor(cause: unknown) {
    super('An arithmetic thread ended early, most likely for lack of memory. Free memory, or use fewer threads.', {
      cause,
    })
  }
}
