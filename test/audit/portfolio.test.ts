/** The auditor of margins against a real chain: re-derives every leg, and finds whatever is changed in its record. */
import { toBeHex } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { portfolioBuilds } from '../../circuits/statements/index.ts'
import {
  auditPortfolio,
  auditToJson,
  exitCodeOf,
  formatPortfolioAudit,
  isPortfolioRegistry,
  judgePortfolio,
  type PortfolioAudit,
  type PortfolioAuditReport,
  type PortfolioRecord,
} from '../../prover/audit/index.ts'
import {
  type ArraysCall,
  decodeProvingCall,
  type MarginsCall,
  type WitnessCall,
} from '../../prover/audit/portfolio/calls.ts'
import { beginAudit, branchOf, judgeTransaction } from '../../prover/audit/portfolio/judge.ts'
import type { TransactionRecord } from '../../prover/audit/portfolio/record.ts'
import type { Audited } from '../../prover/audit/portfolio/scene.ts'
import { marginTerms } from '../../prover/portfolio/explain.ts'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import type { ReportedAccount } from '../../prover/registry/index.ts'
import { proveArrays } from '../../prover/service/daemon/portfolios/arrays.ts'
import { proveBooks } from '../../prover/service/daemon/portfolios/books.ts'
import { landMargins, proveMargins } from '../../prover/service/daemon/portfolios/margins.ts'
import type { PortfolioPlace } from '../../prover/service/daemon/portfolios/place.ts'
import { proveUnhealthy } from '../../prover/service/daemon/portfolios/witness.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type PortfolioChain, provePortfolioChain } from './portfolioChain.ts'

let chain: PortfolioChain
let whole: PortfolioAudit

beforeAll(async () => {
  chain = await provePortfolioChain()
  whole = await chain.audit()
})

afterAll(() => chain?.close())

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
type MutableRecord = Mutable<PortfolioRecord>

/** A copy of the record with something changed, judged. */
async function judged(change: (record: MutableRecord) => void): Promise<PortfolioAuditReport> {
  const copy = structuredClone(whole.record) as MutableRecord
  change(copy)
  return judgePortfolio(copy)
}

/** Which transaction each call is in. */
const PLACES = { submitArrays: 0, submitPortfolio: 1, proveUnhealthy: 2 } as const
type Calls = { submitArrays: ArraysCall; submitPortfolio: MarginsCall; proveUnhealthy: WitnessCall }

const callOf = <M extends keyof Calls>(record: PortfolioRecord, method: M): Calls[M] =>
  decodeProvingCall(record.transactions[PLACES[method]]?.calls?.[0] ?? '') as unknown as Calls[M]

/** The transaction of a call with its arguments changed. */
function withCall<M extends keyof Calls>(
  record: PortfolioRecord,
  method: M,
  change: (call: Mutable<Calls[M]>) => void,
): TransactionRecord {
  const call = structuredClone(callOf(record, method)) as Mutable<Calls[M]>
  change(call)
  return { ...(record.transactions[PLACES[method]] as TransactionRecord), calls: [encoded(method, call)] }
}

function encoded(method: keyof Calls, call: unknown): string {
  const called = interfaceOf(method === 'submitArrays' ? 'RiskArrays' : 'PortfolioRegistry')
  const { inputs } = called.getFunction(method) ?? { inputs: [] }
  const args = inputs.map(({ name }) => (call as Record<string, unknown>)[name])
  return called.encodeFunctionData(method, args).toLowerCase()
}

/** Changes the arguments of one call. */
const judgedCall = <M extends keyof Calls>(method: M, change: (call: Mutable<Calls[M]>) => void) =>
  judged((record) => {
    record.transactions[PLACES[method]] = withCall(
      whole.record,
      method,
      change,
    ) as MutableRecord['transactions'][number]
  })

