/** An amount of money as people read it, grouped by thousands: cents, and more where it is small. */
export function amount(value: number): string {
  const decimals = value !== 0 && Math.abs(value) < 1 ? 6 : 2
  const text = Math.abs(value).toLocaleString('en-GB', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  return value < 0 ? `−${text}` : text
}

/** A price to about five digits, thousands separated: `7,934.1`. */
export function price(value: number): string {
  const decimals = Math.min(20, Math.max(0, 4 - Math.floor(Math.log10(value))))
  return value.toLocaleString('en-GB', {
    minimumFractionDigits: Math.min(8, decimals),
    maximumFractionDigits: decimals,
  })
}

/** A price: cents as money has, and digits enough of one that is small. */
export const priceWords = (value: number): string => (value > 0 && value < SMALL_PRICE ? price(value) : amount(value))

const SMALL_PRICE = 0.01
