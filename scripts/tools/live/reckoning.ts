/** What a service has come to, from chain and store alone: what is in force, since when, how often, and whether it is the twin's. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, Wallet } from 'ethers'
import { ContractRevertError } from '../../../prover/registry/contractErrors.ts'
import { interfaceOf } from '../../../prover/registry/artifacts.ts'
import { PortfolioClient, RegistryClient } from '../../../prover/registry/index.ts'
import { doorEventsIn } from '../../../prover/registry/market/door.ts'
import { isAccountJob } from '../../../prover/service/daemon/accounts/lane.ts'
import type { Job } from '../../../prover/service/daemon/jobStore.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { developmentKeys } from '../../../prover/service/development/chain.ts'
import { unpack, wordBits } from '../../../prover/statement/words.ts'
import type { LiveEngine } from './liveEngine.ts'

/** Something that came in, and when what follows from it was in force; blocks. */
export type InForce = { readonly cameIn: number; readonly inForce: number | undefined }

export type Reckoning = {
  /** With their own times. */
  readonly observations: readonly (InForce & { readonly asOf: bigint })[]
  /** Reports of accounts; those that were reported anew before are in force with the later one. */
  readonly reports: readonly InForce[]
  /** Blocks of transactions that moved markets, and of margins and witnesses that were taken. */
  readonly batches: readonly number[]
  readonly margins: readonly number[]
  readonly witnesses: readonly number[]
  /** Observations that a source took and no batch has; accounts without their margins, or not shown to be below maintenance. */
  readonly lost: number
  /** What was taken more than once, and transactions of the service that its store does not know, in words. */
  readonly doubled: readonly string[]
  /** Margins that are not the twin's. */
  readonly wrong: number
  readonly held: number
  readonly refused: number
  /** Work that ended without landing: how often each reason. */
  readonly superseded: readonly Superseded[]
  /** Signed, and neither landed nor given up. What was begun and not sent when the service was stopped is the next one's. */
  readonly open: number
}

/** Jobs that a store may have here. */
const ALL = 1_000_000
const LOOK_MS = 500
const PARAMETERS_MASK = (1n << BigInt(wordBits('parameters'))) - 1n

/** `at` is by the clock of {@link BlockTimes}. */
export type Superseded = { readonly at: number; readonly isOfAccounts: boolean; readonly reason: string }

/** @param since - block after which it is reckoned; the engine's own start is nobody's event */
export async function reckon(engine: LiveEngine, since: number): Promise<Reckoning> {
  const [markets, accounts, jobs] = [
    await ofMarkets(engine, since),
    await ofAccounts(engine, since),
    await ofStore(engine),
  ]
  return {
    ...{ observations: markets.observations, held: markets.held, refused: markets.refused, batches: markets.batches },
    ...{ reports: accounts.reports, margins: accounts.margins, witnesses: accounts.witnesses, wrong: accounts.wrong },
    lost: markets.lost + accounts.lost,
    doubled: [...markets.doubled, ...accounts.doubled, ...jobs.doubled],
    ...{ superseded: jobs.superseded, open: jobs.open },
  }
}

/** Whether all that came in is in force: no observation waits, and every account has margins of its last report. */
async function isInForce(engine: LiveEngine): Promise<boolean> {
  return (await notConsumed(engine)) === 0 && (await withoutMargins(engine)) === 0
}

/** Milliseconds from the block in which something came in to that in which it was in force, of all that is. */
export function agesOf({ blocks }: LiveEngine, events: readonly InForce[]): Promise<readonly number[]> {
  const landed = events.flatMap(({ cameIn, inForce }) => (inForce === undefined ? [] : [[cameIn, inForce] as const]))
  return Promise.all(landed.map(async ([from, to]) => (await blocks.of(to)) - (await blocks.of(from))))
}

/** Waits until all is, or for so long; whether it is. */
export async function comesInForce(engine: LiveEngine, patienceMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await isInForce(engine))) {
    if (performance.now() > giveUpAt) return false
    await sleep(LOOK_MS)
  }
  return true
}

async function ofMarkets(engine: LiveEngine, since: number) {
  const { chain, deployment } = engine
  const { registry } = deployment.addresses
  const logs: readonly Log[] = await chain.getLogs({ address: registry, fromBlock: since + 1, toBlock: 'latest' })
  const moves = logs.flatMap((log) => {
    const event = interfaceOf('RiskRegistry').parseLog(log)
    if (event?.name !== 'ParametersUpdated') return []
    const { marketId, parametersAndSequence } = event.args
    const asOf = unpack('parameters', parametersAndSequence & PARAMETERS_MASK).asOf
    return [{ marketId, asOf, block: log.blockNumber, hash: log.transactionHash, word: parametersAndSequence }]
  })
  const observations: Reckoning['observations'][number][] = []
  const counts = { held: 0, refused: 0 }
  for (const source of new Set(deployment.markets.map((market) => market.source))) {
    const told: readonly Log[] = await chain.getLogs({ address: source, fromBlock: since + 1, toBlock: 'latest' })
    for (const log of told) {
      const [event] = doorEventsIn([log], source)
      if (event?.kind === 'held' || event?.kind === 'refused') counts[event.kind]++
      if (event?.kind !== 'appended') continue
      const move = moves.find(({ marketId, asOf }) => marketId === event.marketId && asOf >= event.asOf)
      observations.push({ asOf: event.asOf, cameIn: log.blockNumber, inForce: move?.block })
    }
  }
  const doubled = repeatedIn(moves.map(({ marketId, word }) => `parameters of ${marketId}: ${word}`))
  const batches = [...new Map(moves.map(({ hash, block }) => [hash, block])).values()]
  return { ...counts, observations, batches, doubled, lost: await notConsumed(engine) }
}

