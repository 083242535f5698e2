/**
 * One of two paired fields held back: the council moves a share from the maintenance margin to the bonus, so that the threshold stays
 * where it is, and a limit of its own stops the one or the other. Who takes both as they come makes borrowers liquidatable that no
 * proven threshold does.
 */
import type { Signer } from 'ethers'
import { mined } from '../chains/chain.ts'
import { E18, first, firstPriceE8, GatedMarket, HOUR, rules } from './gatedMarket.ts'
import type { Collateral } from '../../../prover/service/development/aaveMarket.ts'

const BORROWERS = 12
const ONE_BPS = 10_000n

export type PairedOutcome = {
  readonly who: string
  readonly updates: number
  readonly liquidated: number
  /** Of those, accounts that were healthy under the threshold that the registry held. */
  readonly wrongful: number
  readonly thresholdBps: bigint
}

/** Bonuses that the council goes through while margin and bonus together stay. */
const bonuses = [10_800n, 10_500n, 10_900n, 10_600n, 11_000n, 10_500n]

/** Moves the pool to what the registry holds, as far as it does. */
type Mover = (at: GatedMarket, held: Collateral) => Promise<void>

/** Loses the pair: each field by a limit of its own, the threshold as what they leave. */
function fieldByField(): Mover {
  const MARGIN_STEP_BPS = 50n
  let marginBps = ONE_BPS - first.thresholdBps - (first.bonusBps - ONE_BPS)
  return async ({ market }, held) => {
    const bonus = held.bonusBps - ONE_BPS
    const wanted = ONE_BPS - held.thresholdBps - bonus
    const change = wanted - marginBps
    const most = change < 0n ? -MARGIN_STEP_BPS : MARGIN_STEP_BPS
    marginBps += change * change > most * most ? most : change
    const thresholdBps = ONE_BPS - marginBps - bonus
    await market.configure('WETH', { ltvBps: thresholdBps - 250n, thresholdBps, bonusBps: held.bonusBps })
  }
}

/** The gate: announced, waited for and applied, wherever it takes it. */
const throughGate: Mover = async (at) => {
  await taken(at.announce())
  await at.wait(rules.delaySeconds)
  await taken(at.apply())
}

const taken = (sent: Parameters<typeof mined>[0]): Promise<boolean> =>
  mined(sent).then(
    () => true,
    () => false,
  )

/**
 * The same updates through the gate and field by field, over Aave's own market each, with a liquidator who takes whatever it can.
 *
 * @param bonusBps - most that the gate lets the bonus move in a day
 */
export async function replayPairedFields(bonusBps = rules.bonusBps): Promise<readonly PairedOutcome[]> {
  return [
    await replayThrough('the gate', throughGate, bonusBps),
    await replayThrough('field by field', fieldByField(), bonusBps),
  ]
}

async function replayThrough(who: string, move: Mover, bonusBps: bigint): Promise<PairedOutcome> {
  const at = await GatedMarket.open({ ...rules, bonusBps })
  const accounts: string[] = []
  for (let i = 0; i < BORROWERS; i++) accounts.push(await at.borrower(2 + i, (20_000n - 50n * BigInt(i)) * E18))
  // Health factors of 1.005 to 1.034.
  await at.market.setPrice('WETH', (firstPriceE8 * 9_748n) / ONE_BPS)
  const liquidator = at.signer(1)
  await at.market.fund(liquidator, 'USD', 1_000_000n * E18)
  const hit = { liquidated: 0, wrongful: 0 }
  for (const bonus of bonuses) {
    const held = { ...first, bonusBps: bonus }
    await at.hold(held)
    await move(at, held)
    for (const account of accounts) {
      const wasWrongful = await isHealthyUnder(at, account, held.thresholdBps)
      if (!(await liquidatedBy(at, liquidator, account))) continue
      hit.liquidated += 1
      if (wasWrongful) hit.wrongful += 1
    }
    await at.wait(25n * HOUR)
  }
  const { thresholdBps } = await at.inPool()
  return { who, updates: bonuses.length, ...hit, thresholdBps }
}

async function isHealthyUnder(at: GatedMarket, account: string, thresholdBps: bigint): Promise<boolean> {
  const { totalCollateralBase, totalDebtBase } = await at.market.pool.getFunction('getUserAccountData')(account)
  return totalCollateralBase * thresholdBps >= totalDebtBase * ONE_BPS
}

async function liquidatedBy(at: GatedMarket, liquidator: Signer, account: string): Promise<boolean> {
  return (await at.market.healthOf(account)) < E18 && at.market.liquidate(liquidator, 'WETH', 'USD', account)
}