/** Every claim that fails anywhere in a report. */
function failures({ arrays, margins, witnesses, models, policy, rounds, accounts }: PortfolioAuditReport) {
  const books = [...margins, ...witnesses].flatMap((each) => each.books)
  return [...models, policy, rounds, ...arrays, ...books, ...margins, ...witnesses, ...accounts]
    .flatMap(({ claims }) => claims)
    .filter(({ holds }) => !holds)
}

const claimsOf = (report: PortfolioAuditReport): readonly string[] => failures(report).map(({ claim }) => claim)
const fieldsOf = (report: PortfolioAuditReport): readonly (string | undefined)[] =>
  failures(report).map(({ field }) => field)

describe('an honest history', () => {
  it('J1: is accepted, array by array, book by book, margin by margin', () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    expect(report).toMatchObject({ accepted: true, pinned: true, kind: 'portfolio' })
    expect(exitCodeOf(report)).toBe(0)
    const ofOneMarket = portfolioBuilds.filter(({ statement }) => statement !== 'crossMargins')
    expect(report.models.map(({ name }) => name).toSorted()).toEqual(ofOneMarket.map(({ name }) => name).toSorted())
    expect(report.arrays).toHaveLength(1)
    expect(report.margins[0]?.books).toMatchObject([{ number: 1, positions: 3, accepted: true }])
    const claims = report.margins[0]?.claims.map(({ claim }) => claim)
    for (const claim of ['R28', 'L8', 'L9', 'L10', 'L11', 'L4', 'Q2', 'Q3', 'R29']) {
      expect(claims).toContain(claim)
    }
    expect(report.witnesses).toMatchObject([{ accepted: true, books: [{ accepted: true }] }])
  })

  it('J1: is explained leg by leg as the prover explains it, from chain data alone', () => {
    const [margin] = whole.report.margins
    const { provable } = chain
    expect(margin).toMatchObject({
      initialE8: provable.margin.initialE8,
      maintenanceE8: provable.margin.maintenanceE8,
      worstLoss: marginTerms(provable).worstLoss,
    })
    expect(margin?.legs.map(({ leg, quantity }) => [leg, quantity])).toEqual([
      ['2026-03-27 08:00 50000 put', 1],
      ['2026-03-27 08:00 60000 put', -2],
      ['2026-03-27 08:00 90000 call', -2],
      ['perpetuals', 0.4],
    ])
    const sum = margin?.legs.reduce((total, { contribution }) => total + contribution, 0) ?? 0
    expect(Math.abs(sum - (margin?.worstLoss ?? 0))).toBeLessThan(1e-6)
  })

  it('is told in a table and in JSON', () => {
    const table = formatPortfolioAudit(whole.report)
    expect(table).toMatch(/margin of 0x\w+ +block \d+ +IM −[\d,]+\.\d\d MM −[\d,]+\.\d\d +accepted/)
    expect(table).toContain('2026-03-27 08:00 60000 put')
    expect(table).toMatch(/^ACCEPTED: 1 of 1 array, 1 of 1 margin, 1 of 1 witness; (\d+) of \1 claims hold\.$/m)
    expect(table).toMatch(/array 1 .* accepted +(\d+) of \1 claims$/m)
    expect(table.match(/R24 round/g)).toHaveLength(1)
    expect(formatPortfolioAudit(whole.report, { showClaims: true })).toMatch(/array 1 .* claims +R1 R24 R53 R25 /)
    expect(JSON.parse(auditToJson(whole.report))).toMatchObject({ accepted: true, margins: [{ sequence: '1' }] })
  })

  it('is looked for at the right address, of the right kind, and from its first block', async () => {
    const { provider } = chain.development.chain
    const { registry, rounds } = chain.development.deployment
    expect(await isPortfolioRegistry(provider, registry)).toBe(true)
    expect(await isPortfolioRegistry(provider, rounds)).toBe(false)
    const nowhere = auditPortfolio({ provider, registry: `0x${'12'.repeat(20)}`, keys: [] })
    await expect(nowhere).rejects.toMatchObject({ code: 'registry.registry-missing' })
    const late = chain.audit({ fromBlock: whole.record.context.toBlock })
    await expect(late).rejects.toMatchObject({ code: 'audit.history-incomplete' })
  })
})

