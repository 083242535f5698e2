/**
 * A deployed engine with the real circuit, development keys and proofs, driven through the library's own calls: what
 * operators, clients and auditors meet.
 */
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { marketBuilds, type MarketBuildName, type VolatilityModelName } from '../../circuits/statements/index.ts'
import type { AuditKey } from '../../prover/audit/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { type CircuitKeys, createProver, KeyStore, type Prover, verificationKeyHash } from '../../prover/proof/index.ts'
import {
  addMarket,
  attestedFeedOf,
  attestObservation,
  type Bundle,
  type Deployment,
  deployEngine,
  feedDomain,
  type NextBatch,
  RegistryClient,
  submitObservations,
  verifierArtifactOf,
} from '../../prover/registry/index.ts'
import { makeBundle } from '../../prover/registry/market/bundle.ts'
import { volatilityModels } from '../../prover/volatility/models.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { type Chain, startChain } from '../../scripts/tools/chains/chain.ts'

const root = join(import.meta.dirname, '..', '..')

/** As many signatures as an observation needs. */
const THRESHOLD = 2
export const feedSigners = [11, 12, 13].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`))

/** Built files of a circuit with its keys; `npm run build` makes them. */
export async function keysOf(build: MarketBuildName): Promise<CircuitKeys> {
  const folder = join(root, 'build', 'circuits', build)
  const circuit = { name: build, r1cs: join(folder, `${build}.r1cs`), wasm: join(folder, `${build}.wasm`) }
  return new KeyStore(join(root, 'build', 'keys')).loadOrMakeDevelopmentKeys(circuit)
}

export class LiveEngine {
  readonly chain: Chain
  readonly keys: ReadonlyMap<MarketBuildName, CircuitKeys>
  readonly prover: Prover
  deployment: Deployment
  client!: RegistryClient

  private constructor(chain: Chain, keys: ReadonlyMap<MarketBuildName, CircuitKeys>, deployment: Deployment) {
    this.chain = chain
    this.keys = keys
    this.prover = createProver()
    this.deployment = deployment
  }

  /**
   * Deploys with models for the given builds, and adds markets at a first price each, under EWMA unless it is said otherwise.
   *
   * @param initialDate - of the chain; now, unless something older is to be brought to it
   */
  static async start(
    buildNames: readonly MarketBuildName[],
    firstPrices: Record<string, bigint>,
    models: Readonly<Record<string, VolatilityModelName>> = {},
    initialDate?: Date,
  ): Promise<LiveEngine> {
    const chain = await startChain(initialDate)
    const keys = new Map<MarketBuildName, CircuitKeys>()
    for (const name of buildNames) keys.set(name, await keysOf(name))
    const deployment = await deployEngine(chain.signers[0] as never, {
      models: [...keys].map(([name, { verificationKey, manifest }]) => ({
        build: buildOf(name),
        verificationKey,
        manifest,
      })),
      feed: { signers: feedSigners.map(({ address }) => address), threshold: THRESHOLD },
      policy: defaultPolicy,
      guardian: await (chain.signers[1] as { getAddress(): Promise<string> }).getAddress(),
    })
    const engine = new LiveEngine(chain, keys, deployment)
    await engine.observe(firstPrices)
    for (const name of Object.keys(firstPrices)) {
      const added = await addMarket(chain.signers[0] as never, engine.deployment, {
        name,
        policy: withStartingWords(volatilityModels[models[name] ?? 'ewma'], defaultPolicy).market,
        volatilityModel: models[name] ?? 'ewma',
      })
      engine.deployment = added.deployment
    }
    engine.client = await engine.connect()
    return engine
  }

  connect(): Promise<RegistryClient> {
    return RegistryClient.connect({
      registry: this.deployment.addresses.registry,
      provider: this.chain.ethers.provider as never,
      signer: this.chain.signers[2] as never,
      fromBlock: this.deployment.block,
    })
  }

  /** Moves time on and appends one observation per market, prices in dollars. */
  async observe(prices: Record<string, bigint>, secondsLater = 60n, rangeCode = 0n): Promise<void> {
    const asOf = (await this.chain.now()) + secondsLater
    await this.chain.setTime(asOf)
    await this.append(Object.entries(prices).map(([name, price]) => ({ name, price, asOf, rangeCode })))
  }

  /** Moves time on and appends many observations of one market, a number of seconds apart. */
  async observeMany(name: string, prices: readonly bigint[], secondsApart: bigint): Promise<void> {
    const from = await this.chain.now()
    await this.chain.setTime(from + BigInt(prices.length) * secondsApart)
    await this.append(prices.map((price, i) => ({ name, price, asOf: from + BigInt(i + 1) * secondsApart })))
  }

  private async append(
    observed: readonly { name: string; price: bigint; asOf: bigint; rangeCode?: bigint }[],
  ): Promise<void> {
    const { address: feed } = attestedFeedOf(this.deployment)
    const domain = feedDomain(this.deployment.chainId, feed)
    const signed = await Promise.all(
      observed.map(({ name, price, asOf, rangeCode = 0n }) =>
        attestObservation(domain, feedSigners.slice(0, THRESHOLD), {
          marketId: marketIdOf(name),
          priceE8: price * 10n ** 8n,
          asOf,
          impliedVolatilityX16: 0n,
          rangeCode,
          confidenceE8: 0n,
          deadline: asOf + 100_000n,
        }),
      ),
    )
    await submitObservations(this.chain.signers[3] as never, feed, signed)
  }

  keyHash(build: MarketBuildName): string {
    return `0x${verificationKeyHash(this.keysFor(build).verificationKey)}`
  }

  /** The next batch, which must exist. */
  async next(build: MarketBuildName, names?: readonly string[]): Promise<NextBatch> {
    const next = await this.client.nextBatch(buildOf(build), this.keyHash(build), names)
    if (next.batch === undefined) throw new Error(`Nothing to prove: ${JSON.stringify(next.leftOut)}`)
    return next
  }

  /** Proves the next batch of a build. */
  async prove(build: MarketBuildName, names?: readonly string[]): Promise<Bundle> {
    return this.proveStated(await this.next(build, names))
  }

  /** Proves a batch, whatever it says. */
  async proveStated({ batch, inboxes, names }: Omit<NextBatch, 'leftOut'>): Promise<Bundle> {
    const statement = await stateBatch(batch)
    const keys = this.keysFor(batch.build.name as MarketBuildName)
    const { proof } = await this.prover.prove(keys, statement.circuitInput as never)
    return makeBundle(statement, inboxes, names, proof, keys.verificationKey)
  }

  /** What an auditor with this machine's keys brings. */
  auditKeys(): readonly AuditKey[] {
    return [...this.keys].map(([build, { verificationKey, manifest }]) => ({
      build,
      verificationKey,
      manifest,
      verifierCode: verifierArtifactOf(build).deployedBytecode,
    }))
  }

  async close(): Promise<void> {
    await this.prover.close()
  }

  private keysFor(build: MarketBuildName): CircuitKeys {
    return this.keys.get(build) as CircuitKeys
  }
}

export const buildOf = (name: MarketBuildName) =>
  marketBuilds.find((build) => build.name === name) as (typeof marketBuilds)[number]
