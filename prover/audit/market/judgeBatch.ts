/** Judges one batch: recomputes it with the twin, verifies its proof twice, and says what differs. */
import { marketStateWords, previousOf, sizeOf } from '../../../circuits/statements/index.ts'
import { marketNameOf, ownMarketOf } from '../../market/marketId.ts'
import { verificationKeyHash } from '../../proof/index.ts'
import { compare } from '../../registry/claims.ts'
import { digestOfJson } from '../../registry/digest.ts'
import { compareFields, resultWords } from '../../registry/market/bundle.ts'
import { idOfSource } from '../../registry/market/place.ts'
import { buildOf, type ClaimResult } from '../../registry/index.ts'
import { decodeSubmit, type SubmitCall, type UpdateCall } from '../../registry/market/calldata.ts'
import {
  type MarketRiskBatch,
  type MarketRiskStatement,
  packObservations,
  stateBatch,
} from '../../statement/marketRisk.ts'
import { previousWordsOf, unpackState } from '../../statement/marketState.ts'
import { elementAt, unpack, wordBits, wordCount } from '../../statement/words.ts'
import type { BatchRecord, ChainRecord, ScoredRecord } from './chainRecord.ts'
import { failed, judgeProof, summarise } from '../findings.ts'
import type { ModelRecord } from '../modelRecord.ts'
import {
  bindingOf,
  isShadow,
  isSkipped,
  judgeScores,
  judgeTried,
  type ScoreEvents,
  scoreAfter,
  triedBy,
} from './judgeShadows.ts'
import { type HeldMarket, type Ledger, observationOf } from './ledger.ts'
import type { UsableKey } from '../models.ts'
import { isBefore } from '../nodeReads.ts'
import { judgeNotPaused } from '../pauses.ts'
import { type BatchReport, meanScoreOf } from './report.ts'

/** RiskRegistry.CLOCK_SKEW_SECONDS; a test holds it to that. */
export const CLOCK_SKEW_SECONDS = 15n

/** Batches that were recomputed and verified, by all that this rests on. */
export type Computations = Map<string, readonly ClaimResult[]>

/** Calls of the same records, which take longer to decode than to judge. */
const decodedCalls = new WeakMap<Computations, Map<string, SubmitCall | undefined>>()

function decodedCall(calldata: string, computations: Computations): SubmitCall | undefined {
  const calls = decodedCalls.get(computations) ?? new Map<string, SubmitCall | undefined>()
  decodedCalls.set(computations, calls)
  if (!calls.has(calldata)) calls.set(calldata, decodeSubmit(calldata))
  return calls.get(calldata)
}

/** What batches are judged by, and what becomes of it from step to step. */
export type Scene = {
  readonly record: ChainRecord
  readonly keys: ReadonlyMap<string, UsableKey>
  readonly ledger: Ledger
  readonly scores: ScoreEvents
  readonly computations: Computations
}

/** Judges a batch and moves the ledger by it. */
export async function judgeBatch(
  batch: BatchRecord,
  number: number,
  scene: Scene,
  scores: readonly ScoredRecord[],
): Promise<BatchReport> {
  const { ledger, keys } = scene
  ledger.advanceTo(batch)
  const key = keys.get(batch.modelId)
  const call = batch.calldata === null ? undefined : decodedCall(batch.calldata, scene.computations)
  const tried = call === undefined ? [] : triedBy(call, ledger)
  const learning = ledger.learning()
  const claims: ClaimResult[] = []
  if (call === undefined) {
    claims.push({ claim: 'A2', holds: false, field: 'calldata', expected: 'a call of submit', found: 'none' })
  } else {
    try {
      claims.push(...(await judgeCall(batch, call, scene, key)))
      claims.push(...judgeScores(batch, call, tried, scores))
    } catch (error) {
      claims.push(failed('Q1', 'calldata', error))
    }
  }
  // What is said of a skipped one may start from anywhere, and tells nothing of when and what was taken in.
  const { skipped = [], applied = [] } = Object.groupBy(call?.updates ?? [], (update) =>
    isSkipped(update, ledger) ? 'skipped' : 'applied',
  )
  if (call !== undefined) applyCall(call, scene, batch)
  const newest = applied.map(({ parameters }) => asOfParameters(parameters))
  return {
    number,
    block: batch.block,
    transactionHash: batch.transactionHash,
    model: key?.build ?? batch.modelId,
    markets: batch.updates.map(({ marketId }) => marketNameOf(marketId)),
    skipped: skipped.map(({ marketId }) => marketNameOf(marketId)),
    asOf: newest.reduce((latest, asOf) => (asOf > latest ? asOf : latest), 0n),
    observations: Number(applied.reduce((sum, { observationCount }) => sum + observationCount, 0n)),
    scores: tried.map(({ marketId, score }) => ({ name: marketNameOf(marketId), ...meanScoreOf(score, learning) })),
    ...summarise(claims),
  }
}

