/** A liquidation is explained from its receipt alone, from a chain and from a file, and whatever of it is changed is found. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getAddress, isAddress } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pinsOfKeys } from '../../prover/audit/index.ts'
import { judgeReceipt, type ReceiptPins, type ReceiptReport } from '../../prover/audit/portfolio/receipt/judge.ts'
import { formatReceiptFile, parseReceiptFile, type ReceiptRecord } from '../../prover/audit/portfolio/receipt/record.ts'
import { ProverError } from '../../prover/errors.ts'
import { accountMargin } from '../../prover/portfolio/margin.ts'
import { decimalText } from '../../prover/portfolio/input/exact.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { collectPortfolioRecord } from '../../prover/audit/portfolio/collect.ts'
import { portfolioAuditKeys } from '../../prover/service/answers/auditing.ts'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { E12, E8 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { errorOf, zkrisk } from '../service/zkrisk.ts'
import { liquidateInEveryWay, type ReceiptChain } from './receiptChain.ts'

let chain: ReceiptChain
let folder: string
let pins: ReceiptPins
/** A node that answers everything but traces. */
let untraced: FaultProxy
const file = (name: string): string => join(folder, `${name}.json`)
const kept = (name: string): ReceiptRecord => parseReceiptFile(readFileSync(file(name)), name)
const receipt = (...args: readonly string[]) => zkrisk('receipt', ...args, '--json')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'receipt-'))
  chain = await liquidateInEveryWay()
  const at = ['--rpc', chain.url, '--venue', chain.venue]
  await receipt(...at, '--tx', chain.byWitness, '--save', file('witness'))
  await receipt(...at, '--account', chain.owner, '--save', file('margins'))
  untraced = await FaultProxy.start(chain.url)
  untraced.fail('no-method', ['debug_traceTransaction'])
  for (const name of ['inOne', 'carried'] as const) {
    await receipt('--rpc', untraced.url, '--venue', chain.venue, '--tx', chain[name], '--save', file(name))
  }
  pins = { ...pinsOfKeys(await portfolioAuditKeys()), chainId: 31337n, venue: chain.venue }
})
afterAll(async () => {
  untraced?.close()
  await chain?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('A24: a receipt', () => {
  it('of a witness has its scenario in words, its round, what was short and what was taken, as the twin has them', async () => {
    const { code, stdout } = await receipt('--file', file('witness'), '--venue', chain.venue)
    const told = JSON.parse(stdout)
    const { margin } = chain.fallen
    expect(code).toBe(0)
    expect(told).toMatchObject({ accepted: true, owner: chain.owner, transactionHash: chain.byWitness })
    expect(told.evidence).toMatchObject({
      ...{ kind: 'witness', report: 2, round: '2026-02-05T04:32:00Z' },
      scenario: { index: margin.worstScenario, words: 'spot −18 %, volatility up' },
      maintenance: decimalText(margin.maintenanceE8, E8),
    })
    expect(told.inputs).toMatchObject({ spot: '57000', perp: '57000', expiries: [{ forward: '57000' }] })
    expect(told.account.legs.map(({ leg, quantity }: { leg: string; quantity: number }) => [leg, quantity])).toEqual([
      ['2026-03-27 08:00 60000 put', -2],
      ['perpetuals', 0.5],
    ])
    expect(told.standing).toMatchObject({
      initial: decimalText(margin.initialE8, E8),
      equity: decimalText(margin.equityE8, E8),
    })
    expect(told.taken).toMatchObject({
      ...{ fractionBps: 2_500, bonusBps: -2_000, notional: '37125', bonus: '-7425', perps: 0.125, auctionSeconds: 0 },
      ...{ cash: '-2906.625', cashBefore: '18073.5', covered: '0', badDebt: '0' },
      options: [{ strike: '60000', calls: 0, puts: -0.5 }],
    })
  })

  it('of margins is of another round, with what came in and what the perpetuals lost since', async () => {
    const { code, stdout } = await receipt('--file', file('margins'))
    const told = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(told.evidence).toMatchObject({ kind: 'margins', report: 4, round: '2026-02-05T04:35:00Z' })
    expect(told.evidence.maintenance).toBe(decimalText(chain.left.margin.maintenanceE8, E8))
    const { cashE12 } = chain.left.account.holdings
    expect(told.taken).toMatchObject({
      ...{ reportedCash: decimalText(cashE12, E12), cashBefore: decimalText(cashE12 + (7n - 375n) * E12, E12) },
      ...{ fractionBps: 10_000, bonusBps: 1_000, perps: 0.375, covered: '0', badDebt: told.taken.bonus },
    })
  })

  it('says how much cash would have been enough, to the unit', async () => {
    for (const [name, { account, round, marginPolicy }] of [
      ['witness', chain.fallen],
      ['margins', chain.left],
    ] as const) {
      const { evidence } = await judgeReceipt(kept(name), pins)
      const needed = evidence?.cashNeededE12 as bigint
      const withCash = (added: bigint) => {
        const holdings = { ...account.holdings, cashE12: account.holdings.cashE12 + added }
        return accountMargin({ ...account, holdings }, round, marginPolicy).maintenanceE8
      }
      expect(withCash(needed), name).toBeGreaterThanOrEqual(0n)
      expect(withCash(needed - 1n), name).toBeLessThan(0n)
    }
  })

  it('says the same from a chain, by transaction and by account, and from a file', async () => {
    const at = ['--rpc', chain.url, '--venue', chain.venue]
    for (const [name, ...which] of [
      ['witness', '--tx', chain.byWitness],
      ['witness', '--tx', chain.byWitness, '--account', chain.owner],
      ['margins', '--tx', chain.byMargins],
      ['margins', '--account', chain.owner],
    ] as const) {
      const told = [await receipt(...at, ...which), await receipt('--file', file(name))].map(({ stdout }) => {
        const { pins: _, pinned: __, elapsedSeconds: ___, judged, ...rest } = JSON.parse(stdout)
        return { ...rest, judged: judged.map(({ of }: { of: string }) => of) }
      })
      expect(told[0], which.join(' ')).toEqual(told[1])
    }
  })

  it('reads as its owner would want it', async () => {
    const { stdout } = await zkrisk('receipt', '--file', file('witness'))
    for (const line of [
      'showed report 2 of the account at most −12,429.25 above maintenance, by spot −18 %, volatility up.',
      '= below maintenance by   12,429.25',
      'more cash before that round, and not one unit less.',
      'What was taken: 25.00 % of the account, 0 s into the auction: −0.5 of 2026-03-27 60000 put, 0.125 perpetuals',
      'Not everything was pinned from outside',
    ])
      expect(stdout).toContain(line)
    const pinned = await zkrisk('receipt', '--rpc', chain.url, '--venue', chain.venue, '--tx', chain.byWitness)
    expect(pinned.stdout).not.toContain('Not everything was pinned')
    expect(pinned.stdout).toContain('ACCEPTED')
  })

  it('of nothing, of another venue, or of what was not said is refused by name', async () => {
    const at = ['--rpc', chain.url, '--venue', chain.venue]
    for (const [code, exit, ...args] of [
      ['audit.no-liquidation', 1, ...at, '--account', chain.venue],
      ['audit.no-liquidation', 1, ...at, '--tx', `0x${'12'.repeat(32)}`],
      ['audit.not-a-venue', 1, '--rpc', chain.url, '--venue', `0x${'12'.repeat(20)}`, '--tx', chain.byWitness],
      ['audit.not-a-venue', 1, '--rpc', chain.url, '--venue', chain.registry, '--account', chain.venue],
      ['service.receipt-target', 2, ...at],
      ['service.receipt-target', 2, '--venue', chain.venue, '--tx', chain.byWitness],
      ['service.transaction-hash', 2, ...at, '--tx', '0x12'],
      ['service.option-besides', 2, '--file', file('witness'), '--tx', chain.byWitness],
    ] as const) {
      const ended = await receipt(...args)
      expect([errorOf(ended).code, ended.code], args.join(' ')).toEqual([code, exit])
    }
    const other = await receipt('--file', file('witness'), '--venue', chain.owner)
    expect(other.code).toBe(1)
    expect(JSON.parse(other.stdout).failure).toMatchObject({
      of: 'the record',
      claim: { claim: 'A3', field: 'venue.address' },
    })
  })
})

describe('R189: a liquidation with its witness in one transaction', () => {
  it('is explained by a node that cannot trace, whether its sender called the venue or had a contract call it', async () => {
    for (const [name, { margin }, spot] of [
      ['inOne', chain.otherFallen, '57000'],
      ['carried', chain.otherCarried, '55000'],
    ] as const) {
      const { code, stdout } = await receipt('--rpc', untraced.url, '--venue', chain.venue, '--tx', chain[name])
      const told = JSON.parse(stdout)
      expect([name, code, told.failure, told.hidden]).toEqual([name, 0, undefined, []])
      expect(told).toMatchObject({ accepted: true, owner: chain.other, transactionHash: chain[name] })
      expect(told.evidence).toMatchObject({
        ...{ kind: 'witness', transactionHash: chain[name], block: told.block },
        scenario: { index: margin.worstScenario },
        maintenance: decimalText(margin.maintenanceE8, E8),
      })
      expect(told.inputs).toMatchObject({ spot, perp: spot })
      expect(Number(told.wouldHaveSaved.cash)).toBeCloseTo(-Number(margin.maintenanceE8) / 1e8, 4)
      expect(told.taken).toMatchObject({ fractionBps: 2_500, covered: '0', badDebt: '0' })
    }
    expect(untraced.asked).toContain('debug_traceTransaction')
  })

  it('is the same of a node that traces, and from the file that either saved', async () => {
    for (const name of ['inOne', 'carried'] as const) {
      await receipt('--rpc', chain.url, '--venue', chain.venue, '--tx', chain[name], '--save', file('traced'))
      expect(readFileSync(file('traced'), 'utf8')).toBe(readFileSync(file(name), 'utf8'))
      expect((await receipt('--file', file(name))).code).toBe(0)
    }
  })

  it('reads as its owner would want it', async () => {
    const { stdout } = await zkrisk('receipt', '--file', file('inOne'))
    for (const line of [
      'Why: a witness of the round of 2026-02-05 04:32 UTC (brought in the same transaction)',
      'above maintenance, by spot −18 %, volatility up.',
      '= below maintenance by   12,429.25',
      'What would have saved it: 12429.25',
      'What was taken: 25.00 % of the account, 0 s into the auction',
    ])
      expect(stdout).toContain(line)
  })

  it('within a call that its transaction does not carry takes a node that traces, which is said', async () => {
    const args = ['--venue', chain.venue, '--tx', chain.hidden]
    const told = await receipt('--rpc', untraced.url, ...args)
    expect(told.code).toBe(1)
    expect(JSON.parse(told.stdout)).toMatchObject({ accepted: false, hidden: [chain.hidden] })
    const { stdout } = await zkrisk('receipt', '--rpc', untraced.url, ...args)
    expect(stdout).toContain('Take one that offers debug_traceTransaction')
    expect((await receipt('--rpc', chain.url, ...args, '--save', file('hidden'))).code).toBe(0)
    expect((await receipt('--file', file('hidden'))).code).toBe(0)
  })

  it('is rejected with another witness in its place, or with that of another round', async () => {
    const venue = interfaceOf('OptionsVenue')
    const [own, other] = [kept('inOne'), kept('carried')]
    const callOf = ({ liquidation }: ReceiptRecord): string => liquidation.calldata ?? ''
    const witnessOf = (record: ReceiptRecord): string =>
      venue.decodeFunctionData('liquidateByWitness', callOf(record)).toArray().at(-1)
    const bringing = (witness: string): string => {
      const args = venue.decodeFunctionData('liquidateByWitness', callOf(own)).toArray(true)
      return venue.encodeFunctionData('liquidateByWitness', [...args.slice(0, -1), witness])
    }
    expect(callOf(own)).toBe(bringing(witnessOf(own)))
    const judged = async (change: (record: ReceiptRecord) => object) => {
      const { failure, accepted } = await judgeReceipt({ ...own, ...change(own) }, pins)
      expect(accepted).toBe(false)
      return failure?.claim.field
    }
    const changedProof = `${witnessOf(own).slice(0, -1)}${witnessOf(own).endsWith('1') ? '2' : '1'}`
    const liquidationWith = (witness: string) => ({ liquidation: { ...own.liquidation, calldata: bringing(witness) } })
    expect(await judged(() => liquidationWith(changedProof))).toBe('calldata.witness')
    expect(await judged(() => liquidationWith(witnessOf(other)))).toBe('roundId')
    const transactions = own.portfolio.transactions.map((each) =>
      each.hash === own.liquidation.transactionHash ? { ...each, calls: [witnessOf(other)] } : each,
    )
    expect(await judged(() => ({ portfolio: { ...own.portfolio, transactions } }))).toBeDefined()
  })
})

type Leaf = { readonly path: string; readonly holder: Record<string, unknown>; readonly key: string }

function* leavesOf(value: object, at = ''): Generator<Leaf> {
  for (const [key, inner] of Object.entries(value)) {
    const path = at === '' ? key : `${at}.${key}`
    if (typeof inner === 'object' && inner !== null) yield* leavesOf(inner, path)
    else yield { path, holder: value as Record<string, unknown>, key }
  }
}

/** Another value of the same form; text in hexadecimal at its middle. */
function flipped(value: unknown): unknown {
  if (typeof value === 'bigint') return value ^ 1n
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  const text = String(value)
  const middle = Math.floor(text.length * 0.6)
  const other = `${text.slice(0, middle)}${text[middle] === '1' ? '2' : '1'}${text.slice(middle + 1)}`
  return isAddress(text) ? getAddress(other.toLowerCase()) : other
}

/** What only a node can say, in audits too: where in the chain something stands, and when. */
const OF_THE_CHAIN = /(?:^|\.)(?:block|logIndex|timestamp|hash|transactionHash|toBlockHash|fromBlock)$/
/** Rules that a proof was younger than, to the second or not. */
const BOUNDS = /^portfolio\.freshness\.\d+\.|^events\.\d+\.(?:stepBps|auctionSeconds|startPayBps|endBonusBps|since)$/
/** What the file's form allows few values of. */
const OF_THE_FORM = /\.(?:name|part)$/
/** Who took over, and who sent a proof, is no part of what the account lost. */
const OF_NOBODY = /^liquidation\.liquidator$|\.events\.\d+\.submitter$/
/** Judged as in every audit: test/audit/portfolioDeployed.test.ts, test/audit/deployed.test.ts. */
const DEPLOYED = /^portfolio\.(?:models|deployed)\./

describe('A26: a receipt that was changed', () => {
  it('is refused at every byte of its file', () => {
    const bytes = readFileSync(file('margins'))
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(bytes)
      const at = Math.floor((i * bytes.length) / 300)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => parseReceiptFile(changed, 'receipt.json'), `byte ${at}`).toThrow(ProverError)
    }
    expect(formatReceiptFile(kept('margins'))).toBe(bytes.toString())
  })

  it('and sealed again is rejected at every field, by the claim that it breaks', async () => {
    for (const name of ['witness', 'margins', 'inOne', 'carried']) {
      const harmless: string[] = []
      const found = new Map<string, number>()
      const record = structuredClone(kept(name))
      for (const { path, holder, key } of leavesOf(record)) {
        const word = Number(path.match(/words\.(\d+)$/)?.[1] ?? 0)
        const before = holder[key]
        if (DEPLOYED.test(path) || word % 8 !== 0 || before === null || OF_THE_FORM.test(path)) continue
        holder[key] = flipped(before)
        const { failure } = await judgeReceipt(record, pins)
        holder[key] = before
        if (failure === undefined) harmless.push(path)
        else found.set(failure.claim.claim, (found.get(failure.claim.claim) ?? 0) + 1)
      }
      console.log(name, 'found by', Object.fromEntries(found))
      const unseen = harmless.filter((path) => ![OF_THE_CHAIN, BOUNDS, OF_NOBODY].some((each) => each.test(path)))
      expect(unseen, name).toEqual([])
      expect((await judgeReceipt(record, pins)).accepted).toBe(true)
    }
  })

  const changed = async (name: string, change: (record: Mutable<ReceiptRecord>) => void): Promise<ReceiptReport> => {
    const record = structuredClone(kept(name)) as Mutable<ReceiptRecord>
    change(record)
    return judgeReceipt(record as ReceiptRecord, pins)
  }
  type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
  const claimOf = async (report: Promise<ReceiptReport>) => {
    const { failure, accepted } = await report
    expect(accepted).toBe(false)
    return [failure?.claim.claim, failure?.claim.field]
  }

  it('in what rules and clock came to is rejected: another price, another step', async () => {
    const rules = (record: Mutable<ReceiptRecord>) => record.events.find(({ name }) => name === 'RulesSet') as never
    const set = (change: object) => (record: Mutable<ReceiptRecord>) => void Object.assign(rules(record), change)
    expect(await claimOf(changed('witness', set({ startPayBps: 2_001n })))).toEqual(['A25', 'receipt.bonusBps'])
    expect(await claimOf(changed('margins', set({ endBonusBps: 999n })))).toEqual(['A25', 'receipt.bonusBps'])
    expect(await claimOf(changed('witness', set({ stepBps: 2_499n })))).toEqual(['A25', 'receipt.fractionBps'])
    const late = changed(
      'witness',
      ({ liquidation }) => void Object.assign(liquidation, { timestamp: liquidation.timestamp + 1 }),
    )
    expect(await claimOf(late)).toEqual(['A25', 'receipt.bonusBps'])
  })

  it('without its evidence, its call, a report, or a deposit is rejected', async () => {
    expect(await claimOf(changed('witness', ({ portfolio }) => void portfolio.transactions.pop()))).toEqual([
      'A24',
      'receipt.asOf',
    ])
    expect(
      await claimOf(changed('witness', ({ liquidation }) => void Object.assign(liquidation, { calldata: null }))),
    ).toEqual(['A25', 'calldata'])
    expect(await claimOf(changed('margins', ({ portfolio }) => void portfolio.reports.pop()))).toEqual([
      'R27',
      'reports.length',
    ])
    const withoutDeposit = changed('margins', (record) => {
      record.events = record.events.filter((each, i) => each.name !== 'Deposited' || i !== record.events.length - 2)
    })
    expect(await claimOf(withoutDeposit)).toEqual(['A25', 'cash before'])
  })

  it('to one of an account that was above maintenance is rejected, though its margins are proven', async () => {
    const { liquidation, portfolio } = kept('witness')
    const { chainId, registry, fromBlock, toBlock } = portfolio.context
    const { asOf } = chain.opened.round
    const at = { provider: chain.provider, chainId, registry, fromBlock, toBlock, keys: await portfolioAuditKeys() }
    const healthy = await collectPortfolioRecord(at, {
      account: liquidation.receipt.key,
      asOf,
      untilAsOf: liquidation.receipt.asOf,
    })
    const { worstScenario, maintenanceE8 } = chain.opened.margin
    expect(maintenanceE8).toBeGreaterThan(0n)
    const report = changed('witness', (record) => {
      record.portfolio = healthy as Mutable<ReceiptRecord>['portfolio']
      const { receipt } = record.liquidation
      Object.assign(receipt, { asOf, scenario: BigInt(worstScenario), marginE8: maintenanceE8 })
      Object.assign(record.events.find(({ name }) => name === 'Flagged') as never, { asOf })
    })
    expect(await claimOf(report)).toEqual(['A24', 'evidence.maintenanceE8'])
  })

  it('to one that took more than restores the margin while the liquidator paid is rejected', async () => {
    const { taken } = await judgeReceipt(kept('margins'), pins)
    const cash = taken.cashBeforeE12 as bigint
    const paid = (bonusBps: bigint) =>
      changed('margins', ({ liquidation, events, portfolio }) => {
        const { receipt } = liquidation
        const rules = events.find(({ name }) => name === 'RulesSet')
        Object.assign(rules as never, { startPayBps: -bonusBps, endBonusBps: -bonusBps })
        const cashE12 = cash + (receipt.notionalE12 * bonusBps) / 10_000n
        Object.assign(receipt, { bonusBps, cashE12, badDebtE12: 0n })
        const after = portfolio.reports.at(-1)
        const holdings = unpack('holdings', after?.holdings ?? 0n)
        Object.assign(after as never, { holdings: pack('holdings', { ...holdings, cashE12: cash - cashE12 }) })
        Object.assign(events.find(({ name }) => name === 'Flagged') as never, { since: BigInt(liquidation.timestamp) })
      })
    expect(await claimOf(paid(-1_000n))).toEqual(['A25', 'receipt.fractionBps'])
  })

  it('to a call of more than was taken is rejected by the first field that differs', async () => {
    const venue = interfaceOf('OptionsVenue')
    const other = changed('witness', ({ liquidation }) => {
      const args = venue.decodeFunctionData('liquidate', liquidation.calldata ?? '').toArray(true)
      args[1] = 2_400n
      liquidation.calldata = venue.encodeFunctionData('liquidate', args)
    })
    expect(await claimOf(other)).toEqual(['A25', 'receipt.fractionBps'])
  })
})
