/**
 * Writes the coefficient tables of the tabulated functions, once for the circuits and once for their twins.
 *
 *     node scripts/generateTables.ts           writes
 *     node scripts/generateTables.ts --check   writes nothing, exits 1 if a committed file is stale
 *
 * All reals here are bigints scaled by 2^PRECISION, so the output is the same on every machine. A segment's polynomial
 * is the function's Chebyshev series on that segment, cut after the degree: within a few per cent of the minimax
 * polynomial, and the absolute values of the terms cut off bound its error without sampling.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const PRECISION = 320n
const ONE = 1n << PRECISION
/** Taylor terms kept; a segment's radius is at most 1/64 of the distance to the next singularity, so 64^-40 remains. */
const ORDER = 40

const ROOT = join(import.meta.dirname, '..')

/** How a function is to be tabulated. Widths are chosen by hand so that rows are few within the error wanted. */
type TableSpecification = {
  readonly name: string
  readonly meaning: string
  /** Taylor coefficients around `point`, an exact real. */
  readonly taylor: (point: bigint) => readonly bigint[]
  readonly indexBits: number
  /** A segment is 2^-segmentBits wide; the first starts at 0. */
  readonly segmentBits: number
  /** Bits of the offset that level k of Horner's rule multiplies by; its length is the degree. */
  readonly offsetBits: readonly number[]
  /** Fraction bits of the leading coefficients. */
  readonly leadingBits: number
  /** `below`: never above the function. `exactAtZero`: on either side, but exact where the first segment starts. */
  readonly side: 'below' | 'near' | 'exactAtZero'
  /** From this segment on the table is constant. */
  readonly flat?: { readonly fromSegment: number; readonly value: bigint }
  /** The fitted segments must be at least as good as this. */
  readonly tolerance?: bigint
  /** Further constants that the functions on this table need. */
  readonly constants?: (resultBits: number) => readonly Constant[]
}

type Constant = { readonly name: string; readonly meaning: string; readonly value: bigint }

type Table = {
  readonly specification: TableSpecification
  /** Fraction bits of the result. */
  readonly resultBits: number
  /** [segment][power], integers; power k at scale 2^scales[k]. */
  readonly coefficients: readonly (readonly bigint[])[]
  /** Largest distance from the function at the argument the table sees, at scale 2^PRECISION. */
  readonly error: bigint
}

/** Fraction bits of log2(e) in the exponential: |x| < 16 times half a unit of it stays below 2^-35. */
const LOG2_E_BITS = 38

/** The same for the finer exponential: 2^-43. */
const LOG2_E_FINE_BITS = 46

/** Options look up |d1| and |d2| on this grid, at the middle of a cell: their tables are of f(x + half a cell). */
const GRID_BITS = 13n
const HALF_CELL = ONE >> (GRID_BITS + 1n)

/** Where the distribution function is taken as flat; from there on it differs from 1 by less than 2^-34. */
const CDF_FLAT_FROM = 13n * (ONE / 2n)
/** Half of that difference: what the distribution function gives way to stay below the true value on both sides of 0. */
const CDF_MARGIN = (ONE - normalCdf(CDF_FLAT_FROM)) / 2n

/** Where the density is taken as 0: it is below 2^-34 there. */
const PDF_FLAT_FROM = 27n * (ONE / 4n)

