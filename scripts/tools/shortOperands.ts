/**
 * Keeps small numbers small in circom's witness generators.
 *
 * A generator holds a field element as 32 signed bits or as 254. To compare one of each kind, or to mask one with the
 * other, it widens the short one where it lies; a circuit's constants lie in memory once, so after the first long product
 * that is compared with 0 every loop counts in 254 bits. Here these functions, and multiplication by 0 and 1, first look
 * for one long and one short operand, the short one not negative, and answer without widening it; all other cases go to
 * the function as it was. Values stay the same, and no proof depends on it: a false witness proves nothing.
 *
 * @see https://github.com/iden3/circom/tree/v2.2.3/code_producers/src/wasm_elements/bn128
 */

/**
 * @param code - a *.wasm file of circom 2.2
 * @throws {@link UnknownGeneratorError} if it lacks the functions that are to be changed
 */
export function withShortOperands(code: Uint8Array): Uint8Array {
  const sections = readSections(code)
  const bodyOf = (id: number): Reader => new Reader(sections.find((section) => section.id === id)?.body ?? EMPTY)
  const types = bodyOf(FUNCTION_SECTION).list((reader) => reader.number())
  const bodies = bodyOf(CODE_SECTION).list((reader) => reader.bytes())
  const imported = bodyOf(IMPORT_SECTION).number()
  const names = functionNames(sections)
  const indexOf = (name: string): number => {
    const index = names.get(name)
    if (index === undefined) throw new UnknownGeneratorError(name)
    return index
  }
  const call = (name: string): Code => [0x10, ...leb128(indexOf(name))]

  for (const [name, { parameters, answers }] of Object.entries(shortCuts)) {
    const at = indexOf(name) - imported
    // The function as it was moves to the end, so that no index changes.
    const moved = imported + bodies.push(bodies[at] as Uint8Array) - 1
    types.push(types[at] as number)
    const otherwise = [...parameters.flatMap(get), 0x10, ...leb128(moved)]
    bodies[at] = Uint8Array.from([NO_LOCALS, ...answers(call), ...otherwise, END])
  }
  const changed = new Map([
    [FUNCTION_SECTION, concat([leb128(types.length), ...types.map(leb128)])],
    [CODE_SECTION, concat([leb128(bodies.length), ...bodies.flatMap((body) => [leb128(body.length), body])])],
  ])
  return writeSections(
    code,
    sections.map(({ id, body }) => ({ id, body: changed.get(id) ?? body })),
  )
}

// Short cuts

/** Instructions. */
type Code = readonly number[]
/** A call of one of the generator's functions. */
type Call = (name: string) => Code

/** Numbers of parameters. */
type ShortCut = { readonly parameters: readonly number[]; readonly answers: (call: Call) => Code }

const shortCuts: Readonly<Record<string, ShortCut>> = {
  // (a, b): a === b
  Fr_eqR: {
    parameters: [0, 1],
    answers: (call) => [...equal(0, 1, call), ...equal(1, 0, call)],
  },
  // (a, b): a > b, the field's upper half being negative
  Fr_gtR: {
    parameters: [0, 1],
    answers: (call) => [...longIsGreater(0, 1, call), ...shortIsGreater(0, 1, call)],
  },
  // (result, a, b): result = a & b
  Fr_band: {
    parameters: [0, 1, 2],
    answers: (call) => [...masked(1, 2, call), ...masked(2, 1, call)],
  },
  // (result, a, b): result = a * b
  Fr_mul: {
    parameters: [0, 1, 2],
    answers: (call) => [...taken(1, 2, call), ...taken(2, 1, call)],
  },
}

const equal = (long: number, short: number, call: Call): Code =>
  inCase(isMixed(long, short), [
    ...toNormal(long, call),
    ...[...limb(long, 0), ...value(short), I64_EQ],
    ...[...upperLimbs(long), I64_EQZ, I32_AND],
  ])

const longIsGreater = (long: number, short: number, call: Call): Code =>
  inCase(isMixed(long, short), [
    ...[...toNormal(long, call), ...get(long), ...call('Fr_isNegative'), I32_EQZ],
    ...[...upperLimbs(long), I64_EQZ, I32_EQZ],
    ...[...limb(long, 0), ...value(short), I64_GT_U, I32_OR, I32_AND],
  ])

const shortIsGreater = (short: number, long: number, call: Call): Code =>
  inCase(isMixed(long, short), [
    ...[...toNormal(long, call), ...get(long), ...call('Fr_isNegative')],
    ...[...upperLimbs(long), I64_EQZ],
    ...[...value(short), ...limb(long, 0), I64_GT_U, I32_AND, I32_OR],
  ])

const masked = (long: number, short: number, call: Call): Code =>
  inCase(isMixed(long, short), [
    ...toNormal(long, call),
    ...[...get(0), ...limb(long, 0), I32_WRAP_I64, ...i32(short, VALUE), I32_AND, ...store(VALUE)],
    ...[...get(0), ...constant(0), ...store(FLAGS)],
  ])

