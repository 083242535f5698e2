/**
 * What a cheating prover could try against circuits/math. For each template: every wire tampered with, the Jacobian's
 * rank; for each hint: every other answer that might pass; for each range check: the first value outside. And what each
 * template costs, as `npm run snapshot` last wrote it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { type Attack, AttackedTemplate } from './attack.ts'
import {
  asField,
  doorSource,
  inputName,
  type MathFunction,
  mainSource,
  mathFunction,
  mathFunctions,
  mathMains,
} from '../../scripts/tools/mains/math.ts'

/** circomlib's decomposition with digits of the attacker's choice. */
const forcedBits = {
  file: 'bitify.circom',
  template: 'Num2Bits',
  replace: [
    ['signal input in;', 'signal input in; signal input forced[n];'],
    ['out[i] <-- (in >> i) & 1;', 'out[i] <-- forced[i];'],
  ],
} as const

/** Free by design where IsZero's input is 0: the inverse of nothing. It reaches no other row. */
const isFreeInverse = (wire: string) => wire.endsWith('.inv')
/** Templates that are sums of their inputs: no rows, so nothing that could be another way. */
const LINEAR = new Set(['Not', 'Add', 'ShiftLeft', 'Constant', 'SignedDifference'])
const isInput = (wire: string) => wire.startsWith('main.f0_')

const snapshot: Record<string, number> = JSON.parse(readFileSync(join(root, 'test', 'snapshots', 'math.json'), 'utf8'))

/** The claim each template makes (docs/claims/math.md). */
const CLAIMS: Readonly<Record<string, string>> = {
  MulDown: 'M2',
  MulUp: 'M3',
  ShiftRightDown: 'M4',
  ShiftRightUp: 'M5',
  Saturate: 'M6',
  ShiftRightDownSaturate: 'M6',
  ShiftRightUpSaturate: 'M6',
  DivDown: 'M7',
  DivUp: 'M8',
  SqrtDown: 'M9',
  SqrtUp: 'M10',
  IsLess: 'M11',
  Min: 'M12',
  Max: 'M12',
  Clamp: 'M12',
  Select: 'M13',
  And: 'M13',
  Or: 'M13',
  Not: 'M13',
  AbsoluteDifference: 'M14',
  SubtractOrZero: 'M15',
  LnDown: 'M16',
  Exp2Negative: 'M17',
  Add: 'M18',
  Multiply: 'M18',
  SumOfProducts: 'M18',
  ShiftLeft: 'M18',
  Constant: 'M18',
  Complement: 'M18',
  SignedDifference: 'M19',
  SignedShiftRightDown: 'M19',
  SignedMulDown: 'M19',
  SignAndMagnitude: 'M19',
  SaturateSigned: 'M25',
  SignedDivDown: 'M25',
  ExpDown: 'M20',
  ExpFineDown: 'M23',
  NormalCdfDown: 'M21',
  NormalPdfDown: 'M22',
}

describe.each(mathFunctions.map((fn) => ({ ...fn, claim: CLAIMS[fn.includes[0]!] })))('$claim: $name', (fn) => {
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(mainSource([fn], 1))
  })

  it('has as many constraints as the snapshot says', () => {
    expect(circuit.constraintCount).toBe(snapshot[fn.name])
  })

  it.each(points(fn))('has one witness near its honest one at %s', (_, values) => {
    const witness = circuit.witness(inputsOf(fn, values))
    expect(circuit.violations(witness)).toEqual([])
    expect(witness[1]).toBe(asField(fn.twin(...values)))
    if (LINEAR.has(fn.includes[0]!)) return expect(circuit.constraintCount).toBe(0)
    expect(circuit.movableWires(witness).filter((wire) => !isFreeInverse(wire))).toEqual([])
    const { tried, undetected } = circuit.tamper(witness, (value) => [value + 1n, value - 1n, 1n - value, -value, 0n])
    expect(tried).toBeGreaterThan(0)
    expect(undetected.filter((wire) => !isFreeInverse(wire) && !isInput(wire))).toEqual([])
  })
})

it('every template has its constraints in the snapshot and makes a claim', () => {
  expect(Object.keys(snapshot)).toEqual(mathMains.map(({ name }) => name))
  expect(mathFunctions.filter(({ includes }) => CLAIMS[includes[0]!] === undefined)).toEqual([])
})

