/** What each circuit proves: every word, statement and build, from market.ts, options.ts and portfolio.ts. */
import {
  argumentsOf,
  type Build as AnyBuild,
  placesOf,
  sizeOf,
  type Statement,
  type Word,
  type WordList,
} from './language.ts'
import { busyHoursX6 } from './hours.ts'
import { DEFAULT_VOLATILITY_MODEL, marketBuilds, marketStatements, marketWords, volatilityModels } from './market.ts'
import { optionBuilds, optionLists, optionStatements, optionWords } from './options.ts'
import { accountBuilds, accountLists, accountStatements, accountWords } from './portfolio.ts'

export { sizeOf, WORD_BITS } from './language.ts'
export {
  marketState,
  type MarketStateWord,
  marketStateWords,
  marketStruct,
  marketUpdate,
  previousOf,
  retiredVolatilityModelIds,
  type VolatilityModelName,
} from './market.ts'
export { busyHoursX6, DEFAULT_VOLATILITY_MODEL, volatilityModels }
export { REGULAR_SHOCKS, UP_ONLY_SHOCKS } from './options.ts'
export { COLLATERALS, MOST_MARKETS, MOST_POSITIONS } from './portfolio.ts'

export const words = { ...marketWords, ...optionWords, ...accountWords } as const satisfies Record<string, Word>
export type WordName = keyof typeof words

/** Values of a word's fields, or of an element's, by name; a missing, extra or misspelt name does not compile. */
export type Fields<W extends WordName> = {
  readonly [F in (typeof words)[W]['fields'][number]['name']]: bigint
}

export const statements = { ...marketStatements, ...optionStatements, ...accountStatements } as const satisfies Record<
  string,
  Statement
>
/** Words that contracts take or keep side by side. */
export const lists = { ...optionLists, ...accountLists } as const satisfies Record<string, WordList>
export type ListName = keyof typeof lists
/** Names of a list's sections. */
export type SectionOf<L extends ListName> = (typeof lists)[L]['sections'][number]['name']

export type StatementName = keyof typeof statements
/** Statements about options and portfolios, which PortfolioRegistry takes. */
export type PortfolioStatementName = keyof typeof optionStatements | keyof typeof accountStatements

/** Builds that RiskRegistry takes, and those that PortfolioRegistry takes. */
export { marketBuilds }
/** Of them those that a first start needs: of the model that markets are bound to unless governance says otherwise. */
export const defaultBuilds: readonly Build[] = (marketBuilds as readonly Build[]).filter(
  (build) => volatilityModelOf(build) === volatilityModels[DEFAULT_VOLATILITY_MODEL].id,
)
export const portfolioBuilds = [...optionBuilds, ...accountBuilds] as const
export const builds = [...marketBuilds, ...portfolioBuilds] as const
export type BuildName = (typeof builds)[number]['name']
export type MarketBuildName = (typeof marketBuilds)[number]['name']
export type Build = AnyBuild & { readonly statement: StatementName }

/** Builds of a statement, the one to use unless another is named first. */
export const buildsOf = (statement: StatementName): readonly Build[] =>
  (builds as readonly Build[]).filter((build) => build.statement === statement)

/** What the registry of models keeps of a build. */
export function modelSizesOf(build: Build): {
  readonly places: number
  readonly slots: number
  readonly volatilityModel: number
} {
  const statement: Statement = statements[build.statement]
  return { ...placesOf(statement, build), volatilityModel: volatilityModelOf(build) }
}

/** Id of the family of volatility models that a build is of; 0 if it estimates none. */
export function volatilityModelOf(build: Build): number {
  return build.statement === 'marketRisk' ? sizeOf(build, 'volatilityModel') : 0
}

/** Path below circuits/ of a build's template. */
export function templateFile(build: Build): string {
  const { template, step }: Statement = statements[build.statement]
  return `${step === undefined ? 'statement' : 'generated/frames'}/${template}.circom`
}

/** The main component of a build, as circom writes it. */
export function mainComponent(build: Build): string {
  const statement: Statement = statements[build.statement]
  return `${statement.template}(${argumentsOf(statement, build).join(', ')})`
}
