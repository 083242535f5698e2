import type { Build, Section, Statement, Word, WordList } from './language.ts'
import { pricingPolicySections, scenarioSections } from './options.ts'

/** Words about accounts: what they hold, the market they are margined in, and what comes out. */
export const accountWords = {
  optionPosition: {
    title: 'What an account holds of one strike of one expiry',
    fields: [
      { name: 'expiry', bits: 32, meaning: 'time at which the options expire' },
      { name: 'strikeE8', bits: 48, meaning: 'strike' },
      { name: 'callsE12', bits: 61, signed: true, meaning: 'calls held, negative if sold' },
      { name: 'putsE12', bits: 61, signed: true, meaning: 'puts held, negative if sold' },
    ],
  },
  bookFlags: {
    title: 'Which segments of a book leave their expiry to the next one',
    fields: [{ name: 'continues', bits: 16, meaning: 'bit e: segment e does' }],
  },
  roundPrices: {
    title: 'What a round says about the market: prices',
    fields: [
      { name: 'spotE8', bits: 48, meaning: 'spot price, at least 1' },
      { name: 'perpPriceE8', bits: 48, meaning: 'price of the perpetual' },
      { name: 'stablePriceE12', bits: 44, meaning: 'price of the settlement currency, at least 1' },
      { name: 'asOf', bits: 32, meaning: 'time of the round' },
    ],
  },
  roundConfidences: {
    title: 'What a round says about the market: confidences, and the volatility that default is judged by',
    fields: [
      { name: 'spotConfidenceX40', bits: 41, meaning: 'confidence of the spot price' },
      { name: 'perpConfidenceX40', bits: 41, meaning: 'confidence of the price of the perpetual' },
      { name: 'horizonVolatilityX40', bits: 43, meaning: 'volatility over the default horizon: σ·√h, at least 1' },
    ],
  },
  collateralPrice: {
    title: 'What a round says about a collateral asset',
    perWord: 2,
    fields: [
      { name: 'priceE12', bits: 62, meaning: 'price' },
      { name: 'confidenceX40', bits: 41, meaning: 'confidence of the price' },
    ],
  },
  collateralPolicy: {
    title: 'How a collateral asset counts',
    perWord: 2,
    fields: [
      { name: 'initialHaircutX40', bits: 41, meaning: 'initial margin, fraction of value' },
      { name: 'maintenanceHaircutX40', bits: 41, meaning: 'maintenance margin, fraction of value' },
      { name: 'confidenceThresholdX40', bits: 41, meaning: 'lower confidence costs margin' },
      { name: 'movesWithSpot', bits: 1, meaning: '1: shocked with spot, so it offsets options and perpetuals' },
    ],
  },
  scenarioSkew: {
    title: 'Skew scenarios: options under a skewed surface, whatever moves one for one with spot under a spot shock',
    fields: [
      { name: 'shockLinearX40', bits: 43, meaning: 'linear skew: shocked over current spot' },
      { name: 'dampingLinearX40', bits: 43, meaning: 'weight of the scenario' },
      { name: 'shockAbsoluteX40', bits: 43, meaning: 'absolute skew: shocked over current spot' },
      { name: 'dampingAbsoluteX40', bits: 43, meaning: 'weight of the scenario' },
    ],
  },
  lossFactors: {
    title: 'How the worst scenario becomes margin',
    fields: [
      { name: 'maintenanceFactorX40', bits: 44, meaning: 'of the worst loss, maintenance margin' },
      { name: 'initialFactorX40', bits: 44, meaning: 'of the worst loss, initial margin' },
      { name: 'pegThresholdX40', bits: 47, meaning: 'a settlement currency below this costs initial margin' },
      { name: 'pegLossX40', bits: 44, meaning: 'added to the initial factor per unit below it' },
      { name: 'confidenceThresholdX40', bits: 41, meaning: 'feeds below this confidence cost margin' },
    ],
  },
  contingencies: {
    title: 'Margin on top of the worst scenario, fractions of notional',
    fields: [
      { name: 'maintenancePerpX40', bits: 42, meaning: 'perpetuals, maintenance' },
      { name: 'initialPerpX40', bits: 42, meaning: 'perpetuals, added for initial' },
      { name: 'maintenanceOptionX40', bits: 42, meaning: 'naked short options, maintenance' },
      { name: 'initialOptionX40', bits: 42, meaning: 'naked short options, added for initial' },
      { name: 'confidenceMarginX40', bits: 45, meaning: 'of notional, per unit of missing confidence' },
    ],
  },
  concentration: {
    title: 'Margin on top of the worst scenario, of what positions exceed their sizes by',
    fields: [
      { name: 'concentrationX40', bits: 41, meaning: 'fraction of the excess, maintenance' },
      { name: 'perpSizeQ', bits: 30, meaning: 'perpetuals, units of 2^32 · 10^-12' },
      { name: 'optionSizeQ', bits: 30, meaning: 'naked short options, units of 2^32 · 10^-12' },
    ],
  },
  collateralSize: {
    title: 'From which size on a collateral asset is concentrated',
    perWord: 8,
    fields: [{ name: 'sizeQ', bits: 30, meaning: 'units of 2^32 · 10^-12 of it' }],
  },
  holdings: {
    title: 'What an account holds besides options and collateral',
    fields: [
      { name: 'perpsE12', bits: 61, signed: true, meaning: 'perpetuals' },
      { name: 'cashE12', bits: 84, signed: true, meaning: 'cash in the settlement currency' },
      { name: 'perpPnlE12', bits: 84, signed: true, meaning: 'unrealised gain of the perpetuals, funding included' },
    ],
  },
  collateralAmount: {
    title: 'What an account holds of a collateral asset',
    perWord: 4,
    fields: [{ name: 'amountE12', bits: 62, meaning: 'amount' }],
  },
  accountMargins: {
    title: 'Margins of an account: what it holds above its requirements',
    fields: [
      {
        name: 'initialE8',
        bits: 80,
        signed: true,
        meaning: 'above the initial requirement; may open if not negative',
        claim: 'L9',
      },
      {
        name: 'maintenanceE8',
        bits: 80,
        signed: true,
        meaning: 'above maintenance; liquidation if negative',
        claim: 'L9',
      },
      {
        name: 'worstScenario',
        bits: 6,
        meaning: 'index of the scenario that binds; 33: the basis contingency',
        claim: 'L8',
      },
    ],
  },
  accountThresholds: {
    title: 'Spot levels at which an account is liquidated or defaults, as far as the scenario grid reaches',
    fields: [
      { name: 'liquidationDownE8', bits: 48, meaning: 'fall that breaches maintenance; 0: none', claim: 'L10' },
      { name: 'liquidationUpE8', bits: 48, meaning: 'rise that does; 2^48 - 1: none', claim: 'L10' },
      { name: 'defaultDownE8', bits: 48, meaning: 'fall that leaves no equity; 0: none', claim: 'L10' },
      { name: 'defaultUpE8', bits: 48, meaning: 'rise that does; 2^48 - 1: none', claim: 'L10' },
      { name: 'defaultProbabilityX32', bits: 33, meaning: 'over the default horizon', claim: 'L11' },
    ],
  },
  spotGreeks: {
    title: 'Sensitivities of options to spot and volatility',
    fields: [
      { name: 'deltaE12', bits: 80, signed: true, meaning: 'per unit of forward', claim: 'L4' },
      { name: 'gammaE20', bits: 84, signed: true, meaning: 'change of delta per unit of forward', claim: 'L4' },
      { name: 'vegaE8', bits: 80, signed: true, meaning: 'per 1.00 of volatility', claim: 'L4' },
    ],
  },
  accountRisk: {
    title: 'Sensitivities of options to time and rate, and what an account is expected to leave unpaid',
    fields: [
      { name: 'thetaE8', bits: 80, signed: true, meaning: 'per year', claim: 'L4' },
      { name: 'rhoE8', bits: 80, signed: true, meaning: 'per 1.00 of interest rate', claim: 'L4' },
      {
        name: 'expectedShortfallE8',
        bits: 82,
        meaning: 'probability of default times what the worst scenario leaves unpaid, rounded up',
        claim: 'L20',
      },
    ],
  },
  collateralMarket: {
    title: 'In which of several markets a collateral asset counts',
    perWord: 16,
    fields: [
      { name: 'market', bits: 2, meaning: 'its place among the markets: whose spot it moves with, if it moves' },
    ],
  },
  spreadCredit: {
    title: 'What a market may offset of another one',
    perWord: 4,
    fields: [{ name: 'creditX40', bits: 41, meaning: 'fraction of its worst loss, where net deltas are opposite' }],
  },
  crossMargins: {
    title: 'Margins of an account over several markets: what it holds above its requirements',
    fields: [
      {
        name: 'initialE8',
        bits: 80,
        signed: true,
        meaning: 'above the initial requirement; may open if not negative',
        claim: 'L30',
      },
      {
        name: 'maintenanceE8',
        bits: 80,
        signed: true,
        meaning: 'above maintenance; liquidation if negative',
        claim: 'L30',
      },
      {
        name: 'worstScenarios',
        bits: 24,
        meaning: 'indices of the scenarios that bind, six bits a market, the first in the low ones',
        claim: 'L30',
      },
    ],
  },
  scenarioChoice: {
    title: 'The scenario that shows an account to be unhealthy',
    fields: [{ name: 'scenario', bits: 6, meaning: 'its index' }],
  },
  maintenanceBound: {
    title: 'What the maintenance margin of an account is at most',
    fields: [{ name: 'maintenanceE8', bits: 80, signed: true, meaning: 'negative', claim: 'L12' }],
  },
} as const satisfies Record<string, Word>

