/** Dates that are written without separators look like unix times of another century. */
import { expect, test } from 'vitest'
import { parseTime } from '../../prover/market/time.ts'

test.each(['2025010108', '202501010800', '2501010800'])(
  'a date written without separators, %s, is no unix time of 1976, 2034 or 2049',
  (text) => {
    expect(parseTime(text)).toBeUndefined()
  },
)

test.each(['1735718400', '1711081530', '1735718400000', '2037916800'])('a unix time, %s, stays one', (text) => {
  expect(parseTime(text)).toBe(BigInt(text.slice(0, 10)))
})