/** All or nothing of the long operand. */
const taken = (long: number, short: number, call: Call): Code =>
  inCase(
    [...isMixed(long, short), ...i32(short, VALUE), ...constant(2), I32_LT_S, I32_AND],
    [
      ...[...i32(short, VALUE), ...IF, ...get(0), ...get(long), ...call('Fr_copy')],
      ...[ELSE, ...get(0), ...constant(0), ...store(VALUE), ...get(0), ...constant(0), ...store(FLAGS), END],
    ],
  )

const inCase = (condition: Code, then: Code): Code => [...condition, ...IF, ...then, RETURN, END]

/** Flags are negative as a number if the element is long. */
const isMixed = (long: number, short: number): Code => [
  ...[...i32(long, FLAGS), ...constant(0), I32_LT_S],
  ...[...i32(short, FLAGS), ...i32(short, VALUE), I32_OR, ...constant(0), I32_GE_S, I32_AND],
]

const toNormal = (element: number, call: Call): Code => [...get(element), ...call('Fr_toNormal')]
const upperLimbs = (element: number): Code => [
  ...[...limb(element, 1), ...limb(element, 2), I64_OR],
  ...[...limb(element, 3), I64_OR],
]
const value = (element: number): Code => [...i32(element, VALUE), I64_EXTEND_I32_U]

// Instructions; an element is its value if short, flags, and four limbs if long

const VALUE = 0
const FLAGS = 4
const NO_LOCALS = 0
const I32_EQZ = 0x45
const I32_LT_S = 0x48
const I32_GE_S = 0x4e
const I32_AND = 0x71
const I32_OR = 0x72
const I32_WRAP_I64 = 0xa7
const I64_EXTEND_I32_U = 0xad
const I64_EQZ = 0x50
const I64_EQ = 0x51
const I64_GT_U = 0x56
const I64_OR = 0x84
const IF = [0x04, 0x40] as const
const ELSE = 0x05
const END = 0x0b
const RETURN = 0x0f

const get = (parameter: number): Code => [0x20, parameter]
const constant = (small: number): Code => [0x41, small]
const i32 = (element: number, offset: number): Code => [...get(element), 0x28, 2, offset]
const limb = (element: number, index: number): Code => [...get(element), 0x29, 3, 8 + 8 * index]
const store = (offset: number): Code => [0x36, 2, offset]

// Binary format

type Section = { readonly id: number; readonly body: Uint8Array }

const CUSTOM_SECTION = 0
const IMPORT_SECTION = 2
const FUNCTION_SECTION = 3
const CODE_SECTION = 10
const HEADER_BYTES = 8
const EMPTY = Uint8Array.of(0)

class Reader {
  private at = 0
  private readonly source: Uint8Array

  constructor(source: Uint8Array) {
    this.source = source
  }

  get isAtEnd(): boolean {
    return this.at >= this.source.length
  }

  byte(): number {
    return this.source[this.at++] ?? 0
  }

  number(): number {
    const byte = this.byte()
    return byte < 0x80 ? byte : byte - 0x80 + 0x80 * this.number()
  }

  bytes(count = this.number()): Uint8Array {
    this.at += count
    return this.source.subarray(this.at - count, this.at)
  }

  text(): string {
    return new TextDecoder().decode(this.bytes())
  }

  list<T>(item: (reader: Reader) => T): T[] {
    return Array.from({ length: this.number() }, () => item(this))
  }
}

function readSections(code: Uint8Array): readonly Section[] {
  const reader = new Reader(code.subarray(HEADER_BYTES))
  const sections: Section[] = []
  while (!reader.isAtEnd) sections.push({ id: reader.byte(), body: reader.bytes() })
  return sections
}

const writeSections = (code: Uint8Array, sections: readonly Section[]): Uint8Array =>
  concat([code.subarray(0, HEADER_BYTES), ...sections.flatMap(({ id, body }) => [[id, ...leb128(body.length)], body])])

/** Index of each function by its name, from the custom section of names. */
function functionNames(sections: readonly Section[]): ReadonlyMap<string, number> {
  for (const { id, body } of sections) {
    const reader = new Reader(body)
    if (id !== CUSTOM_SECTION || reader.text() !== 'name') continue
    while (!reader.isAtEnd) {
      const kind = reader.byte()
      const names = new Reader(reader.bytes())
      if (kind === 1)
        return new Map(names.list(() => [names.number(), names.text()] as const).map(([i, name]) => [name, i]))
    }
  }
  return new Map()
}

const leb128 = (number: number): Code =>
  number < 0x80 ? [number] : [(number % 0x80) + 0x80, ...leb128(Math.floor(number / 0x80))]

const concat = (parts: readonly (Uint8Array | Code)[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))))

/** The generator is not one whose field arithmetic is known here. */
export class UnknownGeneratorError extends Error {
  readonly functionName: string

  constructor(functionName: string) {
    super(`The witness generator has no function ${functionName}. Was it made by circom 2.2?`)
    this.functionName = functionName
  }
}
