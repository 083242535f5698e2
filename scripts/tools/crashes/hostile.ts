/** Somebody who knows when the agent will trade and which way, and trades about it in the pool. */
import type { Chain } from '../chains/chain.ts'
import type { Hedged } from './hedger.ts'
import type { CrashPool } from './pool.ts'

/**
 * `sandwich` trades ahead of the agent the same way and back behind it. `holdOff` moves the pool from its mean, so that the agent is
 * refused, and back. `forerun` trades a minute ahead, once the agent has shown that it is not done.
 */
export type Hostile = 'sandwich' | 'holdOff' | 'forerun'

/** What is tried, as shares of the assets of all longs, the way that the agent goes; the best of them is done. */
const TRIED = { sandwich: [0.001, 0.003, 0.01, 0.03, 0.1], holdOff: [0.12, -0.12, 0.18, -0.18] } as const
/** What is bought or sold ahead of the agent, as such a share. */
const AHEAD = 0.005

type Place = { readonly chain: Chain; readonly pool: CrashPool; readonly longs: number }

/** What the agent came to, and what the attack brought; negative: cost. */
type Attacked = { readonly hedged: Hedged; readonly gain: number }

const isRefused = (hedged: Hedged): boolean => 'refusal' in hedged

/**
 * Has the agent trade amid an attack.
 *
 * @param gap - that the agent is to close
 */
export async function attacked(
  kind: keyof typeof TRIED,
  { chain, pool, longs }: Place,
  gap: number,
  trade: () => Promise<Hedged>,
): Promise<Attacked> {
  const amid = async (share: number): Promise<Attacked> => {
    const assets = Math.sign(gap) * share * longs
    const first = await pool.trade(assets)
    const hedged = await trade()
    return { hedged, gain: -(first + (await pool.trade(-assets))) }
  }
  const tried: { readonly share: number; readonly gain: number }[] = []
  for (const share of [0, ...TRIED[kind]]) {
    const { hedged, gain } = await chain.undone(() => amid(share))
    await pool.look()
    if (share === 0 && isRefused(hedged)) return amid(0)
    if (share !== 0 && (kind === 'sandwich' || isRefused(hedged))) tried.push({ share, gain })
  }
  const [best] = tried.toSorted((a, b) => b.gain - a.gain)
  return amid(best?.share ?? 0)
}

/** A position taken ahead of the agent, and hedged elsewhere at the observed price. */
export class Forerunner {
  readonly #place: Place
  #open: { readonly assets: number; readonly cost: number; readonly price: number } | undefined

  constructor(place: Place) {
    this.#place = place
  }

  /** Goes back to nothing; what was gained. */
  async close(price: number): Promise<number> {
    if (this.#open === undefined) return 0
    const { assets, cost, price: before } = this.#open
    this.#open = undefined
    return -(cost + (await this.#place.pool.trade(-assets))) - assets * (price - before)
  }

  /** @param gap - that the agent has left open */
  async open(gap: number, price: number): Promise<void> {
    const assets = Math.sign(gap) * AHEAD * this.#place.longs
    this.#open = { assets, cost: await this.#place.pool.trade(assets), price }
  }
}
