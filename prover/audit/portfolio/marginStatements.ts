/** Everything that is proven of one account's margin, in one order: its arrays, the books over them if there are any, the margin. */
import { type Build, sizeOf } from '../../../circuits/statements/index.ts'
import type { MarginSizes, ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { PricedArray } from '../../portfolio/book.ts'
import { type BookSizes, wholeShard } from '../../portfolio/sharding.ts'
import { subjectOf } from '../../registry/portfolio/calldata.ts'
import { stateArrayMargin } from '../../statement/arrayMargin.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import { stateBook } from '../../statement/optionBook.ts'
import { stateMargins } from '../../statement/portfolioMargin.ts'
import { stateRiskArray } from '../../statement/riskArray.ts'
import type { Stated } from '../../statement/state.ts'

/** Statements that a margin rests on; a witness is another matter. */
export const marginStatementNames = [
  'riskArray',
  'optionBook',
  'portfolioMargin',
  'marginsAlone',
  'arrayMargin',
] as const
export type MarginStatementName = (typeof marginStatementNames)[number]

/** A build under its id in a registry of models. */
export type MarginModel = { readonly build: Build; readonly modelId: string }

/** Where an account's margin belongs. */
export type MarginScope = Pick<StatementContext, 'chainId' | 'registry'> & {
  /** Contract that takes the arrays; `registry` takes the rest. */
  readonly arrays: string
  readonly roundId: string
  readonly account: string
  /** How often the venue had reported the account. */
  readonly sequence: bigint
}

/** Of each statement the model that proves it, of margins one; an account without options has only that, one straight from arrays no books. */
export type MarginModels = Readonly<Partial<Record<'riskArray' | 'optionBook', MarginModel>>> & {
  readonly margin: MarginModel
}

/** Sizes that positions are cut into; without options there is nothing to cut. */
export function sizesOf({ riskArray, optionBook, margin }: MarginModels): MarginSizes {
  const strikes = riskArray === undefined ? 1 : sizeOf(riskArray.build, 'strikes')
  if (isFromArrays(margin)) return { strikes, ...arraySizes(margin.build) }
  if (optionBook === undefined) return { strikes, segments: 1, expiries: 1 }
  return { strikes, segments: sizeOf(optionBook.build, 'segments'), expiries: sizeOf(optionBook.build, 'expiries') }
}

const isFromArrays = ({ build }: MarginModel): boolean => build.statement === 'arrayMargin'

const arraySizes = (build: Build): BookSizes => ({
  segments: sizeOf(build, 'arrays'),
  expiries: sizeOf(build, 'expiries'),
})

/** A statement with what people call it: `array 1`, `book 2`, `margin`. */
export type NamedStatement = { readonly name: string; readonly stated: Stated }

/** States what is proven of a margin, as whoever proves it did. @throws what stating throws */
export async function marginStatements(
  provable: ProvableMargin,
  scope: MarginScope,
  models: MarginModels,
): Promise<readonly NamedStatement[]> {
  const { chainId, registry, arrays, roundId, account, sequence } = scope
  const subject = subjectOf(roundId, [{ account, sequence }])
  const contextOf = ({ modelId }: MarginModel, of: string, at = registry): StatementContext => ({
    chainId,
    registry: at,
    modelId,
    subject: [of],
  })
  const named: NamedStatement[] = []
  const roots = new Map<PricedArray, bigint>()
  for (const [i, { surface, strikesE8, array }] of provable.arrays.entries()) {
    const model = models.riskArray as MarginModel
    const context = contextOf(model, roundId, arrays)
    const { stated, arrayRoot } = await stateRiskArray(model.build, context, surface, provable.pricingPolicy, strikesE8)
    named.push({ name: `array ${i + 1}`, stated })
    roots.set(array, arrayRoot)
  }
  const rootOf = (array: PricedArray): bigint => roots.get(array) ?? 0n
  const { margin: model } = models
  const { account: state, round, marginPolicy, positions } = provable
  if (isFromArrays(model)) {
    const { segments } = wholeShard(positions, [...roots.keys()], arraySizes(model.build))
    const held = { segments, arrayRoots: segments.map(({ array }) => rootOf(array)), holdings: state.holdings }
    const { stated } = await stateArrayMargin(model.build, contextOf(model, subject), held, round, marginPolicy)
    return [...named, { name: 'margin', stated }]
  }
  for (const [i, shard] of provable.chain.shards.entries()) {
    const book = models.optionBook as MarginModel
    const arrayRoots = shard.segments.map(({ array }) => rootOf(array))
    const { stated } = await stateBook(book.build, contextOf(book, subject), shard, arrayRoots)
    named.push({ name: `book ${i + 1}`, stated })
  }
  const { stated } = await stateMargins(model.build, contextOf(model, subject), [state], round, marginPolicy)
  return [...named, { name: 'margin', stated }]
}
