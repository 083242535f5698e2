/** What a deployment consists of: transactions in order, each told, digested and priced before the first is sent. */
import { computeAddress, Contract, Interface, type InterfaceAbi, type Provider, Wallet } from 'ethers'
import {
  type Build,
  COLLATERALS,
  modelSizesOf,
  type PortfolioStatementName,
  sizeOf,
  type StatementName,
  volatilityModels as volatilityModelRows,
} from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf, marketNameOf } from '../../market/marketId.ts'
import { unitsOfScale, unitsText, unitsWords } from '../../market/priceScale.ts'
import { type PriceOptions, readBars } from '../../market/prices.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../parameters/defaultPolicy.ts'
import { initialState, type MarketState, type Observation } from '../../parameters/marketRisk.ts'
import { replay } from '../../parameters/replay.ts'
import { emptyBook } from '../../portfolio/book.ts'
import {
  checkCeremony,
  isDevelopmentChain,
  type KeyManifest,
  type VerificationKey,
  verificationKeyHash,
} from '../../proof/index.ts'
import {
  type Artifact,
  artifactOf,
  attestObservation,
  type ContractName,
  feedDomain,
  interfaceOf,
  layoutKinds,
  modelIdOf,
  policyWordsOf,
  portfolioStatementNames,
} from '../../registry/index.ts'
import { manifestHashOf } from '../../registry/deployment.ts'
import {
  ADMIN_ROLE,
  adminSelectors,
  CANCELLER_ROLE,
  COUNCIL_ROLE,
  GUARDIAN_ROLE,
  REVOCATION_ROLE,
  type RestrictedContract,
  selectorsOf,
  VENUE_ROLE,
} from '../../registry/authority.ts'
import { placeToBegin } from '../../registry/market/place.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { checkFirstPhaseOf } from '../../registry/portfolio/deploy.ts'
import { type CodeSize, codeSizeOf } from '../../registry/codeSize.ts'
import { ask } from '../../registry/contractErrors.ts'
import { digestOfJson } from '../../registry/digest.ts'
import { crossPolicyWords } from '../../statement/crossMargins.ts'
import { layoutHash } from '../../statement/layout.ts'
import { joinList } from '../../statement/lists.ts'
import { stateRoot } from '../../statement/optionBook.ts'
import type { SectionWords } from '../../statement/state.ts'
import { packState } from '../../statement/marketState.ts'
import { pack, unpack } from '../../statement/words.ts'
import { volatilityModels } from '../../volatility/models.ts'
import { FEED_SIGNER_KEYS } from '../development/chain.ts'
import { doorText } from './door.ts'
import { HistoryMisfitError, misfitOf } from './historyFit.ts'
import { isVerifierOf, VerifierUnfitError } from './verifier.ts'
import type { DeployConfig, MarketToDeploy, SourceToDeploy } from './config.ts'

/** A build with its key, and the verifier that was compiled for it. */
export type ModelWithVerifier = {
  readonly build: Build
  readonly verificationKey: VerificationKey
  readonly manifest: KeyManifest
  readonly verifier: Artifact
}

/** Where a step stands on the chain. */
export type StepContext = {
  readonly provider: Provider
  /** Address of what an earlier step created. */
  readonly addressOf: (step: string) => string
}

export type Transaction = { readonly to?: string; readonly data: string }

export type Step = {
  readonly id: string
  readonly says: string
  /** Whether it creates a contract. */
  readonly creates: boolean
  /** Of a contract that it creates. */
  readonly code?: CodeSize
  /** Whether the plan alone says what it sends, not the chain when its turn comes. */
  readonly isFixed: boolean
  /** Estimate, from above. */
  readonly gas: bigint
  readonly digest: string
  /** Asked when its turn comes. @throws {@link ObservationMissingError} */
  readonly transaction: (context: StepContext) => Promise<Transaction>
}

export type DeployPlan = {
  readonly config: DeployConfig
  readonly models: readonly ModelWithVerifier[]
  readonly portfolioModels: readonly ModelWithVerifier[]
  readonly steps: readonly Step[]
  /** After this step everything stands but markets and hand-over. */
  readonly lastOfPlace: string
}