async function judgeCall(
  batch: BatchRecord,
  call: SubmitCall,
  scene: Scene,
  key: UsableKey | undefined,
): Promise<readonly ClaimResult[]> {
  const { ledger } = scene
  const claims: ClaimResult[] = [...judgeEvents(batch, call, ledger), ...judgeModelUse(batch, key)]
  const held = call.updates.map(({ marketId }) => ledger.markets.get(marketId))
  const unknown = held.indexOf(undefined)
  if (unknown !== -1) {
    const found = marketNameOf(call.updates[unknown]?.marketId ?? '')
    return [
      ...claims,
      { claim: 'R3', holds: false, field: `updates[${unknown}].marketId`, expected: 'a market', found },
    ]
  }
  const starts = (held as readonly HeldMarket[]).map((market, i) =>
    startOf(call.updates[i] as UpdateCall, market, ledger),
  )
  claims.push(...call.updates.flatMap((update, i) => judgeStart(update, i, starts[i] as HeldMarket)))
  if (key === undefined) return claims
  const slots = sizeOf(buildOf(key.build), 'observations')
  const words = call.updates.map((update, i) =>
    isSkipped(update, ledger)
      ? presentedWords(call, i, slots)
      : ledger.wordsAfter((starts[i] as HeldMarket).inbox, update.marketId, Number(update.observationCount)),
  )
  claims.push(
    ...judgeBinding(call, starts, ledger, key.model),
    ...judgePauses(batch, call, ledger, scene.record),
    ...judgeInbox(call, words, slots),
    ...judgeFreshness(batch, call, words, ledger, key.model),
    ...judgeTried(call, words, ledger),
  )
  return [...claims, ...(await judgeComputation(call, starts, words, scene, key))]
}

/** Where an update starts: where its market stands, or, of one that is skipped, where the update says. */
function startOf(update: UpdateCall, held: HeldMarket, ledger: Ledger): HeldMarket {
  if (!isSkipped(update, ledger)) return held
  return {
    ...held,
    ...previousWordsOf(update),
    inbox: { source: update.source, head: update.inboxHead, count: update.inboxCount },
    sequence: update.sequence - 1n,
  }
}

/** A market's observations as the calldata has them. */
function presentedWords(call: SubmitCall, index: number, slots: number): readonly bigint[] {
  const perMarket = wordCount('observation', slots)
  const words = call.observationWords.slice(index * perMarket, (index + 1) * perMarket)
  const count = Math.min(slots, Number(call.updates[index]?.observationCount ?? 0n))
  return Array.from({ length: count }, (_, i) => elementAt('observation', words, slots - count + i))
}

/** The events tell the same as the calldata, apart from what was skipped. */
function judgeEvents(batch: BatchRecord, call: SubmitCall, ledger: Ledger): readonly ClaimResult[] {
  const applied = [...call.updates.entries()].filter(([, update]) => !isSkipped(update, ledger))
  return [
    compare('A2', 'modelId', call.modelId, batch.modelId),
    compare('A2', 'commitment', call.commitment, batch.commitment),
    compare('A2', 'updates.length', applied.length, batch.updates.length),
    ...applied.flatMap(([i, { marketId, sequence, parameters }], place) => {
      const { marketId: moved, parametersAndSequence = 0n } = batch.updates[place] ?? {}
      return [
        compare('A2', `updates[${i}].marketId`, marketId, moved),
        compare('A2', `updates[${i}].parameters`, parameters, parametersOf(parametersAndSequence)),
        compare('R4', `updates[${i}].sequence`, sequence, parametersAndSequence >> BigInt(wordBits('parameters'))),
      ]
    }),
    ...call.updates.slice(1).map(({ marketId }, i): ClaimResult => {
      const before = call.updates[i]?.marketId ?? ''
      if (BigInt(marketId) > BigInt(before)) return { claim: 'R2', holds: true }
      return {
        claim: 'R2',
        holds: false,
        field: `updates[${i + 1}].marketId`,
        expected: `above ${before}`,
        found: marketId,
      }
    }),
  ]
}

