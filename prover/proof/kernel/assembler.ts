/**
 * WebAssembly as this folder writes it: expressions put together from expressions, functions from those, a module from functions.
 *
 * @see https://webassembly.github.io/spec/core/binary/
 */

/** Instructions: what they leave on the stack is what the expression stands for. */
export type Code = readonly number[]

const I32 = 0x7f
const I64 = 0x7e
const V128 = 0x7b
const types = { i32: I32, i64: I64, v128: V128 } as const
export type ValueType = keyof typeof types

const EMPTY = 0x40
const END = 0x0b
/** Of a load or a store: as many bytes as 2 to this power the address is a multiple of, which decides nothing but speed. */
const ALIGNMENT = 2

/** A number of any sign, as many bits as it needs. */
function signed(value: bigint): Code {
  const bytes: number[] = []
  for (let rest = value; ; ) {
    const byte = Number(rest & 0x7fn)
    rest >>= 7n
    const isLast = rest === (byte & 0x40 ? -1n : 0n)
    bytes.push(isLast ? byte : byte | 0x80)
    if (isLast) return bytes
  }
}

function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

const simd = (opcode: number, ...immediates: number[]): Code => [0xfd, ...unsigned(opcode), ...immediates]
const memory = (opcode: Code, offset: number): Code => [...opcode, ALIGNMENT, ...unsigned(offset)]
const laneOf = (opcode: Code, offset: number, lane: number): Code => [...memory(opcode, offset), lane]

const operator =
  (opcode: Code) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), ...opcode]

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(BigInt(value))],
  load: (address: Code, offset = 0): Code => [...address, ...memory([0x28], offset)],
  store8: (address: Code, value: Code): Code => [...address, ...value, 0x3a, 0, 0],
  add: operator([0x6a]),
  subtract: operator([0x6b]),
  multiply: operator([0x6c]),
  and: operator([0x71]),
  or: operator([0x72]),
} as const

export const i64 = {
  constant: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))],
  load: (address: Code, offset = 0): Code => [...address, ...memory([0x29], offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...memory([0x37], offset)],
  add: operator([0x7c]),
  and: operator([0x83]),
  or: operator([0x84]),
  shiftLeft: (value: Code, bits: number): Code => [...value, ...i64.constant(BigInt(bits)), 0x86],
  /** Keeps the sign. */
  shiftRight: (value: Code, bits: number): Code => [...value, ...i64.constant(BigInt(bits)), 0x87],
  shiftRightUnsigned: (value: Code, bits: number): Code => [...value, ...i64.constant(BigInt(bits)), 0x88],
  ofI32: operator([0xad]),
} as const

/** Of f64 in memory; none lies on the stack here but as half of a vector. */
export const f64 = {
  /** A whole number below 2^63. */
  loadWhole: (address: Code, offset = 0): Code => [...address, ...memory([0x2b], offset), 0xb0],
  storeWhole: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xb9, ...memory([0x39], offset)],
} as const

