/** What a bound on the rise of initial margins would have admitted in the crashes of ../shared/data: why there is none. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readBars } from '../../prover/market/prices.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { root } from '../../scripts/tools/sources.ts'

const FOLDER = join(root, '..', 'shared', 'data', 'prices')
const files = ['btcusdt-1h-2019-01_2022-02.csv.gz', 'ethusdt-1h-spot-2022-01_2024-06.csv.gz'].map((name) =>
  join(FOLDER, name),
)
const present = files.every((file) => existsSync(file))
const ONE_X24 = 2 ** 24
/** As fast as the maintenance margin may rise: the bound that suggests itself. */
const BOUND_PER_HOUR = 0.02

describe.skipIf(!present)(`the initial margin rises at once${present ? '' : ` (no ${FOLDER})`}`, () => {
  test.each(files)('%s', (file) => {
    const points = replay(readBars(file), defaultPolicy).points
    let [bounded, fastest, hoursBelow, deepest] = [Number.POSITIVE_INFINITY, 0, 0, 0]
    for (const [i, { parameters }] of points.entries()) {
      const margin = Number(parameters.initialMarginX24) / ONE_X24
      const before = Number(points[i - 1]?.parameters.initialMarginX24 ?? parameters.initialMarginX24) / ONE_X24
      fastest = Math.max(fastest, margin - before)
      bounded = Math.min(margin, bounded + BOUND_PER_HOUR)
      if (bounded < margin) hoursBelow++
      deepest = Math.max(deepest, margin - bounded)
    }
    const percent = (value: number): string => `${(100 * value).toFixed(2)} %`
    console.log(
      `${file.split('/').at(-1)}: the initial margin rose by up to ${percent(fastest)} of notional from one hour to the next; ` +
        `bounded at ${percent(BOUND_PER_HOUR)} an hour, positions could have been opened in ${hoursBelow} of ${points.length} hours ` +
        `with up to ${percent(deepest)} of notional less than the model asks for`,
    )
    expect(fastest).toBeGreaterThan(BOUND_PER_HOUR)
    expect(hoursBelow).toBeGreaterThan(0)
    expect(deepest).toBeGreaterThan(0.01)
  })
})
