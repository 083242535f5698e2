/** Work of one account, one piece after the other: its transactions have an order. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve()
  private readonly requireFit: () => void

  /** @param requireFit - throws while nothing may be begun */
  constructor(requireFit: () => void = () => undefined) {
    this.requireFit = requireFit
  }

  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = this.last.then(() => {
      this.requireFit()
      return work()
    })
    // What fails is whoever's who asked for it.
    this.last = own.catch(() => undefined)
    return own
  }
}
