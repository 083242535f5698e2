/** A whole expiry, from packed words to header and leaf: equal to the twin, refused where the twin refuses. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ProverError } from '../../prover/errors.ts'
import { type ExpiryMarket, type PricingPolicy, riskArray } from '../../prover/options/riskArray.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { asField } from '../../scripts/tools/mains/math.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import {
  arraySource,
  expiryInputs,
  randomMarket,
  randomPolicy,
  randomStrike,
  usualMarket,
  usualPolicy,
  usualScenarios,
  x40,
} from '../../scripts/tools/cases/expiries.ts'

const CASES = 120
const STRIKE = 9_000_000_000_000n

let circuit: Circuit
beforeAll(async () => {
  circuit = await compileCircuit(arraySource(1))
})

const inputsOf = (market: ExpiryMarket, policy: PricingPolicy, strikeE8: bigint) => ({
  ...expiryInputs(market, policy),
  strikes: [strikeE8],
})

function expectTwin(market: ExpiryMarket, policy: PricingPolicy, strikeE8: bigint): void {
  const { header, leaves } = riskArray(market, policy, [strikeE8])
  const expected = [...header.elements(), ...leaves.flatMap((leaf) => leaf.elements())].map(asField)
  expect({ market, policy, strikeE8, out: circuit.outputs(inputsOf(market, policy, strikeE8)) }).toEqual({
    market,
    policy,
    strikeE8,
    out: expected,
  })
}

describe('B1, B2, B3, B7 and B8: circuit equals twin', () => {
  test(`on ${CASES} random expiries, policies and strikes, from one second to two years`, () => {
    const random = new Random(2026n)
    for (let i = 0; i < CASES; i++) {
      const market = randomMarket(random)
      expectTwin(market, randomPolicy(random), randomStrike(random, market))
    }
  })

  const corners: readonly [string, Partial<ExpiryMarket>, Partial<PricingPolicy>][] = [
    ['in the second of expiry', { expiry: usualMarket.asOf }, {}],
    ['one second before', { expiry: usualMarket.asOf + 1n, tauRefSecondsX20: 1n << 20n }, {}],
    ['at the longest tenor', { expiry: usualMarket.asOf + (1n << 26n) - 1n }, {}],
    ['without volatility', { sviAX48: 0n, sviBX48: 0n }, {}],
    ['at a variance beyond 20', { sviAX48: (1n << 58n) - 1n }, {}],
    [
      'at a volatility beyond 16',
      { sviAX48: 20n << 48n, tauRefSecondsX20: 160n << 20n, expiry: usualMarket.asOf + (1n << 21n) },
      {},
    ],
    ['with the forward fixed', { forwardVariableE8: 0n, forwardFixedE8: 9_500_000_000_000n }, {}],
    ['at the largest forwards', { forwardVariableE8: (1n << 48n) - 1n, forwardFixedE8: (1n << 48n) - 1n }, {}],
    [
      'at the largest surface',
      {
        sviAX48: (1n << 59n) - 1n,
        sviBX48: (1n << 56n) - 1n,
        sviRhoX40: 1n << 40n,
        sviMX40: (1n << 47n) - 1n,
        sviSX40: (1n << 52n) - 1n,
        forwardRefE8: 1n,
      },
      {},
    ],
    ['at the lowest rate', { rateX40: -(1n << 47n) }, {}],
    ['at the highest rate', { rateX40: (1n << 47n) - 1n }, {}],
    ['at no confidence', { confidenceX40: 0n }, {}],
    ['at a confidence above 1', { confidenceX40: (1n << 41n) - 1n, spotConfidenceX40: (1n << 41n) - 1n }, {}],
    [
      'with negative caps of both skews',
      {},
      {
        skewLinear: { ...usualPolicy.skewLinear, capX40: x40(-0.3) },
        skewAbsolute: { ...usualPolicy.skewAbsolute, capX40: x40(-0.4) },
      },
    ],
    [
      'with the largest caps',
      {},
      {
        skewLinear: { ...usualPolicy.skewLinear, capX40: (1n << 47n) - 1n, capSlopeX40: (1n << 47n) - 1n },
        skewAbsolute: { ...usualPolicy.skewAbsolute, capX40: -(1n << 47n), capSlopeX40: -(1n << 47n) },
      },
    ],
    [
      'with shocks of volatility without bound',
      {},
      {
        volatilityShocks: {
          rangeUpX40: (1n << 44n) - 1n,
          rangeDownX40: (1n << 44n) - 1n,
          shortPowerX40: (1n << 44n) - 1n,
          longPowerX40: (1n << 44n) - 1n,
          tenorFloorSeconds: 0n,
          floorUpX40: (1n << 45n) - 1n,
        },
      },
    ],
  ]

  test.each(corners)('%s', (_, market, policy) => {
    for (const strikeE8 of [STRIKE, 9_500_000_000_000n, 1n, (1n << 48n) - 1n]) {
      expectTwin({ ...usualMarket, ...market }, { ...usualPolicy, ...policy }, strikeE8)
    }
  })
})

describe('B1, B2 and B7: the borders of the domain', () => {
  const borders: readonly {
    readonly what: string
    readonly code: string
    readonly inside: Partial<ExpiryMarket>
    readonly outside: Partial<ExpiryMarket>
  }[] = [
    {
      what: 'time to expiry from 0',
      code: 'options.expired',
      inside: { expiry: usualMarket.asOf },
      outside: { expiry: usualMarket.asOf - 1n },
    },
    {
      what: 'time to expiry below 2^26 s',
      code: 'options.tenor-out-of-range',
      inside: { expiry: usualMarket.asOf + (1n << 26n) - 1n },
      outside: { expiry: usualMarket.asOf + (1n << 26n) },
    },
    {
      what: "a tenor of the surface's above 0",
      code: 'options.surface-out-of-range',
      inside: { expiry: usualMarket.asOf, tauRefSecondsX20: 1n },
      outside: { expiry: usualMarket.asOf, tauRefSecondsX20: 0n },
    },
    {
      what: "time to expiry below 2^14 of the surface's tenor",
      code: 'options.surface-out-of-range',
      inside: { expiry: usualMarket.asOf + 16_384n, tauRefSecondsX20: (1n << 20n) + 1n },
      outside: { expiry: usualMarket.asOf + 16_384n, tauRefSecondsX20: 1n << 20n },
    },
    {
      what: 'a + b·s of at least 0',
      code: 'options.negative-variance',
      inside: { sviAX48: -(1n << 40n), sviBX48: 1n << 40n, sviSX40: 1n << 40n, sviRhoX40: 0n, sviMX40: 0n },
      outside: { sviAX48: -(1n << 40n), sviBX48: 1n << 40n, sviSX40: (1n << 40n) - 1n, sviRhoX40: 0n, sviMX40: 0n },
    },
    {
      what: 'variance of at least 0 at the strike',
      code: 'options.negative-variance',
      inside: { sviAX48: 0n, sviBX48: 1n << 46n, sviRhoX40: x40(0.9), sviMX40: 0n, sviSX40: x40(0.1) },
      outside: { sviAX48: 0n, sviBX48: 1n << 46n, sviRhoX40: x40(1.9), sviMX40: 0n, sviSX40: x40(0.01) },
    },
    {
      what: 'a forward of at least 1e-8',
      code: 'options.forward-out-of-range',
      inside: { forwardVariableE8: 0n, forwardFixedE8: 1n },
      outside: { forwardVariableE8: 0n, forwardFixedE8: 0n },
    },
    {
      what: 'a shocked forward of at least 1e-8',
      code: 'options.forward-out-of-range',
      inside: { forwardVariableE8: 3n, forwardFixedE8: 0n },
      outside: { forwardVariableE8: 1n, forwardFixedE8: 0n },
    },
    {
      what: 'a reference forward of at least 1e-8',
      code: 'options.forward-out-of-range',
      inside: { forwardRefE8: 1n },
      outside: { forwardRefE8: 0n },
    },
  ]

  test.each(borders)('$what: $code beyond', ({ code, inside, outside }) => {
    expectTwin({ ...usualMarket, ...inside }, usualPolicy, STRIKE)
    expectRefused({ ...usualMarket, ...outside }, usualPolicy, STRIKE, code)
  })

  test('strikes from 1 to 2^48 - 1', () => {
    for (const strikeE8 of [1n, (1n << 48n) - 1n]) expectTwin(usualMarket, usualPolicy, strikeE8)
    for (const strikeE8 of [0n, 1n << 48n, -1n]) {
      expectRefused(usualMarket, usualPolicy, strikeE8, 'options.strike-out-of-range')
    }
  })

  test('the fourth regular shock is exactly 1, no matter what the grid says', () => {
    for (const shockX40 of [(1n << 40n) - 1n, (1n << 40n) + 1n, 0n]) {
      const regular = usualScenarios.regular.map((shock, i) => (i === 3 ? { ...shock, shockX40 } : shock))
      const policy = { ...usualPolicy, scenarios: { ...usualScenarios, regular } }
      expectRefused(usualMarket, policy, STRIKE, 'options.unshocked-scenario')
    }
  })

  function expectRefused(market: ExpiryMarket, policy: PricingPolicy, strikeE8: bigint, code: string): void {
    let refusal: unknown
    try {
      riskArray(market, policy, [strikeE8])
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(ProverError)
    expect(refusal).toMatchObject({ code })
    expect(circuit.accepts(inputsOf(market, policy, strikeE8))).toBe(false)
  }
})

describe('B1 to B8: one witness', () => {
  const cases: readonly [string, Partial<ExpiryMarket>, bigint][] = [
    ['an ordinary strike', {}, STRIKE],
    ['the second of expiry', { expiry: usualMarket.asOf }, 9_500_000_000_000n],
    ['everything saturated', { sviAX48: (1n << 58n) - 1n, expiry: usualMarket.asOf + (1n << 26n) - 1n }, 1n],
  ]

  test.each(cases)('%s: no wire can move but the inverse of 0, and none can be changed', (_, market, strikeE8) => {
    const witness = circuit.witness(inputsOf({ ...usualMarket, ...market }, usualPolicy, strikeE8))
    expect(circuit.violations(witness)).toEqual([])
    const isFree = (wire: string) => wire.endsWith('.inv')
    expect(circuit.movableWires(witness).filter((wire) => !isFree(wire))).toEqual([])
    const random = new Random(5n)
    const { tried, undetected } = circuit.tamper(witness, (value) => [
      value + 1n,
      value - 1n,
      1n - value,
      -value,
      0n,
      value + (1n << random.below(253n)),
      random.below(FIELD_ORDER),
    ])
    expect(undetected.filter((wire) => !isFree(wire))).toEqual([])
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})
