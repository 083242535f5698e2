/**
 * Scalars cut into windows of bits with digits in [-2^(bits-1), 2^(bits-1)): half as many buckets as unsigned digits need.
 *
 * Adding the constant Σ 2^(bits-1) · 2^(bits·w) to a scalar first makes each digit independent of the ones below it: the digit
 * of window w is what the window then holds, minus 2^(bits-1). Zero stays all zeros.
 */

const SCALAR_BITS = 254
const SCALAR_WORDS = 8
const WORD_BITS = 32

/** Every window of a list of scalars. */
export class SignedDigits {
  readonly windowBits: number
  readonly count: number
  private readonly words: Uint32Array
  private readonly wordsPerScalar: number

  /**
   * @param scalars - 32-byte little-endian integers below 2^254, 4-byte aligned; not in Montgomery form
   * @param windowBits - bits per window, at most 16
   */
  constructor(scalars: Uint8Array, windowBits: number) {
    this.windowBits = windowBits
    this.count = scalars.length / (4 * SCALAR_WORDS)
    const offset = offsetWords(windowBits)
    this.wordsPerScalar = offset.length
    this.words = new Uint32Array(this.count * offset.length)

    const source = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4)
    for (let i = 0; i < this.count; i++) {
      let carry = 0
      for (let word = 0; word < offset.length; word++) {
        const low = word < SCALAR_WORDS ? (source[i * SCALAR_WORDS + word] as number) : 0
        const sum = low + (offset[word] as number) + carry
        this.words[i * offset.length + word] = sum
        carry = sum > 0xffffffff ? 1 : 0
      }
    }
  }

  /** Digit of scalar `i` in window `window`. */
  digit(i: number, window: number): number {
    const { words, wordsPerScalar, windowBits } = this
    const position = window * windowBits
    const index = i * wordsPerScalar + (position >>> 5)
    const shift = position & 31
    let bits = (words[index] as number) >>> shift
    // offsetWords leaves room for the whole top window, so the next word belongs to the same scalar.
    if (shift + windowBits > WORD_BITS) bits |= (words[index + 1] as number) << (WORD_BITS - shift)
    return (bits & (2 ** windowBits - 1)) - 2 ** (windowBits - 1)
  }

  /**
   * Digits of one window, and how many have each magnitude but 0.
   *
   * @param indexes - of points; that of a point's scalar is `firstScalar` more
   */
  sorted(indexes: Uint32Array, firstScalar: number, window: number) {
    const ofPoints = new Int32Array(indexes.length)
    const lengths = new Int32Array(2 ** (this.windowBits - 1) + 1)
    for (let k = 0; k < indexes.length; k++) {
      const digit = this.digit((indexes[k] as number) + firstScalar, window)
      ofPoints[k] = digit
      if (digit !== 0) lengths[Math.abs(digit)] = (lengths[Math.abs(digit)] as number) + 1
    }
    return { ofPoints, lengths }
  }
}

/** Windows per scalar. One bit more than the scalar has, so that adding the constant never overflows the top window. */
export function windowCount(windowBits: number): number {
  return Math.ceil((SCALAR_BITS + 1) / windowBits)
}

/**
 * The window width that needs the fewest point additions: each window adds up the points, then its 2^(bits-1) buckets twice.
 *
 * @param count - scalars that are not small
 */
export function bestWindowBits(count: number): number {
  let best = 4
  for (let bits = best; bits <= 16; bits++) {
    if (additions(bits, count) < additions(best, count)) best = bits
  }
  return best
}

function additions(windowBits: number, count: number): number {
  return windowCount(windowBits) * (count + 2 ** windowBits)
}

function offsetWords(windowBits: number): Uint32Array {
  const windows = windowCount(windowBits)
  let offset = 0n
  for (let window = 0; window < windows; window++) offset |= 1n << BigInt(window * windowBits + windowBits - 1)
  const words = new Uint32Array(Math.ceil((windows * windowBits) / WORD_BITS))
  for (let word = 0; word < words.length; word++)
    words[word] = Number((offset >> BigInt(WORD_BITS * word)) & 0xffffffffn)
  return words
}
