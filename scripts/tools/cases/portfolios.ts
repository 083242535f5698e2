/** Random arrays, rounds and accounts inside the declared widths: what earlier proofs and governance can bring about. */

import { type Build, COLLATERALS } from '../../../circuits/statements/index.ts'
import { FORWARDS, POINTS, REGULAR_SHOCKS, SCENARIOS, UP_ONLY_SHOCKS } from '../../../prover/options/grid.ts'
import { CALL_BITS, GAMMA_BITS, PDF_BITS, THETA_BITS } from '../../../prover/options/riskArray.ts'
import type {
  ArrayHeader,
  BookState,
  OptionPosition,
  PricedArray,
  PricedStrike,
} from '../../../prover/portfolio/book.ts'
import { emptyBook } from '../../../prover/portfolio/book.ts'
import type { CrossAccount, CrossPolicy } from '../../../prover/portfolio/crossMargin.ts'
import type { Holdings, MarginPolicy, RoundMarket } from '../../../prover/portfolio/margin.ts'
import type { BookShard } from '../../../prover/portfolio/sharding.ts'
import { closedBookOpening } from '../../../prover/portfolio/state.ts'
import { stateBook } from '../../../prover/statement/optionBook.ts'
import { publicInput } from '../../../prover/statement/state.ts'
import type { StatedCrossMargins } from '../../../prover/statement/crossMargins.ts'
import type { StatedMargins, StatedWitness } from '../../../prover/statement/portfolioMargin.ts'
import { rootOfArray } from '../../../prover/statement/riskArray.ts'
import type { StatedScenarioWitness } from '../../../prover/statement/scenarioWitness.ts'
import type { CircuitInput } from '../circuits/circuit.ts'
import type { Random } from './random.ts'

export const CONTEXT = {
  chainId: 31337n,
  registry: `0x${'5a'.repeat(20)}`,
  modelId: `0x${'7b'.repeat(32)}`,
  subject: [`0x${'c3'.repeat(32)}`],
}

const ONE = 1n << 40n

export const bookBuild = (segments: number, strikes: number, expiries = segments): Build => ({
  name: 'testBook',
  statement: 'optionBook',
  sizes: [
    { name: 'segments', value: segments },
    { name: 'strikes', value: strikes },
    { name: 'expiries', value: expiries },
  ],
  meaning: 'a small build for tests',
})

export const marginBuild = (accounts: number): Build => ({
  name: 'testMargin',
  statement: 'portfolioMargin',
  sizes: [{ name: 'accounts', value: accounts }],
  meaning: 'a small build for tests',
})

export const aloneBuild = (accounts: number): Build => ({ ...marginBuild(accounts), statement: 'marginsAlone' })

export const crossBuild = (accounts: number, markets: number): Build => ({
  name: 'testCross',
  statement: 'crossMargins',
  sizes: [
    { name: 'accounts', value: accounts },
    { name: 'markets', value: markets },
    { name: 'parts', value: accounts * markets },
  ],
  meaning: 'a small build for tests',
})

export const witnessBuild: Build = {
  name: 'testWitness',
  statement: 'unhealthyWitness',
  sizes: [],
  meaning: 'the build itself',
}

export const scenarioWitnessBuild = (arrays: number, strikes: number, expiries: number): Build => ({
  name: 'testScenarioWitness',
  statement: 'scenarioWitness',
  sizes: [
    { name: 'arrays', value: arrays },
    { name: 'strikes', value: strikes },
    { name: 'expiries', value: expiries },
  ],
  meaning: 'a small build for tests',
})

export const arrayMarginBuild = (arrays: number, strikes: number, expiries: number): Build => ({
  ...scenarioWitnessBuild(arrays, strikes, expiries),
  name: 'testArrayMargin',
  statement: 'arrayMargin',
})

/** Raw numbers of the widths that RiskArray proves: calls between payoff and forward, Greeks anywhere in their range. */
export function randomArray(random: Random, expiry: bigint, asOf: bigint, strikes: number): PricedArray {
  const header = randomHeader(random, expiry, asOf)
  return { header, leaves: Array.from({ length: strikes }, () => randomLeaf(random, header)) }
}

function randomHeader(random: Random, expiry: bigint, asOf: bigint): ArrayHeader {
  const mark = 1n + random.wide(48)
  const forwardsE8 = Array.from({ length: FORWARDS }, () => (mark * random.between(0n, 8n * ONE)) >> 40n)
  const secondsToExpiry = random.below(8n) === 0n ? 0n : 1n + random.wide(26) / 2n
  return {
    expiry,
    asOf,
    // The unshocked regular shock has the mark's forward.
    forwardsE8: forwardsE8.map((each, f) => (f === 0 || f === 4 ? mark : each)),
    discountX40: random.between(0n, ONE),
    longFactorX40: random.between(0n, 3n * ONE),
    shortFactorX40: random.between(0n, ONE),
    basisFactorX40: random.wide(50),
    shortfallX40: random.boolean() ? 0n : random.between(0n, ONE),
    sqrtTauX40: random.between(0n, (3n * ONE) / 2n),
    secondsToExpiry,
  }
}

