/** What is proven next where accounts leave their place to others, proofs take too long, or nothing can be proven of one that a count needs. */
import { Contract, Wallet, ZeroAddress } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { sizeOf } from '../../circuits/statements/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { RpcError } from '../../prover/registry/contractErrors.ts'
import { countCall, encodeRegistryCall } from '../../prover/registry/portfolio/calldata.ts'
import { PortfolioClient } from '../../prover/registry/index.ts'
import { AccountsOnChain } from '../../prover/service/daemon/accounts/ledger.ts'
import type { AccountsOptions } from '../../prover/service/daemon/accounts/lane.ts'
import { openAccounts } from '../../prover/service/daemon/accounts/opening.ts'
import { Selection, type UnderWay } from '../../prover/service/daemon/accounts/selection.ts'
import { developmentKeys } from '../../prover/service/development/chain.ts'
import { AccountsRange } from '../../scripts/tools/chains/accountsRange.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
let range: AccountsRange
let options: AccountsOptions
let venue: Wallet
let undo: () => Promise<void>
beforeAll(async () => {
  range = await AccountsRange.start(folder)
  venue = new Wallet(developmentKeys.feeder, range.chain)
  undo = await range.checkpoint()
})
afterAll(async () => {
  await range?.close()
})
beforeEach(async () => {
  await undo()
  undo = await range.checkpoint()
  options = (await openAccounts(range.deployment, range.chain, { rounds: range.rounds }, (error) => {
    throw error
  })) as AccountsOptions
})

afterEach(() => void vi.restoreAllMocks())

const [first, second, third] = [1n, 2n, 3n].map((n) => `0x${n.toString(16).padStart(40, '0')}`) as [
  string,
  string,
  string,
]

/** A service's choice, and whom it told that nothing can be proven of. @param looksAtAll - before it is asked, however many turns that takes */
function choosing(looksAtAll = true) {
  const { riskArray, arrayMargin } = options.models
  const ledger = new AccountsOnChain({
    ...{ client: options.client, fromBlock: options.fromBlock, onWords: () => undefined },
    arrayMarginModelId: arrayMargin?.modelId,
    arrayModel: riskArray && { modelId: riskArray.modelId, strikes: sizeOf(riskArray.build, 'strikes') },
  })
  const leftOut: string[] = []
  const selection = new Selection({ ...options, ledger, onLeftOut: (account) => void leftOut.push(account) })
  const nextUnit = async (arrays: UnderWay['arrays'] = new Map()) => {
    const terms = await ledger.follow()
    options.rounds.look()
    const choose = () => selection.next(terms, { accounts: new Set(), arrays, isCountOpening: false })
    let unit = await choose()
    // On a busy machine a turn does not look at all of them.
    while (looksAtAll && selection.queue.notLooked > 0) unit = await choose()
    return unit
  }
  const next = async () => {
    const unit = await nextUnit()
    return unit && { kind: unit.kind, accounts: unit.accounts }
  }
  return { ledger, leftOut, next, nextUnit, selection }
}

async function replace(previous: string, account: string, isExposed: boolean): Promise<void> {
  const registry = new Contract(options.client.registry, interfaceOf('PortfolioRegistry'), venue)
  await (await registry.getFunction('replaceAccount')(previous, account, isExposed)).wait()
}

async function openCount(round: Awaited<ReturnType<AccountsRange['publish']>>): Promise<void> {
  const call = countCall(range.words(round))
  const to = await options.client.addressOf(call.contract)
  await (await venue.sendTransaction({ to, data: encodeRegistryCall(call) })).wait()
}

