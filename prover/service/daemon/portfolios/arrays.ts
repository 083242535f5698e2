/** Arrays of options: proven once for all accounts that read them, landed before any margin over them. */
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { PricedArray } from '../../../portfolio/book.ts'
import { CALLS_UNDER_WAY } from '../../../proof/backends/workerProver.ts'
import type { Landed, ProvenPortfolio } from '../../../registry/index.ts'
import { arraysCall, type RegistryCall } from '../../../registry/portfolio/calldata.ts'
import { stateRiskArray } from '../../../statement/riskArray.ts'
import { underWay } from '../underWay.ts'
import { modelOf, type PortfolioPlace } from './place.ts'
import type { ProofMaker } from './proofMaker.ts'

/** Arrays that land in one transaction: their proofs are verified together, within a block's gas. */
export const ARRAYS_PER_TRANSACTION = 16

/** Arrays by what they are of, see {@link arrayKey}; those that are in force already have no proof here. */
export type ProvenArrays = ReadonlyMap<string, { readonly proven?: ProvenPortfolio; readonly root: bigint }>

/** Whether arrays that a registry holds already are proven all the same, as for a bundle of all proofs. */
export type ArraysWanted = 'missing' | 'all'

/** What an array is of, within a round. */
const arrayKey = (expiry: bigint, strikesE8: readonly bigint[]): string => `${expiry} ${strikesE8.join(' ')}`

/** How the roots of proven arrays are looked up. */
export const rootsIn =
  (arrays: ProvenArrays) =>
  ({ header, leaves }: PricedArray): bigint => {
    const strikesE8 = leaves.map(({ strikeE8 }) => strikeE8)
    return arrays.get(arrayKey(header.expiry, strikesE8))?.root ?? 0n
  }

/** Every array that an account reads, once. */
export async function proveArrays(
  place: PortfolioPlace,
  maker: Pick<ProofMaker, 'make' | 'spare'>,
  provables: readonly ProvableMargin[],
  wanted: ArraysWanted = 'all',
): Promise<ProvenArrays> {
  const arrays = arraysOf(provables)
  if (arrays.size === 0) return new Map()
  const model = modelOf(place, 'riskArray')
  const context = await place.client.arrayContext(place.round, model.modelId)
  const made = await underWay(arrays, CALLS_UNDER_WAY, async ([key, { surface, strikesE8, pricingPolicy }]) => {
    const stated = await stateRiskArray(model.build, context, surface, pricingPolicy, strikesE8)
    const root = stated.arrayRoot
    const isHeld = wanted === 'missing' && (await place.client.isArrayInForce(root, place.round.asOf, surface.expiry))
    if (isHeld) {
      maker.spare()
      return [key, { root }] as const
    }
    return [key, { root, proven: await maker.make(model, stated) }] as const
  })
  return new Map(made)
}

/** Arrays that accounts read, each once, by {@link arrayKey}. */
export const arraysOf = (provables: readonly ProvableMargin[]) =>
  new Map(
    provables.flatMap(({ pricingPolicy, arrays }) =>
      arrays.map(({ surface, strikesE8 }) => [
        arrayKey(surface.expiry, strikesE8),
        { surface, strikesE8, pricingPolicy },
      ]),
    ),
  )

/** Lands arrays of a round, as many a transaction as a block has gas for. */
export async function landArrays(
  place: PortfolioPlace,
  arrays: readonly ProvenPortfolio[],
): Promise<readonly Landed[]> {
  const landed: Landed[] = []
  for (let from = 0; from < arrays.length; from += ARRAYS_PER_TRANSACTION) {
    const some = arrays.slice(from, from + ARRAYS_PER_TRANSACTION)
    landed.push(await place.client.submitArrays(place.round, modelOf(place, 'riskArray').modelId, some))
  }
  return landed
}

/** The calls that land arrays of a round. */
export function arraysCalls(place: PortfolioPlace, arrays: readonly ProvenPortfolio[]): readonly RegistryCall[] {
  const { modelId } = modelOf(place, 'riskArray')
  const starts = Array.from({ length: Math.ceil(arrays.length / ARRAYS_PER_TRANSACTION) }, (_, i) => i)
  return starts.map((i) => {
    const from = i * ARRAYS_PER_TRANSACTION
    return arraysCall(place.round, modelId, arrays.slice(from, from + ARRAYS_PER_TRANSACTION))
  })
}
