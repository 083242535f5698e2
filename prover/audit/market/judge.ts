/** Judges a {@link ChainRecord}: recomputes every batch with the twin, verifies every proof twice, and says what differs. */
import { sizeOf } from '../../../circuits/statements/index.ts'
import { marketNameOf } from '../../market/marketId.ts'
import { compare } from '../../registry/claims.ts'
import { compareFields } from '../../registry/market/bundle.ts'
import { stateHashOfWords } from '../../registry/market/calldata.ts'
import {
  buildOf,
  type ClaimResult,
  decodeSubmit,
  extendHead,
  type SubmitCall,
  type UpdateCall,
} from '../../registry/index.ts'
import { type MarketRiskStatement, packObservations, stateBatch } from '../../statement/marketRisk.ts'
import { elementAt, unpack, wordBits, wordCount } from '../../statement/words.ts'
import type { BatchRecord, ChainRecord, MarketRecord } from './chainRecord.ts'
import { failed, firstFailureOf, judgeProof, summarise } from '../findings.ts'
import type { ModelRecord } from '../modelRecord.ts'
import { type AuditPins, isPinned, judgePlace } from '../pins.ts'
import { type HeldMarket, inOrder, Ledger, observationOf, stateOf } from './ledger.ts'
import { judgeModel, type UsableKey } from '../models.ts'
import { isBefore } from '../nodeReads.ts'
import type { AuditReport, BatchReport, MarketReport } from './report.ts'

/** RiskRegistry.CLOCK_SKEW_SECONDS. */
const CLOCK_SKEW_SECONDS = 15n

/** Judges a record. Never throws for a false one; says what is false first. */
export async function judge(
  record: ChainRecord,
  pins: AuditPins = {},
  onProgress?: (done: number, total: number) => void,
): Promise<AuditReport> {
  const { context } = record
  const keys = new Map<string, UsableKey>()
  const models = record.models.map((model) => judgeModel(model, context.chainId, pins.verificationKeyHashes, keys))
  const ledger = new Ledger(record)
  const batches: BatchReport[] = []
  for (const batch of inOrder(record.batches)) {
    ledger.advanceTo(batch)
    batches.push(await judgeBatch(batch, batches.length + 1, ledger, record, keys))
    onProgress?.(batches.length, record.batches.length)
  }
  ledger.advanceTo({ block: Number.POSITIVE_INFINITY, logIndex: 0 })
  const markets = record.markets.map((market) => judgeMarket(market, ledger))

  const failure = firstFailureOf([
    { of: 'the record', claims: judgePlace(context, pins) },
    ...models.map(({ name, claims }) => ({ of: `model ${name}`, claims })),
    ...batches.map(({ number, claims }) => ({ of: `batch ${number}`, claims })),
    ...markets.map(({ name, claims }) => ({ of: `market ${name}`, claims })),
  ])
  return {
    accepted: failure === undefined,
    chainId: context.chainId,
    registry: context.registry,
    fromBlock: context.fromBlock,
    toBlock: context.toBlock,
    pinned: isPinned(pins),
    models,
    batches,
    markets,
    ...(failure === undefined ? {} : { failure }),
  }
}

async function judgeBatch(
  batch: BatchRecord,
  number: number,
  ledger: Ledger,
  record: ChainRecord,
  keys: ReadonlyMap<string, UsableKey>,
): Promise<BatchReport> {
  const key = keys.get(batch.modelId)
  const call = batch.calldata === null ? undefined : decodeSubmit(batch.calldata)
  const claims: ClaimResult[] = []
  if (call === undefined) {
    claims.push({ claim: 'A2', holds: false, field: 'calldata', expected: 'a call of submit', found: 'none' })
  } else {
    try {
      claims.push(...(await judgeCall(batch, call, ledger, record, key)))
    } catch (error) {
      claims.push(failed('Q1', 'calldata', error))
    }
    applyCall(call, ledger, record, batch)
  }
  const newest = call?.updates.map(({ parameters }) => asOfParameters(parameters)) ?? []
  return {
    number,
    block: batch.block,
    transactionHash: batch.transactionHash,
    model: key?.build ?? batch.modelId,
    markets: batch.updates.map(({ marketId }) => marketNameOf(marketId)),
    asOf: newest.reduce((latest, asOf) => (asOf > latest ? asOf : latest), 0n),
    observations: Number(call?.updates.reduce((sum, { observationCount }) => sum + observationCount, 0n) ?? 0n),
    ...summarise(claims),
  }
}

