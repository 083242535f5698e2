/** Whether a record's events fit together as events: each at a place of its own, time never running back, policies in a chain. */
import { compare } from '../../registry/claims.ts'
import type { ClaimResult } from '../../registry/index.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import {
  type BatchRecord,
  type ChainRecord,
  type FollowingRecord,
  freshnessFields,
  type MarketRecord,
  type PromotionRecord,
  type RemovalRecord,
  type RotationRecord,
} from './chainRecord.ts'
import { FIRST_PROMOTION_POLICY, inOrder } from './ledger.ts'

/** What moves the ledger, beside policies. */
export type Step =
  | { readonly kind: 'added'; readonly event: MarketRecord }
  | { readonly kind: 'removed'; readonly event: RemovalRecord }
  | { readonly kind: 'promoted'; readonly event: PromotionRecord }
  | { readonly kind: 'rotated'; readonly event: RotationRecord }
  | { readonly kind: 'followed'; readonly event: FollowingRecord }
  | { readonly kind: 'batch'; readonly event: BatchRecord }

/** Shadows.sol. */
const LEAST_PREDICTIONS = 24n
const GREATEST_MARGIN_STEP_X24 = 1_677_721n

/** A record's steps in the order of the chain. */
export function stepsOf({
  markets,
  removals,
  promotions,
  rotations,
  followings,
  batches,
}: ChainRecord): readonly Step[] {
  const steps: readonly Step[] = [
    ...markets.map((event) => ({ kind: 'added', event }) as const),
    ...removals.map((event) => ({ kind: 'removed', event }) as const),
    ...promotions.map((event) => ({ kind: 'promoted', event }) as const),
    ...rotations.map((event) => ({ kind: 'rotated', event }) as const),
    ...followings.map((event) => ({ kind: 'followed', event }) as const),
    ...batches.map((event) => ({ kind: 'batch', event }) as const),
  ]
  return steps.toSorted((a, b) => (isBefore(a.event, b.event) ? -1 : isBefore(b.event, a.event) ? 1 : 0))
}

export function judgeEventOrder(record: ChainRecord): readonly ClaimResult[] {
  return [...judgePlaces(record), ...judgeTimes(record), ...judgePromotionPolicies(record)]
}

/** Every event of the registry lies within the record's blocks, at a place where no other is. */
function judgePlaces({ context, ...record }: ChainRecord): readonly ClaimResult[] {
  const { policies, markets, batches, scores, removals, promotions, promotionPolicies } = record
  const { rotations, followings, pauses } = record
  const modelPauses = record.models.flatMap((model) => model.pauses)
  // All of freshness is set by one event.
  const placesOf = (of: string) => JSON.stringify(policies.filter(({ kind }) => kind === of).map(placeText))
  const governed = { rotations, followings, pauses, modelPauses }
  const events = { policies, markets, batches, scores, removals, promotions, promotionPolicies, ...governed }
  const [first, ...further] = freshnessFields
  const taken = new Set<string>()
  const claims = Object.entries(events).flatMap(([name, list]: [string, readonly Place[]]) =>
    list.map((event, i): ClaimResult => {
      const found = placeText(event)
      const isWithin = event.block >= context.fromBlock && event.block <= context.toBlock
      const isFurther = name === 'policies' && further.some((kind) => kind === policies[i]?.kind)
      const isFree = !taken.has(found) || isFurther
      taken.add(found)
      if (isWithin && isFree) return { claim: 'A2', holds: true }
      const expected = isWithin ? 'a place of its own' : `blocks ${context.fromBlock} to ${context.toBlock}`
      return { claim: 'A2', holds: false, field: `${name}[${i}]`, expected, found }
    }),
  )
  return [...claims, ...further.map((kind) => compare('A2', 'policies of freshness', placesOf(first), placesOf(kind)))]
}

const placeText = ({ block, logIndex }: Place): string => `block ${block}, log ${logIndex}`

/** No block is earlier than one before it, and a block has one time. */
function judgeTimes({
  batches,
  promotions,
  rotations,
  followings,
  pauses,
  models,
}: ChainRecord): readonly ClaimResult[] {
  const events = inOrder([
    ...batches.map((event, i) => ({ ...event, name: `batches[${i}]` })),
    ...promotions.map((event, i) => ({ ...event, name: `promotions[${i}]` })),
    ...rotations.map((event, i) => ({ ...event, name: `rotations[${i}]` })),
    ...followings.map((event, i) => ({ ...event, name: `followings[${i}]` })),
    ...pauses.map((event, i) => ({ ...event, name: `pauses[${i}]` })),
    ...models.flatMap((model) => model.pauses.map((event, i) => ({ ...event, name: `models.pauses[${i}]` }))),
  ])
  return events.slice(1).map(({ name, block, timestamp }, i): ClaimResult => {
    const before = events[i] as (typeof events)[number]
    const isInOrder = before.block === block ? timestamp === before.timestamp : timestamp >= before.timestamp
    if (isInOrder) return { claim: 'A2', holds: true }
    const expected = `${before.block === block ? '' : 'at least '}${before.timestamp}`
    return { claim: 'A2', holds: false, field: `${name}.timestamp`, expected, found: String(timestamp) }
  })
}

/** Each policy of promotions follows on the one before it, and the last ones are what the registry holds. */
function judgePromotionPolicies({ policies, promotionPolicies, inForce }: ChainRecord): readonly ClaimResult[] {
  const ordered = inOrder(promotionPolicies)
  const fields = ['leastPredictions', 'maxMarginStepX24'] as const
  const chained = ordered.flatMap(({ previous, current }, i) => {
    const before = ordered[i - 1]?.current ?? FIRST_PROMOTION_POLICY
    const at = `promotionPolicies[${i}]`
    const { leastPredictions: least, maxMarginStepX24: most } = current
    return [
      ...fields.map((field) => compare('R37', `${at}.previous.${field}`, before[field], previous[field])),
      compare('R37', `${at}.current.leastPredictions`, least < LEAST_PREDICTIONS ? LEAST_PREDICTIONS : least, least),
      compare(
        'R37',
        `${at}.current.maxMarginStepX24`,
        most > GREATEST_MARGIN_STEP_X24 ? GREATEST_MARGIN_STEP_X24 : most,
        most,
      ),
    ]
  })
  const last = ordered.at(-1)?.current ?? FIRST_PROMOTION_POLICY
  const age = inOrder(policies).findLast(({ kind }) => kind === 'maxParameterAgeSeconds')?.value
  return [
    ...chained,
    ...fields.map((field) =>
      compare('R37', `inForce.promotionPolicy.${field}`, last[field], inForce.promotionPolicy[field]),
    ),
    compare('R37', 'inForce.maxParameterAgeSeconds', age, inForce.maxParameterAgeSeconds),
  ]
}
