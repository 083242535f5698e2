/** Accounts of a portfolio registry, nearest liquidation first; from its events, so that a thousand of them cost no thousand reads. */
import type { Provider } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask } from '../../registry/contractErrors.ts'
import { unpack } from '../../statement/words.ts'
import { exactMoney } from '../text/figures.ts'

/** An account as the registry's events tell of it. */
export type RankedAccount = {
  readonly account: string
  /** Null before the first proof. */
  readonly aboveMaintenanceMarginQuote: string | null
  readonly aboveInitialMarginQuote: string | null
  /** Shown to be below maintenance by a witness, and not cleared since. */
  readonly isUnhealthy: boolean
}

/** unhealthy: a witness showed that the account may be liquidated. cleared: it is over. */
export type LiquidationEvent = {
  readonly kind: 'unhealthy' | 'cleared'
  readonly account: string
  readonly block: number
  readonly transactionHash: string
}

type Track = { initialE8?: bigint; maintenanceE8?: bigint; isUnhealthy: boolean }

const MOST_EVENTS = 200
const followed = [
  ...(['AccountReported', 'AccountReplaced'] as const),
  ...(['MarginProven', 'MarginProvenAlone', 'AccountUnhealthy', 'AccountCleared'] as const),
]

export class AccountLedger {
  private readonly provider: Provider
  private readonly registry: string
  private readonly fromBlock: number
  private tracks = new Map<string, Track>()
  private events: LiquidationEvent[] = []
  private last: { readonly number: number; readonly hash: string | null } | undefined

  constructor(provider: Provider, registry: string, fromBlock: number) {
    this.provider = provider
    this.registry = registry
    this.fromBlock = fromBlock
  }

  /** All accounts that the venue has reported, those not proven last. @throws {@link RpcError} */
  async ranked(): Promise<readonly RankedAccount[]> {
    await this.follow()
    const byDistance = [...this.tracks].toSorted(([, a], [, b]) => compare(a, b))
    return byDistance.map(([account, { initialE8, maintenanceE8, isUnhealthy }]) => ({
      account,
      aboveMaintenanceMarginQuote: maintenanceE8 === undefined ? null : exactMoney(maintenanceE8),
      aboveInitialMarginQuote: initialE8 === undefined ? null : exactMoney(initialE8),
      isUnhealthy,
    }))
  }

  /** Newest first. @throws {@link RpcError} */
  async liquidations(): Promise<readonly LiquidationEvent[]> {
    await this.follow()
    return this.events.toReversed()
  }

  private async follow(): Promise<void> {
    const head = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    if (head === null || this.last?.hash === head.hash) return
    await this.forgetUndone()
    const own = interfaceOf('PortfolioRegistry')
    const topics = [followed.map((name) => own.getEvent(name)?.topicHash ?? '')]
    const from = (this.last?.number ?? this.fromBlock - 1) + 1
    for (const log of await logsBetween(this.provider, { address: this.registry, topics }, from, head.number)) {
      const parsed = own.parseLog(log)
      if (parsed?.name === 'AccountReplaced') this.tracks.delete(parsed.args.previous)
      else if (parsed !== null)
        this.keep(parsed.name, { account: parsed.args.account, margins: parsed.args.margins }, log)
    }
    this.events = this.events.slice(-MOST_EVENTS)
    this.last = { number: head.number, hash: head.hash }
  }

  private async forgetUndone(): Promise<void> {
    if (this.last === undefined) return
    const same = await ask('Reading a block', () => this.provider.getBlock(this.last?.number ?? 0))
    if (same?.hash === this.last.hash) return
    this.tracks = new Map()
    this.events = []
    this.last = undefined
  }

  private keep(
    name: string,
    args: { readonly account: string; readonly margins: bigint | undefined },
    { blockNumber: block, transactionHash }: { readonly blockNumber: number; readonly transactionHash: string },
  ): void {
    const { account, margins } = args
    const before = this.tracks.get(account) ?? { isUnhealthy: false }
    const proven = margins === undefined ? {} : unpack('accountMargins', margins)
    const isUnhealthy = name === 'AccountUnhealthy' || (before.isUnhealthy && name !== 'AccountCleared')
    this.tracks.set(account, { ...before, ...proven, isUnhealthy })
    const kind = name === 'AccountUnhealthy' ? 'unhealthy' : name === 'AccountCleared' ? 'cleared' : undefined
    if (kind !== undefined) this.events.push({ kind, account, block, transactionHash })
  }
}

/** Those who hold least above their maintenance margin first, those not proven last. */
function compare(a: Track, b: Track): number {
  if (a.isUnhealthy !== b.isUnhealthy) return a.isUnhealthy ? -1 : 1
  if (a.maintenanceE8 === undefined || b.maintenanceE8 === undefined)
    return Number(a.maintenanceE8 === undefined) - Number(b.maintenanceE8 === undefined)
  return a.maintenanceE8 < b.maintenanceE8 ? -1 : Number(a.maintenanceE8 > b.maintenanceE8)
}
