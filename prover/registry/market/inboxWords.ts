/** Whoever was not heard of while others were so often reads no more: a shadow that was removed. Whoever does all the same reads afresh. */
const MOST_SILENT = 1000

/** Words of an inbox by their positions, as far as somebody has not consumed them yet. */
export class InboxWords {
  /** First block that was not searched for them yet. */
  nextBlock: number
  private words: (bigint | undefined)[] = []
  /** Words that everybody has consumed, and that are forgotten. */
  private forgotten = 0
  private readonly consumed = new Map<string, { readonly count: number; readonly heardAs: number }>()
  private heard = 0

  constructor(nextBlock: number) {
    this.nextBlock = nextBlock
  }

  /** How many are held, with those that were never seen between them. */
  get size(): number {
    return this.words.length
  }

  /** @param count - words in the inbox once this one was appended */
  take(count: bigint, word: bigint): void {
    const at = Number(count) - 1 - this.forgotten
    if (at >= 0) this.words[at] = word
  }

  /** Those after the first `from`, up to `to` of them; undefined if one of them is not held. */
  between(from: bigint, to: bigint): readonly bigint[] | undefined {
    const start = Number(from) - this.forgotten
    if (start < 0) return undefined
    const found = this.words.slice(start, Number(to) - this.forgotten)
    return found.length === Number(to - from) && !found.includes(undefined) ? (found as bigint[]) : undefined
  }

  /** A market, or a shadow of it, has consumed so many: what all have that are heard of is forgotten. */
  consumedBy(reader: string, count: bigint): void {
    this.heard++
    this.consumed.set(reader, { count: Number(count), heardAs: this.heard })
    for (const [each, { heardAs }] of this.consumed) if (this.heard - heardAs > MOST_SILENT) this.consumed.delete(each)
    const least = Math.min(...[...this.consumed.values()].map((each) => each.count))
    if (least <= this.forgotten) return
    this.words = this.words.slice(least - this.forgotten)
    this.forgotten = least
  }
}
