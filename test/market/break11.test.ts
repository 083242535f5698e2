/** Faults found, each as a test that fails until it is mended. */
import { expect, test } from 'vitest'
import { parseTime } from '../../prover/market/time.ts'

test.each(['2025010108', '202501010800', '2501010800'])(
  'a date written without separators, %s, is no unix time of 1976, 2034 or 2049',
  (text) => {
    expect([undefined, 1_735_718_400n]).toContain(parseTime(text))
  },
)