/** Collateral assets a round prices, and an account may hold. */
export const COLLATERALS = 16

/** Option positions, each of one strike of one expiry, that an account may have. */
export const MOST_POSITIONS = 128

/** Markets that an account may be margined over together. */
export const MOST_MARKETS = 4

/** Sections of a portfolio policy that make margins of losses. */
const marginPolicySections = [
  { name: 'scenarioSkew', word: 'scenarioSkew', meaning: 'as the policy holds it' },
  { name: 'lossFactors', word: 'lossFactors', meaning: 'as the policy holds it' },
  { name: 'contingencies', word: 'contingencies', meaning: 'as the policy holds it' },
  { name: 'collateralPolicy', word: 'collateralPolicy', count: [COLLATERALS], meaning: 'as the policy holds it' },
  { name: 'concentration', word: 'concentration', meaning: 'as the policy holds it' },
  { name: 'collateralSizes', word: 'collateralSize', count: [COLLATERALS], meaning: 'as the policy holds them' },
] as const satisfies readonly Section[]

/** Sections of a round and a policy that are of the pool of collateral, whatever market they come from. */
const isPooled = ({ name }: Pick<Section, 'name'>): boolean => POOLED.has(name)
const POOLED: ReadonlySet<string> = new Set(['collateralPrices', 'collateralPolicy', 'collateralSizes'])