function randomLeaf(random: Random, { forwardsE8 }: ArrayHeader): PricedStrike {
  const share = (bits: number, top: bigint): bigint => (random.wide(bits) * top) >> BigInt(bits)
  const calls = Array.from({ length: POINTS }, (_, p) => {
    const forwardE8 = forwardsE8[p % FORWARDS] as bigint
    // A call may be negative by its error.
    return share(60, forwardE8 << BigInt(CALL_BITS)) - (random.below(16n) === 0n ? 1n << 90n : 0n)
  })
  return {
    strikeE8: random.wide(48),
    calls,
    nd1: share(60, 1n << BigInt(CALL_BITS)),
    pdf: share(60, 1n << BigInt(PDF_BITS - 1)),
    gammaN: share(60, 1n << BigInt(GAMMA_BITS + 20)),
    thetaN: share(60, 1n << BigInt(THETA_BITS)),
    kNd2: random.wide(174),
  }
}

/** Any quantity of at most `bits` bits, the extremes and 0 among them. */
const randomQuantity = (random: Random, bits: number): bigint =>
  random.boolean() ? random.wide(bits) : -random.wide(bits)

export function randomPositions(random: Random, array: PricedArray, bits: number): readonly OptionPosition[] {
  return array.leaves.map(({ strikeE8 }) => ({
    expiry: array.header.expiry,
    strikeE8,
    callsE12: random.below(4n) === 0n ? 0n : randomQuantity(random, bits),
    putsE12: random.below(4n) === 0n ? 0n : randomQuantity(random, bits),
  }))
}

/** Falling regular shocks around 1, dampings of at most 1. */
export function randomPolicy(random: Random): MarginPolicy {
  const steps = Array.from({ length: REGULAR_SHOCKS - 1 }, () => random.below(ONE / 8n))
  const up = [steps[0]! + steps[1]! + steps[2]!, steps[1]! + steps[2]!, steps[2]!].map((step) => ONE + step)
  const down = [steps[3]!, steps[3]! + steps[4]!, steps[3]! + steps[4]! + steps[5]!].map((step) => ONE - step)
  const damping = (): bigint => (random.boolean() ? ONE : random.between(0n, ONE))
  const fraction = (): bigint => random.between(0n, ONE / 4n)
  // Now and then anything that a word can hold.
  const wild = random.below(4n) === 0n
  const upTo = (usual: bigint, bits: number): bigint => (wild ? random.wide(bits) : random.between(0n, usual))
  return {
    scenarios: {
      regular: [...up, ONE, ...down].map((shockX40) => ({
        shockX40,
        dampingUpX40: damping(),
        dampingNoneX40: damping(),
        dampingDownX40: damping(),
      })),
      upOnly: Array.from({ length: UP_ONLY_SHOCKS }, () => ({
        shockX40: random.between(0n, 8n * ONE - 1n),
        dampingX40: damping() / 8n,
      })),
      shockLinearX40: random.boolean() ? ONE : random.between(0n, 8n * ONE - 1n),
      dampingLinearX40: damping() / 8n,
      shockAbsoluteX40: random.boolean() ? ONE : random.between(0n, 8n * ONE - 1n),
      dampingAbsoluteX40: damping() / 8n,
      basisUpX40: ONE,
      basisDownX40: ONE,
      basisAddX40: 0n,
    },
    lossFactors: {
      maintenanceFactorX40: upTo(2n * ONE, 44),
      initialFactorX40: upTo(2n * ONE, 44),
      pegThresholdX40: upTo(2n * ONE, 47),
      pegLossX40: upTo(8n * ONE, 44),
      confidenceThresholdX40: random.between(0n, ONE),
    },
    contingencies: {
      maintenancePerpX40: upTo(ONE / 4n, 42),
      initialPerpX40: upTo(ONE / 4n, 42),
      maintenanceOptionX40: upTo(ONE / 4n, 42),
      initialOptionX40: upTo(ONE / 4n, 42),
      confidenceMarginX40: upTo(8n * ONE, 45),
    },
    concentration: {
      concentrationX40: random.boolean() ? 0n : upTo(ONE / 2n, 41),
      perpSizeQ: random.wide(30),
      optionSizeQ: random.wide(30),
    },
    collaterals: Array.from({ length: COLLATERALS }, () => ({
      initialHaircutX40: fraction(),
      maintenanceHaircutX40: fraction(),
      confidenceThresholdX40: random.between(0n, (ONE * 3n) / 2n),
      movesWithSpot: random.below(2n),
      sizeQ: random.wide(30),
    })),
  }
}

