/**
 * Butterflies of Fourier transforms, two at once, over values kept as pairs: slot j holds values j and j + size/2. All stages but the one
 * whose butterflies join the two halves of a slot do the same to both, with the same root.
 *
 * Values are in whichever Montgomery form they came in, for a transform is linear; roots are in that of 2^255.
 */
import { type Code, FunctionCode, i32, type Local, type ModuleCode, pair } from './assembler.ts'
import {
  addLimbs,
  gathered,
  type Limbs,
  LIMBS,
  PAIR_BYTES,
  type PairedField,
  pairAt,
  storePair,
  subtractLimbs,
  valuesOf,
  WIDE_BYTES,
} from './pairedField.ts'

/**
 * Adds, each over `count` of what it names:
 *
 * - `decimate(low, high, count, step, root, rootStep)`: low + high, and (low - high) · root; slots `step` bytes apart, from settled low and
 *   high to settled and balanced ones;
 * - `decimateAcross(slots, count, roots)`: the same of the halves of two slots at once;
 * - `combine(low, high, count, step, root, rootStep)`: low + high · root, and low - high · root; `combineLoosely` does not settle them, which
 *   any of the others must do next;
 * - `combineAcross(slots, count, roots)`: the same of the halves of two slots at once;
 * - `scale(slots, count, low, high)`: each half times a factor of its own, at `low` and at `high`.
 *
 * Sizes, in moduli, of values and roots of 0.5 and less: `decimate` leaves x = 0.38 · 2x · 0.5 + 0.76 < 1.3 of a difference at most, and `scale`
 * after it 1.0; `combineLoosely` leaves 1.0 + 0.19 · 1.0 + 0.76 < 2.0 with limbs of 2^51, of which `combine` settles
 * 2.0 + 0.19 · 2.0 + 0.76 < 3.2 with limbs below 2^52.
 */
export function addTransform(module: ModuleCode, field: PairedField): void {
  const add = (name: string, code: FunctionCode): void => void module.add(name, code)
  add('decimate', butterflies(decimation(field)))
  add('decimateAcross', across(decimation(field)))
  add('combine', butterflies(combination(field, true)))
  add('combineLoosely', butterflies(combination(field, false)))
  add('combineAcross', across(combination(field, true)))
  add('scale', scaling(field))
}

/** What becomes of two values, both read. */
type Butterfly = (
  code: FunctionCode,
  low: readonly Local[],
  high: readonly Local[],
  root: Limbs,
) => readonly [Limbs, Limbs]

/** Gentleman and Sande's. */
const decimation =
  (field: PairedField): Butterfly =>
  (code, low, high, root) => {
    const product = field.multiply(code, [{ a: subtractLimbs(valuesOf(low), valuesOf(high)), b: root }])
    return [valuesOf(field.settle(code, addLimbs(valuesOf(low), valuesOf(high)))), valuesOf(product)]
  }

/** Cooley and Tukey's. */
const combination =
  (field: PairedField, isSettled: boolean): Butterfly =>
  (code, low, high, root) => {
    const product = valuesOf(field.multiply(code, [{ a: valuesOf(high), b: root }]))
    const both = [addLimbs(valuesOf(low), product), subtractLimbs(valuesOf(low), product)] as const
    return isSettled ? [valuesOf(field.settle(code, both[0])), valuesOf(field.settle(code, both[1]))] : both
  }

const step = (local: Local, by: Code): Code => local.set(i32.add(local.get, by))
const hold = (code: FunctionCode, limbs: Limbs): readonly Local[] => limbs.map((limb) => code.hold('v128', limb))

function butterflies(butterfly: Butterfly): FunctionCode {
  const code = new FunctionCode(6)
  const [low, high, count, bytes, root, rootBytes] = code.parameters as [Local, Local, Local, Local, Local, Local]
  code.repeat(() => {
    const splat = Array.from({ length: LIMBS }, (_, k) => pair.loadSplat(root.get, 8 * k))
    const [newLow, newHigh] = butterfly(code, hold(code, pairAt(low)), hold(code, pairAt(high)), splat)
    code.add(storePair(low, newLow), storePair(high, newHigh))
    code.add(step(low, bytes.get), step(high, bytes.get), step(root, rootBytes.get), step(count, i32.constant(-1)))
  }, count.get)
  return code
}

/** Two slots a turn: their first halves are the low values and their second the high ones. */
function across(butterfly: Butterfly): FunctionCode {
  const code = new FunctionCode(3)
  const [first, count, root] = code.parameters as [Local, Local, Local]
  const [second, nextRoot] = [code.local('i32'), code.local('i32')]
  code.repeat(() => {
    code.add(
      second.set(i32.add(first.get, i32.constant(PAIR_BYTES))),
      nextRoot.set(i32.add(root.get, i32.constant(WIDE_BYTES))),
    )
    const [left, right] = [hold(code, pairAt(first)), hold(code, pairAt(second))]
    const halves = (of: Limbs, others: Limbs, lane: 0 | 1): Limbs =>
      of.map((limb, k) => pair.unzip(limb, others[k] as Code, lane))
    const [low, high] = ([0, 1] as const).map((lane) => hold(code, halves(valuesOf(left), valuesOf(right), lane))) as [
      readonly Local[],
      readonly Local[],
    ]
    const results = butterfly(code, low, high, gathered(root, nextRoot)).map((limbs) =>
      valuesOf(hold(code, limbs)),
    ) as [Limbs, Limbs]
    code.add(storePair(first, halves(...results, 0)), storePair(second, halves(...results, 1)))
    code.add(
      step(first, i32.constant(2 * PAIR_BYTES)),
      step(root, i32.constant(PAIR_BYTES)),
      step(count, i32.constant(-1)),
    )
  }, count.get)
  return code
}

function scaling(field: PairedField): FunctionCode {
  const code = new FunctionCode(4)
  const [slots, count, low, high] = code.parameters as [Local, Local, Local, Local]
  code.repeat(() => {
    code.add(storePair(slots, valuesOf(field.multiply(code, [{ a: pairAt(slots), b: gathered(low, high) }]))))
    code.add(step(slots, i32.constant(PAIR_BYTES)), step(count, i32.constant(-1)))
    for (const factor of [low, high]) code.add(step(factor, i32.constant(WIDE_BYTES)))
  }, count.get)
  return code
}