describe('J2: a false history', () => {
  it.each([
    ['a strike', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.strikeWords, 0), 'B1'],
    ['the surface', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.arrays[0]?.expiryWords, 1), 'R26'],
    ['word of the market', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.marketWords, 1), 'R24'],
    ['R53: spot', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.marketWords, 0, 1n << 47n), 'R53'],
    ['an array’s root', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.arrays[0], 'arrayRoot'), 'B1'],
    ['an array’s commitment', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.arrays[0], 'commitment'), 'Q2'],
    ['an array’s model', 'submitArrays', (call: Mutable<ArraysCall>) => set(call, 'modelId', NO_HASH), 'R1'],
    ['an array’s proof', 'submitArrays', (call: Mutable<ArraysCall>) => bump(call.proofs[0], 0), 'Q3'],
    ['a position', 'submitPortfolio', (call: Mutable<MarginsCall>) => bump(call.bookWords, 6, 1n << 80n), 'R28'],
    ['the root of a book’s array', 'submitPortfolio', (call: Mutable<MarginsCall>) => bump(call.bookWords, 1), 'R28'],
    [
      'the state after a book',
      'submitPortfolio',
      (call: Mutable<MarginsCall>) => bump(call.bookWords, call.bookWords.length - 1),
      'L2',
    ],
    ['a book’s commitment', 'submitPortfolio', (call: Mutable<MarginsCall>) => bump(call.bookWords, 0), 'Q2'],
    ['a book’s proof', 'submitPortfolio', (call: Mutable<MarginsCall>) => bump(call.bookProofs[0], 7), 'Q3'],
    [
      'the proof of a book for that of the margin',
      'submitPortfolio',
      (call: Mutable<MarginsCall>) => {
        call.marginProof = call.bookProofs[0] as bigint[]
      },
      'Q3',
    ],
    [
      'holdings',
      'submitPortfolio',
      (call: Mutable<MarginsCall>) => bump(call.accounts[0]?.held, 'holdings', 1n << 61n),
      'R28',
    ],
    [
      'collateral',
      'submitPortfolio',
      (call: Mutable<MarginsCall>) => bump(call.accounts[0]?.held.collateralAmounts, 0),
      'R28',
    ],
    [
      'the round of a margin',
      'submitPortfolio',
      (call: Mutable<MarginsCall>) => bump(call.round.marketWords, 0),
      'R24',
    ],
    ['the places left', 'submitPortfolio', (call: Mutable<MarginsCall>) => bump(call.batch.emptyMargins, 1), 'L9'],
    [
      'the scenario of a witness',
      'proveUnhealthy',
      (call: Mutable<WitnessCall>) => bump(call.witness, 'scenario'),
      'L12',
    ],
    ['the bound of a witness', 'proveUnhealthy', (call: Mutable<WitnessCall>) => bump(call.witness, 'bound'), 'L12'],
    [
      'report that a witness is about',
      'proveUnhealthy',
      (call: Mutable<WitnessCall>) => set(call.witness, 'sequence', 0n),
      'R30',
    ],
    ['last report presented', 'proveUnhealthy', (call: Mutable<WitnessCall>) => void call.present.push(0n), 'J1'],
    ['the proof of a witness', 'proveUnhealthy', (call: Mutable<WitnessCall>) => bump(call.witnessProof, 3), 'Q3'],
  ] as const)('with another %s is rejected', async (_, method, change, claim) => {
    const report = await judgedCall(method, change as never)
    expect(report.accepted).toBe(false)
    expect(exitCodeOf(report)).toBe(1)
    expect(claimsOf(report)).toContain(claim)
    expect(report.failure?.claim.field).toBeDefined()
  })

  it('names every single field of a margin that is off by one, with both values', async () => {
    const standing = (await standingsOf(whole.record))[PLACES.submitPortfolio] as Audited
    const [original] = callOf(whole.record, 'submitPortfolio').accounts
    for (const [word, at, claim, others] of [
      ['accountMargins', 'margins', 'L9', { worstScenario: 'L8' }],
      ['accountThresholds', 'thresholds', 'L10', { defaultProbabilityX32: 'L11' }],
      ['spotGreeks', 'spotGreeks', 'L4', {}],
      ['accountRisk', 'risk', 'L4', { expectedShortfallE8: 'L20' }],
    ] as const) {
      for (const [field, value] of Object.entries(unpack(word, original?.[at] ?? 0n))) {
        const change = (call: Mutable<MarginsCall>) => {
          const item = call.accounts[0] as Mutable<MarginsCall['accounts'][number]>
          item[at] = pack(word, { ...unpack(word, item[at] ?? 0n), [field]: value ^ 1n } as never)
        }
        const audited = branchOf(standing)
        await judgeTransaction(withCall(whole.record, 'submitPortfolio', change), audited)
        const found = audited.found.margins
          .flatMap(claimsWithin)
          .find(isFailure((others as Record<string, string>)[field] ?? claim))
        expect(found).toMatchObject({ field: `${at}.${field}`, expected: String(value), found: String(value ^ 1n) })
      }
    }
  })

  it.each([
    ['policy', (record: MutableRecord) => bump(record.policies[0]?.words, 18), ['R25', 'L9']],
    ['policy of prices', (record: MutableRecord) => bump(record.policies[0]?.words, 13), ['R25', 'B1']],
    ['round', (record: MutableRecord) => set(record.rounds[0], 'marketHash', NO_HASH), ['R24']],
    ['age', (record: MutableRecord) => set(record.transactions[1], 'timestamp', 2 ** 31), ['R51']],
    ['R51: bound on the lag of rounds', (record: MutableRecord) => outdate(record), ['R51']],
    ['R53: bound on the gap of prices', (record: MutableRecord) => narrow(record), ['R53']],
    ['R54: model of arrays', (record: MutableRecord) => disableArrays(record), ['R54']],
    [
      'R50: answer to liquidators',
      (record: MutableRecord) => set(record.final.accounts[0], 'liquidatable', false),
      ['R50'],
    ],
    ['report', (record: MutableRecord) => bump(record.reports[0]?.positions, 0, 1n << 80n), ['R28']],
    ['sequence', (record: MutableRecord) => bump(record.reports[0], 'sequence'), ['R27', 'Q2']],
    [
      'event of a margin',
      (record: MutableRecord) => bump(record.transactions[1]?.events[0] as never, 'margins'),
      ['J1'],
    ],
    [
      'event of an array',
      (record: MutableRecord) => bump(record.transactions[0]?.events[0] as never, 'policyVersion'),
      ['R26'],
    ],
    [
      'event of a witness',
      (record: MutableRecord) => bump(record.transactions[2]?.events[0] as never, 'bound'),
      ['J1'],
    ],
    ['end', (record: MutableRecord) => bump(record.final.accounts[0]?.margin as never, 'initialE8'), ['R31']],
  ] as const)('with another %s is rejected', async (_, change, claims) => {
    const report = await judged(change as never)
    const found = claimsOf(report)
    expect(claims.some((claim) => found.includes(claim))).toBe(true)
    expect(found).toContain(claims[0])
  })

  it('in which arrays, margins or a call are missing is rejected', async () => {
    const withoutArrays = await judged((record) => void record.transactions.splice(0, 1))
    expect(withoutArrays.failure).toMatchObject({
      of: `book 1 of ${chain.account}`,
      claim: { claim: 'R28', field: 'arrayRoots[0]' },
    })
    const withoutMargins = await judged((record) => void record.transactions.splice(1, 1))
    expect(withoutMargins.failure).toMatchObject({ of: `account ${chain.account}`, claim: { claim: 'R31' } })
    const withoutReport = await judged((record) => void record.reports.pop())
    expect(claimsOf(withoutReport)).toContain('R27')
    const withoutRound = await judged((record) => void record.rounds.pop())
    expect(claimsOf(withoutRound)).toContain('R24')
    for (const method of Object.values(PLACES)) {
      const hidden = await judged((record) => set(record.transactions[method], 'calls', null))
      expect(hidden.failure?.claim).toMatchObject({ claim: 'J1', field: 'calldata' })
    }
  })

  it('with an event of a batch that no call left, or of a call about nobody, is rejected', async () => {
    const transaction = whole.record.transactions[PLACES.submitPortfolio]
    const accepted = transaction?.events.at(-1)
    expect(accepted?.name).toBe('PortfolioAccepted')
    const call = structuredClone(callOf(whole.record, 'submitPortfolio')) as Mutable<MarginsCall>
    const aboutNobody = encoded('submitPortfolio', { ...call, accounts: [] })
    for (const calls of [null, [], [aboutNobody]]) {
      const report = await judged(
        (record) => void record.transactions.push({ ...transaction, calls, events: [accepted] } as never),
      )
      expect(report.failure).toMatchObject({ of: 'the record', claim: { claim: 'J1', field: 'calldata' } })
    }
  })

  it('R27: that says of an account nothing at the end, or twice, is rejected', async () => {
    for (const change of [(ends: unknown[]) => void ends.pop(), (ends: unknown[]) => void ends.push(ends[0])]) {
      const report = await judged((record) => change(record.final.accounts))
      expect(report.failure).toMatchObject({
        of: 'the record',
        claim: { claim: 'R27', field: 'final.accounts.length' },
      })
    }
  })

  it('proven twice, or out of an inactive model, is rejected', async () => {
    const twice = await judged(
      (record) => void record.transactions.splice(2, 0, structuredClone(record.transactions[1]) as never),
    )
    expect(claimsOf(twice)).toContain('R29')
    const disabled = await judged((record) => {
      for (const model of record.models) model.disabled = { ...model.registered }
    })
    expect(claimsOf(disabled)).toContain('R1')
  })

  it('is found at every one of 240 flipped bytes of calldata', async () => {
    const standings = await standingsOf(whole.record)
    const random = new Random(20_200_312n)
    const caught = new Map<string, number>()
    for (let i = 0; i < 240; i++) {
      const at = i % 3
      const { transaction, place } = withFlippedBit(whole.record.transactions[at] as TransactionRecord, random)
      const audited = branchOf(standings[at] as Audited)
      await judgeTransaction(transaction, audited)
      const kind = (['arrays', 'margins', 'witnesses'] as const)[at] as 'arrays' | 'margins' | 'witnesses'
      const first = audited.found[kind].flatMap(claimsWithin).find(({ holds }) => !holds)
      expect(first, `transaction ${at}, byte ${place}`).toBeDefined()
      expect(first?.field).toBeDefined()
      caught.set(first?.claim ?? '', (caught.get(first?.claim ?? '') ?? 0) + 1)
      if (i % 20 > 0) continue
      // What comes later says nothing about it; all that comes before, judged again, finds the same.
      const transactions = [...whole.record.transactions.slice(0, at), transaction]
      const report = await judgePortfolio({ ...whole.record, transactions })
      expect(report.accepted).toBe(false)
      expect(report[kind]).toEqual(audited.found[kind])
    }
    console.log('240 flipped bytes, first caught by', Object.fromEntries(caught))
  })
})

