/** The benchmark's other side on a chain: `MarginEngine.sol`, its inputs, and what they cost. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ethers as library, type Contract } from 'ethers'
import { network } from 'hardhat'
import { compileContract } from './compileContract.ts'

const WAD = 10n ** 18n
/** A margin of many options takes more than any block allows. */
const CALL_GAS = 2_000_000_000n

const moves = { None: 0, Up: 1, Down: 2, Linear: 3, Absolute: 4 } as const

/** A portfolio and its parameters as `MarginEngine.margins` takes them: WAD numbers. */
export type SolidityMarginInput = { readonly portfolio: object; readonly parameters: object }

export type SolidityMargin = { readonly initial: number; readonly maintenance: number; readonly gas: bigint }

/** Case of Derive's, as its files have them; only what is read here. */
export type DeriveCase = {
  readonly Scenario: Scalars<
    | ('Cash' | 'NumPerps' | 'UnrealisedPerpPNL' | 'UnrealisedFunding')
    | ('SpotPrice' | 'SpotConfidence' | 'PerpPrice' | 'PerpConfidence' | 'StablePrice')
  > & {
    readonly Options: readonly Scalars<'Expiry' | 'Strike' | 'IsCall' | 'Amount'>[]
    readonly OptionFeeds: readonly DeriveFeed[]
    readonly Collaterals: readonly DeriveCollateral[]
  }
  readonly Parameters: DeriveParameters
  readonly Result: Scalars<'IM' | 'MM'>
}

type Scalars<Name extends string> = { readonly [N in Name]: number }
type DeriveFeed = Scalars<
  'FeedExpiry' | 'Forward' | 'Rate' | 'ForwardConfidence' | 'RateConfidence' | 'OptionVolConfidences'
> & { readonly SVIparam: readonly (string | number)[] }
type DeriveCollateral = Scalars<'Amount' | 'Price' | 'Confidence' | 'ConfidenceFactor' | 'IMHaircut' | 'MMHaircut'> & {
  readonly IsRiskCancelling: boolean
}
type DeriveParameters = {
  readonly [G in 'VolShock' | 'SkewShock' | 'Margin' | 'BasisContingency' | 'OtherContingency']: Record<string, number>
} & {
  readonly Scenarios: readonly (Scalars<'SpotShock' | 'DampeningFactor'> & { readonly VolShockDirection: string })[]
}

export type SolidityMarginEngine = {
  margins(input: SolidityMarginInput): Promise<SolidityMargin>
  /** Distribution function of the normal law, and prices of calls, for accuracy. */
  readonly contract: Contract
}

/** Deploys the engine on a chain of its own whose blocks have room for it. */
export async function startMarginEngine(): Promise<SolidityMarginEngine> {
  const source = readFileSync(join(import.meta.dirname, 'MarginEngine.sol'), 'utf8')
  const { abi, bytecode } = compileContract('MarginEngine', source)
  const { ethers } = await network.create({ override: { blockGasLimit: CALL_GAS, hardfork: 'cancun' } } as never)
  const [signer] = await ethers.getSigners()
  const deployed = await new library.ContractFactory([...abi], bytecode, signer as never).deploy({
    gasLimit: 10_000_000n,
  })
  await deployed.waitForDeployment()
  const contract = deployed as unknown as Contract
  return {
    contract,
    async margins({ portfolio, parameters }) {
      const call = contract.getFunction('margins').staticCall
      const { initial, maintenance, spent } = await call(portfolio, parameters, { gasLimit: CALL_GAS })
      return { initial: fromWad(initial), maintenance: fromWad(maintenance), gas: spent }
    },
  }
}

