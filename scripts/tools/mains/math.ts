/**
 * Every template of circuits/math at a representative size: how to call it, what its twin is, and the main components
 * that tests and the constraint snapshot compile.
 */
import {
  absoluteDifference,
  clamp,
  divDown,
  divUp,
  EXP2_SCALE,
  exp2Negative,
  expDown,
  expFineDown,
  lnDown,
  max,
  min,
  mulDown,
  mulUp,
  normalCdfDown,
  normalPdfDown,
  saturate,
  saturateSigned,
  shiftRightDown,
  shiftRightUp,
  signedDivDown,
  signedMulDown,
  signedShiftRightDown,
  sqrtDown,
  sqrtUp,
  subtractOrZero,
} from '../../../prover/math/index.ts'
import { FIELD_ORDER, type MainComponent } from '../circuits/circuit.ts'

/** An input and its range: [0, 2^bits), [-2^bits, 2^bits), or {0, 1}. */
export type MathInput = {
  readonly name: string
  readonly kind: 'unsigned' | 'signed' | 'boolean'
  readonly bits: number
}

export type MathFunction = {
  /** The template and its parameters, with widths where one template appears at several. */
  readonly name: string
  /** Files of circuits/math to include, without suffix. */
  readonly includes: readonly string[]
  readonly inputs: readonly MathInput[]
  /** Circom expression over the inputs, tagged by then. */
  readonly call: string
  readonly twin: (...values: readonly bigint[]) => bigint
  /** The same template stands above at another size. */
  readonly furtherSize: boolean
  /** Moves arbitrary inputs of the right widths to where the function is defined. */
  readonly intoDomain?: (values: readonly bigint[]) => readonly bigint[]
}

type Twin = (...values: readonly bigint[]) => bigint

const unsigned = (name: string, bits: number): MathInput => ({ name, kind: 'unsigned', bits })
const signed = (name: string, bits: number): MathInput => ({ name, kind: 'signed', bits })
const boolean = (name: string): MathInput => ({ name, kind: 'boolean', bits: 1 })

