/** kill -9 of the service at a boundary of sending, then another service over the same store: what lands, and how often. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Wallet } from 'ethers'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import type { FaultProxy, Question } from './faultProxy.ts'
import type { ProvenBatches } from './provenBatches.ts'
import type { SendOptions } from './sendBatches.ts'

/** Where it is killed: after a step that it told of, or at a question of the node, before the node has it or before the answer is back. */
export const boundaries = {
  'nonce asked': { before: 'eth_getTransactionCount' },
  'nonce known to the node alone': { after: 'eth_getTransactionCount' },
  'fees asked': { before: 'eth_maxPriorityFeePerGas' },
  'signed and stored': { dieAt: 'signed' },
  'sending, nothing taken': { before: 'eth_sendRawTransaction' },
  'taken, the answer lost': { after: 'eth_sendRawTransaction' },
  sent: { dieAt: 'sent' },
  'receipt asked': { before: 'eth_getTransactionReceipt' },
  'receipt known to the node alone': { after: 'eth_getTransactionReceipt' },
  confirmed: { dieAt: 'confirmed' },
} as const satisfies Record<string, { readonly before?: string; readonly after?: string; readonly dieAt?: string }>

export type Boundary = keyof typeof boundaries

/** What one trial came to; 1 landing with 1 nonce is right. */
export type Landed = {
  readonly wasKilled: boolean
  readonly landings: number
  readonly nonces: number
  readonly status: string | undefined
}

const script = join(import.meta.dirname, 'sendBatches.ts')
/** A second service that has not landed it by then has lost it. */
const PATIENCE_MS = 60_000

/** Runs the trial and puts the chain back. */
export async function killAndResume(range: ProvenBatches, proxy: FaultProxy, boundary: Boundary): Promise<Landed> {
  const place = boundaries[boundary]
  return resumed(range, proxy, async (options, account) => {
    const child = start({ ...options, ...('dieAt' in place ? { dieAt: place.dieAt } : {}) }, account)
    const killAt = (method: string, question: Question): boolean => question.method === method && child.kill('SIGKILL')
    if ('before' in place) proxy.before = (question) => !killAt(place.before, question)
    if ('after' in place) proxy.after = (question) => void killAt(place.after, question)
    return ended(child)
  })
}

/** As {@link killAndResume}, at any moment. */
export async function killAfter(range: ProvenBatches, proxy: FaultProxy, milliseconds: number): Promise<Landed> {
  return resumed(range, proxy, async (options, account) => {
    const child = start(options, account)
    const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    const signal = await ended(child)
    clearTimeout(timer)
    return signal
  })
}

type Run = (options: SendOptions, account: Wallet) => Promise<NodeJS.Signals | null>

async function resumed(range: ProvenBatches, proxy: FaultProxy, run: Run): Promise<Landed> {
  const undo = await range.beginTrial()
  const account = await range.account()
  const file = await range.storeFile('BTC-USD')
  const options = { rpc: proxy.url, registry: range.scope.registry, store: file }
  try {
    const signal = await run(options, account)
    proxy.mend()
    if ((await statusOf(range, file)) !== 'confirmed')
      await ended(start({ ...options, stopAt: 'confirmed' }, account), PATIENCE_MS)
    const [landings = 0] = await range.sequences()
    const nonces = await range.chain.getTransactionCount(account.address)
    return { wasKilled: signal === 'SIGKILL', landings, nonces, status: await statusOf(range, file) }
  } finally {
    proxy.mend()
    await undo()
  }
}

async function statusOf(range: ProvenBatches, file: string): Promise<string | undefined> {
  const store = await SqliteJobStore.open(file, range.scope)
  try {
    return (await store.jobs())[0]?.status
  } finally {
    await store.close()
  }
}

function start(options: SendOptions, account: Wallet): ChildProcess {
  const env = { ...process.env, ZKRISK_KEY: account.privateKey }
  return spawn(process.execPath, [script, JSON.stringify(options)], { env, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function ended(child: ChildProcess, patienceMs?: number): Promise<NodeJS.Signals | null> {
  const timer = patienceMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), patienceMs)
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  // One that could not even start tells nothing of what is lost.
  if (code !== null && code !== 0) throw new Error(`The service ended by itself, with ${code}.`)
  return signal
}
