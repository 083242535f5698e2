import { expect, it } from 'vitest'
import { InboxWords } from '../../prover/registry/market/inboxWords.ts'

/** Words are told by their positions. */
const filled = (count: number): InboxWords => {
  const words = new InboxWords(0)
  for (let i = 1; i <= count; i++) words.take(BigInt(i), BigInt(i))
  return words
}

it('has the words between two positions, and none where one is missing', () => {
  const words = filled(3)
  words.take(5n, 5n)
  expect(words.between(1n, 3n)).toEqual([2n, 3n])
  expect(words.between(3n, 3n)).toEqual([])
  expect(words.between(3n, 5n)).toBeUndefined()
  expect(words.between(3n, 6n)).toBeUndefined()
  words.take(4n, 4n)
  expect(words.between(3n, 5n)).toEqual([4n, 5n])
})

it('S49: forgets what was consumed, however many come in', () => {
  const words = new InboxWords(0)
  for (let count = 1n; count <= 10_000n; count++) {
    words.take(count, count)
    expect(words.between(count - 1n, count)).toEqual([count])
    words.consumedBy('market', count - 1n)
  }
  expect(words.size).toBe(1)
  // What is gone is not there, rather than something else in its place.
  expect(words.between(9_998n, 10_000n)).toBeUndefined()
  words.take(5n, 7n)
  expect(words.between(9_999n, 10_000n)).toEqual([10_000n])
})

it('keeps what a shadow that lags has not consumed', () => {
  const words = filled(8)
  words.consumedBy('shadow', 3n)
  words.consumedBy('market', 7n)
  expect(words.between(3n, 8n)).toEqual([4n, 5n, 6n, 7n, 8n])
  expect(words.between(2n, 8n)).toBeUndefined()
  words.consumedBy('shadow', 6n)
  expect(words.size).toBe(2)
})

it('S74: keeps nothing for a shadow that was removed, however many come in', () => {
  const words = new InboxWords(0)
  words.consumedBy('shadow', 0n)
  for (let count = 1n; count <= 10_000n; count++) {
    words.take(count, count)
    words.consumedBy('market', count - 1n)
    expect(words.size).toBeLessThanOrEqual(1001)
  }
  expect(words.size).toBe(1)
})
