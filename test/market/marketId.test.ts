/** Names of markets from their ids, which whoever governs a registry, or a node that lies, chooses. */
import { encodeBytes32String } from 'ethers'
import { describe, expect, it } from 'vitest'
import { marketIdOf, marketNameOf } from '../../prover/market/marketId.ts'

describe('the name of a market', () => {
  it('is what its id spells, of shadows and of names that this version would not give too', () => {
    for (const name of ['BTC-USD', 'BTC-USD~garch', 'S&P 500 (cash)'])
      expect(marketNameOf(name.startsWith('B') ? marketIdOf(name) : encodeBytes32String(name))).toBe(name)
  })

  it.each([
    ['a terminal would obey', '\u001b[2J\u001b[HBTC-USD'],
    ['looks like another line', 'BTC-USD\nETH-USD'],
    ['is shown backwards', '\u202eDSU-CTB'],
    ['is not seen', 'BTC-USD\u200b'],
    ['is a shadow’s', 'BTC-USD~garch'],
  ])('is its id where what that spells %s', (_, name) => {
    const id = encodeBytes32String(name)
    expect(marketNameOf(id)).toBe(id)
  })
})