export type PlanParts = {
  readonly config: DeployConfig
  readonly deployer: string
  readonly models: readonly ModelWithVerifier[]
  /** Of margins of accounts, where the plan has a registry of them. */
  readonly portfolioModels: readonly ModelWithVerifier[]
  readonly portfolioPolicy: SectionWords | undefined
}

/**
 * Lays a deployment out.
 *
 * @throws what {@link checkCeremony} and {@link checkFirstPhaseOf} throw, naming the circuit; {@link VerifierUnfitError},
 * {@link KeyOtherwiseError}
 */
export async function planDeployment(parts: PlanParts): Promise<DeployPlan> {
  const { config, models, portfolioModels } = parts
  for (const model of [...models, ...portfolioModels]) checkModelToDeploy(model, config)
  checkFirstPhaseOf(portfolioModels)
  const planner = new Planner(parts)
  const place = await planner.placeSteps()
  const steps = [...place, ...planner.marketSteps(), ...planner.handOverSteps()]
  return { config, models, portfolioModels, steps, lastOfPlace: place.at(-1)?.id ?? '' }
}

/** A key that may not go to the chain, or a verifier of another key, is found before anything is paid for. */
function checkModelToDeploy(
  { build, verificationKey, manifest, verifier }: ModelWithVerifier,
  config: DeployConfig,
): void {
  const { kind, contributions, transcript } = manifest
  checkCeremony({ circuit: build.name, verificationKey, kind, contributions, transcript }, config.chainId)
  const hash = verificationKeyHash(verificationKey)
  if (!isVerifierOf(verifier, verificationKey)) throw new VerifierUnfitError(build.name, hash)
  const pinned = config.models.find((model) => model.build.name === build.name)?.verificationKeySha256
  if (pinned !== undefined && pinned !== hash) throw new KeyOtherwiseError(build.name, pinned, hash)
}

/** Scales of a source's markets in words. */
const scalesText = (scales: readonly { readonly marketId: string; readonly scale: number }[]): string =>
  scales
    .map(({ marketId, scale }) => `; ${marketNameOf(marketId)} in prices of ${unitsWords(unitsOfScale(scale))}`)
    .join('')

/** How a market's history is read: at the scale of its source. */
export const unitsOption = ({ priceScale }: Pick<MarketToDeploy, 'priceScale'>): PriceOptions => ({
  units: Number(unitsText(unitsOfScale(priceScale))),
})

/** Stands for addresses that are not known yet, where a step's content is digested. */
const standIn = (step: string): string => `0x${digestOfJson(step).slice(0, 40)}`

/** Arrays of one of several markets. */
export const arraysStep = (market: string): string => `risk arrays ${market}`

/** Every collateral counts in the first market, until the council says otherwise. */
const crossWordsOf = ({ markets }: NonNullable<DeployConfig['cross']>): readonly bigint[] =>
  joinList(
    'crossPolicy',
    crossPolicyWords({
      collateralMarkets: Array.from({ length: COLLATERALS }, () => 0n),
      creditsX40: markets.map(({ spreadCredit }) => BigInt(Math.round(spreadCredit * 2 ** 40))),
    }),
  )

/** What is proven of accounts, by the registries of a plan; each once. */
export const marginStatementsOf = ({
  portfolio,
  cross,
}: Pick<DeployConfig, 'portfolio' | 'cross'>): readonly PortfolioStatementName[] => [
  ...new Set([
    ...(portfolio === undefined ? [] : portfolioStatementNames),
    ...(cross === undefined ? [] : crossStatementNames),
  ]),
]

class Planner {
  private readonly parts: PlanParts

  constructor(parts: PlanParts) {
    this.parts = parts
  }

