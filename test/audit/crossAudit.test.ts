/** Audits of margins over several markets against a real chain: what is true is accepted, whatever is changed is found by name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Contract, type JsonRpcApiProvider, toBeHex } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditToJson, exitCodeOf, isPortfolioRegistry, pinsOfKeys } from '../../prover/audit/index.ts'
import { madeIn } from '../../prover/audit/deployed/code.ts'
import type { ArraysCall } from '../../prover/audit/portfolio/calls.ts'
import { auditCross, type CrossAudit, isCrossRegistry } from '../../prover/audit/portfolio/crossAudit.ts'
import {
  auditCrossOffline,
  formatCrossBundle,
  isCrossBundle,
  parseCrossBundle,
  writeCrossBundle,
} from '../../prover/audit/portfolio/crossBundle.ts'
import { type CrossMarginsCall, decodeCrossCall } from '../../prover/audit/portfolio/crossCalls.ts'
import { judgeCross } from '../../prover/audit/portfolio/crossJudge.ts'
import type { CrossMarginEvent, CrossRecord } from '../../prover/audit/portfolio/crossRecord.ts'
import { type CrossAuditReport, formatCrossAudit } from '../../prover/audit/portfolio/crossReport.ts'
import { publishCallOf } from '../../prover/audit/portfolio/signatures.ts'
import { ProverError } from '../../prover/errors.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { decodeRegistryCall } from '../../prover/registry/portfolio/calldata.ts'
import { renderPortfolioAuditReport } from '../../prover/service/report/portfolioAuditReport.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { revertDataOf } from '../reverts.ts'
import { type CrossChain, proveCrossChain } from './crossChain.ts'
import { withImmutable, withoutCheck } from './tampering.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
type MutableRecord = Mutable<CrossRecord>

let chain: CrossChain
let whole: CrossAudit
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cross-audit-'))
  chain = await proveCrossChain()
  whole = await chain.audit()
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await chain?.close()
})

/** A copy of the record with something changed, judged. */
async function judged(change: (record: MutableRecord) => void): Promise<CrossAuditReport> {
  const copy = structuredClone(whole.record) as MutableRecord
  change(copy)
  return judgeCross(copy)
}

const subjectsOf = ({ models, crossPolicy, markets, margins, accounts, deployed }: CrossAuditReport) => [
  ...models,
  crossPolicy,
  ...markets.flatMap(({ policy, rounds, arrays }) => [policy, rounds, ...arrays]),
  ...margins.flatMap((margin) => [...margin.books, margin]),
  ...accounts,
  ...deployed.contracts,
  deployed.authority,
  deployed.reads,
]
const failuresOf = (report: CrossAuditReport): readonly string[] =>
  subjectsOf(report).flatMap(({ claims }) =>
    claims.filter(({ holds }) => !holds).map(({ claim, field }) => `${claim} ${field}`),
  )
const claimsOf = (report: CrossAuditReport): readonly string[] =>
  failuresOf(report).map((each) => each.split(' ')[0] ?? '')

/** The submission of margins with its arguments changed. */
function encodeMargins(change: (call: Mutable<CrossMarginsCall>) => void): string {
  const call = decodeCrossCall(whole.record.transactions[0]?.calls?.[0] ?? '') as Mutable<CrossMarginsCall>
  change(call)
  return encoded('CrossMarginRegistry', 'submitCrossMargins', call)
}

function encoded(contract: 'CrossMarginRegistry' | 'RiskArrays', method: string, call: object): string {
  const { inputs } = interfaceOf(contract).getFunction(method) ?? { inputs: [] }
  const args = inputs.map(({ name }) => (call as Record<string, unknown>)[name])
  return interfaceOf(contract).encodeFunctionData(method, args).toLowerCase()
}

const judgedMargins = (change: (call: Mutable<CrossMarginsCall>) => void) =>
  judged((record) => {
    const [transaction] = record.transactions
    if (transaction !== undefined) transaction.calls = [encodeMargins(change)]
  })

