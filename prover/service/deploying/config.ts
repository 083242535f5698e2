/**
 * What `zkrisk deploy` is told: a JSON file of what is to stand on which chain, in human units, and who governs it.
 *
 * Outside development chains it must say so in full: nobody whose key is public, no deployer that keeps a part, and a
 * council that waits at least {@link LEAST_COUNCIL_DELAY_SECONDS}.
 */
import { dirname, resolve } from 'node:path'
import {
  computeAddress,
  Contract,
  getAddress,
  HDNodeWallet,
  isAddress,
  isError,
  type Provider,
  ZeroAddress,
} from 'ethers'
import { z } from 'zod'
import {
  type Build,
  DEFAULT_VOLATILITY_MODEL,
  type Fields,
  marketBuilds,
  type MarketBuildName,
  portfolioBuilds,
  sizeOf,
  type VolatilityModelName,
  volatilityModelOf,
  volatilityModels as volatilityModelRows,
} from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { otherKindThan } from '../../market/fileKind.ts'
import { jsonFault } from '../../market/jsonFault.ts'
import { isShadowName, marketIdOf } from '../../market/marketId.ts'
import { parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import {
  GREATEST_PRICE_SCALE,
  isOneUnit,
  LEAST_PRICE_SCALE,
  LEAST_STEPS,
  type Units,
  unitsFor,
  unitsOfScale,
  unitsText,
  unitsWords,
} from '../../market/priceScale.ts'
import type { Plausibility } from '../../market/plausibility.ts'
import { withStartingWords } from '../../parameters/defaultPolicy.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  PolicyError,
} from '../../parameters/policy.ts'
import type { PolicyScope } from '../../parameters/policyEntries.ts'
import { isDevelopmentChain } from '../../proof/index.ts'
import { defaultFreshness, type FreshnessPolicy } from '../../registry/index.ts'
import { LEAST_COUNCIL_DELAY_SECONDS } from '../../registry/authority.ts'
import { requireReadable } from '../../registry/market/deploy.ts'
import { defaultPortfolioFreshness } from '../../registry/portfolio/deploy.ts'
import { jsonOf, readAtMost, textOf } from '../../registry/sealedFile.ts'
import { firstIssue } from '../../registry/wordSchemas.ts'
import { modelNames, volatilityModels } from '../../volatility/models.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { typedCallError } from '../../registry/contractErrors.ts'
import { developmentKeys, FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../development/chain.ts'
import { familyOf } from '../workspace.ts'
import { doorOf, doorSchema } from './door.ts'

const MAX_BYTES = 1 << 20
/** A year: who waits longer governs nothing. */
const MOST_DELAY_HOURS = 8760
const X24 = 2 ** 24
const MOST_PRICE_E8 = (1n << 48n) - 1n

const address = z
  .string()
  .refine((text) => /^0x/.test(text) && isAddress(text), 'expected an address, 0x and 40 hexadecimal digits')
  .transform((text) => getAddress(text))
  .refine((text) => text !== ZeroAddress, 'expected an address of somebody, got that of nobody')

const committee = {
  signers: z.array(address).min(1).max(256).describe('who attests'),
  threshold: z.int().min(1).describe('how many of them must'),
}

/** To the nearest: 0.29 times 100 is less than 29. */
const bpsOf = (percent: number): number => Math.round(percent * 100)

const sourceName = z.string().min(1).max(64)
const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    name: sourceName,
    kind: z.literal('attestedFeed'),
    ...committee,
    maxConfidencePercent: z
      .number()
      .min(0)
      .max(100)
      .refine((percent) => percent === bpsOf(percent) / 100, 'expected a multiple of 0.01, a basis point')
      .default(1),
    door: doorSchema.prefault({}).describe('what the source takes for a market'),
  }),
  z.strictObject({ name: sourceName, kind: z.literal('other'), address }),
])

const seconds = z
  .int()
  .min(1)
  .max(2 ** 32 - 1)
const percentBelowOne = z.number().min(0).max(99.99)

