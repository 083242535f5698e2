/** What a deployment file says otherwise than its chain. */
import { marketNameOf } from '../../market/marketId.ts'
import type { Deployment } from '../../registry/deployment.ts'

/** One thing that a file says, and what the chain has instead; null where one of them says nothing. */
export type Difference = { readonly field: string; readonly file: string | null; readonly chain: string | null }

type Told = ReadonlyMap<string, string>

/**
 * Names of sources are whoever's who wrote the file, and an earlier first block is as good: neither is a difference. Margins are
 * compared where they were read from the chain.
 */
export function differencesOf(file: Deployment, chain: Deployment): readonly Difference[] {
  const [told, held] = [flat(file), flat(chain)]
  const withMargins = chain.portfolio !== undefined
  const fields = [...new Set([...told.keys(), ...held.keys()])]
  return [
    ...(file.block > chain.block ? [{ field: 'block', file: `${file.block}`, chain: `${chain.block}` }] : []),
    ...fields
      .filter((field) => withMargins || !field.startsWith('portfolio'))
      .flatMap((field) => {
        const [said, found] = [told.get(field) ?? null, held.get(field) ?? null]
        return said === found ? [] : [{ field, file: said, chain: found }]
      }),
  ]
}

/** Lists by what identifies their entries, so that their order says nothing. */
function flat(deployment: Deployment): Told {
  const { chainId, layoutHash, addresses, sources, policy, models, portfolio, markets } = deployment
  return new Map([
    ...leaves({ chainId, layoutHash, addresses, policy }, ''),
    ...sources.flatMap(({ name: _, ...source }) => leaves(source, `sources.${source.address}`)),
    ...models.flatMap((model) => leaves(model, `models.${model.modelId}`)),
    ...markets.flatMap(({ block: _, ...market }) => leaves(market, `markets.${marketNameOf(market.marketId)}`)),
    ...(portfolio === undefined
      ? []
      : [
          ...leaves({ ...portfolio, models: undefined }, 'portfolio'),
          ...portfolio.models.flatMap((model) => leaves(model, `portfolio.models.${model.modelId}`)),
        ]),
  ])
}

function leaves(value: object, at: string): readonly (readonly [string, string])[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const path = at === '' ? key : `${at}.${key}`
    if (inner === undefined) return []
    if (Array.isArray(inner)) return [[path, inner.map(String).toSorted().join(' ')] as const]
    return typeof inner === 'object' && inner !== null ? leaves(inner, path) : [[path, String(inner)] as const]
  })
}
