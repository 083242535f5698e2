/** The open interest as a whole: every account with positions once, as it stood when the count was opened, and nothing else. */
import type { Contract } from 'ethers'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PortfolioLedger } from '../../prover/audit/portfolio/ledger.ts'
import { addAccount, nothingCounted, type OpenInterest } from '../../prover/registry/portfolio/openInterest.ts'
import { policyWordsOf, type ProvenPortfolio, type RoundWords } from '../../prover/registry/index.ts'
import { readOpenInterest } from '../../prover/registry/portfolio/inForce.ts'
import { openInterestReading } from '../../prover/service/answers/inForce.ts'
import { openInterestLines } from '../../prover/service/text/inForceTable.ts'
import { countCall, type RegistryCall } from '../../prover/registry/portfolio/calldata.ts'
import type { SectionWords } from '../../prover/statement/state.ts'
import { pack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E8,
  E12,
  freshness,
  MARKET,
  marginsWord,
  policy,
  PortfolioEngine,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((k) => k * 1000n * E8) }
const MAX_COUNT_AGE = 4n * freshness.maxMarginAgeSeconds

let engine: PortfolioEngine
let counts: Contract
let signers: readonly string[]
/** Three with perpetuals, of which the first is short. */
let accounts: readonly [Account, Account, Account]

const holding = (signer: string, perpsE12: bigint, cashE12 = 100n * E12): Account => ({
  signer,
  positions: [],
  holdings: { perpsE12, cashE12, perpPnlE12: 0n },
  collateralAmounts: amountsWords(),
})

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  counts = engine.counts
  const addresses = await Promise.all(
    [4, 5, 6, 7, 8].map(async (i) => (await engine.chain.signers[i]?.getAddress()) ?? ''),
  )
  signers = addresses.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const [first = '', second = '', third = ''] = signers
  accounts = [holding(first, -2n * E12), holding(second, 3n * E12), holding(third, 5n * E12)]
})

/** What is proven of accounts, told apart by a number. */
const figures = (n: bigint) => ({
  margins: marginsWord({ initialE8: -n * E8, maintenanceE8: (n % 2n === 0n ? 1n : -1n) * n * E8 }),
  thresholds: pack('accountThresholds', {
    ...{ liquidationDownE8: 1n, liquidationUpE8: 2n, defaultDownE8: 3n, defaultUpE8: 4n },
    defaultProbabilityX32: n << 20n,
  }),
  spotGreeks: pack('spotGreeks', { deltaE12: n, gammaE20: -n, vegaE8: 10n * n }),
  risk: pack('accountRisk', { thetaE8: 0n, rhoE8: 0n, expectedShortfallE8: 1000n * n }),
})
type Figured = ReturnType<typeof figures>

/** Proof of accounts and what it says of them; sent later, whatever has been reported by then. */
async function proving(
  round: RoundWords,
  of: readonly (readonly [Account, Figured])[],
  keys: readonly (readonly ArrayKey[])[] = [],
): Promise<RegistryCall> {
  const books = await Promise.all(of.map(([account], i) => engine.books(round, account, keys[i] ?? [])))
  const nobody = figures(0n)
  const said = Array.from({ length: 3 }, (_, i) => of[i]?.[1] ?? nobody)
  const change: SectionWords = {
    margins: said.map(({ margins }) => margins),
    thresholds: said.map(({ thresholds }) => thresholds),
    spotGreeks: said.map(({ spotGreeks }) => spotGreeks),
    risk: said.map(({ risk }) => risk),
  }
  const margin = await engine.margin(
    round,
    of.map(([account]) => account),
    books,
    change,
  )
  return engine.marginCall(
    round,
    of.map(([{ signer }], i) => ({ account: signer, books: books[i] as ProvenPortfolio[] })),
    margin,
  )
}

/** A round that is so much later than another. */
const roundAfter = async (round: RoundWords, seconds: bigint): Promise<RoundWords> =>
  engine.round([EXPIRY], round.asOf + seconds - (await engine.chain.now()))