const marketSchema = z.strictObject({
  name: z.string().min(1).max(31),
  source: sourceName.optional().describe('by name; may be left out if there is only one'),
  volatilityModel: z
    .enum(modelNames as [VolatilityModelName, ...VolatilityModelName[]])
    .default(DEFAULT_VOLATILITY_MODEL),
  policy: z.record(z.string(), z.unknown()).default({}).describe('entries that differ from the starting policy'),
  firstVolatilityPercent: z.number().positive().max(1500).optional(),
  priceUnits: z
    .number()
    .refine((units) => scaleOfUnits(units) !== undefined, 'expected a power of ten from 0.000001 to 1000000000000')
    .default(1)
    .describe('units of the asset that prices are told of, such as 1000000000 of one worth 0.0000004'),
  history: z.string().min(1).optional().describe('price file whose twin the market goes on from, instead'),
  firstPrice: z
    .number()
    .positive()
    .optional()
    .describe('development chains only: attested with the development signers'),
})

/** k of 10^k units; undefined of what is no such number of them. */
function scaleOfUnits(units: number): number | undefined {
  const scales = Array.from({ length: GREATEST_PRICE_SCALE - LEAST_PRICE_SCALE + 1 }, (_, i) => i + LEAST_PRICE_SCALE)
  return scales.find((scale) => Number(unitsText(unitsOfScale(scale))) === units)
}

const modelSchema = z.strictObject({
  build: z.string().min(1),
  verificationKeySha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits, as `zkrisk keys verify` prints them')
    .optional(),
})

const ofMargins = {
  rounds: z.strictObject({ ...committee, maxAgeSeconds: seconds.max(3600).default(300) }),
  venue: address.describe('reports what accounts hold'),
  maxRoundAgeSeconds: seconds.default(Number(defaultPortfolioFreshness.maxRoundAgeSeconds)),
  maxMarginAgeSeconds: seconds.default(Number(defaultPortfolioFreshness.maxMarginAgeSeconds)),
  maxRoundLagSeconds: seconds.default(Number(defaultPortfolioFreshness.maxRoundLagSeconds)),
}
const marketName = z.string().min(1).max(31)
const portfolioSchema = z.strictObject({ market: marketName, ...ofMargins })
const crossSchema = z.strictObject({
  markets: z.array(z.strictObject({ market: marketName, spreadCredit: z.number().min(0).max(0.8).default(0) })),
  ...ofMargins,
  maxRoundsApartSeconds: seconds.max(3600).default(60),
})

const freshnessSchema = z.strictObject({
  maxObservationAgeSeconds: seconds.default(Number(defaultFreshness.maxObservationAgeSeconds)),
  maxParameterAgeSeconds: seconds.default(Number(defaultFreshness.maxParameterAgeSeconds)),
  stalenessAddOnPercentPerHour: percentBelowOne.default(
    (100 * Number(defaultFreshness.stalenessAddOnPerHourX24)) / X24,
  ),
  maintenanceMarginCapPercent: percentBelowOne.default((100 * Number(defaultFreshness.maintenanceMarginCapX24)) / X24),
})

/** What a registry of margins over several markets asks of its part of the file. */
function requireCross(
  { markets, venue }: z.infer<typeof crossSchema>,
  other: string | undefined,
  issue: (path: (string | number)[], message: string) => void,
): void {
  const names = markets.map(({ market }) => market)
  const build = (portfolioBuilds as readonly Build[]).find(({ statement }) => statement === 'crossMargins')
  const built = build === undefined ? 0 : sizeOf(build, 'markets')
  if (names.length !== built)
    issue(['cross', 'markets'], `expected ${built} markets, which is what circuits prove together`)
  const place = names.findIndex((name, i) => i > 0 && name <= (names[i - 1] ?? ''))
  if (place >= 0)
    issue(
      ['cross', 'markets', place, 'market'],
      'expected markets in the order of their names, each once: portfolios have them so',
    )
  if (other !== undefined && other !== venue)
    issue(['cross', 'venue'], 'expected the venue of `portfolio`: one role reports to both registries')
}

