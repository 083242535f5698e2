/**
 * Lemma: if a determined number is a sum of coefficients times whole numbers in intervals, in which every coefficient from some
 * place on is a multiple of one that is greater than what the terms before can differ by, and all together differ by less
 * than the order, then what comes before that place is determined, and what comes after. Bits of a number are the
 * plainest case, quotient and remainder by a constant another.
 */
import { enumeratedWidth } from './enumeration.ts'
import { atomsOf, type Form, overlap, widthOf } from './field.ts'
import type { System } from './system.ts'

type Term = { readonly atom: number; readonly coefficient: bigint; readonly width: bigint }

const NAME = 'mixed radix'

/** Applies the lemma to a relation; says nothing if it does not hold. */
export function mixedRadix(system: System, relation: Form): void {
  const open = openTerms(system, relation)
  if (open === undefined || open.length < 2) return
  for (const terms of scalings(system, open)) {
    const segments = segmentsOf(system, terms)
    if (segments === undefined || segments.length < 2) continue
    for (const segment of segments) system.learn(formOf(segment), NAME)
    return
  }
}

function openTerms(system: System, relation: Form): readonly Term[] | undefined {
  const terms: Term[] = []
  for (const [atom, coefficient] of relation) {
    if (system.isDetermined(atom)) continue
    const interval = system.interval(atom)
    if (interval === undefined) return undefined
    terms.push({ atom, coefficient, width: widthOf(interval) })
  }
  return terms
}

/** The terms in units of one of the coefficients, or as they are: a multiple of a relation is a relation. Those that span least. */
function scalings(system: System, terms: readonly Term[]): readonly (readonly Term[])[] {
  const found: { readonly terms: readonly Term[]; readonly span: bigint }[] = []
  for (const unit of new Set([1n, ...terms.map(({ coefficient }) => magnitude(coefficient)).sort(compare)])) {
    // Nothing that is known besides halves a span.
    const limit = found[MOST_SCALINGS - 1]?.span ?? 2n * system.field.order
    const scaled = scaledBy(system, terms, system.field.inverse(unit), limit)
    if (scaled === undefined) continue
    found.push(scaled)
    found.sort((a, b) => compare(a.span, b.span))
    found.splice(MOST_SCALINGS)
  }
  return found.map((each) =>
    [...each.terms].sort((a, b) => compare(magnitude(a.coefficient), magnitude(b.coefficient))),
  )
}

/** Multiples of a relation that are tried. */
const MOST_SCALINGS = 3

function scaledBy(
  { field }: System,
  terms: readonly Term[],
  factor: bigint,
  limit: bigint,
): { readonly terms: readonly Term[]; readonly span: bigint } | undefined {
  const scaled: Term[] = []
  let span = 0n
  for (const term of terms) {
    const coefficient = field.centre(term.coefficient * factor)
    span += magnitude(coefficient) * term.width
    if (span >= limit) return undefined
    scaled.push({ ...term, coefficient })
  }
  return { terms: scaled, span }
}

/** Runs of terms that are determined each by itself; undefined if the terms may wrap around the order. */
function segmentsOf(system: System, terms: readonly Term[]): readonly (readonly Term[])[] | undefined {
  const divisors = suffixDivisors(terms)
  const segments: Term[][] = []
  let before = 0n
  let segment: Term[] = []
  let plain = 0n
  for (const [i, term] of terms.entries()) {
    segment.push(term)
    plain += magnitude(term.coefficient) * term.width
    const unit = divisors[i + 1]
    let span = plain
    if (unit !== undefined && before + plain >= unit) span = tightSpan(system, segment, plain, unit - before)
    if (unit === undefined || before + span < unit) {
      if (unit === undefined && before + plain >= system.field.order)
        span = tightSpan(system, segment, plain, system.field.order - before)
      before += span
      segments.push(segment)
      segment = []
      plain = 0n
    }
  }
  return before < system.field.order ? segments : undefined
}

/** For each place the greatest common divisor of the coefficients from there on. */
function suffixDivisors(terms: readonly Term[]): readonly bigint[] {
  const divisors: bigint[] = []
  let divisor = 0n
  for (let i = terms.length - 1; i >= 0; i--) {
    divisor = greatestCommonDivisor(magnitude(terms[i]!.coefficient), divisor)
    divisors[i] = divisor
  }
  return divisors
}

/**
 * What a segment's values can differ by, by what else is known of its bits: that they exclude each other, or that they equal
 * another bounded form. Looked for where `limit` could be met only.
 */
function tightSpan(system: System, segment: readonly Term[], plain: bigint, limit: bigint): bigint {
  if (plain >= 2n * limit) return plain
  const own = formOf(segment)
  const form = ofBits(system, own)
  return [equalWidth(system, form), enumeratedWidth(system, form)].reduce((least: bigint, width) => {
    if (width === undefined || width >= least) return least
    // Two values differ by what two of their bits' sums do modulo the order: between integers if neither reaches around it.
    return form === own || plain + width < system.field.order ? width : least
  }, plain)
}

/** The overlap of the form's own interval with those of forms that a relation of its weightiest atom says it to equal. */
function equalWidth(system: System, form: Form): bigint | undefined {
  let bounds = system.bounds(form)
  if (bounds === undefined) return undefined
  const [first, ...others] = atomsOf(form)
  const weightiest = others.reduce(
    (most, atom) => (magnitude(form.get(atom)!) > magnitude(form.get(most)!) ? atom : most),
    first!,
  )
  for (const equal of system.boundedEquals(form, [weightiest])) {
    const other = system.bounds(equal)
    if (other !== undefined) bounds = overlap(bounds, other, system.field.order)
  }
  return widthOf(bounds)
}

/** The form with sums of bits put in the place of what they are relations with. */
function ofBits(system: System, form: Form): Form {
  return [...form.keys()].reduce((sum, atom) => {
    const bits = system.bits.has(atom) ? undefined : system.bitsOf(atom)
    return bits === undefined
      ? sum
      : system.field.plus(sum, bits, -form.get(atom)! * system.field.inverse(bits.get(atom)!))
  }, form)
}

const formOf = (terms: readonly Term[]): Form => new Map(terms.map(({ atom, coefficient }) => [atom, coefficient]))
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b)
}