  /** Contracts, models and the roles that are not the council's. */
  async placeSteps(): Promise<readonly Step[]> {
    const { config, deployer, models, portfolioModels } = this.parts
    const { sources, learning, margin, freshness, portfolio, cross } = config
    const feeds = sources.filter((source) => source.kind === 'attestedFeed')
    const words = [pack('learningPolicy', learning), pack('marginPolicy', margin)]
    const statements: readonly StatementName[] = ['marketRisk', ...marginStatementsOf(config)]
    return [
      this.create('council', 'RiskCouncil', () => [deployer], 'with the deployer as its first administrator'),
      ...feeds.map(({ name, signers, threshold, maxConfidenceBps, plausibility, scales }) =>
        this.create(
          `source ${name}`,
          scales.length === 0 ? 'AttestedFeed' : 'ScaledFeed',
          (at) => [
            ...[at('council'), inOrder(signers), threshold, maxConfidenceBps, plausibility],
            ...(scales.length === 0 ? [] : [scales]),
          ],
          `${threshold} of ${signers.length} signers; ${doorText(plausibility)}${scalesText(scales)}`,
        ),
      ),
      this.create('model registry', 'ModelRegistry', (at) => [at('council')]),
      ...statements.map((statement) =>
        this.call(`layout ${statement}`, 'model registry', 'ModelRegistry', 'registerLayout', () => [
          layoutHash(statement),
          layoutKinds.indexOf(statement),
        ]),
      ),
      this.create('registry', 'RiskRegistry', (at) => [at('council'), at('model registry'), ...words, freshness]),
      ...(portfolio === undefined ? [] : await this.portfolioSteps(portfolio)),
      ...(cross === undefined ? [] : await this.crossSteps(cross)),
      ...this.venueSteps(portfolio?.venue ?? cross?.venue),
      ...[...models, ...portfolioModels].flatMap((model) => this.modelSteps(model)),
    ]
  }

  marketSteps(): readonly Step[] {
    const { markets, sources } = this.parts.config
    return markets.flatMap((market) => {
      const source = sources.find(({ name }) => name === market.source) as SourceToDeploy
      return [
        this.call(`policy ${market.name}`, 'registry', 'RiskRegistry', 'setMarketPolicy', () => [
          marketIdOf(market.name),
          pack('marketPolicy', market.policy),
        ]),
        ...(market.firstPriceE8 === undefined ? [] : [this.firstPriceStep(market, source, market.firstPriceE8)]),
        this.marketStep(market, source),
      ]
    })
  }

  /** The council governs from here on, and the deployer does not. */
  handOverSteps(): readonly Step[] {
    const { config, deployer } = this.parts
    const { council, councilDelaySeconds } = config
    const grant = (): readonly unknown[] => [ADMIN_ROLE, council, councilDelaySeconds]
    const hours = councilDelaySeconds / 3600
    const says = `the council's account ${council} may do everything, ${hours} h after announcing it`
    const steps = [
      ...this.roleSteps(),
      this.grant(
        'council',
        COUNCIL_ROLE,
        council,
        `sets policy, models and markets, after ${hours} h`,
        councilDelaySeconds,
      ),
      this.call('hand over', 'council', 'RiskCouncil', 'grantRole', grant, says),
    ]
    if (council === deployer) return steps
    const renounce = (): readonly unknown[] => [ADMIN_ROLE, deployer]
    return [
      ...steps,
      this.call('renounce', 'council', 'RiskCouncil', 'renounceRole', renounce, 'the deployer may do nothing any more'),
    ]
  }

  private async portfolioSteps(portfolio: NonNullable<DeployConfig['portfolio']>): Promise<readonly Step[]> {
    const { market, rounds, maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds } = portfolio
    const emptyState = await stateRoot(emptyBook)
    const scale = this.scaleOf(market)
    const words = policyWordsOf(this.parts.portfolioPolicy ?? {})
    return [
      this.create('rounds', scale === 0 ? 'AttestedRounds' : 'ScaledRounds', (at) => [
        ...[at('council'), inOrder(rounds.signers), rounds.threshold, rounds.maxAgeSeconds],
        ...(scale === 0 ? [] : [[{ marketId: marketIdOf(market), scale }]]),
      ]),
      this.create('risk arrays', 'RiskArrays', (at) => [
        ...[at('council'), at('model registry'), at('rounds'), marketIdOf(market), words],
        { maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds },
      ]),
      this.create('portfolio registry', 'PortfolioRegistry', (at) => [
        ...[at('council'), at('model registry'), at('risk arrays'), emptyState],
      ]),
      ...this.functionRole('venue', 'portfolio registry', selectorsOf('PortfolioRegistry', 'venue'), VENUE_ROLE),
      ...this.functionRole('venue of scale', 'risk arrays', selectorsOf('RiskArrays', 'venue'), VENUE_ROLE),
    ]
  }

