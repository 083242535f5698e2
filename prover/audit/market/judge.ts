/** Judges a {@link ChainRecord}: every step of its history in the order of the chain, then where everything stands at the end. */
import { marketNameOf, volatilityModelName } from '../../market/marketId.ts'
import { compare } from '../../registry/claims.ts'
import { stateHashOfWords } from '../../registry/market/calldata.ts'
import { idOfSource } from '../../registry/market/place.ts'
import type { ClaimResult } from '../../registry/index.ts'
import { extendHead } from '../../registry/market/calldata.ts'
import { wordBits } from '../../statement/words.ts'
import type { ChainRecord, MarketRecord, ScoredRecord } from './chainRecord.ts'
import { deployedSubjects, type ExpectedPlace, judgeDeployed } from '../deployed/judge.ts'
import { failed, firstFailureOf, summarise } from '../findings.ts'
import { type AuditPins, isPinned, judgePlace } from '../pins.ts'
import { judgeEventOrder, type Step, stepsOf } from './events.ts'
import { judgePromotion } from './judgePromotion.ts'
import {
  bindingOf,
  isShadow,
  judgeAddition,
  judgeHeldShadow,
  judgeRemoval,
  ScoreEvents,
  subjectOf,
  unexpectedScores,
} from './judgeShadows.ts'
import { judgeFollowing, judgePausesInForce, judgeRotation } from './judgeSources.ts'
import { type HeldMarket, Ledger } from './ledger.ts'
import { judgeModel, type UsableKey } from '../models.ts'
import type { PauseEvent } from '../modelRecord.ts'
import { isBefore, type Stamp } from '../nodeReads.ts'
import { judgePause, untilText } from '../pauses.ts'
import { type Computations, judgeBatch, parametersOf, type Scene } from './judgeBatch.ts'
import { expectedMarketReads, sourcesOf } from './reads.ts'
import {
  type AuditReport,
  type BatchReport,
  type ChangeReport,
  type MarketReport,
  meanScoreOf,
  type PromotionReport,
} from './report.ts'

type Subject = { readonly of: string; readonly claims: readonly ClaimResult[] }

/**
 * Judges a record. Never throws for a false one; says what is false first.
 *
 * @param computations - kept between records that have batches in common, so that none is recomputed twice
 * @example
 * (await judge(await readAuditBundle('audit.json'))).accepted // → true
 */
