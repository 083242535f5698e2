import { describe, expect, it } from 'vitest'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { defaultEnginePolicy, encodeEnginePolicy, PolicyError } from '../../prover/parameters/policy.ts'
import { entryNamed, meantBy, type PolicyEntry, policyEntries } from '../../prover/parameters/policyEntries.ts'
import {
  changePolicy,
  encodePolicy,
  parsePolicy,
  policyFileSchema,
  policyLabel,
  policyWords,
  startingPolicy,
} from '../../prover/parameters/policyFile.ts'
import { volatilityModels } from '../../prover/volatility/models.ts'

const parse = (content: unknown) => parsePolicy(JSON.stringify(content), 'p.json')
const refusal = (work: () => unknown): { readonly [field: string]: unknown } => {
  try {
    work()
  } catch (error) {
    return error as { readonly [field: string]: unknown }
  }
  throw new Error('nothing was refused')
}
const entry = (name: string): PolicyEntry => entryNamed(name) as PolicyEntry
/** A file that turns one entry. */
const turned = ({ name, scope }: (typeof policyEntries)[number], value: unknown) =>
  scope === 'garch'
    ? { volatilityModel: 'garch', market: { garch: { [name]: value } } }
    : { [scope]: { [name]: value } }

describe('a policy file', () => {
  it('leaves what it does not say where a deployment starts', () => {
    expect(encodePolicy(parse({}))).toEqual(defaultPolicy)
    const { engine } = parse({ engine: { breachProbability: 0.01 } })
    expect(engine).toEqual({ ...defaultEnginePolicy, breachProbability: 0.01 })
  })

  it('names every entry once: of two the last would count without a word', () => {
    const twice = '{ "engine": { "horizonSeconds": 7200, "horizonSeconds": 3600 } }'
    const refused = refusal(() => parsePolicy(twice, 'p.json'))
    expect(refused).toMatchObject({ code: 'parameters.policy-file', file: 'p.json' })
    expect(refused.message).toContain('the entry "horizonSeconds" stands twice')
  })

  it.each(['ewma', 'garch', 'rangeMixture'] as const)('is read as it was printed, under %s', (model) => {
    const policy = startingPolicy(model)
    expect(parse(policy)).toEqual(policy)
    expect(encodePolicy(policy)).toEqual(withStartingWords(volatilityModels[model], defaultPolicy))
  })

  it('forecasts GARCH over the engine’s horizon', () => {
    const two = parse({ volatilityModel: 'garch', engine: { horizonSeconds: 7200 } })
    const one = parse({ volatilityModel: 'garch' })
    expect(encodePolicy(two).market.forecastWeightX26).toBeLessThan(encodePolicy(one).market.forecastWeightX26)
  })

  it('takes the bounds of every entry, and nothing beyond them', () => {
    // Alone: floors and ceilings, and sums, are held to each other besides.
    const isTaken = (each: (typeof policyEntries)[number], value: number): boolean =>
      policyFileSchema.safeParse(turned(each, value)).success
    for (const each of policyEntries) {
      const step = each.unit === 'seconds' ? 1 : 1e-9
      expect([isTaken(each, each.least), isTaken(each, each.greatest)]).toEqual([true, true])
      expect([isTaken(each, each.least - step), isTaken(each, each.greatest + step)]).toEqual([false, false])
    }
  })

  it('loses no bound in the scale of its field', () => {
    const slowestMoves = {
      loosenPerHour: entry('loosenPerHour').least,
      tightenPerHour: entry('tightenPerHour').least,
    }
    const words = Object.values(encodePolicy(parse({ engine: slowestMoves })).margin)
    expect(words.filter((word) => word === 0n)).toEqual([])
    const slowest = { ...defaultEnginePolicy, fastHalfLifeHours: entry('fastHalfLifeHours').greatest }
    expect(encodeEnginePolicy(slowest).learning.decayRateX36).toBeGreaterThan(1000n)
  })

  it.each([
    ['volatilityFloor', 65, 0.65],
    ['volatilityFloor', 20, 0.2],
    ['breachProbability', 0.5, 0.005],
    ['liquidationCost', 50, 0.005],
    ['tightenPerHour', 2, 0.02],
    ['initialMarginBuffer', 1.5, 0.5],
    ['horizonSeconds', 1, 3600],
    ['horizonSeconds', 3_600_000_00, 360_000],
    ['fastHalfLifeHours', 14_400, 4],
    ['fastHalfLifeHours', 0.5, 12],
    ['learningRate', 50, 0.5],
  ])('says what %s of %d probably meant', (name, value, meant) => {
    expect(meantBy(entry(name), value)).toBe(meant)
    const [fault] = refusedOf(() => changePolicy(startingPolicy(), { [name]: value }, 'stated'))
    expect(fault).toMatchObject({ entry: name, meant })
    expect(fault?.reason).toContain(`Did you mean ${meant} (`)
  })

  it('guesses nothing where no slip of unit explains a value', () => {
    expect(meantBy(entry('volatilityFloor'), -3)).toBeUndefined()
    // Eleven days; a thousandth of it is in range, and no whole number of seconds
    expect(meantBy(entry('horizonSeconds'), 950_400)).toBeUndefined()
    expect(meantBy(entry('horizonSeconds'), 951_000)).toBe(951)
    expect(meantBy(entry('scanMultiple'), 0.5)).toBeUndefined()
    // A share that is a little too large
    expect(meantBy(entry('maintenanceMarginCeiling'), 0.95)).toBeUndefined()
    expect(meantBy(entry('maintenanceMarginCeiling'), 50)).toBe(0.5)
  })

  it('names every fault of a file at once, and where an entry belongs', () => {
    const content = {
      alpha: 0.01,
      engine: { volatilityFloor: 0.3, horizon: 3600, loosenPerHour: '2%' },
      market: { volatilityFloor: 65 },
    }
    const faults = refusedOf(() => parse(content))
    expect(Object.fromEntries(faults.map(({ entry: of, reason }) => [of, reason]))).toEqual({
      'engine.loosenPerHour': expect.stringContaining('without quotes or unit, got "2%"'),
      'engine.volatilityFloor': expect.stringContaining('write "volatilityFloor" under "market"'),
      'engine.horizon': expect.stringContaining('write "horizonSeconds" under "engine"'),
      'market.volatilityFloor': expect.stringContaining('Did you mean 0.65 (65 % a year)?'),
      alpha: expect.stringContaining('write "breachProbability" under "engine"'),
    })
  })

  it.each([
    ['a list', [1], ''],
    ['a number for a scope', { engine: 3 }, 'engine'],
    ['nothing for an entry', { engine: { scanMultiple: null } }, 'engine.scanMultiple'],
    ['another model', { volatilityModel: 'gach' }, 'volatilityModel'],
    ['a floor above its ceiling', { market: { volatilityFloor: 9 } }, 'volatilityFloor'],
    [
      'steps of learning that are lost',
      { engine: { learningRate: 0.001, breachProbability: 0.0001 } },
      'breachProbability',
    ],
    ['nothing left to lend', { market: { maintenanceMarginCeiling: 0.64 } }, 'maintenanceMarginCeiling'],
  ])('refuses %s in words of its own', (_, content, of) => {
    const error = refusal(() => parse(content))
    expect(error).toMatchObject({ code: 'parameters.policy', entry: of })
    expect(error.message).toMatch(/^p\.json: the policy is invalid: .*expected|is below/)
    expect(error.message).not.toMatch(/Invalid|Too (big|small)|X\d\d/)
  })

  it('takes what is just inside those bounds', () => {
    parse({ market: { volatilityFloor: 8 } })
    parse({ engine: { learningRate: 0.4, breachProbability: 0.0001 } })
    // 0.63 · 1.5 + 0.05 = 0.995
    parse({ market: { maintenanceMarginCeiling: 0.63 } })
  })

  it('refuses what its model does not read, unless the other model is asked for', () => {
    const content = { market: { garch: { longRunVolatility: 0.9 } } }
    expect(refusal(() => parse(content))).toMatchObject({ code: 'parameters.policy-of-another-model' })
    const asked = parsePolicy(JSON.stringify(content), 'p.json', 'garch')
    expect(asked.market.garch).toEqual({ longRunVolatility: 0.9, reversionHalfLifeHours: 16 })
  })

  it('refuses what is no JSON', () => {
    expect(refusal(() => parsePolicy('{engine', 'p.json'))).toMatchObject({
      code: 'parameters.policy-file',
      file: 'p.json',
    })
  })
})

describe('what a policy is called', () => {
  it('is what it turns, however it came about', () => {
    expect(policyLabel(startingPolicy())).toBe('default')
    const byFile = parse({ engine: { horizonSeconds: 7200, breachProbability: 0.01, scanMultiple: 3 } })
    const byFlag = changePolicy(startingPolicy(), { breachProbability: 0.01, horizonSeconds: 7200 }, 'stated')
    expect(policyLabel(byFile)).toBe('horizonSeconds=7200 breachProbability=0.01')
    expect(policyLabel(byFlag)).toBe(policyLabel(byFile))
    expect(policyWords(byFlag)).toBe(
      'a policy with horizonSeconds 7200 s (2 h) (default 3600 s (1 h)), breachProbability 1 % (default 0.5 %)',
    )
  })
})

function refusedOf(work: () => unknown): PolicyError['faults'] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof PolicyError) return error.faults
    throw error
  }
}