/** A template called with its inputs in order. */
function call(
  template: string,
  inputs: readonly MathInput[],
  twin: (...values: [bigint, bigint, bigint]) => bigint,
  options: { readonly label?: string; readonly intoDomain?: MathFunction['intoDomain'] } = {},
): MathFunction {
  const include = template.replace(/\(.*/, '')
  return {
    name: options.label ?? template,
    furtherSize: options.label !== undefined,
    includes: [include],
    inputs,
    call: `${template.endsWith(')') ? template : `${template}()`}(${inputs.map(({ name }) => name).join(', ')})`,
    twin: twin as Twin,
    ...(options.intoDomain ? { intoDomain: options.intoDomain } : {}),
  }
}

/** A denominator of at least 1, and a numerator whose quotient has at most `bits` bits. */
const quotientWithin = (bits: number) => (values: readonly bigint[]) => {
  const denominator = max(values[1]!, 1n)
  return [min(values[0]!, denominator * ((1n << BigInt(bits)) - 1n)), denominator]
}

/** From 1 on. */
const positive = (values: readonly bigint[]) => values.map((value) => max(value, 1n))

export const mathFunctions: readonly MathFunction[] = [
  call('MulDown(24)', [unsigned('a', 48), unsigned('b', 36)], (a, b) => mulDown(a, b, 24)),
  call('MulDown(64)', [unsigned('a', 126), unsigned('b', 127)], (a, b) => mulDown(a, b, 64), {
    label: 'MulDown(64), 253 bits',
  }),
  call('MulUp(24)', [unsigned('a', 48), unsigned('b', 36)], (a, b) => mulUp(a, b, 24)),
  call('MulUp(24)', [unsigned('a', 24), unsigned('b', 16)], (a, b) => mulUp(a, b, 24), {
    label: 'MulUp(24), fraction as wide',
  }),
  call('MulUp(24)', [unsigned('a', 20), unsigned('b', 16)], (a, b) => mulUp(a, b, 24), {
    label: 'MulUp(24), fraction wider',
  }),
  call('ShiftRightDown(24)', [unsigned('a', 60)], (a) => shiftRightDown(a, 24)),
  call('ShiftRightUp(24)', [unsigned('a', 60)], (a) => shiftRightUp(a, 24)),
  call('Saturate(40)', [unsigned('a', 60)], (a) => saturate(a, 40)),
  call('ShiftRightDownSaturate(24, 28)', [unsigned('a', 60)], (a) => saturate(shiftRightDown(a, 24), 28)),
  call('ShiftRightDownSaturate(24, 34)', [unsigned('a', 60)], (a) => saturate(shiftRightDown(a, 24), 34), {
    label: 'ShiftRightDownSaturate(24, 34), two bits over',
  }),
  call('ShiftRightUpSaturate(24, 28)', [unsigned('a', 60)], (a) => saturate(shiftRightUp(a, 24), 28)),
  call('ShiftRightUpSaturate(24, 36)', [unsigned('a', 60)], (a) => saturate(shiftRightUp(a, 24), 36), {
    label: 'ShiftRightUpSaturate(24, 36), two bits over',
  }),
  call('DivDown(60)', [unsigned('numerator', 60), unsigned('denominator', 40)], (n, d) => divDown(n, d), {
    intoDomain: quotientWithin(60),
  }),
  call('DivDown(24)', [unsigned('numerator', 80), unsigned('denominator', 64)], (n, d) => divDown(n, d), {
    label: 'DivDown(24), wide denominator',
    intoDomain: quotientWithin(24),
  }),
  call('DivUp(60)', [unsigned('numerator', 60), unsigned('denominator', 40)], (n, d) => divUp(n, d), {
    intoDomain: quotientWithin(60),
  }),
  call('DivUp(24)', [unsigned('numerator', 80), unsigned('denominator', 64)], (n, d) => divUp(n, d), {
    label: 'DivUp(24), wide denominator',
    intoDomain: quotientWithin(24),
  }),
  call('SqrtDown', [unsigned('a', 64)], (a) => sqrtDown(a)),
  call('SqrtDown', [unsigned('a', 247)], (a) => sqrtDown(a), { label: 'SqrtDown, 247 bits' }),
  call('SqrtUp', [unsigned('a', 64)], (a) => sqrtUp(a)),
  call('SqrtUp', [unsigned('a', 47)], (a) => sqrtUp(a), { label: 'SqrtUp, 47 bits' }),
  call('IsLess', [unsigned('a', 40), unsigned('b', 32)], (a, b) => (a < b ? 1n : 0n)),
  call('Min', [unsigned('a', 40), unsigned('b', 32)], (a, b) => min(a, b)),
  call('Max', [unsigned('a', 40), unsigned('b', 32)], (a, b) => max(a, b)),
  call('Clamp', [unsigned('a', 40), unsigned('low', 32), unsigned('high', 32)], (a, low, high) => clamp(a, low, high)),
  call('AbsoluteDifference', [unsigned('a', 40), unsigned('b', 36)], (a, b) => absoluteDifference(a, b)),
  call('SubtractOrZero', [unsigned('a', 40), unsigned('b', 36)], (a, b) => subtractOrZero(a, b)),
  call('Select', [boolean('condition'), unsigned('a', 40), unsigned('b', 36)], (condition, a, b) =>
    condition ? a : b,
  ),
  call('And', [boolean('a'), boolean('b')], (a, b) => a & b),
  call('Or', [boolean('a'), boolean('b')], (a, b) => a | b),
  call('Not', [boolean('a')], (a) => 1n - a),
  call('Add', [unsigned('a', 40), unsigned('b', 36)], (a, b) => a + b),
  call('Add', [unsigned('a', 252), unsigned('b', 200)], (a, b) => a + b, { label: 'Add, 253 bits' }),
  call('Multiply', [unsigned('a', 40), unsigned('b', 36)], (a, b) => a * b),
  call('Multiply', [unsigned('a', 126), unsigned('b', 127)], (a, b) => a * b, { label: 'Multiply, 253 bits' }),
  {
    ...call('SumOfProducts(2)', [unsigned('a', 62), unsigned('b', 62), unsigned('c', 73)], (a, b, c) => a * c + b * c),
    includes: ['SumOfProducts', 'AssumeEachBits'],
    call: 'SumOfProducts(2)(AssumeEachBits(62, 2)([a, b]), AssumeEachBits(73, 2)([c, c]))',
  },
  call('ShiftLeft(24)', [unsigned('a', 53)], (a) => a << 24n),
  call('ShiftLeft(200)', [unsigned('a', 53)], (a) => a << 200n, { label: 'ShiftLeft(200), 253 bits' }),
  {
    ...call('Constant(12345)', [unsigned('a', 20)], (a) => a + 12345n),
    includes: ['Constant', 'Add'],
    call: 'Add()(a, Constant(12345)())',
  },
  call('LnDown(28)', [unsigned('a', 48)], (a) => lnDown(a, 28), { intoDomain: positive }),
  call('LnDown(28)', [unsigned('a', 64)], (a) => lnDown(a, 28), { label: 'LnDown(28), 64 bits', intoDomain: positive }),
  call('LnDown(26)', [unsigned('a', 48)], (a) => lnDown(a, 26), { label: 'LnDown(26), 48 bits', intoDomain: positive }),
  call('LnDown(36)', [unsigned('a', 48)], (a) => lnDown(a, 36), { intoDomain: positive }),
  call('Exp2Negative(36)', [unsigned('a', 57)], (a) => exp2Negative(a, 36)),
  call('Exp2Negative(40)', [unsigned('a', 57)], (a) => exp2Negative(a, 40), { label: 'Exp2Negative(40), 57 bits' }),
  call('Exp2Negative(40)', [unsigned('a', 38)], (a) => exp2Negative(a, 40), { label: 'Exp2Negative(40), below 1' }),
  {
    ...call('Complement', [unsigned('a', 57)], (a) => (1n << BigInt(EXP2_SCALE)) - exp2Negative(a, 36)),
    includes: ['Complement', 'Exp2Negative'],
    call: 'Complement()(Exp2Negative(36)(a))',
  },
  call('SignedDifference', [unsigned('a', 40), unsigned('b', 36)], (a, b) => a - b),
  call('SignedShiftRightDown(24)', [signed('a', 60)], (a) => signedShiftRightDown(a, 24)),
  call('SignedMulDown(24)', [signed('a', 40), signed('b', 36)], (a, b) => signedMulDown(a, b, 24)),
  {
    ...call('SignAndMagnitude', [signed('a', 40)], (a) => ((a < 0n ? -a : a) << 1n) + (a < 0n ? 1n : 0n)),
    call: 'SignAndMagnitudeAsOne()(a)',
  },
  call('SaturateSigned(79)', [signed('a', 109)], (a) => saturateSigned(a, 79)),
  call('SignedDivDown(60)', [signed('a', 60), unsigned('b', 52)], (a, b) => signedDivDown(a, b), {
    intoDomain: ([numerator = 0n, denominator = 0n]) => [numerator, max(denominator, 1n)],
  }),
  call('ExpDown', [signed('a', 36)], (a) => expDown(a)),
  call('ExpFineDown', [signed('a', 44)], (a) => expFineDown(a)),
  call('NormalCdfDown', [signed('a', 34)], (a) => normalCdfDown(a)),
  call('NormalPdfDown', [signed('a', 34)], (a) => normalPdfDown(a)),
]

/** The function of that name. */
export function mathFunction(name: string): MathFunction {
  const found = mathFunctions.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`No function ${name} in scripts/tools/mains/math.ts`)
  return found
}