/** Events of both contracts, in order. */
async function landed(call: RegistryCall) {
  const receipt = await mined(engine.send(call))
  return receipt.logs.flatMap((log) => {
    const found = engine.registry.interface.parseLog(log) ?? counts.interface.parseLog(log)
    return found === null ? [] : [found]
  })
}
const open = (round: RoundWords) => landed(countCall(round))
const complete = (): Promise<OpenInterest> => engine.client.openInterest()
const isOpen = async (): Promise<readonly [bigint, bigint] | undefined> => {
  const count = await engine.client.countUnderWay()
  return count && [count.counted, count.accounts]
}
const wordsOf = ({ holdings }: Account, said: Figured) => ({ holdings: pack('holdings', holdings), ...said })
/** What a count comes to. */
const sumOf = (asOf: bigint, of: readonly (readonly [Account, Figured])[]): OpenInterest =>
  of.reduce((sums, [account, said]) => addAccount(sums, wordsOf(account, said)), nothingCounted(asOf))
const refused = (call: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(call), by, error, args)
const told = (events: readonly { readonly name: string }[]): readonly string[] => events.map(({ name }) => name)

/** Three accounts, a source at another scale, the first account anew, a count, and all of them anew: an event a block. */
function rescaledHistory({ asOf }: RoundWords, [before, scaled]: readonly [string, string]): PortfolioLedger {
  const at = (block: number) => ({ block, logIndex: 0 })
  const report = (i: 0 | 1 | 2, block: number, sequence: bigint) => {
    const { signer, positions, holdings, collateralAmounts } = accounts[i]
    const words = { positions: positions.map(() => 0n), holdings: pack('holdings', holdings), collateralAmounts }
    return { ...at(block), account: signer, sequence, ...words }
  }
  return PortfolioLedger.of({
    policies: [
      { ...at(1), version: 1n, words: [] },
      { ...at(5), version: 2n, words: [] },
    ],
    ...{ freshness: [], priceGaps: [], rounds: [] },
    roundSources: [
      { ...at(0), source: before, priceScale: 0n },
      { ...at(5), source: scaled, priceScale: 9n },
    ],
    reports: [report(0, 2, 1n), report(1, 3, 1n), report(2, 4, 1n), report(0, 6, 2n)].concat([
      report(0, 8, 3n),
      report(1, 9, 2n),
      report(2, 10, 2n),
    ]),
    taken: [],
    counts: [{ ...at(7), asOf, accounts: 3n, policyVersion: 2n, timestamp: asOf }],
  })
}

test('R90: nobody begins a count or adds accounts but the two contracts that hold each other to it', async () => {
  const own = await engine.chain.signers[0]?.getAddress()
  await expectRevert(engine.registry.getFunction('beginCount')(1n, 1n), engine.registry, 'NotTheCounts', [own])
  await expectRevert(counts.getFunction('add')([1n, 2n, 3n, 4n, 5n]), counts, 'NotTheRegistry', [own])
})

