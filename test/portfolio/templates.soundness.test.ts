/** Templates of the portfolio stage, each on its own: hints forced, widths at their borders, wires moved. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { expectIsolated } from '../isolated.ts'
import { AttackedTemplate } from '../math/attack.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { CompilationError } from '../../scripts/tools/compileCircom.ts'
import { concentrated, header, scenarioPlace, tagged, terms, totals } from '../../scripts/tools/mains/portfolio.ts'

const signed = (value: bigint): bigint => (value > FIELD_ORDER / 2n ? value - FIELD_ORDER : value)

describe('L8: the worst scenario', () => {
  let attacked: AttackedTemplate
  const choices = 34
  const spreadBits = 168
  beforeAll(async () => {
    attacked = await AttackedTemplate.compile({
      folder: 'portfolio',
      template: `WorstScenario(${choices}, ${spreadBits})`,
      inputs: [{ name: 'losses', size: choices, taggedBits: 177 }],
      outputs: [{ name: 'least' }, { name: 'index' }],
      forcedSize: choices,
      replace: [
        ['signal output {signedbit} least;', 'signal input forced[CHOICES];\n    signal output {signedbit} least;'],
        ['chosen[s] <-- s == first ? 1 : 0;', 'chosen[s] <-- forced[s];'],
      ],
    })
  })

  const chosen = (...places: readonly number[]): bigint[] =>
    Array.from({ length: choices }, (_, s) => (places.includes(s) ? 1n : 0n))

  test('the first of the least is the only choice, however losses tie', () => {
    expect(attacked.hasHonestConstraints).toBe(true)
    const random = new Random(52n)
    const limit = 1n << 177n
    const spread = 1n << BigInt(spreadBits)
    const near = (): bigint[] => {
      const base = random.below(2n * limit - spread) - limit
      return Array.from({ length: choices }, () => base + random.below(spread))
    }
    const vectors = [
      Array.from({ length: choices }, () => 0n),
      Array.from({ length: choices }, (_, s) => (s % 5 === 3 ? -7n : 4n)),
      Array.from({ length: choices }, (_, s) => (s === 33 ? -limit : spread - limit)),
      Array.from({ length: choices }, (_, s) => (s === 0 ? -limit : -limit + 1n)),
      Array.from({ length: choices }, (_, s) => (s === 0 ? limit - spread : limit - 1n)),
      ...Array.from({ length: 6 }, near),
    ]
    for (const losses of vectors) {
      const worst = losses.reduce((w, loss, s) => (loss < losses[w]! ? s : w), 0)
      const [least, index] = attacked.honestOutputs({ losses })
      expect([signed(least!), index]).toEqual([losses[worst], BigInt(worst)])
      for (let s = 0; s < choices; s++) {
        expect(attacked.attempt({ losses }, chosen(s)).violations.length > 0).toBe(s !== worst)
      }
      const other = (worst + 1) % choices
      const half = (FIELD_ORDER + 1n) / 2n
      for (const forced of [
        chosen(),
        chosen(worst, other),
        chosen(worst).map((bit, s) => (s === worst || s === other ? half : bit)),
        chosen(worst).map((bit, s) => (s === worst ? 2n : s === other ? FIELD_ORDER - 1n : bit)),
      ]) {
        expect(attacked.attempt({ losses }, forced).violations).not.toEqual([])
      }
    }
  })
})

describe('L8: scenarios apart', () => {
  test('as far as a margin reaches, and one unit further; as far as losses go', async () => {
    const circuit = await compileCircuit(tagged('WorstScenario(34, 168)', 'losses[34]:s177', 'least index').source)
    const [limit, spread] = [1n << 177n, 1n << 168n]
    const apart = (worst: number, other: number, by: bigint) => ({
      losses: Array.from({ length: 34 }, (_, s) => (s === worst ? -limit : s === other ? by - limit : 1n - limit)),
    })
    expect(circuit.accepts(apart(0, 33, spread - 1n))).toBe(true)
    expect(circuit.accepts(apart(0, 33, spread))).toBe(false)
    // What comes before the least exceeds it: that unit is not counted.
    expect(circuit.accepts(apart(33, 0, spread))).toBe(true)
    expect(circuit.accepts(apart(33, 0, spread + 1n))).toBe(false)
    expect(circuit.accepts(apart(0, 33, 2n * limit - 1n))).toBe(false)
  })
})

/** Of ChosenScenario, with their widths. */
const chosenInputs = 'chosen[34] pnlMX40[33]:s128 basisMX40:s137 hedgeM:s88 shocksX40[33]:43 dampingX40[33]:43'

