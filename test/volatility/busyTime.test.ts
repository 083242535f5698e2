/** Busy time: the clock of the range mixture, what made its hours, and what a cheating prover could try against it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { busyHoursX6 } from '../../circuits/statements/index.ts'
import { readLongHistory } from '../../prover/market/histories.ts'
import { rangeOfCode } from '../../prover/market/range.ts'
import { busyStretchX6, busyTimeX6 } from '../../prover/volatility/busyTime.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { includedFiles } from '../../scripts/tools/compileCircom.ts'
import { type ModelTemplate, modelSource, modelTemplates } from '../../scripts/tools/mains/volatility.ts'
import { root } from '../../scripts/tools/sources.ts'

const WEEK = 604_800n
const { weekday, weekend } = busyHoursX6
/** Hours of a week from Thursday on. */
const hours = [weekday, weekday, weekend, weekend, weekday, weekday, weekday].flat()

describe('the profile', () => {
  it('V4: a week is as long in busy time as in time, and no second counts for less than half or for two', () => {
    expect(hours.reduce((sum, rate) => sum + rate, 0)).toBe(168 * 64)
    for (const rate of hours) {
      expect(rate).toBeGreaterThan(32)
      expect(rate).toBeLessThan(128)
    }
  })

  it('V4: counts every second of an hour alike, whatever the week', () => {
    const random = new Random(5n)
    for (let i = 0; i < 2000; i++) {
      const asOf = random.below(1n << 33n)
      const rate = BigInt(hours[Number((asOf % WEEK) / 3600n)] as number)
      expect(busyStretchX6(asOf, 1n)).toBe(rate)
      expect(busyStretchX6(asOf, WEEK)).toBe(WEEK << 6n)
    }
    // 2024-06-01 was a Saturday
    expect(busyStretchX6(BigInt(Date.UTC(2024, 5, 1, 16) / 1000), 3600n)).toBe(3600n * 82n)
    expect(busyStretchX6(BigInt(Date.UTC(2024, 5, 3, 16) / 1000), 3600n)).toBe(3600n * 112n)
  })

  const histories = (['BTC-USD', 'ETH-USD'] as const).map((market) => readLongHistory(market))
  it.skipIf(histories.includes(undefined))('V4: is what hourly ranges before 2022 say', () => {
    const sums = { weekday: Array<number>(24).fill(0), weekend: Array<number>(24).fill(0) }
    const counts = { weekday: Array<number>(24).fill(0), weekend: Array<number>(24).fill(0) }
    for (const history of histories) {
      const { rows = [] } = history ?? {}
      let average = 0.36
      for (const [i, { asOf, rangeCode, priceE8 }] of rows.entries()) {
        const before = rows[i - 1]
        if (before === undefined) continue
        const elapsed = Number(asOf - before.asOf)
        const move = Math.abs(Math.log(Number(priceE8) / Number(before.priceE8)))
        const range = Math.min(Math.max(Number(rangeOfCode(rangeCode)) / 2 ** 26, move), 0.16651)
        const variance = ((range * range) / (4 * Math.LN2)) * (31_536_000 / elapsed)
        const start = Number(asOf) - 1
        if (i >= 200 && start + 1 < Date.UTC(2022) / 1000 && elapsed <= 3700) {
          const [day, hour] = [Math.floor(start / 86_400) % 7, Math.floor(start / 3600) % 24]
          const of = day === 2 || day === 3 ? 'weekend' : 'weekday'
          // Volatility against its weekly average: less moved by single hours than variance.
          sums[of][hour] = (sums[of][hour] ?? 0) + Math.min(Math.sqrt(variance / average), 25)
          counts[of][hour] = (counts[of][hour] ?? 0) + 1
        }
        average += (1 - 2 ** (-elapsed / 604_800)) * (variance - average)
      }
    }
    const raw = (['weekday', 'weekend'] as const).map((of) =>
      sums[of].map((sum, hour) => (sum / (counts[of][hour] ?? 0)) ** 2),
    )
    const [days = [], ends = []] = raw
    const total = 5 * days.reduce((sum, rate) => sum + rate, 0) + 2 * ends.reduce((sum, rate) => sum + rate, 0)
    const scaled = (rate: number): number => (rate * 168 * 64) / total
    for (const [i, rate] of days.entries()) expect(Math.abs(scaled(rate) - (weekday[i] as number))).toBeLessThan(0.6)
    for (const [i, rate] of ends.entries()) expect(Math.abs(scaled(rate) - (weekend[i] as number))).toBeLessThan(0.6)
  })
})

const template = modelTemplates.find(({ name }) => name === 'BusyTime()') as ModelTemplate

/** A main file with all it includes in one text, so that a hint can be changed. */
function flatten(source: string): string {
  const files = [...includedFiles(source, '.')].map((file) => readFileSync(join(root, file), 'utf8'))
  const body = [...files, source].map((text) => text.replace(/^\s*(pragma|include)\b.*$/gm, ''))
  return `pragma circom 2.2.3;\n${body.join('\n')}`
}