export function randomRound(random: Random, asOf: bigint): RoundMarket {
  // Words leave room for more than 1.
  const confidence = (): bigint => random.between(0n, (ONE * 9n) / 8n)
  return {
    spotE8: 1n + random.wide(47),
    perpPriceE8: random.wide(48) || 1n,
    stablePriceE12: random.between(10n ** 12n / 2n, 2n * 10n ** 12n),
    asOf,
    spotConfidenceX40: confidence(),
    perpConfidenceX40: confidence(),
    horizonVolatilityX40: 1n + random.wide(42),
    collaterals: Array.from({ length: COLLATERALS }, () => ({
      priceE12: random.wide(62),
      confidenceX40: confidence(),
    })),
  }
}

export function randomHoldings(random: Random, bits: number): Holdings {
  return {
    perpsE12: randomQuantity(random, Math.min(bits, 60)),
    cashE12: randomQuantity(random, Math.min(bits + 23, 83)),
    perpPnlE12: randomQuantity(random, Math.min(bits + 23, 83)),
    collateralsE12: Array.from({ length: COLLATERALS }, () =>
      random.below(3n) === 0n ? 0n : random.wide(Math.min(bits, 62)),
    ),
  }
}

export const arrayRootOf = rootOfArray

/** What a circuit is given for one proof of a book, with the public signals that must come out. */
export async function bookInput(build: Build, shard: BookShard) {
  const roots = await Promise.all(shard.segments.map(({ array }) => arrayRootOf(array)))
  const { stated, circuitInput } = await stateBook(build, CONTEXT, shard, roots)
  return { input: flat(circuitInput), stated }
}

/** The same of a batch of margins. */
export function marginInput({ stated, accounts }: StatedMargins): CircuitInput {
  return flat({ ...publicInput(stated), ...openingsOf(accounts.map(({ book }) => book)) })
}

/** The same of a batch of margins over several markets. */
export const crossInput = ({ circuitInput }: StatedCrossMargins): CircuitInput => flat(circuitInput)

export const randomCrossPolicy = (random: Random, markets: number): CrossPolicy => ({
  collateralMarkets: Array.from({ length: COLLATERALS }, () => random.below(BigInt(markets))),
  creditsX40: Array.from({ length: markets }, () => random.wide(41)),
})

/** An account in each market, or in some. */
export function randomCrossAccount(random: Random, asOfs: readonly bigint[], bits: number): CrossAccount {
  const parts = asOfs.map((asOf) => {
    const { collateralsE12: _, ...holdings } = randomHoldings(random, bits)
    return { book: random.below(4n) === 0n ? emptyBook : randomBook(random, asOf, bits), holdings }
  })
  return { parts, collateralsE12: randomHoldings(random, bits).collateralsE12 }
}

export function witnessInput({ stated, account }: StatedWitness): CircuitInput {
  return flat({ ...publicInput(stated), ...closedBookOpening(account.book) })
}

/** The same of a witness from arrays. */
export const scenarioWitnessInput = ({ circuitInput }: StatedScenarioWitness): CircuitInput => flat(circuitInput)

/** The same of a margin from arrays. */
export const arrayMarginInput = ({ circuitInput }: StatedMargins): CircuitInput => flat(circuitInput)

const openingsOf = (books: readonly BookState[]) => {
  const opened = books.map(closedBookOpening)
  return {
    asOfIn: opened.map(({ asOfIn }) => asOfIn),
    expiryIn: opened.map(({ expiryIn }) => expiryIn),
    totalsIn: opened.map(({ totalsIn }) => totalsIn),
  }
}

/** A finished book of any totals within their widths, as if earlier proofs had led to it. */
export function randomBook(random: Random, asOf: bigint, bits: number): BookState {
  const signed = (width: number): bigint => randomQuantity(random, Math.min(width, 60 + bits))
  return {
    asOf,
    expiry: random.below(1n << 32n),
    open: undefined,
    totals: {
      scenarioPnlMX40: Array.from({ length: SCENARIOS }, () => signed(126)),
      basisMX40: -random.wide(Math.min(130, 60 + bits)),
      markMX40: signed(123),
      nakedShortE12: random.wide(Math.min(bits, 62)),
      shortfallE12X40: random.wide(Math.min(bits + 40, 102)),
      grossE12: random.wide(Math.min(bits, 62)),
      deltaE12X20: signed(82),
      gammaE20: signed(139),
      vegaE20X60: signed(174),
      thetaE20X20: signed(166),
      rhoE20X20: signed(161),
    },
  }
}

/** Drops the nesting of arrays: circuits take signals in order. */
function flat(input: Readonly<Record<string, unknown>>): Record<string, bigint | bigint[]> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value.flat(3) as bigint[]) : (value as bigint),
    ]),
  )
}
