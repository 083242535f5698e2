/** Commands in a process that stays from one to the next. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Answered, Asked } from './warmCommand.ts'
import type { Ended } from './zkrisk.ts'

const script = join(import.meta.dirname, 'warmCommand.ts')

/** A process without work ends after this long: its build may be a folder of tests that are over. */
const IDLE_MS = 60_000

type Waiting = { resolve(answered: Answered): void; reject(error: Error): void }
type Warm = { readonly child: ChildProcess; readonly waiting: Map<number, Waiting>; idle?: NodeJS.Timeout }

const processes = new Map<string, Warm>()
let asked = 0

/**
 * Runs a command where others ran before it.
 *
 * @param env - variables besides this process's own; there is a process for each
 */
export async function runWarm(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const key = JSON.stringify(env)
  const warm = processes.get(key) ?? start(key, env)
  const id = asked++
  try {
    const { code, stdout, stderr } = await new Promise<Answered>((resolve, reject) => {
      warm.waiting.set(id, { resolve, reject })
      hold(key, warm)
      warm.child.send({ id, args } satisfies Asked)
    })
    return { code, signal: null, stdout, stderr }
  } finally {
    warm.waiting.delete(id)
    hold(key, warm)
  }
}

function start(key: string, env: NodeJS.ProcessEnv): Warm {
  const child = fork(script, {
    env: { ...process.env, ...env },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const warm: Warm = { child, waiting: new Map() }
  processes.set(key, warm)
  child.on('message', (answered: Answered) => warm.waiting.get(answered.id)?.resolve(answered))
  child.on('exit', (code, signal) => {
    processes.delete(key)
    const error = new Error(`The process of commands ended (${signal ?? code}) in the middle of one.`)
    for (const { reject } of warm.waiting.values()) reject(error)
  })
  return warm
}

/** Keeps the process that waits from ending, for as long as it waits for something. */
function hold(key: string, warm: Warm): void {
  const { child, waiting } = warm
  clearTimeout(warm.idle)
  if (waiting.size > 0) {
    child.ref()
    child.channel?.ref()
    return
  }
  child.unref()
  child.channel?.unref()
  warm.idle = setTimeout(() => {
    processes.delete(key)
    child.kill()
  }, IDLE_MS).unref()
}