function judgeModelUse(batch: BatchRecord, key: UsableKey | undefined): readonly ClaimResult[] {
  if (key === undefined) {
    return [
      {
        claim: 'R1',
        holds: false,
        field: 'modelId',
        expected: 'a model whose key is at hand',
        found: batch.modelId,
      },
    ]
  }
  const { registered, disabled } = key.model
  const isActive = isBefore(registered, batch) && (disabled === null || isBefore(batch, disabled))
  return [compare('R1', 'modelId', 'active', isActive ? 'active' : 'not active')]
}

/** R34: the model estimates volatility as each of the batch's markets has it; R35: as each of its shadows tries it. */
function judgeBinding(
  { updates }: SubmitCall,
  starts: readonly HeldMarket[],
  ledger: Ledger,
  model: ModelRecord,
): readonly ClaimResult[] {
  return starts.flatMap(({ marketId, volatilityModel }, i) =>
    isSkipped(updates[i] as UpdateCall, ledger)
      ? []
      : [compare(bindingOf(marketId), `updates[${i}].volatilityModel`, volatilityModel, model.volatilityModel)],
  )
}

/** R41: neither the model was paused, nor a market that moved, nor its source. */
function judgePauses(
  batch: BatchRecord,
  { updates }: SubmitCall,
  ledger: Ledger,
  { pauses, models }: ChainRecord,
): readonly ClaimResult[] {
  const ofModel = models.find(({ modelId }) => modelId === batch.modelId)?.pauses ?? []
  return [
    judgeNotPaused('modelId', ofModel, batch.modelId, batch),
    ...updates.flatMap((update, i) => {
      if (isSkipped(update, ledger)) return []
      const { marketId, source } = update
      return [
        judgeNotPaused(`updates[${i}].marketId`, pauses, ownMarketOf(marketId), batch),
        judgeNotPaused(`updates[${i}].source`, pauses, idOfSource(source), batch),
      ]
    }),
  ]
}

/** A batch starts where the last one ended: states, inbox position, sequence. */
function judgeStart(update: UpdateCall, index: number, held: HeldMarket): readonly ClaimResult[] {
  const at = `updates[${index}]`
  return [
    compare('R4', `${at}.sequence`, held.sequence + 1n, update.sequence),
    ...marketStateWords.map((word) => compare('R3', `${at}.${previousOf(word)}`, held[word], update[previousOf(word)])),
    compare('R3', `${at}.source`, held.inbox.source, update.source),
    compare('R3', `${at}.inboxCount`, held.inbox.count, update.inboxCount),
    compare('R3', `${at}.inboxHead`, held.inbox.head, update.inboxHead),
  ]
}

/** The observation words are the inbox's next ones, each once, in order, after empty slots. */
function judgeInbox(call: SubmitCall, words: readonly (readonly bigint[])[], slots: number): readonly ClaimResult[] {
  const claims: ClaimResult[] = []
  const expected = call.updates.flatMap((update, i) => {
    const taken = words[i] ?? []
    const at = `updates[${i}].observationCount`
    claims.push(compare('R7', at, BigInt(taken.length), update.observationCount))
    const wordsPerMarket = wordCount('observation', slots)
    const given = call.observationWords.slice(i * wordsPerMarket, (i + 1) * wordsPerMarket)
    claims.push(judgeUnusedSlots(given, slots - taken.length, i))
    return packObservations(taken.slice(-slots).map(observationOf), slots)
  })
  claims.push(compare('R7', 'observationWords.length', expected.length, call.observationWords.length))
  for (const [i, word] of expected.entries()) {
    claims.push(compare('R7', `observationWords[${i}]`, word, call.observationWords[i]))
  }
  return claims
}

/** The slots before a market's observations are empty. */
function judgeUnusedSlots(words: readonly bigint[], unused: number, index: number): ClaimResult {
  for (let slot = 0; slot < unused; slot++) {
    const held = elementAt('observation', words, slot)
    if (held !== 0n) return compare('O2', `updates[${index}].slots[${slot}]`, 0n, held)
  }
  return { claim: 'O2', holds: true }
}

