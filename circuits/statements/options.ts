import type { Build, Section, Statement, Word, WordList } from './language.ts'

/** Words about one expiry's options: the scenario grid, volatility shocks, discounts, and the expiry's market. */
export const optionWords = {
  scenarioRegular: {
    title: 'One spot shock of the regular grid and how its three scenarios are damped',
    fields: [
      { name: 'shockX40', bits: 43, meaning: 'shocked over current spot' },
      { name: 'dampingUpX40', bits: 43, meaning: 'weight of the scenario with volatility up' },
      { name: 'dampingNoneX40', bits: 43, meaning: 'weight of the scenario with volatility as it is' },
      { name: 'dampingDownX40', bits: 43, meaning: 'weight of the scenario with volatility down' },
    ],
  },
  scenarioUpOnly: {
    title: 'A spot shock that is only tried with volatility up: extremes and tails',
    perWord: 2,
    fields: [
      { name: 'shockX40', bits: 43, meaning: 'shocked over current spot' },
      { name: 'dampingX40', bits: 43, meaning: 'weight of the scenario' },
    ],
  },
  basisShocks: {
    title: 'Forward shocks of the basis contingency',
    fields: [
      { name: 'basisUpX40', bits: 43, meaning: 'forward up over current forward' },
      { name: 'basisDownX40', bits: 43, meaning: 'forward down over current forward' },
      { name: 'basisAddX40', bits: 45, meaning: 'basis contingency: part that does not depend on the tenor' },
    ],
  },
  volatilityShocks: {
    title: 'Volatility shocks by tenor',
    fields: [
      { name: 'rangeUpX40', bits: 44, meaning: 'relative rise at 30 days' },
      { name: 'rangeDownX40', bits: 44, meaning: 'relative fall at 30 days' },
      { name: 'shortPowerX40', bits: 44, meaning: 'power of 30 days over the tenor, tenors up to 30 days' },
      { name: 'longPowerX40', bits: 44, meaning: 'the same beyond 30 days' },
      { name: 'tenorFloorSeconds', bits: 26, meaning: 'shorter tenors are shocked as this one' },
      { name: 'floorUpX40', bits: 45, meaning: 'least volatility after a rise' },
    ],
  },
  skewLinear: {
    title: 'Linear skew shock, and what both skew shocks share',
    fields: [
      { name: 'capX40', bits: 48, signed: true, meaning: 'largest relative change at tenor 0' },
      { name: 'capSlopeX40', bits: 48, signed: true, meaning: 'its change per square root of a year' },
      { name: 'widthFloorX40', bits: 44, meaning: 'least log-moneyness at which the cap is reached' },
      { name: 'widthScaleX40', bits: 44, meaning: 'that log-moneyness in deviations of the typical volatility' },
    ],
  },
  skewAbsolute: {
    title: 'Absolute skew shock, and the typical volatility behind the width of both',
    fields: [
      { name: 'capX40', bits: 48, signed: true, meaning: 'largest relative change at tenor 0' },
      { name: 'capSlopeX40', bits: 48, signed: true, meaning: 'its change per square root of a year' },
      { name: 'volatilityX40', bits: 44, meaning: 'typical volatility at tenor 0' },
      { name: 'volatilitySlopeX40', bits: 48, signed: true, meaning: 'its change per square root of a year' },
    ],
  },
  longDiscount: {
    title: 'Static discount of what an expiry is worth to the account',
    fields: [
      { name: 'baseX40', bits: 43, meaning: 'factor at tenor 0' },
      { name: 'rateMultipleX40', bits: 48, meaning: 'of the interest rate, per year' },
      { name: 'rateAddX40', bits: 48, meaning: 'on top of it, per year' },
    ],
  },
  shortDiscount: {
    title: 'Static mark-up of what an expiry costs the account; the tenor part of the basis contingency',
    fields: [
      { name: 'baseX40', bits: 43, meaning: 'factor at tenor 0' },
      { name: 'rateMultipleX40', bits: 48, meaning: 'of the interest rate, per year' },
      { name: 'rateAddX40', bits: 48, meaning: 'on top of it, per year' },
      { name: 'basisSlopeX40', bits: 48, meaning: 'basis contingency per year of tenor' },
      { name: 'confidenceThresholdX40', bits: 41, meaning: 'feeds below this confidence cost margin' },
    ],
  },
  expiryForward: {
    title: 'What a round says about one expiry: time, forward, confidence',
    fields: [
      { name: 'expiry', bits: 32, meaning: 'time at which the options expire' },
      { name: 'asOf', bits: 32, meaning: 'time of the round' },
      { name: 'forwardVariableE8', bits: 48, meaning: 'part of the forward that still moves with spot' },
      { name: 'forwardFixedE8', bits: 48, meaning: 'part that the settlement average has fixed' },
      { name: 'confidenceX40', bits: 41, meaning: 'least confidence of forward, rate and surface' },
      { name: 'spotConfidenceX40', bits: 41, meaning: 'confidence of the spot price' },
    ],
  },
  expirySurface: {
    title: 'What a round says about one expiry: rate, level and slope of its SVI total variance',
    fields: [
      { name: 'rateX40', bits: 48, signed: true, meaning: 'continuously compounded interest rate' },
      { name: 'sviAX48', bits: 60, signed: true, meaning: 'SVI a' },
      { name: 'sviBX48', bits: 56, meaning: 'SVI b' },
      { name: 'tauRefSecondsX20', bits: 52, meaning: 'tenor that the surface was fitted at' },
    ],
  },
  expirySurfaceShape: {
    title: 'What a round says about one expiry: shape of its SVI total variance',
    fields: [
      { name: 'sviRhoX40', bits: 48, signed: true, meaning: 'SVI rho' },
      { name: 'sviMX40', bits: 48, signed: true, meaning: 'SVI m' },
      { name: 'sviSX40', bits: 52, meaning: 'SVI sigma, the smoothness' },
      { name: 'forwardRefE8', bits: 48, meaning: 'forward that the surface was fitted at' },
    ],
  },
  strike: {
    title: 'A strike; 0 where there is none',
    perWord: 5,
    fields: [{ name: 'strikeE8', bits: 48, meaning: 'strike' }],
  },
} as const satisfies Record<string, Word>

