import { beforeAll, describe, expect, test } from 'vitest'
import type { Fields } from '../../circuits/statements/index.ts'
import { loanToValue } from '../../prover/parameters/margins.ts'
import { unpack, wordBits } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { type Batch, Engine, type Market, type MarketUpdate, withFields } from './engine.ts'
import { marketStateWords } from '../../circuits/statements/index.ts'

/**
 * The circuit behind these proofs states nothing, so every result is provable: whatever is refused here is refused by the
 * contract alone, and whatever lands could have been refused by nothing else.
 */
const PRICE_E8 = 50_100n * 10n ** 8n
const ELAPSED_SECONDS = 600n

let engine: Engine
let market: Market
let honest: Batch

beforeAll(async () => {
  engine = await Engine.start(1)
  ;[market] = engine.markets as [Market]
  await engine.neverStale()
  await engine.observe(market, PRICE_E8, ELAPSED_SECONDS)
  honest = engine.batch([market])
})

const update = () => honest.updates[0] as MarketUpdate
const parameters = () => unpack('parameters', update().parameters)
const previous = () => market.state.anchor
const elapsed = (batch = honest) =>
  unpack('parameters', (batch.updates[0] as MarketUpdate).parameters).asOf - market.state.volatility.asOf
const allowance = (perSecondX32: bigint, batch = honest) => (elapsed(batch) * perSecondX32) >> 8n

const batchOf = (change: Partial<MarketUpdate>, batch = honest): Batch => ({
  ...batch,
  updates: [{ ...(batch.updates[0] as MarketUpdate), ...change }],
})

/** A result with other parameters. */
const withParameters = (change: Partial<Fields<'parameters'>>, batch = honest): Batch =>
  batchOf({ parameters: withFields('parameters', (batch.updates[0] as MarketUpdate).parameters, change) }, batch)

/** A result with other margins, told consistently in state, parameters and loan-to-value limits. */
function withMargins(maintenanceMarginX24: bigint, initialMarginX24: bigint, batch = honest): Batch {
  const { anchorState } = batch.updates[0] as MarketUpdate
  const margins = { maintenanceMarginX24, initialMarginX24 }
  const bonus = market.policy.liquidationBonusX16
  const told = withParameters(
    {
      ...margins,
      liquidationThresholdX24: loanToValue(maintenanceMarginX24, bonus),
      maxLoanToValueX24: loanToValue(initialMarginX24, bonus),
    },
    batch,
  )
  return batchOf({ anchorState: withFields('anchorState', anchorState, margins) }, told)
}

/** The batch lands with a valid proof, and is undone. */
const lands = (batch: Batch) => engine.chain.undone(async () => mined(engine.proveAndSubmit(batch)))

/** The batch does not land although its proof is valid. */
const refused = (batch: Batch, error: string, ...args: readonly bigint[]) =>
  engine.chain.undone(async () =>
    expectRevert(
      engine.proveAndSubmit(batch),
      engine.registry,
      error,
      args.length === 0 ? undefined : [market.marketId, ...args],
    ),
  )

/** Everything inside is undone afterwards, on the chain and in what the test believes of it. */
async function undone(body: () => Promise<void>): Promise<void> {
  const [kept, margin] = [{ ...market, waiting: [...market.waiting] }, engine.margin]
  try {
    await engine.chain.undone(body)
  } finally {
    Object.assign(market, kept)
    engine.margin = margin
  }
}

/** The honest batch under another policy of the market or of margins. */
async function under(
  change: Partial<Fields<'marketPolicy'>>,
  marginChange: Partial<Fields<'marginPolicy'>>,
  body: (batch: Batch) => Promise<void>,
): Promise<void> {
  await undone(async () => {
    if (Object.keys(marginChange).length > 0) await engine.setMarginPolicy(marginChange)
    if (Object.keys(change).length > 0) await engine.setMarketPolicy(market, change)
    await body(engine.batch([market]))
  })
}

