import type { Build, CallItem, Statement, StructPlace, VolatilityModelRow, Word, WordStruct } from './language.ts'

/** Words about markets: observations, volatility, parameters, and the policy behind them. */
export const marketWords = {
  observation: {
    title: 'What an oracle reported for one market at one time',
    perWord: 2,
    fields: [
      { name: 'priceE8', bits: 48, meaning: 'quote per base, at least 1' },
      { name: 'asOf', bits: 32, meaning: 'time of the price' },
      {
        name: 'impliedVolatilityX16',
        bits: 20,
        meaning: 'attested 30-day at-the-money volatility; 0 when none was attested',
      },
      {
        name: 'rangeCode',
        bits: 12,
        meaning: 'ln(high / low) since the observation before, as prover/market/range.ts writes it; 0 if not attested',
      },
    ],
  },
  volatilityState: {
    title: 'What the volatility model remembers of one market',
    fields: [
      { name: 'lnPriceX26', bits: 32, meaning: 'natural logarithm of the last priceE8, rounded down', claim: 'O1' },
      { name: 'asOf', bits: 32, meaning: 'time of the last observation', claim: 'O1' },
      {
        name: 'variance0X36',
        bits: 46,
        meaning: 'annualised variance, saturating; which one is the model’s',
        claim: 'V1',
      },
      { name: 'variance1X36', bits: 46, optional: true, meaning: 'another', claim: 'V1' },
      { name: 'variance2X36', bits: 46, optional: true, meaning: 'another', claim: 'V3' },
      { name: 'variance3X36', bits: 46, optional: true, meaning: 'another', claim: 'V3' },
    ],
  },
  anchorState: {
    title: 'The prediction that is being tested, what has been learned of it, and the margins the dampers start from',
    fields: [
      { name: 'anchorLnPriceX26', bits: 32, meaning: 'log price when the prediction was made', claim: 'C1' },
      { name: 'anchorAsOf', bits: 32, meaning: 'time of the prediction', claim: 'C1' },
      { name: 'anchorMoveDownX24', bits: 24, meaning: 'predicted fall over one horizon, log return', claim: 'P2' },
      { name: 'anchorMoveUpX24', bits: 24, meaning: 'predicted rise over one horizon, log return', claim: 'P2' },
      { name: 'initialMarginX24', bits: 24, meaning: 'initial margin in force', claim: 'P6' },
      { name: 'maintenanceMarginX24', bits: 24, meaning: 'maintenance margin in force', claim: 'P6' },
      { name: 'multiplierDownX18', bits: 22, meaning: 'learned confidence multiplier of falls', claim: 'C2' },
      { name: 'multiplierUpX18', bits: 22, meaning: 'learned confidence multiplier of rises', claim: 'C2' },
    ],
  },
  learningPolicy: {
    title: 'Engine-wide policy of estimation and learning',
    fields: [
      {
        name: 'decayRateX36',
        bits: 25,
        least: 26_512,
        greatest: 19_088_744,
        meaning: 'fast half-lives per second',
        because:
          'a half-life of 1 hour to 30 days: shorter is noise, and beyond the slowest in use (0.97 a day, 23 days) a crash comes too late',
      },
      {
        name: 'horizonSeconds',
        bits: 24,
        least: 60,
        greatest: 864_000,
        meaning: 'time a position needs to be closed',
        because: '1 minute to 10 days: a liquidation takes some blocks, and ten days are what banks hold capital for',
      },
      { name: 'sqrtHorizonX24', bits: 24, meaning: 'square root of the horizon in years, rounded up' },
      {
        name: 'stepUpX18',
        bits: 18,
        least: { field: 'stepDownX18', plus: 1 },
        meaning: 'added to a multiplier by a breach: learning rate × (1 − α)',
      },
      {
        name: 'stepDownX18',
        bits: 18,
        least: 1,
        meaning: 'taken from a multiplier by a quiet horizon: learning rate × α',
      },
      {
        name: 'multiplierFloorX18',
        bits: 22,
        least: 131_072,
        meaning: 'least multiplier',
        because: 'half a standard deviation: less is no margin, whatever was learned',
      },
      {
        name: 'multiplierCeilingX18',
        bits: 22,
        least: { field: 'multiplierFloorX18' },
        meaning: 'greatest multiplier',
      },
    ],
  },
  marginPolicy: {
    title: 'Engine-wide policy of margins',
    fields: [
      { name: 'impliedWeightX10', bits: 11, greatest: 2 ** 10, meaning: 'weight of implied volatility, at most 1' },
      { name: 'stressWeightX10', bits: 11, greatest: 2 ** 10, meaning: 'weight of the stressed variance, at most 1' },
      { name: 'scanMultipleX8', bits: 12, least: 2 ** 8, meaning: 'spot scan range over horizon move' },
      {
        name: 'loosenPerSecondX32',
        bits: 20,
        greatest: 59_652,
        meaning: 'fastest fall of a margin',
        because:
          '5 % of notional an hour: what a crash has raised to a half takes hours to come down, in which it may go on',
      },
      {
        name: 'tightenPerSecondX32',
        bits: 20,
        least: 2_983,
        greatest: 596_523,
        meaning: 'fastest rise of the maintenance margin',
        because:
          '0.25 % to 50 % of notional an hour: margins follow a crash within a day; faster leaves no less bad debt than no ramp (docs/dampers.md)',
      },
      {
        name: 'initialMarginBufferX10',
        bits: 10,
        least: 51,
        meaning: 'initial over maintenance margin, less 1',
        because: '5 %: whoever has just opened is not liquidated by the next price',
      },
    ],
  },
  marketPolicy: {
    title: 'Policy of one market',
    fields: [
      {
        name: 'maxReturnX16',
        bits: 16,
        least: 655,
        meaning: 'log returns beyond this are winsorised',
        because: '1 %: volatility has to see a fall to follow it',
      },
      {
        name: 'volatilityFloorX16',
        bits: 20,
        least: 655,
        meaning: 'least volatility used',
        because: '1 %: less is no market',
      },
      {
        name: 'volatilityCeilingX16',
        bits: 20,
        least: { field: 'volatilityFloorX16' },
        meaning: 'greatest volatility used',
      },
      { name: 'stressVolatilityX16', bits: 20, meaning: 'volatility of the stressed period' },
      {
        name: 'liquidationCostX16',
        bits: 16,
        greatest: 13_107,
        meaning: 'cost of closing a position, fraction of notional',
        because: '20 %: what costs more to close cannot be margined',
      },
      {
        name: 'maintenanceMarginFloorX16',
        bits: 16,
        least: 328,
        meaning: 'least maintenance margin',
        because: '0.5 %: leverage of 200 at the most, what the largest venues allow',
      },
      {
        name: 'maintenanceMarginCeilingX16',
        bits: 16,
        least: { field: 'maintenanceMarginFloorX16' },
        greatest: 58_982,
        meaning: 'greatest maintenance margin',
        because: '90 %: above it an account that owes next to nothing would be liquidated',
      },
      {
        name: 'liquidationBonusX16',
        bits: 16,
        greatest: 13_107,
        meaning: 'paid to the liquidator, fraction of collateral',
        because: '20 %: what is liquidated must be worth more to its owner than to the liquidator',
      },
      {
        name: 'scanRangeFloorX16',
        bits: 18,
        least: 655,
        meaning: 'least spot scan range',
        because: '1 %: a grid narrower than that has one scenario',
      },
      {
        name: 'scanRangeCeilingX16',
        bits: 18,
        least: { field: 'scanRangeFloorX16' },
        meaning: 'greatest spot scan range',
      },
      { name: 'longRunVolatilityX16', bits: 20, optional: true, meaning: 'GARCH: what volatility reverts to' },
      { name: 'reversionRateX36', bits: 25, optional: true, meaning: 'GARCH: half-lives of reversion per second' },
      {
        name: 'forecastWeightX26',
        bits: 27,
        optional: true,
        greatest: 2 ** 26,
        meaning: 'GARCH: mean weight of reversion over the horizon',
      },
    ],
  },
  parameters: {
    title: 'Risk parameters of one market, as a consumer reads them',
    fields: [
      { name: 'initialMarginX24', bits: 24, meaning: 'needed to open; fraction of notional', claim: 'P5' },
      { name: 'maintenanceMarginX24', bits: 24, meaning: 'below it, liquidation; fraction of notional', claim: 'P4' },
      { name: 'liquidationThresholdX24', bits: 24, meaning: 'loan-to-value at which liquidation starts', claim: 'P7' },
      { name: 'maxLoanToValueX24', bits: 24, meaning: 'loan-to-value up to which one may borrow', claim: 'P7' },
      { name: 'scanRangeX24', bits: 26, meaning: 'spot shock of the scenario grid', claim: 'P3' },
      { name: 'volatilityX24', bits: 28, meaning: 'annualised volatility used', claim: 'P1' },
      { name: 'horizonMoveDownX24', bits: 24, meaning: 'predicted fall over one horizon, log return', claim: 'P2' },
      { name: 'horizonMoveUpX24', bits: 24, meaning: 'predicted rise over one horizon, log return', claim: 'P2' },
      { name: 'asOf', bits: 32, meaning: 'time of the newest observation behind the parameters', claim: 'O1' },
    ],
  },
  score: {
    title: 'How the predictions of a shadow have fared; a unit is 2^-44 of a log return times the weight of a step',
    fields: [
      { name: 'predictions', bits: 32, meaning: 'how many have been tried' },
      { name: 'lossDownX44', bits: 100, meaning: 'quantile losses of falls, summed' },
      { name: 'lossUpX44', bits: 100, meaning: 'quantile losses of rises, summed' },
    ],
  },
} as const satisfies Record<string, Word>