/** The submission of a market's arrays with its arguments changed. */
const judgedArrays = (market: number, change: (call: Mutable<ArraysCall>) => void) =>
  judged((record) => {
    const transaction = record.markets[market]?.transactions[0]
    const call = decodeRegistryCall(transaction?.calls?.[0] ?? '')?.args as unknown as Mutable<ArraysCall>
    change(call)
    if (transaction !== undefined) transaction.calls = [encoded('RiskArrays', 'submitArrays', call)]
  })

const NO_HASH = `0x${'00'.repeat(32)}`

/** Flips the lowest bit of a number, or another one. */
function bump(target: unknown, field: string | number, bit = 1n): void {
  const holder = target as Record<string | number, bigint>
  holder[field] = (holder[field] as bigint) ^ bit
}

function set(target: unknown, field: string, value: unknown): void {
  const holder = target as Record<string, unknown>
  holder[field] = value
}

describe('an honest registry of margins over several markets', () => {
  it('A27 R107: is accepted, array by array of each market, book by book, margin and contracts', () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    expect(report).toMatchObject({ kind: 'cross', accepted: true, pinned: true })
    expect(exitCodeOf(report)).toBe(0)
    expect(report.markets.map(({ market, arrays }) => [market, arrays.length])).toEqual([
      ['BTC-USD', 1],
      ['ETH-USD', 1],
    ])
    const [margin] = report.margins
    const { margins } = chain.provable.margin
    expect(margin).toMatchObject({ initialE8: margins.initialE8, maintenanceE8: margins.maintenanceE8 })
    expect(margin?.books.map(({ market, accepted }) => [market, accepted])).toEqual([
      ['BTC-USD', true],
      ['ETH-USD', true],
    ])
    const claims = margin?.claims.map(({ claim }) => claim)
    for (const claim of ['R1', 'R24', 'R51', 'R100', 'R101', 'R102', 'R103', 'R105', 'J1', 'L30', 'Q2', 'Q3']) {
      expect(claims).toContain(claim)
    }
    expect(report.deployed.contracts.map(({ name }) => name)).toEqual([
      'CrossMarginRegistry',
      'ModelRegistry',
      'RiskCouncil',
      'RiskArrays',
      'RiskArrays',
      'AttestedRounds',
      'BatchVerifier',
      'BatchVerifier',
      'PortfolioPolicyBounds',
      'BatchVerifier',
      'PortfolioPolicyBounds',
    ])
  })

  it('A27: is explained market by market, and told in a table, in JSON and as a page', () => {
    const { report } = whole
    const [margin] = report.margins
    for (const [m, part] of (margin?.parts ?? []).entries()) {
      const sum = part.legs.reduce((total, { contribution }) => total + contribution, 0)
      expect(Math.abs(sum - (part.worstLoss ?? 0)), `market ${m}`).toBeLessThan(1e-5)
    }
    expect(margin?.spreadCredit).toBeGreaterThan(0)
    const table = formatCrossAudit(report)
    expect(table).toContain('of margins over BTC-USD and ETH-USD on chain')
    expect(table).toMatch(/array 1 of ETH-USD +block \d+ +expiry [\d :-]+, \d+ strikes? +accepted/)
    expect(table).toMatch(/margin of 0x\w+ +block \d+ +IM [−\d,.]+ MM [−\d,.]+, spread credit [\d,.]+ +accepted/)
    expect(table).toMatch(/0x\w+ in BTC-USD at [\d :-]+: worst spot/)
    expect(table).toMatch(/^ {4}may CrossMarginRegistry: reportCrossAccount$/m)
    expect(table).toMatch(/^ACCEPTED: 2 of 2 arrays, 1 of 1 margin; (\d+) of \1 claims hold\.$/m)
    expect(JSON.parse(auditToJson(report))).toMatchObject({ accepted: true, margins: [{ sequence: '1' }] })
    const page = renderPortfolioAuditReport(report)
    expect(page).toContain('Audit of registry of margins over several markets')
    expect(page).toContain('What each leg of')
    expect(page).toContain('policy of all markets')
  })

  it('A27: is told from a registry of one market, and looked for from its first block on', async () => {
    const { provider, client } = chain.site
    expect(await isCrossRegistry(provider, client.registry)).toBe(true)
    expect(await isPortfolioRegistry(provider, client.registry)).toBe(false)
    expect(await isCrossRegistry(provider, client.markets[0]?.arrays ?? '')).toBe(false)
    const nowhere = auditCross({ provider, registry: `0x${'12'.repeat(20)}`, keys: [] })
    await expect(nowhere).rejects.toMatchObject({ code: 'registry.registry-missing' })
    const late = chain.audit({ fromBlock: whole.record.context.toBlock })
    await expect(late).rejects.toMatchObject({ code: 'audit.history-incomplete' })
  })
})