describe('M1: range checks', () => {
  it.each([1, 24, 48, 253])('RangeCheck(%i) accepts 0, 1 and its largest value, and nothing beyond', async (bits) => {
    const circuit = await compileCircuit(doorSource(`RangeCheck(${bits})`))
    const top = 1n << BigInt(bits)
    for (const accepted of [0n, 1n, top - 1n]) expect(circuit.outputs({ in: accepted })).toEqual([accepted])
    for (const refused of [top, top + 1n, -1n, -2n]) {
      expect({ refused, accepted: circuit.accepts({ in: refused }) }).toEqual({ refused, accepted: false })
    }
  })

  it('has no RangeCheck as wide as the field, where a value has two decompositions', async () => {
    await expect(compileCircuit(doorSource('RangeCheck(254)'))).rejects.toThrow()
  })

  it('BooleanCheck accepts 0 and 1 only', async () => {
    const circuit = await compileCircuit(doorSource('BooleanCheck()'))
    for (const accepted of [0n, 1n]) expect(circuit.outputs({ in: accepted })).toEqual([accepted])
    for (const refused of [2n, -1n, 1n << 253n]) expect(circuit.accepts({ in: refused })).toBe(false)
  })

  const width = 48
  attacks(
    {
      template: `RangeCheck(${width})`,
      inputs: [{ name: 'in' }],
      replace: [
        [`Num2Bits(BITS)(in)`, `ForcedNum2Bits(BITS)(in, forced)`],
        [`signal input in;`, `signal input in; signal input forced[BITS];`],
      ],
      library: forcedBits,
      forcedSize: width,
      outputs: [{ name: 'out' }],
    },
    [
      ['the bits of a value one too wide', { in: 1n << 48n }, bitsOf(1n << 48n, width)],
      ['the bits of a negative value', { in: -1n }, bitsOf((1n << 48n) - 1n, width)],
      ['a digit 2', { in: 2n }, [2n, ...zeros(width - 1)]],
      ['a top digit 2', { in: 1n << 48n }, [...zeros(width - 1), 2n]],
      ['a digit that is the whole value', { in: -1n }, [-1n, ...zeros(width - 1)]],
      ['the bits of another value', { in: 5n }, bitsOf(6n, width)],
    ],
    [[{ in: 5n }, bitsOf(5n, width)]],
  )
})

describe('M19: signed range check', () => {
  it.each([1, 36, 252])('SignedRangeCheck(%i) accepts both ends and nothing beyond', async (bits) => {
    const circuit = await compileCircuit(doorSource(`SignedRangeCheck(${bits})`))
    const top = 1n << BigInt(bits)
    for (const accepted of [0n, 1n, -1n, top - 1n, -top])
      expect(circuit.outputs({ in: accepted })).toEqual([asField(accepted)])
    for (const refused of [top, -top - 1n]) expect(circuit.accepts({ in: refused })).toBe(false)
  })
})

describe('M6: AllZero', () => {
  const size = 5
  attacks(
    {
      template: `AllZero(${size})`,
      inputs: [{ name: 'bits', size }],
      replace: [
        [`IsZero()(sum)`, `ForcedIsZero()(sum, forced)`],
        [`signal input bits[N];`, `signal input bits[N]; signal input forced;`],
      ],
      library: {
        file: 'comparators.circom',
        template: 'IsZero',
        replace: [['inv <-- in!=0 ? 1/in : 0;', 'signal input forced; inv <-- forced;']],
      },
      outputs: [{ name: 'out' }],
    },
    [
      ['an inverse of 0 where a bit is set', { bits: [0n, 1n, 0n, 0n, 0n] }, 0n],
      ['a wrong inverse', { bits: [1n, 1n, 0n, 0n, 0n] }, 1n],
      ['the negated inverse', { bits: [1n, 0n, 0n, 0n, 0n] }, -1n],
    ],
    [
      [{ bits: [1n, 0n, 0n, 0n, 0n] }, 1n],
      [{ bits: zeros(size) }, 0n],
      // The free inverse changes nothing
      [{ bits: zeros(size) }, 12345n],
    ],
  )
})

