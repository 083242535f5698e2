/**
 * What each circuit proves: the only place that names packed words, their fields and their order.
 *
 * `scripts/generate.ts` turns this file into Circom (circuits/generated), Solidity (contracts/generated) and a layout
 * hash; the prover imports it directly. A *word* is one element of the statement vector: fields laid side by side from
 * the least significant bit, at most 248 bits, so that no word can alias modulo the scalar field.
 */

/** One field of a packed word. `name` carries unit and scale (STYLE: E8, X24, Seconds, …). */
export type Field = { readonly name: string; readonly bits: number; readonly meaning: string }

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