const isFailure = (id: string) => (result: { readonly claim: string; readonly holds: boolean }) =>
  result.claim === id && !result.holds

/** The audit as it stands before each transaction. */
async function standingsOf(record: PortfolioRecord): Promise<readonly Audited[]> {
  let { audited } = beginAudit(record) as { audited: Audited }
  const standings: Audited[] = []
  for (const transaction of record.transactions) {
    standings.push(audited)
    audited = branchOf(audited)
    await judgeTransaction(transaction, audited)
  }
  return standings
}

function withFlippedBit(transaction: TransactionRecord, random: Random) {
  const bytes = Buffer.from(transaction.calls?.[0]?.slice(2) ?? '', 'hex')
  const place = Number(random.below(BigInt(bytes.length)))
  bytes[place] = (bytes[place] as number) ^ (1 << Number(random.below(8n)))
  return { transaction: { ...transaction, calls: [`0x${bytes.toString('hex')}`] }, place }
}

/** Of an array, margin or witness, and of its books. */
const claimsWithin = (proven: Audited['found'][keyof Audited['found']][number]) =>
  [proven, ...('books' in proven ? proven.books : [])].flatMap(({ claims }) => claims)

describe('R28: a batch of which an account was skipped', () => {
  it('is accepted and tells of the others; of none of its words is said something else', async () => {
    const { development, provable, round } = chain
    const { client, models } = development
    const place = { client, models, round }
    const accounts = [7n, 8n].map((address) => ({ account: toBeHex(address, 20), provable }))
    await reportAccounts(development, accounts)
    const reported = await Promise.all(accounts.map(({ account }) => client.account(account)))
    const prover = createProver()
    const record = await provenBatches(place, prover, reported).finally(() => prover.close())

    const report = await judgePortfolio(record)
    expect(report.failure).toBeUndefined()
    expect(report.margins.slice(-2).map(({ account }) => account)).toEqual(reported.map(({ account }) => account))
    const last = record.transactions.at(-1) as TransactionRecord
    expect(last.events.map(({ name }) => name)).toEqual(['MarginSkipped', 'MarginProven', 'PortfolioAccepted'])

    const copy = structuredClone(record) as MutableRecord
    const [skipped] = copy.transactions.at(-1)?.events ?? []
    if (skipped?.name === 'MarginSkipped') skipped.sequence += 1n
    expect(await judgePortfolio(copy)).toMatchObject({
      failure: { claim: { field: 'MarginSkipped.sequence' } },
    })
  })

  /** Both accounts in one batch, and the first alone, which lands before it. */
  async function provenBatches(
    place: PortfolioPlace,
    prover: Prover,
    reported: readonly ReportedAccount[],
  ): Promise<PortfolioRecord> {
    const provables = [chain.provable, chain.provable]
    const maker = new ProofMaker({ prover }, 5)
    const arrays = await proveArrays(place, maker, provables)
    const books = await proveBooks(place, maker, provables, reported, arrays)
    const both = await proveMargins(place, maker, provables, reported)
    const alone = await proveMargins(place, maker, provables.slice(1), reported.slice(0, 1))
    await landMargins(place, books.slice(0, 1), alone)
    await landMargins(place, books, both)
    return (await chain.audit()).record
  }
})

