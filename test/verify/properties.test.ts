import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { proveProperties, readProperties } from '../../scripts/verify/properties.ts'
import { areToolsInstalled, installTools } from '../../scripts/verify/tools.ts'
import { filesBelow, root } from '../../scripts/tools/sources.ts'

describe('R60: properties of contracts hold for all inputs', () => {
  const properties = readProperties()

  test('there are twelve or more, each function with a twin', () => {
    const functions = filesBelow('scripts/verify/properties', '.sol').flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/function check_(\w+)/g)].map(([, name]) => name),
    )
    expect(properties.map(({ name }) => name)).toEqual(functions)
    expect(new Set(functions).size).toBe(functions.length)
    expect(functions.length).toBeGreaterThanOrEqual(12)
  })

  test.each(properties.map(({ name, twin }) => [name, twin] as const))(
    'the twin of %s changes its source',
    (_, twin) => {
      const source = readFileSync(join(root, 'contracts', twin.file), 'utf8')
      expect(source).toContain(twin.from)
      expect(source.replace(twin.from, () => twin.to)).not.toBe(source)
    },
  )

  test.skipIf(!areToolsInstalled())(
    'two are proved here, their twins caught (skipped where npm run verify:contracts never ran)',
    () => {
      const few = properties.filter(({ contract }) => contract === 'WordProperties').slice(0, 2)
      const verdicts = proveProperties(installTools(), few, () => undefined)
      expect(verdicts.map(({ isProved, isTwinCaught }) => [isProved, isTwinCaught])).toEqual([
        [true, true],
        [true, true],
      ])
    },
  )
})
