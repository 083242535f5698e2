/** What the service does with a proven batch: real batches on a real chain whose blocks, fees, nonces and nodes misbehave. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEther, parseUnits, toQuantity, Transaction, type Wallet } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import type { JobStore } from '../../prover/service/daemon/jobStore.ts'
import type { SubmitterState } from '../../prover/service/daemon/submitter.ts'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import {
  isEachDearer,
  openSending,
  type Sending,
  type SendingService,
  signedIn,
} from '../../scripts/tools/chains/sendingService.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const GWEI = 1_000_000_000n

let range: ProvenBatches
let proxy: FaultProxy
let prover: Prover
let undo: () => Promise<void>
const stores: JobStore[] = []

beforeAll(async () => {
  range = await ProvenBatches.start(folder)
  proxy = await FaultProxy.start(range.url)
  prover = createProver()
})
afterAll(async () => {
  await prover.close()
  proxy.close()
  await range.close()
})
beforeEach(async () => {
  undo = await range.checkpoint()
})
afterEach(async () => {
  proxy.mend()
  proxy.asked.length = 0
  proxy.sent.length = 0
  for (const store of stores.splice(0)) await store.close()
  await range.mineAtOnce(true)
  await undo()
})

/** The service with these proven batches, and no keys to prove others. */
function sending(account: Wallet, store: JobStore, options: Sending = {}): Promise<SendingService> {
  if (!stores.includes(store)) stores.push(store)
  return openSending(range, prover, account, store, options)
}

/** Transactions that landed of all that were ever signed, and the nonces that were used. */
async function landed(store: JobStore): Promise<readonly Transaction[]> {
  const raws = (await signedIn(store)).map(({ raw }) => Transaction.from(raw))
  const receipts = await Promise.all(raws.map(({ hash }) => range.chain.getTransactionReceipt(hash ?? '')))
  return raws.filter((_, i) => receipts[i]?.status === 1)
}

const nonceOf = ({ address }: Wallet): Promise<number> => range.chain.getTransactionCount(address)
const setBaseFee = (wei: bigint): Promise<unknown> =>
  range.chain.send('hardhat_setNextBlockBaseFeePerGas', [toQuantity(wei)])

describe('S3: answers that are lost', () => {
  it.each(['lost-reply', 'reset', 'http-500', 'hang'] as const)(
    '%s at the sending, twice: the transaction that was signed lands, once',
    async (fault) => {
      const account = await range.account()
      const store = await range.store('BTC-USD')
      proxy.fail(fault, ['eth_sendRawTransaction'], fault === 'hang' ? 1 : 2)
      const service = await sending(account, store, { rpc: proxy.url })
      await service.until('confirmed')
      await service.stop()
      expect(new Set(proxy.sent).size).toBe(1)
      expect(await landed(store)).toHaveLength(1)
      expect(await nonceOf(account)).toBe(1)
      expect(await range.sequences()).toEqual([1, 0])
    },
  )

  it('S1: a node that cannot say whether a batch would land is no refusal of it', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    proxy.fail('internal-error', ['eth_estimateGas'], 2)
    const service = await sending(account, store, { rpc: proxy.url })
    await service.until('confirmed')
    await service.stop()
    expect(service.steps()).toContain('retrying')
    expect(service.steps()).not.toContain('superseded')
  })
})

describe('S2: no node answers for a while', () => {
  it('what is too old by then is not sent', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store, { rpc: proxy.url })
    await service.until('signed')
    await service.stop()
    // It was signed and sent, and the chain forgets it.
    await undo()
    undo = await range.checkpoint()
    await range.chain.send('hardhat_setBalance', [account.address, toQuantity(parseEther('10'))])
    await range.chain.send('evm_increaseTime', [3601])
    await range.mine()
    proxy.sent.length = 0
    const late = await sending(account, store, { rpc: proxy.url })
    const ended = await late.until('superseded')
    await late.stop()
    expect(ended.detail).toMatch(/^ObservationStale: Take in newer observations/)
    expect(proxy.sent).toEqual([])
    expect(await nonceOf(account)).toBe(0)
  })

  it('what is fresh still lands as soon as one answers', async () => {
    const account = await range.account()
    const store = await range.store()
    const service = await sending(account, store, { rpc: proxy.url })
    await service.until('started')
    proxy.fail('reset')
    const { bundle, ...job } = range.batches['BTC-USD']
    await store.plan(job)
    await store.proven(job.id, bundle)
    await service.until('retrying', 3)
    proxy.mend()
    await service.until('confirmed')
    await service.stop()
    expect(await range.sequences()).toEqual([1, 0])
  })
})