  /** A registry of margins over several markets, with arrays of each. */
  private async crossSteps(cross: NonNullable<DeployConfig['cross']>): Promise<readonly Step[]> {
    const { rounds, maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds, maxRoundsApartSeconds } = cross
    const emptyState = await stateRoot(emptyBook)
    const markets = cross.markets.map(({ market }) => market)
    const scales = markets
      .map((market) => ({ marketId: marketIdOf(market), scale: this.scaleOf(market) }))
      .filter(({ scale }) => scale !== 0)
    const words = policyWordsOf(this.parts.portfolioPolicy ?? {})
    return [
      this.create('cross rounds', scales.length === 0 ? 'AttestedRounds' : 'ScaledRounds', (at) => [
        ...[at('council'), inOrder(rounds.signers), rounds.threshold, rounds.maxAgeSeconds],
        ...(scales.length === 0 ? [] : [scales]),
      ]),
      ...markets.map((market) =>
        this.create(arraysStep(market), 'RiskArrays', (at) => [
          ...[at('council'), at('model registry'), at('cross rounds'), marketIdOf(market), words],
          { maxRoundAgeSeconds, maxMarginAgeSeconds, maxRoundLagSeconds },
        ]),
      ),
      this.create(
        'cross registry',
        'CrossMarginRegistry',
        (at) => [
          ...[at('council'), at('model registry'), markets.map((market) => at(arraysStep(market))), emptyState],
          ...[crossWordsOf(cross), maxRoundsApartSeconds],
        ],
        `over ${markets.join(' and ')}`,
      ),
      ...this.functionRole('venue of cross', 'cross registry', selectorsOf('CrossMarginRegistry', 'venue'), VENUE_ROLE),
      ...markets.flatMap((market) => {
        const selectors = selectorsOf('RiskArrays', 'venue')
        return this.functionRole(`venue of scale of ${market}`, arraysStep(market), selectors, VENUE_ROLE)
      }),
    ]
  }

  private venueSteps(venue: string | undefined): readonly Step[] {
    return venue === undefined ? [] : [this.grant('venue', VENUE_ROLE, venue, 'may report accounts')]
  }

  /** Parameters and margins of a market are at one scale. */
  private scaleOf(market: string): number {
    return this.parts.config.markets.find(({ name }) => name === market)?.priceScale ?? 0
  }

  private modelSteps({ build, verificationKey, manifest, verifier }: ModelWithVerifier): readonly Step[] {
    const keyHash = `0x${verificationKeyHash(verificationKey)}`
    const layout = layoutHash(build.statement)
    const key = `${manifest.kind} key ${keyHash.slice(2, 18)}…, ${manifest.contributions} contributions`
    const model = {
      ...modelSizesOf(build),
      status: 0,
      allowsBacklog: build.statement === 'marketRisk' && sizeOf(build, 'testEverySlot') === 1,
      layoutHash: layout,
      verificationKeyHash: keyHash,
      manifestHash: manifestHashOf(manifest),
    }
    const modelId = modelIdOf(build.name, keyHash, layout)
    const register = (at: At): readonly unknown[] => [modelId, { ...model, verifier: at(`verifier ${build.name}`) }]
    return [
      this.creation(
        `verifier ${build.name}`,
        `verifier of ${build.name} (${key})`,
        verifier,
        () => [],
        VERIFIER_CONSTRUCTOR_GAS,
      ),
      this.call(`model ${build.name}`, 'model registry', 'ModelRegistry', 'register', register),
    ]
  }

