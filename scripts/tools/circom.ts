/** The circom compiler (2.2.3, WebAssembly from npm), which starts once for all that a process compiles. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { CircomAnswer, CircomTask } from './circomWorker.ts'

/** A thread that holds more is ended, not kept for the next circuit. */
const MOST_IDLE_BYTES = 128 * 2 ** 20

const idle: Worker[] = []
let compiler: Promise<WebAssembly.Module> | undefined

/** Runs the compiler in a thread of its own; threads without work keep no process alive. */
export async function runCircom(task: CircomTask): Promise<CircomAnswer> {
  compiler ??= loadCompiler()
  const workerData = await compiler
  const worker = idle.pop() ?? new Worker(new URL('./circomWorker.ts', import.meta.url), { workerData, execArgv: [] })
  worker.ref()
  const answer = await ask(worker, task)
  worker.unref()
  if (answer.memoryBytes > MOST_IDLE_BYTES) void worker.terminate()
  else idle.push(worker)
  return answer
}

async function loadCompiler(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve('circom2/circom.wasm')))
}

function ask(worker: Worker, task: CircomTask): Promise<CircomAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void): void => {
      worker.off('message', onMessage).off('error', reject).off('exit', onExit)
      settled()
    }
    const onMessage = (answer: CircomAnswer): void => settle(() => resolve(answer))
    const onExit = (code: number): void => settle(() => reject(new Error(`The compiler's thread ended (${code}).`)))
    worker.on('message', onMessage).on('error', reject).on('exit', onExit)
    worker.postMessage(task)
  })
}
