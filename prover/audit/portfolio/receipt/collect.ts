/** Gathers a {@link ReceiptRecord} from a node. Judges nothing. */
import { Contract, type Log, type Provider, toBeHex } from 'ethers'
import { ProverError } from '../../../errors.ts'
import { interfaceOf } from '../../../registry/artifacts.ts'
import { callsToVerify, SubmissionHiddenError } from '../../../registry/calls.ts'
import { logsBetween } from '../../../registry/chain.ts'
import { ask, ContractRevertError } from '../../../registry/contractErrors.ts'
import { namedValues } from '../../../registry/portfolio/calldata.ts'
import { contractRecord } from '../../deployed/collect.ts'
import { type DeployedSource, readOf } from '../../deployed/reading.ts'
import type { AuditKey } from '../../models.ts'
import { isBefore, placeOf } from '../../nodeReads.ts'
import { collectPortfolioRecord } from '../collect.ts'
import type { ReportRecord } from '../record.ts'
import { liquidateCallOf } from './liquidation.ts'
import type { Liquidation, ReceiptRecord, VenueEvent } from './record.ts'

export type ReceiptQuestion = {
  readonly provider: Provider
  readonly chainId: bigint
  readonly venue: string
  /** Either may be left out; of several liquidations it is the last one. */
  readonly transactionHash?: string | undefined
  readonly owner?: string | undefined
  readonly fromBlock: number
  readonly keys: readonly AuditKey[]
}

/**
 * @throws {@link NoLiquidationError} if there is none; {@link NotAVenueError} if no venue is there
 * @throws {@link RpcError} if the node does not answer
 */
export async function collectReceipt(question: ReceiptQuestion): Promise<ReceiptRecord> {
  const { provider, chainId, venue, fromBlock, keys } = question
  const log = await liquidationLog(question)
  const end = log.blockNumber
  const source: DeployedSource = { provider, fromBlock, end }
  const liquidation = await liquidationOf(source, log)
  const [registry, orders, token] = await Promise.all(
    ['registry', 'orders', 'token'].map((name) => readOf<string>(source, 'OptionsVenue', venue, name)),
  )
  const { key, asOf } = liquidation.receipt
  const untilAsOf = liquidateCallOf(liquidation.calldata)?.round.asOf ?? asOf
  const portfolio = await collectPortfolioRecord(
    { provider, chainId, registry: registry as string, fromBlock, toBlock: end, keys },
    { account: key, asOf, untilAsOf },
  )
  return {
    liquidation,
    venue: {
      contract: await contractRecord(source, { part: 'venue', address: venue }),
      orders: await contractRecord(source, { part: 'venueOrders', address: orders as string }),
      decimals: await decimalsOf(source, token as string),
    },
    events: neededOf(await eventsBefore(source, venue, liquidation), portfolio.reports, liquidation),
    portfolio,
  }
}

/** Rules and flag in force, and what moved the account's cash since its last report. */
function neededOf(
  events: readonly VenueEvent[],
  reports: readonly ReportRecord[],
  { receipt }: Liquidation,
): VenueEvent[] {
  const last = reports.find(({ account, sequence }) => account === receipt.key && sequence === receipt.sequence)
  const inForce = (['RulesSet', 'Flagged'] as const).map((name) => events.findLast((each) => each.name === name))
  return events.filter((each) => {
    if (each.name === 'RulesSet' || each.name === 'Flagged') return inForce.includes(each)
    return last !== undefined && isBefore(last, each)
  })
}

async function liquidationLog({ provider, venue, transactionHash, owner, fromBlock }: ReceiptQuestion): Promise<Log> {
  const topics = interfaceOf('OptionsVenue').encodeFilterTopics('Liquidated', owner === undefined ? [] : [owner])
  const found =
    transactionHash === undefined
      ? await logsBetween(provider, { address: venue, topics }, fromBlock, await lastOf(provider))
      : await logsOf(provider, transactionHash)
  const log = found.findLast(
    (each) =>
      each.address === venue && each.topics[0] === topics[0] && (owner === undefined || each.topics[1] === topics[1]),
  )
  if (log !== undefined) return log
  await requireVenue(provider, venue)
  throw new NoLiquidationError(venue, transactionHash, owner)
}

/** @throws {@link NotAVenueError} if what is there has no venue's functions */
async function requireVenue(provider: Provider, venue: string): Promise<void> {
  const code = await ask('Reading code', () => provider.getCode(venue))
  if (code === '0x') throw new NotAVenueError(venue, 'no contract')
  const asked = ['registry', 'orders'].map((name) =>
    ask(`Reading ${name}`, () => new Contract(venue, interfaceOf('OptionsVenue'), provider).getFunction(name)()),
  )
  for (const { reason } of (await Promise.allSettled(asked)).filter((each) => each.status === 'rejected')) {
    if (!(reason instanceof ContractRevertError)) throw reason
    throw new NotAVenueError(venue, 'another contract')
  }
}