  /** Whose every restricted function is, and who may cancel it. */
  private roleSteps(): readonly Step[] {
    const { guardian, canceller, council, sources, portfolio, cross } = this.parts.config
    const feeds = sources.filter(({ kind }) => kind === 'attestedFeed')
    const governed: readonly (readonly [string, RestrictedContract])[] = [
      ['model registry', 'ModelRegistry'],
      ['registry', 'RiskRegistry'],
      ...feeds.map(({ name }) => [`source ${name}`, 'AttestedFeed'] as const),
      ...(portfolio === undefined
        ? []
        : ([
            ['portfolio registry', 'PortfolioRegistry'],
            ['risk arrays', 'RiskArrays'],
            ['rounds', 'AttestedRounds'],
          ] as const)),
      ...(cross === undefined
        ? []
        : [
            ['cross registry', 'CrossMarginRegistry'] as const,
            ...cross.markets.map(({ market }) => [arraysStep(market), 'RiskArrays'] as const),
            ['cross rounds', 'AttestedRounds'] as const,
          ]),
    ]
    const guardians = [council, ...(guardian === undefined || guardian === council ? [] : [guardian])]
    return [
      ...governed.flatMap(([at, contract]) => [
        ...this.functionRole(`${at} of council`, at, selectorsOf(contract, 'council'), COUNCIL_ROLE),
        ...this.functionRole(`${at} of guardian`, at, selectorsOf(contract, 'guardian'), GUARDIAN_ROLE),
      ]),
      ...this.functionRole('council of administrators', 'council', adminSelectors('cancellable'), COUNCIL_ROLE),
      ...this.functionRole('council, revoking', 'council', adminSelectors('revoking'), REVOCATION_ROLE),
      this.guard('council', COUNCIL_ROLE, CANCELLER_ROLE, 'a canceller may cancel what the council schedules'),
      this.guard('revocation', REVOCATION_ROLE, GUARDIAN_ROLE, 'a guardian may cancel that a role is taken away'),
      ...guardians.map((account, i) =>
        this.grant(
          i === 0 ? 'guardian council' : 'guardian',
          GUARDIAN_ROLE,
          account,
          'may pause and revoke signers at once',
        ),
      ),
      ...(canceller === undefined
        ? []
        : [this.grant('canceller', CANCELLER_ROLE, canceller, 'may cancel what the council has scheduled')]),
    ]
  }

  private functionRole(id: string, at: string, selectors: readonly string[], role: bigint): readonly Step[] {
    if (selectors.length === 0) return []
    const step = this.call(`role ${id}`, 'council', 'RiskCouncil', 'setTargetFunctionRole', (addressOf) => [
      ...[addressOf(at), selectors, role],
    ])
    return [{ ...step, gas: GAS_OF_ROLE_CALL + BigInt(selectors.length) * GAS_PER_SELECTOR }]
  }

  private guard(id: string, role: bigint, guardian: bigint, says: string): Step {
    return this.call(`guard ${id}`, 'council', 'RiskCouncil', 'setRoleGuardian', () => [role, guardian], says)
  }

  private grant(id: string, role: bigint, account: string, may: string, delaySeconds = 0): Step {
    const args = (): readonly unknown[] => [role, account, delaySeconds]
    return this.call(`grant ${id}`, 'council', 'RiskCouncil', 'grantRole', args, `${account} ${may}`)
  }

  /** Only on development chains, where anybody may be a signer. */
  private firstPriceStep(market: MarketToDeploy, source: SourceToDeploy, priceE8: bigint): Step {
    const { chainId } = this.parts.config
    const id = `first price ${market.name}`
    return {
      ...{ id, says: `attest ${Number(priceE8) / 1e8} for ${market.name} with the development signers` },
      ...{
        creates: false,
        isFixed: false,
        gas: gasOfCalls.submitBatch,
        digest: digestOfJson([id, source.name, `${priceE8}`]),
      },
      transaction: async ({ provider, addressOf }) => {
        const feed = sourceAddress(source, addressOf)
        const block = await ask('Reading the latest block', () => provider.getBlock('latest'))
        const asOf = BigInt(block?.timestamp ?? 0)
        const threshold = source.kind === 'attestedFeed' ? source.threshold : 0
        const isSigner = (key: string): boolean =>
          source.kind === 'attestedFeed' && source.signers.includes(computeAddress(key))
        const signers = FEED_SIGNER_KEYS.filter(isSigner).slice(0, threshold)
        if (signers.length < threshold || threshold === 0) throw new ObservationMissingError(market.name, feed)
        const observation = {
          marketId: marketIdOf(market.name),
          priceE8,
          asOf,
          impliedVolatilityX16: 0n,
          rangeCode: 0n,
        }
        const { observation: message, signatures } = await attestObservation(
          feedDomain(chainId, feed),
          signers.map((key) => new Wallet(key)),
          { ...observation, confidenceE8: 0n, deadline: asOf + DEADLINE_SECONDS },
        )
        const data = interfaceOf('AttestedFeed').encodeFunctionData('submitBatch', [[message], [signatures]])
        return { to: feed, data }
      },
    }
  }

