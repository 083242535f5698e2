/**
 * A circuit with the linear constraints that the compiler solves and takes out before keys are made. Hashes, sums of bits and
 * remainders stand there as the source says them, and alike in every build.
 *
 * Let K be the constraints that keys are made for, U those with the linear ones left in, and let each wire of U be a sum of wires
 * of K: where U's wire is one of K's too, that wire, else what the compiler says to have put in its place. A constraint of U
 * *follows* if with these sums put in it is 0 = 0, or a multiple of a constraint of K. Then the sums make of every witness of K one
 * of all that follows, with the same inputs and outputs. So if what follows has unique outputs, K has. Neither U
 * nor the sums need to be trusted: what does not follow is left out.
 *
 * Polynomials are compared by their values at random points. Let P be a constraint of U less its product, Q one of K. If P is no
 * multiple of Q, P(x)·Q(y) - P(y)·Q(x) is no zero polynomial in x and y, of degree 4 at most, and it is 0 at random x and
 * y with a chance of 4 in the field's order (Schwartz and Zippel). For 2^20 constraints each that is below 2^-210.
 */
import { randomBytes } from 'node:crypto'
import { type Constraint, FIELD_ORDER, reduce, type Sum } from '../../tools/circuits/r1cs.ts'
import { Field } from './field.ts'

/** What stands in the place of a label that has no wire: coefficients by label, in decimals. */
export type Substitutions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Constraints, and the label of each wire, no two alike. */
export type Labelled = { readonly constraints: readonly Constraint[]; readonly labels: readonly number[] }

export type Unfolded = {
  /** Places of the constraints that follow. */
  readonly rows: readonly number[]
  /** Wires that are inputs, or equal to one that has no wire. */
  readonly inputs: readonly number[]
}

/** Values of labels at a random point, and of K's and U's wires. */
type Point = {
  readonly of: (label: number) => bigint
  readonly folded: readonly bigint[]
  readonly unfolded: readonly bigint[]
}

/** What of `unfolded` follows from `folded`, by what the compiler put in the place of labels. */
export function unfold(
  folded: Labelled,
  unfolded: Labelled,
  substitutions: Substitutions,
  inputs: readonly number[],
): Unfolded {
  const [x, y] = [0, 1].map((): Point => {
    const of = randomValues(folded.labels, substitutions)
    return { of, folded: folded.labels.map(of), unfolded: unfolded.labels.map(of) }
  }) as [Point, Point]
  const known = new Set(ratios(folded.constraints, x.folded, y.folded))
  const found = ratios(unfolded.constraints, x.unfolded, y.unfolded)
  const ofInputs = new Set(inputs.map((label) => `${x.of(label)} ${y.of(label)}`))
  return {
    rows: [...found.keys()].filter((row) => found[row] === undefined || known.has(found[row])),
    inputs: [...unfolded.labels.keys()].filter((wire) => ofInputs.has(`${x.unfolded[wire]} ${y.unfolded[wire]}`)),
  }
}

/** Of each constraint its value at one point over that at the other, alike for multiples; undefined for 0 = 0. */
function ratios(
  constraints: readonly Constraint[],
  x: readonly bigint[],
  y: readonly bigint[],
): readonly (bigint | undefined)[] {
  const values = constraints.map((constraint) => [valueAt(x, constraint), valueAt(y, constraint)] as const)
  const inverses = inversesOf(values.map(([, ofY]) => (ofY === 0n ? 1n : ofY)))
  return values.map(([ofX, ofY], i) => (ofX === 0n && ofY === 0n ? undefined : reduce(ofX * inverses[i]!)))
}

/** Of numbers other than 0, by one inversion of their product. */
function inversesOf(numbers: readonly bigint[]): readonly bigint[] {
  const before: bigint[] = []
  let product = 1n
  for (const number of numbers) {
    before.push(product)
    product = reduce(product * number)
  }
  let rest = new Field(FIELD_ORDER).inverse(product)
  const inverses = new Array<bigint>(numbers.length)
  for (let i = numbers.length - 1; i >= 0; i--) {
    inverses[i] = reduce(rest * before[i]!)
    rest = reduce(rest * numbers[i]!)
  }
  return inverses
}

/**
 * Values of labels: random for those with a wire, and for those that nothing is put in the place of, which the constraints of
 * K do not mention; what follows holds whatever they are.
 */
function randomValues(labels: readonly number[], substitutions: Substitutions): (label: number) => bigint {
  const values = new Map<number, bigint>([[0, 1n]])
  for (const label of labels) if (label !== 0) values.set(label, randomElement())
  return function valueOfLabel(label: number): bigint {
    let value = values.get(label)
    if (value === undefined) {
      const terms = substitutions[label]
      value =
        terms === undefined
          ? randomElement()
          : reduce(
              Object.entries(terms).reduce(
                (sum, [other, factor]) => sum + BigInt(factor) * valueOfLabel(Number(other)),
                0n,
              ),
            )
      values.set(label, value)
    }
    return value
  }
}

/** Sixteen bytes more than the order has: no element is likelier than another by more than 2^-128 of its chance. */
const randomElement = (): bigint => reduce(BigInt(`0x${randomBytes(48).toString('hex')}`))

/** Of a constraint less its product. */
function valueAt(point: readonly bigint[], [a, b, c]: Constraint): bigint {
  const valueIn = ({ wires, coefficients }: Sum): bigint =>
    wires.reduce((sum, wire, i) => sum + coefficients[i]! * point[wire]!, 0n)
  return reduce(reduce(valueIn(a)) * reduce(valueIn(b)) - valueIn(c))
}