describe('R50: a witness in flight', () => {
  it('is accepted with what was reported since, and only if that is worth little', async () => {
    const { development, held, provable, round } = chain
    const [first] = whole.record.reports
    if (first === undefined) throw new Error('Nothing was reported.')
    const richer = (holdings: bigint, cashE12: bigint): bigint => {
      const own = unpack('holdings', holdings)
      return pack('holdings', { ...own, cashE12: own.cashE12 + cashE12 })
    }
    const { account, positions, collateralAmounts } = first
    await development.venue.reportAccount(account, positions, richer(first.holdings, 1n), collateralAmounts)
    const prover = createProver()
    await proveUnhealthy(
      { ...development, round },
      { prover },
      { ...held, sequence: held.held.sequence },
      provable.margin.worstScenario,
    ).finally(() => prover.close())
    const { record } = await chain.audit()
    const report = await judgePortfolio(record)
    expect(report.failure).toBeUndefined()
    expect(report.witnesses.at(-1)).toMatchObject({ accepted: true, sequence: 1n })

    const rich = structuredClone(record) as MutableRecord
    const deposited = 10n ** 18n
    const last = rich.reports.filter((each) => each.account === account).at(-1)
    if (last !== undefined) last.holdings = richer(last.holdings, deposited)
    const transaction = rich.transactions.at(-1)
    const call = decodeProvingCall(transaction?.calls?.[0] ?? '') as unknown as Mutable<WitnessCall>
    call.present[0] = richer(call.present[0] as bigint, deposited)
    if (transaction !== undefined) transaction.calls = [encoded('proveUnhealthy', call)]
    const found = (await judgePortfolio(rich)).witnesses.at(-1)?.claims.filter(({ holds }) => !holds)
    expect(found?.map(({ claim }) => claim)).toEqual(['R50'])
  })
})

