/**
 * Lands bundles such that no crash loses or doubles one: the signed transaction is on the disk before it is sent, and what
 * became of it is asked of the chain, never assumed.
 */
import { isError, keccak256, type Provider, Transaction, type TransactionReceipt, type Wallet } from 'ethers'
import { parseBundle } from '../../registry/market/bundle.ts'
import { GAS_MARGIN_PERCENT, type RegistryClient, skippedIn } from '../../registry/market/client.ts'
import { ContractRevertError, RpcError, typedCallError } from '../../registry/contractErrors.ts'
import type { Job, JobStore, SignedTransaction } from './jobStore.ts'

export type SenderOptions = {
  readonly client: RegistryClient
  readonly account: Wallet
  readonly store: JobStore
  /** Blocks on top of the transaction's, itself counted, until it is believed. */
  readonly confirmations: number
  /** A transaction that is not mined after this time is sent again with a higher fee. */
  readonly bumpAfterMs: number
}

/** What became of a job in one look. */
export type Landing =
  | {
      readonly status: 'confirmed'
      readonly hash: string | undefined
      readonly gasUsed: bigint | undefined
      /** Markets that somebody had moved before: the others landed. */
      readonly skipped: readonly string[]
    }
  | { readonly status: 'superseded'; readonly reason: string }
  /** `sent`: the chain did not have it a moment ago. */
  | { readonly status: 'pending'; readonly sent: boolean }

/** The chain stands where the job would bring it. */
const APPLIED_ELSEWHERE: Landing = { status: 'confirmed', hash: undefined, gasUsed: undefined, skipped: [] }

/** Nodes take a replacement that offers a tenth more. */
const BUMP_PERCENT = 115n

export class Sender {
  private readonly options: SenderOptions
  private readonly provider: Provider

  constructor(options: SenderOptions) {
    this.options = options
    this.provider = options.client.provider
  }

  /**
   * Simulates and signs a proven job and stores the transaction; does not send it yet.
   *
   * @returns undefined when signed; otherwise what became of the job
   */
  async sign(job: Job): Promise<Landing | undefined> {
    const { client, account } = this.options
    const bundle = parseBundle(Buffer.from(job.bundle ?? ''), `job ${job.id}`)
    if (await client.isApplied(bundle)) return APPLIED_ELSEWHERE
    const { to, data, chainId } = client.transactionOf(bundle)
    let gas: bigint
    try {
      gas = await client.simulate(bundle)
    } catch (error) {
      if (error instanceof ContractRevertError) return { status: 'superseded', reason: error.reason }
      throw error
    }
    const nonce = await ask('Reading the nonce', () => this.provider.getTransactionCount(account.address, 'latest'))
    const fees = await this.fees()
    const gasLimit = (gas * GAS_MARGIN_PERCENT) / 100n
    this.keep(job.id, nonce, await account.signTransaction({ type: 2, to, data, chainId, nonce, gasLimit, ...fees }))
    return undefined
  }

  /** Sends what is signed, if the chain does not have it, and says how it stands. */
  async settle(job: Job): Promise<Landing> {
    const transactions = this.options.store.transactions(job.id)
    const [newest] = transactions
    if (newest === undefined) return { status: 'superseded', reason: 'no signed transaction was kept' }

    const used = await ask('Reading the nonce', () => this.provider.getTransactionCount(newest.sender, 'latest'))
    const receipt = await this.receiptOf(transactions)
    if (receipt !== undefined) return this.judge(job, receipt)
    // The nonce went to a transaction that is not ours: ours can never be mined.
    if (used > newest.nonce) return this.judgeElsewhere(job)
    const isKnown = await ask('Reading a transaction', () => this.provider.getTransaction(newest.hash))
    if (isKnown === null) await this.broadcast(newest)
    if (Date.now() - newest.signedAt > this.options.bumpAfterMs) await this.bump(job, newest)
    return { status: 'pending', sent: isKnown === null }
  }

  private async judge(job: Job, receipt: TransactionReceipt): Promise<Landing> {
    if (receipt.status !== 1) return this.judgeElsewhere(job)
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    if (head - receipt.blockNumber + 1 < this.options.confirmations) return { status: 'pending', sent: false }
    const skipped = skippedIn(receipt.logs, this.options.client.registry)
    return { status: 'confirmed', hash: receipt.hash, gasUsed: receipt.gasUsed, skipped }
  }

  /** Our transaction did not do it; perhaps somebody else's did. */
  private async judgeElsewhere(job: Job): Promise<Landing> {
    const bundle = parseBundle(Buffer.from(job.bundle ?? ''), `job ${job.id}`)
    if (await this.options.client.isApplied(bundle)) return APPLIED_ELSEWHERE
    return { status: 'superseded', reason: 'its transaction was not accepted' }
  }

  private async receiptOf(transactions: readonly SignedTransaction[]): Promise<TransactionReceipt | undefined> {
    for (const { hash } of transactions) {
      const receipt = await ask('Reading a receipt', () => this.provider.getTransactionReceipt(hash))
      if (receipt !== null) return receipt
    }
    return undefined
  }

  private async broadcast({ raw }: SignedTransaction): Promise<void> {
    try {
      await this.provider.broadcastTransaction(raw)
    } catch (error) {
      // The next look at the nonce tells what these mean.
      const isKnown = /already known|known transaction|already imported|already exists/i.test(String(error))
      const isSettled = isError(error, 'NONCE_EXPIRED') || isError(error, 'REPLACEMENT_UNDERPRICED')
      if (isKnown || isSettled) return
      // A node that mines at once answers a refused transaction with the refusal; its receipt says the same.
      if (isError(error, 'CALL_EXCEPTION') || /reverted/i.test(String(error))) return
      throw new RpcError('Sending a transaction', error)
    }
  }

  private async bump(job: Job, { nonce, raw }: SignedTransaction): Promise<void> {
    const { account } = this.options
    const { to, data, chainId, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = Transaction.from(raw)
    const fees = await this.fees()
    const higher = (old: bigint | null, market: bigint): bigint => {
      const least = ((old ?? 0n) * BUMP_PERCENT) / 100n + 1n
      return least > market ? least : market
    }
    const signed = await account.signTransaction({
      type: 2,
      to,
      data,
      chainId,
      nonce,
      gasLimit,
      maxFeePerGas: higher(maxFeePerGas, fees.maxFeePerGas),
      maxPriorityFeePerGas: higher(maxPriorityFeePerGas, fees.maxPriorityFeePerGas),
    })
    this.keep(job.id, nonce, signed)
  }

  private keep(jobId: string, nonce: number, raw: string): void {
    const { store, account } = this.options
    store.signed({ hash: keccak256(raw), jobId, sender: account.address, nonce, raw })
  }

  private async fees(): Promise<{ maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }> {
    const fees = await ask('Reading fees', () => this.provider.getFeeData())
    const maxPriorityFeePerGas = fees.maxPriorityFeePerGas ?? 1_000_000_000n
    return {
      maxPriorityFeePerGas,
      maxFeePerGas: fees.maxFeePerGas ?? (fees.gasPrice ?? 0n) * 2n + maxPriorityFeePerGas,
    }
  }
}

async function ask<Result>(doing: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    throw typedCallError(error, doing)
  }
}