describe('L12: the chosen scenario', () => {
  test('its place is the only choice', async () => {
    const attacked = await AttackedTemplate.compile({
      folder: 'portfolio',
      template: 'ScenarioChoice()',
      inputs: [{ name: 'scenario' }],
      publicInput: 'scenario',
      outputs: [{ name: 'chosen', size: 34 }],
      forcedSize: 34,
      replace: [
        ['signal output chosen[34];', 'signal input forced[34];\n    signal output chosen[34];'],
        ['chosen[s] <-- scenario == s ? 1 : 0;', 'chosen[s] <-- forced[s];'],
      ],
    })
    expect(attacked.hasHonestConstraints).toBe(true)
    const only = (place: number): bigint[] => Array.from({ length: 34 }, (_, s) => (s === place ? 1n : 0n))
    for (const scenario of [0, 10, 32, 33]) {
      const input = { scenario: BigInt(scenario) }
      expect(attacked.honestOutputs(input)).toEqual(only(scenario))
      for (let s = 0; s < 34; s++) {
        const { violations } = attacked.attempt(input, only(s))
        expect(violations.length > 0).toBe(s !== scenario)
      }
      // Two places whose weights make up another one's.
      const forced = only(-1)
      forced[0] = FIELD_ORDER - BigInt(scenario)
      forced[1] = BigInt(scenario) + 1n
      if (scenario > 1) expect(attacked.attempt(input, forced).violations).not.toEqual([])
    }
    for (const scenario of [34n, 63n, FIELD_ORDER - 1n]) {
      expect(() => attacked.honestOutputs({ scenario })).toThrow()
    }
  })

  test('its loss is that of the scenario, damped', async () => {
    const circuit = await compileCircuit(tagged('ChosenScenario()', chosenInputs, 'lossMX80').source)
    const random = new Random(53n)
    const input = {
      pnlMX40: Array.from({ length: 33 }, () => random.wide(120)),
      basisMX40: random.wide(120),
      shocksX40: Array.from({ length: 33 }, () => random.wide(43)),
      dampingX40: Array.from({ length: 33 }, () => random.wide(43)),
      hedgeM: random.wide(80),
    }
    for (let scenario = 0; scenario < 34; scenario++) {
      const expected =
        scenario === 33
          ? input.basisMX40 << 40n
          : (input.pnlMX40[scenario]! + input.hedgeM * (input.shocksX40[scenario]! - (1n << 40n))) *
            input.dampingX40[scenario]!
      const chosen = Array.from({ length: 34 }, (_, s) => (s === scenario ? 1n : 0n))
      expect(signed(circuit.outputs({ ...input, chosen })[0]!)).toBe(expected)
    }
  })
})

