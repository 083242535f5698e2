/**
 * Lands bundles such that no crash, lost answer or reorganisation loses or doubles one: the signed transaction, with its
 * nonce, is on the disk before it is sent, and what became of it is asked of the chain, never assumed.
 */
import { isError, keccak256, type Provider, type Signer, Transaction, type TransactionReceipt } from 'ethers'
import { ProverError } from '../../errors.ts'
import { GAS_MARGIN_PERCENT, type RegistryClient } from '../../registry/market/client.ts'
import { ask, ContractRevertError, nodesWords, typedCallError } from '../../registry/contractErrors.ts'
import { type Cargo, marketCargo } from './cargo.ts'
import { type Fees, type MarketFees, readMarketFees, replacementFees, withinCap } from './fees.ts'
import {
  type Job,
  type JobStore,
  type LandedJob,
  type Mined,
  NO_PROOF,
  type SignedTransaction,
  WATCHED_BLOCKS,
} from './jobStore.ts'

/** Who signs and pays. */
export type Account = Signer & { readonly address: string }

export type SenderOptions = {
  readonly client: RegistryClient
  readonly account: Account
  readonly store: JobStore
  /** What a job brings; by default a batch of markets. */
  readonly cargoOf?: ((job: Job) => Cargo) | undefined
  /** Blocks on top of the transaction's, itself counted, until it is believed. */
  readonly confirmations: number
  /** A transaction that is not mined after this time, though blocks are, is sent again with a higher fee. */
  readonly bumpAfterMs: number
  /** Wei a unit of gas that no transaction offers more than. */
  readonly maxFeePerGas: bigint
}

/** What became of a job in one look. */
export type Landing =
  | {
      readonly status: 'confirmed'
      /** None if somebody else's transaction did it. */
      readonly mined: Mined | undefined
      /** Markets that somebody had moved before: the others landed. */
      readonly skipped: readonly string[]
    }
  | { readonly status: 'superseded'; readonly reason: string }
  /** Its nonce went to another transaction, and it would still land: to be signed anew. */
  | { readonly status: 'unsigned'; readonly reason: string }
  /** `sent`: the chain did not have it a moment ago, and a node has taken it. */
  | { readonly status: 'pending'; readonly sent: boolean }

/** The chain stands where the job would bring it. */
const APPLIED_ELSEWHERE: Landing = { status: 'confirmed', mined: undefined, skipped: [] }
const PENDING: Landing = { status: 'pending', sent: false }
/** Whoever held the key before cannot be replaced: what it signed may still land, and then the registry stands there already. */
const OF_ANOTHER_KEY: Landing = { status: 'unsigned', reason: 'another account had signed it' }

/** Reverted transactions of one job; after these it is given up. */
const MOST_REVERTED = 3
/** Of a transfer of nothing to oneself. */
const TRANSFER_GAS = 21_000n

type Seen = { readonly since: number; readonly block: number }

export class Sender {
  private readonly options: SenderOptions
  private readonly provider: Provider
  /** When each transaction was first seen unmined, by the clock that never goes back, and at which block. */
  private readonly seen = new Map<string, Seen>()
  /** Signed by this process a moment ago: simulated already. */
  private readonly simulated = new Set<string>()
  /** Nodes want more for their nonce. */
  private readonly underpriced = new Set<string>()
  /** The newest block when reorganisations were last looked for; undefined while the node is behind what the store has. */
  tip: { readonly number: number; readonly hash: string } | undefined
  /** The node's chain ends before a block that has a batch of this store: since when, by the clock that never goes back. */
  behind: { readonly head: number; readonly block: number; readonly since: number } | undefined
  /** Why a transaction waits though blocks are mined, and its fee cannot rise. */
  waitsFor: string | undefined

  constructor(options: SenderOptions) {
    this.options = options
    this.provider = options.client.provider
  }

