/** Who sends batches, as others may see it: endpoint in use, balance and how long it lasts, what is under way, alarms. */
import { formatEther, Transaction } from 'ethers'
import { EndpointsProvider } from '../../registry/chain.ts'
import type { EndpointState } from '../../registry/endpoints/endpoints.ts'
import { type Balance, Funds } from './funds.ts'
import { Sender, type SenderOptions } from './sender.ts'

export type SubmitterOptions = SenderOptions & {
  /** An alarm is raised when the balance lasts for fewer batches. */
  readonly leastBatches: number
}

/**
 * balance: it lasts for few batches. unpaid: for none, and nothing is proven. fee: a transaction waits for the price to fall.
 * behind: the node's chain ends before a batch that it had.
 */
export type SubmitterAlarm = {
  readonly kind: 'balance' | 'unpaid' | 'fee' | 'behind'
  /** The account. */
  readonly of: string
  readonly says: string
}

export type SubmitterState = {
  readonly account: string
  /** Scheme, host and port of the RPC address in use; undefined where the provider is one of another kind. */
  readonly endpoint: string | undefined
  readonly endpoints: readonly EndpointState[]
  /** In wei; undefined until it was read. */
  readonly balance: Balance | undefined
  /** Wei a unit of gas that no transaction offers more than. */
  readonly maxFeePerGas: bigint
  readonly pending: readonly PendingTransaction[]
  readonly alarms: readonly SubmitterAlarm[]
}

export type PendingTransaction = {
  readonly job: string
  readonly hash: string
  readonly nonce: number
  /** Wei a unit of gas. */
  readonly maxFeePerGas: bigint
  /** Unix milliseconds. */
  readonly signedAt: number
}

/** Nodes behind one address differ by a block or two for a moment. */
const BEHIND_MS = 10_000

const behindAlarm = (of: string, { head, block }: NonNullable<Sender['behind']>): SubmitterAlarm => ({
  ...{ kind: 'behind', of },
  says: `the node's newest block is ${head}, and a batch landed in block ${block}: it is behind, or its chain was put back. What is gone is sent again once the chain is past that`,
})

export class Submitter {
  readonly sender: Sender
  readonly funds: Funds
  private readonly options: SubmitterOptions
  private pending: readonly PendingTransaction[] = []

  constructor(options: SubmitterOptions) {
    const { client, account, store, maxFeePerGas } = options
    this.options = options
    this.sender = new Sender(options)
    this.funds = new Funds({
      ...{ provider: client.provider, address: account.address, maxFeePerGas },
      gasOfLast: (count) => store.gasOfLast(count),
    })
  }

  /** As it stood at the last look; asks nobody. */
  get state(): SubmitterState {
    const { client, account, maxFeePerGas } = this.options
    const endpoints = client.provider instanceof EndpointsProvider ? client.provider.endpoints : undefined
    return {
      account: account.address,
      endpoint: endpoints?.inUse,
      endpoints: endpoints?.state ?? [],
      balance: this.funds.last,
      maxFeePerGas,
      pending: this.pending,
      alarms: this.alarms(),
    }
  }

  /** Reads from the store what waits to be mined. */
  async look(): Promise<void> {
    const signed = (await this.options.store.openJobs()).filter(({ status }) => status === 'signed')
    this.pending = (await Promise.all(signed.map(({ id }) => this.pendingOf(id)))).flat()
  }

  /** Whether the account could pay for one more batch. */
  async canPay(): Promise<boolean> {
    const { balance, needed } = await this.funds.read()
    return balance >= needed
  }

  /** From what was last read. */
  alarms(): readonly SubmitterAlarm[] {
    const { address: of } = this.options.account
    const balance = this.funds.last
    const { waitsFor, behind } = this.sender
    return [
      ...(balance === undefined ? [] : this.alarmsOf(balance)),
      ...(waitsFor === undefined ? [] : [{ kind: 'fee', of, says: waitsFor } as const]),
      ...(behind === undefined || performance.now() - behind.since < BEHIND_MS ? [] : [behindAlarm(of, behind)]),
    ]
  }

  private alarmsOf({ balance, needed, batchesLeft }: Balance): readonly SubmitterAlarm[] {
    const { account, leastBatches } = this.options
    const of = account.address
    const has = `it has ${formatEther(balance)} coins`
    if (batchesLeft === 0) {
      const says = `${has}, and a batch may cost ${formatEther(needed)}: nothing is proven until it is sent some`
      return [{ kind: 'unpaid', of, says }]
    }
    if (batchesLeft >= leastBatches) return []
    return [
      { kind: 'balance', of, says: `${has}, which last for about ${batchesLeft} more at the present price of gas` },
    ]
  }

  private async pendingOf(job: string): Promise<readonly PendingTransaction[]> {
    const [newest] = await this.options.store.transactions(job)
    if (newest === undefined) return []
    const { hash, nonce, raw, signedAt } = newest
    return [{ job, hash, nonce, maxFeePerGas: Transaction.from(raw).maxFeePerGas ?? 0n, signedAt }]
  }
}