/** Two f64 or i64 at once. */
export const pair = {
  load: (address: Code, offset = 0): Code => [...address, ...memory(simd(0x00), offset)],
  loadSplat: (address: Code, offset = 0): Code => [...address, ...memory(simd(0x0a), offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...memory(simd(0x0b), offset)],
  /** One of each address. */
  gather: (first: Code, second: Code, offset = 0): Code => [
    ...second,
    ...first,
    ...memory(simd(0x5d), offset),
    ...laneOf(simd(0x57), offset, 1),
  ],
  storeLane: (address: Code, value: Code, offset: number, lane: 0 | 1): Code => [
    ...address,
    ...value,
    ...laneOf(simd(0x5b), offset, lane),
  ],
  splat: operator(simd(0x12)),
  replaceSecond: (pairOf: Code, value: Code): Code => [...pairOf, ...value, ...simd(0x1e, 1)],
  /** The two first, or the two second, of two pairs. */
  unzip: (left: Code, right: Code, lane: 0 | 1): Code => {
    const from = (start: number): readonly number[] => Array.from({ length: 8 }, (_, i) => start + i)
    return [...left, ...right, ...simd(0x0d, ...from(8 * lane), ...from(16 + 8 * lane))]
  },
  and: operator(simd(0x4e)),
  or: operator(simd(0x50)),
  xor: operator(simd(0x51)),
  /** `left` where `mask` has ones. */
  select: (left: Code, right: Code, mask: Code): Code => [...left, ...right, ...mask, ...simd(0x52)],
  addWhole: operator(simd(0xce)),
  shiftRightUnsigned: (value: Code, bits: number): Code => [...value, ...i32.constant(bits), ...simd(0xcd)],
  /** Ones where equal; +0 and -0 are. */
  equal: operator(simd(0x47)),
  /** A bit for each half that is ones. */
  bitmask: operator(simd(0xc4)),
  nearest: operator(simd(0x94)),
  negate: operator(simd(0xed)),
  add: operator(simd(0xf0)),
  subtract: operator(simd(0xf1)),
  multiply: operator(simd(0xf2)),
  /** a · b + c, rounded once where the processor can: see `isFused`. */
  multiplyAdd: operator(simd(0x107)),
} as const

export const call = (index: number, ...operands: readonly Code[]): Code => [
  ...operands.flat(),
  0x10,
  ...unsigned(index),
]

/** A function under way: its parameters are i32. */
export class FunctionCode {
  readonly parameters: readonly Local[]
  readonly returnsI32: boolean
  private readonly locals: ValueType[] = []
  private readonly code: number[] = []

  constructor(parameters: number, returnsI32 = false) {
    this.parameters = Array.from({ length: parameters }, (_, index) => new Local(index))
    this.returnsI32 = returnsI32
  }

  local(type: ValueType): Local {
    this.locals.push(type)
    return new Local(this.parameters.length + this.locals.length - 1)
  }

  /** A local that holds the value from here on. */
  hold(type: ValueType, value: Code): Local {
    const local = this.local(type)
    this.add(local.set(value))
    return local
  }

  add(...code: readonly Code[]): void {
    for (const instructions of code) for (const byte of instructions) this.code.push(byte)
  }

  /** What `body` adds, as long as `whether`, looked at afterwards, is not 0. */
  repeat(body: () => void, whether: Code): void {
    this.add([0x03, EMPTY])
    body()
    this.add(whether, [0x0d, 0, END])
  }

  get body(): Code {
    const locals = this.locals.flatMap((type) => [1, types[type]])
    const body = [...unsigned(this.locals.length), ...locals, ...this.code, END]
    return [...unsigned(body.length), ...body]
  }
}

export class Local {
  readonly get: Code
  readonly #index: Code

  constructor(index: number) {
    this.#index = unsigned(index)
    this.get = [0x20, ...this.#index]
  }

  set(value: Code): Code {
    return [...value, 0x21, ...this.#index]
  }
}

/** Functions over a memory that is given, each under its name. */
export class ModuleCode {
  private readonly functions: FunctionCode[] = []
  private readonly names: string[] = []

  /** @returns the index by which other functions call it */
  add(name: string, code: FunctionCode): number {
    this.names.push(name)
    return this.functions.push(code) - 1
  }

  /** Wants `env.memory`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
    const section = (id: number, items: readonly Code[]): Code => {
      const content = vector(items)
      return [id, ...unsigned(content.length), ...content]
    }
    const text = (of: string): Code => [...unsigned(of.length), ...new TextEncoder().encode(of)]
    const { functions, names } = this
    return Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(
        1,
        functions.map(({ parameters, returnsI32 }) => [
          0x60,
          ...vector(parameters.map(() => [I32])),
          ...vector(returnsI32 ? [[I32]] : []),
        ]),
      ),
      ...section(2, [[...text('env'), ...text('memory'), 2, 0, 0]]),
      ...section(
        3,
        functions.map((_, i) => unsigned(i)),
      ),
      ...section(
        7,
        names.map((name, i) => [...text(name), 0, ...unsigned(i)]),
      ),
      ...section(
        10,
        functions.map(({ body }) => body),
      ),
    ])
  }
}
