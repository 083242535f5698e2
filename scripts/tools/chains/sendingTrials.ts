/** What may go wrong on a batch's way to the chain, once: each puts the chain back afterwards. */
import { setTimeout as sleep } from 'node:timers/promises'
import { toQuantity } from 'ethers'
import type { Prover } from '../../../prover/proof/index.ts'
import { formatBundle, parseBundle } from '../../../prover/registry/market/bundle.ts'
import type { JobStore } from '../../../prover/service/daemon/jobStore.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import type { Random } from '../cases/random.ts'
import type { FaultProxy } from './faultProxy.ts'
import type { Landed } from './killedSending.ts'
import type { ProvenBatch, ProvenBatches } from './provenBatches.ts'
import { isEachDearer, openSending, type Sending, type SendingService } from './sendingService.ts'

const GWEI = 1_000_000_000n
/** What no transaction offers more than, where the base fee rises to a hundred times what it is. */
const MOST_FEE = 50n * GWEI
/** Longer than the registry of {@link ProvenBatches} takes an observation for. */
const TOO_OLD_SECONDS = 3_601

export class SendingTrials {
  readonly #range: ProvenBatches
  readonly #proxy: FaultProxy
  readonly #prover: Prover

  constructor(range: ProvenBatches, proxy: FaultProxy, prover: Prover) {
    this.#range = range
    this.#proxy = proxy
    this.#prover = prover
  }

  /** A batch landed, and its block and those after it are then replaced by others. */
  async reorganised(depth: number): Promise<Landed> {
    const range = this.#range
    return this.#sent(await range.store('BTC-USD'), {}, async (service) => {
      const undo = await range.checkpoint()
      await service.until('confirmed')
      await range.mine(depth - 1)
      await undo()
      await range.mine(depth + 1)
      await service.until('confirmed', 2)
    })
  }

  async answerLost(): Promise<Landed> {
    this.#proxy.fail('lost-reply', ['eth_sendRawTransaction'], 1)
    return this.#sent(await this.#range.store('BTC-USD'), {}, async (service) => {
      await service.until('confirmed')
    })
  }

  /** The base fee rises to a hundred times what it was while the transaction waits, and falls again. */
  async stuck(): Promise<Landed> {
    const range = this.#range
    const store = await range.store('BTC-USD')
    await range.mineAtOnce(false)
    let isDearer = false
    const landed = await this.#sent(store, { maxFeePerGas: MOST_FEE, bumpAfterMs: 20 }, async (service) => {
      await service.until('sent')
      while (!service.steps().includes('alarm')) await this.#mineAt(100n * GWEI)
      while (!service.steps().includes('confirmed')) await this.#mineAt(GWEI)
      isDearer = await isEachDearer(store)
    })
    // One that a node would not take in place of the one before counts as lost.
    return isDearer ? landed : { ...landed, status: 'underpriced' }
  }

  async #mineAt(baseFee: bigint): Promise<void> {
    await this.#range.chain.send('hardhat_setNextBlockBaseFeePerGas', [toQuantity(baseFee)])
    await this.#range.mine()
    await sleep(30)
  }

  /** So many services with one key have the same batch. */
  async submitters(count: number): Promise<Landed> {
    const range = this.#range
    const undo = await range.beginTrial()
    const account = await range.account()
    const stores = await Promise.all(Array.from({ length: count }, () => range.store('BTC-USD')))
    try {
      const services = await Promise.all(stores.map((store) => openSending(range, this.#prover, account, store)))
      await Promise.all(services.map((service) => service.until('confirmed')))
      await Promise.all(services.map((service) => service.stop()))
      const statuses = await Promise.all(stores.map(async (store) => (await store.jobs())[0]?.status))
      const status = statuses.find((each) => each !== 'confirmed') ?? 'confirmed'
      return { wasKilled: false, ...(await this.#landings(account.address)), status }
    } finally {
      for (const store of stores) await store.close()
      await undo()
    }
  }

  /** A bit of the proof is another than it was when it was verified: it is to be refused, and nothing to be paid for it. */
  async corrupt(random: Random): Promise<Landed> {
    const range = this.#range
    const file = await range.storeFileOf(withBitFlipped(range.batches['BTC-USD'], random))
    const store = await SqliteJobStore.open(file, range.scope)
    return this.#sent(store, {}, async (service) => {
      while (!service.steps().some((step) => ['superseded', 'sent', 'retrying'].includes(step))) await sleep(5)
    })
  }

  /** No node answers for so long from before a batch is proven on; it is fresh by then, or too old for the registry. */
  async withoutNode(seconds: number, then: 'fresh' | 'old'): Promise<Landed> {
    const range = this.#range
    const store = await range.store()
    return this.#sent(store, {}, async (service) => {
      await service.until('started')
      this.#proxy.fail('reset')
      const { bundle, ...job } = range.batches['BTC-USD']
      await store.plan(job)
      await store.proven(job.id, bundle)
      await sleep(1000 * seconds)
      if (then === 'old') await range.chain.send('evm_increaseTime', [TOO_OLD_SECONDS])
      await range.mine()
      this.#proxy.mend()
      await service.until(then === 'old' ? 'superseded' : 'confirmed')
    })
  }

  /** A service over a store, until what is to happen has; then the chain is put back. */
  async #sent(store: JobStore, options: Sending, happen: (service: SendingService) => Promise<void>): Promise<Landed> {
    const range = this.#range
    const undo = await range.beginTrial()
    const account = await range.account()
    const service = await openSending(range, this.#prover, account, store, { rpc: this.#proxy.url, ...options })
    try {
      await happen(service)
      return { wasKilled: false, ...(await this.#landings(account.address)), status: (await store.jobs())[0]?.status }
    } finally {
      await service.stop()
      await store.close()
      this.#proxy.mend()
      await range.mineAtOnce(true)
      await undo()
    }
  }

  async #landings(address: string): Promise<Pick<Landed, 'landings' | 'nonces'>> {
    const [landings = 0] = await this.#range.sequences()
    return { landings, nonces: await this.#range.chain.getTransactionCount(address) }
  }
}

/** Of one of the eight numbers that its proof is. */
export function withBitFlipped(batch: ProvenBatch, random: Random): ProvenBatch {
  const bundle = parseBundle(Buffer.from(batch.bundle), batch.id)
  const text = JSON.stringify(bundle.proof)
  const numbers = text.match(/\d{20,}/g) ?? []
  const number = numbers[Number(random.below(BigInt(numbers.length)))] ?? ''
  const proof = JSON.parse(text.replace(number, String(BigInt(number) ^ (1n << random.below(254n)))))
  return { ...batch, bundle: formatBundle({ ...bundle, proof }) }
}
