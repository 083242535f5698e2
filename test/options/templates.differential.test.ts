/** Prices, Greeks and volatilities by their templates alone: equal to the twin on random cases and on corners. */
import { beforeAll, describe, expect, test } from 'vitest'
import {
  gridGreeks,
  gridPrice,
  MARK,
  type Precision,
  reciprocalDown,
  SHOCKED_VOLATILITY,
  splitVolatility,
  UNSHOCKED_VOLATILITY,
} from '../../prover/options/black.ts'
import { lnDown } from '../../prover/math/index.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { asField } from '../../scripts/tools/mains/math.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { logUniform } from '../../scripts/tools/cases/expiries.ts'
import {
  markPoint,
  type OptionTemplate,
  shockedPoint,
  templateSource,
  unshockedPoint,
} from '../../scripts/tools/mains/options.ts'

const COPIES = 8
const ROUNDS = 125

type Case = { readonly forwardE8: bigint; readonly strikeE8: bigint; readonly volatilityX40: bigint }

const LARGEST = (1n << 44n) - 1n
const VOLATILITIES = [0n, 1n, (1n << 23n) - 1n, 1n << 23n, (1n << 26n) - 1n, 1n << 26n, 1n << 27n, 1n << 40n, LARGEST]
const PRICES = [1n, 2n, 1n << 24n, 100_000_000n, 9_500_000_000_000n, (1n << 48n) - 1n]

/** Corners first, then strikes spread over what matters at each volatility, then anything. */
const corners: readonly Case[] = VOLATILITIES.flatMap((volatilityX40) =>
  [...PRICES, (1n << 52n) - 1n].flatMap((forwardE8) =>
    PRICES.map((strikeE8) => ({ forwardE8, strikeE8, volatilityX40 })),
  ),
)

function randomCase(random: Random): Case {
  const volatility = logUniform(random, 2 ** -22, 16)
  const forward = logUniform(random, 1e3, 2 ** 51)
  const spread = random.boolean() ? 9 * Math.min(volatility, 1) : 9.2
  const strike = forward * Math.exp(spread * (Number(random.below(2001n)) / 1000 - 1))
  return {
    forwardE8: BigInt(Math.floor(forward)),
    strikeE8: BigInt(Math.floor(Math.min(2 ** 48 - 1, Math.max(1, strike)))),
    volatilityX40: BigInt(Math.floor(volatility * 2 ** 40)) & LARGEST,
  }
}

function inputOf({ forwardE8, strikeE8, volatilityX40 }: Case, precision: Precision) {
  const { onGrid, restX40 } = splitVolatility(volatilityX40)
  const drop = 36n - BigInt(precision.logarithmBits)
  const lnStrike = lnDown(strikeE8, 36) >> drop
  const lnForward = lnDown(forwardE8, 36) >> drop
  const scale = precision.logarithmBits
  return {
    logarithm: lnForward - lnStrike,
    input: {
      [`lnForwardX${scale}`]: lnForward,
      [`lnStrikeX${scale}`]: lnStrike,
      forward: forwardE8,
      strike: strikeE8,
      volatilityX40,
      reciprocal: reciprocalDown(volatilityX40, precision),
      onGrid,
      restX40,
      restX33: restX40 >> 7n,
      restSquaredX66: (restX40 >> 7n) ** 2n,
      isFlat: volatilityX40 === 0n ? 1n : 0n,
    } as Record<string, bigint>,
  }
}

const points: readonly [OptionTemplate, Precision][] = [
  [shockedPoint, SHOCKED_VOLATILITY],
  [unshockedPoint, UNSHOCKED_VOLATILITY],
  [markPoint, MARK],
]

describe.each(points.map(([template, precision]) => ({ template, precision, name: template.name })))(
  'B4, B5 and B6: $name',
  ({ template, precision }) => {
    let circuit: Circuit
    beforeAll(async () => {
      circuit = await compileCircuit(templateSource(template, COPIES))
    })

    test(`${template.name} equals the twin on ${COPIES * ROUNDS} random cases and on ${corners.length} corners`, () => {
      const random = new Random(21n)
      const cases = [...corners, ...Array.from({ length: COPIES * ROUNDS }, () => randomCase(random))]
      for (let start = 0; start < cases.length; start += COPIES) {
        const batch = Array.from({ length: COPIES }, (_, i) => cases[start + i] ?? (cases.at(-1) as Case))
        const prepared = batch.map((one) => inputOf(one, precision))
        const input = Object.fromEntries(
          template.inputs.map(({ name }) => [name, prepared.map((one) => one.input[name] as bigint)]),
        )
        const expected = batch.map(({ forwardE8, strikeE8, volatilityX40 }, i) => {
          const logarithm = prepared[i]?.logarithm as bigint
          const price = gridPrice(forwardE8, strikeE8, logarithm, volatilityX40, precision)
          if (precision !== MARK) return [price.call]
          const { nd1, pdf, gammaN, thetaN, kNd2 } = gridGreeks(price, forwardE8, volatilityX40)
          return [price.call, nd1, pdf, gammaN, thetaN, kNd2]
        })
        const outputs = circuit.outputs(input)
        batch.forEach((one, i) => {
          const found = template.outputs.map((_, o) => outputs[o * COPIES + i])
          expect({ ...one, found }).toEqual({ ...one, found: expected[i]?.map(asField) })
        })
        for (const value of expected.flat()) expect(value > -(1n << 180n) && value < 1n << 180n).toBe(true)
      }
    })

    test(`${template.name}: no wire can move, and none can be changed, at honest witnesses of every kind`, async () => {
      const single = await compileCircuit(templateSource(template))
      const kinds: readonly Case[] = [
        { forwardE8: 9_500_000_000_000n, strikeE8: 9_000_000_000_000n, volatilityX40: 220n << 30n },
        { forwardE8: 9_500_000_000_000n, strikeE8: 9_900_000_000_000n, volatilityX40: 220n << 30n },
        { forwardE8: 9_500_000_000_000n, strikeE8: 9_500_000_000_000n, volatilityX40: 0n },
        { forwardE8: 9_500_000_000_000n, strikeE8: 2_000_000_000_000n, volatilityX40: 1n << 30n },
        { forwardE8: 1n, strikeE8: (1n << 48n) - 1n, volatilityX40: 1n << 20n },
        { forwardE8: (1n << 52n) - 1n, strikeE8: 1n, volatilityX40: LARGEST },
      ]
      let tried = 0
      for (const one of kinds) {
        const { input } = inputOf(one, precision)
        const witness = single.witness(
          Object.fromEntries(
            Object.entries(input).filter(([name]) => template.inputs.some((port) => port.name === name)),
          ),
        )
        expect(single.violations(witness)).toEqual([])
        expect(single.movableWires(witness).filter((wire) => !wire.endsWith('.inv'))).toEqual([])
        const report = single.tamper(witness, (value) => [value + 1n, value - 1n, 1n - value, -value, 0n])
        tried += report.tried
        const isInput = (wire: string) => /^main\.\w+\[0\]$/.test(wire) && !wire.startsWith('main.out_')
        expect(report.undetected.filter((wire) => !wire.endsWith('.inv') && !isInput(wire))).toEqual([])
      }
      expect(tried).toBeGreaterThan(3000)
    })
  },
)