/** Observations that wait in an inbox, by the registry's own count of what it took. */
async function notConsumed({ chain, deployment }: LiveEngine): Promise<number> {
  const { addresses, markets, block: fromBlock } = deployment
  const client = await RegistryClient.connect({ registry: addresses.registry, provider: chain, fromBlock })
  const waiting = await Promise.all(markets.map(({ name }) => client.waiting(name)))
  return waiting.flat().length
}

async function ofAccounts(engine: LiveEngine, since: number) {
  const { chain, deployment } = engine
  const { registry = '', arrays = '' } = deployment.portfolio ?? {}
  const range = { fromBlock: since + 1, toBlock: 'latest' }
  const logs: readonly Log[] = await chain.getLogs({ address: registry, ...range })
  const events = logs.flatMap((log) => {
    const event = interfaceOf('PortfolioRegistry').parseLog(log)
    return event === null ? [] : [{ name: event.name, args: event.args, block: log.blockNumber }]
  })
  const named = (...names: readonly string[]) => events.filter(({ name }) => names.includes(name))
  const margins = named('MarginProven', 'MarginProvenAlone')
  const witnesses = named('AccountUnhealthy').filter(
    // Margins below maintenance say so too, in the same block.
    ({ args, block }) => !margins.some((margin) => margin.block === block && margin.args.account === args.account),
  )
  const reports = named('AccountReported').map(({ args, block }): InForce => {
    const answers = [...margins, ...witnesses].filter(
      (each) => each.args.account === args.account && each.args.sequence >= args.sequence && each.block >= block,
    )
    return { cameIn: block, inForce: answers.length === 0 ? undefined : Math.min(...answers.map((each) => each.block)) }
  })
  const wrong = margins.filter(({ args }) => {
    const twin = engine.margin(args.account, args.asOf, args.sequence)
    const { initialE8, maintenanceE8 } = unpack('accountMargins', args.margins)
    return twin?.initialE8 !== initialE8 || twin.maintenanceE8 !== maintenanceE8
  })
  const accepted: readonly Log[] = await chain.getLogs({ address: arrays, ...range })
  const taken = [
    // Alone and then with everything counts as twice.
    ...margins.map(({ args }) => `margin ${args.account} ${args.asOf} ${args.sequence}`),
    ...witnesses.map(({ args }) => `witness ${args.account} ${args.asOf} ${args.sequence}`),
    ...accepted.flatMap((log) => {
      const event = interfaceOf('RiskArrays').parseLog(log)
      return event?.name === 'ArrayAccepted' ? [`array ${event.args.arrayRoot} ${event.args.asOf}`] : []
    }),
  ]
  return {
    ...{ reports, margins: margins.map(({ block }) => block), witnesses: witnesses.map(({ block }) => block) },
    ...{ wrong: wrong.length, doubled: repeatedIn(taken), lost: await withoutMargins(engine) },
  }
}

/** Each as often as it is there too much. */
const repeatedIn = (taken: readonly string[]): readonly string[] => taken.filter((each, i) => taken.indexOf(each) < i)

/** Accounts of whose last report no margins were proven. */
async function withoutMargins({ chain, deployment, reported }: LiveEngine): Promise<number> {
  const { registry = '' } = deployment.portfolio ?? {}
  const client = await PortfolioClient.connect({ registry, provider: chain, fromBlock: deployment.block })
  const proven = await Promise.all(
    [...reported].map(async ([account, reports]) => {
      const margin = await client.unsafeMargin(account).catch(ifRefused)
      return margin?.sequence === BigInt(reports.length)
    }),
  )
  return proven.filter((isProven) => !isProven).length
}

/** Nothing was ever proven of it. */
const ifRefused = (error: unknown): undefined => {
  if (error instanceof ContractRevertError) return undefined
  throw error
}

/** The service has ended: nobody else holds its store. */
async function ofStore({ folder, chain, proverNonce }: LiveEngine) {
  const { store } = await SqliteJobStore.openExisting(join(folder, 'serve.sqlite'))
  try {
    const jobs = await store.jobs(ALL)
    let mined = 0
    const twice: string[] = []
    for (const { id, summary } of jobs) {
      const hashes = (await store.transactions(id)).map(({ hash }) => hash)
      const receipts = (await Promise.all(hashes.map((hash) => chain.getTransactionReceipt(hash)))).filter(isThere)
      mined += receipts.length
      const landed = receipts.filter(({ status }) => status === 1)
      if (landed.length > 1) twice.push(`${summary}: ${landed.map(({ hash }) => hash).join(', ')}`)
    }
    const sent = (await chain.getTransactionCount(new Wallet(developmentKeys.prover).address)) - proverNonce
    return {
      superseded: jobs.filter(({ status }) => status === 'superseded').map(ended),
      open: (await store.openJobs()).filter(({ status }) => status === 'signed').length,
      doubled: sent === mined ? twice : [...twice, `${sent} transactions were sent, of which the store has ${mined}`],
    }
  } finally {
    await store.close()
  }
}

const isThere = <T>(value: T | null): value is T => value !== null

const ended = ({ reason, updatedAt, ...job }: Job): Superseded => {
  return { at: updatedAt - performance.timeOrigin, isOfAccounts: isAccountJob(job), reason: reason ?? 'none' }
}