/** A case of Derive's. */
export function deriveInput({ Scenario, Parameters }: DeriveCase): SolidityMarginInput {
  const options = Scenario.Options.toSorted((a, b) => a.Expiry - b.Expiry || a.Strike - b.Strike)
  const seconds = [...new Set(options.map(({ Expiry }) => Expiry))]
  const portfolio = {
    cash: wad(Scenario.Cash),
    perps: wad(Scenario.NumPerps),
    perpPnl: wad(Scenario.UnrealisedPerpPNL + Scenario.UnrealisedFunding),
    options: options.map(({ Expiry, Strike, Amount, IsCall }) => ({
      expiry: seconds.indexOf(Expiry),
      strike: wad(Strike),
      amount: wad(Amount),
      isCall: IsCall === 1,
    })),
    expiries: seconds.map((left) => deriveExpiry(left, Scenario.OptionFeeds)),
    collateral: Scenario.Collaterals.map((held) => ({
      amount: wad(held.Amount),
      price: wad(held.Price),
      confidence: wad(held.Confidence),
      confidenceThreshold: wad(held.ConfidenceFactor),
      initialHaircut: wad(held.IMHaircut),
      maintenanceHaircut: wad(held.MMHaircut),
      movesWithSpot: held.IsRiskCancelling,
    })),
    market: {
      spot: wad(Scenario.SpotPrice),
      spotConfidence: wad(Scenario.SpotConfidence),
      perpPrice: wad(Scenario.PerpPrice),
      perpConfidence: wad(Scenario.PerpConfidence),
      stablePrice: wad(Scenario.StablePrice),
    },
  }
  return { portfolio, parameters: deriveParameters(Parameters) }
}

/** The part of a forward that its settlement average has not fixed shrinks over the last half hour. */
const SETTLEMENT_SECONDS = 1800

function deriveExpiry(left: number, feeds: readonly DeriveFeed[]) {
  const feed = feeds.find(({ FeedExpiry }) => FeedExpiry === left)
  if (feed === undefined) throw new Error(`No feed of the expiry in ${left} seconds.`)
  const [a, b, rho, m, sigma, forwardRef, tauRef] = feed.SVIparam.map(Number)
  const variable = feed.Forward * Math.min(1, left / SETTLEMENT_SECONDS)
  return {
    secondsToExpiry: BigInt(left),
    forwardVariable: wad(variable),
    forwardFixed: wad(feed.Forward - variable),
    rate: wad(feed.Rate),
    confidence: wad(Math.min(feed.ForwardConfidence, feed.RateConfidence, feed.OptionVolConfidences)),
    svi: [a, b, rho, m, sigma].map(wad),
    forwardRef: wad(forwardRef),
    tauRef: wad(tauRef),
  }
}

function deriveParameters(parameters: DeriveParameters) {
  const from = (group: Exclude<keyof DeriveParameters, 'Scenarios'>, ...names: string[]) =>
    names.map((name) => wad(parameters[group][name]))
  return {
    scenarios: parameters.Scenarios.map(({ SpotShock, VolShockDirection, DampeningFactor }) => ({
      shock: wad(SpotShock),
      damping: wad(DampeningFactor),
      move: moves[moveOf(VolShockDirection)],
    })),
    volatility: from(
      'VolShock',
      'VOLRANGEUP',
      'VOLRANGEDOWN',
      'SHORTTERMPOWER',
      'LONGTERMPOWER',
      'MIN_VOL_EVAL_SHOCKED',
    ),
    tenorFloorSeconds: BigInt(Math.round((parameters.VolShock.DTE_FLOOR ?? 0) * 86_400)) || 1n,
    skew: from(
      'SkewShock',
      ...['LINEAR_SCALE_CAP', 'LINEAR_CBASE', 'ABS_SCALE_CAP', 'ABS_CBASE'],
      ...['MIN_K_STAR', 'MIN_WIDTH_SCALE', 'VOL_PARAM_STATIC', 'VOL_PARAM_SCALE'],
    ),
    longDiscount: from('Margin', 'BASE_STATIC_DISCOUNT', 'LONG_RATE_MULTSCALE', 'LONG_RATE_ADDSCALE'),
    shortDiscount: from('Margin', 'BASE_STATIC_DISCOUNT_NEG', 'SHORT_RATE_MULTSCALE', 'SHORT_RATE_ADDSCALE'),
    basis: from(
      'BasisContingency',
      ...['SCENARIO_SPOT_UP', 'SCENARIO_SPOT_DOWN', 'BASIS_CONT_ADD_FACTOR', 'BASIS_CONT_MULT_FACTOR'],
    ),
    loss: [
      ...from('Margin', 'MM_LOSS_FACTOR', 'IM_LOSS_FACTOR'),
      ...from('OtherContingency', 'PEG_LOSS_THRESHOLD', 'PEG_LOSS_FACTOR', 'CONF_THRESHOLD'),
    ],
    contingency: from(
      'OtherContingency',
      ...['MM_PERP_PERCENT', 'IM_PERP_PERCENT', 'MM_OPTION_PERCENT', 'IM_OPTION_PERCENT', 'CONF_MARGIN'],
    ),
  }
}