  /**
   * Simulates and signs a proven job and stores the transaction; does not send it yet.
   *
   * @returns undefined when signed; otherwise what became of the job
   * @throws {@link InsufficientFundsError}
   */
  async sign(job: Job): Promise<Landing | undefined> {
    const { client, account, store, maxFeePerGas: cap } = this.options
    const cargo = this.readableCargoOf(job)
    if ('status' in cargo) return cargo
    if (await cargo.isApplied()) return APPLIED_ELSEWHERE
    const { to, data } = cargo
    const { chainId } = client
    const gas = await gasOf(cargo)
    if (typeof gas === 'string') return { status: 'superseded', reason: gas }
    const nonce = await this.nextNonce(account.address)
    const market = await readMarketFees(this.provider)
    // A node may still hold what was signed with this nonce for a batch that came to nothing.
    const before = (await store.transactionsAt(account.address, nonce)).map(({ raw }) => raw)
    const fees =
      replacementFees(market, before, cap) ?? withinCap({ maxFeePerGas: cap, maxPriorityFeePerGas: cap }, cap)
    const gasLimit = (gas * GAS_MARGIN_PERCENT) / 100n
    await this.keep(job.id, { to, data, chainId, nonce, gasLimit, fees })
    return undefined
  }

  /**
   * Sends what is signed, if the chain does not have it, and says how it stands.
   *
   * @throws {@link InsufficientFundsError}
   */
  async settle(job: Job): Promise<Landing> {
    const transactions = await this.options.store.transactions(job.id)
    const [newest] = transactions
    if (newest === undefined) return { status: 'superseded', reason: 'no signed transaction was kept' }
    const used = await this.nextNonce(newest.sender)
    const receipts = await this.receiptsOf(transactions)
    const landed = receipts.find(({ status, to, from }) => status === 1 && to !== from)
    if (landed !== undefined) return this.judge(job, landed)
    // The nonce went to a transaction that did nothing, or is not ours: this one can never be mined.
    if (used > newest.nonce) return this.judgeLost(job, receipts)
    if (used < newest.nonce && newest.sender !== this.options.account.address) return OF_ANOTHER_KEY
    if (used < newest.nonce) return this.waitForNonce(newest, used)
    return this.pursue(job, newest)
  }

  /**
   * Landed batches whose blocks the chain no longer has; each is signed again, to be settled.
   *
   * Nodes do not put transactions of blocks that are gone back among those that wait.
   */
  async reorganised(): Promise<readonly LandedJob[]> {
    const { store } = this.options
    const head = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    if (head === null || head.hash === null) return []
    const { tip } = this
    const isSame = tip !== undefined && (tip.hash === head.hash || (await this.hashOf(tip.number)) === tip.hash)
    const landed = isSame ? [] : await store.landedAfter(head.number - WATCHED_BLOCKS)
    /** Jobs that are there, by whichever of their transactions: one that was taken up again has an earlier one's block still. */
    const there = new Set<string>()
    const missing = new Map<string, LandedJob>()
    for (const each of landed) {
      // A node that is not there yet does not know.
      if (each.block > head.number) continue
      const receipt = await ask('Reading a receipt', () => this.provider.getTransactionReceipt(each.hash))
      if (receipt === null) missing.set(each.job.id, each)
      else there.add(each.job.id)
      if (receipt !== null && receipt.blockNumber !== each.block) await store.mined(minedIn(receipt))
    }
    const gone = [...missing.values()].filter(({ job }) => !there.has(job.id))
    for (const { job } of gone) await store.revive(job.id)
    const ahead = landed.filter(({ job, block }) => block > head.number && !there.has(job.id))
    const [first] = ahead
    const since = this.behind?.since ?? performance.now()
    this.behind = first && { head: head.number, block: Math.max(...ahead.map(({ block }) => block)), since }
    this.tip = first === undefined ? { number: head.number, hash: head.hash } : undefined
    return gone
  }

  private async judge(job: Job, receipt: TransactionReceipt): Promise<Landing> {
    this.waitsFor = undefined
    for (const each of [this.seen, this.simulated, this.underpriced]) each.clear()
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    if (head - receipt.blockNumber + 1 < this.options.confirmations) return PENDING
    const skipped = this.cargoOf(job).skippedIn(receipt.logs)
    return { status: 'confirmed', mined: minedIn(receipt), skipped }
  }