describe('S4: fees', () => {
  it('a transaction that waits while blocks are mined offers at least an eighth more, with the same nonce, until it lands', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store)
    await service.until('sent')
    for (let bumps = 1; bumps <= 3; bumps++) {
      const [{ maxFeePerGas }] = service.state().pending as [SubmitterState['pending'][0]]
      // Beyond what it offers: the block cannot take it.
      await setBaseFee(2n * maxFeePerGas)
      await range.mine()
      await service.until('sent', bumps + 1)
    }
    const transactions = (await signedIn(store)).map(({ raw }) => Transaction.from(raw))
    expect(new Set(transactions.map(({ nonce }) => nonce))).toEqual(new Set([0]))
    expect(transactions.length).toBeGreaterThanOrEqual(4)
    expect(await isEachDearer(store)).toBe(true)
    await setBaseFee(GWEI)
    await range.mine()
    await service.until('confirmed')
    await service.stop()
    expect(await landed(store)).toHaveLength(1)
    expect(await nonceOf(account)).toBe(1)
  })

  it('no transaction offers more than is allowed: it waits, says so, and lands when the price has come down', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const cap = 3n * GWEI
    const service = await sending(account, store, { maxFeePerGas: cap })
    await service.until('sent')
    for (let blocks = 0; blocks < 6; blocks++) {
      await setBaseFee(100n * GWEI)
      await range.mine()
      await sleep(150)
    }
    const alarm = await service.until('alarm')
    expect(alarm.alarm).toMatchObject({ kind: 'fee', of: account.address })
    expect(alarm.detail).toContain('is more than 3 gwei; the base fee is 100 gwei')
    for (const { raw } of await signedIn(store)) expect(Transaction.from(raw).maxFeePerGas).toBeLessThanOrEqual(cap)
    await setBaseFee(GWEI / 2n)
    await range.mine()
    await service.until('confirmed')
    await service.until('alarm-cleared')
    await service.stop()
    expect(await nonceOf(account)).toBe(1)
  })

  it('a chain that stands still is no reason to pay more', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store, { bumpAfterMs: 30 })
    await service.until('sent')
    await sleep(600)
    expect(await signedIn(store)).toHaveLength(1)
    await range.mine()
    await service.until('confirmed')
    await service.stop()
  })

  it('a nonce for which a node holds another transaction that pays more: it pays more than that one', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const fees = { maxFeePerGas: 40n * GWEI, maxPriorityFeePerGas: 20n * GWEI }
    await account.connect(range.chain).sendTransaction({ to: account.address, nonce: 0, gasLimit: 21_000n, ...fees })
    const service = await sending(account, store)
    await service.until('sent')
    expect(service.state().pending[0]?.maxFeePerGas).toBeGreaterThan(44n * GWEI)
    await range.mine()
    await service.until('confirmed')
    await service.stop()
    expect(await range.sequences()).toEqual([1, 0])
    expect(await nonceOf(account)).toBe(1)
  })
})

describe('S6: somebody else was there before', () => {
  it('the same batch by another account: the loser sends nothing and calls it confirmed', async () => {
    const [winner, loser] = [await range.account(), await range.account()]
    const first = await sending(winner, await range.store('BTC-USD'))
    await first.until('confirmed')
    const second = await sending(loser, await range.store('BTC-USD'), { rpc: proxy.url })
    await second.until('confirmed')
    await Promise.all([first.stop(), second.stop()])
    expect(proxy.sent).toEqual([])
    expect(await nonceOf(loser)).toBe(0)
    expect(await range.sequences()).toEqual([1, 0])
  })

  it('after both had signed: the loser’s transaction is never sent', async () => {
    const [winner, loser] = [await range.account(), await range.account()]
    const store = await range.store('BTC-USD')
    proxy.fail('http-500', ['eth_sendRawTransaction'])
    const second = await sending(loser, store, { rpc: proxy.url })
    await second.until('retrying')
    const first = await sending(winner, await range.store('BTC-USD'))
    await first.until('confirmed')
    proxy.mend()
    await second.until('confirmed')
    await Promise.all([first.stop(), second.stop()])
    expect(await nonceOf(loser)).toBe(0)
    expect(await store.jobs()).toMatchObject([{ status: 'confirmed' }])
  })

  it.each([2, 5])('%i submitters of one account, at once: one landing, and none waits for ever', async (count) => {
    const account = await range.account()
    const services = await Promise.all(
      Array.from({ length: count }, async () => sending(account, await range.store('BTC-USD'))),
    )
    await Promise.all(services.map((service) => service.until('confirmed')))
    await Promise.all(services.map((service) => service.stop()))
    expect(await range.sequences()).toEqual([1, 0])
    expect(await nonceOf(account)).toBe(1)
  })

  it('a nonce that the owner’s own transaction took: the batch is signed anew and lands', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store, { maxFeePerGas: 5n * GWEI })
    await service.until('sent')
    const fees = { maxFeePerGas: 400n * GWEI, maxPriorityFeePerGas: 200n * GWEI }
    await account.connect(range.chain).sendTransaction({ to: account.address, nonce: 0, gasLimit: 21_000n, ...fees })
    await range.mine()
    await service.until('unsigned')
    await service.until('sent', 2)
    await range.mine()
    await service.until('confirmed')
    await service.stop()
    expect((await landed(store)).map(({ nonce }) => nonce)).toEqual([1])
    expect(await range.sequences()).toEqual([1, 0])
  })
})