const configSchema = z
  .strictObject({
    chainId: z.int().min(1),
    council: z.strictObject({
      account: address.describe('governs once everything stands; a multisig'),
      delayHours: z.number().min(0).max(MOST_DELAY_HOURS).describe('between announcing and doing'),
    }),
    guardian: address.optional().describe('may pause models, markets and sources and revoke signers at once'),
    canceller: address.optional().describe('may cancel what the council has scheduled, and nothing else'),
    sources: z.array(sourceSchema).min(1).max(64),
    models: z.array(modelSchema).min(1).max(64),
    policy: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('entries of the engine’s policy that differ from its start'),
    freshness: freshnessSchema.prefault({}),
    markets: z.array(marketSchema).max(382),
    portfolio: portfolioSchema.optional(),
    cross: crossSchema.optional(),
  })
  .superRefine((config, context) => {
    const issue = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    const committees = [
      ...config.sources.map(
        (source, i) => [['sources', i], source.kind === 'attestedFeed' ? source : undefined] as const,
      ),
      [['portfolio', 'rounds'], config.portfolio?.rounds] as const,
      [['cross', 'rounds'], config.cross?.rounds] as const,
    ]
    for (const [path, of] of committees) {
      if (of === undefined) continue
      const twice = of.signers.findIndex((signer, i) => of.signers.indexOf(signer) !== i)
      if (twice >= 0) issue([...path, 'signers', twice], 'this signer is listed already')
      if (of.threshold > of.signers.length)
        issue([...path, 'threshold'], `expected at most the number of signers, ${of.signers.length}`)
    }
    if (config.cross !== undefined) requireCross(config.cross, config.portfolio?.venue, issue)
    requireUnique(
      config.sources.map(({ name }) => name),
      'sources',
      'name',
      issue,
    )
    requireUnique(
      config.markets.map(({ name }) => name),
      'markets',
      'name',
      issue,
    )
    requireUnique(
      config.models.map(({ build }) => build),
      'models',
      'build',
      issue,
    )
    for (const [i, { source }] of config.markets.entries()) {
      const isKnown = config.sources.some(({ name }) => name === source)
      if (source === undefined ? config.sources.length > 1 : !isKnown)
        issue(
          ['markets', i, 'source'],
          `expected one of the sources ${config.sources.map(({ name }) => name).join(', ')}`,
        )
    }
  })

type ConfigFile = z.infer<typeof configSchema>

function requireUnique(
  names: readonly string[],
  list: string,
  entry: string,
  issue: (path: (string | number)[], message: string) => void,
): void {
  for (const [i, name] of names.entries())
    if (names.indexOf(name) !== i) issue([list, i, entry], `${name} is listed already`)
}

export type MarketToDeploy = {
  readonly name: string
  readonly source: string
  readonly volatilityModel: VolatilityModelName
  readonly policy: Fields<'marketPolicy'>
  readonly firstVolatilityX24: bigint | undefined
  /** k: its source tells prices of 10^k units. */
  readonly priceScale: number
  readonly history: string | undefined
  /** As its source tells it. */
  readonly firstPriceE8: bigint | undefined
}

export type SourceToDeploy =
  | {
      readonly name: string
      readonly kind: 'attestedFeed'
      readonly signers: readonly string[]
      readonly threshold: number
      readonly maxConfidenceBps: number
      readonly plausibility: Plausibility
      /** Of its markets whose prices are not of one unit. */
      readonly scales: readonly { readonly marketId: string; readonly scale: number }[]
    }
  | { readonly name: string; readonly kind: 'other'; readonly address: string }

export type DeployConfig = {
  readonly chainId: bigint
  readonly council: string
  readonly councilDelaySeconds: number
  readonly guardian: string | undefined
  readonly canceller: string | undefined
  readonly sources: readonly SourceToDeploy[]
  readonly models: readonly { readonly build: Build; readonly verificationKeySha256: string | undefined }[]
  readonly learning: Fields<'learningPolicy'>
  readonly margin: Fields<'marginPolicy'>
  readonly freshness: FreshnessPolicy
  readonly markets: readonly MarketToDeploy[]
  readonly portfolio: ConfigFile['portfolio']
  readonly cross: ConfigFile['cross']
}

