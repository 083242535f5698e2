/** A function tabulated by segments; written by scripts/generateTables.ts. */
export type PolynomialTable = {
  /** 2^indexBits segments. */
  readonly indexBits: number
  /** Bits of the offset used at each level; level 0 sees all of them. */
  readonly offsetBits: readonly number[]
  /** Fraction bits of the result. */
  readonly resultBits: number
  /** The result is within 2^-errorBits of the function. */
  readonly errorBits: number
  /** [segment][power]. */
  readonly coefficients: readonly (readonly bigint[])[]
}

/** Width of the arguments a table takes. */
export function argumentBits(table: PolynomialTable): number {
  return table.indexBits + table.offsetBits[0]!
}

/**
 * Twin of `circuits/math/PiecewisePolynomial.circom`: upper bits choose a segment, lower ones are the offset from its
 * centre, cut to fewer bits at each inner level of Horner's rule.
 *
 * @param argument - in [0, 2^argumentBits(table)); callers cut it to that width
 * @param carry - 0 or 1, added to the offset, which may so reach the segment's end; seen by levels that use all its bits
 * @returns the function at scale 2^resultBits, untruncated
 */
export function evaluatePiecewise(table: PolynomialTable, argument: bigint, carry = 0n): bigint {
  const allOffsetBits = table.offsetBits[0]!
  const segment = table.coefficients[Number(argument >> BigInt(allOffsetBits))]!
  const offset = argument & ((1n << BigInt(allOffsetBits)) - 1n)

  return segment.reduceRight((inner, coefficient, level) => {
    const bits = table.offsetBits[level] ?? 1
    const cut = (offset >> BigInt(allOffsetBits - bits)) - (1n << BigInt(bits - 1))
    return inner * (bits === allOffsetBits ? cut + carry : cut) + coefficient
  }, 0n)
}