describe('a store that another account signed in', () => {
  it('the batch is signed anew by the one that pays now', async () => {
    const [before, now] = [await range.account(), await range.account()]
    const store = await range.store('BTC-USD')
    proxy.fail('http-500', ['eth_sendRawTransaction'])
    const first = await sending(before, store, { rpc: proxy.url })
    await first.until('retrying')
    await first.stop()
    proxy.mend()
    await range.chain.send('hardhat_setBalance', [before.address, '0x0'])
    const second = await sending(now, store)
    await second.until('unsigned')
    await second.until('confirmed')
    await second.stop()
    expect((await landed(store)).map(({ from }) => from)).toEqual([now.address])
    expect(await range.sequences()).toEqual([1, 0])
  })
})

it('S67: a store that has forgotten what it had signed and sent: the batch lands once, by that nonce', async () => {
  const account = await range.account()
  const undoSent = await range.checkpoint()
  const knowing = await range.store('BTC-USD')
  const first = await sending(account, knowing)
  await first.until('confirmed')
  await first.stop()
  const [{ raw }] = (await signedIn(knowing)) as unknown as [{ readonly raw: string }]
  await undoSent()
  await range.mineAtOnce(false)
  await range.chain.send('eth_sendRawTransaction', [raw])
  const second = await sending(account, await range.store('BTC-USD'))
  // A node that tries a batch on what waits already says that it would come too late.
  while (!second.steps().some((step) => step === 'signed' || step === 'superseded')) await sleep(10)
  await sleep(100)
  await range.mine()
  if (second.steps().includes('signed')) await second.until('confirmed')
  await second.stop()
  expect(await range.sequences()).toEqual([1, 0])
  expect(await nonceOf(account)).toBe(1)
})

describe('S5: reorganisations', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 32])(
    'of %i blocks: the batch that was undone lands again, by the transaction that was signed',
    async (depth) => {
      const account = await range.account()
      const store = await range.store('BTC-USD')
      const reorganise = await range.checkpoint()
      const service = await sending(account, store)
      await service.until('confirmed')
      if (depth > 1) await range.mine(depth - 1)
      await reorganise()
      await range.mine(depth + 1)
      await service.until('reorganised')
      await service.until('confirmed', 2)
      await service.stop()
      expect(await landed(store)).toHaveLength(1)
      expect(await signedIn(store)).toHaveLength(1)
      expect(await range.sequences()).toEqual([1, 0])
      expect(await nonceOf(account)).toBe(1)
    },
  )

  it('while nobody looked: the next service finds it', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const reorganise = await range.checkpoint()
    const first = await sending(account, store)
    await first.until('confirmed')
    await first.stop()
    await reorganise()
    await range.mine(3)
    const second = await sending(account, store)
    await second.until('reorganised')
    await second.until('confirmed')
    await second.stop()
    expect(await range.sequences()).toEqual([1, 0])
  })

  it('of more than the chain has come back to: what lands again by another transaction is not undone by the first one', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const reorganise = await range.checkpoint()
    await range.mine(8)
    const first = await sending(account, store)
    await first.until('confirmed')
    await first.stop()
    await reorganise()
    // As the service does where the chain says that it is not applied.
    await store.reopen(range.batches['BTC-USD'].id)
    const second = await sending(account, store)
    await second.until('confirmed')
    expect(await signedIn(store)).toHaveLength(2)
    await second.stop()
    await range.mine(20)
    // One that begins has not seen which blocks went.
    const third = await sending(account, store)
    await third.until('started')
    await sleep(1000)
    await third.stop()
    for (const service of [second, third]) expect(service.steps()).not.toContain('reorganised')
    expect(third.steps()).not.toContain('confirmed')
    expect(await range.sequences()).toEqual([1, 0])
    expect(await nonceOf(account)).toBe(1)
  })

  it('to before what the store has: told of while it lasts, and what was undone lands again when the chain is past it', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const reorganise = await range.checkpoint()
    await range.mine(8)
    const service = await sending(account, store)
    await service.until('confirmed')
    const putBack = performance.now()
    await reorganise()
    const { alarm, detail } = await service.until('alarm')
    // Nodes behind one address differ by a block for a moment.
    expect(performance.now() - putBack).toBeGreaterThanOrEqual(10_000)
    expect(alarm).toMatchObject({ kind: 'behind', of: account.address })
    expect(detail).toMatch(/the node's newest block is \d+, and a batch landed in block \d+/)
    expect(service.steps()).not.toContain('reorganised')
    await range.mine(12)
    await service.until('alarm-cleared')
    await service.until('confirmed', 2)
    await service.stop()
    expect(await signedIn(store)).toHaveLength(1)
    expect(await range.sequences()).toEqual([1, 0])
  })

  it('of two batches and a transfer between them: both land, and the gap in the nonces is filled', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const reorganise = await range.checkpoint()
    const service = await sending(account, store)
    await service.until('confirmed')
    const between = { to: account.address, nonce: 1, gasLimit: 21_000n }
    await (await account.connect(range.chain).sendTransaction(between)).wait()
    const { bundle, ...job } = range.batches['ETH-USD']
    await store.plan(job)
    await store.proven(job.id, bundle)
    await service.until('confirmed', 2)
    await reorganise()
    await range.mine(5)
    await service.until('confirmed', 4)
    await service.stop()
    expect((await landed(store)).map(({ nonce }) => nonce).toSorted()).toEqual([0, 2])
    expect(await range.sequences()).toEqual([1, 1])
    expect(await nonceOf(account)).toBe(3)
  })

  it('confirmed means as many blocks as were asked for, and not one fewer', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store, { confirmations: 3 })
    await service.until('sent')
    await range.mine(1)
    await sleep(200)
    expect(service.steps()).not.toContain('confirmed')
    await range.mine(1)
    await service.until('confirmed')
    await service.stop()
  })
})