/**
 * Reads what is to be deployed.
 *
 * @throws {@link UnreadableFileError}, {@link ConfigFieldError} naming the field; {@link PolicyError} naming the entry
 */
export async function readConfig(file: string): Promise<DeployConfig> {
  const text = textOf(await readAtMost(file, MAX_BYTES), MAX_BYTES, file)
  const parsed = configSchema.safeParse(jsonOf(text, file), { reportInput: true })
  const fault = jsonFault(text)
  if (fault !== undefined) throw new ConfigFieldError(file, `line ${fault.line}, column ${fault.column}`, fault.reason)
  if (!parsed.success) {
    const other = otherKindThan('deployConfig', jsonOf(text, file))
    if (other !== undefined) throw new ConfigFieldError(file, '', `expected a configuration, got ${other}`)
    const { path, reason } = firstIssue(parsed.error)
    throw new ConfigFieldError(file, path, reason)
  }
  return exactConfig(parsed.data, file)
}

function exactConfig(config: ConfigFile, file: string): DeployConfig {
  const { chainId, council, guardian, canceller, freshness, portfolio, cross } = config
  const { learning, margin } = policyIn(file, 'policy', () =>
    encodeEnginePolicy({ ...defaultEnginePolicy, ...config.policy }),
  )
  const models = config.models.map(({ build: name, verificationKeySha256 }, i) => {
    const build = (marketBuilds as readonly Build[]).find((each) => each.name === name)
    if (build === undefined) {
      const known = marketBuilds.map((each) => each.name).join(', ')
      throw new ConfigFieldError(file, `models[${i}].build`, `expected one of ${known}, got ${name}`)
    }
    return { build, verificationKeySha256 }
  })
  const only = config.sources[0]?.name ?? ''
  const markets = config.markets.map((market, i) => {
    const { name, source = only, volatilityModel } = market
    const history = market.history === undefined ? undefined : resolve(dirname(file), market.history)
    if (isShadowName(name))
      throw new ConfigFieldError(file, `markets[${i}].name`, 'a shadow is added with `zkrisk shadows`')
    marketIdOf(name)
    const isOther = config.sources.find((each) => each.name === source)?.kind === 'other'
    if (market.firstPrice !== undefined && isOther)
      throw new ConfigFieldError(
        file,
        `markets[${i}].firstPrice`,
        `source ${source} has no development signers to attest it; left out, deploying waits for its first observation`,
      )
    const stated = policyIn(file, `markets[${i}].policy`, () =>
      encodeMarketPolicy({ ...defaultMarketPolicy, ...market.policy }),
    )
    const isStated = 'garch' in market.policy
    const policy = isStated
      ? stated
      : withStartingWords(volatilityModels[volatilityModel], { learning, margin, market: stated }).market
    requireReadable({ name, volatilityModel, policy })
    const { id } = volatilityModelRows[volatilityModel]
    if (!models.some(({ build }) => volatilityModelOf(build as (typeof marketBuilds)[number]) === id))
      throw new ConfigFieldError(
        file,
        `markets[${i}].volatilityModel`,
        `no build of ${volatilityModel} is among models`,
      )
    const priceScale = scaleOfUnits(market.priceUnits) ?? 0
    return {
      ...{ name, source, volatilityModel, policy, priceScale, history },
      firstVolatilityX24: fromPercent(market.firstVolatilityPercent),
      firstPriceE8:
        market.firstPrice === undefined
          ? undefined
          : firstPriceE8(file, `markets[${i}].firstPrice`, market.firstPrice, unitsOfScale(priceScale)),
    }
  })
  return {
    ...{ chainId: BigInt(chainId), council: council.account, guardian, canceller },
    ...{ models, learning, margin, markets, portfolio, cross },
    councilDelaySeconds: Math.ceil(council.delayHours * 3600),
    sources: config.sources.map((source) => {
      if (source.kind === 'other') return source
      const { maxConfidencePercent, door, ...feed } = source
      const scales = markets
        .filter((market) => market.source === source.name && market.priceScale !== 0)
        .map(({ name, priceScale: scale }) => ({ marketId: marketIdOf(name), scale }))
      return { ...feed, maxConfidenceBps: bpsOf(maxConfidencePercent), plausibility: doorOf(door), scales }
    }),
    freshness: {
      maxObservationAgeSeconds: BigInt(freshness.maxObservationAgeSeconds),
      maxParameterAgeSeconds: BigInt(freshness.maxParameterAgeSeconds),
      stalenessAddOnPerHourX24: fromPercent(freshness.stalenessAddOnPercentPerHour) ?? 0n,
      maintenanceMarginCapX24: fromPercent(freshness.maintenanceMarginCapPercent) ?? 0n,
    },
  }
}