describe('L13: what is concentrated', () => {
  const SIZE_UNIT = 1n << 32n
  const FRACTION_X40 = 3n << 37n
  const [spotE8, priceE8X20] = [7_000_000_000_000n, 3n << 40n]
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(tagged('ConcentrationCharge()', concentrated, 'outE20X60').source)
  })

  /** Sizes and amounts of perpetuals, naked short options and the 16 collaterals, in this order. */
  const inputOf = (sizesQ: readonly bigint[], amountsE12: readonly bigint[], valueE8X20 = priceE8X20) => {
    const [perpsE12 = 0n, nakedShortE12 = 0n, ...collaterals] = amountsE12
    return {
      amountsE12: collaterals,
      amountsQ: collaterals.map((amount) => amount / SIZE_UNIT),
      valueE8X20: collaterals.map(() => valueE8X20),
      perpsE12,
      perpsQ: perpsE12 / SIZE_UNIT,
      nakedShortE12,
      spotE8,
      sizesQ: sizesQ.slice(2),
      concentrationFields_concentrationX40: FRACTION_X40,
      concentrationFields_perpSizeQ: sizesQ[0] ?? 0n,
      concentrationFields_optionSizeQ: sizesQ[1] ?? 0n,
    }
  }
  const charged = (sizesQ: readonly bigint[], amountsE12: readonly bigint[]): bigint =>
    amountsE12.reduce((sum, amount, i) => {
      const excess = amount - (sizesQ[i] as bigint) * SIZE_UNIT
      return excess > 0n ? sum + excess * (i < 2 ? spotE8 << 20n : priceE8X20) * FRACTION_X40 : sum
    }, 0n)
  const none = Array.from({ length: 18 }, () => 0n)

  test('a unit below its size, at it and a unit above, each position by itself', () => {
    for (let position = 0; position < 18; position++) {
      const mostQ = position === 0 ? (1n << 29n) - 1n : (1n << 30n) - 1n
      for (const sizeQ of [1n, 12_345n, mostQ]) {
        for (const by of [-SIZE_UNIT, -1n, 0n, 1n, SIZE_UNIT - 1n]) {
          const amounts = none.with(position, sizeQ * SIZE_UNIT + by)
          const sizes = none.map(() => (1n << 30n) - 1n).with(position, sizeQ)
          const expected = by > 0n ? by * (position < 2 ? spotE8 << 20n : priceE8X20) * FRACTION_X40 : 0n
          const input = inputOf(sizes, amounts)
          expect(circuit.outputs(input), `${position} ${sizeQ} ${by}`).toEqual([expected])
          // A short of whole units is counted as one less of them.
          if (position !== 0 || by !== 0n) continue
          expect(circuit.outputs({ ...input, perpsQ: input.perpsQ - 1n })).toEqual([0n])
        }
      }
    }
  })

  test('all of them together: random amounts and sizes, nothing and everything', () => {
    const random = new Random(54n)
    const most = (1n << 62n) - 1n
    const amounts = () => none.map((_, i) => random.wide(i === 0 ? 60 : 62))
    const cases: readonly (readonly [readonly bigint[], readonly bigint[]])[] = [
      [none, none],
      [none, none.map((_, i) => (i === 0 ? 1n << 60n : most))],
      [none.map(() => (1n << 30n) - 1n), none.map((_, i) => (i === 0 ? 1n << 60n : most))],
      ...Array.from({ length: 40 }, () => [none.map(() => random.wide(30)), amounts()] as const),
    ]
    for (const [sizes, held] of cases) {
      expect(circuit.outputs(inputOf(sizes, held))).toEqual([charged(sizes, held)])
    }
  })

  // Its hints are those of its comparisons, which the tests of M11 and M15 force.
  test('no wire can move, and none can be another number', () => {
    const random = new Random(55n)
    let tried = 0
    for (const bits of [8, 30, 30]) {
      // Of perpetuals below their size the template reads the whole units alone, which AccountHoldings takes of the same word.
      const input = inputOf(
        none.map((_, at) => random.wide(at === 0 ? 8 : bits)),
        none.map((_, at) => (bits === 8 || at === 0 ? 1n << 45n : 0n) + random.wide(at === 0 ? 59 : 61)),
      )
      const witness = circuit.witness(input)
      expect(circuit.movableWires(witness)).toEqual([])
      const report = circuit.tamper(witness, (v) => [v + 1n, v - 1n, -v, 1n - v, random.below(FIELD_ORDER)])
      // Of inputs, what is within its size counts nothing, so that it may be anything that is.
      const isGiven = (wire: string): boolean => bits > 8 && /\.(amountsE12|valueE8X20|spotE8)/.test(wire)
      expect(report.undetected.filter((wire) => !isGiven(wire))).toEqual([])
      tried += report.tried
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})

describe('L1: position words', () => {
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(`pragma circom 2.2.3;
include "portfolio/PositionQuantities.circom";
include "math/AssumeBits.circom";
template Main() {
    signal input word, expiry, strikeE8;
    signal output out[5];
    component quantities = PositionQuantities();
    quantities.word <== word;
    quantities.expiry <== AssumeBits(32)(expiry);
    quantities.strikeE8 <== AssumeBits(48)(strikeE8);
    out <== [
        quantities.callsE12, quantities.putsE12, quantities.netE12, quantities.grossE12, quantities.nakedShortE12
    ];
}
component main = Main();
`)
  })
  const word = (expiry: bigint, strike: bigint, calls: bigint, puts: bigint): bigint =>
    expiry + (strike << 32n) + ((calls + (1n << 60n)) << 80n) + ((puts + (1n << 60n)) << 141n)
  const [expiry, strikeE8] = [1_770_000_000n, 5_000_000_000_000n]

  test('quantities of every sign, at their borders', () => {
    const limit = 1n << 60n
    const sizes = [-limit, 1n - limit, -1n, 0n, 1n, limit - 1n]
    for (const calls of sizes) {
      for (const puts of sizes) {
        const input = { word: word(expiry, strikeE8, calls, puts), expiry, strikeE8 }
        const abs = (value: bigint): bigint => (value < 0n ? -value : value)
        const expected = [calls, puts, calls + puts, abs(calls) + abs(puts), calls + puts < 0n ? -calls - puts : 0n]
        expect(circuit.outputs(input).map(signed)).toEqual(expected)
        expectIsolated(circuit, input)
      }
    }
  })

  test('a word of another strike or expiry, with a bit above its fields, or moved by the field order has no witness', () => {
    const honest = word(expiry, strikeE8, 5n, -7n)
    expect(circuit.accepts({ word: honest, expiry, strikeE8 })).toBe(true)
    for (const forged of [
      word(expiry + 1n, strikeE8, 5n, -7n),
      word(expiry - 1n, strikeE8, 5n, -7n),
      word(expiry, strikeE8 + 1n, 5n, -7n),
      word(expiry, strikeE8 - 1n, 5n, -7n),
      word(expiry ^ (1n << 31n), strikeE8, 5n, -7n),
      word(expiry, strikeE8 ^ (1n << 47n), 5n, -7n),
      honest + (1n << 202n),
      honest + (1n << 247n),
      FIELD_ORDER - 1n,
    ]) {
      expect(circuit.accepts({ word: forged, expiry, strikeE8 })).toBe(false)
    }
  })
})