/**
 * Volatility models, each a family of circuits that estimate alike. Governance binds markets to them by their ids, which
 * are never given to another. To add one: a row here, `circuits/volatility/<Template>.circom` with `<Template>Step` and
 * `<Template>Used`, and its twin in `prover/volatility/models.ts` (docs/extending.md).
 */
export const volatilityModels = {
  ewma: { id: 1, template: 'Ewma', variances: 2, readsOptionalPolicy: false, claim: 'V1' },
  garch: { id: 2, template: 'Garch', variances: 1, readsOptionalPolicy: true, claim: 'V2' },
  rangeMixture: { id: 4, template: 'RangeMixture', variances: 3, readsOptionalPolicy: false, claim: 'V3' },
} as const satisfies Readonly<Record<string, VolatilityModelRow>>

/** Ids that models which are gone had. */
export const retiredVolatilityModelIds: readonly number[] = [3]

export type VolatilityModelName = keyof typeof volatilityModels

/** The model that markets are bound to unless governance says otherwise. */
export const DEFAULT_VOLATILITY_MODEL: VolatilityModelName & 'rangeMixture' = 'rangeMixture'

/**
 * Words of a market's state, under the names that they have in files. A batch is presented each as it was and arrives at each as
 * it is then; contracts, bundles and audits go by this list. A word that is added here has its value from
 * `circuits/parameters/MarketStep.circom` and its twin (docs/extending.md).
 */
