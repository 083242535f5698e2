/**
 * The margin bundle: one account's margin with all that it follows from (policy, round, what the account holds) and every proof.
 * `zkrisk margin --prove -o` writes it, `zkrisk verify` checks it without a chain; see {@link checkMarginBundle}.
 */
import { z } from 'zod'
import { type BuildName, portfolioBuilds } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import { formatProof, formatVerificationKey, type VerificationKey, verificationKeyHash } from '../../proof/index.ts'
import { decodeProofCalldata } from '../../proof/proofCalldata.ts'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import type { ProvenPortfolio, RoundWords } from '../../registry/index.ts'
import { roundIdOf } from '../../registry/portfolio/rounds.ts'
import { proofSchema, verificationKeySchema } from '../../registry/proofSchemas.ts'
import { readAtMost, seal, type SealedFormat, unseal } from '../../registry/sealedFile.ts'
import { addressSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { layoutHash } from '../../statement/layout.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { holdingsWords } from '../../statement/portfolioMargin.ts'
import { type MarginModel, type MarginModels, type MarginScope, marginStatements } from './marginStatements.ts'

const buildNames = portfolioBuilds.map(({ name }) => name) as [BuildName, ...BuildName[]]

const wordsSchema = z.array(integerSchema(254)).max(4096)

const bundleSchema = z.strictObject({
  context: z.strictObject({
    chainId: integerSchema(64),
    registry: addressSchema,
    /** Contract that took the arrays. */
    arrays: addressSchema,
    /** Source of the round, which is part of the round's id. */
    rounds: addressSchema,
    market: z.string().min(1).max(31),
    roundId: hashSchema,
    account: addressSchema,
    sequence: integerSchema(64),
  }),
  models: z
    .array(
      z.strictObject({
        build: z.enum(buildNames),
        modelId: hashSchema,
        layoutHash: hashSchema,
        verificationKeyHash: hashSchema,
        verificationKey: verificationKeySchema,
      }),
    )
    .min(1)
    .max(3),
  /** Words of list portfolioPolicy. */
  policy: wordsSchema,
  round: z.strictObject({ asOf: integerSchema(32), market: wordsSchema, expiries: z.array(wordsSchema).max(256) }),
  /** As the venue reported it. */
  held: z.strictObject({ positions: wordsSchema, holdings: integerSchema(248), collateralAmounts: wordsSchema }),
  /** Arrays, books, the margin; each with every public word in the statement's order. */
  proofs: z
    .array(
      z.strictObject({
        build: z.enum(buildNames),
        words: wordsSchema,
        publicSignals: z.strictObject({
          commitment: integerSchema(254),
          evaluation: integerSchema(254),
          challenge: integerSchema(248),
        }),
        proof: proofSchema,
      }),
    )
    .min(1)
    .max(2048),
})

export type MarginBundle = z.infer<typeof bundleSchema>

export const MARGIN_BUNDLE_FORMAT = 'zk-risk-engine/margin'

const marginFormat: SealedFormat<MarginBundle> = {
  format: MARGIN_BUNDLE_FORMAT,
  // 2: arrays are a contract of their own.
  version: 2,
  content: bundleSchema,
  maxBytes: 8 << 20,
}

/** Where a margin was proven, of which round, and with which keys. */
export type MarginProven = {
  readonly scope: Omit<MarginScope, 'roundId'> & { readonly rounds: string; readonly market: string }
  readonly models: MarginModels
  /** By build. */
  readonly verificationKeys: ReadonlyMap<string, VerificationKey>
  readonly policy: readonly bigint[]
  readonly round: Omit<RoundWords, 'marketId'>
  readonly provable: ProvableMargin
  /** Proofs by their public signals. */
  readonly proofs: ReadonlyMap<string, ProvenPortfolio>
}

/** What proofs are known by. */
const signalsKey = (publicSignals: readonly bigint[]): string => publicSignals.join(' ')

/** Puts a proven margin into a bundle. @throws {@link ProofNotAtHandError} if a proof is missing */
export async function makeMarginBundle(proven: MarginProven): Promise<MarginBundle> {
  const { scope, models, verificationKeys, policy, round, provable, proofs } = proven
  const { market, rounds, ...place } = scope
  const roundId = roundIdOf(scope.chainId, rounds, { marketId: marketIdOf(market), ...round })
  const statements = await marginStatements(provable, { ...place, roundId }, models)
  const { holdings = [], collateralAmounts = [] } = holdingsWords(provable.account.holdings)
  const used = [models.riskArray, models.optionBook, models.margin].filter(
    (model) => model !== undefined && statements.some(({ stated }) => stated.build.statement === model.build.statement),
  ) as readonly MarginModel[]
  return {
    context: { ...place, rounds, market, roundId },
    models: used.map(({ build, modelId }) => {
      const key = verificationKeys.get(build.name) as VerificationKey
      return {
        build: build.name as BuildName,
        modelId,
        layoutHash: layoutHash(build.statement),
        verificationKeyHash: `0x${verificationKeyHash(key)}`,
        verificationKey: formatVerificationKey(key) as unknown as MarginBundle['models'][number]['verificationKey'],
      }
    }),
    policy: [...policy],
    round: { asOf: round.asOf, market: [...round.market], expiries: round.expiries.map((words) => [...words]) },
    held: {
      positions: provable.positions.map(positionWord),
      holdings: holdings[0] as bigint,
      collateralAmounts: [...collateralAmounts],
    },
    proofs: statements.map(({ name, stated }) => {
      const made = proofs.get(signalsKey(stated.publicSignals))
      if (made === undefined) throw new ProofNotAtHandError(name)
      const [commitment, evaluation, challenge] = stated.publicSignals
      return {
        build: stated.build.name as BuildName,
        words: [...stated.words],
        publicSignals: { commitment, evaluation, challenge },
        proof: formatProof(decodeProofCalldata(made.proof)),
      }
    }),
  }
}

/**
 * Writes a margin bundle, whole or not at all.
 *
 * @example
 * await writeMarginBundle('copy.margin.json', await readMarginBundle('margin.json'))
 */
export async function writeMarginBundle(file: string, bundle: MarginBundle): Promise<void> {
  await writeFileAtomic(file, formatMarginBundle(bundle))
}

/**
 * The bundle's one text.
 *
 * @example
 * const bundle = await readMarginBundle('margin.json')
 * parseMarginBundle(Buffer.from(formatMarginBundle(bundle)), 'again').context.account === bundle.context.account // → true
 */
export const formatMarginBundle = (bundle: MarginBundle): string => seal(marginFormat, bundle)

/**
 * Reads a margin bundle; its claims are not checked yet, see {@link checkMarginBundle}.
 *
 * @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError}: whatever
 * byte was changed, and says where
 * @example
 * const { context } = await readMarginBundle('margin.json')
 * context.market // → 'BTC-USD'
 */
export async function readMarginBundle(file: string): Promise<MarginBundle> {
  return parseMarginBundle(await readAtMost(file, marginFormat.maxBytes), file)
}

/**
 * As {@link readMarginBundle}, from memory.
 *
 * @example
 * import { readFileSync } from 'node:fs'
 * parseMarginBundle(readFileSync('margin.json'), 'margin.json').proofs.length // → 4
 */
export const parseMarginBundle = (bytes: Uint8Array, name: string): MarginBundle => unseal(marginFormat, bytes, name)

/** A bundle was asked for before everything that it holds was proven. */
export class ProofNotAtHandError extends ProverError {
  readonly code = 'audit.proof-not-at-hand'
  readonly statement: string

  constructor(statement: string) {
    super(`Expected a proof of each statement, none of ${statement} was made. Prove the margin again, at one place.`)
    this.statement = statement
  }
}