/** Of a shadow only that no observation lies ahead: it may be proven late. */
function judgeFreshness(
  batch: BatchRecord,
  call: SubmitCall,
  words: readonly (readonly bigint[])[],
  ledger: Ledger,
  model: ModelRecord,
): readonly ClaimResult[] {
  const now = BigInt(batch.timestamp)
  const oldestOfMarkets = model.allowsBacklog ? 0n : now - (ledger.policy('maxObservationAgeSeconds') ?? 0n)
  const latest = now + CLOCK_SKEW_SECONDS
  return words.map((taken, i): ClaimResult => {
    const word = taken.at(-1)
    const update = call.updates[i] as UpdateCall
    if (isSkipped(update, ledger)) return { claim: 'R5', holds: true }
    const oldest = isShadow(update.marketId) ? 0n : oldestOfMarkets
    const asOf = word === undefined ? 0n : observationOf(word).asOf
    if (asOf >= oldest && asOf <= latest) return { claim: 'R5', holds: true }
    const expected = `${oldest} to ${latest}`
    return { claim: 'R5', holds: false, field: `updates[${i}].observations.asOf`, expected, found: String(asOf) }
  })
}

/** The twin's results against the submitted ones, the statement against the commitment, the proof against the statement. */
async function judgeComputation(
  call: SubmitCall,
  starts: readonly HeldMarket[],
  words: readonly (readonly bigint[])[],
  { record, ledger, computations }: Scene,
  key: UsableKey,
): Promise<readonly ClaimResult[]> {
  let batch: MarketRiskBatch
  try {
    batch = toldBatch(call, starts, words, record, ledger, key)
  } catch (error) {
    return [failed('O1', 'observations', error)]
  }
  const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  const all = digestOfJson(JSON.stringify([batch, call, verificationKeyHash(key.verificationKey)], decimal))
  const known = computations.get(all) ?? (await compute(call, batch, key))
  computations.set(all, known)
  return known
}

/** The batch as the chain's story has it, whatever was submitted. */
function toldBatch(
  { modelId }: SubmitCall,
  starts: readonly HeldMarket[],
  words: readonly (readonly bigint[])[],
  { context: { chainId, registry } }: ChainRecord,
  ledger: Ledger,
  { build }: UsableKey,
): MarketRiskBatch {
  return {
    build: buildOf(build),
    chainId,
    registry,
    modelId,
    learning: unpack('learningPolicy', ledger.policy('learning') ?? 0n),
    margin: unpack('marginPolicy', ledger.policy('margin') ?? 0n),
    markets: starts.map((held, i) => ({
      marketId: held.marketId,
      sequence: held.sequence + 1n,
      previous: unpackState(held),
      observations: (words[i] ?? []).map(observationOf),
      policy: unpack('marketPolicy', ledger.policy('market', held.marketId) ?? 0n),
    })),
  }
}

async function compute(
  call: SubmitCall,
  batch: MarketRiskBatch,
  { verificationKey }: UsableKey,
): Promise<readonly ClaimResult[]> {
  let statement: MarketRiskStatement
  try {
    statement = await stateBatch(batch)
  } catch (error) {
    return [failed('O1', 'observations', error)]
  }
  const claims = call.updates.flatMap((update, i) => {
    const twin = statement.updates[i] as MarketRiskStatement['updates'][number]
    const at = { state: `updates[${i}]`, parameters: `updates[${i}].parameters` }
    return resultWords(at, twin, { state: unpackState(update), parameters: unpack('parameters', update.parameters) })
  })
  return [
    ...compareFields(claims),
    compare('Q2', 'commitment', statement.commitment, call.commitment),
    // The proof is for exactly this statement: commitment, evaluation and challenge were computed here.
    await judgeProof('Q3', call.proof, statement.publicSignals, verificationKey),
  ]
}

/** Follows the chain, whatever was judged: the next batch starts from what the registry then held. */
function applyCall(call: SubmitCall, { record, ledger }: Scene, batch: BatchRecord): void {
  const slots = record.models.find(({ modelId }) => modelId === batch.modelId)?.slots ?? 0
  for (const update of call.updates) {
    const { marketId, observationCount } = update
    const held = ledger.markets.get(marketId)
    if (held === undefined || isSkipped(update, ledger)) continue
    const words = ledger.wordsAfter(held.inbox, marketId, Math.min(Number(observationCount), slots))
    ledger.move(update, words, scoreAfter(held, update, ledger))
  }
}

export function parametersOf(parametersAndSequence: bigint): bigint {
  return parametersAndSequence & ((1n << BigInt(wordBits('parameters'))) - 1n)
}

function asOfParameters(parameters: bigint): bigint {
  const bits = BigInt(wordBits('parameters'))
  return parameters >> bits === 0n ? unpack('parameters', parameters).asOf : 0n
}