export async function judge(
  record: ChainRecord,
  pins: AuditPins = {},
  onProgress?: (done: number, total: number) => void,
  computations: Computations = new Map(),
): Promise<AuditReport> {
  const { context } = record
  const keys = new Map<string, UsableKey>()
  const models = record.models.map((model) => judgeModel(model, context.chainId, pins, keys, ['marketRisk']))
  const scene: Scene = { record, keys, ledger: new Ledger(record), scores: new ScoreEvents(record), computations }
  const { steps, batches, promotions, changes } = await judgeSteps(scene, onProgress)
  const ends = judgeEnds(scene, steps)
  const deployed = judgeDeployed(record.deployed, placeOf(scene), pins)

  const failure = firstFailureOf([
    {
      of: 'the record',
      claims: [...judgePlace(context, pins), ...judgeEventOrder(record), ...judgePausesInForce(record)],
    },
    ...models.map(({ name, claims }) => ({ of: `model ${name}`, claims })),
    ...steps,
    ...ends.map(({ marketId, report }) => ({ of: subjectOf(marketId), claims: report.claims })),
    ...deployedSubjects(deployed),
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
    promotions,
    changes,
    markets: ends.filter(({ marketId }) => !isShadow(marketId)).map(({ report }) => report),
    shadows: ends.filter(({ marketId }) => isShadow(marketId)).map(({ report }) => report),
    deployed,
    ...(failure === undefined ? {} : { failure }),
  }
}

/** Where the contracts must stand, and what they must answer, as the history has it. */
function placeOf({ record, ledger }: Scene): ExpectedPlace {
  const { context } = record
  return {
    part: 'registry',
    ...{ chainId: context.chainId, registry: context.registry, modelRegistry: context.modelRegistry },
    sources: sourcesOf(record),
    reads: expectedMarketReads(record, ledger),
  }
}

const END = { block: Number.POSITIVE_INFINITY, logIndex: 0 }

type JudgedSteps = {
  readonly steps: readonly Subject[]
  readonly batches: readonly BatchReport[]
  readonly promotions: readonly PromotionReport[]
  readonly changes: readonly ChangeReport[]
}

async function judgeSteps(scene: Scene, onProgress?: (done: number, total: number) => void): Promise<JudgedSteps> {
  const { record, ledger } = scene
  const steps: Subject[] = []
  const batches: BatchReport[] = []
  const promotions: PromotionReport[] = []
  const changes: PlacedChange[] = pauseChanges(record)
  steps.push(...changes)
  for (const step of stepsOf(record)) {
    if (step.kind === 'batch') {
      const scores = scene.scores.takeBefore(step.event)
      const ofBatch = scores.filter(({ block }) => block === step.event.block)
      steps.push(...strayScores(scores.filter(({ block }) => block !== step.event.block)))
      const report = await judgeBatch(step.event, batches.length + 1, scene, ofBatch)
      batches.push(report)
      steps.push({ of: `batch ${report.number}`, claims: report.claims })
      onProgress?.(batches.length, record.batches.length)
    } else if (step.kind === 'promoted') {
      const report = { number: promotions.length + 1, ...judgePromotion(step.event, ledger, record) }
      ledger.promote(step.event)
      promotions.push(report)
      steps.push({ of: `promotion ${report.number}`, claims: report.claims })
    } else if (step.kind === 'rotated' || step.kind === 'followed') {
      const change = judgeSourceStep(step, ledger)
      changes.push(change)
      steps.push(change)
    } else {
      steps.push(judgeCouncilStep(step, scene))
    }
  }
  steps.push(...strayScores(scene.scores.takeBefore(END)))
  ledger.advanceTo(END)
  const ordered = changes.toSorted((a, b) => (isBefore(a.event, b.event) ? -1 : 1))
  return { steps, batches, promotions, changes: ordered.map(({ report }) => report) }
}

type PlacedChange = Subject & { readonly event: Stamp; readonly report: ChangeReport }

function changeOf(kind: ChangeReport['kind'], event: Stamp, of: string, what: string, claims: readonly ClaimResult[]) {
  const { block, timestamp, by } = event
  return { of, claims, event, report: { kind, block, timestamp, by, what, ...summarise(claims) } }
}

/** The council replaces a source, or a market or a shadow goes over to it. */
function judgeSourceStep(step: Extract<Step, { kind: 'rotated' | 'followed' }>, ledger: Ledger): PlacedChange {
  ledger.advanceTo(step.event)
  const name = marketNameOf(step.event.marketId)
  if (step.kind === 'rotated') {
    const { source, previous } = step.event
    const claims = guarded('rotated', () => judgeRotation(step.event, ledger))
    ledger.rotate(step.event)
    return changeOf('rotation', step.event, `rotation of ${name}`, `${name} from ${previous} to ${source}`, claims)
  }
  const { source, inboxCount } = step.event
  const claims = guarded('followed', () => judgeFollowing(step.event, ledger))
  ledger.follow(step.event)
  const what = `${name} goes on behind observation ${inboxCount} of ${source}`
  return changeOf('following', step.event, `following of ${name}`, what, claims)
}

function guarded(field: string, judged: () => readonly ClaimResult[]): readonly ClaimResult[] {
  try {
    return judged()
  } catch (error) {
    return [failed('R44', field, error)]
  }
}

/** Pauses of markets and sources, which the registry keeps, and of models. */
function pauseChanges(record: ChainRecord): PlacedChange[] {
  const sources = new Map(sourcesOf(record).map(({ address }) => [idOfSource(address), address]))
  const tell = (event: PauseEvent, events: readonly PauseEvent[], name: string): PlacedChange => {
    const ends = event.kind === 'paused' ? ` ${untilText(event.until ?? 0n)}` : ''
    return changeOf('pause', event, `pause of ${name}`, `${name} ${event.kind}${ends}`, judgePause(event, events))
  }
  const nameOf = (id: string): string => {
    const source = sources.get(id)
    return source === undefined ? `market ${marketNameOf(id)}` : `source ${source}`
  }
  return [
    ...record.pauses.map((event) => tell(event, record.pauses, nameOf(event.id))),
    ...record.models.flatMap(({ pauses, key, modelId }) =>
      pauses.map((event) => tell(event, pauses, `model ${key?.build ?? modelId}`)),
    ),
  ]
}

const strayScores = (events: readonly ScoredRecord[]): readonly Subject[] =>
  events.map((event) => ({ of: subjectOf(event.shadowId), claims: unexpectedScores([event]) }))

/** A market or shadow begins, or a shadow ends. */
function judgeCouncilStep(step: Extract<Step, { kind: 'added' | 'removed' }>, { record, ledger }: Scene): Subject {
  ledger.advanceTo(step.event)
  if (step.kind === 'removed') {
    const claims = judgeRemoval(step.event, ledger)
    ledger.remove(step.event.shadowId)
    return { of: subjectOf(step.event.shadowId), claims }
  }
  let claims: readonly ClaimResult[]
  try {
    claims = judgeAddition(step.event, ledger, record)
  } catch (error) {
    claims = [failed('R35', 'added', error)]
  }
  ledger.add(step.event)
  return { of: subjectOf(step.event.marketId), claims }
}

type End = { readonly marketId: string; readonly report: MarketReport }

/** Every market and shadow at the end, with what its beginnings and removals were found to be. */
function judgeEnds({ record, ledger }: Scene, steps: readonly Subject[]): readonly End[] {
  const bySubject = Map.groupBy(steps, ({ of }) => of)
  return [...Map.groupBy(record.markets, ({ marketId }) => marketId)].map(([marketId, additions]) => {
    const name = marketNameOf(marketId)
    const before = (bySubject.get(subjectOf(marketId)) ?? []).flatMap(({ claims }) => claims)
    const held = ledger.markets.get(marketId)
    try {
      const claims = [...before, ...additions.flatMap((added) => judgeEnd(added, held, ledger))]
      return { marketId, report: { ...endOf(name, held, ledger, marketId), ...summarise(claims) } }
    } catch (error) {
      const claims = [...before, failed('R3', 'final', error)]
      return { marketId, report: { name, sequence: 0n, waiting: 0, ...summarise(claims) } }
    }
  })
}

function endOf(name: string, held: HeldMarket | undefined, ledger: Ledger, marketId: string) {
  if (held === undefined) return { name, sequence: ledger.sequenceOf(marketId), waiting: 0 }
  const { inbox, sequence, score } = held
  return {
    name,
    sequence,
    waiting: ledger.wordsAfter(inbox, marketId, Number.POSITIVE_INFINITY).length,
    model: volatilityModelName(held.volatilityModel),
    ...(isShadow(marketId) ? { score: meanScoreOf(score, ledger.learning()) } : {}),
  }
}

/** What the batches led to is what the registry stores, and no observation is missing. */
function judgeEnd(added: MarketRecord, held: HeldMarket | undefined, ledger: Ledger): readonly ClaimResult[] {
  const { marketId, final } = added
  const sequence = final.parametersAndSequence >> BigInt(wordBits('parameters'))
  const start = ledger.startIn(ledger.sourceOf(marketId) ?? added.source, marketId)
  const all = ledger.wordsAfter(start, marketId, Number.POSITIVE_INFINITY)
  const stateHash = held === undefined ? NO_STATE : stateHashOfWords(held, held.inbox, held.volatilityModel)
  return [
    compare('A4', 'final.sequence', ledger.sequenceOf(marketId), sequence),
    compare('R3', 'final.parameters', held?.parameters ?? 0n, parametersOf(final.parametersAndSequence)),
    compare('R3', 'final.stateHash', stateHash, final.stateHash),
    compare(bindingOf(marketId), 'final.volatilityModel', held?.volatilityModel ?? 0, final.volatilityModel),
    compare('R7', 'final.inboxCount', start.count + BigInt(all.length), final.inboxCount),
    compare('R7', 'final.inboxHead', extendHead(start.head, all), final.inboxHead),
    ...judgeHeldShadow(marketId, final, held),
  ]
}

/** Of a shadow that was removed. */
const NO_STATE = `0x${'00'.repeat(32)}`
