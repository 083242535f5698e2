/**
 * The tabulated functions to 150 bits by other means than scripts/generateTables.ts: a reference that shares no code, no
 * series and no table with what it judges. Reals are bigints scaled by 2^PRECISION.
 */
export const PRECISION = 192n
const ONE = 1n << PRECISION

/** A fixed-point number as a real. */
export function real(value: bigint, fractionBits: number): bigint {
  return (value << PRECISION) >> BigInt(fractionBits)
}

/** ln of a positive integer: binary digits of its base-2 logarithm by repeated squaring, times ln 2. */
export function referenceLn(integer: bigint): bigint {
  const exponent = integer.toString(2).length - 1
  let mantissa = (integer << PRECISION) >> BigInt(exponent)
  let log2 = BigInt(exponent)
  for (let i = 0; i < 150; i++) {
    mantissa = (mantissa * mantissa) >> PRECISION
    const digit = mantissa >> (PRECISION + 1n)
    mantissa >>= digit
    log2 = 2n * log2 + digit
  }
  return (((log2 << PRECISION) >> 150n) * LN2) >> PRECISION
}

/** ln 2 = Σ 1 / (k·2^k). */
const LN2 = (() => {
  let sum = 0n
  for (let k = 1n; k <= PRECISION + 8n; k++) sum += (ONE >> k) / k
  return sum
})()

/** e^a: powers of e^(2^-i), each by its series, for the set bits of a. */
export function referenceExp(a: bigint): bigint {
  if (a < 0n) return (ONE * ONE) / referenceExp(-a)
  let result = ONE
  for (let i = 0; a >> BigInt(i) !== 0n; i++) {
    if ((a >> BigInt(i)) & 1n) result = (result * expOfPower(i)) >> PRECISION
  }
  return result
}

const powers = new Map<number, bigint>()

/** e^(2^(i - PRECISION)). */
function expOfPower(i: number): bigint {
  const known = powers.get(i)
  if (known !== undefined) return known
  let value: bigint
  if (BigInt(i) > PRECISION - 2n) {
    const half = expOfPower(i - 1)
    value = (half * half) >> PRECISION
  } else {
    value = ONE
    let term = ONE
    for (let n = 1n; term !== 0n; n++) {
      term = ((term << BigInt(i)) / n) >> PRECISION
      value += term
    }
  }
  powers.set(i, value)
  return value
}

/** 2^-a. */
export function referenceExp2Negative(a: bigint): bigint {
  return (ONE * ONE) / referenceExp((a * LN2) >> PRECISION)
}

/** The standard normal density; 1/√(2π) from its published decimals (OEIS A231863). */
export function referenceNormalPdf(a: bigint): bigint {
  return (INVERSE_SQRT_2PI * referenceExp(-((a * a) >> (PRECISION + 1n)))) >> PRECISION
}

const DECIMALS =
  '39894228040143267793994605993438186847585863116493465766592582967065792589930183850125233390730693643030255886263518268551'
const INVERSE_SQRT_2PI = (BigInt(DECIMALS) << PRECISION) / 10n ** BigInt(DECIMALS.length)

/** Its distribution function by the alternating Maclaurin series Σ (-1)^k a^(2k+1) / (2^k k! (2k+1)), with guard bits. */
export function referenceNormalCdf(a: bigint): bigint {
  const guard = 80n // the terms reach e^(a²/2), 2^58 at 9, before they cancel
  const wide = PRECISION + guard
  const x = a << guard
  const square = (x * x) >> wide
  let power = x
  let sum = 0n
  for (let k = 0n; power !== 0n && power !== -1n; k++) {
    sum += power / (2n * k + 1n)
    power = -((power * square) >> wide) / (2n * (k + 1n))
  }
  return ONE / 2n + ((((INVERSE_SQRT_2PI << guard) * sum) >> wide) >> guard)
}
