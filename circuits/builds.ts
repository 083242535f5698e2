import { SLOW_HALF_LIFE_SHIFT, type statements } from './statements.ts'

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
