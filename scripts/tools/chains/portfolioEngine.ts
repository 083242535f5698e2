/**
 * A portfolio registry on a chain of its own: rounds, arrays, books and margins whose words a test makes up, each proven with
 * a {@link freeStatement}. What is refused here is refused by the contracts alone, as if every circuit were broken.
 */
import { type Contract, keccak256, toBeHex, toUtf8Bytes, Wallet } from 'ethers'
import {
  type Build,
  COLLATERALS,
  type Fields,
  modelSizesOf,
  type PortfolioStatementName,
  sizeOf,
} from '../../../circuits/statements/index.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { SCALAR_FIELD_ORDER } from '../../../prover/proof/bn254.ts'
import {
  type AccountBooks,
  attestRound,
  PortfolioClient,
  type ProvenPortfolio,
  policyWordsOf,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../../prover/registry/index.ts'
import {
  arrayMarginCall,
  arraysCall,
  marginsCall,
  portfolioCall,
  type RegistryCall,
  type ReportWords,
  arraysWitnessCall,
  witnessCall,
} from '../../../prover/registry/portfolio/calldata.ts'
import { portfolioModelIdOf } from '../../../prover/registry/portfolio/deploy.ts'
import { challengeOf, evaluate, type StatementContext } from '../../../prover/statement/challenge.ts'
import { layoutHash } from '../../../prover/statement/layout.ts'
import { layOut, type SectionWords } from '../../../prover/statement/state.ts'
import { strikeWords } from '../../../prover/statement/riskArray.ts'
import { pack, packElements, wordCount } from '../../../prover/statement/words.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from './chain.ts'
import { byAddress } from './attestation.ts'
import { type FreeStatement, freeStatement, type KeyName } from './freeStatement.ts'
import { deployModelRegistry } from './knownLayouts.ts'

export const E8 = 10n ** 8n
export const E12 = 10n ** 12n
export const ONE_X40 = 1n << 40n

export const freshness = { maxRoundAgeSeconds: 600n, maxMarginAgeSeconds: 3_600n, maxRoundLagSeconds: 300n }
/** When these chains start: so that what expires at 2,000,000,000 does so within the tenors of circuits, whatever the day. */
const START = 1_960_000_000n
export const MARKET = marketIdOf('BTC-USD')
const ROUND_AGE_SECONDS = 300n
const THRESHOLD = 2
const KEY_HASH = `0x${'11'.repeat(32)}`

/** Sizes of these tests, whatever the compiled circuits have: the registry takes them from the model. */
const testBuilds: readonly Build[] = (
  [
    ['riskArray', { strikes: 6 }],
    ['optionBook', { segments: 5, strikes: 6, expiries: 3 }],
    ['portfolioMargin', { accounts: 3 }],
    ['marginsAlone', { accounts: 4 }],
    ['unhealthyWitness', {}],
    ['scenarioWitness', { arrays: 5, strikes: 6, expiries: 3 }],
    ['crossMargins', { accounts: 3, markets: 2, parts: 6 }],
    ['arrayMargin', { arrays: 3, strikes: 6, expiries: 2 }],
  ] as const
).map(([statement, sizes]) => ({
  name: `test-${statement}`,
  statement,
  sizes: Object.entries(sizes).map(([name, value]) => ({ name, value })),
  meaning: '',
}))

const findBuild = (builds: readonly Build[], statement: PortfolioStatementName): Build =>
  builds.find((build) => build.statement === statement) as Build

/** Id of the model of a statement in an engine of the sizes of these tests. */
export const modelIdOf = (statement: PortfolioStatementName): string =>
  portfolioModelIdOf(findBuild(testBuilds, statement), KEY_HASH)

const regular = (shockX40: bigint) => ({
  shockX40,
  dampingUpX40: ONE_X40,
  dampingNoneX40: ONE_X40,
  dampingDownX40: ONE_X40,
})
const haircuts = {
  initialHaircutX40: 1n << 36n,
  maintenanceHaircutX40: 1n << 35n,
  confidenceThresholdX40: 1n << 39n,
  movesWithSpot: 0n,
}

/** A policy like any other. */
export const policy: SectionWords = {
  scenarioRegular: [3n, 2n, 1n, 0n, -1n, -2n, -3n].map((step) =>
    pack('scenarioRegular', regular(ONE_X40 + (step * ONE_X40) / 20n)),
  ),
  scenarioUpOnly: packElements(
    'scenarioUpOnly',
    Array.from({ length: 5 }, (_, i) => [
      { shockX40: ONE_X40 + (BigInt(i + 1) * ONE_X40) / 5n, dampingX40: ONE_X40 / 2n },
      { shockX40: ONE_X40 - (BigInt(i + 1) * ONE_X40) / 8n, dampingX40: ONE_X40 / 2n },
    ]).flat(),
  ),
  scenarioSkew: [
    pack('scenarioSkew', {
      shockLinearX40: ONE_X40,
      dampingLinearX40: ONE_X40,
      shockAbsoluteX40: ONE_X40,
      dampingAbsoluteX40: ONE_X40,
    }),
  ],
  basisShocks: [
    pack('basisShocks', {
      basisUpX40: ONE_X40 + ONE_X40 / 20n,
      basisDownX40: ONE_X40 - ONE_X40 / 20n,
      basisAddX40: ONE_X40 / 4n,
    }),
  ],
  volatilityShocks: [
    pack('volatilityShocks', {
      rangeUpX40: ONE_X40 / 2n,
      rangeDownX40: ONE_X40 / 4n,
      shortPowerX40: ONE_X40 / 3n,
      longPowerX40: ONE_X40 / 8n,
      tenorFloorSeconds: 86_400n,
      floorUpX40: ONE_X40 / 5n,
    }),
  ],
  skewLinear: [
    pack('skewLinear', {
      capX40: ONE_X40 / 8n,
      capSlopeX40: -ONE_X40 / 16n,
      widthFloorX40: 1n << 33n,
      widthScaleX40: 4n << 40n,
    }),
  ],
  skewAbsolute: [
    pack('skewAbsolute', {
      capX40: ONE_X40 / 8n,
      capSlopeX40: -ONE_X40 / 16n,
      volatilityX40: ONE_X40 / 2n,
      volatilitySlopeX40: ONE_X40 / 4n,
    }),
  ],
  longDiscount: [
    pack('longDiscount', { baseX40: ONE_X40 - 1000n, rateMultipleX40: ONE_X40, rateAddX40: ONE_X40 / 10n }),
  ],
  shortDiscount: [
    pack('shortDiscount', {
      baseX40: ONE_X40,
      rateMultipleX40: ONE_X40,
      rateAddX40: ONE_X40 / 10n,
      basisSlopeX40: ONE_X40 / 2n,
      confidenceThresholdX40: ONE_X40 / 2n,
    }),
  ],
  lossFactors: [
    pack('lossFactors', {
      maintenanceFactorX40: (ONE_X40 * 8n) / 10n,
      initialFactorX40: ONE_X40,
      pegThresholdX40: (ONE_X40 * 98n) / 100n,
      pegLossX40: 2n * ONE_X40,
      confidenceThresholdX40: ONE_X40 / 2n,
    }),
  ],
  contingencies: [
    pack('contingencies', {
      maintenancePerpX40: ONE_X40 / 64n,
      initialPerpX40: ONE_X40 / 64n,
      maintenanceOptionX40: ONE_X40 / 256n,
      initialOptionX40: ONE_X40 / 256n,
      confidenceMarginX40: ONE_X40 / 2n,
    }),
  ],
  collateralPolicy: packElements('collateralPolicy', new Array(COLLATERALS).fill(haircuts)),
  concentration: [
    pack('concentration', { concentrationX40: ONE_X40 / 8n, perpSizeQ: 1n << 20n, optionSizeQ: 1n << 18n }),
  ],
  collateralSizes: packElements('collateralSize', new Array(COLLATERALS).fill({ sizeQ: 1n << 20n })),
}

/** Options of one expiry at some strikes, as an array of a round has them. */
export type ArrayKey = { readonly expiry: bigint; readonly strikesE8: readonly bigint[] }
export type Position = Fields<'optionPosition'>
export type MarginStatement = 'portfolioMargin' | 'marginsAlone'

/** What a test account holds. */
export type Account = {
  readonly signer: string
  readonly positions: readonly Position[]
  readonly holdings: Fields<'holdings'>
  readonly collateralAmounts: readonly bigint[]
}

/** An account's books; of the report that was proven, or else its first, unless it says another. */
type TestBooks = Omit<AccountBooks, 'sequence'> & { readonly sequence?: bigint }

/** A number of the scalar field that looks like a commitment to the given words. */
export const rootOf = (...parts: readonly bigint[]): bigint =>
  BigInt(keccak256(`0x${parts.map((part) => toBeHex(part, 32).slice(2)).join('')}`)) % SCALAR_FIELD_ORDER

/** Each statement has a key of its own, as it has a circuit of its own elsewhere; books, margins and witnesses share a first phase. */
const keyNames: Readonly<Record<PortfolioStatementName, KeyName>> = {
  riskArray: 'apart',
  optionBook: 'first',
  portfolioMargin: 'second',
  unhealthyWitness: 'third',
  marginsAlone: 'fourth',
  scenarioWitness: 'fifth',
  crossMargins: 'sixth',
  arrayMargin: 'seventh',
}

async function statementsOf(): Promise<PortfolioEngine['proofsOf']> {
  const all = Object.entries(keyNames).map(async ([name, key]) => [name, await freeStatement(key)] as const)
  return Object.fromEntries(await Promise.all(all)) as PortfolioEngine['proofsOf']
}

export class PortfolioEngine {
  readonly chain: Chain
  readonly council: Contract
  readonly models: Contract
  readonly rounds: Contract
  readonly arrays: Contract
  readonly registry: Contract
  readonly counts: Contract
  readonly client: PortfolioClient
  readonly proofsOf: Readonly<Record<PortfolioStatementName, FreeStatement>>
  readonly roundSigners: readonly Wallet[]
  readonly builds: readonly Build[]
  /** Reports that margins were proven of. */
  private readonly reports = new WeakMap<ProvenPortfolio, ReadonlyMap<string, bigint>>()
  /** Models besides those of {@link keyNames}. */
  readonly otherModels: Readonly<Partial<Record<PortfolioStatementName, string>>>
  /** Commitment that stands for the book before its first position. */
  readonly emptyState = rootOf(0n)

  private constructor(
    parts: Pick<
      PortfolioEngine,
      | 'chain'
      | 'council'
      | 'models'
      | 'rounds'
      | 'arrays'
      | 'registry'
      | 'counts'
      | 'client'
      | 'proofsOf'
      | 'roundSigners'
      | 'builds'
    > &
      Partial<Pick<PortfolioEngine, 'otherModels'>>,
  ) {
    this.chain = parts.chain
    this.council = parts.council
    this.models = parts.models
    this.rounds = parts.rounds
    this.arrays = parts.arrays
    this.registry = parts.registry
    this.counts = parts.counts
    this.client = parts.client
    this.proofsOf = parts.proofsOf
    this.roundSigners = parts.roundSigners
    this.builds = parts.builds
    this.otherModels = parts.otherModels ?? {}
  }

  /** @param builds - sizes of the models */
  static async start(builds = testBuilds): Promise<PortfolioEngine> {
    const chain = await startChain()
    await chain.setTime(START)
    const proofsOf = await statementsOf()
    const council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
    const models = await deployModelRegistry(chain, council)
    const roundSigners = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
    const rounds = await deployRounds(chain, council, roundSigners)
    const place = [council, models, rounds, MARKET]
    const arrays = await chain.deploy('RiskArrays', ...place, policyWordsOf(policy), freshness)
    const registry = await chain.deploy('PortfolioRegistry', council, models, arrays, rootOf(0n))
    const counts = await chain.ethers.getContractAt('OpenInterest', await registry.getFunction('counts')())
    for (const build of builds) {
      const verifier = await chain.deploy(proofsOf[build.statement as PortfolioStatementName].verifier)
      const id = portfolioModelIdOf(build, KEY_HASH)
      await mined(models.getFunction('register')(id, modelOf(build, verifier)))
    }
    const client = await PortfolioClient.connect({
      registry: registry.target as string,
      provider: chain.ethers.provider as never,
      signer: chain.signers[0] as never,
    })
    return new PortfolioEngine({
      chain,
      council,
      models,
      rounds,
      arrays,
      registry,
      counts: counts as unknown as Contract,
      client,
      proofsOf,
      roundSigners,
      builds,
    })
  }

  buildOf(statement: PortfolioStatementName): Build {
    return findBuild(this.builds, statement)
  }

  modelIdOf(statement: PortfolioStatementName): string {
    return this.otherModels[statement] ?? portfolioModelIdOf(this.buildOf(statement), KEY_HASH)
  }

  /** The same engine, which proves a statement under another key, whatever its model says. */
  async proving(statement: PortfolioStatementName, key: KeyName): Promise<PortfolioEngine> {
    const proofsOf = { ...this.proofsOf, [statement]: await freeStatement(key) }
    return new PortfolioEngine({ ...this, proofsOf })
  }

  /** The same engine, which proves a statement under another key, and has registered a model of it. */
  async withKey(statement: PortfolioStatementName, key: KeyName): Promise<PortfolioEngine> {
    const proving = await this.proving(statement, key)
    const id = portfolioModelIdOf(this.buildOf(statement), keccak256(toUtf8Bytes(key)))
    const verifier = await this.chain.deploy(proving.proofsOf[statement].verifier)
    await mined(this.models.getFunction('register')(id, modelOf(this.buildOf(statement), verifier)))
    return new PortfolioEngine({ ...proving, otherModels: { ...this.otherModels, [statement]: id } })
  }

  /** What a statement's model says verifies its proofs. */
  async verifierOf(statement: PortfolioStatementName): Promise<string> {
    return (await this.models.getFunction('modelOf')(this.modelIdOf(statement))).verifier
  }

  /** Strikes of an array. */
  get strikes(): number {
    return sizeOf(this.buildOf('riskArray'), 'strikes')
  }

  /** Segments of a book. */
  get segments(): number {
    return sizeOf(this.buildOf('optionBook'), 'segments')
  }

  /** Publishes a round at the chain's time, or `secondsLater`. */
  async round(expiries: readonly bigint[], secondsLater = 1n, spotE8 = 100_000n * E8): Promise<RoundWords> {
    const asOf = (await this.chain.now()) + secondsLater
    await this.chain.setTime(asOf)
    const round = roundAt(asOf, expiries, spotE8)
    await this.publish(round)
    return round
  }

  async publish(round: RoundWords): Promise<void> {
    const domain = roundsDomain(31337n, this.rounds.target as string)
    const signed = await attestRound(domain, this.roundSigners.slice(0, THRESHOLD), round, round.asOf + 1000n)
    await publishRound(this.chain.signers[3] as never, this.rounds.target as string, signed)
  }

  /** The venue's report of an account. */
  async report({ signer, positions, holdings, collateralAmounts }: Account): Promise<void> {
    const words = positions.map((position) => pack('optionPosition', position))
    await this.client.reportAccount(signer, words, pack('holdings', holdings), collateralAmounts)
  }

  /** Any statement with a proof of it. */
  async prove(
    name: PortfolioStatementName,
    context: StatementContext,
    sections: SectionWords,
  ): Promise<ProvenPortfolio> {
    const build = this.buildOf(name)
    const words = [...layOut(build, 'inputs', sections), ...layOut(build, 'outputs', sections)]
    const commitment = rootOf(...words)
    const challenge = challengeOf(layoutHash(name), context, commitment, words)
    const proof = await this.proofsOf[name].prove(commitment, evaluate(words, challenge), challenge)
    return { stated: { sections, commitment }, proof }
  }

  async context(
    name: PortfolioStatementName,
    round: RoundWords,
    accounts: readonly string[],
  ): Promise<StatementContext> {
    const modelId = this.modelIdOf(name)
    if (name === 'riskArray') return this.client.arrayContext(round, modelId)
    const reported = await Promise.all(accounts.map((account) => this.client.account(account)))
    return this.client.accountContext(round, modelId, reported)
  }

  /** What the array of a round is committed to; any number will do. */
  arrayRoot = (round: RoundWords, { expiry, strikesE8 }: ArrayKey): bigint =>
    rootOf(BigInt(round.asOf), expiry, ...strikesE8)

  async array(round: RoundWords, key: ArrayKey, change: SectionWords = {}): Promise<ProvenPortfolio> {
    const context = await this.context('riskArray', round, [])
    return this.prove('riskArray', context, { ...this.arraySections(round, key), ...change })
  }

  arraySections(round: RoundWords, key: ArrayKey): SectionWords {
    const index = round.expiries.findIndex(([forward = 0n]) => (forward & 0xffffffffn) === key.expiry)
    const [forward = 0n, surface = 0n, shape = 0n] = round.expiries[index] ?? []
    const { lossFactors, contingencies, collateralPolicy, concentration, collateralSizes, ...pricing } = policy
    return {
      ...pricing,
      expiryForward: [forward],
      expirySurface: [surface],
      expirySurfaceShape: [shape],
      strikes: strikeWords(Array.from({ length: this.strikes }, (_, i) => key.strikesE8[i] ?? 0n)),
      arrayRoot: [this.arrayRoot(round, key)],
    }
  }

  async landArrays(round: RoundWords, keys: readonly ArrayKey[]) {
    const arrays = await Promise.all(keys.map((key) => this.array(round, key)))
    return this.send(arraysCall(round, this.modelIdOf('riskArray'), arrays))
  }

  /** Books of an account over arrays of a round, in the order given. */
  async books(
    round: RoundWords,
    { signer, positions }: Account,
    keys: readonly ArrayKey[],
  ): Promise<ProvenPortfolio[]> {
    const context = await this.context('optionBook', round, [signer])
    const books: ProvenPortfolio[] = []
    let state = this.emptyState
    for (let from = 0; from < keys.length; from += this.segments) {
      const sections = bookSections(this, round, positions, keys, from, state)
      books.push(await this.prove('optionBook', context, sections))
      state = sections.stateOut[0] as bigint
    }
    return books
  }

  /** Margins of accounts whose books are given. */
  async margin(
    round: RoundWords,
    accounts: readonly Account[],
    books: readonly (readonly ProvenPortfolio[])[],
    change: SectionWords = {},
    statement: MarginStatement = 'portfolioMargin',
  ): Promise<ProvenPortfolio> {
    const reported = await Promise.all(accounts.map(({ signer }) => this.client.account(signer)))
    const context = await this.client.accountContext(round, this.modelIdOf(statement), reported)
    const sections = { ...this.marginSections(round, accounts, books, statement), ...change }
    const proven = await this.prove(statement, context, sections)
    this.reports.set(proven, new Map(reported.map(({ account, sequence }) => [account, sequence])))
    return proven
  }

  /** The same of margins alone. */
  marginAlone(
    round: RoundWords,
    accounts: readonly Account[],
    books: readonly (readonly ProvenPortfolio[])[],
    change: SectionWords = {},
  ): Promise<ProvenPortfolio> {
    return this.margin(round, accounts, books, change, 'marginsAlone')
  }

  marginSections(
    round: RoundWords,
    accounts: readonly Account[],
    books: readonly (readonly ProvenPortfolio[])[],
    statement: MarginStatement,
  ): SectionWords {
    const places = Array.from({ length: sizeOf(this.buildOf(statement), 'accounts') }, (_, i) => i)
    const at = (i: number): Account => accounts[i] ?? nobody
    // Places that are left all hold nothing, and so have the same results.
    const results = places.map((i) => Math.min(i, accounts.length))
    return {
      ...sharedSections(round),
      stateIn: places.map((i) => stateAfter(books[i] ?? [], this.emptyState)),
      holdings: places.map((i) => pack('holdings', at(i).holdings)),
      collateralAmounts: places.flatMap((i) => at(i).collateralAmounts),
      margins: results.map((i) =>
        marginsWord({ initialE8: BigInt(i + 1) * E8, maintenanceE8: BigInt(2 * i + 2) * E8 }),
      ),
      ...(statement === 'marginsAlone' ? {} : furtherResults(results)),
    }
  }

  async witness(
    round: RoundWords,
    account: Account,
    books: readonly ProvenPortfolio[],
    change: SectionWords = {},
  ): Promise<ProvenPortfolio> {
    const context = await this.context('unhealthyWitness', round, [account.signer])
    return this.prove('unhealthyWitness', context, {
      ...sharedSections(round),
      stateIn: [stateAfter(books, this.emptyState)],
      holdings: [pack('holdings', account.holdings)],
      collateralAmounts: account.collateralAmounts,
      choice: [pack('scenarioChoice', { scenario: 4n })],
      bound: [pack('maintenanceBound', { maintenanceE8: -1n })],
      ...change,
    })
  }

  /** A witness straight from arrays, in the order given. */
  async witnessFromArrays(
    round: RoundWords,
    account: Account,
    keys: readonly ArrayKey[],
    change: SectionWords = {},
  ): Promise<ProvenPortfolio> {
    const context = await this.context('scenarioWitness', round, [account.signer])
    const places = sizeOf(this.buildOf('scenarioWitness'), 'arrays')
    const { arrayRoots, positions, flags } = bookSections(this, round, account.positions, keys, 0, 0n, places)
    return this.prove('scenarioWitness', context, {
      ...sharedSections(round),
      ...{ arrayRoots, positions, flags },
      holdings: [pack('holdings', account.holdings)],
      collateralAmounts: account.collateralAmounts,
      choice: [pack('scenarioChoice', { scenario: 4n })],
      bound: [pack('maintenanceBound', { maintenanceE8: -1n })],
      ...change,
    })
  }

  /** Margins of one account straight from arrays, in the order given. */
  async arrayMargin(
    round: RoundWords,
    account: Account,
    keys: readonly ArrayKey[],
    change: SectionWords = {},
  ): Promise<ProvenPortfolio> {
    const context = await this.context('arrayMargin', round, [account.signer])
    const places = sizeOf(this.buildOf('arrayMargin'), 'arrays')
    const { arrayRoots, positions, flags } = bookSections(this, round, account.positions, keys, 0, 0n, places)
    return this.prove('arrayMargin', context, {
      ...sharedSections(round),
      ...{ arrayRoots, positions, flags },
      holdings: [pack('holdings', account.holdings)],
      collateralAmounts: account.collateralAmounts,
      margins: [marginsWord({})],
      ...furtherResults([1]),
      ...change,
    })
  }

  /** @param account - of its first report, unless it says another */
  arrayMarginCall(
    round: RoundWords,
    account: { readonly account: string; readonly sequence?: bigint },
    margin: ProvenPortfolio,
  ): RegistryCall {
    const models = [this.modelIdOf('riskArray'), this.modelIdOf('arrayMargin')] as const
    return arrayMarginCall(round, ...models, { sequence: 1n, ...account }, margin)
  }

  /** @param account - of its first report, unless it says another */
  arraysWitnessCall(
    round: RoundWords,
    account: { readonly account: string; readonly sequence?: bigint },
    witness: ProvenPortfolio,
    present?: ReportWords,
  ): RegistryCall {
    const models = [this.modelIdOf('riskArray'), this.modelIdOf('scenarioWitness')] as const
    return arraysWitnessCall(round, ...models, { sequence: 1n, ...account }, witness, present)
  }

  private withReports(accounts: readonly TestBooks[], margin: ProvenPortfolio): readonly AccountBooks[] {
    const reports = this.reports.get(margin)
    return accounts.map((account) => ({ sequence: reports?.get(account.account) ?? 1n, ...account }))
  }

  /** @param accounts - of the reports that were proven, unless they say others */
  marginCall(round: RoundWords, accounts: readonly TestBooks[], margin: ProvenPortfolio): RegistryCall {
    const models = [this.modelIdOf('optionBook'), this.modelIdOf('portfolioMargin')] as const
    return portfolioCall(round, ...models, this.withReports(accounts, margin), margin)
  }

  /** The same of margins alone. */
  aloneCall(round: RoundWords, accounts: readonly TestBooks[], margin: ProvenPortfolio): RegistryCall {
    const models = [this.modelIdOf('optionBook'), this.modelIdOf('marginsAlone')] as const
    return marginsCall(round, ...models, this.withReports(accounts, margin), margin)
  }

  /** @param account - of its first report, unless it says another */
  witnessCall(round: RoundWords, account: TestBooks, witness: ProvenPortfolio, present?: ReportWords): RegistryCall {
    const models = [this.modelIdOf('optionBook'), this.modelIdOf('unhealthyWitness')] as const
    return witnessCall(round, ...models, { sequence: 1n, ...account }, witness, present)
  }

  /** Everything from the books on: proves and lands the margins of accounts over arrays that have landed. */
  async landMargins(
    round: RoundWords,
    accounts: readonly Account[],
    keys: readonly (readonly ArrayKey[])[],
    statement: MarginStatement = 'portfolioMargin',
  ) {
    const books = await Promise.all(accounts.map((account, i) => this.books(round, account, keys[i] ?? [])))
    const margin = await this.margin(round, accounts, books, {}, statement)
    const proven: AccountBooks[] = []
    for (const [i, { signer }] of accounts.entries()) {
      const { sequence } = await this.client.account(signer)
      proven.push({ account: signer, sequence, books: books[i] ?? [] })
    }
    const isAlone = statement === 'marginsAlone'
    return mined(this.send(isAlone ? this.aloneCall(round, proven, margin) : this.marginCall(round, proven, margin)))
  }

  /** Sends a call; the answer fails as the chain does. */
  send({ contract, method, args }: RegistryCall) {
    const target = { RiskArrays: this.arrays, PortfolioRegistry: this.registry, OpenInterest: this.counts }[contract]
    return target.getFunction(method)(...args, { gasLimit: GAS_LIMIT })
  }
}

const modelOf = (build: Build, verifier: Contract) => ({
  ...modelSizesOf(build),
  verifier,
  status: 0,
  allowsBacklog: false,
  layoutHash: layoutHash(build.statement),
  verificationKeyHash: KEY_HASH,
  manifestHash: KEY_HASH,
})

/** A source of the test signers, k = 2. */
export const deployRounds = (chain: Chain, council: Contract, signers: readonly Wallet[]): Promise<Contract> =>
  chain.deploy(
    'AttestedRounds',
    council,
    signers.map(({ address }) => address),
    THRESHOLD,
    ROUND_AGE_SECONDS,
  )

/** A round of the market at a time. */
export function roundAt(asOf: bigint, expiries: readonly bigint[], spotE8: bigint): RoundWords {
  const confidence = { confidenceX40: ONE_X40, spotConfidenceX40: ONE_X40 }
  return {
    marketId: MARKET,
    asOf,
    market: [
      pack('roundPrices', { spotE8, perpPriceE8: spotE8 + 1n, stablePriceE12: E12, asOf }),
      pack('roundConfidences', {
        spotConfidenceX40: ONE_X40,
        perpConfidenceX40: ONE_X40,
        horizonVolatilityX40: ONE_X40 / 50n,
      }),
      ...packElements(
        'collateralPrice',
        Array.from({ length: COLLATERALS }, (_, i) => ({
          priceE12: i % 2 === 0 ? E12 : 0n,
          confidenceX40: ONE_X40,
        })),
      ),
    ],
    expiries: expiries.map((expiry) => [
      pack('expiryForward', { expiry, asOf, forwardVariableE8: spotE8, forwardFixedE8: 0n, ...confidence }),
      pack('expirySurface', {
        rateX40: 1n << 35n,
        sviAX48: 1n << 40n,
        sviBX48: 1n << 44n,
        tauRefSecondsX20: 1n << 41n,
      }),
      pack('expirySurfaceShape', { sviRhoX40: -(1n << 38n), sviMX40: 0n, sviSX40: 1n << 37n, forwardRefE8: spotE8 }),
    ]),
  }
}

/** Words of collateral, the first as given. */
export const amountsWords = (...first: readonly bigint[]): readonly bigint[] =>
  Array.from({ length: wordCount('collateralAmount', COLLATERALS) }, (_, i) => first[i] ?? 0n)

/** An account that holds nothing: it fills the places of a batch. */
const nobody: Account = {
  signer: '0x',
  positions: [],
  holdings: { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n },
  collateralAmounts: amountsWords(),
}

export const marginsWord = (change: Partial<Fields<'accountMargins'>>): bigint =>
  pack('accountMargins', { initialE8: E8, maintenanceE8: 2n * E8, worstScenario: 6n, ...change })

const thresholdsWord = (liquidationDownE8: bigint): bigint =>
  pack('accountThresholds', {
    liquidationDownE8,
    liquidationUpE8: (1n << 48n) - 1n,
    defaultDownE8: 0n,
    defaultUpE8: (1n << 48n) - 1n,
    defaultProbabilityX32: 77n,
  })

/** What is said of accounts besides their margins, each told apart by a number. */
const furtherResults = (results: readonly number[]): SectionWords => ({
  thresholds: results.map((i) => thresholdsWord(BigInt(i + 1) * E8)),
  spotGreeks: results.map((i) => pack('spotGreeks', { deltaE12: BigInt(i), gammaE20: -1n, vegaE8: 5n })),
  risk: results.map((i) =>
    pack('accountRisk', { thetaE8: BigInt(-i), rhoE8: 7n, expectedShortfallE8: BigInt(i) * E8 }),
  ),
})

const stateAfter = (books: readonly ProvenPortfolio[], empty: bigint): bigint =>
  books.at(-1)?.stated.sections.stateOut?.[0] ?? empty

function sharedSections({ market: [prices = 0n, confidences = 0n, ...collateralPrices] }: RoundWords): SectionWords {
  const { volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount, ...margins } = policy
  return { roundPrices: [prices], roundConfidences: [confidences], collateralPrices, ...margins }
}

/** What a book of an account says, from the given array on. */
export function bookSections(
  engine: PortfolioEngine,
  round: RoundWords,
  positions: readonly Position[],
  keys: readonly ArrayKey[],
  from: number,
  stateIn: bigint,
  count = engine.segments,
) {
  const { strikes } = engine
  const last = Math.min(from + count, keys.length) - 1
  const segments = Array.from({ length: count }, (_, i) => keys[Math.min(from + i, last)] as ArrayKey)
  const words = segments.flatMap((key, i) => slotsOf(key, strikes, from + i <= last ? positions : []))
  const expiryAfter = (i: number) => (segments[i + 1] ?? keys[from + count])?.expiry
  const flags = segments.reduce((sum, { expiry }, i) => sum | (expiryAfter(i) === expiry ? 1n << BigInt(i) : 0n), 0n)
  const arrayRoots = segments.map((key) => engine.arrayRoot(round, key))
  const stateOut = [rootOf(stateIn, ...arrayRoots, ...words, flags)]
  return { stateIn: [stateIn], arrayRoots, positions: words, flags: [flags], stateOut }
}

/** A word for each strike of an array: the position there, or nothing. */
const slotsOf = ({ expiry, strikesE8 }: ArrayKey, strikes: number, positions: readonly Position[]): readonly bigint[] =>
  Array.from({ length: strikes }, (_, i) => {
    const strikeE8 = strikesE8[i] as bigint
    const held = positions.find((each) => each.expiry === expiry && each.strikeE8 === strikeE8)
    return pack('optionPosition', held ?? { expiry, strikeE8, callsE12: 0n, putsE12: 0n })
  })