function moveOf(direction: string): keyof typeof moves {
  if (direction === 'ABS') return 'Absolute'
  if (direction === 'LINEAR') return 'Linear'
  return direction as 'None' | 'Up' | 'Down'
}

/**
 * An account of `options` options in one expiry: a call and a put at each strike, sizes of either sign. The whole grid of 33
 * scenarios, as the circuits have it.
 */
export function oneExpiryInput(options: number): SolidityMarginInput {
  const portfolio = {
    cash: wad(50_000),
    perps: wad(-1.5),
    perpPnl: wad(120),
    options: Array.from({ length: options }, (_, i) => ({
      expiry: 0,
      strike: wad(70_000 + 1_000 * Math.floor(i / 2)),
      amount: wad((i % 2 === 0 ? -1 : 1) * (1 + (i % 7) / 4)),
      isCall: i % 2 === 0,
    })),
    expiries: [
      {
        secondsToExpiry: 2_592_000n,
        forwardVariable: wad(100_500),
        forwardFixed: 0n,
        rate: wad(0.05),
        confidence: WAD,
        svi: [0.011, 0.06, -0.3, 0.02, 0.12].map(wad),
        forwardRef: wad(100_500),
        tauRef: wad(30 / 365),
      },
    ],
    collateral: [],
    market: {
      spot: wad(100_000),
      spotConfidence: WAD,
      perpPrice: wad(100_020),
      perpConfidence: WAD,
      stablePrice: WAD,
    },
  }
  const regular = [1.18, 1.135, 1.09, 1, 0.91, 0.865, 0.82].flatMap((shock) =>
    ([moves.Up, moves.None, moves.Down] as const).map((move) => ({ shock: wad(shock), damping: WAD, move })),
  )
  const tails = [1.5, 2, 3, 4, 1.33, 0.8, 0.67, 0.5, 0.34, 0.25].map((shock) => ({
    shock: wad(shock),
    damping: wad(0.4),
    move: moves.Up,
  }))
  const skews = [moves.Linear, moves.Absolute].map((move) => ({ shock: WAD, damping: WAD, move }))
  const parameters = {
    scenarios: [...regular, ...tails, ...skews],
    volatility: [0.5, 0.275, 0.3, 0.13, 0.45].map(wad),
    tenorFloorSeconds: 86_400n,
    skew: [0.15, -0.05, 0.15, -0.05, 0.01, 4, 0.6, -0.1].map(wad),
    longDiscount: [0.95, 1, 0.08].map(wad),
    shortDiscount: [1.04, 0.5, 0.08].map(wad),
    basis: [1.045, 0.955, 0.5, 2].map(wad),
    loss: [0.8, 1, 0.98, 2, 0.55].map(wad),
    contingency: [0.015, 0.005, 0.003, 0.002, 1].map(wad),
  }
  return { portfolio, parameters }
}

/** Nearest WAD; numbers of the files have at most 17 digits. */
function wad(value: number | undefined): bigint {
  if (value === undefined || !Number.isFinite(value)) throw new Error(`No number to convert: ${value}.`)
  const text = Math.abs(value).toFixed(18)
  const [whole = '0', fraction = ''] = text.split('.')
  const magnitude = BigInt(whole) * WAD + BigInt(fraction.padEnd(18, '0'))
  return value < 0 ? -magnitude : magnitude
}

const fromWad = (value: bigint): number => Number(library.formatUnits(value, 18))
