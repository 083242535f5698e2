import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { partsTable } from '../../scripts/tools/constraintParts.ts'
import { root } from '../../scripts/tools/sources.ts'

test('the constraints of the live build go where the snapshot says, and the parts explain the whole', async () => {
  const { rows, whole } = await partsTable()
  const snapshot = JSON.parse(readFileSync(join(root, 'test/snapshots/parts.json'), 'utf8'))
  expect(Object.fromEntries(rows.map(({ part, total }) => [part, total]))).toEqual(snapshot)
  // What no part accounts for stays under half a percent: the table hides nothing.
  expect(Math.abs(rows.at(-1)?.total ?? whole)).toBeLessThan(whole / 200)
})