async function judgeCall(
  batch: BatchRecord,
  call: SubmitCall,
  ledger: Ledger,
  record: ChainRecord,
  key: UsableKey | undefined,
): Promise<readonly ClaimResult[]> {
  const claims: ClaimResult[] = [...judgeEvents(batch, call), ...judgeModelUse(batch, key)]
  const held = call.updates.map(({ marketId }) => ledger.markets.get(marketId))
  const unknown = held.indexOf(undefined)
  if (unknown !== -1) {
    const found = marketNameOf(call.updates[unknown]?.marketId ?? '')
    return [
      ...claims,
      { claim: 'R3', holds: false, field: `updates[${unknown}].marketId`, expected: 'a market', found },
    ]
  }
  const starts = held as readonly HeldMarket[]
  claims.push(...call.updates.flatMap((update, i) => judgeStart(update, i, starts[i] as HeldMarket, batch)))
  if (key === undefined) return claims
  const slots = sizeOf(buildOf(key.build), 'observations')
  const words = call.updates.map((update, i) => {
    const { inbox } = starts[i] as HeldMarket
    return ledger.wordsAfter(inbox, update.marketId, Number(update.observationCount))
  })
  claims.push(
    ...judgeBinding(starts, key.model),
    ...judgeInbox(call, words, slots),
    ...judgeFreshness(batch, words, ledger, key.model),
  )
  return [...claims, ...(await judgeComputation(call, starts, words, ledger, record, key))]
}