describe('an account whose place was taken', () => {
  it('S22: asks for nothing any more, healthy or below maintenance, whoever took it', async () => {
    await range.report(first, range.perpetuals(50_000n))
    await range.report(second, range.perpetuals(1n))
    await range.report(third, range.perpetuals(51_000n))
    await range.publish()
    const { ledger, next, leftOut } = choosing()
    expect(await next()).toEqual({ kind: 'witness', accounts: [{ account: second, sequence: 1n }] })
    await replace(second, ZeroAddress, false)
    await replace(first, third, true)
    expect(await next()).toEqual({ kind: 'margins', accounts: [{ account: third, sequence: 1n }] })
    expect(ledger.account(first)).toMatchObject({ sequence: 2n, isUnhealthy: false })
    expect(leftOut).toEqual([])
  })

  it('S24: is counted all the same in a count that began before', async () => {
    await range.report(first, range.perpetuals(50_000n))
    const round = await range.publish()
    await openCount(round)
    await replace(first, ZeroAddress, false)
    const { next } = choosing()
    expect(await next()).toEqual({ kind: 'margins', accounts: [{ account: first, sequence: 1n }] })
  })
})

describe('an account of few options', () => {
  it('S56: is proven straight from its arrays where its proof is its own, and by its book where the registry takes no such proof any more', async () => {
    await range.report(first, range.heldInOne(50_000n))
    await range.publish()
    const { nextUnit } = choosing()
    const arrays = await nextUnit()
    const onTheirWay = new Map([[arrays?.prices.round.asOf ?? 0n, arrays?.brings ?? []]])
    const buildOf = async () => (await nextUnit(onTheirWay))?.build.replace(/[0-9x]+$/, '')
    expect([arrays?.kind, await buildOf()]).toEqual(['arrays', 'arrayMargin'])
    await range.report(second, range.heldInOne(51_000n))
    expect(await buildOf()).toBe('portfolioMargin')
    await replace(second, ZeroAddress, false)
    expect(await buildOf()).toBe('arrayMargin')
    const council = new Wallet(developmentKeys.council, range.chain)
    const { modelRegistry } = range.deployment.addresses
    const disable = new Contract(modelRegistry, interfaceOf('ModelRegistry'), council).getFunction('disable')
    await (await disable(options.models.arrayMargin?.modelId)).wait()
    expect(await buildOf()).toBe('portfolioMargin')
  })
})

describe('a count', () => {
  it('S59: of a chain that was reorganised is asked of anew, also where it is of the same round', async () => {
    const cash = range.example.account.holdings
    const onlyCash = { positions: [], holdings: { ...cash, cashE12: 10n ** 12n, perpsE12: 0n, perpPnlE12: 0n } }
    const { next } = choosing()
    const rounds: bigint[] = []
    const counting = async (held: Parameters<AccountsRange['report']>[1]) => {
      await range.report(first, held)
      await range.report(second, range.perpetuals(50_000n))
      const published = await range.publish()
      rounds.push(published.round.asOf)
      await openCount(published)
      // What is not in its place any more is due for the count alone.
      for (const account of [first, second]) await replace(account, ZeroAddress, false)
      return (await next())?.accounts.map(({ account }) => account)
    }
    expect(await counting(onlyCash)).toEqual([second])
    await undo()
    undo = await range.checkpoint()
    expect(await counting(range.perpetuals(50_000n))).toEqual([first, second])
    expect(rounds[1]).toBe(rounds[0])
  })

  it('S59: asks the chain once of each account that may have had positions, and again only when a batch of its round has landed', async () => {
    const cash = range.example.account.holdings
    const onlyCash = { positions: [], holdings: { ...cash, cashE12: 10n ** 12n, perpsE12: 0n, perpPnlE12: 0n } }
    for (let n = 10; n < 20; n++) await range.report(range.accountOf(n), onlyCash)
    const { positions, holdings } = range.held(50_000n)
    const unlisted = positions.map((each) => ({ ...each, expiry: each.expiry + 86_400n }))
    for (const account of [first, second]) await range.report(account, { positions: unlisted, holdings })
    await openCount(await range.publish())
    const asked = vi.spyOn(options.client, 'reportToCount')
    const { next, leftOut } = choosing()
    for (let i = 0; i < 4; i++) expect(await next()).toBeUndefined()
    expect(asked.mock.calls.map(([account]) => account)).toEqual([first, second])
    expect(leftOut).toEqual([first, second])
    // Reports of now are of the next count.
    await range.report(third, range.perpetuals(50_000n))
    const unit = await next()
    expect(unit?.accounts).toEqual([{ account: third, sequence: 1n }])
    expect(asked.mock.calls.length).toBe(2)
  })
})