export const marketState = {
  volatility: 'volatilityState',
  anchor: 'anchorState',
} as const satisfies Readonly<Record<string, keyof typeof marketWords>>

export type MarketStateWord = (typeof marketState)[keyof typeof marketState]

/** Words of a state in order. */
export const marketStateWords: readonly MarketStateWord[] = Object.values(marketState)

/** What a word of a state is called where it is presented as it was. */
export const previousOf = <W extends MarketStateWord>(word: W): `previous${Capitalize<W>}` =>
  `previous${word.charAt(0).toUpperCase()}${word.slice(1)}` as `previous${Capitalize<W>}`

export const marketStruct = {
  title: 'State of a market, of which the registry keeps a hash',
  words: marketStateWords,
} satisfies WordStruct

type StatePlace = {
  readonly name: string
  readonly word: string
  readonly within: StructPlace
  readonly meaning: string
}

const statePlaces = (as: string, meaning: string, nameOf: (word: MarketStateWord) => string): readonly StatePlace[] =>
  marketStateWords.map((word) => ({ name: nameOf(word), word, within: { struct: 'MarketState', as }, meaning }))
const before = (meaning: string): readonly StatePlace[] => statePlaces('previous', meaning, previousOf)
const after = (meaning: string): readonly StatePlace[] => statePlaces('state', meaning, (word) => word)