/** A price of one unit, exactly, as the market's source tells it. @throws {@link ConfigFieldError} if it has too few or too many steps */
function firstPriceE8(file: string, field: string, firstPrice: number, units: Units): bigint {
  const decimal = parseDecimal(String(firstPrice)) ?? { negative: false, digits: 0n, exponent: 0 }
  const { numerator, denominator } = scaleDecimal(decimal, units.count * 10n ** 8n)
  const divisor = denominator * units.parts
  const priceE8 = numerator / divisor
  const refuse = (reason: string): never => {
    const better = unitsFor([String(firstPrice)])
    const advice = isOneUnit(better) ? 'leave priceUnits out' : `state "priceUnits": ${unitsText(better)}`
    const isBetter = unitsText(better) !== unitsText(units)
    throw new ConfigFieldError(file, field, `${reason}; ${isBetter ? advice : 'round it'}`)
  }
  const told = `got ${firstPrice}, told as the price of ${unitsWords(units)}`
  if (priceE8 < LEAST_STEPS)
    return refuse(`expected at least ${LEAST_STEPS.toLocaleString('en-GB')} steps of 0.00000001, ${told}`)
  if (priceE8 > MOST_PRICE_E8) return refuse(`expected a price below 2,814,749.77, ${told}`)
  return numerator % divisor === 0n ? priceE8 : refuse(`expected at most 8 decimals, ${told}`)
}

/** Encodes a policy of the file, where entries have other places than in a policy by itself. */
function policyIn<Words>(file: string, field: string, encode: () => Words): Words {
  try {
    return encode()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const faults = error.faults.map(({ belongs, ...fault }) =>
      belongs === undefined
        ? fault
        : { ...fault, reason: `no entry has this name here; write "${belongs.name}" under ${PLACES[belongs.scope]}` },
    )
    throw new PolicyError(`${file}, ${field}`, faults, error)
  }
}

const PLACES: Readonly<Record<PolicyScope, string>> = {
  engine: '"policy" at the top level of the file',
  market: '"policy" of each market',
  garch: '"policy", "garch" of each market',
}

function fromPercent(percent: number): bigint
function fromPercent(percent: number | undefined): bigint | undefined
function fromPercent(percent: number | undefined): bigint | undefined {
  return percent === undefined ? undefined : BigInt(Math.round((percent / 100) * X24))
}

/** Of which Hardhat and Anvil fund the first accounts, on every chain of theirs. */
const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk'
const DEVELOPMENT_ACCOUNTS = 20

/** Addresses whose keys anybody can read, in this repository or in the manuals of development chains. */
function publicAddresses(): ReadonlySet<string> {
  const wallet = HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, undefined, "m/44'/60'/0'/0")
  const accounts = Array.from({ length: DEVELOPMENT_ACCOUNTS }, (_, i) => wallet.deriveChild(i).address)
  return new Set([...accounts, ...FEED_SIGNER_KEYS.map((key) => computeAddress(key))])
}

