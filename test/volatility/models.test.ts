import { describe, expect, it } from 'vitest'
import { volatilityModels as rows } from '../../circuits/statements/index.ts'
import { defaultGarch, garchPolicyWords } from '../../prover/volatility/garch.ts'
import type { PriceMove } from '../../prover/volatility/model.ts'
import { modelNames, volatilityModel, volatilityModelOfId, volatilityModels } from '../../prover/volatility/models.ts'

const policy = {
  decayRateX36: 4_772_186n,
  maxReturnX16: 6554n,
  horizonSeconds: 3600n,
  ...garchPolicyWords(defaultGarch, 3600n),
}
const asOf = 1_584_000_000n
const move: PriceMove = {
  previousAsOf: asOf - 3600n,
  previousLnPriceX26: 1n << 30n,
  lnPriceX26: (1n << 30n) + 300_000n,
  rangeX26: 500_000n,
  elapsedSeconds: 3600n,
}

describe.each(modelNames)('%s', (name) => {
  const model = volatilityModel(name)
  const inForce = model.underPolicy(policy)

  it('stands in the table under its own name, with a reason for each parameter', () => {
    expect(volatilityModels[name].name).toBe(name)
    expect(model.parameters.length).toBeGreaterThan(0)
    for (const { reason } of model.parameters) expect(reason).not.toBe('')
    expect(volatilityModelOfId(rows[name].id)).toBe(model)
    expect(model.variances).toHaveLength(rows[name].variances)
    expect(model.startingWords !== undefined).toBe(rows[name].readsOptionalPolicy)
  })

  it('keeps its state in at most four variances of 46 bits, and leaves the others alone', () => {
    const top = (1n << 46n) - 1n
    const next = inForce.step([top, top, top, top], move)
    next.forEach((variance, i) => {
      expect(variance).toBeLessThanOrEqual(top)
      if (i >= model.variances.length) expect(variance).toBe(0n)
    })
    expect(inForce.usedX38([top, top, top, top], asOf)).toBeLessThan(1n << 49n)
    // 4 · 46 bits, a log price and a time of 32 bits each
    expect(4 * 46 + 32 + 32).toBe(248)
  })

  it('asks for more after a move than after none', () => {
    const start = [1n << 33n, 1n << 33n, 1n << 33n, 1n << 33n] as const
    const quiet = { ...move, lnPriceX26: move.previousLnPriceX26, rangeX26: 0n }
    const usedAfter = (one: PriceMove): bigint => inForce.usedX38(inForce.step(start, one), asOf)
    expect(usedAfter(move)).toBeGreaterThan(usedAfter(quiet))
  })
})

it('refuses a model of another name', () => {
  expect(() => volatilityModel('garch2')).toThrow(
    expect.objectContaining({ code: 'volatility.unknown-model', model: 'garch2' }),
  )
})
