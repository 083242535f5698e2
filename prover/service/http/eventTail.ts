/** The newest events of a contract, read on from where they were read to, and anew where the chain has undone what was read. */
import type { LogDescription, Provider } from 'ethers'
import { type ContractName, interfaceOf } from '../../registry/artifacts.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask } from '../../registry/contractErrors.ts'

export type TailEvent = {
  readonly args: LogDescription['args']
  readonly block: number
  readonly transactionHash: string
}

export type TailPlace = {
  readonly contract: ContractName
  readonly event: string
  readonly address: string
  readonly fromBlock: number
}

const MOST_EVENTS = 200

export class EventTail {
  private readonly provider: Provider
  private readonly place: TailPlace
  private events: TailEvent[] = []
  private last: { readonly number: number; readonly hash: string | null } | undefined

  constructor(provider: Provider, place: TailPlace) {
    this.provider = provider
    this.place = place
  }

  /** Newest first, at most {@link MOST_EVENTS}. @throws {@link RpcError} */
  async read(): Promise<readonly TailEvent[]> {
    const head = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    if (head !== null && this.last?.hash !== head.hash) {
      await this.forgetUndone()
      await this.readTo(head.number)
      this.last = { number: head.number, hash: head.hash }
    }
    return this.events.toReversed()
  }

  private async readTo(end: number): Promise<void> {
    const { contract, event, address, fromBlock } = this.place
    const own = interfaceOf(contract)
    const topics = [own.getEvent(event)?.topicHash ?? '']
    const from = this.last === undefined ? fromBlock : this.last.number + 1
    for (const log of await logsBetween(this.provider, { address, topics }, from, end)) {
      const parsed = own.parseLog(log)
      const { blockNumber: block, transactionHash } = log
      if (parsed !== null) this.events.push({ args: parsed.args, block, transactionHash })
    }
    this.events = this.events.slice(-MOST_EVENTS)
  }

  private async forgetUndone(): Promise<void> {
    if (this.last === undefined) return
    const { number, hash } = this.last
    const same = await ask('Reading a block', () => this.provider.getBlock(number))
    if (same?.hash === hash) return
    this.events = []
    this.last = undefined
  }
}