describe('R8: words of the result', () => {
  test('have no bits beyond their fields', async () => {
    for (const word of [...marketStateWords, 'parameters'] as const) {
      const bits = BigInt(wordBits(word))
      const wide = update()[word] | (1n << bits)
      await refused(batchOf({ [word]: wide }), 'WordOutOfRange', wide, bits)
    }
    await lands(honest)
  })

  test('tell the newest observation’s time', async () => {
    const { asOf } = parameters()
    for (const wrong of [asOf - 1n, asOf + 1n]) {
      await refused(withParameters({ asOf: wrong }), 'AsOfMismatch', wrong, asOf)
      const volatilityState = withFields('volatilityState', update().volatilityState, { asOf: wrong })
      await refused(batchOf({ volatilityState }), 'AsOfMismatch', wrong, asOf)
    }
  })

  test('tell the same margins', async () => {
    const { initialMarginX24, maintenanceMarginX24 } = parameters()
    for (const by of [-1n, 1n]) {
      const initial = withParameters({ initialMarginX24: initialMarginX24 + by })
      await refused(initial, 'MarginsMismatch', initialMarginX24, initialMarginX24 + by)
      const maintenance = withParameters({ maintenanceMarginX24: maintenanceMarginX24 + by })
      await refused(maintenance, 'MarginsMismatch', maintenanceMarginX24, maintenanceMarginX24 + by)
    }
  })
})

describe('R9: margins', () => {
  test('are above 0 and in order', async () => {
    const { initialMarginX24, maintenanceMarginX24 } = parameters()
    await refused(withMargins(0n, initialMarginX24), 'MarginsOutOfOrder', 0n, initialMarginX24)
    const low = maintenanceMarginX24 - 1n
    await refused(withMargins(maintenanceMarginX24, low), 'MarginsOutOfOrder', maintenanceMarginX24, low)
  })

  test('may be equal when dampers bring them together', async () => {
    await undone(async () => {
      await engine.setMarginPolicy({ loosenPerSecondX32: 59_652n })
      await engine.observe(market, PRICE_E8, 3_600n)
      const batch = engine.batch([market], 2)
      const { maintenanceMarginX24 } = unpack('parameters', (batch.updates[0] as MarketUpdate).parameters)
      await lands(withMargins(maintenanceMarginX24, maintenanceMarginX24, batch))
    })
  })

  test('determine both loan-to-value limits exactly', async () => {
    for (const limit of ['liquidationThresholdX24', 'maxLoanToValueX24'] as const) {
      const expected = parameters()[limit]
      for (const wrong of [expected - 1n, expected + 1n]) {
        await refused(withParameters({ [limit]: wrong }), 'LoanToValueMismatch', wrong, expected)
      }
    }
  })

  test('and bonus may leave nothing to lend', async () => {
    // An initial margin of all but everything comes down slowly, so the limits are 0 and not negative.
    await undone(async () => {
      await engine.land(withMargins(parameters().maintenanceMarginX24, (1n << 24n) - 1n))
      await engine.observe(market, PRICE_E8, 60n)
      const batch = engine.batch([market])
      const held = unpack('parameters', (batch.updates[0] as MarketUpdate).parameters)
      if (held.maxLoanToValueX24 !== 0n) throw new Error('The case does not test what it says.')
      await lands(batch)
      await refused(withParameters({ maxLoanToValueX24: 1n }, batch), 'LoanToValueMismatch', 1n, 0n)
    })
  })
})

