/** Where in a source's inbox a market begins or goes on; see `IShadows.Place`. */
import { AbiCoder, Contract, type Interface, keccak256, type Provider, ZeroHash, zeroPadValue } from 'ethers'
import { ownMarketOf } from '../../market/marketId.ts'
import type { Observation } from '../../parameters/marketRisk.ts'
import { unpack } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'
import { logsBetween } from '../chain.ts'
import { ask, RpcError } from '../contractErrors.ts'
import { extendHead } from './calldata.ts'

/** An observation of an inbox, by a head that its source still holds. */
export type InboxPlace = {
  /** Its number, from 1. */
  readonly count: bigint
  /** Head of the inbox before it. */
  readonly previousHead: string
  /** The observation's word. */
  readonly observation: bigint
}

/** Which of them: the newest, or the newest whose head the source holds for ever, for a call that is made days later. */
export type PlaceChoice = 'latest' | 'lasting'

/** Words after which a source overwrites a head, except at multiples of {@link MILESTONE}; contracts/market/Inbox.sol. */
const RING = 64n
const MILESTONE = 32n

/** Whether a source holds the head after so many words, when it has `latest`. */
export const isHeldAt = (count: bigint, latest: bigint): boolean => count % MILESTONE === 0n || count + RING > latest

/** What a source is called where it is paused. */
export const idOfSource = (source: string): string => zeroPadValue(source, 32)

/**
 * A place that a market may begin at.
 *
 * @param fromBlock - before which the source had no observation that matters
 * @returns undefined if the source has no observation of the market
 * @throws {@link RpcError}
 */
export async function placeToBegin(
  provider: Provider,
  { source, marketId, fromBlock }: { readonly source: string; readonly marketId: string; readonly fromBlock: number },
  choice: PlaceChoice = 'latest',
): Promise<{ readonly place: InboxPlace; readonly observation: Observation } | undefined> {
  const id = ownMarketOf(marketId)
  const contract = new Contract(source, interfaceOf('IObservationSource'), provider)
  const latest = await ask('Reading the inbox', () => contract.getFunction('latest')(id))
  if (latest.count === 0n) return undefined
  const milestone = latest.count - (latest.count % MILESTONE)
  const count: bigint = choice === 'latest' || milestone === 0n ? latest.count : milestone
  const word =
    count === latest.count
      ? (latest.lastWord as bigint)
      : (await wordsFrom(provider, { source, marketId: id, fromBlock }, count)).find((told) => told.count === count)
          ?.word
  if (word === undefined) throw untold(count, fromBlock)
  const previousHead = await headAfter(contract, source, id, count - 1n, provider)
  return { place: { count, previousHead, observation: word }, observation: unpack('observation', word) }
}

/**
 * Where a market goes on in another source: behind its last observation that is not later than the market's state, or before the
 * first of all. The source may be older than what is known of its events.
 *
 * @param inbox.fromBlock - from which on its events are read
 * @returns the place, and the observations after it up to one whose head the source holds
 * @throws {@link RpcError} also if an observation that is needed was told before `fromBlock`
 */
export async function placeToGoOn(
  provider: Provider,
  inbox: { readonly source: string; readonly marketId: string; readonly fromBlock: number },
  asOf: bigint,
): Promise<{ readonly place: InboxPlace; readonly next: readonly bigint[] }> {
  const at = { ...inbox, marketId: ownMarketOf(inbox.marketId) }
  const begun = await placeToBegin(provider, at)
  if (begun !== undefined && begun.observation.asOf <= asOf) return { place: begun.place, next: [] }
  const told = await wordsFrom(provider, at, 1n)
  const latest = told.at(-1)?.count ?? 0n
  const behind = told.findIndex(({ word }) => unpack('observation', word).asOf > asOf)
  const count = behind < 0 ? latest : (told[behind]?.count ?? 0n) - 1n
  const wordOf = (number: bigint): bigint => {
    const word = told[Number(number - (told[0]?.count ?? 0n))]?.word
    if (word === undefined) throw untold(number, inbox.fromBlock)
    return word
  }
  const range = (from: bigint, to: bigint): readonly bigint[] =>
    Array.from({ length: Number(to - from + 1n) }, (_, i) => wordOf(from + BigInt(i)))
  let end = count < latest ? count + 1n : count
  while (end < latest && !isHeldAt(end, latest)) end++
  const next = range(count + 1n, end)
  if (count === 0n) return { place: { count: 0n, previousHead: ZeroHash, observation: 0n }, next }
  // The head before it, from the last one before that which is held for ever.
  const lasting = count - 1n - ((count - 1n) % MILESTONE)
  const contract = new Contract(at.source, interfaceOf('IObservationSource'), provider)
  const head = await headAfter(contract, at.source, at.marketId, lasting, provider)
  const previousHead = extendHead(head, range(lasting + 1n, count - 1n))
  return { place: { count, previousHead, observation: wordOf(count) }, next }
}

const untold = (number: bigint, fromBlock: number): RpcError =>
  new RpcError('Reading the inbox', new Error(`observation ${number} has no event from block ${fromBlock} on`))

/** Words of an inbox from a number on, as its events tell them, one after the other. */
async function wordsFrom(
  provider: Provider,
  { source, marketId, fromBlock }: { readonly source: string; readonly marketId: string; readonly fromBlock: number },
  count: bigint,
): Promise<readonly { readonly count: bigint; readonly word: bigint }[]> {
  const feed: Interface = interfaceOf('IObservationSource')
  const topics = feed.encodeFilterTopics('ObservationAppended', [marketId])
  const head = await ask('Reading the block number', () => provider.getBlockNumber())
  const logs = await logsBetween(provider, { address: source, topics }, fromBlock, head)
  return logs
    .map((log) => feed.parseLog(log)?.args.toObject() ?? {})
    .filter((event) => event.count >= count)
    .map((event) => ({ count: event.count as bigint, word: event.word as bigint }))
}

/** Head after so many words; what every inbox starts from, after none. */
async function headAfter(
  source: Contract,
  address: string,
  marketId: string,
  count: bigint,
  provider: Provider,
): Promise<string> {
  if (count > 0n) {
    const [head] = await ask('Reading the inbox', () => source.getFunction('checkpoints')([marketId], [count]))
    return head
  }
  const { chainId } = await ask('Reading the chain id', () => provider.getNetwork())
  return startHead(address, chainId, marketId)
}

/** Head of a market's inbox before its first observation. */
export const startHead = (source: string, chainId: bigint, marketId: string): string =>
  keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'uint256', 'bytes32'], [source, chainId, marketId]))