export const marketStatements = {
  marketRisk: {
    template: 'MarketRisk',
    parameters: ['markets', 'observations', 'testEverySlot', 'volatilityModel'],
    places: 'markets',
    slots: 'observations',
    step: {
      folder: 'parameters',
      template: 'MarketStep',
      parameters: ['observations', 'testEverySlot', 'volatilityModel'],
    },
    inputs: [
      {
        sections: [
          { name: 'learningPolicy', word: 'learningPolicy', meaning: 'as RiskPolicy holds it' },
          { name: 'marginPolicy', word: 'marginPolicy', meaning: 'as RiskPolicy holds it' },
        ],
      },
      {
        repeat: 'markets',
        sections: [
          ...before('as the registry holds it'),
          { name: 'marketPolicy', word: 'marketPolicy', meaning: 'as RiskPolicy holds it' },
          {
            name: 'observations',
            word: 'observation',
            count: ['observations'],
            meaning: 'as the inbox holds them, oldest first, after the unused slots',
          },
        ],
      },
    ],
    outputs: [
      {
        repeat: 'markets',
        sections: [
          ...after('after the observations'),
          { name: 'parameters', word: 'parameters', meaning: 'after the observations' },
        ],
      },
    ],
  },
} as const satisfies Record<string, Statement>

/** One market of a batch, as `RiskRegistry.submit` takes it. */
export const marketUpdate = {
  title: 'One market of a batch: what it starts from, as the chain hashed it, and what it arrives at',
  fields: [
    { name: 'marketId', type: 'bytes32', meaning: 'id, strictly increasing within a batch' },
    ...before('in force'),
    { name: 'inboxHead', type: 'bytes32', meaning: "head of the source's inbox after the last consumed observation" },
    { name: 'inboxCount', type: 'uint256', meaning: 'how many observations have been consumed' },
    { name: 'source', type: 'address', meaning: "the market's observation source" },
    { name: 'observationCount', type: 'uint256', meaning: 'how many observations this batch consumes, 1 to K' },
    { name: 'sequence', type: 'uint256', meaning: 'of this batch: the market has been moved by one fewer' },
    ...after('proven, after them'),
    { name: 'parameters', word: 'parameters', meaning: 'proven, after them' },
  ],
  runs: { presented: ['previous', 'source'], states: ['state', 'state'] },
} as const satisfies CallItem

/**
 * `testEverySlot` 1: every slot may test the running prediction; 0: only the last one, and earlier ones must fall inside its
 * horizon.
 */
export const marketBuilds = [
  {
    name: 'marketRisk8x2',
    statement: 'marketRisk',
    sizes: [
      { name: 'markets', value: 8 },
      { name: 'observations', value: 2 },
      { name: 'testEverySlot', value: 0 },
      { name: 'volatilityModel', value: volatilityModels.ewma.id },
    ],
    meaning: 'up to 8 markets under EWMA, up to 2 new observations each',
  },
  {
    name: 'marketRisk1x48',
    statement: 'marketRisk',
    sizes: [
      { name: 'markets', value: 1 },
      { name: 'observations', value: 48 },
      { name: 'testEverySlot', value: 1 },
      { name: 'volatilityModel', value: volatilityModels.ewma.id },
    ],
    meaning: 'drains a backlog of one market under EWMA',
  },
  {
    name: 'marketRiskGarch7x2',
    statement: 'marketRisk',
    sizes: [
      { name: 'markets', value: 7 },
      { name: 'observations', value: 2 },
      { name: 'testEverySlot', value: 0 },
      { name: 'volatilityModel', value: volatilityModels.garch.id },
    ],
    meaning: 'up to 7 markets under GARCH, up to 2 new observations each',
  },
  {
    name: 'marketRiskRange6x2',
    statement: 'marketRisk',
    sizes: [
      { name: 'markets', value: 6 },
      { name: 'observations', value: 2 },
      { name: 'testEverySlot', value: 0 },
      { name: 'volatilityModel', value: volatilityModels.rangeMixture.id },
    ],
    meaning: 'the live build: up to 6 markets under the range mixture, up to 2 new observations each',
  },
  {
    name: 'marketRiskRange1x48',
    statement: 'marketRisk',
    sizes: [
      { name: 'markets', value: 1 },
      { name: 'observations', value: 48 },
      { name: 'testEverySlot', value: 1 },
      { name: 'volatilityModel', value: volatilityModels.rangeMixture.id },
    ],
    meaning: 'the catch-up build: drains a backlog of one market',
  },
] as const satisfies readonly Build[]