describe('R10: results that are clamped', () => {
  test('keep volatility between floor and ceiling', async () => {
    const floor = market.policy.volatilityFloorX16 << 8n
    const ceiling = market.policy.volatilityCeilingX16 << 8n
    await refused(withParameters({ volatilityX24: floor - 1n }), 'VolatilityOutOfBounds', floor - 1n, floor, ceiling)
    await lands(withParameters({ volatilityX24: floor }))
    await lands(withParameters({ volatilityX24: ceiling }))
    await refused(
      withParameters({ volatilityX24: ceiling + 1n }),
      'VolatilityOutOfBounds',
      ceiling + 1n,
      floor,
      ceiling,
    )
  })

  test('keep the scan range between floor and ceiling, and at least as wide as either move', async () => {
    const floor = market.policy.scanRangeFloorX16 << 8n
    const ceiling = market.policy.scanRangeCeilingX16 << 8n
    const range = (scanRangeX24: bigint, horizonMoveDownX24 = 0n, horizonMoveUpX24 = 0n) =>
      withParameters({ scanRangeX24, horizonMoveDownX24, horizonMoveUpX24 })
    await refused(range(floor - 1n), 'ScanRangeOutOfBounds', floor - 1n, floor, ceiling)
    await lands(range(floor))
    await lands(range(ceiling))
    await refused(range(ceiling + 1n), 'ScanRangeOutOfBounds', ceiling + 1n, floor, ceiling)
    const move = floor + 1000n
    for (const moves of [
      [move, 0n],
      [0n, move],
    ] as const) {
      await refused(range(move - 1n, ...moves), 'ScanRangeOutOfBounds', move - 1n, move, ceiling)
      await lands(range(move, ...moves))
    }
  })

  test('let the scan range stop at its ceiling, below the move', async () => {
    const scanRangeCeilingX16 = market.policy.scanRangeFloorX16
    await under({ scanRangeCeilingX16 }, {}, async (batch) => {
      const scanRangeX24 = scanRangeCeilingX16 << 8n
      const horizonMoveDownX24 = scanRangeX24 + 1n
      await lands(withParameters({ scanRangeX24, horizonMoveDownX24 }, batch))
      await refused(
        withParameters({ scanRangeX24: scanRangeX24 - 1n, horizonMoveDownX24 }, batch),
        'ScanRangeOutOfBounds',
      )
    })
  })
})

describe('R11: margins move no faster than the policy allows', () => {
  test('the initial margin down; up at once', async () => {
    const { maintenanceMarginX24 } = parameters()
    const least = previous().initialMarginX24 - allowance(engine.margin.loosenPerSecondX32)
    await refused(withMargins(maintenanceMarginX24, least - 1n), 'InitialMarginTooFast', least - 1n, least)
    await lands(withMargins(maintenanceMarginX24, least))
    await lands(withMargins(maintenanceMarginX24, (1n << 24n) - 1n))
  })

  test('the maintenance margin down and up', async () => {
    const { initialMarginX24 } = parameters()
    const held = previous().maintenanceMarginX24
    const least = held - allowance(engine.margin.loosenPerSecondX32)
    await refused(withMargins(least - 1n, initialMarginX24), 'MaintenanceMarginTooFast', least - 1n, least)
    await lands(withMargins(least, initialMarginX24))
    const greatest = held + allowance(engine.margin.tightenPerSecondX32)
    const high = greatest + 1n
    const almostOne = (1n << 24n) - 1n
    await lands(withMargins(greatest, almostOne))
    await refused(withMargins(high, almostOne), 'MaintenanceMarginTooFast', high, greatest)
  })

  test('however long it took, by less than 1', async () => {
    // So many seconds allow more than the whole range of a margin.
    await undone(async () => {
      await engine.observe(market, PRICE_E8, 200_000n)
      const slow = engine.batch([market], 2)
      if (allowance(engine.margin.tightenPerSecondX32, slow) < 1n << 24n) throw new Error('Not long enough.')
      const ceiling = market.policy.maintenanceMarginCeilingX16 << 8n
      await lands(withMargins(ceiling, (1n << 24n) - 1n, slow))
    })
  })

  test('in a policy that lets nothing loosen, not at all', async () => {
    await under({}, { loosenPerSecondX32: 0n }, async (batch) => {
      const held = previous()
      const { maintenanceMarginX24, initialMarginX24 } = held
      await lands(withMargins(maintenanceMarginX24, initialMarginX24, batch))
      const low = maintenanceMarginX24 - 1n
      await refused(withMargins(low, initialMarginX24, batch), 'MaintenanceMarginTooFast', low, maintenanceMarginX24)
    })
  })
})