describe('A28: a false history of margins over several markets', () => {
  it.each([
    ['round of the second market', (call: Mutable<CrossMarginsCall>) => bump(call.marketRounds[1], 'asOf'), 'R24'],
    ['word of a market', (call: Mutable<CrossMarginsCall>) => bump(call.marketRounds[1]?.marketWords, 1), 'R24'],
    ['one round fewer', (call: Mutable<CrossMarginsCall>): void => void call.marketRounds.pop(), 'R102'],
    [
      'one market’s round twice',
      (call: Mutable<CrossMarginsCall>): void => {
        const [first] = call.marketRounds
        if (first !== undefined) call.marketRounds[1] = structuredClone(first)
      },
      'R24',
    ],
    ['model of margins', (call: Mutable<CrossMarginsCall>) => set(call.batch, 'marginModelId', NO_HASH), 'R1'],
    ['model of books', (call: Mutable<CrossMarginsCall>) => set(call.batch, 'bookModelId', NO_HASH), 'R1'],
    ['commitment', (call: Mutable<CrossMarginsCall>) => bump(call.batch, 'commitment'), 'Q2'],
    ['margin of nobody', (call: Mutable<CrossMarginsCall>) => bump(call.batch, 'emptyMargins'), 'L30'],
    ['proof', (call: Mutable<CrossMarginsCall>) => bump(call.marginProof, 5), 'Q3'],
    ['proof of a book', (call: Mutable<CrossMarginsCall>) => bump(call.bookProofs[1], 2), 'Q3'],
    [
      'proof of a book for that of the margin',
      (call: Mutable<CrossMarginsCall>): void => {
        call.marginProof = call.bookProofs[0] as bigint[]
      },
      'Q3',
    ],
    [
      'order of the books of two markets',
      (call: Mutable<CrossMarginsCall>): void => {
        const half = call.bookWords.length / 2
        call.bookWords = [...call.bookWords.slice(half), ...call.bookWords.slice(0, half)]
        call.bookProofs.reverse()
      },
      'R28',
    ],
    ['position', (call: Mutable<CrossMarginsCall>) => bump(call.bookWords, 2, 1n << 80n), 'R103'],
    ['state after a book', (call: Mutable<CrossMarginsCall>) => bump(call.bookWords, call.bookWords.length - 1), 'L2'],
    ['number of arrays', (call: Mutable<CrossMarginsCall>) => set(call.accounts[0]?.arrays, '1', 0n), 'R103'],
    ['account', (call: Mutable<CrossMarginsCall>) => set(call.accounts[0], 'account', `0x${'ab'.repeat(20)}`), 'J1'],
    ['report', (call: Mutable<CrossMarginsCall>) => set(call.accounts[0], 'sequence', 2n), 'R105'],
    ['cash', (call: Mutable<CrossMarginsCall>) => bump(call.accounts[0]?.holdings, 0, 1n << 100n), 'R101'],
    ['perpetuals', (call: Mutable<CrossMarginsCall>) => bump(call.accounts[0]?.holdings, 1, 1n << 3n), 'R101'],
    ['collateral', (call: Mutable<CrossMarginsCall>) => bump(call.accounts[0]?.collateralAmounts, 0), 'R101'],
  ] as const)('with another %s is rejected', async (_, change, claim) => {
    const report = await judgedMargins(change)
    expect(report.accepted).toBe(false)
    expect(exitCodeOf(report)).toBe(1)
    expect(claimsOf(report)).toContain(claim)
    expect(report.failure?.claim.field).toBeDefined()
  })

  it('L30: names every field of a margin that is off by one, though call, event and contract agree on it', async () => {
    const [item] = decodeCrossCall(whole.record.transactions[0]?.calls?.[0] ?? '')?.accounts ?? []
    const told = unpack('crossMargins', item?.margins ?? 0n)
    for (const field of ['initialE8', 'maintenanceE8', 'worstScenarios'] as const) {
      const lie = pack('crossMargins', { ...told, [field]: told[field] + 1n })
      const report = await judged((record) => {
        const [transaction] = record.transactions
        if (transaction === undefined) return
        transaction.calls = [encodeMargins((call) => set(call.accounts[0], 'margins', lie))]
        set(transaction.events[0], 'margins', lie)
        bumpBy(record.final.accounts[0]?.margin, field)
      })
      expect(report.margins[0]?.claims.find(({ holds }) => !holds)).toMatchObject({
        claim: 'L30',
        field: `margins.${field}`,
        expected: String(told[field]),
        found: String(told[field] + 1n),
      })
    }
  })

  it.each([
    [0, 'strike', (call: Mutable<ArraysCall>) => bump(call.strikeWords, 0), 'B1'],
    [1, 'strike', (call: Mutable<ArraysCall>) => bump(call.strikeWords, 0), 'B1'],
    [1, 'surface', (call: Mutable<ArraysCall>) => bump(call.arrays[0]?.expiryWords, 1), 'R26'],
    [1, 'word of the market', (call: Mutable<ArraysCall>) => bump(call.marketWords, 1), 'R24'],
    [1, 'root', (call: Mutable<ArraysCall>) => bump(call.arrays[0], 'arrayRoot'), 'B1'],
    [1, 'model', (call: Mutable<ArraysCall>) => set(call, 'modelId', NO_HASH), 'R1'],
    [1, 'proof', (call: Mutable<ArraysCall>) => bump(call.proofs[0], 0), 'Q3'],
  ] as const)('in arrays of market %i with another %s is rejected', async (market, _, change, claim) => {
    expect(claimsOf(await judgedArrays(market, change))).toContain(claim)
  })

  it.each([
    [
      'policy of all markets',
      (record: MutableRecord) => bump(record.crossPolicies[0]?.words, 1, (1n << 35n) | (1n << 75n)),
      ['R100', 'L30'],
    ],
    [
      'limit on how far rounds are apart',
      (record: MutableRecord) => bump(record.crossPolicies[0], 'maxRoundsApartSeconds'),
      ['R100'],
    ],
    [
      'policy of the second market',
      (record: MutableRecord) => bump(record.markets[1]?.policies[0]?.words, 18),
      ['R25'],
    ],
    [
      'policy of prices',
      (record: MutableRecord) => bump(record.markets[0]?.policies[0]?.words, 13, 1n << 34n),
      ['R25', 'B1'],
    ],
    [
      'round of the second market',
      (record: MutableRecord) => set(record.markets[1]?.rounds[0], 'marketHash', NO_HASH),
      ['R24', 'A10'],
    ],
    ['age', (record: MutableRecord) => set(record.transactions[0], 'timestamp', 2 ** 31), ['R51']],
    ['R102: rounds that are too far apart', (record: MutableRecord) => setApart(record), ['R102']],
    ['R53: gap of prices', (record: MutableRecord) => narrow(record), ['R53']],
    ['R54: model of arrays', (record: MutableRecord) => disableArrays(record), ['R54']],
    ['R101: scale of prices since the report', (record: MutableRecord) => rescale(record), ['R101']],
    ['report', (record: MutableRecord) => bump(record.reports[0]?.positions[1], 0, 1n << 80n), ['R103', 'R101']],
    ['report’s number', (record: MutableRecord) => bump(record.reports[0], 'sequence'), ['R101']],
    ['event of a margin', (record: MutableRecord) => bump(record.transactions[0]?.events[0], 'margins'), ['J1']],
    [
      'event of the batch',
      (record: MutableRecord) => set(record.transactions[0]?.events[1], 'subject', NO_HASH),
      ['J1'],
    ],
    [
      'event of an array',
      (record: MutableRecord) => bump(record.markets[1]?.transactions[0]?.events[0], 'policyVersion'),
      ['R26'],
    ],
    ['end', (record: MutableRecord) => bump(record.final.accounts[0]?.margin, 'initialE8'), ['R105']],
    ['hash of a report', (record: MutableRecord) => set(record.final.accounts[0], 'bookHash', NO_HASH), ['R101']],
  ] as const)('with another %s is rejected', async (_, change, claims) => {
    const found = claimsOf(await judged(change))
    for (const claim of claims) expect(found).toContain(claim)
  })

  it('in which arrays, margins, a report, a round or a call are missing is rejected', async () => {
    const { account } = chain.site
    const withoutArrays = await judged((record) => void record.markets[1]?.transactions.pop())
    expect(withoutArrays.failure).toMatchObject({
      of: `book 1 of ${account} in ETH-USD`,
      claim: { claim: 'R28', field: 'arrayRoots[0]' },
    })
    const withoutMargins = await judged((record) => void record.transactions.pop())
    expect(withoutMargins.failure).toMatchObject({ of: `account ${account}`, claim: { claim: 'R105' } })
    expect(claimsOf(await judged((record) => void record.reports.pop()))).toContain('R101')
    expect(claimsOf(await judged((record) => void record.markets[1]?.rounds.pop()))).toContain('R24')
    const hidden = await judged((record) => set(record.transactions[0], 'calls', null))
    expect(hidden.failure?.claim).toMatchObject({ claim: 'J1', field: 'calldata' })
    const hiddenArrays = await judged((record) => set(record.markets[0]?.transactions[0], 'calls', null))
    expect(hiddenArrays.failure?.claim).toMatchObject({ claim: 'J1', field: 'calldata' })
    const twice = await judged(
      (record) => void record.transactions.push(structuredClone(record.transactions[0]) as never),
    )
    expect(claimsOf(twice)).toContain('R105')
  })

  it('is what the contract reads: a call whose nested lists stand before the place that they are counted from is read as it', async () => {
    const honest = whole.record.transactions[0]?.calls?.[0] ?? ''
    const { registry } = chain.site.client
    const answerTo = (data: string) =>
      chain.site.provider.call({ to: registry, data }).catch((error: unknown) => revertDataOf(error))
    const bent = withListBefore(honest)
    expect(bent).not.toBe(honest)
    // Taken a second time: the contract has read either as far as the account's number of reports.
    expect(await answerTo(bent)).toBe(await answerTo(honest))
    expect(decodeCrossCall(bent)).toEqual(decodeCrossCall(honest))
    expect(await judged((record) => set(record.transactions[0], 'calls', [bent]))).toEqual(await judged(() => {}))
    const beyond = withListBefore(honest, 1n << 40n)
    expect(decodeCrossCall(beyond)).toBeUndefined()
  })

  it('with an event that no call left is rejected, whatever it says, and whichever call about nobody stands beside it', async () => {
    const [transaction] = whole.record.transactions
    const [proven, accepted] = transaction?.events ?? []
    const { margins: _, ...said } = { ...(proven as CrossMarginEvent), name: 'CrossMarginSkipped' } as const
    const aboutNobody = encodeMargins((call) => void call.accounts.pop())
    for (const stray of [accepted, said] as const) {
      for (const calls of [null, [], [aboutNobody]]) {
        const report = await judged(
          (record) => void record.transactions.push({ ...transaction, calls, events: [stray] } as never),
        )
        expect(report.failure).toMatchObject({ of: 'the record', claim: { claim: 'J1', field: 'calldata' } })
      }
      const beside = await judged((record) => void record.transactions[0]?.events.push(stray as never))
      expect(beside.failure).toMatchObject({ of: 'the record', claim: { claim: 'J1', field: 'calldata' } })
    }
  })

  it('R101: that says of an account nothing at the end, or twice, or of accounts that nobody reported, is rejected', async () => {
    for (const change of [
      (ends: unknown[]) => void ends.pop(),
      (ends: unknown[]) => void ends.push(ends[0]),
      (ends: unknown[]) => void ends.push({ ...(ends[0] as object), account: `0x${'12'.repeat(20)}` }),
    ]) {
      const report = await judged((record) => change(record.final.accounts))
      expect(report.failure).toMatchObject({
        of: 'the record',
        claim: { claim: 'R101', field: 'final.accounts.length' },
      })
    }
  })

  it('is found at every one of 60 flipped bytes of calldata that the contract reads', async () => {
    const random = new Random(20_200_312n)
    const honest = Buffer.from(whole.record.transactions[0]?.calls?.[0]?.slice(2) ?? '', 'hex')
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from(honest)
      const place = Number(random.below(BigInt(bytes.length)))
      bytes[place] = (bytes[place] as number) ^ (1 << Number(random.below(8n)))
      const report = await judged((record) => set(record.transactions[0], 'calls', [`0x${bytes.toString('hex')}`]))
      expect(report.failure?.claim.field, `byte ${place}`).toBeDefined()
    }
  })
})