describe('M7: DivDown', () => {
  const division = (n: bigint, d: bigint) => ({ numerator: n, denominator: d })
  const honest: [bigint, bigint][] = [
    [100n, 7n],
    [98n, 7n],
    [0n, 7n],
    [5n, 7n],
    [(1n << 60n) - 1n, 1n],
    [(1n << 60n) - 1n, (1n << 40n) - 1n],
    [1n, (1n << 40n) - 1n],
  ]
  attacks(
    {
      template: 'DivDown(60)',
      inputs: [
        { name: 'numerator', taggedBits: 60 },
        { name: 'denominator', taggedBits: 40 },
      ],
      replace: [
        [
          `signal quotient <-- denominator == 0 ? 0 : numerator \\ denominator;`,
          `signal input forced; signal quotient <-- forced;`,
        ],
      ],
      outputs: [{ name: 'out' }],
    },
    [
      ...honest.flatMap(([n, d]) =>
        quotientLies(n / d, n, d).map((lie) => [`${lie} for ${n} / ${d}`, division(n, d), lie] as const),
      ),
      ...[0n, 1n, 2n, -1n, 5n].map((lie) => [`${lie} for 5 / 0`, division(5n, 0n), lie] as const),
      ...[0n, 1n].map((lie) => [`${lie} for 0 / 0`, division(0n, 0n), lie] as const),
    ],
    honest.map(([n, d]) => [division(n, d), n / d] as const),
  )

  it('refuses a quotient of one bit more', async () => {
    const circuit = await compileCircuit(mainSource([mathFunction('DivDown(24), wide denominator')], 1))
    expect(circuit.accepts({ f0_numerator: (1n << 24n) - 1n, f0_denominator: 1n })).toBe(true)
    expect(circuit.accepts({ f0_numerator: 1n << 24n, f0_denominator: 1n })).toBe(false)
    expect(circuit.accepts({ f0_numerator: 1n, f0_denominator: 0n })).toBe(false)
  })
})

describe('M8: DivUp', () => {
  const division = (n: bigint, d: bigint) => ({ numerator: n, denominator: d })
  const ceiling = (n: bigint, d: bigint) => (n + d - 1n) / d
  const honest: [bigint, bigint][] = [
    [100n, 7n],
    [98n, 7n],
    [0n, 7n],
    [5n, 7n],
    [(1n << 60n) - 1n, 1n],
    [(1n << 60n) - 1n, (1n << 40n) - 1n],
  ]
  attacks(
    {
      template: 'DivUp(60)',
      inputs: [
        { name: 'numerator', taggedBits: 60 },
        { name: 'denominator', taggedBits: 40 },
      ],
      replace: [
        [
          `signal quotient <-- denominator == 0 ? 0 : (numerator + denominator - 1) \\ denominator;`,
          `signal input forced; signal quotient <-- forced;`,
        ],
      ],
      outputs: [{ name: 'out' }],
    },
    [
      ...honest.flatMap(([n, d]) =>
        quotientLies(ceiling(n, d), n, d).map((lie) => [`${lie} for ${n} / ${d}`, division(n, d), lie] as const),
      ),
      ...[0n, 1n, 2n, -1n, 5n].map((lie) => [`${lie} for 5 / 0`, division(5n, 0n), lie] as const),
      ...[0n, 1n].map((lie) => [`${lie} for 0 / 0`, division(0n, 0n), lie] as const),
    ],
    honest.map(([n, d]) => [division(n, d), ceiling(n, d)] as const),
  )
})

const squares = [
  0n,
  1n,
  2n,
  3n,
  4n,
  8n,
  9n,
  10n,
  99n,
  100n,
  101n,
  (1n << 32n) ** 2n - 1n,
  ((1n << 32n) - 1n) ** 2n,
  ((1n << 32n) - 1n) ** 2n - 1n,
]

describe('M9: SqrtDown', () => {
  const root = (x: bigint) => mathFunction('SqrtDown').twin(x)
  attacks(
    {
      template: 'SqrtDown()',
      inputs: [{ name: 'in', taggedBits: 64 }],
      replace: [[`signal root <-- integerSquareRoot(in);`, `signal input forced; signal root <-- forced;`]],
      outputs: [{ name: 'out' }],
    },
    squares.flatMap((x) => rootLies(root(x), x).map((lie) => [`${lie} for ${x}`, { in: x }, lie] as const)),
    squares.map((x) => [{ in: x }, root(x)] as const),
  )
})