export const accountLists = {
  portfolioPolicy: {
    title: 'The risk appetite of portfolio margins',
    sections: [...pricingPolicySections, ...marginPolicySections],
    kept: true,
  },
  roundMarket: {
    title: 'What a round says of the market',
    sections: [
      { name: 'roundPrices', word: 'roundPrices', meaning: 'as the round holds it' },
      { name: 'roundConfidences', word: 'roundConfidences', meaning: 'as the round holds it' },
      { name: 'collateralPrices', word: 'collateralPrice', count: [COLLATERALS], meaning: 'as the round holds them' },
    ],
  },
  crossPolicy: {
    title: 'How several markets margin an account together',
    sections: [
      {
        name: 'collateralMarkets',
        word: 'collateralMarket',
        count: [COLLATERALS],
        meaning: 'as the policy holds them',
      },
      {
        name: 'spreadCredits',
        word: 'spreadCredit',
        count: [MOST_MARKETS],
        meaning: 'by market, as the policy holds them',
      },
    ],
    kept: true,
  },
  accountResults: {
    title: 'What is proven of an account',
    sections: [
      { name: 'margins', word: 'accountMargins', meaning: 'initial and maintenance' },
      { name: 'thresholds', word: 'accountThresholds', meaning: 'liquidation and default' },
      { name: 'spotGreeks', word: 'spotGreeks', meaning: 'of its options' },
      { name: 'risk', word: 'accountRisk', meaning: 'time and rate of its options, expected shortfall' },
    ],
  },
} as const satisfies Record<string, WordList>