describe('J3: keys', () => {
  it('that nobody brought make every proof rejected', async () => {
    const { report } = await chain.audit({ keys: [] })
    expect(report.failure).toMatchObject({ of: 'array 1', claim: { claim: 'R1', field: 'modelId' } })
    expect([...report.arrays, ...report.margins, ...report.witnesses].some(({ accepted }) => accepted)).toBe(false)
  })

  it('of other circuits, or other keys than those pinned, are refused', async () => {
    const swapped = await judged((record) => {
      const [first, second] = record.models.map(({ key }) => key?.verificationKey)
      if (record.models[0]?.key && record.models[1]?.key && first && second) {
        record.models[0].key.verificationKey = second
        record.models[1].key.verificationKey = first
      }
    })
    expect(swapped.failure).toMatchObject({ claim: { claim: 'R1', field: 'models.verificationKeyHash' } })
    const other = `0x${'ab'.repeat(32)}`
    const pinned = await judgePortfolio(whole.record, { verificationKeyHashes: [other] })
    expect(pinned.failure).toMatchObject({ claim: { claim: 'A3', field: 'models.key' } })
    const elsewhere = await judgePortfolio(whole.record, { chainId: 1n })
    expect(elsewhere.failure).toMatchObject({ claim: { field: 'context.chainId' } })
  })

  it('made for development are refused on any other chain, and so are other verifiers', async () => {
    const development = await judged((record) => set(record.context, 'chainId', 1n))
    expect(claimsOf(development)).toContain('T2')
    const code = await judged((record) => set(record.models[0], 'verifierCode', '0x6000'))
    expect(fieldsOf(code)).toContain('models.verifierCode')
  })
})