const specifications: readonly TableSpecification[] = [
  {
    name: 'lnX28',
    meaning: 'ln(1 + x), x in [0, 1)',
    taylor: lnTaylor,
    indexBits: 5,
    segmentBits: 5,
    offsetBits: [26, 20, 14, 7],
    leadingBits: 6,
    side: 'below',
    constants: ln2Constant,
  },
  {
    name: 'lnX36',
    meaning: 'ln(1 + x), x in [0, 1)',
    taylor: lnTaylor,
    indexBits: 5,
    segmentBits: 5,
    offsetBits: [34, 29, 22, 16, 10],
    leadingBits: 6,
    side: 'below',
    constants: ln2Constant,
  },
  {
    name: 'exp2',
    meaning: '2^-x, x in [0, 1)',
    taylor: exp2NegativeTaylor,
    indexBits: 4,
    segmentBits: 4,
    offsetBits: [28, 24, 17, 9],
    leadingBits: 10,
    side: 'exactAtZero',
  },
  {
    name: 'exp',
    meaning: '2^x, x in [0, 1)',
    taylor: exp2Taylor,
    indexBits: 4,
    segmentBits: 4,
    offsetBits: [31, 26, 19, 12],
    leadingBits: 13,
    side: 'below',
    constants: () => [
      {
        name: 'Log2E',
        meaning: `log2(e) * 2^${LOG2_E_BITS}, rounded to the nearest`,
        value: roundAt(divide(ONE, ln(2n * ONE)), LOG2_E_BITS),
      },
      { name: 'Log2EBits', meaning: 'its fraction bits', value: BigInt(LOG2_E_BITS) },
    ],
  },
  {
    name: 'normalCdf',
    meaning: 'the standard normal distribution function on [0, 8), flat from 6.5 on',
    taylor: normalCdfTaylor,
    indexBits: 5,
    segmentBits: 2,
    offsetBits: [26, 26, 26, 20, 16, 11],
    leadingBits: 14,
    side: 'near',
    flat: { fromSegment: 26, value: ONE - CDF_MARGIN },
    tolerance: CDF_MARGIN,
    constants: (bits) => [
      {
        name: 'Margin',
        meaning: 'half of what the function lacks from 1 at 6.5, rounded up',
        value: floorAt(CDF_MARGIN, bits) + 1n,
      },
    ],
  },
  {
    name: 'normalPdf',
    meaning: 'the standard normal density on [0, 8), 0 from 6.75 on',
    taylor: normalPdfTaylor,
    indexBits: 5,
    segmentBits: 2,
    offsetBits: [26, 26, 26, 22, 18, 14],
    leadingBits: 15,
    side: 'below',
    flat: { fromSegment: 27, value: 0n },
    tolerance: normalPdf(PDF_FLAT_FROM),
  },
  {
    name: 'expFine',
    meaning: '2^x, x in [0, 1)',
    taylor: exp2Taylor,
    indexBits: 5,
    segmentBits: 5,
    offsetBits: [39, 31, 23, 15],
    leadingBits: 16,
    side: 'below',
    constants: () => [
      {
        name: 'Log2E',
        meaning: `log2(e) * 2^${LOG2_E_FINE_BITS}, rounded to the nearest`,
        value: roundAt(divide(ONE, ln(2n * ONE)), LOG2_E_FINE_BITS),
      },
      { name: 'Log2EBits', meaning: 'its fraction bits', value: BigInt(LOG2_E_FINE_BITS) },
    ],
  },
  {
    name: 'gridCdf',
    meaning: 'the standard normal distribution function at the middle of cells of 2^-13 on [0, 8)',
    taylor: (point) => normalCdfTaylor(point + HALF_CELL),
    indexBits: 4,
    segmentBits: 1,
    offsetBits: [12, 12, 12, 12, 12, 12, 12, 12],
    leadingBits: 22,
    side: 'near',
  },
  {
    name: 'gridPdf',
    meaning: 'the standard normal density at the middle of cells of 2^-13 on [0, 8)',
    taylor: (point) => normalPdfTaylor(point + HALF_CELL),
    indexBits: 4,
    segmentBits: 1,
    offsetBits: [12, 12, 12, 12, 12, 9],
    leadingBits: 11,
    side: 'near',
  },
  {
    name: 'gridPdfCoarse',
    meaning: 'the same coarsely, for terms of second order',
    taylor: (point) => normalPdfTaylor(point + HALF_CELL),
    indexBits: 4,
    segmentBits: 1,
    offsetBits: [12, 12, 10],
    leadingBits: 7,
    side: 'near',
  },
  {
    name: 'gridPdfFine',
    meaning: 'the same finely, for Greeks',
    taylor: (point) => normalPdfTaylor(point + HALF_CELL),
    indexBits: 4,
    segmentBits: 1,
    offsetBits: [12, 12, 12, 12, 12, 12, 12],
    leadingBits: 14,
    side: 'near',
  },
]

/** What ln(2^n · (1 + x)) takes besides ln(1 + x). */
function ln2Constant(bits: number): readonly Constant[] {
  return [{ name: 'Ln2', meaning: `floor(ln(2) * 2^${bits})`, value: floorAt(ln(2n * ONE), bits) }]
}

// ---------------------------------------------------------------- reals

function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> PRECISION
}

function divide(a: bigint, b: bigint): bigint {
  return (a << PRECISION) / b
}

function absolute(a: bigint): bigint {
  return a < 0n ? -a : a
}

function maximum(values: readonly bigint[]): bigint {
  return values.reduce((largest, value) => (value > largest ? value : largest))
}

/** ⌊value × 2^bits⌋. */
function floorAt(value: bigint, bits: number): bigint {
  return value >> (PRECISION - BigInt(bits))
}

/** The integer nearest to value × 2^bits. */
function roundAt(value: bigint, bits: number): bigint {
  const drop = PRECISION - BigInt(bits)
  return (value + (1n << (drop - 1n))) >> drop
}

