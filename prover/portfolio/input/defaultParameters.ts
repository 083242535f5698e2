/**
 * Parameters and scenario grid that a portfolio file may leave out: those that Derive publishes for its portfolio margin
 * (PMRM_2, BTC), which is what an account there is judged by. Human units; {@link readPortfolio} makes them exact.
 */
import { contingencyDefaults } from '../contingencies.ts'

/** As much as an account can hold of anything, 2^62 − 1 units of 10^-12; as all sizes it is cut down to a unit of sizes. */
export const UNLIMITED_SIZE = '4611686.018427387903'

export const defaultParameters = {
  lossFactor: { maintenance: '0.8', initial: '1' },
  volatilityShock: {
    rangeUp: '0.5',
    rangeDown: '0.275',
    shortTermPower: '0.3',
    longTermPower: '0.13',
    tenorFloorDays: '1',
    leastUp: '0.45',
  },
  skewShock: {
    linearBase: '-0.05',
    linearCap: '0.15',
    absoluteBase: '-0.05',
    absoluteCap: '0.15',
    leastWidth: '0.01',
    width: '4',
    volatilityStatic: '0.6',
    volatilityScale: '-0.1',
  },
  staticDiscount: {
    longBase: '0.95',
    longRateMultiplier: '1',
    longRateAdd: '0.08',
    shortBase: '1.04',
    shortRateMultiplier: '0.5',
    shortRateAdd: '0.08',
  },
  basis: { shockUp: '1.045', shockDown: '0.955', add: '0.5', multiplier: '2' },
  contingency: {
    ...contingencyDefaults,
    perpSize: UNLIMITED_SIZE,
    optionSize: UNLIMITED_SIZE,
    confidenceThreshold: '0.55',
    confidenceMargin: '1',
    pegThreshold: '0.98',
    pegLoss: '2',
  },
  collaterals: [],
  horizon: { volatility: '0.6', hours: '24' },
} as const

type GridRow = {
  readonly spotShock: string
  readonly volatility: 'up' | 'none' | 'down' | 'linear' | 'absolute'
  readonly damping: string
}

const everyVolatility = ['1.135', '1.09', '1.045', '1', '0.955', '0.91', '0.865']

/** Regular moves to ±18 %, damped tails, and two tilts of the smile. */
export const defaultScenarios: readonly GridRow[] = [
  { spotShock: '1.18', volatility: 'up', damping: '1' },
  ...everyVolatility.flatMap((spotShock) =>
    (['up', 'none', 'down'] as const).map((volatility) => ({ spotShock, volatility, damping: '1' })),
  ),
  { spotShock: '0.82', volatility: 'up', damping: '1' },
  { spotShock: '0.34', volatility: 'up', damping: '0.054545454545454545' },
  { spotShock: '0.67', volatility: 'up', damping: '0.109090909090909091' },
  { spotShock: '1.5', volatility: 'up', damping: '0.072' },
  { spotShock: '2', volatility: 'up', damping: '0.036' },
  { spotShock: '3', volatility: 'up', damping: '0.018' },
  { spotShock: '4', volatility: 'up', damping: '0.012' },
  { spotShock: '1', volatility: 'linear', damping: '1' },
  { spotShock: '1', volatility: 'absolute', damping: '1' },
]
