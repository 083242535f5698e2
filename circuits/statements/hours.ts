/**
 * How busy the hours of a day are, UTC, from midnight on: variance of returns over that of the mean hour of a week, X6. A week's
 * hours add up to 168 · 64, so over whole weeks busy time passes as time does.
 *
 * Measured on hourly ranges of BTC and ETH of 2019 to 2021 (docs/backtest.md); later years chose nothing here. The full
 * hours of funding and the opening of Europe and of New York stand out, and weekends are quiet.
 */
export const busyHoursX6 = {
  weekday: [100, 62, 50, 50, 50, 47, 51, 57, 71, 62, 70, 67, 88, 90, 103, 94, 112, 61, 64, 57, 72, 63, 62, 63],
  weekend: [77, 46, 37, 41, 44, 41, 35, 33, 48, 45, 51, 52, 60, 49, 55, 52, 82, 49, 42, 46, 54, 52, 63, 57],
} as const satisfies Readonly<Record<'weekday' | 'weekend', readonly number[]>>