  private marketStep(market: MarketToDeploy, source: SourceToDeploy): Step {
    const { name, volatilityModel, history, firstVolatilityX24 } = market
    const id = `market ${name}`
    const rows = history === undefined ? undefined : readBars(history, unitsOption(market))
    const from = history === undefined ? 'its first observation' : `the history ${history}`
    return {
      ...{ id, says: `add market ${name}, estimated by ${volatilityModel}, from ${from} of ${source.name}` },
      ...{ creates: false, isFixed: false, gas: gasOfCalls.addMarket },
      digest: digestOfJson([id, source.name, volatilityModel, history ?? '', `${firstVolatilityX24}`]),
      transaction: async ({ provider, addressOf }) => {
        const address = sourceAddress(source, addressOf)
        const inbox = { source: address, marketId: marketIdOf(name), fromBlock: 0 }
        const begun = await placeToBegin(provider, inbox)
        if (begun === undefined) throw new ObservationMissingError(name, address)
        const state = this.stateOf(market, begun.observation, rows)
        const data = interfaceOf('RiskRegistry').encodeFunctionData('addMarket', [
          marketIdOf(name),
          address,
          volatilityModelRows[volatilityModel].id,
          packState(state),
          begun.place,
        ])
        return { to: addressOf('registry'), data }
      },
    }
  }

  /** The state that a market begins with: at its source's latest observation. */
  private stateOf(
    market: MarketToDeploy,
    first: Observation,
    history: readonly Observation[] | undefined,
  ): MarketState {
    const { learning, margin } = this.parts.config
    const policy = { learning, margin, market: market.policy }
    const { firstVolatilityX24 = INITIAL_VOLATILITY_X24 } = market
    const model = volatilityModels[market.volatilityModel]
    if (history !== undefined) {
      const misfit = misfitOf(market.name, history, first)
      if (misfit !== undefined && !isDevelopmentChain(this.parts.config.chainId)) {
        throw new HistoryMisfitError(market.name, misfit)
      }
      const rows = history.filter(({ asOf }) => asOf < first.asOf)
      const warm = replay([...rows, first], policy, { model, initialVolatilityX24: firstVolatilityX24 })
      const last = warm.points.at(-1)
      if (last !== undefined) return last.state
    }
    return initialState(model, first, firstVolatilityX24, INITIAL_MULTIPLIER_X18, policy)
  }

  private create(id: string, contract: ContractName, args: Args, detail = ''): Step {
    const says = `deploy ${contract}${detail === '' ? '' : `, ${detail}`}`
    return this.creation(id, says, artifactOf(contract), args, gasOfConstructors[contract] ?? 0n)
  }

  private creation(id: string, says: string, artifact: Artifact, args: Args, constructorGas: bigint): Step {
    const dataOf = (at: At): string =>
      `${artifact.bytecode}${new Interface(artifact.abi as InterfaceAbi).encodeDeploy([...args(at)]).slice(2)}`
    const data = dataOf(standIn)
    return {
      ...{ id, says: says.startsWith('deploy') ? says : `deploy ${says}`, creates: true, isFixed: true },
      code: codeSizeOf(data, artifact),
      gas: gasOfCreation(data, artifact) + constructorGas,
      digest: digestOfJson([id, data]),
      transaction: async ({ addressOf }) => ({ data: dataOf(addressOf) }),
    }
  }

  private call(id: string, at: string, contract: ContractName, method: CallName, args: Args, detail = ''): Step {
    const dataOf = (addressOf: At): string => interfaceOf(contract).encodeFunctionData(method, [...args(addressOf)])
    return {
      ...{ id, says: `${contract}.${method} (${id})${detail === '' ? '' : `: ${detail}`}`, creates: false },
      ...{ isFixed: true, gas: gasOfCalls[method], digest: digestOfJson([id, dataOf(standIn)]) },
      transaction: async ({ addressOf }) => ({ to: addressOf(at), data: dataOf(addressOf) }),
    }
  }
}

