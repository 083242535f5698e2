/** Margins straight from arrays: of an account of few options that would have a proof of margins to itself. */
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { Landed, ProvenPortfolio, ReportedAccount } from '../../../registry/index.ts'
import { arrayMarginCall, type RegistryCall } from '../../../registry/portfolio/calldata.ts'
import { stateArrayMargin } from '../../../statement/arrayMargin.ts'
import type { StatedMargins } from '../../../statement/portfolioMargin.ts'
import { type ProvenArrays, rootsIn } from './arrays.ts'
import { accountInArrays, opensArraysOf } from './inArrays.ts'
import { placesOf } from './margins.ts'
import { type AccountToProve, modelOf, type PortfolioModel, type PortfolioPlace } from './place.ts'
import type { ProofMaker } from './proofMaker.ts'

/** All that is proven of one account, and of which report. */
export type ArrayMargin = {
  readonly stated: StatedMargins
  readonly proven: ProvenPortfolio
  readonly report: ReportedAccount
}

/** What models of margins are of. */
type MarginBuilds = Readonly<
  Partial<Record<'arrayMargin' | 'portfolioMargin' | 'marginsAlone', Pick<PortfolioModel, 'build'>>>
>

/**
 * Which of some accounts is best proven straight from arrays; undefined if none is.
 *
 * A proof of its own takes the gas of one check, which books and margins of a whole batch share: it is worth it where it spares a
 * batch (docs/scaling.md). Where margins are proven alone nothing more is said of an account.
 */
export function apartFrom(
  { arrayMargin, portfolioMargin, marginsAlone }: MarginBuilds,
  provables: readonly ProvableMargin[],
): number | undefined {
  if (arrayMargin === undefined || (portfolioMargin === undefined && marginsAlone !== undefined)) return undefined
  const places = portfolioMargin === undefined ? Number.POSITIVE_INFINITY : placesOf(portfolioMargin)
  if ((provables.length - 1) % places !== 0) return undefined
  const last = provables.findLastIndex((provable) => opensArraysOf(arrayMargin.build, provable))
  return last < 0 ? undefined : last
}

/**
 * @param accounts - none, or those that are proven so
 * @throws {@link TooManyArraysError} if one is in more arrays than the model opens
 */
export async function proveApart(
  place: PortfolioPlace,
  maker: Pick<ProofMaker, 'make'>,
  accounts: readonly AccountToProve[],
  arrays: ProvenArrays,
): Promise<readonly ArrayMargin[]> {
  const made: ArrayMargin[] = []
  for (const { account, provable } of accounts) {
    const model = modelOf(place, 'arrayMargin')
    const report = await place.client.account(account)
    const stated = await stateApart(place, model, report, provable, rootsIn(arrays))
    made.push({ stated, proven: await maker.make(model, stated), report })
  }
  return made
}

/**
 * What is proven of an account straight from its arrays.
 *
 * @throws {@link TooManyArraysError} if it is in more arrays than the model opens
 */
export async function stateApart(
  { client, round }: PortfolioPlace,
  { build, modelId }: PortfolioModel,
  report: ReportedAccount,
  provable: ProvableMargin,
  rootOf: Parameters<typeof accountInArrays>[2],
): Promise<StatedMargins> {
  const held = await accountInArrays(build, provable, rootOf)
  const context = await client.accountContext(round, modelId, [report])
  return stateArrayMargin(build, context, held, provable.round, provable.marginPolicy)
}

/** Lands them; the registry must hold their arrays. */
export async function landApart(place: PortfolioPlace, margins: readonly ArrayMargin[]): Promise<readonly Landed[]> {
  const landed: Landed[] = []
  for (const { report, proven } of margins) {
    const models = [modelOf(place, 'riskArray').modelId, modelOf(place, 'arrayMargin').modelId] as const
    landed.push(await place.client.submitArrayMargin(place.round, ...models, report, proven))
  }
  return landed
}

/** The calls that land them. */
export const apartCalls = (place: PortfolioPlace, margins: readonly ArrayMargin[]): readonly RegistryCall[] =>
  margins.map(({ report, proven }) => {
    const models = [modelOf(place, 'riskArray').modelId, modelOf(place, 'arrayMargin').modelId] as const
    return arrayMarginCall(place.round, ...models, report, proven)
  })
