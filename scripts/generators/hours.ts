/** The profile of hours as circom functions: rates, and what has passed of a day when an hour starts. */
import type { busyHoursX6 } from '../../circuits/statements/index.ts'
import { type Generated, notice } from './text.ts'

const HOURS_A_GROUP = 8

/** Coefficients of products of index bits from values by index: a value is the sum over the sets within its index. */
function bySetOfBits(values: readonly number[]): readonly number[] {
  const coefficients = [...values]
  for (let bit = 1; bit < values.length; bit *= 2) {
    for (let i = 0; i < values.length; i++) {
      if ((i & bit) !== 0) coefficients[i] = (coefficients[i] ?? 0) - (coefficients[i - bit] ?? 0)
    }
  }
  return coefficients
}

const groups = (hours: readonly number[]): string[] =>
  [0, 1, 2].map((group) => {
    const values = hours.slice(group * HOURS_A_GROUP, (group + 1) * HOURS_A_GROUP)
    return `        [${bySetOfBits(values).join(', ')}]`
  })

const before = (rates: readonly number[]): number[] => {
  let passed = 0
  return rates.map((rate) => {
    const start = passed
    passed += 3600 * rate
    return start
  })
}

const sum = (rates: readonly number[]): number => rates.reduce((total, rate) => total + rate, 0)

export function circomHours({ weekday, weekend }: typeof busyHoursX6): Generated {
  const table = (name: string, of: (rates: readonly number[]) => readonly number[]): string[] => [
    `function ${name}() {`,
    '    return [',
    [...groups(of(weekday)), ...groups(of(weekend))].join(',\n'),
    '    ];',
    '}',
    '',
  ]
  return {
    'circuits/generated/busyHours.circom': [
      `// ${notice}`,
      'pragma circom 2.2.3;',
      '',
      '/** Busy seconds a second, X6: eight hours a row, weekdays and then weekends, coefficients by set of index bits. */',
      ...table('busyRatesX6', (rates) => rates),
      '/** Busy seconds of the day when an hour starts, X6, in the same order. */',
      ...table('busyBeforeX6', before),
      '/** Busy seconds of a day, X6. */',
      `function busyWeekdayX6() { return ${3600 * sum(weekday)}; }`,
      `function busyWeekendX6() { return ${3600 * sum(weekend)}; }`,
      '',
    ].join('\n'),
  }
}
