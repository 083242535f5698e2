/** The constraints of a compiled circuit, with coefficients and witnesses in (-order / 2, order / 2), where most are small. */

/** Order of the field circuits compute in (BN254's scalar field). */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

const HALF = FIELD_ORDER >> 1n
const FIELD_BYTES = 32

/** A sum of wires times coefficients, none of them 0. */
export type Sum = { readonly wires: readonly number[]; readonly coefficients: readonly bigint[] }

/** a × b = c. */
export type Constraint = readonly [a: Sum, b: Sum, c: Sum]

/** An *.r1cs file. @see https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md */
export class R1csFile {
  readonly wires: number
  readonly outputs: number
  readonly inputs: number
  readonly constraintCount: number
  readonly #view: DataView
  readonly #start: number
  #constraints: readonly Constraint[] | undefined

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const sections = new Map<number, number>()
    let position = 12
    for (let i = this.#view.getUint32(8, true); i > 0; i--) {
      sections.set(this.#view.getUint32(position, true), position + 12)
      position += 12 + Number(this.#view.getBigUint64(position + 4, true))
    }
    const counts = sections.get(1)! + 4 + FIELD_BYTES
    const count = (offset: number) => this.#view.getUint32(counts + offset, true)
    this.wires = count(0)
    this.outputs = count(4)
    this.inputs = count(8) + count(12)
    this.constraintCount = count(24)
    this.#start = sections.get(2)!
  }

  get constraints(): readonly Constraint[] {
    this.#constraints ??= this.#readConstraints()
    return this.#constraints
  }

  #readConstraints(): Constraint[] {
    let position = this.#start
    const readSum = (): Sum => {
      const count = this.#view.getUint32(position, true)
      position += 4
      const wires = new Array<number>(count)
      const coefficients = new Array<bigint>(count)
      for (let i = 0; i < count; i++) {
        wires[i] = this.#view.getUint32(position, true)
        coefficients[i] = centre(readField(this.#view, position + 4))
        position += 4 + FIELD_BYTES
      }
      return { wires, coefficients }
    }
    return Array.from({ length: this.constraintCount }, () => [readSum(), readSum(), readSum()])
  }
}

function readField(view: DataView, position: number): bigint {
  let value = 0n
  for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(position + 8 * i, true)
  return value
}

/** Into [0, order). */
export function reduce(value: bigint): bigint {
  const remainder = value % FIELD_ORDER
  return remainder < 0n ? remainder + FIELD_ORDER : remainder
}

/** Into (-order / 2, order / 2), from any integer. */
export function centre(value: bigint): bigint {
  if (value <= HALF && value >= -HALF) return value
  const reduced = reduce(value)
  return reduced > HALF ? reduced - FIELD_ORDER : reduced
}

/** Whether an integer is 0 in the field. */
export function isZero(value: bigint): boolean {
  if (value < FIELD_ORDER && value > -FIELD_ORDER) return value === 0n
  return value % FIELD_ORDER === 0n
}

/** A sum over a centred witness, as an integer. */
export function evaluate({ wires, coefficients }: Sum, witness: readonly bigint[]): bigint {
  let sum = 0n
  for (let i = 0; i < wires.length; i++) sum += coefficients[i]! * witness[wires[i]!]!
  return sum
}