describe('the balance', () => {
  it('that does not pay for a batch is refused at the start, with what is needed', async () => {
    const account = await range.account(parseEther('0.000001'))
    const service = await sending(account, await range.store('BTC-USD'))
    await expect(service.until('started')).rejects.toMatchObject({
      code: 'service.balance-too-low',
      account: account.address,
      balance: parseEther('0.000001'),
    })
    await expect(service.until('started')).rejects.toThrow(/has 0\.000001 coins .*a batch may cost 0\.00\d+/)
    expect(await nonceOf(account)).toBe(0)
  })

  it('that lasts for few batches raises an alarm, that lasts for more clears it', async () => {
    const account = await range.account()
    const store = await range.store('BTC-USD')
    const service = await sending(account, store)
    await service.until('confirmed')
    const { needed = 0n } = service.state().balance ?? {}
    await range.chain.send('hardhat_setBalance', [account.address, toQuantity(needed * 5n)])
    const { alarm } = await service.until('alarm')
    expect(alarm).toMatchObject({ kind: 'balance', of: account.address })
    expect(alarm?.says).toMatch(/last for about 1?\d more/)
    await range.chain.send('hardhat_setBalance', [account.address, toQuantity(parseEther('10'))])
    await service.until('alarm-cleared')
    await service.stop()
  })

  it('that runs out keeps what is proven until somebody pays', async () => {
    const account = await range.account()
    const store = await range.store()
    const service = await sending(account, store)
    await service.until('started')
    await range.chain.send('hardhat_setBalance', [account.address, '0x1'])
    const { alarm } = await service.until('alarm')
    expect(alarm).toMatchObject({ kind: 'unpaid' })
    const { bundle, ...job } = range.batches['BTC-USD']
    await store.plan(job)
    await store.proven(job.id, bundle)
    const retrying = await service.until('retrying')
    expect(retrying.detail).toContain('registry.insufficient-funds')
    expect(retrying.detail).toContain('Send it coins')
    await range.chain.send('hardhat_setBalance', [account.address, toQuantity(parseEther('10'))])
    await service.until('confirmed')
    await service.stop()
  })

  it('is told, with the batches that it lasts for, what waits and through whom', async () => {
    await range.mineAtOnce(false)
    const account = await range.account()
    const service = await sending(account, await range.store('BTC-USD'), { rpc: proxy.url })
    await service.until('sent')
    expect(service.events[0]?.detail).toMatch(
      /through http:\/\/127\.0\.0\.1:\d+; its coins last for about [\d,]+ batches/,
    )
    const { pending, ...state } = service.state()
    expect(pending).toMatchObject([{ job: range.batches['BTC-USD'].id, nonce: 0 }])
    expect(state).toMatchObject({
      account: account.address,
      endpoint: proxy.url,
      endpoints: [{ origin: proxy.url, status: 'in-use' }],
      maxFeePerGas: parseUnits('500', 'gwei'),
      alarms: [],
    })
    expect(state.balance?.batchesLeft).toBeGreaterThan(100)
    await range.mine()
    await service.until('confirmed')
    await service.stop()
    expect(service.state().pending).toEqual([])
  })
})
