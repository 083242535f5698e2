/**
 * What each circuit proves: the only place that names packed words, their fields and their order.
 *
 * `scripts/generate.ts` turns this file into Circom (circuits/generated), Solidity (contracts/generated) and a layout
 * hash; the prover imports it directly. A *word* is one element of the statement vector: fields laid side by side from
 * the least significant bit, at most 248 bits, so that no word can alias modulo the scalar field.
 */

/** One field of a packed word. `name` carries unit and scale (STYLE: E8, X24, Seconds, …). */
export type Field = {
  readonly name: string
  readonly bits: number
  /** The field holds value + 2^(bits - 1), so that values from -2^(bits - 1) up to 2^(bits - 1) - 1 fit. */
  readonly signed?: true
  readonly meaning: string
}

export type PackedWord = { readonly title: string; readonly fields: readonly Field[] }

/** Largest width of a word: 2^248 < p, so a word below it has one representation in the field. */
export const WORD_BITS = 248

/** Observations that share one statement word (2 × 108 bits). */
export const OBSERVATIONS_PER_WORD = 2

export const packedWords = {
  observation: {
    title: 'What an oracle reported for one market at one time; half a statement word',
    fields: [
      { name: 'priceE8', bits: 48, meaning: 'quote per base, at least 1' },
      { name: 'asOf', bits: 32, meaning: 'time of the price' },
      {
        name: 'impliedVolatilityX24',
        bits: 28,
        meaning: 'attested 30-day at-the-money volatility; 0 when none was attested',
      },
    ],
  },
  volatilityState: {
    title: 'What the volatility model remembers of one market',
    fields: [
      { name: 'varianceFastX36', bits: 46, meaning: 'annualised variance, short half-life, saturating' },
      { name: 'varianceSlowX36', bits: 46, meaning: 'annualised variance, long half-life, saturating' },
      { name: 'lnPriceX26', bits: 32, meaning: 'natural logarithm of the last priceE8, rounded down' },
      { name: 'asOf', bits: 32, meaning: 'time of the last observation' },
      { name: 'multiplierDownX18', bits: 22, meaning: 'learned confidence multiplier of falls' },
      { name: 'multiplierUpX18', bits: 22, meaning: 'learned confidence multiplier of rises' },
    ],
  },
  anchorState: {
    title: 'The prediction that is being tested, and the margins the dampers start from',
    fields: [
      { name: 'anchorLnPriceX26', bits: 32, meaning: 'log price when the prediction was made' },
      { name: 'anchorAsOf', bits: 32, meaning: 'time of the prediction' },
      { name: 'anchorMoveDownX24', bits: 24, meaning: 'predicted fall over one horizon, log return' },
      { name: 'anchorMoveUpX24', bits: 24, meaning: 'predicted rise over one horizon, log return' },
      { name: 'initialMarginX24', bits: 24, meaning: 'initial margin in force' },
      { name: 'maintenanceMarginX24', bits: 24, meaning: 'maintenance margin in force' },
    ],
  },
  learningPolicy: {
    title: 'Engine-wide policy of estimation and learning',
    fields: [
      { name: 'decayRateX36', bits: 25, meaning: 'fast half-lives per second' },
      { name: 'horizonSeconds', bits: 24, meaning: 'time a position needs to be closed' },
      { name: 'sqrtHorizonX24', bits: 24, meaning: 'square root of the horizon in years, rounded up' },
      { name: 'stepUpX18', bits: 18, meaning: 'added to a multiplier by a breach: learning rate × (1 − α)' },
      { name: 'stepDownX18', bits: 18, meaning: 'taken from a multiplier by a quiet horizon: learning rate × α' },
      { name: 'multiplierFloorX18', bits: 22, meaning: 'least multiplier' },
      { name: 'multiplierCeilingX18', bits: 22, meaning: 'greatest multiplier' },
    ],
  },
  marginPolicy: {
    title: 'Engine-wide policy of margins',
    fields: [
      { name: 'impliedWeightX10', bits: 11, meaning: 'weight of implied volatility, at most 1' },
      { name: 'stressWeightX10', bits: 11, meaning: 'weight of the stressed variance, at most 1' },
      { name: 'scanMultipleX8', bits: 12, meaning: 'spot scan range over horizon move' },
      { name: 'loosenPerSecondX32', bits: 20, meaning: 'fastest fall of a margin' },
      { name: 'tightenPerSecondX32', bits: 20, meaning: 'fastest rise of the maintenance margin' },
      { name: 'initialMarginBufferX10', bits: 10, meaning: 'initial over maintenance margin, less 1' },
    ],
  },
  marketPolicy: {
    title: 'Policy of one market',
    fields: [
      { name: 'maxReturnX16', bits: 16, meaning: 'log returns beyond this are winsorised' },
      { name: 'volatilityFloorX16', bits: 20, meaning: 'least volatility used' },
      { name: 'volatilityCeilingX16', bits: 20, meaning: 'greatest volatility used' },
      { name: 'stressVolatilityX16', bits: 20, meaning: 'volatility of the stressed period' },
      { name: 'liquidationCostX16', bits: 16, meaning: 'cost of closing a position, fraction of notional' },
      { name: 'maintenanceMarginFloorX16', bits: 16, meaning: 'least maintenance margin' },
      { name: 'maintenanceMarginCeilingX16', bits: 16, meaning: 'greatest maintenance margin' },
      { name: 'liquidationBonusX16', bits: 16, meaning: 'paid to the liquidator, fraction of collateral' },
      { name: 'scanRangeFloorX16', bits: 18, meaning: 'least spot scan range' },
      { name: 'scanRangeCeilingX16', bits: 18, meaning: 'greatest spot scan range' },
    ],
  },
  parameters: {
    title: 'Risk parameters of one market, as a consumer reads them',
    fields: [
      { name: 'initialMarginX24', bits: 24, meaning: 'needed to open; fraction of notional' },
      { name: 'maintenanceMarginX24', bits: 24, meaning: 'below it, liquidation; fraction of notional' },
      { name: 'liquidationThresholdX24', bits: 24, meaning: 'loan-to-value at which liquidation starts' },
      { name: 'maxLoanToValueX24', bits: 24, meaning: 'loan-to-value up to which one may borrow' },
      { name: 'scanRangeX24', bits: 26, meaning: 'spot shock of the scenario grid' },
      { name: 'volatilityX24', bits: 28, meaning: 'annualised volatility used' },
      { name: 'horizonMoveDownX24', bits: 24, meaning: 'predicted fall over one horizon, log return' },
      { name: 'horizonMoveUpX24', bits: 24, meaning: 'predicted rise over one horizon, log return' },
      { name: 'asOf', bits: 32, meaning: 'time of the newest observation behind the parameters' },
    ],
  },
  scenarioRegular: {
    title: 'One spot shock of the regular grid and how its three scenarios are damped',
    fields: [
      { name: 'shockX40', bits: 43, meaning: 'shocked over current spot' },
      { name: 'dampingUpX40', bits: 43, meaning: 'weight of the scenario with volatility up' },
      { name: 'dampingNoneX40', bits: 43, meaning: 'weight of the scenario with volatility as it is' },
      { name: 'dampingDownX40', bits: 43, meaning: 'weight of the scenario with volatility down' },
    ],
  },
  scenarioUpOnlyPair: {
    title: 'Two spot shocks that are only tried with volatility up: extremes and tails',
    fields: [
      { name: 'firstShockX40', bits: 43, meaning: 'shocked over current spot' },
      { name: 'firstDampingX40', bits: 43, meaning: 'weight of the first scenario' },
      { name: 'secondShockX40', bits: 43, meaning: 'shocked over current spot' },
      { name: 'secondDampingX40', bits: 43, meaning: 'weight of the second scenario' },
    ],
  },
  scenarioSpecial: {
    title: 'Skew scenarios, and the forward shocks of the basis contingency',
    fields: [
      { name: 'dampingLinearX40', bits: 43, meaning: 'weight of the linear skew scenario' },
      { name: 'dampingAbsoluteX40', bits: 43, meaning: 'weight of the absolute skew scenario' },
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
  strikes: {
    title: 'Five strikes; 0 where there is none',
    fields: [
      { name: 'firstE8', bits: 48, meaning: 'strike' },
      { name: 'secondE8', bits: 48, meaning: 'strike' },
      { name: 'thirdE8', bits: 48, meaning: 'strike' },
      { name: 'fourthE8', bits: 48, meaning: 'strike' },
      { name: 'fifthE8', bits: 48, meaning: 'strike' },
    ],
  },
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
  collateralPricePair: {
    title: 'What a round says about two collateral assets',
    fields: [
      { name: 'firstPriceE12', bits: 62, meaning: 'price' },
      { name: 'firstConfidenceX40', bits: 41, meaning: 'confidence of the price' },
      { name: 'secondPriceE12', bits: 62, meaning: 'price' },
      { name: 'secondConfidenceX40', bits: 41, meaning: 'confidence of the price' },
    ],
  },
  collateralPolicyPair: {
    title: 'How two collateral assets count',
    fields: [
      { name: 'firstInitialHaircutX40', bits: 41, meaning: 'initial margin, fraction of value' },
      { name: 'firstMaintenanceHaircutX40', bits: 41, meaning: 'maintenance margin, fraction of value' },
      { name: 'firstConfidenceThresholdX40', bits: 41, meaning: 'lower confidence costs margin' },
      { name: 'firstMovesWithSpot', bits: 1, meaning: '1: shocked with spot, so it offsets options and perpetuals' },
      { name: 'secondInitialHaircutX40', bits: 41, meaning: 'initial margin, fraction of value' },
      { name: 'secondMaintenanceHaircutX40', bits: 41, meaning: 'maintenance margin, fraction of value' },
      { name: 'secondConfidenceThresholdX40', bits: 41, meaning: 'lower confidence costs margin' },
      { name: 'secondMovesWithSpot', bits: 1, meaning: '1: shocked with spot, so it offsets options and perpetuals' },
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
  holdings: {
    title: 'What an account holds besides options and collateral',
    fields: [
      { name: 'perpsE12', bits: 61, signed: true, meaning: 'perpetuals' },
      { name: 'cashE12', bits: 84, signed: true, meaning: 'cash in the settlement currency' },
      { name: 'perpPnlE12', bits: 84, signed: true, meaning: 'unrealised gain of the perpetuals, funding included' },
    ],
  },
  collateralAmounts: {
    title: 'What an account holds of four collateral assets',
    fields: [
      { name: 'firstE12', bits: 62, meaning: 'amount' },
      { name: 'secondE12', bits: 62, meaning: 'amount' },
      { name: 'thirdE12', bits: 62, meaning: 'amount' },
      { name: 'fourthE12', bits: 62, meaning: 'amount' },
    ],
  },
  accountMargins: {
    title: 'Margins of an account: what it holds above its requirements',
    fields: [
      { name: 'initialE8', bits: 80, signed: true, meaning: 'above the initial requirement; may open if not negative' },
      { name: 'maintenanceE8', bits: 80, signed: true, meaning: 'above maintenance; liquidation if negative' },
      { name: 'worstScenario', bits: 6, meaning: 'index of the scenario that binds; 33: the basis contingency' },
    ],
  },
  accountThresholds: {
    title: 'Spot levels at which an account is liquidated or defaults, as far as the scenario grid reaches',
    fields: [
      { name: 'liquidationDownE8', bits: 48, meaning: 'fall that breaches maintenance; 0: none' },
      { name: 'liquidationUpE8', bits: 48, meaning: 'rise that does; 2^48 - 1: none' },
      { name: 'defaultDownE8', bits: 48, meaning: 'fall that leaves no equity; 0: none' },
      { name: 'defaultUpE8', bits: 48, meaning: 'rise that does; 2^48 - 1: none' },
      { name: 'defaultProbabilityX32', bits: 33, meaning: 'over the default horizon' },
    ],
  },
  spotGreeks: {
    title: 'Sensitivities of options to spot and volatility',
    fields: [
      { name: 'deltaE12', bits: 80, signed: true, meaning: 'per unit of forward' },
      { name: 'gammaE20', bits: 84, signed: true, meaning: 'change of delta per unit of forward' },
      { name: 'vegaE8', bits: 80, signed: true, meaning: 'per 1.00 of volatility' },
    ],
  },
  timeGreeks: {
    title: 'Sensitivities of options to time and rate',
    fields: [
      { name: 'thetaE8', bits: 80, signed: true, meaning: 'per year' },
      { name: 'rhoE8', bits: 80, signed: true, meaning: 'per 1.00 of interest rate' },
    ],
  },
  batchRisk: {
    title: 'Risk of a batch of accounts together',
    fields: [
      { name: 'defaultProbabilityX32', bits: 48, meaning: 'sum over accounts' },
      {
        name: 'expectedShortfallE8',
        bits: 100,
        meaning: 'sum of probability of default times deficit in the worst scenario',
      },
      { name: 'unhealthy', bits: 16, meaning: 'accounts below maintenance' },
    ],
  },
  scenarioChoice: {
    title: 'The scenario that shows an account to be unhealthy',
    fields: [{ name: 'scenario', bits: 6, meaning: 'its index' }],
  },
  maintenanceBound: {
    title: 'What the maintenance margin of an account is at most',
    fields: [{ name: 'maintenanceE8', bits: 80, signed: true, meaning: 'negative' }],
  },
} as const satisfies Record<string, PackedWord>

export type PackedWordName = keyof typeof packedWords

/** Values of a packed word by field name; a missing, extra or misspelt name does not compile. */
export type Fields<W extends PackedWordName> = {
  readonly [F in (typeof packedWords)[W]['fields'][number]['name']]: bigint
}

/** One place of a statement: a packed word, or `observations`, which takes ⌈K / 2⌉ words. */
export type Place = { readonly name: string; readonly word: PackedWordName | 'observations'; readonly meaning: string }

export type Statement = {
  readonly template: string
  readonly shared: readonly Place[]
  readonly marketInputs: readonly Place[]
  readonly marketOutputs: readonly Place[]
}

/**
 * Statement vectors. Order: shared inputs, then every market's inputs, then every market's outputs.
 *
 * Inputs are committed to; outputs follow from inputs (docs/statement.md says why that suffices).
 */
export const statements = {
  marketRisk: {
    template: 'MarketRisk',
    shared: [
      { name: 'learningPolicy', word: 'learningPolicy', meaning: 'as RiskPolicy holds it' },
      { name: 'marginPolicy', word: 'marginPolicy', meaning: 'as RiskPolicy holds it' },
    ],
    marketInputs: [
      { name: 'previousVolatilityState', word: 'volatilityState', meaning: 'as the registry holds it' },
      { name: 'previousAnchorState', word: 'anchorState', meaning: 'as the registry holds it' },
      { name: 'marketPolicy', word: 'marketPolicy', meaning: 'as RiskPolicy holds it' },
      {
        name: 'observations',
        word: 'observations',
        meaning: 'as the inbox holds them, oldest first, after the unused slots',
      },
    ],
    marketOutputs: [
      { name: 'volatilityState', word: 'volatilityState', meaning: 'after the observations' },
      { name: 'anchorState', word: 'anchorState', meaning: 'after the observations' },
      { name: 'parameters', word: 'parameters', meaning: 'after the observations' },
    ],
  },
} as const satisfies Record<string, Statement>

/** Slow half-life = fast half-life × 2^SLOW_HALF_LIFE_SHIFT: one time product serves both weights. */
export const SLOW_HALF_LIFE_SHIFT = 4

/** Spot shocks of the regular scenario grid, each with volatility up, unchanged and down. */
export const REGULAR_SHOCKS = 7
/** Spot shocks that are only tried with volatility up. */
export const UP_ONLY_SHOCKS = 10
/** Collateral assets a round prices. */
export const COLLATERALS = 8
/** Strikes that share one statement word (5 × 48 bits). */
export const STRIKES_PER_WORD = 5

/** Sizes that a build chooses. */
export type Size = 'strikes' | 'segments' | 'accounts'

/**
 * Words of one kind, side by side; how many is the product of `count`, one if absent, over `perWord`, rounded up. A
 * `root` is an element of the scalar field and not packed: a Poseidon commitment to words of another proof.
 */
export type Section = {
  readonly name: string
  readonly word: PackedWordName | 'root'
  readonly count?: readonly (number | Size)[]
  readonly perWord?: number
  readonly meaning: string
}

/** Sections that stand together, repeated as often as `repeat` says. */
export type Group = { readonly repeat?: Size; readonly sections: readonly Section[] }

export type PortfolioStatement = {
  readonly template: string
  readonly inputs: readonly Group[]
  readonly outputs: readonly Group[]
}

const scenarioSections = [
  { name: 'scenarioRegular', word: 'scenarioRegular', count: [REGULAR_SHOCKS], meaning: 'by falling shock' },
  {
    name: 'scenarioUpOnly',
    word: 'scenarioUpOnlyPair',
    count: [UP_ONLY_SHOCKS],
    perWord: 2,
    meaning: 'two shocks a word',
  },
  { name: 'scenarioSpecial', word: 'scenarioSpecial', meaning: 'skew and basis' },
] as const satisfies readonly Section[]

const marginSections = [
  { name: 'roundPrices', word: 'roundPrices', meaning: 'as the round holds it' },
  { name: 'roundConfidences', word: 'roundConfidences', meaning: 'as the round holds it' },
  {
    name: 'collateralPrices',
    word: 'collateralPricePair',
    count: [COLLATERALS],
    perWord: 2,
    meaning: 'as the round holds them',
  },
  ...scenarioSections,
  { name: 'lossFactors', word: 'lossFactors', meaning: 'as the policy holds it' },
  { name: 'contingencies', word: 'contingencies', meaning: 'as the policy holds it' },
  {
    name: 'collateralPolicy',
    word: 'collateralPolicyPair',
    count: [COLLATERALS],
    perWord: 2,
    meaning: 'as the policy holds it',
  },
] as const satisfies readonly Section[]

const accountSections = [
  { name: 'stateIn', word: 'root', meaning: "the account's book after its last option position" },
  { name: 'holdings', word: 'holdings', meaning: 'as the venue reports them' },
  {
    name: 'collateralAmounts',
    word: 'collateralAmounts',
    count: [COLLATERALS],
    perWord: 4,
    meaning: 'as the venue reports them',
  },
] as const satisfies readonly Section[]

/**
 * Statements about options and portfolios: all input sections, then all output sections. As for `statements`, inputs are
 * committed to and outputs follow from them.
 */
export const portfolioStatements = {
  riskArray: {
    template: 'RiskArray',
    inputs: [
      {
        sections: [
          ...scenarioSections,
          { name: 'volatilityShocks', word: 'volatilityShocks', meaning: 'as the policy holds it' },
          { name: 'skewLinear', word: 'skewLinear', meaning: 'as the policy holds it' },
          { name: 'skewAbsolute', word: 'skewAbsolute', meaning: 'as the policy holds it' },
          { name: 'longDiscount', word: 'longDiscount', meaning: 'as the policy holds it' },
          { name: 'shortDiscount', word: 'shortDiscount', meaning: 'as the policy holds it' },
          { name: 'expiryForward', word: 'expiryForward', meaning: 'as the round holds it' },
          { name: 'expirySurface', word: 'expirySurface', meaning: 'as the round holds it' },
          { name: 'expirySurfaceShape', word: 'expirySurfaceShape', meaning: 'as the round holds it' },
          {
            name: 'strikes',
            word: 'strikes',
            count: ['strikes'],
            perWord: STRIKES_PER_WORD,
            meaning: 'any; places after the last are zero',
          },
        ],
      },
    ],
    outputs: [{ sections: [{ name: 'arrayRoot', word: 'root', meaning: 'commitment to header and leaves' }] }],
  },
  optionBook: {
    template: 'OptionBook',
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
    inputs: [{ sections: marginSections }, { repeat: 'accounts', sections: accountSections }],
    outputs: [
      {
        repeat: 'accounts',
        sections: [
          { name: 'margins', word: 'accountMargins', meaning: 'initial and maintenance' },
          { name: 'thresholds', word: 'accountThresholds', meaning: 'liquidation and default' },
          { name: 'spotGreeks', word: 'spotGreeks', meaning: 'of its options' },
          { name: 'timeGreeks', word: 'timeGreeks', meaning: 'of its options' },
        ],
      },
      {
        sections: [
          { name: 'batchRisk', word: 'batchRisk', meaning: 'of all accounts' },
          { name: 'batchSpotGreeks', word: 'spotGreeks', meaning: 'of all accounts' },
          { name: 'batchTimeGreeks', word: 'timeGreeks', meaning: 'of all accounts' },
        ],
      },
    ],
  },
  unhealthyWitness: {
    template: 'UnhealthyWitness',
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
} as const satisfies Record<string, PortfolioStatement>

export type PortfolioStatementName = keyof typeof portfolioStatements