describe('M10: SqrtUp', () => {
  const root = (x: bigint) => mathFunction('SqrtUp').twin(x === 0n ? 1n : x)
  attacks(
    {
      template: 'SqrtUp()',
      inputs: [{ name: 'in', taggedBits: 64 }],
      replace: [
        [`signal root <-- integerSquareRoot(positive - 1) + 1;`, `signal input forced; signal root <-- forced;`],
      ],
      outputs: [{ name: 'out' }],
    },
    squares.flatMap((x) => rootLies(root(x), x).map((lie) => [`${lie} for ${x}`, { in: x }, lie] as const)),
    squares.map((x) => [{ in: x }, root(x)] as const),
  )
})

describe('M11: IsLess', () => {
  const width = 40
  const shifted = (a: bigint, b: bigint) => a - b + (1n << 40n)
  attacks(
    {
      template: 'IsLess()',
      inputs: [
        { name: 'a', taggedBits: width },
        { name: 'b', taggedBits: width },
      ],
      replace: [
        [`Num2Bits(WIDER + 1)(a - b + 2 ** WIDER)`, `ForcedNum2Bits(WIDER + 1)(a - b + 2 ** WIDER, forced)`],
        [`signal input {maxbit} a, b;`, `signal input {maxbit} a, b; signal input forced[${width + 1}];`],
      ],
      library: forcedBits,
      forcedSize: width + 1,
      outputs: [{ name: 'out' }],
    },
    [
      ['the comparison bit flipped, less', { a: 3n, b: 5n }, bitsOf(shifted(3n, 5n) + (1n << 40n), width + 1)],
      ['the comparison bit flipped, greater', { a: 5n, b: 3n }, bitsOf(shifted(5n, 3n) - (1n << 40n), width + 1)],
      ['the comparison bit flipped, equal', { a: 5n, b: 5n }, bitsOf(0n, width + 1)],
      ['the top bit lent to the one below', { a: 5n, b: 5n }, [...zeros(width - 1), 2n, 0n]],
      [
        'the lower bits of the alias above the field order',
        { a: 3n, b: 5n },
        bitsOf(shifted(3n, 5n) + FIELD_ORDER, width + 1),
      ],
    ],
    [
      [{ a: 3n, b: 5n }, bitsOf(shifted(3n, 5n), width + 1)],
      [{ a: 5n, b: 5n }, bitsOf(shifted(5n, 5n), width + 1)],
      [{ a: 5n, b: 3n }, bitsOf(shifted(5n, 3n), width + 1)],
    ],
  )
})

describe('M16: LnDown', () => {
  const shiftOf = (x: bigint) => BigInt(48 - x.toString(2).length)
  const inputs = [1n, 2n, 3n, 4n, 255n, 256n, 123456789n, 1n << 47n, (1n << 47n) - 1n, (1n << 48n) - 1n]
  attacks(
    {
      template: 'LnDown(28)',
      inputs: [{ name: 'in', taggedBits: 48 }],
      replace: [[`signal shift <-- leadingZeros;`, `signal input forced; signal shift <-- forced;`]],
      outputs: [{ name: 'out' }],
    },
    [
      ...inputs.flatMap((x) => {
        const lies = [shiftOf(x) + 1n, shiftOf(x) - 1n, shiftOf(x) + 2n, 0n, 47n, 63n, 64n, -1n].filter(
          (lie) => lie !== shiftOf(x),
        )
        return lies.map((lie) => [`a shift of ${lie} for ${x}`, { in: x }, lie] as const)
      }),
      ...Array.from({ length: 64 }, (_, shift) => [`a shift of ${shift} for 0`, { in: 0n }, BigInt(shift)] as const),
    ],
    inputs.map((x) => [{ in: x }, shiftOf(x)] as const),
  )

  it('has no logarithm of 0', async () => {
    const circuit = await compileCircuit(mainSource([mathFunction('LnDown(28)')], 1))
    expect(circuit.accepts({ f0_a: 0n })).toBe(false)
    expect(circuit.accepts({ f0_a: 1n })).toBe(true)
  })
})

describe('M19: SignAndBits', () => {
  const width = 36
  const honest = [0n, 1n, -1n, 2n, -2n, (1n << 36n) - 1n, -(1n << 36n)]
  const sign = (x: bigint) => (x < 0n ? 1n : 0n)
  attacks(
    {
      template: `SignAndBits(${width})`,
      inputs: [{ name: 'in', taggedBits: width }],
      replace: [[`signal isNegative <-- in < 0 ? 1 : 0;`, `signal input forced; signal isNegative <-- forced;`]],
      outputs: [{ name: 'negative' }, { name: 'bits', size: width }],
    },
    honest.flatMap((x) => [1n - sign(x), 2n, -1n].map((lie) => [`sign ${lie} for ${x}`, { in: x }, lie] as const)),
    honest.map((x) => [{ in: x }, sign(x)] as const),
  )
})

