/** Figures as people read them: the same in tables, reports and messages. */
import { plainPrice, type Units } from '../../market/priceScale.ts'
import type { Greeks } from '../../options/real.ts'

/** An exact price from units of 1e-8, without trailing zeros: 793412000000 → `7934.12`. */
export const exactPrice = plainPrice

/** A fraction in per cent: 0.02351 → `2.35 %`. */
export function percent(fraction: number, decimals = 2): string {
  return `${(100 * fraction).toFixed(decimals)} %`
}

/** Unix seconds as `2020-03-12 10:00`, UTC; seconds only where there are any. */
export function utcTime(asOf: bigint | number): string {
  const iso = new Date(Number(asOf) * 1000).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(17, 19) === '00' ? iso.slice(11, 16) : iso.slice(11, 19)}`
}

/** Money from units of 1e-8, exact and signed, without trailing zeros: −123450000 → `-1.2345`; of a share of it where units say so. */
export function exactMoney(valueE8: bigint, units?: Units): string {
  return valueE8 < 0n ? `-${exactPrice(-valueE8, units)}` : exactPrice(valueE8, units)
}

/** Unix seconds as `2020-03-12T10:00:00Z`. */
export function isoTime(asOf: bigint | number): string {
  return new Date(Number(asOf) * 1000).toISOString().replace('.000Z', 'Z')
}

/** A duration as people say it, in its two largest units: `2 h 5 min`, `48 h`, `40 s`. */
export function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60)
  const parts: readonly (readonly [number, string])[] =
    days >= 3
      ? [
          [days, 'd'],
          [hours % 24, 'h'],
        ]
      : hours > 0
        ? [
            [hours, 'h'],
            [minutes % 60, 'min'],
          ]
        : [
            [minutes, 'min'],
            [Math.floor(seconds % 60), 's'],
          ]
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
  return said.length === 0 ? '0 s' : said.join(' ')
}

/** Greeks in the units that traders quote, which their names say: the same in tables and in JSON. */
export type QuotedGreeks = {
  readonly delta: number
  readonly gamma: number
  readonly vegaPerPoint: number
  readonly thetaPerDay: number
  readonly rhoPerPoint: number
}

/** Per point of volatility and of rate, and per day, from per 1.00 and per year. */
export function quotedGreeks({ delta, gamma, vega, theta, rho }: Greeks): QuotedGreeks {
  return { delta, gamma, vegaPerPoint: vega / 100, thetaPerDay: theta / 365, rhoPerPoint: rho / 100 }
}