describe('widths that a template counts on', () => {
  const holdings = `holdings collateralAmounts[4] ${totals} ${terms}`
  const crossing = 'spotE8:48 shocksX40[4]:43 equityM[4]:s93 negative[4]'
  const accepted: readonly (readonly [string, string])[] = [
    ['AccountHoldings()', holdings],
    ['ChosenScenario()', chosenInputs],
    ['CloseScenario()', `${header} sums[6] ${scenarioPlace}`],
    ['ConcentrationCharge()', concentrated],
    ['Crossing(0)', crossing],
    ['CloseExpiry()', `${header} sums[41]`],
  ]

  test.each(accepted)('%s takes them', async (call, inputs) => {
    await compileCircuit(tagged(call, inputs, '').source)
  })

  test.each([
    ['AccountHoldings()', holdings, 'perpPriceE8:48'],
    ['AccountHoldings()', holdings, 'movingE8X20[16]:73'],
    ['AccountHoldings()', holdings, 'markMX40:s125'],
    ['ConcentrationCharge()', concentrated, 'amountsE12[16]:62'],
    ['ConcentrationCharge()', concentrated, 'sizesQ[16]:30'],
    ['ChosenScenario()', chosenInputs, 'hedgeM:s88'],
    ['ChosenScenario()', chosenInputs, 'shocksX40[33]:43'],
    ['CloseScenario()', `${header} sums[6] ${scenarioPlace}`, 'forwardsE8[20]:52'],
    ['CloseScenario()', `${header} sums[6] ${scenarioPlace}`, 'longFactorX40:43'],
    ['CloseScenario()', `${header} sums[6] ${scenarioPlace}`, 'discountX40:41'],
    ['Crossing(0)', crossing, 'spotE8:48'],
    ['Crossing(0)', crossing, 'equityM[4]:s93'],
    ['CloseExpiry()', `${header} sums[41]`, 'longFactorX40:43'],
    ['CloseExpiry()', `${header} sums[41]`, 'discountX40:41'],
  ])('$0 does not compile if $2 is one bit wider', async (call, inputs, width) => {
    expect(inputs).toContain(width)
    const wider = width.replace(/\d+$/, (bits) => String(Number(bits) + 1))
    await expect(compileCircuit(tagged(call, inputs.replace(width, wider), '').source)).rejects.toThrow(
      CompilationError,
    )
  })
})
