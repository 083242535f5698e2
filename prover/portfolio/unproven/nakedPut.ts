import { min, shiftRightDown, shiftRightUp, subtractOrZero } from '../../math/index.ts'

/**
 * Margin of a put sold without cover: min(strike, shock·spot)·bound + max(strike − shock·spot, 0) per option, E20,
 * rounded up.
 *
 * The bound is the most that a put struck at the forward may cost, as a fraction of its strike and by its time to expiry; a
 * strike above the shocked spot pays the difference in full besides. The rule of Opyn's GammaProtocol.
 *
 * @param shortQuantityE12 - options sold, at least 0
 * @param upperBoundX40 - looked up by the caller for the time to expiry
 * @param spotShockX40 - at most 1
 * @example
 * nakedPutMarginUp(10n ** 12n, 60_000n * 10n ** 8n, 70_000n * 10n ** 8n, 1n << 38n, 1n << 39n) // → 33_750n * 10n ** 20n
 */
export function nakedPutMarginUp(
  shortQuantityE12: bigint,
  strikeE8: bigint,
  spotE8: bigint,
  upperBoundX40: bigint,
  spotShockX40: bigint,
): bigint {
  const shockedE8 = shiftRightDown(spotE8 * spotShockX40, 40)
  const intrinsic = subtractOrZero(strikeE8, shockedE8)
  return shiftRightUp(shortQuantityE12 * (min(strikeE8, shockedE8) * upperBoundX40 + (intrinsic << 40n)), 40)
}