const lastOf = (provider: Provider): Promise<number> => ask('Reading the block number', () => provider.getBlockNumber())

async function logsOf(provider: Provider, hash: string): Promise<readonly Log[]> {
  const receipt = await ask('Reading a receipt', () => provider.getTransactionReceipt(hash))
  return receipt?.logs ?? []
}

async function liquidationOf({ provider }: DeployedSource, log: Log): Promise<Liquidation> {
  const { transactionHash } = log
  const block = await ask('Reading a block', () => provider.getBlock(log.blockNumber))
  const event = interfaceOf('OptionsVenue').parseLog(log)
  const { owner, liquidator, receipt } = namedValues(event?.fragment.inputs ?? [], event?.args ?? []) as Pick<
    Liquidation,
    'owner' | 'liquidator' | 'receipt'
  >
  return {
    ...placeOf(log),
    ...{ transactionHash, timestamp: block?.timestamp ?? 0, owner, liquidator, receipt },
    calldata: await calldataOf(provider, log, owner),
  }
}

async function calldataOf(
  provider: Provider,
  { address, transactionHash }: Log,
  owner: string,
): Promise<Liquidation['calldata']> {
  const isWanted = (calldata: string): boolean => liquidateCallOf(calldata)?.owner === owner
  try {
    const calls = await ask('Reading a liquidation', () =>
      callsToVerify(provider, [address], transactionHash, isWanted),
    )
    return calls.at(-1)?.toLowerCase() ?? null
  } catch (error) {
    if (error instanceof SubmissionHiddenError) return null
    throw error
  }
}

async function decimalsOf({ provider, end }: DeployedSource, token: string): Promise<number> {
  const contract = new Contract(token, ['function decimals() view returns (uint8)'], provider)
  const decimals = await ask('Reading decimals', () => contract.getFunction('decimals')({ blockTag: toBeHex(end) }))
  return Number(decimals)
}

async function eventsBefore(
  { provider, fromBlock, end }: DeployedSource,
  venue: string,
  { logIndex, block, owner }: Liquidation,
): Promise<VenueEvent[]> {
  const events = interfaceOf('OptionsVenue')
  const wanted = ['Flagged', 'Deposited', 'Marked'].map((name) => events.encodeFilterTopics(name, [owner]))
  const filters = [...wanted, events.encodeFilterTopics('RulesSet', [])]
  const logs = await Promise.all(
    filters.map((topics) => logsBetween(provider, { address: venue, topics }, fromBlock, end)),
  )
  return logs
    .flat()
    .filter((log) => log.blockNumber < block || log.index < logIndex)
    .toSorted((a, b) => a.blockNumber - b.blockNumber || a.index - b.index)
    .map(venueEvent)
}

/** The values that a liquidation follows from, by the names of {@link VenueEvent}. */
const KEPT: Readonly<Record<VenueEvent['name'], readonly string[]>> = {
  RulesSet: ['auctionSeconds', 'startPayBps', 'endBonusBps', 'stepBps'],
  Flagged: ['key', 'asOf', 'since'],
  Deposited: ['amount'],
  Marked: ['key', 'priceE8'],
}

function venueEvent(log: Log): VenueEvent {
  const parsed = interfaceOf('OptionsVenue').parseLog(log)
  const values = namedValues(parsed?.fragment.inputs ?? [], parsed?.args ?? [])
  const name = parsed?.name as VenueEvent['name']
  const said = (name === 'RulesSet' ? values.rules : values) as Readonly<Record<string, unknown>>
  const kept = KEPT[name].map((each) => [each, said[each]] as const)
  return { ...placeOf(log), name, ...Object.fromEntries(kept) } as VenueEvent
}

/** The address is no venue's. */
export class NotAVenueError extends ProverError {
  readonly code = 'audit.not-a-venue'
  readonly venue: string

  constructor(venue: string, found: string) {
    super(
      `Expected a venue at ${venue}, found ${found}. Give --venue the address of the OptionsVenue, which is not that of its registry, and --rpc a node of its chain.`,
    )
    this.venue = venue
  }
}

/** The venue has liquidated nobody of this kind. */
export class NoLiquidationError extends ProverError {
  readonly code = 'audit.no-liquidation'
  readonly venue: string
  readonly transactionHash: string | undefined
  readonly owner: string | undefined

  constructor(venue: string, transactionHash: string | undefined, owner: string | undefined) {
    const of = owner === undefined ? '' : ` of ${owner}`
    const within = transactionHash === undefined ? '' : ` in transaction ${transactionHash}`
    super(
      `Expected a liquidation${of} by venue ${venue}${within}, found none. Check addresses and hash; --from-block may be too late, or the chain another one.`,
    )
    this.venue = venue
    this.transactionHash = transactionHash
    this.owner = owner
  }
}
