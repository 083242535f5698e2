import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { sortedFindings } from '../../scripts/verify/findings.ts'
import { compareFindings, NotAnalysedError, readFindings } from '../../scripts/verify/staticAnalysis.ts'

const answerOf = (name: string, check = 'timestamp') =>
  JSON.stringify({
    success: true,
    results: {
      detectors: [
        { check, first_markdown_element: 'src/a/A.sol#L3-L9', elements: [{ type: 'function', name }] },
        {
          check: 'uninitialized-local',
          first_markdown_element: 'src/a/A.sol#L4',
          elements: [{ type: 'variable', name: 'sum', type_specific_fields: { parent: { name: 'add' } } }],
        },
      ],
    },
  })
const sorted = [
  { detector: 'timestamp', reason: 'a reason', places: { 'a/A.sol': ['isOld'] } },
  { detector: 'uninitialized-local', reason: 'a reason', places: { 'a/A.sol': ['add'] } },
]

describe('R61: what the static analysis finds was looked at', () => {
  test('what is found and on the list is sorted, wherever in its file it stands', () => {
    expect(compareFindings(readFindings(answerOf('isOld')), sorted)).toEqual({ found: 2, unsorted: [], gone: [] })
  })

  test.each([
    ['in another function', answerOf('isNew'), 'timestamp', 'isNew'],
    ['of another detector', answerOf('isOld', 'weak-prng'), 'weak-prng', 'isOld'],
  ])('the same %s is new, and the entry gone', (_, answer, detector, place) => {
    const { unsorted, gone } = compareFindings(readFindings(answer), sorted)
    expect(unsorted).toEqual([{ detector, file: 'a/A.sol', place }])
    expect(gone).toEqual([{ detector: 'timestamp', file: 'a/A.sol', place: 'isOld' }])
  })

  test('an analysis that failed is no empty one', () => {
    expect(() => readFindings('{"success": false, "error": "no compiler", "results": {}}')).toThrow(NotAnalysedError)
    expect(readFindings('{"success": true, "results": {}}')).toEqual([])
  })

  test('the list has each place and each reason of a detector once, each entry a reason and a file that is there', () => {
    const reasons = sortedFindings.map(({ detector, reason }) => `${detector} ${reason}`)
    expect(new Set(reasons).size).toBe(reasons.length)
    const all = sortedFindings.flatMap(({ detector, places }) =>
      Object.entries(places).flatMap(([file, names]) => [...names].map((name) => `${detector} ${file} ${name}`)),
    )
    expect(all.filter((each, i) => all.indexOf(each) !== i)).toEqual([])
    for (const { reason, places } of sortedFindings) {
      expect(reason.length).toBeGreaterThan(20)
      for (const file of Object.keys(places)) {
        expect(existsSync(join(root, file.startsWith('node_modules/') ? '' : 'contracts', file)), file).toBe(true)
      }
    }
  })
})