/** Spot shocks of the regular scenario grid, each with volatility up, unchanged and down. */
export const REGULAR_SHOCKS = 7
/** Spot shocks that are only tried with volatility up. */
export const UP_ONLY_SHOCKS = 10

export const scenarioSections = [
  { name: 'scenarioRegular', word: 'scenarioRegular', count: [REGULAR_SHOCKS], meaning: 'by falling shock' },
  { name: 'scenarioUpOnly', word: 'scenarioUpOnly', count: [UP_ONLY_SHOCKS], meaning: 'two shocks a word' },
] as const satisfies readonly Section[]

/** Sections of a portfolio policy that price options. */
export const pricingPolicySections = [
  ...scenarioSections,
  { name: 'basisShocks', word: 'basisShocks', meaning: 'as the policy holds it' },
  { name: 'volatilityShocks', word: 'volatilityShocks', meaning: 'as the policy holds it' },
  { name: 'skewLinear', word: 'skewLinear', meaning: 'as the policy holds it' },
  { name: 'skewAbsolute', word: 'skewAbsolute', meaning: 'as the policy holds it' },
  { name: 'longDiscount', word: 'longDiscount', meaning: 'as the policy holds it' },
  { name: 'shortDiscount', word: 'shortDiscount', meaning: 'as the policy holds it' },
] as const satisfies readonly Section[]

export const optionLists = {
  expiryMarket: {
    title: 'What a round says of one expiry',
    sections: [
      { name: 'expiryForward', word: 'expiryForward', meaning: 'as the round holds it' },
      { name: 'expirySurface', word: 'expirySurface', meaning: 'as the round holds it' },
      { name: 'expirySurfaceShape', word: 'expirySurfaceShape', meaning: 'as the round holds it' },
    ],
  },
} as const satisfies Record<string, WordList>

export const optionStatements = {
  riskArray: {
    template: 'RiskArray',
    parameters: ['strikes'],
    places: 'strikes',
    inputs: [
      {
        sections: [
          ...pricingPolicySections,
          ...optionLists.expiryMarket.sections,
          { name: 'strikes', word: 'strike', count: ['strikes'], meaning: 'any; places after the last are zero' },
        ],
      },
    ],
    outputs: [{ sections: [{ name: 'arrayRoot', word: 'root', meaning: 'commitment to header and leaves' }] }],
  },
} as const satisfies Record<string, Statement>

export const optionBuilds = [
  {
    name: 'riskArray5',
    statement: 'riskArray',
    sizes: [{ name: 'strikes', value: 5 }],
    meaning: 'five strikes of one expiry priced under every scenario',
  },
] as const satisfies readonly Build[]