/** ln of a real in [1, 2]: 2 atanh((a - 1) / (a + 1)), whose series gains three bits a term. */
function ln(a: bigint): bigint {
  const z = divide(a - ONE, a + ONE)
  const square = multiply(z, z)
  let power = z
  let sum = 0n
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += power / n
    power = multiply(power, square)
  }
  return 2n * sum
}

/** e^a for a real in [-64, 64]: the Taylor series of e^(a / 64), raised to the 64th power. */
function exp(a: bigint): bigint {
  const reduced = a >> 6n
  let term = ONE
  let result = 0n
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    result += term
    term = multiply(term, reduced) / n
  }
  for (let i = 0; i < 6; i++) result = multiply(result, result)
  return result
}

/** arctan(1 / n). */
function arctanOfInverse(n: bigint): bigint {
  let power = ONE / n
  let sum = 0n
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += k % 4n === 1n ? power / k : -power / k
    power /= n * n
  }
  return sum
}

function squareRoot(a: bigint): bigint {
  let root = 1n << BigInt((a.toString(2).length + Number(PRECISION) + 2) >> 1)
  for (;;) {
    const next = (root + (a << PRECISION) / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** Density of the standard normal distribution. */
function normalPdf(a: bigint): bigint {
  const pi = 16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n) // Machin
  return divide(exp(-multiply(a, a) / 2n), squareRoot(2n * pi))
}

/** Its distribution function at a ≥ 0: 1/2 + φ(a)·(a + a³/3 + a⁵/(3·5) + …). */
function normalCdf(a: bigint): bigint {
  const square = multiply(a, a)
  let term = a
  let sum = 0n
  for (let n = 3n; term !== 0n; n += 2n) {
    sum += term
    term = multiply(term, square) / n
  }
  return ONE / 2n + multiply(normalPdf(a), sum)
}

// ---------------------------------------------------------------- Taylor coefficients

function lnTaylor(point: bigint): bigint[] {
  const base = ONE + point
  const coefficients = [ln(base)]
  let power = ONE
  for (let k = 1n; k <= ORDER; k++) {
    power = divide(power, base)
    coefficients.push((k % 2n === 1n ? power : -power) / k)
  }
  return coefficients
}

function exp2Taylor(point: bigint): bigint[] {
  return exponentialTaylor(point, ln(2n * ONE))
}

function exp2NegativeTaylor(point: bigint): bigint[] {
  return exponentialTaylor(point, -ln(2n * ONE))
}

/** Of φ, from φ' = -x·φ. */
function normalPdfTaylor(point: bigint): bigint[] {
  const coefficients = [normalPdf(point)]
  for (let k = 0; k < ORDER; k++) {
    coefficients.push(-(multiply(point, coefficients[k]!) + (coefficients[k - 1] ?? 0n)) / BigInt(k + 1))
  }
  return coefficients
}

function normalCdfTaylor(point: bigint): bigint[] {
  const density = normalPdfTaylor(point).slice(0, ORDER)
  return [normalCdf(point), ...density.map((coefficient, k) => coefficient / BigInt(k + 1))]
}

function exponentialTaylor(point: bigint, rate: bigint): bigint[] {
  const coefficients = [exp(multiply(rate, point))]
  for (let k = 1; k <= ORDER; k++) coefficients.push(multiply(coefficients[k - 1]!, rate) / BigInt(k))
  return coefficients
}

// ---------------------------------------------------------------- tables

/** Chebyshev polynomials T_0 … T_n as integer coefficients. */
function chebyshevPolynomials(n: number): bigint[][] {
  const polynomials: bigint[][] = [[1n], [0n, 1n]]
  for (let k = 2; k <= n; k++) {
    const twice = [0n, ...polynomials[k - 1]!.map((coefficient) => 2n * coefficient)]
    polynomials.push(twice.map((coefficient, i) => coefficient - (polynomials[k - 2]![i] ?? 0n)))
  }
  return polynomials
}

const CHEBYSHEV = chebyshevPolynomials(ORDER)

function tabulate(specification: TableSpecification): Table {
  const { indexBits, segmentBits, offsetBits, leadingBits } = specification
  const scales = [leadingBits]
  for (const bits of offsetBits.toReversed()) scales.unshift(scales[0]! + bits + segmentBits)

  const fitted = specification.flat?.fromSegment ?? 2 ** indexBits
  const segments = Array.from({ length: fitted }, (_, segment) => fitSegment(specification, scales, segment))
  const error = maximum(segments.map((segment) => segment.error))
  if (error > (specification.tolerance ?? error)) throw new Error(`${specification.name}: the fit is too coarse`)

  const flat = [floorAt(specification.flat?.value ?? 0n, scales[0]!), ...offsetBits.map(() => 0n)]
  const rest = Array.from({ length: 2 ** indexBits - fitted }, () => flat)
  return {
    specification,
    resultBits: scales[0]!,
    coefficients: [...segments.map((segment) => segment.coefficients), ...rest],
    error,
  }
}

/**
 * Fits one segment, in z = offset / radius, |z| ≤ 1, from the highest power down. A power above the degree, and what
 * rounding a kept coefficient leaves over, is taken away as a multiple of the Chebyshev polynomial of that degree: it
 * costs that multiple in error and leaves lower powers, which are fitted next.
 *
 * Level k multiplies by the offset cut short, which lies below the whole one by d in [0, 2m]. Fitting with offset - m in
 * its place halves what d can change.
 */
function fitSegment(specification: TableSpecification, scales: readonly number[], segment: number) {
  const { segmentBits, offsetBits } = specification
  const degree = offsetBits.length
  const radiusBits = BigInt(segmentBits + 1)
  const centre = ((2n * BigInt(segment) + 1n) * ONE) >> radiusBits
  const rest = specification.taylor(centre).map((coefficient, k) => coefficient >> (BigInt(k) * radiusBits))
  const means = offsetBits.map((bits) => (ONE >> BigInt(bits)) - (ONE >> BigInt(offsetBits[0]!)))
  const basis = nestedBasis(means)

  const coefficients: bigint[] = []
  let error = ONE >> 140n // Taylor remainder and rounding of this arithmetic, with room
  for (let k = ORDER; k >= 1; k--) {
    if (k <= degree) {
      const scale = scales[k]!
      coefficients[k] = roundAt(rest[k]! << (BigInt(k) * radiusBits), scale)
      const kept = (coefficients[k]! << (PRECISION - BigInt(scale))) >> (BigInt(k) * radiusBits)
      basis[k]!.forEach((b, i) => {
        rest[i]! -= multiply(kept, b)
      })
    }
    const multiple = rest[k]! >> BigInt(k - 1)
    CHEBYSHEV[k]!.forEach((c, i) => {
      rest[i]! -= multiple * c
    })
    error += absolute(multiple) + 1n
  }
  error += cutError(coefficients, scales, means, radiusBits, (2n * ONE) >> BigInt(offsetBits[0]!))

  if (specification.side === 'below') {
    const unit = ONE >> BigInt(scales[0]!)
    coefficients[0] = roundAt(rest[0]! - error - unit, scales[0]!)
    return { coefficients, error: 2n * (error + unit) }
  }
  coefficients[0] = roundAt(rest[0]!, scales[0]!)
  if (specification.side === 'near' || segment !== 0)
    return { coefficients, error: error + (ONE >> BigInt(scales[0]!)) }

  const excess = evaluate(coefficients, startOffsets(offsetBits)) - roundAt(specification.taylor(0n)[0]!, scales[0]!)
  coefficients[0] -= excess
  return { coefficients, error: error + ((absolute(excess) + 1n) << (PRECISION - BigInt(scales[0]!))) }
}

/** The powers Horner's rule builds from offsets less their means: 1, z, z(z - m₁), z(z - m₁)(z - m₂), … */
function nestedBasis(means: readonly bigint[]): bigint[][] {
  const basis = [[ONE], [0n, ONE]]
  for (let k = 1; k < means.length; k++) {
    const previous = basis[k]!
    basis.push([0n, ...previous].map((b, i) => b - multiply(previous[i] ?? 0n, means[k]!)))
  }
  return basis
}

/**
 * What cutting the offsets of levels 1 and up short can change: the deviation from the mean, times all levels inside.
 * `carry` is the unit that the whole offset may have on top of the bits from which the cut ones are taken.
 */
function cutError(
  coefficients: readonly bigint[],
  scales: readonly number[],
  means: readonly bigint[],
  radiusBits: bigint,
  carry: bigint,
): bigint {
  let error = 0n
  let inner = 0n
  for (let k = means.length; k >= 2; k--) {
    inner = (inner >> radiusBits) + (absolute(coefficients[k]!) << (PRECISION - BigInt(scales[k]!)))
    const mean = means[k - 1]!
    if (mean !== 0n) error += multiply(inner, mean + carry) >> (BigInt(k) * radiusBits)
  }
  return error
}

/** The offsets from its centre at which a segment starts. */
function startOffsets(offsetBits: readonly number[]): bigint[] {
  return offsetBits.map((bits) => -(1n << BigInt(bits - 1)))
}

/** Horner's rule on integers, as circuit and twin do it. */
function evaluate(coefficients: readonly bigint[], offsets: readonly bigint[]): bigint {
  return coefficients.reduceRight((inner, coefficient, k) => inner * (offsets[k] ?? 0n) + coefficient)
}

function atZero(table: Table): bigint {
  return evaluate(table.coefficients[0]!, startOffsets(table.specification.offsetBits))
}

/** Turns a column by segment into one by set of index bits, so that a segment's value is a sum over subsets. */
function moebius(column: readonly bigint[]): bigint[] {
  const result = [...column]
  for (let bit = 1; bit < result.length; bit *= 2) {
    for (let i = 0; i < result.length; i++) if (i & bit) result[i]! -= result[i ^ bit]!
  }
  return result
}

// ---------------------------------------------------------------- output

/** log2 of an error as a decimal with two digits, rounded towards the worse. */
function errorBits(error: bigint): string {
  const bits = Number(PRECISION) - Math.log2(Number(error >> 200n)) - 200
  return (Math.floor(bits * 100) / 100).toFixed(2)
}

function constantsOf(table: Table): readonly Constant[] {
  return table.specification.constants?.(table.resultBits) ?? []
}

function describe(table: Table): string[] {
  const { meaning, side } = table.specification
  const bound = `within 2^-${errorBits(table.error)} of it`
  return [
    `${meaning}, at scale 2^${table.resultBits}:`,
    { below: `never above the function and ${bound}.`, near: `${bound}.`, exactAtZero: `${bound}, and exact at 0.` }[
      side
    ],
  ]
}

function circomTable(table: Table): string {
  const { name, indexBits, offsetBits } = table.specification
  const columns = offsetBits.concat(0).map((_, k) => moebius(table.coefficients.map((segment) => segment[k]!)))
  const constants = constantsOf(table).map(
    (constant) => `// ${constant.meaning}.\nfunction ${name}${constant.name}() {\n    return ${constant.value};\n}\n\n`,
  )
  const rows = columns.map((column) => `        [\n${column.map((c) => `            ${c}`).join(',\n')}\n        ]`)
  return `pragma circom 2.2.3;

// Written by scripts/generateTables.ts; do not edit.
${describe(table)
  .map((line) => `// ${line}`)
  .join('\n')}

function ${name}ArgumentBits() {
    return ${indexBits + offsetBits[0]!};
}

function ${name}IndexBits() {
    return ${indexBits};
}

function ${name}Degree() {
    return ${offsetBits.length};
}

function ${name}OffsetBits() {
    return [${offsetBits.join(', ')}];
}

function ${name}ResultBits() {
    return ${table.resultBits};
}

// The result at argument 0.
function ${name}AtZero() {
    return ${atZero(table)};
}

${constants.join('')}function ${name}Coefficients() {
    return [
${rows.join(',\n')}
    ];
}
`
}

function typescriptTables(tables: readonly Table[]): string {
  const parts = tables.map((table) => {
    const { name, indexBits, offsetBits } = table.specification
    const rows = table.coefficients.map((segment) => `    [${segment.map((c) => `${c}n`).join(', ')}],`)
    return `/** ${describe(table).join(' ')} */
export const ${name}: PolynomialTable = {
  indexBits: ${indexBits},
  offsetBits: [${offsetBits.join(', ')}],
  resultBits: ${table.resultBits},
  errorBits: ${errorBits(table.error)},
  coefficients: [
${rows.join('\n')}
  ],
}
${constantsOf(table)
  .map((constant) => `\n/** ${constant.meaning}. */\nexport const ${name}${constant.name} = ${constant.value}n\n`)
  .join('')}`
  })
  return `// Written by scripts/generateTables.ts; do not edit.
import type { PolynomialTable } from './piecewisePolynomial.ts'

${parts.join('\n')}`
}

export function generateTables(): ReadonlyMap<string, string> {
  const tables = specifications.map(tabulate)
  const files = new Map<string, string>()
  for (const table of tables) {
    files.set(`circuits/generated/tables/${table.specification.name}.circom`, circomTable(table))
  }
  files.set('prover/math/tables.generated.ts', typescriptTables(tables))
  return files
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const stale: string[] = []
  for (const [path, text] of generateTables()) {
    const target = join(ROOT, path)
    if (!check) {
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, text)
    } else if (readText(target) !== text) stale.push(path)
  }
  for (const path of stale) console.error(`stale: ${path}; run node scripts/generateTables.ts`)
  process.exitCode = stale.length > 0 ? 1 : 0
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