type At = (step: string) => string
type Args = (at: At) => readonly unknown[]

const DEADLINE_SECONDS = 3600n

const inOrder = (signers: readonly string[]): readonly string[] =>
  signers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))

const sourceAddress = (source: SourceToDeploy, addressOf: At): string =>
  source.kind === 'other' ? source.address : addressOf(`source ${source.name}`)

/** The latest observation of a source that stands already; undefined where there is none yet. */
export async function observationIfAny(
  provider: Provider,
  market: string,
  source: string,
): Promise<Observation | undefined> {
  const contract = new Contract(source, interfaceOf('IObservationSource'), provider)
  const latest = await ask(`Reading the source of ${market}`, () => contract.getFunction('latest')(marketIdOf(market)))
  return latest.count === 0n ? undefined : unpack('observation', latest.lastWord)
}

/** What a constructor takes beside its code: storage that it fills, a policy book and contracts of its own that it creates. */
const gasOfConstructors: Partial<Record<ContractName, bigint>> = {
  RiskCouncil: 60_000n,
  AttestedFeed: 300_000n,
  ScaledFeed: 400_000n,
  ModelRegistry: 40_000n,
  RiskRegistry: 2_250_000n,
  AttestedRounds: 300_000n,
  ScaledRounds: 350_000n,
  RiskArrays: 1_900_000n,
  PortfolioRegistry: 2_600_000n,
  CrossMarginRegistry: 1_500_000n,
}

/** A verifier has nothing to construct but its code. */
const VERIFIER_CONSTRUCTOR_GAS = 5_000n

/** What a call takes, from above. */
const gasOfCalls = {
  registerLayout: 60_000n,
  register: 220_000n,
  setMarketPolicy: 160_000n,
  addMarket: 180_000n,
  submitBatch: 220_000n,
  setTargetFunctionRole: 80_000n,
  setRoleGuardian: 60_000n,
  grantRole: 90_000n,
  renounceRole: 50_000n,
} as const

type CallName = keyof typeof gasOfCalls

/** A function's role takes a slot of its own. */
const GAS_OF_ROLE_CALL = 40_000n
const GAS_PER_SELECTOR = 28_000n

const CREATION_GAS = 53_000n
const GAS_PER_CODE_BYTE = 200n
const GAS_PER_DATA_BYTE = 16n
const GAS_PER_ZERO_BYTE = 4n

/** What storing code takes, by the yellow paper's prices: calldata, two gas a word of creation code, 200 a byte kept. */
function gasOfCreation(data: string, { deployedBytecode }: Artifact): bigint {
  const bytes = Buffer.from(data.slice(2), 'hex')
  const zeros = BigInt(bytes.filter((byte) => byte === 0).length)
  const calldata = zeros * GAS_PER_ZERO_BYTE + (BigInt(bytes.length) - zeros) * GAS_PER_DATA_BYTE
  const kept = BigInt(deployedBytecode.length / 2 - 1) * GAS_PER_CODE_BYTE
  return CREATION_GAS + calldata + 2n * BigInt(Math.ceil(bytes.length / 32)) + kept
}

/** A market begins at an observation, and its source has none yet. */
export class ObservationMissingError extends ProverError {
  readonly code = 'service.awaiting-observation'
  readonly market: string
  readonly source: string

  constructor(market: string, source: string) {
    super(
      `The source ${source} has no observation of ${market} yet. Everything before that stands and is in the journal. ` +
        'Have its signers append the first observation, or take one where it reads an oracle; then run the same command again: it goes on from here.',
    )
    this.market = market
    this.source = source
  }
}

/** The key at hand is not the one that the file names. */
export class KeyOtherwiseError extends ProverError {
  readonly code = 'service.key-otherwise'
  readonly circuit: string
  readonly expected: string
  readonly found: string

  constructor(circuit: string, expected: string, found: string) {
    super(
      `Expected the key ${expected} of ${circuit}, as verificationKeySha256 says, found ${found}. ` +
        'Fetch the keys of that ceremony, or correct the file.',
    )
    this.circuit = circuit
    this.expected = expected
    this.found = found
  }
}
