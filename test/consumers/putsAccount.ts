import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import type { ProvableMargin } from '../../prover/portfolio/accountMargin.ts'
import { marginOf } from '../../prover/service/answers/margins.ts'
import { E12 } from '../../scripts/tools/chains/portfolioEngine.ts'

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

/** An account of puts of one strike, and of perpetuals, in a market at a time and a price. */
export async function putsAccount(
  spot: string,
  at: number,
  cashE12: bigint,
  puts: string,
  perps = '0',
): Promise<ProvableMargin> {
  const file = {
    account: {
      cash: `${cashE12 < 0n ? '-' : ''}${magnitude(cashE12) / E12}.${String(magnitude(cashE12) % E12).padStart(12, '0')}`,
      perps: { quantity: perps },
      options: [{ instrument: 'BTC-27MAR26-60000-P', quantity: puts }],
    },
    market: {
      currency: 'BTC',
      asOf: at,
      spot,
      expiries: [
        {
          expiry: '2026-03-27',
          forward: spot,
          rate: '0.04',
          svi: { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' },
        },
      ],
    },
  }
  return (await marginOf(readPortfolio(JSON.stringify(file), 'portfolio.json'))).provable
}