// ---------------------------------------------------------------- cases

type Hint = bigint | readonly bigint[]
type Input = Readonly<Record<string, bigint | readonly bigint[]>>

/** Tests that each lie violates a constraint, and that each honest hint violates none and gives the honest outputs. */
function attacks(
  attack: Attack,
  lies: readonly (readonly [what: string, input: Input, forced: Hint])[],
  honest: readonly (readonly [input: Input, forced: Hint])[],
): void {
  let attacked: AttackedTemplate
  beforeAll(async () => {
    attacked = await AttackedTemplate.compile(attack)
  })

  it(`${attack.template} under attack has the constraints of the real one`, () => {
    expect(attacked.hasHonestConstraints).toBe(true)
  })

  it(`${attack.template} accepts the honest hint`, () => {
    for (const [input, forced] of honest) {
      const { outputs, violations } = attacked.attempt(input, forced)
      expect({ input, violations, outputs }).toEqual({ input, violations: [], outputs: attacked.honestOutputs(input) })
    }
  })

  it(`${attack.template} refuses every other hint`, () => {
    const accepted = lies.filter(([, input, forced]) => attacked.attempt(input, forced).violations.length === 0)
    expect(accepted.map(([what]) => what)).toEqual([])
    expect(lies.length).toBeGreaterThan(0)
  })
}

/** Zeros, ones, something in between and the largest of everything, moved into the function's domain. */
function points(fn: MathFunction): [string, readonly bigint[]][] {
  const candidates = {
    zero: fn.inputs.map(() => 0n),
    one: fn.inputs.map(() => 1n),
    'mixed values': fn.inputs.map(
      ({ bits }, i) =>
        0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95n >> BigInt(257 - bits + 3 * i),
    ),
    'the largest values': fn.inputs.map(({ bits }) => (1n << BigInt(bits)) - 1n),
    ...(fn.inputs.some(({ kind }) => kind === 'signed')
      ? { 'the least values': fn.inputs.map(({ kind, bits }) => (kind === 'signed' ? -(1n << BigInt(bits)) : 0n)) }
      : {}),
  }
  return Object.entries(candidates).map(([name, values]) => [name, fn.intoDomain?.(values) ?? values])
}

function inputsOf(fn: MathFunction, values: readonly bigint[]): Record<string, bigint> {
  return Object.fromEntries(fn.inputs.map((input, i) => [inputName(0, input), values[i]!]))
}

/** Neighbours of a quotient, the field's own quotient, and what overflows the quotient's range. */
function quotientLies(quotient: bigint, n: bigint, d: bigint): bigint[] {
  const inField = (n * inverse(d)) % FIELD_ORDER
  const lies = [
    quotient + 1n,
    quotient - 1n,
    quotient + 2n,
    quotient + (1n << 60n),
    -quotient,
    -1n,
    inField,
    inField + 1n,
    ((n + 1n) * inverse(d)) % FIELD_ORDER,
  ]
  return [...new Set(lies.map(asField))].filter((lie) => lie !== quotient)
}

/** Neighbours of a root, its negative, and the halves of odd numbers modulo the field order. */
function rootLies(root: bigint, x: bigint): bigint[] {
  const half = (FIELD_ORDER + 1n) / 2n
  const odd = [-3n, -1n, 1n, 3n].map((step) => ((2n * root + step) * half) % FIELD_ORDER)
  const lies = [root + 1n, root - 1n, root + 2n, -root, -root - 1n, 1n - root, x, 0n, half, ...odd]
  return [...new Set(lies.map((lie) => asField(lie % FIELD_ORDER)))].filter((lie) => lie !== root)
}

function inverse(value: bigint): bigint {
  let result = 1n
  let base = value
  for (let exponent = FIELD_ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % FIELD_ORDER
    base = (base * base) % FIELD_ORDER
  }
  return result
}

function bitsOf(value: bigint, width: number): bigint[] {
  return Array.from({ length: width }, (_, i) => (value >> BigInt(i)) & 1n)
}

function zeros(count: number): bigint[] {
  return new Array<bigint>(count).fill(0n)
}
