/** What is left to look at, first in first out, each thing once. */
export class Worklist<T> {
  #queue: T[] = []
  #next = 0
  readonly #waiting = new Set<T>()

  constructor(values: Iterable<T> = []) {
    for (const value of values) this.add(value)
  }

  add(value: T): void {
    if (this.#waiting.has(value)) return
    this.#waiting.add(value)
    this.#queue.push(value)
  }

  take(): T | undefined {
    const value = this.#queue[this.#next++]
    if (value === undefined) {
      this.#queue = []
      this.#next = 0
      return undefined
    }
    this.#waiting.delete(value)
    return value
  }
}
