/** Accounts over two markets, proven by the circuits that ship and held by a contract on a development chain. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPortfolioOverMarkets } from '../../prover/portfolio/input/markets.ts'
import { accountAnswer, type CrossAnswer } from '../../prover/service/answers/accountMargins.ts'
import { crossProofJson, formatCrossProof, proveCross } from '../../prover/service/answers/crossProof.ts'
import { root } from '../../scripts/tools/sources.ts'

const example = readFileSync(join(root, 'docs', 'examples', 'two-markets.json'), 'utf8')
type Json = ReturnType<typeof JSON.parse>

async function togetherOf(bend: (file: Json) => void = () => {}): Promise<CrossAnswer> {
  const file = JSON.parse(example)
  bend(file)
  const { together } = await accountAnswer(readPortfolioOverMarkets(JSON.stringify(file), 'two.json'))
  if (together === undefined) throw new TypeError('one market')
  return together
}
const proofOf = (together: CrossAnswer) => proveCross(together, () => {})

describe('L30 L31 L32 R104: an account over two markets', () => {
  it('has options, perpetuals and collateral of both proven, with its spread credit, and held to the last digit', async () => {
    const together = await togetherOf((file) => {
      // Collateral that moves with the second market's spot.
      file.account.collaterals.push({ asset: 'ETH', amount: '5' })
      file.markets.ETH.collaterals = [{ asset: 'ETH', price: '2080' }]
      file.parameters.collaterals.push({
        asset: 'ETH',
        maintenanceHaircut: 0.1,
        initialHaircut: 0.1,
        movesWithSpot: true,
      })
    })
    expect(together.spreadCredit).toBeGreaterThan(1_000)
    const { margins } = together.provable.margin
    const proof = await proofOf(together)
    expect(proof.held).toMatchObject(margins)
    expect(proof.proofs.map(({ statement }) => statement).toSorted()).toEqual([
      'crossMargins',
      'optionBook',
      'optionBook',
      'riskArray',
      'riskArray',
    ])
    expect(proof.gas.margin).toBeLessThan(800_000)
    expect(crossProofJson(proof)).toMatchObject({ proven: true, held: { im: Number(margins.initialE8) / 1e8 } })
    expect(formatCrossProof(proof)).toContain('2 risk arrays, 2 books, 1 margin')
  })

  it('without options takes one proof', async () => {
    const together = await togetherOf((file) => (file.account.options = []))
    const { held, proofs, gas } = await proofOf(together)
    expect(held).toMatchObject(together.provable.margin.margins)
    expect(proofs.map(({ statement }) => statement)).toEqual(['crossMargins'])
    expect(gas.arrays).toBe(0)
  })

  it('over three is computed, and refused by name where it is to be proven', async () => {
    const together = await togetherOf((file) => {
      file.markets.SOL = { asOf: file.markets.BTC.asOf, spot: '100' }
      file.account.perps.push({ currency: 'SOL', quantity: '-100' })
      file.parameters.spreadCredits.SOL = 0.1
    })
    expect(together.legs.map(({ currency }) => currency)).toEqual(['BTC', 'ETH', 'SOL'])
    await expect(proofOf(together)).rejects.toMatchObject({ code: 'service.prove-over-markets', markets: 3 })
  })
})
