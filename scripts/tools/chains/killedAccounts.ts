/**
 * kill -9 of a service that proves margins of accounts, at every boundary of its work or at any moment, until all are in force: what
 * was lost, and what was taken twice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ContractRevertError } from '../../../prover/registry/contractErrors.ts'
import { writeSecretFile } from '../../../prover/service/wholeFile.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { portfolioBuildOf } from '../../../prover/service/workspace.ts'
import type { AccountsRange, Held } from './accountsRange.ts'
import type { FaultProxy, Question } from './faultProxy.ts'
import type { ServeAccountsOptions } from './serveAccounts.ts'

const [array, book, margin, witness, apart] = (
  ['riskArray', 'optionBook', 'portfolioMargin', 'scenarioWitness', 'arrayMargin'] as const
).map((statement) => portfolioBuildOf(statement).name)

/** Steps after which it is killed, of each piece of work. */
const steps = ['planned', 'proven', 'signed', 'sent', 'confirmed'] as const

/** Where it is killed: after a step that it told of, or at a question of the node. */
export const accountBoundaries: readonly string[] = [
  ...[array, witness, margin, apart].flatMap((build) => steps.map((step) => `${step} ${build}`)),
  ...[array, book, margin, witness, apart].map((build) => `statement-proven ${build}`),
  'asked eth_sendRawTransaction',
  'answered eth_sendRawTransaction',
]

/** What one trial came to. */
export type AccountsTrial = {
  /** Boundaries at which it was killed. */
  readonly met: readonly string[]
  readonly kills: number
  /** Accounts without their margins, or without having been shown. */
  readonly lost: number
  /** Arrays, margins or witnesses that were taken more than once, and transactions that no job has. */
  readonly doubled: number
  /** Margins that are not the twin's. */
  readonly wrong: number
  readonly isAccepted: boolean
}

/** A service that has not brought everything in force by then has lost it; on a machine that others keep busy it takes minutes. */
const PATIENCE_MS = 900_000
const LOOK_MS = 100
const script = join(import.meta.dirname, 'serveAccounts.ts')
let trials = 0

type Kill = {
  /** Boundaries that are left. */
  readonly unmet: Set<string>
  /** How long a life lasts at most, in milliseconds. */
  readonly life: () => number
}

/** Kills it once at every one of these that it comes to. */
export const killedAt = (range: AccountsRange, proxy: FaultProxy, boundaries: readonly string[]) =>
  trial(range, proxy, { unmet: new Set(boundaries), life: () => Number.POSITIVE_INFINITY })

/** Kills it so often, each time after another number of milliseconds; then it may live. */
export function killedAfter(range: AccountsRange, proxy: FaultProxy, lives: readonly number[]): Promise<AccountsTrial> {
  const left = [...lives]
  return trial(range, proxy, { unmet: new Set(), life: () => left.shift() ?? Number.POSITIVE_INFINITY })
}

