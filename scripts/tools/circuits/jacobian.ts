/**
 * Which wires an infinitesimal change of a witness can move: those that a null vector of the constraints' Jacobian touches.
 * Exact, over the field. Nearly every row goes without arithmetic: what is left is eliminated by fewest entries first.
 */
import { type Constraint, centre, evaluate, FIELD_ORDER, isZero, reduce } from './r1cs.ts'

/** Wires with the entries of a row that are not 0. */
type Row = Map<number, bigint>

/** A wire, and the wires that say how it moves. */
type Pivot = { readonly wire: number; readonly row: Row }

/**
 * Wires that some null vector moves, and those that no constraint mentions.
 *
 * @param witness - centred
 */
export function movableWires(
  constraints: readonly Constraint[],
  witness: readonly bigint[],
  isFixed: (wire: number) => boolean,
): number[] {
  const rows = constraints.map((constraint) => jacobianRow(constraint, witness, isFixed))
  const wires = Array.from({ length: witness.length - 1 }, (_, i) => i + 1).filter((wire) => !isFixed(wire))
  const { free, pivots } = new Matrix(rows, wires).reduce()
  return free.size === 0 ? [] : moved(free, pivots)
}

function jacobianRow([a, b, c]: Constraint, witness: readonly bigint[], isFixed: (wire: number) => boolean): Row {
  const row: Row = new Map()
  for (const [sum, factor] of [
    [a, evaluate(b, witness)],
    [b, evaluate(a, witness)],
    [c, -1n],
  ] as const) {
    if (isZero(factor)) continue
    const multiplier = centre(factor)
    for (const [i, wire] of sum.wires.entries()) {
      if (!isFixed(wire)) row.set(wire, (row.get(wire) ?? 0n) + sum.coefficients[i]! * multiplier)
    }
  }
  for (const [wire, value] of row) if (isZero(value)) row.delete(wire)
  return row
}

/** Rows that are still to be used, and for each wire those it stands in. */
class Matrix {
  readonly #rows: Set<Row>
  readonly #rowsOf = new Map<number, Set<Row>>()
  /** Rows by their number of entries at some time; those that have another by now stand elsewhere, too. */
  readonly #bySize: Row[][] = []
  /** Wires that stood in one row only at some time. */
  readonly #single: number[] = []
  readonly #free: Set<number>
  readonly #pivots: Pivot[] = []

  /** @param wires - all that may move */
  constructor(rows: readonly Row[], wires: Iterable<number>) {
    this.#rows = new Set(rows)
    this.#free = new Set(wires)
    for (const row of rows) {
      this.#sort(row)
      for (const wire of row.keys()) {
        const column = this.#rowsOf.get(wire)
        if (column === undefined) this.#rowsOf.set(wire, new Set([row]))
        else column.add(row)
      }
    }
    for (const [wire, column] of this.#rowsOf) if (column.size === 1) this.#single.push(wire)
  }

  /** Uses up all rows: each says how one wire moves. What no row says is free. */
  reduce(): { free: ReadonlySet<number>; pivots: readonly Pivot[] } {
    for (;;) {
      const row = this.#shortest()
      if (row === undefined) return { free: this.#free, pivots: this.#pivots }
      const wire = row.size === 1 ? undefined : this.#nextSingle()
      if (row.size === 1) this.#force(row)
      else if (wire === undefined) this.#eliminate(row)
      else this.#use([...this.#rowsOf.get(wire)!][0]!, wire)
    }
  }

  #sort(row: Row): void {
    this.#bySize[row.size] ??= []
    this.#bySize[row.size]!.push(row)
  }

  #shortest(): Row | undefined {
    for (let size = 1; size < this.#bySize.length; size++) {
      const rows = this.#bySize[size] ?? []
      for (let row = rows.at(-1); row !== undefined; row = rows.at(-1)) {
        if (row.size === size && this.#rows.has(row)) return row
        rows.pop()
      }
    }
    return undefined
  }

  #nextSingle(): number | undefined {
    for (let wire = this.#single.pop(); wire !== undefined; wire = this.#single.pop()) {
      if (this.#rowsOf.get(wire)?.size === 1) return wire
    }
    return undefined
  }

  /** A row of one entry: its wire stands still. */
  #force(row: Row): void {
    const [wire] = [...row.keys()] as [number]
    const column = this.#rowsOf.get(wire)!
    this.#free.delete(wire)
    this.#rowsOf.delete(wire)
    this.#rows.delete(row)
    for (const other of column) {
      other.delete(wire)
      this.#sort(other)
    }
  }

  /** Makes a row the one that says how a wire moves. */
  #use(row: Row, wire: number): void {
    this.#free.delete(wire)
    this.#pivots.push({ wire, row })
    this.#rows.delete(row)
    for (const other of row.keys()) {
      const column = this.#rowsOf.get(other)!
      column.delete(row)
      if (column.size === 1) this.#single.push(other)
    }
  }

  /** Uses a row for its wire that stands in the fewest others, and takes that wire out of them. */
  #eliminate(pivot: Row): void {
    const wire = [...pivot.keys()].reduce((least, each) =>
      this.#rowsOf.get(each)!.size < this.#rowsOf.get(least)!.size ? each : least,
    )
    this.#use(pivot, wire)
    const inverse = invert(reduce(pivot.get(wire)!))
    for (const row of this.#rowsOf.get(wire)!) {
      this.#subtract(row, pivot, centre(row.get(wire)! * inverse))
      this.#sort(row)
    }
  }

  #subtract(row: Row, pivot: Row, factor: bigint): void {
    for (const [wire, value] of pivot) {
      const column = this.#rowsOf.get(wire)!
      const difference = centre((row.get(wire) ?? 0n) - factor * value)
      if (difference !== 0n) {
        row.set(wire, difference)
        column.add(row)
      } else if (row.delete(wire)) {
        column.delete(row)
        if (column.size === 1) this.#single.push(wire)
      }
    }
  }
}

/** The free wires, and those whose movement, expressed in that of the free ones, is not 0. */
function moved(free: ReadonlySet<number>, pivots: readonly Pivot[]): number[] {
  const movements = new Map<number, Row>([...free].map((wire) => [wire, new Map([[wire, 1n]])]))
  for (const { wire, row } of pivots.toReversed()) {
    const movement: Row = new Map()
    for (const [other, value] of row) {
      for (const [origin, share] of movements.get(other) ?? []) {
        movement.set(origin, centre((movement.get(origin) ?? 0n) - value * share))
      }
    }
    for (const [origin, share] of movement) if (share === 0n) movement.delete(origin)
    if (movement.size === 0) continue
    const inverse = invert(reduce(row.get(wire)!))
    for (const [origin, share] of movement) movement.set(origin, centre(share * inverse))
    movements.set(wire, movement)
  }
  return [...movements.keys()]
}

/** Inverse modulo the field order, by the extended Euclidean algorithm. */
function invert(value: bigint): bigint {
  let [r, nextR, s, nextS] = [FIELD_ORDER, value, 0n, 1n]
  while (nextR !== 0n) {
    const quotient = r / nextR
    ;[r, nextR] = [nextR, r - quotient * nextR]
    ;[s, nextS] = [nextS, s - quotient * nextS]
  }
  return reduce(s)
}
