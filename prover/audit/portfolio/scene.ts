/** What the judgement of one call rests on: the audit so far, the model, round and policy in force, and the statement. */
import { type Build, portfolioBuilds } from '../../../circuits/statements/index.ts'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import type { VerificationKey } from '../../proof/index.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { hashOfWords, roundIdOfHashes } from '../../registry/portfolio/rounds.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import type { Stated } from '../../statement/state.ts'
import { judgeProof } from '../findings.ts'
import type { UsableKey } from '../models.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import type { RoundArgument } from './calls.ts'
import { pauseAt } from '../pauses.ts'
import { holdsIf, unpackSafely } from './comparisons.ts'
import { areTogether, type PortfolioLedger } from './ledger.ts'
import type { PortfolioRecord, TransactionRecord } from './record.ts'
import type { ArrayReport, MarginReport, WitnessReport } from './report.ts'

export type Found = {
  readonly arrays: ArrayReport[]
  readonly margins: MarginReport[]
  readonly witnesses: WitnessReport[]
}

/** Where proofs of a market belong: those of its arrays, and those of accounts. */
export type MarketPlace = Pick<PortfolioRecord['context'], 'chainId' | 'registry' | 'arrays' | 'marketId'>

/** An audit under way: what the registry holds by now, and what has been found. */
export type Audited = {
  readonly record: { readonly context: MarketPlace }
  readonly ledger: PortfolioLedger
  readonly keys: ReadonlyMap<string, UsableKey>
  readonly found: Found
  /** Of events that no call explains, and that are about no array and no account. */
  readonly unexplained: ClaimResult[]
}

/** One call with the events it left, at its place. */
export type Scene = Audited & {
  readonly transaction: Pick<TransactionRecord, 'block' | 'hash' | 'timestamp'>
  readonly place: Place
}

/** A model that proves what is needed here, in force at the time, with its key. */
export type UsedModel = {
  readonly claims: readonly ClaimResult[]
  readonly build: Build | undefined
  readonly verificationKey: VerificationKey | undefined
}

/** Whether a model was in force at a place, and not paused. */
export function isActive({ keys, place, transaction }: Scene, modelId: string): boolean {
  const model = keys.get(modelId)?.model
  if (model === undefined) return false
  if (BigInt(transaction.timestamp) < pauseAt(model.pauses, modelId, place).until) return false
  return isBefore(model.registered, place) && (model.disabled === null || isBefore(place, model.disabled))
}

export function useModel(scene: Scene, modelId: string, statement: PortfolioStatementName): UsedModel {
  const key = scene.keys.get(modelId)
  const build = portfolioBuilds.find(({ name }) => name === key?.build)
  if (key === undefined || build === undefined || build.statement !== statement) {
    const claim = compare('R1', 'modelId', `a model of ${statement} whose key is at hand`, key?.build ?? modelId)
    return { claims: [claim], build: undefined, verificationKey: undefined }
  }
  const claims = [compare('R1', 'modelId', 'active', isActive(scene, modelId) ? 'active' : 'not active')]
  return { claims, build, verificationKey: key.verificationKey }
}

/** The round that words hash to was published; its id is what statements are tied to. */
export function judgeScope(
  { record, ledger, transaction }: Scene,
  asOf: bigint,
  marketWords: readonly bigint[],
  expiriesHash: string,
): {
  readonly claims: readonly ClaimResult[]
  /** What margins and witnesses ask of it besides. */
  readonly freshness: readonly ClaimResult[]
  readonly roundId: string
} {
  const { chainId, marketId } = record.context
  const marketHash = hashOfWords(marketWords)
  const roundId = roundIdOfHashes(chainId, ledger.roundSource, { marketId, asOf, marketHash }, expiriesHash)
  const published = ledger.roundOf(asOf)?.roundId ?? 'none'
  const oldest = BigInt(transaction.timestamp) - ledger.maxRoundAgeSeconds
  const leastLagging = ledger.newestRound - ledger.maxRoundLagSeconds
  const prices = unpackSafely('roundPrices', marketWords[0] ?? 0n)
  const { spotE8 = 0n, perpPriceE8 = 0n } = prices ?? {}
  return {
    roundId,
    claims: [
      compare('R24', 'roundId', published, roundId),
      compare('R24', 'round.marketWords.asOf', asOf, prices?.asOf),
      judgePrice(ledger, 'perpPriceE8', spotE8, perpPriceE8),
      holdsIf(ledger.policy !== undefined, 'R25', 'policy', 'a policy in force', 'none'),
    ],
    freshness: [
      holdsIf(asOf >= oldest, 'R51', 'asOf', `from ${oldest}`, asOf),
      holdsIf(asOf >= leastLagging, 'R51', 'asOf', `from ${leastLagging}`, asOf),
    ],
  }
}

/** What all accounts of a submission share. */
export const judgeRound = (scene: Scene, { asOf, marketWords, expiriesHash }: RoundArgument) =>
  judgeScope(scene, asOf, marketWords, expiriesHash)

/** An account was reported at the scale that rounds are at. */
export const judgeScale = ({ ledger }: Scene, account: string): ClaimResult =>
  compare('R112', `${account}.priceScale`, ledger.priceScale, ledger.priceScales.get(account) ?? 0n)

/** A price of a round is near its spot. */
export const judgePrice = (ledger: PortfolioLedger, field: string, spotE8: bigint, priceE8: bigint): ClaimResult =>
  holdsIf(areTogether(ledger, spotE8, priceE8), 'R53', field, `within ${ledger.priceGapBps} bps of ${spotE8}`, priceE8)

/** The commitment is to the words as computed here, and the proof is for exactly them. */
export async function judgeStatement(
  at: string,
  stated: Stated,
  commitment: bigint,
  proof: readonly bigint[],
  key: VerificationKey,
): Promise<readonly ClaimResult[]> {
  return [
    compare('Q2', `${at}.commitment`, stated.commitment, commitment),
    await judgeProof('Q3', proof, stated.publicSignals, key),
  ]
}

/** @param registry - contract that takes the proof */
export const contextOf = (
  { record }: Scene,
  modelId: string,
  subject: string,
  registry = record.context.registry,
): StatementContext => ({
  chainId: record.context.chainId,
  registry,
  modelId,
  subject: [subject],
})
