import { describe, expect, it } from 'vitest'
import type { Scenario, VolatilityMove } from '../../prover/portfolio/portfolio.ts'
import { ScenarioGridError, scenarioSlots, slottedScenarios } from '../../prover/portfolio/scenarioSlots.ts'

const x40 = (value: number): bigint => BigInt(Math.round(value * 2 ** 40))
const ONE = 1n << 40n
const scenario = (shock: number, volatility: VolatilityMove, damping = 1): Scenario => ({
  spotShockX40: shock === 1 ? ONE : x40(shock),
  volatility,
  dampingX40: x40(damping),
})

/** Scenarios that count, whatever their order. */
const used = (
  scenarios: readonly { readonly spotShockX40: bigint; readonly volatility: string; readonly dampingX40: bigint }[],
) =>
  scenarios
    .filter(({ dampingX40 }) => dampingX40 !== 0n)
    .map(({ spotShockX40, volatility, dampingX40 }) => `${spotShockX40} ${volatility} ${dampingX40}`)
    .toSorted()

describe('scenario slots', () => {
  it('hold every scenario of a grid once, with shocks falling and 1 in the middle', () => {
    const grid = [
      scenario(0.9, 'down'),
      scenario(1.1, 'none', 0.5),
      scenario(1.1, 'up'),
      scenario(0.5, 'up', 0.1),
      scenario(1, 'up'),
      scenario(1.18, 'linear'),
      scenario(1, 'absolute', 2),
    ]
    const slots = scenarioSlots(grid)
    expect(used(slottedScenarios(slots))).toEqual(used(grid))
    expect(slots.regular.map(({ shockX40 }) => shockX40)).toEqual([
      x40(1.1),
      x40(1.1),
      x40(1.1),
      ONE,
      x40(0.9),
      x40(0.9),
      x40(0.9),
    ])
    expect(slottedScenarios(slots)).toHaveLength(33)
  })

  it('take 3 regular shocks either side and 10 up-only ones, and not one more', () => {
    const regular = [1.3, 1.2, 1.1, 0.9, 0.8, 0.7].map((shock) => scenario(shock, 'none'))
    const upOnly = Array.from({ length: 10 }, (_, i) => scenario(2 + i / 10, 'up'))
    expect(used(slottedScenarios(scenarioSlots([...regular, ...upOnly])))).toHaveLength(16)
    const refused =
      (...more: readonly Scenario[]) =>
      () =>
        scenarioSlots([...regular, ...upOnly, ...more])
    expect(refused(scenario(1.4, 'down'))).toThrow(ScenarioGridError)
    expect(refused(scenario(0.6, 'none'))).toThrow(expect.objectContaining({ found: '4: 0.9, 0.8, 0.7, 0.6' }))
    expect(refused(scenario(3.5, 'up'))).toThrow(expect.objectContaining({ found: '11' }))
  })

  it('take an up scenario twice if its dampings differ, and refuse that of others', () => {
    const twice = [scenario(1.1, 'none'), scenario(1.1, 'up'), scenario(1.1, 'up', 2), scenario(1.1, 'up')]
    expect(used(slottedScenarios(scenarioSlots(twice)))).toEqual(used(twice.slice(0, 3)))
    expect(() => scenarioSlots([scenario(1.1, 'none'), scenario(1.1, 'none', 2)])).toThrow(ScenarioGridError)
    expect(() => scenarioSlots([scenario(1.1, 'linear'), scenario(1, 'linear')])).toThrow(ScenarioGridError)
  })
})