  /** Our transaction did not do it; perhaps somebody else's did. */
  private async judgeLost(job: Job, receipts: readonly TransactionReceipt[]): Promise<Landing> {
    const cargo = this.cargoOf(job)
    if (await cargo.isApplied()) return APPLIED_ELSEWHERE
    if (receipts.length >= MOST_REVERTED) return { status: 'superseded', reason: 'its transactions were not accepted' }
    const gas = await gasOf(cargo)
    if (typeof gas === 'string') return { status: 'superseded', reason: gas }
    return { status: 'unsigned', reason: 'its nonce went to another transaction' }
  }

  /** It is the account's next transaction. */
  private async pursue(job: Job, newest: SignedTransaction): Promise<Landing> {
    const isKnown = (await ask('Reading a transaction', () => this.provider.getTransaction(newest.hash))) !== null
    const outcome = isKnown ? undefined : await this.outcomeNow(job, newest)
    if (outcome !== undefined) return outcome
    const isOfOther = newest.sender !== this.options.account.address
    if (isOfOther && (!isKnown || (await this.isStuck(newest)))) return OF_ANOTHER_KEY
    const sent = !isKnown && (await this.broadcast(newest))
    const isOutbid = this.underpriced.delete(newest.hash)
    if (isOutbid || (await this.isStuck(newest))) await this.replace(job, newest, isOutbid)
    return { status: 'pending', sent }
  }

  /** What a batch would come to that is about to be sent; undefined: it would land. */
  private async outcomeNow(job: Job, { hash, raw, sender }: SignedTransaction): Promise<Landing | undefined> {
    if (this.simulated.delete(hash) || Transaction.from(raw).to === sender) return undefined
    const cargo = this.cargoOf(job)
    const gas = await gasOf(cargo)
    if (typeof gas !== 'string') return undefined
    return (await cargo.isApplied()) ? APPLIED_ELSEWHERE : { status: 'superseded', reason: gas }
  }

  /** Those of other jobs come first; where there are none, nothing is sent in their place. */
  private async waitForNonce(newest: SignedTransaction, next: number): Promise<Landing> {
    const { store } = this.options
    const signed = (await store.openJobs()).filter(({ status }) => status === 'signed')
    const newestOf = await Promise.all(signed.map(async ({ id }) => (await store.transactions(id))[0]))
    if (!newestOf.some((other) => other?.nonce === next)) await this.fill(next)
    const isKnown = await ask('Reading a transaction', () => this.provider.getTransaction(newest.hash))
    // Nodes that keep transactions of later nonces have all of them at once.
    if (isKnown === null) await this.broadcast(newest)
    return PENDING
  }

  /** A transfer of nothing to oneself, so that later nonces can be mined. Losing or repeating it does no harm. */
  private async fill(nonce: number): Promise<void> {
    const { client, account, store, maxFeePerGas: cap } = this.options
    const before = (await store.transactionsAt(account.address, nonce)).map(({ raw }) => raw)
    const fees = replacementFees(await readMarketFees(this.provider), before, cap)
    if (fees === undefined) return
    const { chainId } = client
    const raw = await account.signTransaction({
      type: 2,
      to: account.address,
      value: 0n,
      chainId,
      nonce,
      gasLimit: TRANSFER_GAS,
      ...fees,
    })
    await this.send(raw)
  }

  private async isStuck({ hash, nonce, sender }: SignedTransaction): Promise<boolean> {
    const block = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const { since, block: first } = this.seen.get(hash) ?? { since: performance.now(), block }
    this.seen.set(hash, { since, block: first })
    if (performance.now() - since < this.options.bumpAfterMs || block <= first) return false
    // It may have been mined between the looks.
    return (await this.nextNonce(sender)) === nonce
  }

  /** Offers more for the same batch; for nothing at all, if somebody else has landed it meanwhile. */
  private async replace(job: Job, newest: SignedTransaction, isOutbid: boolean): Promise<void> {
    const { client, store, maxFeePerGas: cap } = this.options
    const market = await readMarketFees(this.provider)
    const before = (await store.transactionsAt(newest.sender, newest.nonce)).map(({ raw }) => raw)
    const fees = replacementFees(market, before, cap, isOutbid)
    this.waitsFor = fees === undefined ? waitText(newest, market, cap) : undefined
    if (fees === undefined) return
    const { data, to, chainId, gasLimit } = Transaction.from(newest.raw)
    const batch = { to: to ?? client.registry, data, gasLimit }
    const isApplied = await this.cargoOf(job).isApplied()
    const nothing = { to: newest.sender, data: '0x', gasLimit: TRANSFER_GAS }
    await this.keep(job.id, { ...(isApplied ? nothing : batch), chainId, nonce: newest.nonce, fees })
  }