/** A result as the field element that stands for it. */
export function asField(value: bigint): bigint {
  return value < 0n ? value + FIELD_ORDER : value
}

/** Circom type of an input; the tag each template asks for. */
const TAGS = { unsigned: 'maxbit', signed: 'signedbit', boolean: 'binary' } as const

/** Test-only: tags without rows, so that a count is the template's alone; and two outputs in one number. */
const TEST_TEMPLATES = `
template Tagged(BITS) {
    signal input in;
    signal output {maxbit, signedbit, binary} out;
    out.maxbit = BITS;
    out.signedbit = BITS;
    out <== in;
}

template SignAndMagnitudeAsOne() {
    signal input {signedbit} in;
    signal output {maxbit} out;
    signal negative, magnitude;
    (negative, magnitude) <== SignAndMagnitude()(in);
    out.maxbit = in.signedbit + 2;
    out <== 2 * magnitude + negative;
}
`

/** Functions side by side, each `copies` times. Inputs are {@link inputName}, outputs function by function. */
export function mainSource(functions: readonly MathFunction[], copies: number): string {
  const files = new Set(['SignAndMagnitude', ...functions.flatMap((fn) => fn.includes)])
  const templates = functions.map((fn, index) => {
    const inputs = fn.inputs.map(({ name, kind, bits }) => {
      return `    signal input ${name}In;\n    signal {${TAGS[kind]}} ${name} <== Tagged(${bits})(${name}In);`
    })
    return `template Function${index}() {\n${inputs.join('\n')}\n    signal output out <== ${fn.call};\n}\n`
  })
  const inputs = functions.flatMap((fn, index) => fn.inputs.map((input) => `${inputName(index, input)}[COPIES]`))
  const calls = functions.map((fn, index) => {
    const values = fn.inputs.map((input) => `${inputName(index, input)}[i]`)
    return `        out[${index}][i] <== Function${index}()(${values.join(', ')});`
  })
  return `pragma circom 2.2.3;
${[...files].map((file) => `include "math/${file}.circom";`).join('\n')}
${TEST_TEMPLATES}
${templates.join('\n')}
template Main(COPIES) {
    signal input ${inputs.join(', ')};
    signal output out[${functions.length}][COPIES];
    for (var i = 0; i < COPIES; i++) {
${calls.join('\n')}
    }
}
component main = Main(${copies});
`
}

/** Name of an input of the index-th function in {@link mainSource}'s main component. */
export function inputName(index: number, { name }: MathInput): string {
  return `f${index}_${name}`
}

const DOORS = ['RangeCheck(48)', 'SignedRangeCheck(48)', 'BooleanCheck()']

/** A range check alone, from `in` to `out`. */
export function doorSource(door: string): string {
  return `pragma circom 2.2.3;
include "math/${door.replace(/\(.*/, '')}.circom";
template Main() {
    signal input in;
    signal output out <== ${door}(in);
}
component main = Main();
`
}

/** What test/snapshots/math.json counts: the rows of each template alone. */
export const mathMains: readonly MainComponent[] = [
  ...mathFunctions.map((fn) => ({ name: fn.name, source: mainSource([fn], 1) })),
  ...DOORS.map((door) => ({ name: door, source: doorSource(door) })),
]