/** Two accounts, one of few options and below maintenance, reported before a round; then the chain is put back. */
async function trial(range: AccountsRange, proxy: FaultProxy, { unmet, life }: Kill): Promise<AccountsTrial> {
  const undo = await range.beginTrial()
  const payer = await range.payer(++trials)
  const keyFile = join(range.folder, `payer${trials}.key`)
  writeSecretFile(keyFile, `${payer.privateKey}\n`)
  const held = new Map<string, Held>([
    [range.accountOf(1), range.held(30_000n)],
    [range.accountOf(2), range.heldInOne(2_000n)],
  ])
  const store = join(range.folder, `killed${trials}.sqlite`)
  const before = new Set(unmet)
  let kills = 0
  let wasKilled = true
  try {
    for (const [account, each] of held) await range.report(account, each)
    const round = await range.publish()
    const options = { rpc: proxy.url, deployment: range.deploymentFile, keyFile, store, rounds: range.rounds }
    const giveUpAt = Date.now() + PATIENCE_MS
    // What the last life had sent is settled by another one.
    while ((wasKilled || !(await isDone(range, [...held.keys()]))) && Date.now() < giveUpAt) {
      wasKilled = await live(range, proxy, options, unmet, life(), [...held.keys()], giveUpAt)
      if (wasKilled) kills++
      proxy.mend()
    }
    const margins = await Promise.all(
      [...held].map(async ([account, each]) => {
        const found = await marginOf(range, account)
        return found === undefined || found.maintenanceE8 === range.margin(round, each).maintenanceE8
      }),
    )
    const taken = [...(await range.taken()).values()]
    const confirmed = await confirmedIn(range, store)
    const nonces = await range.chain.getTransactionCount(payer.address)
    return {
      met: [...before].filter((boundary) => !unmet.has(boundary)),
      kills,
      lost: (await isDone(range, [...held.keys()])) ? 0 : 1,
      doubled: taken.filter((times) => times > 1).length + Math.abs(nonces - confirmed),
      wrong: margins.filter((isRight) => !isRight).length,
      isAccepted: await range.isAuditAccepted(),
    }
  } finally {
    proxy.mend()
    await undo()
  }
}

/** One life of the service; whether it was killed. */
async function live(
  range: AccountsRange,
  proxy: FaultProxy,
  options: Omit<ServeAccountsOptions, 'dieAt'>,
  unmet: Set<string>,
  milliseconds: number,
  accounts: readonly string[],
  giveUpAt: number,
): Promise<boolean> {
  const argument = JSON.stringify({ ...options, dieAt: [...unmet] })
  const child = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let isOver = false
  void exited.then(() => {
    isOver = true
  })
  const kill = (): unknown => child.kill('SIGKILL')
  const timer = milliseconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(kill, milliseconds)
  const started = watchSteps(child, unmet)
  watchNode(proxy, child, unmet)
  await Promise.race([started, exited])
  while (!isOver && Date.now() < giveUpAt && !(await isDone(range, accounts)))
    await Promise.race([exited, sleep(LOOK_MS)])
  if (!isOver) child.kill('SIGTERM')
  const [code, signal] = await exited
  clearTimeout(timer)
  // One that could not even start tells nothing of what is lost.
  if (code !== null && code !== 0) throw new Error(`The service ended by itself, with ${code}.`)
  return signal === 'SIGKILL'
}

/** Takes what it was killed at from what is left; ends when it has told of anything. */
function watchSteps({ stdout }: ChildProcess, unmet: Set<string>): Promise<void> {
  return new Promise((resolve) => {
    if (stdout === null) return
    createInterface({ input: stdout }).on('line', (line) => {
      unmet.delete((JSON.parse(line) as { readonly at: string }).at)
      resolve()
    })
  })
}

function watchNode(proxy: FaultProxy, child: ChildProcess, unmet: Set<string>): void {
  const killAt = (boundary: string): boolean => unmet.delete(boundary) && child.kill('SIGKILL')
  proxy.before = ({ method }: Question) => !killAt(`asked ${method}`)
  proxy.after = ({ method }: Question) => void killAt(`answered ${method}`)
}

async function isDone({ client }: AccountsRange, accounts: readonly string[]): Promise<boolean> {
  for (const account of accounts) {
    const margin = await client.margin(account).catch(ifRefused)
    if (margin === undefined) return false
    if (margin.maintenanceE8 < 0n && !(await client.marginForLiquidation(account)).liquidatable) return false
  }
  return true
}

const marginOf = ({ client }: AccountsRange, account: string) => client.margin(account).catch(ifRefused)

const ifRefused = (error: unknown): undefined => {
  if (error instanceof ContractRevertError) return undefined
  throw error
}

async function confirmedIn({ deployment }: AccountsRange, file: string): Promise<number> {
  const store = await SqliteJobStore.open(file, {
    chainId: deployment.chainId,
    registry: deployment.addresses.registry,
  })
  try {
    return (await store.counts()).confirmed
  } finally {
    await store.close()
  }
}