  /** Whether a node took it. */
  private async broadcast({ hash, raw }: SignedTransaction): Promise<boolean> {
    const outcome = await this.send(raw)
    if (outcome === 'underpriced') this.underpriced.add(hash)
    return outcome === 'taken'
  }

  /** What it means that a transaction was not taken is told by the next look at the chain, unless nobody can pay for it. */
  private async send(raw: string): Promise<'taken' | 'underpriced' | 'refused'> {
    try {
      await this.provider.broadcastTransaction(raw)
      return 'taken'
    } catch (error) {
      const text = nodesWords(error)
      if (isError(error, 'REPLACEMENT_UNDERPRICED') || /underpriced|base ?fee|fee cap|max fee/i.test(text))
        return 'underpriced'
      if (isError(error, 'NONCE_EXPIRED') || /nonce/i.test(text)) return 'refused'
      if (/already (known|imported|exists)|known transaction/i.test(text)) return 'taken'
      // A node that mines at once answers a refused transaction with the refusal; its receipt says the same.
      if (isError(error, 'CALL_EXCEPTION') || /revert/i.test(text)) return 'refused'
      throw typedCallError(error, 'Sending a transaction')
    }
  }

  private cargoOf(job: Job): Cargo {
    const { client, cargoOf } = this.options
    return cargoOf?.(job) ?? marketCargo(client, job)
  }

  /** What no contract could even read as a proof is refused here. */
  private readableCargoOf(job: Job): Cargo | Landing {
    try {
      return this.cargoOf(job)
    } catch (error) {
      if (!(error instanceof ProverError)) throw error
      return { status: 'superseded', reason: `${NO_PROOF}: ${error.message}` }
    }
  }

  private async receiptsOf(transactions: readonly SignedTransaction[]): Promise<readonly TransactionReceipt[]> {
    const found = await Promise.all(
      transactions.map(({ hash }) => ask('Reading a receipt', () => this.provider.getTransactionReceipt(hash))),
    )
    return found.filter((receipt) => receipt !== null)
  }

  private async nextNonce(sender: string): Promise<number> {
    return ask('Reading the nonce', () => this.provider.getTransactionCount(sender, 'latest'))
  }

  private async hashOf(block: number): Promise<string | null | undefined> {
    return (await ask('Reading a block', () => this.provider.getBlock(block)))?.hash
  }

  private async keep(jobId: string, { fees, ...transaction }: Unsigned): Promise<void> {
    const { store, account } = this.options
    const raw = await account.signTransaction({ type: 2, ...transaction, ...fees })
    const hash = keccak256(raw)
    await store.signed({ hash, jobId, sender: account.address, nonce: transaction.nonce, raw })
    this.simulated.add(hash)
  }
}

type Unsigned = {
  readonly to: string
  readonly data: string
  readonly chainId: bigint
  readonly nonce: number
  readonly gasLimit: bigint
  readonly fees: Fees
}

/** Gas that a job would take, or the name of the error that it would be refused with. */
async function gasOf(cargo: Cargo): Promise<bigint | string> {
  try {
    return await cargo.simulate()
  } catch (error) {
    if (error instanceof ContractRevertError) return error.reason
    throw error
  }
}

const minedIn = ({ hash, blockNumber: block, gasUsed }: TransactionReceipt): Mined => ({ hash, block, gasUsed })

function waitText({ nonce }: SignedTransaction, { baseFeePerGas }: MarketFees, cap: bigint): string {
  return (
    `the transaction with nonce ${nonce} is not mined, and a higher fee than its own is more than ${gweiText(cap)} gwei; ` +
    `the base fee is ${gweiText(baseFeePerGas)} gwei. It waits; --max-fee-gwei allows more`
  )
}

const gweiText = (wei: bigint): string => (Number(wei) / 1e9).toLocaleString('en', { maximumFractionDigits: 3 })