/** As if a much later round had been published before anything was proven of the first. */
function outdate(record: MutableRecord): void {
  const [first] = record.rounds
  const [freshness] = record.freshness
  if (first === undefined || freshness === undefined) return
  record.rounds.push({ ...first, asOf: first.asOf + freshness.maxRoundLagSeconds + 1n })
}

/** As if spot and perpetual had to be within less than they are. */
function narrow(record: MutableRecord): void {
  const [policy] = record.policies
  if (policy !== undefined) record.priceGaps.push({ block: policy.block, logIndex: policy.logIndex, gapBps: 1n })
}

/** As if the model of arrays had been disabled once they had landed. */
function disableArrays(record: MutableRecord): void {
  const model = record.models.find(({ modelId }) => modelId === callOf(whole.record, 'submitArrays').modelId)
  const { block } = record.transactions[0] ?? { block: 0 }
  if (model !== undefined) model.disabled = { block, logIndex: 1_000 }
}

const NO_HASH = `0x${'00'.repeat(32)}`

function set(target: unknown, field: string, value: unknown): void {
  const holder = target as Record<string, unknown>
  holder[field] = value
}

/** Flips the lowest bit of a number, or another one. */
function bump(target: unknown, field: string | number, bit = 1n): void {
  const holder = target as Record<string | number, bigint>
  holder[field] = (holder[field] as bigint) ^ bit
}