const marginSections = [
  ...accountLists.roundMarket.sections,
  ...scenarioSections,
  ...marginPolicySections,
] as const satisfies readonly Section[]

/** What a venue reports of an account besides options. */
const holdingSections = [
  { name: 'holdings', word: 'holdings', meaning: 'as the venue reports them' },
  { name: 'collateralAmounts', word: 'collateralAmount', count: [COLLATERALS], meaning: 'as the venue reports them' },
] as const satisfies readonly Section[]

const accountSections = [
  { name: 'stateIn', word: 'root', meaning: "the account's book after its last option position" },
  ...holdingSections,
] as const satisfies readonly Section[]

export const accountStatements = {
  optionBook: {
    template: 'OptionBook',
    parameters: ['segments', 'strikes', 'expiries'],
    places: 'segments',
    slots: 'strikes',
    inputs: [
      {
        sections: [
          { name: 'stateIn', word: 'root', meaning: 'what the book before it ends with; the empty state at first' },
          { name: 'arrayRoots', word: 'root', count: ['segments'], meaning: 'as the registry holds them' },
          {
            name: 'positions',
            word: 'optionPosition',
            count: ['segments', 'strikes'],
            meaning: 'one for each strike of each array, nothing held where a quantity is 0',
          },
          { name: 'flags', word: 'bookFlags', meaning: 'which segments continue' },
        ],
      },
    ],
    outputs: [{ sections: [{ name: 'stateOut', word: 'root', meaning: 'after the last segment' }] }],
  },
  portfolioMargin: {
    template: 'PortfolioMargin',
    parameters: ['accounts'],
    places: 'accounts',
    inputs: [{ sections: marginSections }, { repeat: 'accounts', sections: accountSections }],
    outputs: [{ repeat: 'accounts', sections: accountLists.accountResults.sections }],
  },
  marginsAlone: {
    template: 'MarginsAlone',
    parameters: ['accounts'],
    places: 'accounts',
    inputs: [{ sections: marginSections }, { repeat: 'accounts', sections: accountSections }],
    outputs: [
      {
        repeat: 'accounts',
        sections: [{ name: 'margins', word: 'accountMargins', meaning: 'initial and maintenance' }],
      },
    ],
  },
  arrayMargin: {
    template: 'ArrayMargin',
    parameters: ['arrays', 'strikes', 'expiries'],
    places: 'arrays',
    slots: 'strikes',
    inputs: [
      {
        sections: [
          ...marginSections,
          { name: 'arrayRoots', word: 'root', count: ['arrays'], meaning: 'as the registry holds them' },
          {
            name: 'positions',
            word: 'optionPosition',
            count: ['arrays', 'strikes'],
            meaning: 'one for each strike of each array, nothing held where a quantity is 0',
          },
          { name: 'flags', word: 'bookFlags', meaning: 'which arrays leave their expiry to the next one' },
          ...holdingSections,
        ],
      },
    ],
    outputs: [{ sections: accountLists.accountResults.sections }],
  },
  crossMargins: {
    template: 'CrossMargins',
    parameters: ['accounts', 'markets', 'parts'],
    places: 'accounts',
    slots: 'markets',
    inputs: [
      { repeat: 'markets', sections: marginSections.filter((section) => !isPooled(section)) },
      { sections: [...marginSections.filter(isPooled), ...accountLists.crossPolicy.sections] },
      { repeat: 'accounts', sections: holdingSections.filter(({ name }) => name === 'collateralAmounts') },
      { repeat: 'parts', sections: accountSections.filter(({ name }) => name !== 'collateralAmounts') },
    ],
    outputs: [
      {
        repeat: 'accounts',
        sections: [{ name: 'margins', word: 'crossMargins', meaning: 'initial and maintenance' }],
      },
    ],
  },
  unhealthyWitness: {
    template: 'UnhealthyWitness',
    parameters: [],
    inputs: [
      {
        sections: [
          ...marginSections,
          ...accountSections,
          { name: 'choice', word: 'scenarioChoice', meaning: 'any scenario will do' },
        ],
      },
    ],
    outputs: [{ sections: [{ name: 'bound', word: 'maintenanceBound', meaning: 'negative' }] }],
  },
  scenarioWitness: {
    template: 'ScenarioWitness',
    parameters: ['arrays', 'strikes', 'expiries'],
    places: 'arrays',
    slots: 'strikes',
    inputs: [
      {
        sections: [
          ...marginSections,
          { name: 'arrayRoots', word: 'root', count: ['arrays'], meaning: 'as the registry holds them' },
          {
            name: 'positions',
            word: 'optionPosition',
            count: ['arrays', 'strikes'],
            meaning: 'one for each strike of each array, nothing held where a quantity is 0',
          },
          { name: 'flags', word: 'bookFlags', meaning: 'which arrays leave their expiry to the next one' },
          ...holdingSections,
          { name: 'choice', word: 'scenarioChoice', meaning: 'any scenario will do' },
        ],
      },
    ],
    outputs: [{ sections: [{ name: 'bound', word: 'maintenanceBound', meaning: 'negative' }] }],
  },
} as const satisfies Record<string, Statement>