describe('the circuit', () => {
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(modelSource(template))
  })

  const edges = [0n, 3599n, 3600n, 86_399n, 86_400n, WEEK - 1n, WEEK, 8191n * WEEK, 16_383n * WEEK].filter(
    (asOf) => asOf < 1n << 33n,
  )

  it('V4: equals the twin in every hour of a week, at their ends, and at 5,000 times', () => {
    const random = new Random(6n)
    const every = Array.from({ length: 168 }, (_, hour) => 1_000n * WEEK + BigInt(hour) * 3600n)
    const times = [...edges, ...every, ...every.map((asOf) => asOf - 1n), (1n << 33n) - 1n]
    for (let i = 0; i < 5000; i++) times.push(random.wide(33))
    for (const asOf of times) expect(circuit.outputs({ asOf: [asOf] }), `${asOf}`).toEqual([busyTimeX6(asOf)])
  })

  it.each([1_584_000_000n, 0n, WEEK - 1n])('V4: has one witness near its honest one at %s', (asOf) => {
    const witness = circuit.witness({ asOf: [asOf] })
    expect(circuit.violations(witness)).toEqual([])
    expect(circuit.movableWires(witness)).toEqual([])
    const { undetected } = circuit.tamper(witness, (value) => [value + 1n, value - 1n, 1n - value, -value, 0n])
    expect(undetected.filter((wire) => !wire.startsWith('main.asOf['))).toEqual([])
  })

  it('V4: takes times of 33 bits at their largest, and not one more', async () => {
    expect(circuit.accepts({ asOf: [(1n << 33n) - 1n] })).toBe(true)
    for (const beyond of [1n << 33n, -1n]) expect(circuit.accepts({ asOf: [beyond] })).toBe(false)
    const wider = { ...template, inputs: template.inputs.map((each) => ({ ...each, bits: 34 })) }
    await expect(compileCircuit(modelSource(wider))).rejects.toThrow()
  })

  /** Times at which the lie moves a part by its whole radix, so that only the bound of the part below can refuse it. */
  it.each([
    [
      'a week less, and seven days more',
      1_584_000_000n,
      [
        ['(asOf \\ 86400) % 7', '((asOf \\ 86400) % 7) + 7'],
        ['asOf \\ weekSeconds()', '(asOf \\ weekSeconds()) - 1'],
      ],
    ],
    [
      'Thursday as the eighth day of the week before',
      2_600n * WEEK,
      [
        ['(asOf \\ 86400) % 7', '7'],
        ['asOf \\ weekSeconds()', '(asOf \\ weekSeconds()) - 1'],
      ],
    ],
    [
      'a day less, and hour 24',
      2_600n * WEEK + 86_400n,
      [
        ['(asOf \\ 86400) % 7', '((asOf \\ 86400) % 7) - 1'],
        ['(asOf \\ 3600) % 24', '24'],
      ],
    ],
    [
      'a day less, and 24 hours more',
      2_600n * WEEK + 2n * 86_400n + 7n * 3600n,
      [
        ['(asOf \\ 86400) % 7', '((asOf \\ 86400) % 7) - 1'],
        ['(asOf \\ 3600) % 24', '((asOf \\ 3600) % 24) + 24'],
      ],
    ],
    ['an hour less, and second 3600', 2_600n * WEEK + 7_200n, [['(asOf \\ 3600) % 24', '((asOf \\ 3600) % 24) - 1']]],
    [
      'an hour less, and 3600 seconds more',
      2_600n * WEEK + 7_695n,
      [['(asOf \\ 3600) % 24', '((asOf \\ 3600) % 24) - 1']],
    ],
    [
      'an hour more, and seconds below zero',
      2_600n * WEEK + 7_200n,
      [['(asOf \\ 3600) % 24', '((asOf \\ 3600) % 24) + 1']],
    ],
    ['no week at all', 1_584_000_000n, [['asOf \\ weekSeconds()', '0']]],
    [
      'a week of the field',
      1_584_000_000n + 5n,
      [
        ['asOf \\ weekSeconds()', 'asOf / weekSeconds()'],
        ['(asOf \\ 86400) % 7', '0'],
        ['(asOf \\ 3600) % 24', '0'],
      ],
    ],
  ] as [string, bigint, [string, string][]][])('V4: refuses %s', async (_, asOf, lies) => {
    const source = flatten(modelSource(template))
    const honest = await compileCircuit(source)
    let forged = source
    for (const [hint, lie] of lies) {
      expect(source.split(`<-- ${hint};`).length).toBe(2)
      forged = forged.replace(`<-- ${hint};`, () => `<-- ${lie};`)
    }
    const forced = await compileCircuit(forged, { tolerant: true })
    expect(forced.hasConstraintsOf(honest)).toBe(true)
    expect(honest.violations(honest.witness({ asOf: [asOf] }))).toEqual([])
    expect(honest.violations(forced.witness({ asOf: [asOf] })).length).toBeGreaterThan(0)
  })
})