describe('margins that later rounds have overtaken', () => {
  const accountsOf = async (next: ReturnType<typeof choosing>['next']): Promise<number> =>
    (await next())?.accounts.length ?? 0

  it('S50: are begun again for fewer accounts, one at the least, and for more once they land', async () => {
    for (const account of [first, second, third]) await range.report(account, range.perpetuals(50_000n))
    await range.publish()
    const { next, selection } = choosing()
    const sizes: number[] = [await accountsOf(next)]
    const some = (count: number) => [first, second, third].slice(0, count).map((account) => ({ account, sequence: 1n }))
    for (let i = 0; i < 2; i++) {
      selection.tookTooLong(some(sizes.at(-1) ?? 0))
      sizes.push(await accountsOf(next))
    }
    for (let i = 0; i < 2; i++) {
      selection.landed(some(sizes.at(-1) ?? 0))
      sizes.push(await accountsOf(next))
    }
    // One that was smaller for other reasons says nothing of more.
    selection.tookTooLong(some(3))
    selection.tookTooLong(some(1))
    selection.landed([])
    sizes.push(await accountsOf(next))
    expect(sizes).toEqual([3, 1, 1, 2, 3, 1])
  })
})

describe('a count that needs an account of which nothing can be proven', () => {
  it('S22: goes on with the others, and tells of that one once', async () => {
    const { positions, holdings } = range.held(50_000n)
    const unlisted = positions.map((each) => ({ ...each, expiry: each.expiry + 86_400n }))
    await range.report(first, { positions: unlisted, holdings })
    await range.report(second, range.perpetuals(50_000n))
    const round = await range.publish()
    await openCount(round)
    // Of cash alone it is due for nothing, and the count needs what it held.
    const { account } = range.example
    await range.report(second, {
      positions: [],
      holdings: { ...account.holdings, cashE12: 10n ** 12n, perpsE12: 0n, perpPnlE12: 0n },
    })
    const { next, leftOut } = choosing()
    for (let i = 0; i < 2; i++) {
      expect(await next()).toEqual({ kind: 'margins', accounts: [{ account: second, sequence: 1n }] })
    }
    expect(leftOut).toEqual([first])
  })
})

describe('accounts that are due', () => {
  it('S22: have their arrays proven although there was no time to look at one that holds what no round lists', async () => {
    const { positions, holdings } = range.held(50_000n)
    await range.report(first, { positions, holdings })
    await range.report(second, {
      positions: positions.map((each) => ({ ...each, expiry: each.expiry + 86_400n })),
      holdings,
    })
    await range.report(third, range.held(51_000n, 500_000n))
    await range.publish()
    const { next, leftOut } = choosing(false)
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_000))
    expect(await next()).toMatchObject({ kind: 'arrays' })
    expect(leftOut).toEqual([])
    expect(await next()).toMatchObject({ kind: 'arrays' })
    expect(leftOut).toEqual([second])
  })

  it('S22: are not left out for a node that does not answer', async () => {
    await range.report(first, range.perpetuals(50_000n))
    await range.report(second, range.perpetuals(51_000n))
    await range.publish()
    const { next, leftOut } = choosing()
    const asked = vi.spyOn(options.client, 'account')
    for (let i = 0; i < 2; i++) {
      // The first account's scale is read; then the node is away.
      asked.mockImplementationOnce((account) => PortfolioClient.prototype.account.call(options.client, account))
      asked.mockRejectedValueOnce(new RpcError('Reading account', new Error('away')))
      await expect(next()).rejects.toThrow(RpcError)
    }
    asked.mockRestore()
    expect(await next()).toMatchObject({ kind: 'margins', accounts: [{ account: first }, { account: second }] })
    expect(leftOut).toEqual([])
  })
})
