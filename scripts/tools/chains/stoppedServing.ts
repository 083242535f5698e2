/** `zkrisk serve` that is told to end at some moment while it proves and sends, once or twice, and another one after it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { writeSecretFile } from '../../../prover/service/wholeFile.ts'
import type { ProvenBatches } from './provenBatches.ts'

export type Stopped = {
  /** What it ended with that was told to. */
  readonly code: number | null
  /** From the first signal to its end, and to the last batch that it began after that. */
  readonly milliseconds: number
  readonly begunAfterMs: number
  /** Batches that are not in force in the end. */
  readonly lost: number
  /** Transactions that were mined beyond one for each batch. */
  readonly doubled: number
}

const cli = join(import.meta.dirname, '..', '..', '..', 'prover', 'service', 'cli.ts')
/** A service that has not landed everything by then has lost it. */
const PATIENCE_MS = 120_000
let trials = 0

/**
 * One market is proven already and the other is not: it proves, sends and waits at once. Afterwards the chain is put back.
 *
 * @param afterMs - from when it had begun
 * @param secondMs - after the first signal; undefined for none
 */
export async function stopAndResume(range: ProvenBatches, afterMs: number, secondMs?: number): Promise<Stopped> {
  const undo = await range.beginTrial()
  const account = await range.account()
  const keyFile = join(range.folder, `stopped${++trials}.key`)
  writeSecretFile(keyFile, `${account.privateKey}\n`)
  const store = await range.storeFile('BTC-USD')
  const args = ['serve', '--rpc', range.url, '--deployment', join(range.folder, 'deployment.json'), '--poll', '50']
  const start = (): Service => new Service([...args, '--key-file', keyFile, '--store', store, '--log', 'json'])
  try {
    const first = start()
    await Promise.race([first.begun.then(() => sleep(afterMs)), first.exited])
    const told = performance.now()
    first.child.kill('SIGTERM')
    if (secondMs !== undefined) {
      await Promise.race([sleep(secondMs), first.exited])
      first.child.kill('SIGTERM')
    }
    const code = await first.exited
    const milliseconds = performance.now() - told
    const begunAfterMs = Math.max(0, ...first.begunAt.map((at) => at - told))
    const second = start()
    const isDone = async (): Promise<boolean> => (await range.sequences()).every((sequence) => sequence === 1)
    while (performance.now() - told < PATIENCE_MS && !(await isDone())) await Promise.race([sleep(100), second.exited])
    second.child.kill('SIGTERM')
    await second.exited
    const lost = (await range.sequences()).filter((sequence) => sequence !== 1).length
    const jobs = await SqliteJobStore.open(store, range.scope)
    const confirmed = (await jobs.jobs()).filter(({ status }) => status === 'confirmed').length
    await jobs.close()
    const mined = await range.chain.getTransactionCount(account.address)
    return { code, milliseconds, begunAfterMs, lost, doubled: Math.max(0, mined - confirmed) }
  } finally {
    await undo()
  }
}

class Service {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  readonly begun: Promise<void>
  /** When it told of each batch that it began. */
  readonly begunAt: number[] = []

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.exited = once(this.child, 'close').then(([code]) => code as number | null)
    const begun = Promise.withResolvers<void>()
    this.begun = begun.promise
    if (this.child.stderr === null) return
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      if (line.includes('"event":"started"')) begun.resolve()
      if (line.includes('"event":"planned"')) this.begunAt.push(performance.now())
    })
  }
}
