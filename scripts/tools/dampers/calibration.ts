/** How far forced sales moved one venue beside others: lows of perpetuals below those of spot, in the bars of crashes. */
import type { Recording } from './crashes.ts'

export type Dislocation = {
  /** Log return by which the perpetual's low was further below its close's place beside spot. */
  readonly further: number
  readonly asOf: number
}

/** A perpetual and what its asset went for elsewhere, by the names of their recordings. */
const pairs: readonly { readonly perpetual: string; readonly spot: readonly string[] }[] = [
  { perpetual: 'BTC perpetual 2020–2024, hours', spot: ['BTC 2019–2022, hours', 'BTC 2022–2024, hours'] },
  {
    perpetual: 'ETH perpetual 2020–2024, hours',
    spot: ['ETH dislocated venue 2020–2021, hours', 'ETH 2022–2024, hours'],
  },
]

/** Dislocations by perpetual, the furthest first; of pairs that are not all there, none. */
export function dislocations(recordings: readonly Recording[]): ReadonlyMap<string, readonly Dislocation[]> {
  const named = new Map(recordings.map((recording) => [recording.name, recording]))
  const found = pairs.flatMap(({ perpetual, spot }) => {
    const [mine, others] = [named.get(perpetual), spot.map((name) => named.get(name))]
    if (mine === undefined || others.includes(undefined)) return []
    const bars = new Map(others.flatMap((other) => (other?.bars ?? []).map((bar) => [bar.asOf, bar])))
    const hours = mine.crashes.flatMap(({ falls, last }) => mine.bars.slice(falls, last + 1))
    const further = hours.flatMap(({ asOf, low, close }): readonly Dislocation[] => {
      const other = bars.get(asOf)
      return other === undefined ? [] : [{ further: Math.log(other.low / low) - Math.log(other.close / close), asOf }]
    })
    return [[perpetual, further.toSorted((a, b) => b.further - a.further)] as const]
  })
  return new Map(found)
}
