/** Deterministic pseudo-random numbers, so that a failure repeats. Marsaglia's xorshift on 64 bits. */
export class Random {
  #state: bigint

  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed * 0x9e3779b97f4a7c15n + 1n)
  }

  #next(): bigint {
    let s = this.#state
    s ^= BigInt.asUintN(64, s << 13n)
    s ^= s >> 7n
    s ^= BigInt.asUintN(64, s << 17n)
    this.#state = s
    return s
  }

  below(limit: bigint): bigint {
    return ((this.#next() << 64n) | this.#next()) % limit
  }

  between(low: bigint, high: bigint): bigint {
    return low + this.below(high - low + 1n)
  }

  /** A number of at most `bits` bits whose size, 0 and the maximum included, is spread over all magnitudes. */
  wide(bits: number): bigint {
    const choice = this.below(20n)
    if (choice === 0n) return 0n
    if (choice === 1n) return (1n << BigInt(bits)) - 1n
    return this.below(1n << this.between(1n, BigInt(bits)))
  }

  boolean(): boolean {
    return this.below(2n) === 1n
  }
}
