import { expect, test } from 'vitest'
import { lineCountsOf, tableOf } from '../../scripts/verify/lineCounts.ts'

const tracefile = `TN:
SF:contracts/b/B.sol
DA:3,1
DA:4,0
DA:10,0
LH:1
LF:3
end_of_record
SF:contracts/a/A.sol
DA:7,12
LH:1
LF:1
end_of_record
`

test('a tracefile says which lines of which source nothing executes', () => {
  expect(lineCountsOf(tracefile)).toEqual([
    { file: 'contracts/a/A.sol', lines: 1, missed: [] },
    { file: 'contracts/b/B.sol', lines: 3, missed: [4, 10] },
  ])
  expect(lineCountsOf('TN:\n')).toEqual([])
})

test('a table has a row a source, and their sum', () => {
  const rows = tableOf(lineCountsOf(tracefile)).split('\n')
  expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
    ['contracts/a/A.sol', '1 of 1', '100.0 %'],
    ['contracts/b/B.sol', '1 of 3', '33.3 %'],
    ['total', '2 of 4', '50.0 %'],
  ])
})
