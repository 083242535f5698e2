/** What `zkrisk read --account` says of an account's margins: in force, stale, of other positions, not proven. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import { readAccount, readPortfolioRegistry } from '../../prover/registry/portfolio/inForce.ts'
import { accountReading, portfolioReading, type Reading } from '../../prover/service/answers/inForce.ts'
import { formatReading } from '../../prover/service/text/inForceTable.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E12,
  E8,
  freshness,
  marginsWord,
  PortfolioEngine,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((strike) => strike * 1000n * E8) }
const stranger = `0x${'ab'.repeat(20)}`

let engine: PortfolioEngine
let account: Account
let round: RoundWords
let books: readonly ProvenPortfolio[]

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  account = {
    signer: (await engine.chain.signers[7]?.getAddress()) as string,
    positions: [{ expiry: EXPIRY, strikeE8: key.strikesE8[0] as bigint, callsE12: -E12, putsE12: 0n }],
    holdings: { perpsE12: -2n * E12, cashE12: 1n, perpPnlE12: 0n },
    collateralAmounts: amountsWords(5n, 6n),
  }
  await engine.report(account)
  round = await engine.round([EXPIRY])
  await mined(engine.landArrays(round, [key]))
  books = await engine.books(round, account, [key])
})

const reading = async (of = account.signer) => accountReading(await readAccount(engine.client, of))

async function landMargin(maintenanceE8: bigint): Promise<void> {
  const word = marginsWord({ initialE8: -7n * E8 - 5n, maintenanceE8 })
  const margin = await engine.margin(round, [account], [books], { margins: [word, word, word] })
  await mined(engine.send(engine.marginCall(round, [{ account: account.signer, books }], margin)))
}

/** Of a registry of markets, nothing. */
const nowhere: Reading = {
  ...{ chainId: '31337', block: 1, time: '2026-02-05T04:30:00Z', registry: stranger, modelRegistry: stranger },
  ...{
    council: stranger,
    maxParameterAgeSeconds: 3600,
    markets: [],
    untaken: [],
    roles: [],
    portfolio: null,
    accounts: [],
  },
  crossAccounts: [],
  openInterest: null,
}

describe('an account as it is read', () => {
  test('without any evidence has no margin, reported or not', async () => {
    const nothing = { status: 'not-proven', aboveInitialMarginQuote: null, ageSeconds: null, forLiquidation: null }
    expect(await reading()).toMatchObject({ ...nothing, reports: 1, market: 'BTC-USD', quoteCurrency: 'USD' })
    expect(await reading(stranger)).toMatchObject({ ...nothing, reports: 0 })
  })

  test('has its margins in money, to the last digit, and is stale from the first second after its age', async () => {
    await engine.chain.undone(async () => {
      await landMargin(-E8 / 4n)
      await engine.chain.setTime(round.asOf + freshness.maxMarginAgeSeconds)
      expect(await reading()).toMatchObject({
        status: 'in-force',
        ageSeconds: 3600,
        maxAgeSeconds: 3600,
        aboveInitialMarginQuote: '-7.00000005',
        aboveMaintenanceMarginQuote: '-0.25',
        forLiquidation: { liquidatable: true, aboveMaintenanceMarginQuote: '-0.25', ageSeconds: 3600 },
      })
      await engine.chain.setTime(round.asOf + freshness.maxMarginAgeSeconds + 1n)
      expect(await reading()).toMatchObject({ status: 'stale', aboveMaintenanceMarginQuote: '-0.25' })
    })
  })

  test('is written with amounts as tables of margins write them, to the cent, and exact in JSON', async () => {
    await engine.chain.undone(async () => {
      await landMargin(-1234n * E8 - 5n)
      const read = await reading()
      expect(read.aboveMaintenanceMarginQuote).toBe('-1234.00000005')
      const place = { ...nowhere, accounts: [read] }
      expect(formatReading(place)).toMatch(/above maintenance margin +−1,234\.00 USD/)
      expect(formatReading(place)).toMatch(/above initial margin +−7\.00 USD/)
    })
  })

  test('has levels of spot in digits enough of a price that is small, and to the cent of one that is not', async () => {
    const read = { ...(await reading()), ageSeconds: 1, roundLagSeconds: 0, hasThresholds: true }
    const text = (liquidationBelowQuote: string, liquidationAboveQuote: string | null) =>
      formatReading({ ...nowhere, accounts: [{ ...read, liquidationBelowQuote, liquidationAboveQuote }] })
    expect(text('0.00000038112', null)).toContain('falls to 0.00000038112 USD, rises to none')
    expect(text('0.009', '71234.5')).toContain('falls to 0.0090000 USD, rises to 71,234.50 USD')
  })

  test('has the lag of its round, beside what lag and gap its registry takes', async () => {
    await engine.chain.undone(async () => {
      await landMargin(-E8)
      expect(await reading()).toMatchObject({ roundLagSeconds: 0 })
      const { asOf } = await engine.round([EXPIRY], 90n)
      await mined(engine.arrays.getFunction('setRoundPriceGap')(2_550n))
      await engine.chain.setTime(asOf + 7n)
      const account = await reading()
      expect(account).toMatchObject({ status: 'in-force', roundLagSeconds: Number(asOf - round.asOf) })
      const portfolio = portfolioReading(await readPortfolioRegistry(engine.client))
      expect(portfolio).toEqual({
        ...{ registry: engine.client.registry, arrays: engine.arrays.target, market: 'BTC-USD', policyVersion: 1 },
        newestRound: { asOf: new Date(Number(asOf) * 1000).toISOString().replace('.000Z', 'Z'), ageSeconds: 7 },
        ...{ maxRoundAgeSeconds: 600, maxRoundLagSeconds: 300, maxMarginAgeSeconds: 3600, maxPriceGapPercent: 25.5 },
      })
      const text = formatReading({ ...nowhere, portfolio, accounts: [account] })
      expect(text).toContain('up to 10 min old, 5 min behind the newest (lag), prices 25.5 % apart (gap)')
      expect(text).toMatch(/newest round +2\S+, 7 s old/)
      expect(text).toMatch(/old of 1 h, 1 min \d+ s behind the newest round; report 1 of 1/)
    })
  })

  test('is of other positions after another report, and R50: to be liquidated by what was proven before it', async () => {
    for (const [maintenanceE8, liquidatable] of [
      [-1n, true],
      [0n, false],
    ] as const) {
      await engine.chain.undone(async () => {
        await landMargin(maintenanceE8)
        await engine.report(account)
        expect(await reading()).toMatchObject({
          ...{ status: 'of-other-positions', reports: 2, provenReport: 1 },
          forLiquidation: { liquidatable },
        })
      })
    }
  })

  test('may be liquidated by a witness alone, of which no margin was proven', async () => {
    await engine.chain.undone(async () => {
      const witness = await engine.witness(round, account, books)
      await mined(engine.send(engine.witnessCall(round, { account: account.signer, books }, witness)))
      expect(await reading()).toMatchObject({
        ...{ status: 'not-proven', aboveMaintenanceMarginQuote: null },
        forLiquidation: { liquidatable: true, aboveMaintenanceMarginQuote: null },
      })
    })
  })
})
