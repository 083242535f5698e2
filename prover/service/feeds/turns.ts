/** Work of one account, one piece after the other: its transactions have an order. */
import type { Wallet } from 'ethers'

/** A transaction that waits to be mined, and since when in unix milliseconds. */
export type Unmined = { readonly hash: string; readonly sinceMs: number }

export class Turns {
  private last: Promise<unknown> = Promise.resolve()
  private sent: Unmined | undefined
  private readonly requireFit: () => void

  /** @param requireFit - throws while nothing may be begun */
  constructor(requireFit: () => void = () => undefined) {
    this.requireFit = requireFit
  }

  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = this.last.then(async () => {
      this.requireFit()
      try {
        return await work()
      } finally {
        this.sent = undefined
      }
    })
    // What fails is whoever's who asked for it.
    this.last = own.catch(() => undefined)
    return own
  }

  /** What was sent last in the turn that is not over. */
  get unmined(): Unmined | undefined {
    return this.sent
  }

  /** Follows what an account sends. */
  follow(account: Wallet): Wallet {
    const send = account.sendTransaction.bind(account)
    account.sendTransaction = async (transaction) => {
      const sent = await send(transaction)
      this.sent = { hash: sent.hash, sinceMs: Date.now() }
      return sent
    }
    return account
  }
}
