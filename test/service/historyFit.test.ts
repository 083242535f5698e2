import { expect, it } from 'vitest'
import { misfitOf } from '../../prover/service/deploying/historyFit.ts'

const HOUR = 3600n
const rows = Array.from({ length: 48 }, (_, i) => ({ asOf: BigInt(i + 1) * HOUR, priceE8: 5000n * 10n ** 8n }))
const last = 48n * HOUR
const firstAt = (asOf: bigint, price: number | undefined = 5000) =>
  misfitOf('BTC-USD', rows, { asOf, priceE8: price === undefined ? undefined : BigInt(price) * 10n ** 8n })

it('a history leads up to an observation within six of its steps, and no further', () => {
  expect(firstAt(last + HOUR)).toBeUndefined()
  expect(firstAt(last + 6n * HOUR)).toBeUndefined()
  expect(firstAt(last + 6n * HOUR + 1n)).toMatch(/a pause of 21601 s .* 1970-01-03/)
})

it('a price that has more than doubled or halved is none of the same thing', () => {
  expect([firstAt(last + HOUR, 10_000), firstAt(last + HOUR, 2500)]).toEqual([undefined, undefined])
  expect(firstAt(last + HOUR, 10_001)).toBe('a jump from 5000 to 10001')
  expect(firstAt(last + HOUR, 2499)).toBe('a jump from 5000 to 2499')
  expect(misfitOf('BTC-USD', rows, { asOf: last + HOUR, priceE8: undefined })).toBeUndefined()
})

it('a history that is wholly later is refused', () => {
  const wrong = expect.objectContaining({ code: 'service.history-after', earliest: HOUR, first: HOUR })
  expect(() => firstAt(HOUR)).toThrow(wrong)
  expect(firstAt(HOUR + 1n)).toBeUndefined()
})
