/** Changes of signed payloads: what a carrier could try. */
import { getBytes, hexlify } from 'ethers'

/** How bytes are changed; each gives other bytes, or the same where it finds nothing to change. */
const changes: readonly ((
  bytes: Uint8Array,
  random: (below: number) => number,
  others: readonly Uint8Array[],
) => number[])[] = [
  // a bit
  (bytes, random) => replaced(bytes, random(bytes.length), (byte) => byte ^ (1 << random(8))),
  // a byte
  (bytes, random) => replaced(bytes, random(bytes.length), () => random(256)),
  // a byte by one, as counts, lengths and prices are changed
  (bytes, random) => replaced(bytes, random(bytes.length), (byte) => byte + (random(2) === 0 ? 1 : 255)),
  // two bytes change places
  (bytes, random) => {
    const [i, j] = [random(bytes.length), random(bytes.length)]
    const copy = [...bytes]
    ;[copy[i], copy[j]] = [bytes[j] as number, bytes[i] as number]
    return copy
  },
  // the end is missing, or the beginning
  (bytes, random) => [...bytes.subarray(0, random(bytes.length))],
  (bytes, random) => [...bytes.subarray(1 + random(bytes.length - 1))],
  // something behind it, or before it
  (bytes, random) => [...bytes, ...some(random)],
  (bytes, random) => [...some(random), ...bytes],
  // something within it, or without it
  (bytes, random) => {
    const start = random(bytes.length)
    return [...bytes.subarray(0, start), ...some(random), ...bytes.subarray(start)]
  },
  (bytes, random) => {
    const start = random(bytes.length)
    return [...bytes.subarray(0, start), ...bytes.subarray(start + 1 + random(64))]
  },
  // a stretch of zeros, or of another payload that was signed
  (bytes, random) => {
    const start = random(bytes.length)
    return [...bytes].map((byte, i) => (i >= start && i < start + 32 ? 0 : byte))
  },
  (bytes, random, others) => {
    const other = others[random(others.length)] ?? bytes
    const [start, length] = [random(bytes.length), 1 + random(bytes.length)]
    return [...bytes].map((byte, i) => (i >= start && i < start + length ? (other[i] ?? byte) : byte))
  },
]

const some = (random: (below: number) => number): number[] => Array.from({ length: 1 + random(40) }, () => random(256))

const replaced = (bytes: Uint8Array, at: number, by: (byte: number) => number): number[] =>
  [...bytes].map((byte, i) => (i === at ? by(byte) & 0xff : byte))

/**
 * Mutants of a payload, each another than the payload and than all others that were signed.
 *
 * @param signed - payloads of the same oracle, whose bytes are mixed in
 */
export function mutantsOf(
  payload: string,
  count: number,
  seed: number,
  signed: readonly string[] = [],
): readonly string[] {
  const random = seeded(seed)
  const [bytes, others] = [getBytes(payload), signed.map((one) => getBytes(one))]
  const genuine = new Set([payload, ...signed])
  const mutants: string[] = []
  while (mutants.length < count) {
    const change = changes[random(changes.length)] as (typeof changes)[number]
    const mutant = hexlify(Uint8Array.from(change(bytes, random, others)))
    if (!genuine.has(mutant)) mutants.push(mutant)
  }
  return mutants
}

/** Whole numbers below a bound, always the same ones. */
function seeded(seed: number): (below: number) => number {
  let state = BigInt(seed) + 0x9e3779b97f4a7c15n
  return (below) => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n)
    return Number((state >> 33n) % BigInt(below))
  }
}
