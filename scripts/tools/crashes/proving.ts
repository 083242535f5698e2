/**
 * How proofs of a run come about: *told* or *made*.
 *
 * Told: the verifiers are of keys whose trapdoor is known, and the twin says what is proven; this stands in for the circuits alone, and
 * every contract checks what it always checks, the pairing included. Made: the project's own circuits and keys.
 */
import type { Contract, Signer } from 'ethers'
import { type Build, modelSizesOf } from '../../../circuits/statements/index.ts'
import { type CircuitKeys, encodeProofCalldata, type Prover, verificationKeyHash } from '../../../prover/proof/index.ts'
import { formatProof } from '../../../prover/proof/strictProof.ts'
import { type Bundle, makeBundle } from '../../../prover/registry/market/bundle.ts'
import { manifestHashOf } from '../../../prover/registry/deployment.ts'
import type { ProvenPortfolio } from '../../../prover/registry/index.ts'
import { portfolioModelIdOf } from '../../../prover/registry/portfolio/deploy.ts'
import { deployVerifier } from '../../../prover/registry/verifiers.ts'
import type { PortfolioModel, PortfolioModels } from '../../../prover/service/daemon/portfolios/place.ts'
import { ProofMaker } from '../../../prover/service/daemon/portfolios/proofMaker.ts'
import { type BatchToProve, proveBatch } from '../../../prover/service/daemon/proving.ts'
import { buildOf, LIVE_BUILD, loadKeys, portfolioBuildOf } from '../../../prover/service/workspace.ts'
import { layoutHash } from '../../../prover/statement/layout.ts'
import { stateBatch } from '../../../prover/statement/marketRisk.ts'
import { type Chain, mined } from '../chains/chain.ts'
import { type ToldKey, toldKey } from './toldKey.ts'

const statements = ['riskArray', 'optionBook', 'marginsAlone', 'portfolioMargin', 'marketRisk'] as const
type Statement = (typeof statements)[number]

const buildFor = (statement: Statement): Build =>
  statement === 'marketRisk' ? buildOf(LIVE_BUILD) : portfolioBuildOf(statement)

/** How proofs come about. */
export type Proofs = { readonly by: 'told' } | { readonly by: 'made'; readonly prover: Prover }

export type Maker = Pick<ProofMaker, 'make' | 'spare'>

/** What proves batches of the engine. */
export type MarketProver = {
  readonly build: Build
  readonly keyHash: string
  prove(next: BatchToProve): Promise<Bundle>
}

/** What a run proves with; the registry of models knows all of it. */
export type Proving = {
  /** Of a venue, whose margins are proven alone. */
  readonly models: PortfolioModels
  /** Of a registry that is counted. */
  readonly countedModels: PortfolioModels
  readonly maker: Maker
  readonly market: MarketProver
}

/** Registers a model of everything that is proven. */
export async function registerModels(chain: Chain, registry: Contract, proofs: Proofs): Promise<Proving> {
  const register = new Registrar(chain, registry)
  const { models, ...how } = await (proofs.by === 'told' ? toldBy(register) : madeBy(register, proofs.prover))
  const { riskArray, optionBook, marginsAlone, portfolioMargin } = models
  const arraysAndBooks = { riskArray, optionBook }
  return {
    models: { ...arraysAndBooks, marginsAlone },
    countedModels: { ...arraysAndBooks, portfolioMargin },
    ...how,
  }
}

type Models = Readonly<Record<Statement, PortfolioModel>>
type Registered = { readonly models: Models } & Pick<Proving, 'maker' | 'market'>

class Registrar {
  readonly chain: Chain
  readonly #models: Contract

  constructor(chain: Chain, models: Contract) {
    this.chain = chain
    this.#models = models
  }

  /** @returns the model's id */
  async register(
    build: Build,
    { verifier, keyHash, manifestHash }: Readonly<Record<'verifier' | 'keyHash' | 'manifestHash', string>>,
  ): Promise<string> {
    const modelId = portfolioModelIdOf(build, keyHash)
    const model = {
      ...modelSizesOf(build),
      ...{ verifier, status: 0, allowsBacklog: false, layoutHash: layoutHash(build.statement) },
      ...{ verificationKeyHash: keyHash, manifestHash },
    }
    await mined(this.#models.getFunction('register')(modelId, model))
    return modelId
  }
}

/** Of every statement what is made of it. */
async function ofEach<T>(make: (statement: Statement) => Promise<T>): Promise<Readonly<Record<Statement, T>>> {
  const made: [Statement, T][] = []
  for (const statement of statements) made.push([statement, await make(statement)])
  return Object.fromEntries(made) as Record<Statement, T>
}

const keyHashOf = ({ verificationKey }: Pick<CircuitKeys, 'verificationKey'>): string =>
  `0x${verificationKeyHash(verificationKey)}`

async function toldBy(registrar: Registrar): Promise<Registered> {
  const told = await ofEach(async (statement) => toldKey(statements.indexOf(statement) + 1))
  const models = await ofEach(async (statement): Promise<PortfolioModel> => {
    const [own, build] = [told[statement], buildFor(statement)]
    const { target } = await registrar.chain.deploy(own.verifier)
    const keyHash = keyHashOf(own)
    const key = { verifier: target as string, keyHash, manifestHash: keyHash }
    return { build, keys: noKeys, modelId: await registrar.register(build, key) }
  })
  return { models, maker: new ToldProofs(told), market: toldMarket(told.marketRisk) }
}

/** Told proofs take none. */
const noKeys = {} as CircuitKeys

/** Has the twin say what is proven. */
class ToldProofs implements Maker {
  readonly #of: Readonly<Record<Statement, ToldKey>>

  constructor(of: Readonly<Record<Statement, ToldKey>>) {
    this.#of = of
  }

  async make({ build }: PortfolioModel, { stated }: Parameters<Maker['make']>[1]): Promise<ProvenPortfolio> {
    const points = this.#of[build.statement as Statement].prove(stated.publicSignals)
    return { stated, proof: encodeProofCalldata(points) }
  }

  /** Nobody waits for a number of proofs. */
  spare(): void {}
}

const toldMarket = (own: ToldKey): MarketProver => ({
  build: buildFor('marketRisk'),
  keyHash: keyHashOf(own),
  async prove({ batch, inboxes, names }) {
    const statement = await stateBatch(batch)
    const proof = formatProof(own.prove(statement.publicSignals))
    return makeBundle(statement, inboxes, names, proof, own.verificationKey)
  },
})

async function madeBy(registrar: Registrar, prover: Prover): Promise<Registered> {
  const administrator = registrar.chain.signers[0] as unknown as Signer
  const models = await ofEach(async (statement): Promise<PortfolioModel> => {
    const build = buildFor(statement)
    const keys = await loadKeys(build.name)
    const deployed = await deployVerifier(administrator, build.name, keys.verificationKey)
    const key = { ...deployed, manifestHash: manifestHashOf(keys.manifest) }
    return { build, keys, modelId: await registrar.register(build, key) }
  })
  const { build, keys } = models.marketRisk
  const market: MarketProver = {
    ...{ build, keyHash: keyHashOf(keys) },
    prove: async (next) => (await proveBatch(prover, keys, next)).bundle,
  }
  return { models, maker: new ProofMaker({ prover }, 0), market }
}