describe('R65: under the policy a deployment starts with', () => {
  /** 0.3 of notional an hour, X32 a second: half a point a minute. */
  const SPEED_X32 = 357_914n
  const almostOne = (1n << 24n) - 1n

  test('the maintenance margin rises by half a point a minute, after minutes and after an hour, and by no unit more', async () => {
    expect(engine.margin.tightenPerSecondX32).toBe(SPEED_X32)
    const held = previous().maintenanceMarginX24
    for (const seconds of [60n, 3600n]) {
      await undone(async () => {
        await engine.observe(market, PRICE_E8, seconds)
        const batch = engine.batch([market], 2)
        const greatest = held + allowance(SPEED_X32, batch)
        const points = (100 * Number(greatest - held)) / 2 ** 24
        expect(elapsed(batch)).toBeGreaterThanOrEqual(seconds)
        expect(points).toBeCloseTo((0.5 * Number(elapsed(batch))) / 60, 4)
        await lands(withMargins(greatest, almostOne, batch))
        await refused(withMargins(greatest + 1n, almostOne, batch), 'MaintenanceMarginTooFast', greatest + 1n, greatest)
      })
    }
  })

  test('what the speed before allowed is no bound any more', async () => {
    const held = previous().maintenanceMarginX24
    const slowerX32 = 23_861n
    const above = held + allowance(slowerX32) + 1n
    await lands(withMargins(above, almostOne))
    await under({}, { tightenPerSecondX32: slowerX32 }, (batch) =>
      refused(withMargins(above, almostOne, batch), 'MaintenanceMarginTooFast', above, above - 1n),
    )
  })
})

describe('R11: the maintenance margin stays in bounds', () => {
  /** A day passes: speeds allow the whole range. */
  const afterADay = (body: (batch: Batch) => Promise<void>) =>
    undone(async () => {
      await engine.setMarginPolicy({ loosenPerSecondX32: 59_652n, tightenPerSecondX32: 119_305n })
      await engine.observe(market, PRICE_E8, 86_400n)
      await body(engine.batch([market], 2))
    })
  const ONE = 1n << 24n

  test('of its policy', async () => {
    const floor = market.policy.maintenanceMarginFloorX16 << 8n
    const ceiling = market.policy.maintenanceMarginCeilingX16 << 8n
    await afterADay(async (batch) => {
      await refused(withMargins(floor - 1n, ONE - 1n, batch), 'MaintenanceMarginOutOfBounds', floor - 1n, floor)
      await lands(withMargins(floor, ONE - 1n, batch))
      await lands(withMargins(ceiling, ONE - 1n, batch))
      await refused(withMargins(ceiling + 1n, ONE - 1n, batch), 'MaintenanceMarginOutOfBounds', ceiling + 1n, ceiling)
    })
  })

  test('or, where a floor was raised past it, does not fall', async () => {
    const held = previous().maintenanceMarginX24
    const floor = (held >> 8n) + 1000n
    await under({ maintenanceMarginFloorX16: floor }, {}, async (batch) => {
      const { initialMarginX24 } = unpack('parameters', (batch.updates[0] as MarketUpdate).parameters)
      await refused(
        withMargins(held - 1n, initialMarginX24, batch),
        'MaintenanceMarginOutOfBounds',
        held - 1n,
        floor << 8n,
      )
      await lands(withMargins(held, initialMarginX24, batch))
      await lands(batch)
    })
  })

  test('or, where a ceiling was lowered past it, does not rise', async () => {
    const held = previous().maintenanceMarginX24
    const ceiling = (held >> 8n) - 100n
    const change = { maintenanceMarginCeilingX16: ceiling, maintenanceMarginFloorX16: 328n }
    await under(change, {}, async (batch) => {
      const { initialMarginX24 } = unpack('parameters', (batch.updates[0] as MarketUpdate).parameters)
      const high = held + 1n
      await refused(withMargins(high, initialMarginX24, batch), 'MaintenanceMarginOutOfBounds', high, ceiling << 8n)
      await lands(withMargins(held, initialMarginX24, batch))
      await lands(batch)
    })
  })
})