/** The events tell the same as the calldata. */
function judgeEvents(batch: BatchRecord, call: SubmitCall): readonly ClaimResult[] {
  return [
    compare('A2', 'modelId', call.modelId, batch.modelId),
    compare('A2', 'commitment', call.commitment, batch.commitment),
    compare('A2', 'updates.length', call.updates.length, batch.updates.length),
    ...call.updates.flatMap(({ marketId, parameters }, i) => [
      compare('A2', `updates[${i}].marketId`, marketId, batch.updates[i]?.marketId),
      compare(
        'A2',
        `updates[${i}].parameters`,
        parameters,
        parametersOf(batch.updates[i]?.parametersAndSequence ?? 0n),
      ),
    ]),
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

/** R34: the model estimates volatility as each of the batch's markets has it. */
function judgeBinding(starts: readonly HeldMarket[], { volatilityModel }: ModelRecord): readonly ClaimResult[] {
  return starts.map(({ record }, i) =>
    compare('R34', `updates[${i}].volatilityModel`, record.volatilityModel, volatilityModel),
  )
}

/** A batch starts where the last one ended: states, inbox position, sequence. */
function judgeStart(update: UpdateCall, index: number, held: HeldMarket, batch: BatchRecord): readonly ClaimResult[] {
  const at = `updates[${index}]`
  const sequence = (batch.updates[index]?.parametersAndSequence ?? 0n) >> BigInt(wordBits('parameters'))
  return [
    compare('R4', `${at}.sequence`, held.sequence + 1n, sequence),
    compare('R3', `${at}.previousVolatilityState`, held.volatilityState, update.previousVolatilityState),
    compare('R3', `${at}.previousAnchorState`, held.anchorState, update.previousAnchorState),
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

function judgeFreshness(
  batch: BatchRecord,
  words: readonly (readonly bigint[])[],
  ledger: Ledger,
  model: ModelRecord,
): readonly ClaimResult[] {
  const now = BigInt(batch.timestamp)
  const oldest = model.allowsBacklog ? 0n : now - (ledger.policy('maxObservationAgeSeconds') ?? 0n)
  const latest = now + CLOCK_SKEW_SECONDS
  return words.map((taken, i): ClaimResult => {
    const word = taken.at(-1)
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
  ledger: Ledger,
  { context }: ChainRecord,
  { build, verificationKey }: UsableKey,
): Promise<readonly ClaimResult[]> {
  let statement: MarketRiskStatement
  try {
    statement = await stateBatch({
      build: buildOf(build),
      chainId: context.chainId,
      registry: context.registry,
      modelId: call.modelId,
      learning: unpack('learningPolicy', ledger.policy('learning') ?? 0n),
      margin: unpack('marginPolicy', ledger.policy('margin') ?? 0n),
      markets: starts.map((held, i) => ({
        marketId: held.record.marketId,
        sequence: held.sequence + 1n,
        previous: stateOf(held),
        observations: (words[i] ?? []).map(observationOf),
        policy: unpack('marketPolicy', ledger.policy('market', held.record.marketId) ?? 0n),
      })),
    })
  } catch (error) {
    return [failed('O1', 'observations', error)]
  }
  const claims = call.updates.flatMap((update, i) => {
    const twin = statement.updates[i] as MarketRiskStatement['updates'][number]
    const at = `updates[${i}]`
    return [
      {
        prefix: `${at}.volatility`,
        expected: twin.state.volatility,
        found: unpack('volatilityState', update.volatilityState),
      },
      { prefix: `${at}.anchor`, expected: twin.state.anchor, found: unpack('anchorState', update.anchorState) },
      { prefix: `${at}.parameters`, expected: twin.parameters, found: unpack('parameters', update.parameters) },
    ]
  })
  return [
    ...compareFields(claims),
    compare('Q2', 'commitment', statement.commitment, call.commitment),
    // The proof is for exactly this statement: commitment, evaluation and challenge were computed here.
    await judgeProof('Q3', call.proof, statement.publicSignals, verificationKey),
  ]
}

/** Follows the chain, whatever was judged: the next batch starts from what the registry then held. */
function applyCall(call: SubmitCall, ledger: Ledger, record: ChainRecord, batch: BatchRecord): void {
  const slots = record.models.find(({ modelId }) => modelId === batch.modelId)?.slots ?? 0
  for (const { marketId, observationCount, volatilityState, anchorState, parameters } of call.updates) {
    const held = ledger.markets.get(marketId)
    if (held === undefined) continue
    const words = ledger.wordsAfter(held.inbox, marketId, Math.min(Number(observationCount), slots))
    ledger.move(marketId, volatilityState, anchorState, words, parameters)
  }
}

/** Where a market stands at the end: what the batches led to is what the registry stores, and no observation is missing. */
function judgeMarket(record: MarketRecord, ledger: Ledger): MarketReport {
  const name = marketNameOf(record.marketId)
  const { final } = record
  const held = ledger.markets.get(record.marketId) as HeldMarket
  const claims: ClaimResult[] = []
  try {
    const sequence = final.parametersAndSequence >> BigInt(wordBits('parameters'))
    const waiting = ledger.wordsAfter(held.inbox, record.marketId, Number.POSITIVE_INFINITY)
    const first = { source: record.source, head: record.inboxHead, count: record.inboxCount }
    const all = ledger.wordsAfter(first, record.marketId, Number.POSITIVE_INFINITY)
    claims.push(
      compare('A4', 'final.sequence', held.sequence, sequence),
      compare('R3', 'final.parameters', held.parameters, parametersOf(final.parametersAndSequence)),
      compare(
        'R3',
        'final.stateHash',
        stateHashOfWords(held.volatilityState, held.anchorState, held.inbox, record.volatilityModel),
        final.stateHash,
      ),
      compare('R7', 'final.inboxCount', record.inboxCount + BigInt(all.length), final.inboxCount),
      compare('R7', 'final.inboxHead', extendHead(record.inboxHead, all), final.inboxHead),
    )
    return { name, sequence, waiting: waiting.length, ...summarise(claims) }
  } catch (error) {
    claims.push(failed('R3', 'final', error))
    return { name, sequence: 0n, waiting: 0, ...summarise(claims) }
  }
}

function parametersOf(parametersAndSequence: bigint): bigint {
  return parametersAndSequence & ((1n << BigInt(wordBits('parameters'))) - 1n)
}

function asOfParameters(parameters: bigint): bigint {
  const bits = BigInt(wordBits('parameters'))
  return parameters >> bits === 0n ? unpack('parameters', parameters).asOf : 0n
}
