/** An amount of money as people read it, grouped by thousands: cents, and more where it is small. */
export function amount(value: number): string {
  const decimals = value !== 0 && Math.abs(value) < 1 ? 6 : 2
  const text = Math.abs(value).toLocaleString('en-GB', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  return value < 0 ? `−${text}` : text
}