describe('A29: keys and contracts of margins over several markets', () => {
  const request = (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    (chain.site.provider as JsonRpcApiProvider).send(method, [...params])
  const codeOf = (address: string): Promise<string> => chain.site.provider.getCode(address)

  async function auditedAfter(change: () => Promise<unknown>): Promise<CrossAuditReport> {
    const snapshot = await request('evm_snapshot')
    try {
      await change()
      return (await chain.audit()).report
    } finally {
      await request('evm_revert', snapshot)
    }
  }

  it('J3: that nobody brought, of other circuits or for development elsewhere prove nothing', async () => {
    const { report } = await chain.audit({ keys: [] })
    expect(report.failure).toMatchObject({ of: 'array 1 of BTC-USD', claim: { claim: 'R1', field: 'modelId' } })
    expect(report.margins.some(({ accepted }) => accepted)).toBe(false)
    const pinned = await judgeCross(whole.record, { verificationKeyHashes: [`0x${'ab'.repeat(32)}`] })
    expect(pinned.failure).toMatchObject({ claim: { claim: 'A3', field: 'models.key' } })
    expect((await judgeCross(whole.record, { chainId: 1n })).failure?.claim).toMatchObject({ field: 'context.chainId' })
    expect(claimsOf(await judged((record) => set(record.context, 'chainId', 1n)))).toContain('T2')
  })

  it('A7: with a check left out, in the registry or in arrays of either market, are rejected', async () => {
    const { registry, markets } = chain.site.client
    const lax = withoutCheck(await codeOf(registry), 'CrossMarginRegistry', 'RoundsApart')
    const changed = await auditedAfter(() => request('hardhat_setCode', registry, lax))
    expect(failuresOf(changed)).toEqual(['A7 deployed.CrossMarginRegistry.code'])
    const { arrays } = markets[1] as (typeof markets)[number]
    const stale = withoutCheck(await codeOf(arrays), 'RiskArrays', 'RoundStale')
    const second = await auditedAfter(() => request('hardhat_setCode', arrays, stale))
    expect(failuresOf(second)).toEqual(['A7 deployed.RiskArrays.code'])
    expect(second.failure?.of).toBe(`RiskArrays ${arrays}`)
    const [verifier] = madeIn('CrossMarginRegistry', await codeOf(registry))
    const yes = await auditedAfter(() => request('hardhat_setCode', verifier?.address, '0x60015f5260205ff3'))
    expect(failuresOf(yes)).toEqual(['A7 deployed.BatchVerifier.code'])
  })

  it('A8: made for other arrays, another market, another policy or another empty state are rejected', async () => {
    const { registry, markets } = chain.site.client
    const state = withImmutable(await codeOf(registry), 'CrossMarginRegistry', 'BookFolding.emptyState', 1n)
    const other = await auditedAfter(() => request('hardhat_setCode', registry, state))
    expect(failuresOf(other)).toContain('A8 deployed.CrossMarginRegistry.BookFolding.emptyState')
    const swapped = await judged((record) => void record.markets.reverse())
    expect(failuresOf(swapped)).toContain('A8 deployed.CrossMarginRegistry.markets')
    const [first] = markets
    const market = withImmutable(await codeOf(first?.arrays ?? ''), 'RiskArrays', 'RiskArrays.marketId', 1n)
    const stranger = await auditedAfter(() => request('hardhat_setCode', first?.arrays, market))
    expect(failuresOf(stranger)).toContain('A8 deployed.RiskArrays.RiskArrays.marketId')
    const policy = await judged((record) => {
      bump(record.crossPolicies[0], 'maxRoundsApartSeconds')
      bump(record.final.crossPolicy, 'maxRoundsApartSeconds')
    })
    expect(failuresOf(policy)).toContain('A8 deployed.CrossMarginRegistry.maxRoundsApartSeconds')
  })

  it('A10: whose rounds were signed by others are rejected, of whichever market', async () => {
    const publish = interfaceOf('AttestedRounds')
    for (const m of [0, 1]) {
      const report = await judged((record) => {
        const round = record.markets[m]?.rounds[0]
        const parsed = publish.parseTransaction({ data: round?.calldata ?? '' })
        const { deadline, ...said } = parsed?.args[0].toObject() ?? {}
        const args = [
          { ...said, expiryHashes: [...said.expiryHashes], deadline: deadline + 1n },
          [...(parsed?.args[1] ?? [])],
        ]
        set(round, 'calldata', publish.encodeFunctionData('publish', args))
      })
      expect(failuresOf(report)).toContain('A10 rounds[0].signatures[0].signature')
      expect(report.markets[m]?.rounds.accepted).toBe(false)
      expect(report.markets[1 - m]?.rounds.accepted).toBe(true)
    }
  })

  it('A10: are read however the call that published them was written', async () => {
    const honest = whole.record.markets[0]?.rounds[0]?.calldata ?? ''
    const words = (honest.slice(10).match(/.{64}/g) ?? []).map((word) => BigInt(`0x${word}`))
    // Two offsets; the round, whose hashes of expiries stand at its end: here before it.
    const list = words.slice(7, 8 + Number(words[7]))
    const size = BigInt(32 * list.length)
    const [round = 0n, signatures = 0n, ...rest] = words
    const moved = [round + size, signatures + size, ...list, ...rest]
    moved[list.length + 5] = BigInt.asUintN(256, -size)
    const bent = honest.slice(0, 10) + moved.map((word) => word.toString(16).padStart(64, '0')).join('')
    expect(publishCallOf(bent)).toEqual(publishCallOf(honest))
    expect(publishCallOf(bent)?.round.expiryHashes).toHaveLength(Number(words[7]))
    const report = await judged((record) => set(record.markets[0]?.rounds[0], 'calldata', bent))
    expect(report).toEqual(await judged(() => {}))
  })

  it('A12: what consumers read follows from the history, fresh and stale, and what was written over is found', async () => {
    const [margin] = whole.report.margins
    const age = whole.record.markets[0]?.freshness[0]?.maxMarginAgeSeconds ?? 0n
    for (const later of [age, age + 1n]) {
      const report = await auditedAfter(() =>
        request('evm_mine', toBeHex((margin?.asOf ?? 0n) + later).replace(/^0x0/, '0x')),
      )
      expect(failuresOf(report)).toEqual([])
    }
    const changed = await judged((record) => {
      const read = record.deployed.reads.find(({ method }) => method === 'crossMarginOf')
      set(read?.answer?.[0], 'value', '1')
    })
    expect(failuresOf(changed)).toEqual([`A12 reads.crossMarginOf(${chain.site.account}).initialE8`])
  })

  it('R41 A11: by a model that was paused then are rejected; governance since then changes nothing', async () => {
    const report = await auditedAfter(async () => {
      const { council } = chain.site.hands
      const models = new Contract(whole.record.context.modelRegistry, interfaceOf('ModelRegistry'), council)
      await mined(models.getFunction('pause')(whole.record.models[0]?.modelId))
      const registry = new Contract(chain.site.client.registry, interfaceOf('CrossMarginRegistry'), council)
      await mined(registry.getFunction('setCrossPolicy')(whole.record.final.crossPolicy.words, 30n))
    })
    expect(report.failure).toBeUndefined()
    expect(report.crossPolicy.versions).toBe(2)
    const authority = await judged((record) =>
      set(record.deployed.council.targets[0], 'authority', `0x${'12'.repeat(20)}`),
    )
    expect(authority.failure?.claim.claim).toBe('A11')
  })
})

describe('A30: an audit of margins over several markets that travels', () => {
  it('is judged again without a chain, as the same to the last claim', async () => {
    const file = join(folder, 'cross.audit.json')
    await writeCrossBundle(file, whole.record)
    expect(await isCrossBundle(file)).toBe(true)
    const { chainId, registry } = whole.record.context
    const report = await auditCrossOffline(file, { chainId, registry, ...pinsOfKeys(chain.keys) })
    expect(report).toEqual(whole.report)
    const other = await auditCrossOffline(file, { chainId, registry: chain.site.account, ...pinsOfKeys(chain.keys) })
    expect(other.failure?.claim).toMatchObject({ claim: 'A3', field: 'context.registry' })
  })

  it('has one text, and what is changed of it is refused by name', () => {
    const text = formatCrossBundle(whole.record)
    expect(parseCrossBundle(Buffer.from(text), 'cross.json')).toEqual(whole.record)
    const refused = (changed: string): string => {
      try {
        parseCrossBundle(Buffer.from(changed), 'cross.json')
        return 'taken'
      } catch (error) {
        return error instanceof ProverError ? error.code : 'another error'
      }
    }
    expect(refused(text)).toBe('taken')
    const { account } = chain.site
    expect(refused(text.replaceAll(account, `0x${'00'.repeat(19)}02`))).toBe('registry.section-changed')
    expect(refused(text.replace('"crossPolicies"', '"policies"'))).toMatch(/^registry\./)
    expect(refused(text.slice(0, -20))).toMatch(/^registry\./)
    expect(refused(text.replace('\n', ' \n'))).toMatch(/^registry\./)
    writeFileSync(join(folder, 'other.json'), '{"format": "something else"}')
    expect(readFileSync(join(folder, 'other.json'), 'utf8')).not.toContain('cross-audit')
  })
})

/** The same submission, the first account's numbers of arrays written before all accounts, or so many bytes beside. */
function withListBefore(calldata: string, beside = 0n): string {
  const words = Array.from({ length: (calldata.length - 10) / 64 }, (_, i) =>
    BigInt(`0x${calldata.slice(10 + 64 * i, 74 + 64 * i)}`),
  )
  const at = (place: number): number => Number(words[place]) / 32
  // Words before the first list; offsets of the four lists among them.
  const [head, offsets] = [16, [0, 5, 6, 7]]
  const accounts = at(5) + 1
  const first = accounts + at(accounts)
  const list = first + at(first + 2)
  const copy = words.slice(list, list + 1 + Number(words[list]))
  const moved = [...words.slice(0, head), ...copy, ...words.slice(head)]
  for (const place of offsets) moved[place] = (moved[place] ?? 0n) + BigInt(32 * copy.length)
  const start = first + copy.length
  moved[start + 2] = BigInt.asUintN(256, BigInt(32 * (head - start)) - beside)
  return calldata.slice(0, 10) + moved.map((word) => word.toString(16).padStart(64, '0')).join('')
}

function bumpBy(target: unknown, field: string): void {
  const holder = target as Record<string, bigint>
  holder[field] = (holder[field] as bigint) + 1n
}

/** As if rounds of one second had been required to be of the same instant, and were not. */
function setApart(record: MutableRecord): void {
  const [transaction] = record.transactions
  if (transaction === undefined) return
  transaction.calls = [encodeMargins((call) => bumpBy(call.marketRounds[1], 'asOf'))]
  for (const policy of record.crossPolicies) policy.maxRoundsApartSeconds = 0n
}

/** As if prices of the second market had to be nearer to each other than they are. */
function narrow(record: MutableRecord): void {
  const market = record.markets[1]
  const [policy] = market?.policies ?? []
  if (policy !== undefined) market?.priceGaps.push({ block: policy.block, logIndex: policy.logIndex, gapBps: 1n })
}

/** As if the model of arrays had been disabled once they had landed. */
function disableArrays(record: MutableRecord): void {
  const transaction = record.markets[1]?.transactions[0]
  const modelId = decodeRegistryCall(transaction?.calls?.[0] ?? '')?.args.modelId
  const model = record.models.find((each) => each.modelId === modelId)
  if (model !== undefined) model.disabled = { block: transaction?.block ?? 0, logIndex: 1_000 }
}

/** As if the second market had gone on at another scale since the report. */
function rescale(record: MutableRecord): void {
  const market = record.markets[1]
  const [source] = market?.roundSources ?? []
  const [report] = record.reports
  if (source !== undefined && report !== undefined)
    market?.roundSources.push({ ...source, block: report.block, logIndex: report.logIndex + 1, priceScale: 3n })
}