describe('with three accounts reported', () => {
  let round: RoundWords
  let of: readonly [readonly [Account, Figured], readonly [Account, Figured], readonly [Account, Figured]]

  beforeAll(async () => {
    for (const account of accounts) await engine.report(account)
    of = [
      [accounts[0], figures(1n)],
      [accounts[1], figures(2n)],
      [accounts[2], figures(3n)],
    ]
  })
  beforeEach(async () => {
    round = await engine.round([EXPIRY])
  })

  describe('R91: every account with positions is counted, and none twice', () => {
    test('all three in one batch complete a count, which every read tells', async () => {
      await engine.chain.undone(async () => {
        await expect(complete()).rejects.toMatchObject({ reason: 'OpenInterestNotComplete' })
        const [opened] = await open(round)
        expect(opened?.args.toArray()).toEqual([round.asOf, 3n, 1n])
        expect(await isOpen()).toEqual([0n, 3n])
        await expect(complete()).rejects.toMatchObject({ reason: 'OpenInterestNotComplete' })
        const events = await landed(await proving(round, of))
        const expected = sumOf(round.asOf, of)
        expect(told(events)).toEqual([
          'OpenInterestComplete',
          ...['MarginProven', 'MarginProven', 'MarginProven'],
          'PortfolioAccepted',
        ])
        expect(events[0]?.args[1].toObject()).toEqual(expected)
        expect(events.at(-1)?.args.counted).toBe(0b111n)
        expect(await complete()).toEqual(expected)
        expect(expected).toMatchObject({ deltaE12: 6n * E12 + 6n, unhealthy: 2n, expectedShortfallE8: 6000n })
        expect(await isOpen()).toBeUndefined()
      })
    })

    test('an account left out leaves it open, whatever else lands', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await landed(await proving(round, [of[0], of[2]]))
        expect(await isOpen()).toEqual([2n, 3n])
        await expect(complete()).rejects.toMatchObject({ reason: 'OpenInterestNotComplete' })
        // Reports anew do not stand for it.
        await engine.report(accounts[0])
        await engine.report(accounts[1])
        expect(await isOpen()).toEqual([2n, 3n])
      })
    })

    test('an account that comes again is not added, in the same batch or another', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const first = await proving(round, [of[0]])
        const again = await proving(round, [of[0], of[1]])
        await landed(first)
        await refused(first, 'MarginNotNewer', [accounts[0].signer, round.asOf, 1n])
        const events = await landed(again)
        expect(events.at(-1)?.args.counted).toBe(0b10n)
        expect(await isOpen()).toEqual([2n, 3n])
        await landed(await proving(round, [of[2]]))
        expect(await complete()).toEqual(sumOf(round.asOf, of))
      })
    })

    test('an account counted and then reported anew is not counted again, at either report', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const first = await proving(round, [of[0]])
        await landed(first)
        await engine.report(holding(accounts[0].signer, 9n * E12))
        expect(await engine.client.reportToCount(accounts[0].signer)).toBe(0n)
        await refused(first, 'MarginNotNewer')
        const anew = await proving(round, [[holding(accounts[0].signer, 9n * E12), figures(5n)]])
        expect((await landed(anew)).at(-1)?.args.counted).toBe(0n)
        expect(await isOpen()).toEqual([1n, 3n])
      })
    })

    test('R112: one that is reported at another scale since is lost to it, here and to an auditor', async () => {
      const { rounds } = engine
      try {
        await engine.chain.undone(async () => {
          const [a, b, c] = accounts
          const signers = engine.roundSigners.map(({ address }) => address)
          const scales = [{ marketId: MARKET, scale: 9 }]
          const scaled = await engine.chain.deploy('ScaledRounds', engine.council, signers, 2, 300, scales)
          await mined(engine.arrays.getFunction('setRounds')(scaled, policyWordsOf(policy)))
          await mined(engine.arrays.getFunction('acceptPriceScale')(9))
          Object.assign(engine, { rounds: scaled })
          await engine.report(a)
          const later = await engine.round([EXPIRY])
          await open(later)
          const ledger = rescaledHistory(later, [rounds.target as string, scaled.target as string])
          const needed = async (block: number) => {
            ledger.advanceTo({ block, logIndex: 0 })
            const needs = accounts.map(({ signer }) => ledger.counts.needs(signer, later.asOf, ledger.policy?.version))
            const contract = await Promise.all(accounts.map(({ signer }) => engine.client.reportToCount(signer)))
            expect(needs.map((report) => report?.sequence ?? 0n)).toEqual(contract)
            return contract
          }
          expect(await needed(8)).toEqual([2n, 1n, 1n])
          const proof = await proving(later, [
            [a, figures(1n)],
            [b, figures(2n)],
            [c, figures(3n)],
          ])
          for (const account of accounts) await engine.report(account)
          expect(await needed(11)).toEqual([2n, 0n, 0n])
          expect((await landed(proof)).at(-1)?.args.counted).toBe(0b001n)
          ledger.counts = ledger.counts.add(a.signer, wordsOf(a, figures(1n))).completed()
          expect(await isOpen()).toEqual([1n, 3n])
          expect(ledger.counts).toMatchObject({ complete: [], underWay: { sums: { accounts: 1n } } })
        })
      } finally {
        Object.assign(engine, { rounds })
      }
    })

    test('proofs of an older round are held at most', async () => {
      await engine.chain.undone(async () => {
        const older = await proving(round, of)
        await open(await engine.round([EXPIRY]))
        expect((await landed(older)).at(-1)?.args.counted).toBe(0n)
        expect(await isOpen()).toEqual([0n, 3n])
      })
    })

    test('margins alone say nothing that could be counted, and take nothing away', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await engine.landMargins(round, accounts, [], 'marginsAlone')
        expect(await isOpen()).toEqual([0n, 3n])
        await landed(await proving(round, of))
        expect(await complete()).toEqual(sumOf(round.asOf, of))
      })
    })

    test('cash that is not owed is no position; owed cash, collateral and options are', async () => {
      await engine.chain.undone(async () => {
        const [, , , fourth = ''] = signers
        const kinds: readonly (readonly [Account, bigint])[] = [
          [holding(fourth, 0n, 0n), 3n],
          [holding(fourth, 0n, 5n * E12), 3n],
          [holding(fourth, 0n, -1n), 4n],
          [{ ...holding(fourth, 0n, 0n), collateralAmounts: amountsWords(1n) }, 4n],
          [holding(fourth, 1n), 4n],
          [
            {
              ...holding(fourth, 0n),
              positions: [{ expiry: EXPIRY, strikeE8: key.strikesE8[0] ?? 0n, callsE12: 1n, putsE12: 0n }],
            },
            4n,
          ],
          [holding(fourth, 0n, 1n), 3n],
        ]
        for (const [account, expected] of kinds) {
          await engine.report(account)
          await engine.chain.undone(async () => {
            const [opened] = await open(await engine.round([EXPIRY]))
            expect(opened?.args.accounts).toBe(expected)
          })
        }
      })
    })
  })

  describe('R92: the cut-off is when the count was opened', () => {
    const later = [
      ['more', 7n * E12, 100n * E12],
      ['less', E12, 100n * E12],
      ['nothing', 0n, 0n],
      ['the same', -2n * E12, 100n * E12],
    ] as const

    test.each(later)(
      'an account reported with %s is counted as it stood, and not put in force',
      async (_, perps, cash) => {
        await engine.chain.undone(async () => {
          await open(round)
          const proof = await proving(round, of)
          await engine.report(holding(accounts[0].signer, perps, cash))
          expect(await engine.client.reportToCount(accounts[0].signer)).toBe(1n)
          const events = await landed(proof)
          expect(told(events)).toEqual([
            'OpenInterestComplete',
            ...['MarginSkipped', 'MarginProven', 'MarginProven'],
            'PortfolioAccepted',
          ])
          expect(await complete()).toEqual(sumOf(round.asOf, of))
          await expect(engine.client.margin(accounts[0].signer)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
        })
      },
    )

    test('the next count takes what was reported since', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const proof = await proving(round, of)
        const [, , , fourth = ''] = signers
        const now = [holding(accounts[0].signer, 0n, 0n), holding(accounts[1].signer, 7n * E12), holding(fourth, E12)]
        for (const account of now) await engine.report(account)
        await landed(proof)
        const next = await engine.round([EXPIRY])
        await open(next)
        expect(await isOpen()).toEqual([0n, 3n])
        const counted = [
          [now[1] as Account, figures(4n)],
          [accounts[2], figures(5n)],
          [now[2] as Account, figures(6n)],
        ] as const
        const inOrder = counted.toSorted(([a], [b]) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1))
        expect(await complete()).toEqual(sumOf(round.asOf, of))
        await landed(await proving(next, inOrder))
        expect(await complete()).toEqual(sumOf(next.asOf, inOrder))
      })
    })

    test('an account that is new since is not counted, and its margins are put in force', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const [, , , fourth = ''] = signers
        await engine.report(holding(fourth, E12))
        await engine.report(holding(fourth, 2n * E12))
        expect(await engine.client.reportToCount(fourth)).toBe(0n)
        const events = await landed(await proving(round, [[holding(fourth, 2n * E12), figures(9n)]]))
        expect(told(events)).toEqual(['MarginProven', 'PortfolioAccepted'])
        expect(await isOpen()).toEqual([0n, 3n])
      })
    })

    test('an account that held nothing at the cut-off, or is reported before it, is taken as it then stood', async () => {
      await engine.chain.undone(async () => {
        const [, , , fourth = ''] = signers
        await engine.report(holding(fourth, 0n))
        await engine.report(holding(accounts[0].signer, 8n * E12))
        await open(round)
        await engine.report(holding(fourth, E12))
        expect(await engine.client.reportToCount(fourth)).toBe(0n)
        expect(await engine.client.reportToCount(accounts[0].signer)).toBe(2n)
        expect(await isOpen()).toEqual([0n, 3n])
      })
    })

    test('what an account is said to have held must be what it held', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const lie = await proving(round, [[holding(accounts[0].signer, 0n), figures(0n)], of[1]])
        const truth = await proving(round, [of[0], of[1]])
        await refused(lie, 'BookMismatch')
        await engine.report(holding(accounts[0].signer, 0n))
        await refused(lie, 'BookMismatch')
        await landed(truth)
        expect(await isOpen()).toEqual([2n, 3n])
      })
    })

    test('a report in between two since the cut-off is no use, nor one before it', async () => {
      await engine.chain.undone(async () => {
        const before = await proving(round, [of[0]])
        await engine.report(accounts[0])
        await open(round)
        const at = await proving(round, [of[0]])
        await engine.report(holding(accounts[0].signer, 7n * E12))
        const between = await proving(round, [[holding(accounts[0].signer, 7n * E12), figures(8n)]])
        await engine.report(holding(accounts[0].signer, 8n * E12))
        expect(await engine.client.reportToCount(accounts[0].signer)).toBe(2n)
        await refused(before, 'MarginNotNewer')
        await refused(between, 'MarginNotNewer')
        expect(told(await landed(at))).toEqual(['MarginSkipped', 'PortfolioAccepted'])
        await refused(at, 'MarginNotNewer')
      })
    })

    test('options are held to the cut-off as perpetuals are', async () => {
      await engine.chain.undone(async () => {
        const strikeE8 = key.strikesE8[2] ?? 0n
        const optioned: Account = {
          ...accounts[0],
          positions: [{ expiry: EXPIRY, strikeE8, callsE12: -E12, putsE12: 0n }],
        }
        await engine.report(optioned)
        await mined(engine.landArrays(round, [key]))
        await open(round)
        const truth = await proving(round, [[optioned, figures(1n)]], [[key]])
        const doubled = { ...optioned, positions: [{ expiry: EXPIRY, strikeE8, callsE12: -2n * E12, putsE12: 0n }] }
        const lie = await proving(round, [[doubled, figures(1n)]], [[key]])
        await engine.report(accounts[0])
        await refused(lie, 'BookMismatch')
        expect(told(await landed(truth))).toEqual(['MarginSkipped', 'PortfolioAccepted'])
      })
    })
  })

  describe('R186: a candidate is in no count until it takes an account’s place', () => {
    /** What an account would hold, under the fourth address. */
    const would = (perpsE12 = 50n * E12): Account => holding(signers[3] ?? '', perpsE12)
    const waiting = async ({ signer, positions, holdings, collateralAmounts }: Account) => {
      const words = positions.map((position) => pack('optionPosition', position))
      const report = [signer, words, pack('holdings', holdings), collateralAmounts]
      await mined(engine.registry.getFunction('reportCandidate')(...report))
    }
    const replace = (previous: string, account: string, isExposed = true) =>
      mined(engine.registry.getFunction('replaceAccount')(previous, account, isExposed))
    const openedNow = async (): Promise<readonly [RoundWords, bigint]> => {
      const next = await engine.round([EXPIRY])
      const [opened] = await open(next)
      return [next, opened?.args.accounts]
    }

    test('whatever it would hold, and though its margins are proven and in force', async () => {
      await engine.chain.undone(async () => {
        await waiting(would())
        expect(await openedNow()).toMatchObject([{}, 3n])
      })
      await engine.chain.undone(async () => {
        await waiting(would())
        const next = await engine.round([EXPIRY])
        expect(told(await landed(await proving(next, [[would(), figures(9n)]])))).toContain('MarginProven')
        expect((await engine.client.margin(would().signer)).initialE8).toBe(-9n * E8)
        await open(next)
        expect(await isOpen()).toEqual([0n, 3n])
        await landed(await proving(next, of))
        expect(await complete()).toEqual(sumOf(next.asOf, of))
      })
      await engine.chain.undone(async () => {
        await engine.report(would()) // the control: what is held
        expect(await openedNow()).toMatchObject([{}, 4n])
      })
    })

    test('from then on every count has it, and none has the account before', async () => {
      await engine.chain.undone(async () => {
        const [first, second, third] = accounts
        await waiting(would())
        await replace(first.signer, would().signer)
        const [next, expected] = await openedNow()
        expect(expected).toBe(3n)
        const counted = [
          [second, figures(4n)],
          [third, figures(5n)],
          [would(), figures(6n)],
        ] as const
        const inOrder = counted.toSorted(([a], [b]) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1))
        await landed(await proving(next, inOrder))
        expect(await complete()).toEqual(sumOf(next.asOf, inOrder))
      })
    })

    test('the count under way has what was held at its cut-off, once, and not what took its place', async () => {
      await engine.chain.undone(async () => {
        await waiting(would())
        await open(round)
        const proof = await proving(round, of)
        await replace(accounts[0].signer, would().signer)
        expect(await engine.client.reportToCount(accounts[0].signer)).toBe(1n)
        expect(await engine.client.reportToCount(would().signer)).toBe(0n)
        await landed(proof)
        expect(await complete()).toEqual(sumOf(round.asOf, of))
        expect(await openedNow()).toMatchObject([{}, 3n])
        expect(await engine.client.reportToCount(would().signer)).toBe(1n)
        expect(await engine.client.reportToCount(accounts[0].signer)).toBe(0n)
      })
    })

    test('of cash alone it is in none afterwards, and given up it is in none for ever', async () => {
      await engine.chain.undone(async () => {
        await waiting(would(0n))
        await replace(accounts[0].signer, would().signer, false)
        expect(await openedNow()).toMatchObject([{}, 2n])
      })
      await engine.chain.undone(async () => {
        await waiting(would())
        await replace(would().signer, `0x${'0'.repeat(40)}`, false)
        expect(await openedNow()).toMatchObject([{}, 3n])
      })
    })

    test('an account that was never reported is replaced as well, and stays unknown', async () => {
      await engine.chain.undone(async () => {
        const [, , , , nobody = ''] = signers
        await waiting(would())
        await replace(nobody, would().signer)
        expect(await openedNow()).toMatchObject([{}, 4n])
        expect(await engine.client.account(nobody)).toMatchObject({ sequence: 0n })
        await expect(engine.client.report(nobody)).rejects.toMatchObject({ code: 'registry.account-unreported' })
      })
    })

    test('of what was left nothing is proven any more, neither margins nor that it is below them', async () => {
      await engine.chain.undone(async () => {
        const [first] = accounts
        const next = await engine.round([EXPIRY])
        const before = await proving(next, [[first, figures(2n)]])
        await waiting(would())
        await replace(first.signer, would().signer)
        expect(await engine.client.report(first.signer)).toMatchObject({ sequence: 2n, positions: [] })
        await refused(before, 'MarginNotNewer')
        await refused(await proving(next, [[holding(first.signer, 0n, 0n), figures(2n)]]), 'BookMismatch')
      })
    })

    test('the venue alone says so', async () => {
      const stranger = engine.registry.connect(engine.chain.signers[7] as never) as Contract
      const { signer, holdings } = would()
      const report = [signer, [], pack('holdings', holdings), amountsWords()]
      const calls = [
        stranger.getFunction('reportCandidate')(...report),
        stranger.getFunction('replaceAccount')(signer, signer, true),
      ]
      for (const call of calls) await expectRevert(call, engine.registry, 'AccessManagedUnauthorized')
    })
  })

  describe('R93: what is counted and what is put in force are two things', () => {
    test('margins of a newer round, by whomever, do not stop a count', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        const proof = await proving(round, of)
        const newer = await engine.round([EXPIRY])
        await landed(await proving(newer, [[accounts[1], figures(6n)]]))
        const events = await landed(proof)
        expect(told(events)).toEqual([
          'OpenInterestComplete',
          ...['MarginProven', 'MarginSkipped', 'MarginProven'],
          'PortfolioAccepted',
        ])
        expect(await complete()).toEqual(sumOf(round.asOf, of))
        expect((await engine.client.margin(accounts[1].signer)).asOf).toBe(newer.asOf)
      })
    })

    test('a round that is no longer fresh is counted to the end, and nothing of it put in force', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await landed(await proving(round, [of[0]]))
        const rest = await proving(round, [of[0], of[1], of[2]])
        await roundAfter(round, freshness.maxRoundLagSeconds)
        await engine.chain.undone(async () => {
          expect(told(await landed(rest))).toEqual([
            'OpenInterestComplete',
            ...['MarginSkipped', 'MarginProven', 'MarginProven'],
            'PortfolioAccepted',
          ])
        })
        await engine.round([EXPIRY])
        expect(told(await landed(rest))).toEqual([
          'OpenInterestComplete',
          ...['MarginSkipped', 'MarginSkipped', 'MarginSkipped'],
          'PortfolioAccepted',
        ])
        expect(await complete()).toEqual(sumOf(round.asOf, of))
        await expect(engine.client.margin(accounts[1].signer)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
        // Once it is complete nothing of the round lands any more.
        await refused(rest, 'RoundOvertaken', undefined, engine.arrays)
      })
    })

    test('arrays of it land late, so that whoever opens a count cannot keep others from it', async () => {
      await engine.chain.undone(async () => {
        const strikeE8 = key.strikesE8[1] ?? 0n
        const optioned: Account = {
          ...accounts[0],
          positions: [{ expiry: EXPIRY, strikeE8, callsE12: E12, putsE12: 0n }],
        }
        await engine.report(optioned)
        const next = await engine.round([EXPIRY])
        await open(next)
        await roundAfter(next, freshness.maxRoundLagSeconds + 1n)
        await mined(engine.landArrays(next, [key]))
        const proof = await proving(next, [[optioned, figures(1n)], of[1], of[2]], [[key]])
        await landed(proof)
        expect((await complete()).asOf).toBe(next.asOf)
      })
    })

    test('of a round that is not counted, or not under this policy, nothing stale lands', async () => {
      await engine.chain.undone(async () => {
        const proof = await proving(round, of)
        await roundAfter(round, freshness.maxRoundLagSeconds + 1n)
        await refused(proof, 'RoundOvertaken', undefined, engine.arrays)
      })
      await engine.chain.undone(async () => {
        await open(round)
        await mined(engine.arrays.getFunction('setPortfolioPolicy')(policyWordsOf(policy)))
        const proof = await proving(round, of)
        await engine.chain.undone(async () => {
          expect((await landed(proof)).at(-1)?.args.counted).toBe(0n)
        })
        await roundAfter(round, freshness.maxRoundLagSeconds + 1n)
        await refused(proof, 'MarginNotNewer')
      })
    })
  })

  describe('R90: a count is of a published, fresh and later round, and one at a time', () => {
    test('another is refused until it is complete', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await refused(countCall(round), 'CountNotLater', [round.asOf, round.asOf], counts)
        await landed(await proving(round, [of[0], of[2]]))
        const next = await engine.round([EXPIRY])
        await refused(countCall(next), 'CountUnderWay', [round.asOf, 2n, 3n], counts)
        await landed(await proving(round, [of[1]]))
        await refused(countCall(round), 'CountNotLater', undefined, counts)
        await open(next)
        expect(await isOpen()).toEqual([0n, 3n])
      })
    })

    test('or the policy has moved, and then it starts anew', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await landed(await proving(round, [of[0]]))
        await mined(engine.arrays.getFunction('setPortfolioPolicy')(policyWordsOf(policy)))
        const next = await engine.round([EXPIRY])
        const [opened] = await open(next)
        expect(opened?.args.toArray()).toEqual([next.asOf, 3n, 2n])
        await landed(await proving(next, of))
        expect(await complete()).toEqual(sumOf(next.asOf, of))
      })
    })

    test('or its round is so old that its figures would be stale', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        expect(await counts.getFunction('maxCountAgeSeconds')()).toBe(MAX_COUNT_AGE)
        const next = await roundAfter(round, MAX_COUNT_AGE - 10n)
        await engine.chain.setNextTime(round.asOf + MAX_COUNT_AGE)
        await refused(countCall(next), 'CountUnderWay', [round.asOf, 0n, 3n], counts)
        await engine.chain.setNextTime(round.asOf + MAX_COUNT_AGE + 1n)
        await open(next)
        expect(await isOpen()).toEqual([0n, 3n])
      })
    })

    test('of a round that was never published, or is stale, or overtaken, none is opened', async () => {
      await engine.chain.undone(async () => {
        await refused(countCall({ ...round, asOf: round.asOf + 1n }), 'RoundTimeMismatch', undefined, engine.arrays)
        const forged = { ...round, expiries: [] }
        await refused(countCall(forged), 'RoundUnknown', undefined, engine.arrays)
        await roundAfter(round, freshness.maxRoundLagSeconds + 1n)
        await refused(countCall(round), 'RoundOvertaken', undefined, engine.arrays)
      })
      await engine.chain.undone(async () => {
        await engine.chain.setTime(round.asOf + freshness.maxRoundAgeSeconds + 1n)
        await refused(countCall(round), 'RoundStale', undefined, engine.arrays)
      })
    })

    test('without positions it is complete at once, with nothing in it', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await landed(await proving(round, of))
        for (const { signer } of accounts) await engine.report(holding(signer, 0n))
        for (let i = 0; i < 2; i++) {
          const next = await engine.round([EXPIRY])
          expect(told(await open(next))).toEqual(['CountOpened', 'OpenInterestComplete'])
          expect(await complete()).toEqual(nothingCounted(next.asOf))
          expect(await isOpen()).toBeUndefined()
        }
      })
    })
  })

  describe('R94: sums', () => {
    test('are exact where they are largest, and a Greek stays at its limit without stopping margins', async () => {
      const most = (bits: number): bigint => (1n << BigInt(bits)) - 1n
      const largest = {
        ...figures(1n),
        thresholds: pack('accountThresholds', {
          ...{ liquidationDownE8: 1n, liquidationUpE8: 2n, defaultDownE8: 3n, defaultUpE8: 4n },
          defaultProbabilityX32: most(33),
        }),
        spotGreeks: pack('spotGreeks', { deltaE12: most(79), gammaE20: most(83), vegaE8: most(79) }),
        risk: pack('accountRisk', { thetaE8: 0n, rhoE8: 0n, expectedShortfallE8: most(82) }),
      }
      const least = {
        ...largest,
        spotGreeks: pack('spotGreeks', { deltaE12: -(1n << 79n), gammaE20: -(1n << 83n), vegaE8: -(1n << 79n) }),
      }
      await engine.chain.undone(async () => {
        await open(round)
        const counted = [
          [accounts[0], largest],
          [accounts[1], largest],
          [accounts[2], least],
        ] as const
        await landed(await proving(round, counted))
        const figures = await complete()
        expect(figures).toEqual(sumOf(round.asOf, counted))
        expect(figures).toMatchObject({
          defaultProbabilityX32: 3n * most(33),
          expectedShortfallE8: 3n * most(82),
          deltaE12: most(79),
          gammaE20: 2n * most(83) - (1n << 83n),
          vegaE8: most(79),
        })
        for (const { signer } of accounts) expect((await engine.client.margin(signer)).asOf).toBe(round.asOf)
      })
      await engine.chain.undone(async () => {
        await open(round)
        const counted = [
          [accounts[0], least],
          [accounts[1], least],
          [accounts[2], largest],
        ] as const
        await landed(await proving(round, counted))
        expect(await complete()).toMatchObject({ deltaE12: -most(79), vegaE8: -most(79) })
      })
    })
  })

  describe('R95: reads', () => {
    test('Greeks are of one unit of the asset, at the scale that they were counted at', async () => {
      const { rounds } = engine
      const read = async () => openInterestReading(await readOpenInterest(engine.client))
      try {
        await engine.chain.undone(async () => {
          await open(round)
          await landed(await proving(round, of))
          const ofUnits = { netDelta: 6 + 6e-12, netGamma: -6e-20, netVegaPerPointQuote: '0.000000006' }
          expect(await read()).toMatchObject(ofUnits)
          const signers = engine.roundSigners.map(({ address }) => address)
          const scales = [{ marketId: MARKET, scale: 9 }]
          const scaled = await engine.chain.deploy('ScaledRounds', engine.council, signers, 2, 300, scales)
          await mined(engine.arrays.getFunction('setRounds')(scaled, policyWordsOf(policy)))
          expect(await read()).toMatchObject(ofUnits)
          await mined(engine.arrays.getFunction('acceptPriceScale')(9))
          Object.assign(engine, { rounds: scaled })
          for (const account of accounts) await engine.report(account)
          const later = await engine.round([EXPIRY])
          await open(later)
          await landed(await proving(later, of))
          const ofThousands = { netDelta: 6e9 + 6e-3, netGamma: -6e-2, netVegaPerPointQuote: '0.000000006' }
          expect(await read()).toMatchObject(ofThousands)
          expect(openInterestLines(await read()).join()).toContain(
            '6000000000, -0.06, 0.000000006 USD a point of volatility',
          )
          await mined(engine.arrays.getFunction('setRounds')(rounds, policyWordsOf(policy)))
          expect(await read()).toMatchObject(ofThousands)
        })
      } finally {
        Object.assign(engine, { rounds })
      }
    })

    test('figures are stale from an age on, and then only told as such', async () => {
      await engine.chain.undone(async () => {
        await open(round)
        await landed(await proving(round, of))
        await engine.chain.setTime(round.asOf + MAX_COUNT_AGE)
        expect((await complete()).asOf).toBe(round.asOf)
        await engine.chain.setTime(round.asOf + MAX_COUNT_AGE + 1n)
        await expect(complete()).rejects.toMatchObject({
          reason: 'OpenInterestStale',
          arguments: { asOf: round.asOf, oldest: round.asOf + 1n },
        })
        const [told, ageSeconds] = await counts.getFunction('unsafeOpenInterest')()
        expect(told.toObject()).toEqual(sumOf(round.asOf, of))
        expect(ageSeconds).toBe(MAX_COUNT_AGE + 1n)
      })
    })
  })
})
