/**
 * An engine on a chain behind a port, with one proven batch of each market that nobody has sent: what becomes of them can be
 * undone, so that one proof serves as many trials as are wanted.
 */
import type { EndpointsProvider } from '../../../prover/registry/chain.ts'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Contract, hexlify, parseEther, toQuantity, Wallet } from 'ethers'
import { createProver } from '../../../prover/proof/index.ts'
import { connectProvider, defaultFreshness, type Deployment, RegistryClient } from '../../../prover/registry/index.ts'
import { interfaceOf } from '../../../prover/registry/artifacts.ts'
import { formatBundle } from '../../../prover/registry/market/bundle.ts'
import type { Account } from '../../../prover/service/daemon/sender.ts'
import { type Job, type JobStore, jobIdOf } from '../../../prover/service/daemon/jobStore.ts'
import { keyHashOf, proveBatch } from '../../../prover/service/daemon/proving.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { developmentKeys } from '../../../prover/service/development/chain.ts'
import { openChain, replayFeed } from '../../../prover/service/development/tryOut.ts'
import { buildOf, LIVE_BUILD, loadKeys } from '../../../prover/service/workspace.ts'
import { goOnFromLastBlock } from './ownTime.ts'

export type ProvenBatch = Pick<Job, 'id' | 'build' | 'trigger' | 'summary'> & { readonly bundle: string }

const MARKETS = ['BTC-USD', 'ETH-USD'] as const

export type MarketName = (typeof MARKETS)[number]

/** More than any trial pays. */
const COINS = parseEther('10')

/** The chain's time runs with ours, and an hour is more than all trials take. */
async function letTrialsTakeLong({ addresses }: Deployment, council: Wallet): Promise<void> {
  const registry = new Contract(addresses.registry, interfaceOf('RiskRegistry'), council)
  const freshness = { ...defaultFreshness, maxObservationAgeSeconds: 3_600n }
  await (await registry.getFunction('setFreshnessPolicy')(freshness)).wait()
}

export class ProvenBatches {
  readonly url: string
  readonly folder: string
  readonly deployment: Deployment
  /** For the chain's own commands; trials have providers of their own. */
  readonly chain: EndpointsProvider
  readonly batches: Readonly<Record<MarketName, ProvenBatch>>
  readonly #close: () => Promise<void>
  #stores = 0

  private constructor(
    { url, deployment, close }: Awaited<ReturnType<typeof openChain>>,
    folder: string,
    chain: EndpointsProvider,
    batches: Readonly<Record<MarketName, ProvenBatch>>,
  ) {
    this.url = url
    this.folder = folder
    this.deployment = deployment
    this.chain = chain
    this.batches = batches
    this.#close = close
  }

  static async start(folder: string): Promise<ProvenBatches> {
    const files = {
      deployment: join(folder, 'deployment.json'),
      keyFile: join(folder, 'prover.key'),
      councilKeyFile: join(folder, 'council.key'),
    }
    const opened = await openChain({ port: 0, ...files, start: '2020-03-12 09:00:00', say: () => undefined })
    const { url, deployment } = opened
    const place = { rpc: url, deployment: files.deployment }
    await replayFeed([], { ...place, market: [], pause: 0, count: 1, prices: {}, say: () => undefined })
    const chain = await connectProvider(url)
    await letTrialsTakeLong(deployment, new Wallet(developmentKeys.council, chain))
    const client = await RegistryClient.connect({ registry: deployment.addresses.registry, provider: chain })
    const keys = await loadKeys(LIVE_BUILD)
    const prover = createProver()
    const proven: [MarketName, ProvenBatch][] = []
    for (const name of MARKETS) {
      const next = await client.nextBatch(buildOf(LIVE_BUILD), keyHashOf(keys), [name])
      if (next.batch === undefined) throw new Error(`${name} has nothing to prove: ${JSON.stringify(next.leftOut)}`)
      const { bundle, statement } = await proveBatch(prover, keys, next)
      const id = jobIdOf(LIVE_BUILD, statement.publicSignals)
      const job = { id, build: LIVE_BUILD, trigger: 'observations', summary: `${name} #1` }
      proven.push([name, { ...job, bundle: formatBundle(bundle) }])
    }
    await prover.close()
    return new ProvenBatches(opened, folder, chain, Object.fromEntries(proven) as Record<MarketName, ProvenBatch>)
  }

  /** File of a new store in which these are to be sent. */
  async storeFile(...names: readonly MarketName[]): Promise<string> {
    return this.storeFileOf(...names.map((name) => this.batches[name]))
  }

  /** As {@link storeFile}, of batches that need not be these. */
  async storeFileOf(...batches: readonly ProvenBatch[]): Promise<string> {
    const file = join(this.folder, `store${this.#stores++}.sqlite`)
    const store = await SqliteJobStore.open(file, this.scope)
    for (const { bundle, ...job } of batches) {
      await store.plan(job)
      await store.proven(job.id, bundle)
    }
    await store.close()
    return file
  }

  /** A new store in which these are to be sent. */
  async store(...names: readonly MarketName[]): Promise<JobStore> {
    return SqliteJobStore.open(await this.storeFile(...names), this.scope)
  }

  get scope(): { readonly chainId: bigint; readonly registry: string } {
    return { chainId: this.deployment.chainId, registry: this.deployment.addresses.registry }
  }

  /** An account of nobody else's, with coins. */
  async account(coins: bigint = COINS): Promise<Wallet> {
    const wallet = new Wallet(hexlify(randomBytes(32)))
    await this.chain.send('hardhat_setBalance', [wallet.address, toQuantity(coins)])
    return wallet
  }

  /** A client that has seen nothing yet, through some address. */
  async client(rpc: string | readonly string[], signer: Account): Promise<RegistryClient> {
    const provider = await connectProvider(rpc, this.deployment.chainId)
    const { registry } = this.scope
    return RegistryClient.connect({ registry, provider, signer: signer.connect(provider) })
  }

  /** How many batches have moved each market. */
  async sequences(): Promise<readonly number[]> {
    const client = await RegistryClient.connect({ registry: this.scope.registry, provider: this.chain })
    return Promise.all(MARKETS.map(async (name) => Number((await client.market(name)).sequence)))
  }

  /** Mines blocks, empty or of what waits; one by one, for of many at once the chain makes up some whose hashes tell nothing. */
  async mine(blocks = 1): Promise<void> {
    for (let mined = 0; mined < blocks; mined++) await this.chain.send('evm_mine', [])
  }

  /** Whether transactions are mined as they come; otherwise they wait for {@link mine}. */
  async mineAtOnce(isAtOnce: boolean): Promise<void> {
    await this.chain.send('evm_setAutomine', [isAtOnce])
  }

  /** The chain stands again where it stood when this was called, and what waits is forgotten. */
  async checkpoint(): Promise<() => Promise<void>> {
    const snapshot = await this.chain.send('evm_snapshot', [])
    return async () => {
      await this.chain.send('evm_revert', [snapshot])
    }
  }

  /** The same at the start of a trial, however many there were before. */
  async beginTrial(): Promise<() => Promise<void>> {
    const undo = await this.checkpoint()
    await goOnFromLastBlock(this.chain)
    return undo
  }

  async close(): Promise<void> {
    this.chain.destroy()
    await this.#close()
  }
}
