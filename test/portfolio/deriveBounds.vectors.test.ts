import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readDeriveCase } from '../../prover/portfolio/input/deriveCase.ts'
import { realMargin } from '../../prover/portfolio/real.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors', 'derive-pmrm2')
const isPresent = existsSync(folder)
if (!isPresent) console.log(`skipped: no ${folder}`)

/** The greatest values that Derive's contract (PMRMLib_2) lets its governance set. */
const greatest: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Margin: {
    IM_LOSS_FACTOR: 10,
    MM_LOSS_FACTOR: 10,
    SHORT_RATE_MULTSCALE: 10,
    LONG_RATE_MULTSCALE: 10,
    SHORT_RATE_ADDSCALE: 10,
    LONG_RATE_ADDSCALE: 10,
    BASE_STATIC_DISCOUNT: 4,
    BASE_STATIC_DISCOUNT_NEG: 4,
  },
  VolShock: {
    VOLRANGEUP: 10,
    VOLRANGEDOWN: 10,
    SHORTTERMPOWER: 10,
    LONGTERMPOWER: 10,
    DTE_FLOOR: 400,
    MIN_VOL_EVAL_SHOCKED: 20,
  },
  SkewShock: {
    LINEAR_SCALE_CAP: 10,
    ABS_SCALE_CAP: 10,
    LINEAR_CBASE: 10,
    ABS_CBASE: 10,
    MIN_K_STAR: 10,
    MIN_WIDTH_SCALE: 10,
    VOL_PARAM_STATIC: 10,
    VOL_PARAM_SCALE: 20,
  },
  BasisContingency: {
    SCENARIO_SPOT_UP: 2.9999,
    SCENARIO_SPOT_DOWN: 0.9999,
    BASIS_CONT_ADD_FACTOR: 20,
    BASIS_CONT_MULT_FACTOR: 20,
  },
  OtherContingency: {
    PEG_LOSS_THRESHOLD: 100,
    PEG_LOSS_FACTOR: 10,
    CONF_THRESHOLD: 1,
    CONF_MARGIN: 20,
    MM_PERP_PERCENT: 3,
    IM_PERP_PERCENT: 3,
    MM_OPTION_PERCENT: 2,
    IM_OPTION_PERCENT: 2,
  },
}
const cases = Object.entries(greatest).flatMap(([group, values]) =>
  Object.entries(values).map(([name, value]) => ({ group, name, value })),
)
const relative = (value: number, expected: number): number =>
  Math.abs(value - expected) / Math.max(1, Math.abs(expected))

describe.skipIf(!isPresent)("portfolios of Derive's cases with a parameter at its greatest", () => {
  it.each(cases)('$name = $value: the twin is within 1e-8 of the float reference', ({ group, name, value }) => {
    for (const file of readdirSync(folder).filter((each) => /^test_(62|64|98|112)_/.test(each))) {
      const source = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      source.Parameters[group][name] = value
      const portfolio = readDeriveCase(JSON.stringify(source), file)
      const { initialMargin, maintenanceMargin } = realMargin(portfolio)
      const { initialE8, maintenanceE8 } = provableMargin(portfolio, { strikes: 6, segments: 8, expiries: 3 }).margin
      expect(relative(Number(initialE8) / 1e8, initialMargin), file).toBeLessThan(1e-8)
      expect(relative(Number(maintenanceE8) / 1e8, maintenanceMargin), file).toBeLessThan(1e-8)
    }
  })
})
