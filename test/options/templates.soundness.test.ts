/**
 * What a cheating prover could try against circuits/options: the other sign of d1 and d2, another reciprocal, another root
 * of the variance, words with bits to spare, and circuits without their compile-time assertions.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type WordName, words } from '../../circuits/statements/index.ts'
import { bitsOf } from '../../circuits/statements/language.ts'
import { reciprocalDown, SHOCKED_VOLATILITY, splitVolatility } from '../../prover/options/black.ts'
import { lnDown } from '../../prover/math/index.ts'
import { includedFiles } from '../../scripts/tools/compileCircom.ts'
import { root } from '../../scripts/tools/sources.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { arraySource, expiryInputs, usualMarket, usualPolicy } from '../../scripts/tools/cases/expiries.ts'
import {
  type OptionTemplate,
  shockedPoint,
  templateSource,
  totalVolatilities,
} from '../../scripts/tools/mains/options.ts'

/** A main file with all it includes in one text, so that it can be changed as a whole. */
function flatten(source: string): string {
  const files = [...includedFiles(source, '.')].map((file) => readFileSync(join(root, file), 'utf8'))
  const body = [...files, source].map((text) => text.replace(/^\s*(pragma|include)\b.*$/gm, ''))
  return `pragma circom 2.2.3;\n${body.join('\n')}`
}

/** The main of a template whose hint, at each of its uses, is what the attacker says; the constraints stay. */
class HintAttack {
  readonly honest: Circuit
  readonly #forced: Circuit

  private constructor(honest: Circuit, forced: Circuit) {
    this.honest = honest
    this.#forced = forced
  }

  /**
   * @param hint - text of the hint's expression, which occurs once
   * @param forcedExpression - the same with a lie, in the hint's own terms; circom
   */
  static async of(template: OptionTemplate, hint: string, forcedExpression: string): Promise<HintAttack> {
    const source = flatten(templateSource(template))
    if (source.split(hint).length !== 2) throw new Error(`Expected exactly once: ${hint}`)
    const forced = source.replace(hint, () => forcedExpression)
    return new HintAttack(await compileCircuit(source), await compileCircuit(forced, { tolerant: true }))
  }

  /** Whether the lie left the constraints as they are. */
  get hasHonestConstraints(): boolean {
    return this.#forced.hasConstraintsOf(this.honest)
  }