/** Signers of a source, whatever its kind, whose keys anybody can read; none if it has no committee. */
export async function publicSignersOf(provider: Provider, source: string): Promise<readonly string[]> {
  const committee = new Contract(source, interfaceOf('AttestedFeed'), provider)
  const asked = [...publicAddresses()].map(async (account) => {
    const isSigner: boolean = await committee
      .getFunction('isSigner')(account)
      .catch((error: unknown) => {
        if (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')) return false
        throw typedCallError(error, 'Reading the signers of a source')
      })
    return isSigner ? [account] : []
  })
  return (await Promise.all(asked)).flat()
}

/**
 * What a chain that may hold money asks of a plan, whatever its file says.
 *
 * @throws {@link CouncilDelayError}, {@link PartMissingError}, {@link PartsSharedError}, {@link PublicKeyError},
 * {@link DeployerKeepsError}, {@link FirstPriceError}
 */
export function checkGovernance(config: DeployConfig, deployer: string): void {
  if (isDevelopmentChain(config.chainId)) return
  const { chainId, council, councilDelaySeconds, guardian, canceller, portfolio, cross, sources, markets } = config
  const margins = [portfolio, cross].filter((each) => each !== undefined)
  if (councilDelaySeconds < LEAST_COUNCIL_DELAY_SECONDS) throw new CouncilDelayError(chainId, councilDelaySeconds)
  if (canceller === undefined) throw new PartMissingError(chainId, 'canceller')
  if (guardian === undefined) throw new PartMissingError(chainId, 'guardian')
  requireSeparate(chainId, { council, guardian, canceller })
  const signers = sources.flatMap((source) => (source.kind === 'attestedFeed' ? source.signers : []))
  const parts = [
    ['deployer', [deployer]],
    ['council', [council]],
    ['guardian', [guardian]],
    ['canceller', [canceller]],
    ['venue', margins.map(({ venue }) => venue)],
    ['signer', [...signers, ...margins.flatMap(({ rounds }) => rounds.signers)]],
  ] as const
  const known = publicAddresses()
  for (const [part, accounts] of parts) {
    for (const account of accounts) {
      if (known.has(account)) throw new PublicKeyError(chainId, part, account)
      if (part !== 'deployer' && account === deployer) throw new DeployerKeepsError(part, account)
    }
  }
  const priced = markets.find(({ firstPriceE8 }) => firstPriceE8 !== undefined)
  if (priced !== undefined) throw new FirstPriceError(chainId, priced.name)
}

/** One key must not propose a call and be the only one to stop it, nor the only one to stop its own removal. */
function requireSeparate(chainId: bigint, parts: Readonly<Record<string, string>>): void {
  const names = Object.keys(parts)
  for (const [i, one] of names.entries())
    for (const other of names.slice(i + 1))
      if (parts[one] === parts[other]) throw new PartsSharedError(chainId, one, other, parts[one] ?? '')
}

/** A file to begin with: a development chain with one market, whose council is the development one. */
export function exampleConfig(): object {
  const { council, feeder, prover } = developmentKeys
  const [account, guardian, canceller] = [council, feeder, prover].map((key) => computeAddress(key))
  const { live, catchUp } = familyOf(DEFAULT_VOLATILITY_MODEL)
  const builds: readonly MarketBuildName[] = [live, catchUp]
  return {
    chainId: 31337,
    council: { account, delayHours: 48 },
    guardian,
    canceller,
    sources: [
      {
        name: 'attested',
        kind: 'attestedFeed',
        signers: FEED_SIGNER_KEYS.map((key) => computeAddress(key)),
        threshold: FEED_THRESHOLD,
        maxConfidencePercent: 1,
        door: { leastSpacingSeconds: 30, jumpPercent: 25, greatestFactor: 5 },
      },
    ],
    models: builds.map((build) => ({ build })),
    policy: { horizonSeconds: defaultEnginePolicy.horizonSeconds },
    freshness: { maxObservationAgeSeconds: 120, maxParameterAgeSeconds: 3900 },
    markets: [
      {
        name: 'BTC-USD',
        volatilityModel: DEFAULT_VOLATILITY_MODEL,
        policy: { maintenanceMarginFloor: defaultMarketPolicy.maintenanceMarginFloor },
        firstVolatilityPercent: 60,
        firstPrice: 50_000,
      },
    ],
  }
}

/** A field of the file is missing, unknown or malformed. */
export class ConfigFieldError extends ProverError {
  readonly code = 'service.deploy-config'
  readonly file: string
  readonly field: string

  constructor(file: string, field: string, reason: string) {
    super(
      `${file}${field === '' ? '' : `, ${field}`}: ${reason}. \`zkrisk deploy --example\` prints a file that is right.`,
    )
    this.file = file
    this.field = field
  }
}

/** The council could change everything sooner than anybody could leave. */
export class CouncilDelayError extends ProverError {
  readonly code = 'service.council-delay'
  readonly chainId: bigint
  readonly delaySeconds: number
  readonly leastSeconds: number = LEAST_COUNCIL_DELAY_SECONDS

  constructor(chainId: bigint, delaySeconds: number) {
    super(
      `Expected council.delayHours of at least ${LEAST_COUNCIL_DELAY_SECONDS / 3600} on chain ${chainId}, which is no development chain, ` +
        `got ${delaySeconds / 3600}. Raise it: consumers need the time to see what is coming.`,
    )
    this.chainId = chainId
    this.delaySeconds = delaySeconds
  }
}

/** Nobody could stop, or cancel, what the council has scheduled. */
export class PartMissingError extends ProverError {
  readonly code = 'service.part-missing'
  readonly chainId: bigint
  readonly part: string

  constructor(chainId: bigint, part: 'guardian' | 'canceller') {
    const what =
      part === 'canceller' ? 'cancel what a stolen council key has scheduled' : 'pause at once what goes wrong'
    super(
      `Expected "${part}", an account that may ${what}: chain ${chainId} is no development chain. ` +
        `Name one whose key is held apart from the council's.`,
    )
    this.chainId = chainId
    this.part = part
  }
}

/** Two parts that are to watch each other are one account. */
export class PartsSharedError extends ProverError {
  readonly code = 'service.parts-shared'
  readonly chainId: bigint
  readonly parts: readonly [string, string]
  readonly account: string

  constructor(chainId: bigint, one: string, other: string, account: string) {
    super(
      `The ${one} and the ${other} are one account, ${account}: a key that is stolen could not be stopped by another on chain ${chainId}. ` +
        'Name different accounts.',
    )
    this.chainId = chainId
    this.parts = [one, other]
    this.account = account
  }
}

/** Anybody has the key of an account that is to do something. */
export class PublicKeyError extends ProverError {
  readonly code = 'service.public-key'
  readonly chainId: bigint
  readonly part: string
  readonly account: string

  constructor(chainId: bigint, part: string, account: string) {
    super(
      `The ${part} ${account} is a development account, whose key anybody can read; it is refused on chain ${chainId}. ` +
        'Name an account of your own.',
    )
    this.chainId = chainId
    this.part = part
    this.account = account
  }
}

/** Who deploys would go on having a part. */
export class DeployerKeepsError extends ProverError {
  readonly code = 'service.deployer-keeps'
  readonly part: string
  readonly account: string

  constructor(part: string, account: string) {
    super(`The deployer ${account} is to be a ${part} as well. Name another account: who deploys keeps nothing.`)
    this.part = part
    this.account = account
  }
}

/** A first price that nobody attested. */
export class FirstPriceError extends ProverError {
  readonly code = 'service.first-price'
  readonly chainId: bigint
  readonly market: string

  constructor(chainId: bigint, market: string) {
    super(
      `firstPrice of ${market} would be attested with the development signers, which chain ${chainId} does not take. ` +
        'Leave it out: the source’s own signers append the first observation, and deploy goes on from there.',
    )
    this.chainId = chainId
    this.market = market
  }
}