export const accountBuilds = [
  {
    name: 'optionBook8x5',
    statement: 'optionBook',
    sizes: [
      { name: 'segments', value: 8 },
      { name: 'strikes', value: 5 },
      { name: 'expiries', value: 3 },
    ],
    meaning: 'the option positions of an account in eight arrays, of which up to three expiries end',
  },
  {
    name: 'portfolioMargin3',
    statement: 'portfolioMargin',
    sizes: [{ name: 'accounts', value: 3 }],
    meaning: 'margins of three accounts',
  },
  {
    name: 'marginsAlone5',
    statement: 'marginsAlone',
    sizes: [{ name: 'accounts', value: 5 }],
    meaning: 'margins of five accounts, and nothing else of them',
  },
  {
    name: 'arrayMargin2x5',
    statement: 'arrayMargin',
    sizes: [
      { name: 'arrays', value: 2 },
      { name: 'strikes', value: 5 },
      { name: 'expiries', value: 1 },
    ],
    meaning: 'all that is proven of one account whose options are of one expiry, in at most two arrays, without a book',
  },
  {
    name: 'crossMargins2x2',
    statement: 'crossMargins',
    sizes: [
      { name: 'accounts', value: 2 },
      { name: 'markets', value: 2 },
      { name: 'parts', value: 4 },
    ],
    meaning: 'margins of two accounts over two markets together',
  },
  {
    name: 'unhealthyWitness',
    statement: 'unhealthyWitness',
    sizes: [],
    meaning: 'one scenario that shows an account to be below maintenance, from its book',
  },
  {
    name: 'scenarioWitness13x5',
    statement: 'scenarioWitness',
    sizes: [
      { name: 'arrays', value: 13 },
      { name: 'strikes', value: 5 },
      { name: 'expiries', value: 4 },
    ],
    meaning: 'the same from thirteen arrays, of up to four expiries, without a book',
  },
] as const satisfies readonly Build[]