  violations(input: Record<string, bigint>): number {
    return this.honest.violations(this.#forced.witness(input)).length
  }
}

const point = (strikeE8: bigint, volatilityX40: bigint): Record<string, bigint> => {
  const forward = 9_500_000_000_000n
  const { onGrid, restX40 } = splitVolatility(volatilityX40)
  return {
    lnForwardX26: lnDown(forward, 26),
    lnStrikeX26: lnDown(strikeE8, 36) >> 10n,
    forward,
    strike: strikeE8,
    volatilityX40,
    reciprocal: reciprocalDown(volatilityX40, SHOCKED_VOLATILITY),
    onGrid,
    restX40,
    restX33: restX40 >> 7n,
    restSquaredX66: (restX40 >> 7n) ** 2n,
    isFlat: volatilityX40 === 0n ? 1n : 0n,
  }
}

const points = [9_000_000_000_000n, 9_500_000_000_000n, 9_900_000_000_000n, 1n, (1n << 48n) - 1n].flatMap((strike) =>
  [0n, 1n << 24n, 220n << 30n, 1n << 41n, (1n << 44n) - 1n].map((volatility) => point(strike, volatility)),
)

describe('B4 and B5: hints of a price', () => {
  const sign = 'isNegative <-- in < 0 ? 1 : 0'
  test.each([
    ['the other sign of d1 and of d2', sign, 'isNegative <-- in < 0 ? 0 : 1'],
    ['a sign that is no bit', sign, 'isNegative <-- in < 0 ? 2 : -1'],
    ['every number positive', sign, 'isNegative <-- 0'],
    ['every number negative', sign, 'isNegative <-- 1'],
  ])('%s: refused at every point where it differs', async (_, hint, lie) => {
    const attack = await HintAttack.of(shockedPoint, hint, lie)
    expect(attack.hasHonestConstraints).toBe(true)
    const accepted = points.filter((input) => attack.violations(input) === 0)
    const honestBit = lie.endsWith('0') || lie.endsWith('1')
    // A lie that is the truth at a point is none; both d1 and d2 must happen to have that sign.
    if (!lie.includes('?') && honestBit) {
      for (const input of accepted) expect(attack.honest.violations(attack.honest.witness(input))).toEqual([])
      expect(accepted.length).toBeLessThan(points.length)
    } else expect(accepted).toEqual([])
  })
})

describe('B3: hints of a volatility', () => {
  const base: Record<string, bigint> = {
    varianceX48: 9n << 40n,
    ratioX40: (1n << 40n) + 12_345n,
    upX40: 3n << 39n,
    downX40: 3n << 38n,
    floorUpX40: 1n << 36n,
    widthX36: 1n << 34n,
    logMoneynessX36: -(1n << 33n),
    linearIsNegative: 0n,
    linearSlopeX44: 1n << 43n,
    absoluteIsNegative: 1n,
    absoluteSlopeX44: -(1n << 42n),
  }
  const cases: Record<string, bigint>[] = [
    base,
    { ...base, varianceX48: 0n },
    { ...base, varianceX48: 20n << 48n, ratioX40: (1n << 54n) - 1n },
    { ...base, logMoneynessX36: 1n << 40n },
  ]
  test.each([
    [
      'a quotient one higher',
      'quotient <-- denominator == 0 ? 0 : numerator \\ denominator',
      'quotient <-- numerator \\ denominator + 1',
    ],
    [
      'a quotient one lower',
      'quotient <-- denominator == 0 ? 0 : numerator \\ denominator',
      'quotient <-- numerator \\ denominator - 1',
    ],
    [
      "the field's own quotient and a bit",
      'quotient <-- denominator == 0 ? 0 : numerator \\ denominator',
      'quotient <-- (numerator - 1) / denominator',
    ],
    ['a root one higher', 'root <-- integerSquareRoot(in)', 'root <-- integerSquareRoot(in) + 1'],
    ['a root one lower', 'root <-- integerSquareRoot(in)', 'root <-- integerSquareRoot(in) - 1'],
    ['a negative root', 'root <-- integerSquareRoot(in)', 'root <-- -integerSquareRoot(in) - 1'],
  ])('%s: refused', async (_, hint, lie) => {
    const attack = await HintAttack.of(totalVolatilities, hint, lie)
    expect(attack.hasHonestConstraints).toBe(true)
    for (const input of cases) {
      expect(attack.honest.violations(attack.honest.witness(input))).toEqual([])
      expect(attack.violations(input)).toBeGreaterThan(0)
    }
  })
})

describe('B1, B2, B7 and B8: words', () => {
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(arraySource(1))
  })

  const honest = () => ({ ...expiryInputs(usualMarket, usualPolicy), strikes: [9_000_000_000_000n] })
  const names = Object.keys(honest()).filter((name) => name !== 'strikes')

  test.each(names)('%s is refused with a bit above its fields, negative, or moved by a power of two', (name) => {
    const bits = bitsOf(words[name as WordName])
    const input: Record<string, bigint | bigint[]> = honest()
    const value = [input[name]].flat()
    const first = value[0] as bigint
    for (const forged of [1n << BigInt(bits), first + (1n << BigInt(bits)), FIELD_ORDER - 1n, first + (1n << 248n)]) {
      expect(
        circuit.accepts({ ...input, [name]: value.length > 1 ? ([forged, ...value.slice(1)] as bigint[]) : forged }),
      ).toBe(false)
    }
  })

  test('soundness rests on no assert: without a single one, the constraints are the same', async () => {
    const source = flatten(arraySource(1))
    const asserts = source.match(/^\s*assert\(.*\);.*$/gm) ?? []
    expect(asserts.length).toBeGreaterThan(30)
    const stripped = source.replace(/^\s*assert\(.*\);.*$/gm, '')
    expect(stripped).not.toMatch(/\bassert\(/)
    expect((await compileCircuit(stripped)).hasConstraintsOf(circuit)).toBe(true)
  })
})
