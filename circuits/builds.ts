import { type PortfolioStatementName, type Size, SLOW_HALF_LIFE_SHIFT, type statements } from './statements.ts'

/** Families of circuits that estimate volatility alike, with the ids by which governance binds markets to them. */
export const volatilityModelIds = { ewma: 1 } as const

export type VolatilityModelName = keyof typeof volatilityModelIds

/** One compiled circuit: a template at fixed sizes, with keys and a verifier of its own. */
export type Build = {
  readonly name: string
  readonly statement: keyof typeof statements
  readonly template: string
  /** Path below circuits/. */
  readonly file: string
  readonly markets: number
  readonly observations: number
  /** 1: every slot may test the running prediction; 0: only the last one, and earlier ones must fall inside its horizon. */
  readonly testEverySlot: 0 | 1
  readonly volatilityModel: VolatilityModelName
  readonly meaning: string
}

export const builds = [
  {
    name: 'marketRisk8x2',
    statement: 'marketRisk',
    template: 'MarketRisk',
    file: 'statement/MarketRisk.circom',
    markets: 8,
    observations: 2,
    testEverySlot: 0,
    volatilityModel: 'ewma',
    meaning: 'the live build: up to 8 markets, up to 2 new observations each',
  },
  {
    name: 'marketRisk1x48',
    statement: 'marketRisk',
    template: 'MarketRisk',
    file: 'statement/MarketRisk.circom',
    markets: 1,
    observations: 48,
    testEverySlot: 1,
    volatilityModel: 'ewma',
    meaning: 'the catch-up build: drains a backlog of one market',
  },
] as const satisfies readonly Build[]

export type BuildName = (typeof builds)[number]['name']

/** Template arguments in the order the template declares them. */
export const buildArguments = (build: Build): readonly number[] => [
  build.markets,
  build.observations,
  build.testEverySlot,
  SLOW_HALF_LIFE_SHIFT,
]

/** A compiled circuit about options and portfolios. */
export type PortfolioBuild = {
  readonly name: string
  readonly statement: PortfolioStatementName
  readonly template: string
  /** Path below circuits/. */
  readonly file: string
  /** In the order of the template's parameters. */
  readonly sizes: Readonly<Partial<Record<Size, number>>>
  readonly meaning: string
}

export const portfolioBuilds = [
  {
    name: 'riskArray5',
    statement: 'riskArray',
    template: 'RiskArray',
    file: 'statement/RiskArray.circom',
    sizes: { strikes: 5 },
    meaning: 'five strikes of one expiry priced under every scenario',
  },
  {
    name: 'optionBook5x5',
    statement: 'optionBook',
    template: 'OptionBook',
    file: 'statement/OptionBook.circom',
    sizes: { segments: 5, strikes: 5 },
    meaning: 'the option positions of an account in five arrays',
  },
  {
    name: 'portfolioMargin3',
    statement: 'portfolioMargin',
    template: 'PortfolioMargin',
    file: 'statement/PortfolioMargin.circom',
    sizes: { accounts: 3 },
    meaning: 'margins of three accounts',
  },
  {
    name: 'unhealthyWitness',
    statement: 'unhealthyWitness',
    template: 'UnhealthyWitness',
    file: 'statement/UnhealthyWitness.circom',
    sizes: {},
    meaning: 'one scenario that shows an account to be below maintenance',
  },
] as const satisfies readonly PortfolioBuild[]

export type PortfolioBuildName = (typeof portfolioBuilds)[number]['name']

/** Every compiled circuit. */
export const allBuilds: readonly (Build | PortfolioBuild)[] = [...builds, ...portfolioBuilds]

/** The main component of a build, as circom writes it. */
export const mainComponent = (build: Build | PortfolioBuild): string => {
  const sizes = 'sizes' in build ? Object.values(build.sizes) : buildArguments(build)
  return `${build.template}(${sizes.join(', ')})`
}
