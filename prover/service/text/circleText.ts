/** What happened in the circle, in sentences. */
import type { PortfolioAudit } from '../../audit/index.ts'
import type { ReceiptReport } from '../../audit/portfolio/receipt/judge.ts'
import { alignColumns } from '../../audit/report.ts'
import { explainReceipt } from '../../audit/portfolio/receipt/report.ts'
import { amount } from '../../portfolio/amount.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import type { Collateral } from '../development/aaveMarket.ts'
import type { Circle, LeftOut } from '../development/circle.ts'
import type { AaveMoved } from '../development/circleAave.ts'
import type { Hedged } from '../development/circleHedge.ts'
import type { Opened } from '../development/circleVenue.ts'
import { percent } from './figures.ts'

const E8 = 10n ** 8n
const E12 = 10n ** 12n
const E18 = 10n ** 18n
const number = (value: bigint, scale: bigint): number => Number(decimalText(value, scale))
const money = (value: bigint, scale: bigint): string => amount(number(value, scale))
const signed = (value: bigint, scale: bigint): string => `${value > 0n ? '+' : ''}${money(value, scale)}`
const bps = (value: bigint): string => percent(Number(value) / 10_000)

export const openedText = ({ strikeE8, premiumE12, cashE12, spotE8, initialE8, maintenanceE8 }: Opened): string =>
  `Venue: 2 puts of ${money(strikeE8, E8)} sold for ${money(premiumE12, E12)} with BTC at ${money(spotE8, E8)}; the seller has cash of ` +
  `${money(cashE12, E12)}, proven ${money(initialE8, E8)} above initial margin, ${money(maintenanceE8, E8)} above maintenance.`

const centsUp = (value: number): number => Math.ceil(100 * value) / 100

/** Why, what would have saved it, and what was taken. */
export function receiptText(report: ReceiptReport): readonly string[] {
  const told = explainReceipt(report)
  const { taken, accepted } = told
  const { options, notional, bonus, covered, badDebt } = taken
  const legs = options
    .map(({ puts, strike }) => `${Math.abs(puts)} of the sold puts of ${amount(Number(strike))}`)
    .join(', ')
  const { evidence, inputs, wouldHaveSaved } = told
  const why =
    evidence !== undefined
      ? `Fall: at ${amount(Number(inputs?.spot))} one proven scenario (${evidence.scenario.words}) leaves the seller ` +
        `${amount(-Number(evidence.maintenance))} below maintenance; ${amount(centsUp(Number(wouldHaveSaved?.cash)))} more cash would have been enough.`
      : 'Fall: there is no evidence for the liquidation.'
  return [
    why,
    `Liquidation: ${percent(taken.fractionBps / 10_000)} of the account (${legs}, notional ${amount(Number(notional))}) taken over; the liquidator paid ` +
      `${amount(-Number(bonus))}, bad debt ${amount(Number(badDebt))}, covered by the fund ${amount(Number(covered))}; receipt ${accepted ? 'verified' : 'NOT verified'}.`,
  ]
}

export function hedgedText(hedged: Hedged | LeftOut): readonly string[] {
  if ('leftOut' in hedged) return [`Hedge: left out. ${hedged.leftOut}`]
  const { accounts, bookDeltaE12, leftDeltaE12, boughtE12, priceE8, spotE8, slippageBps } = hedged
  const trade = `${boughtE12 < 0n ? 'sold' : 'bought'} ${money(boughtE12 < 0n ? -boughtE12 : boughtE12, E12)} BTC`
  return [
    `Open interest: complete, ${accounts} of ${accounts} vaults of market makers counted by proof, delta ${signed(bookDeltaE12, E12)} BTC.`,
    `Hedge: ${trade} in the pool at ${money(priceE8, E8)}, ${slippageBps.toFixed(1)} bps from spot ${money(spotE8, E8)} with the pool’s fee; ` +
      `delta ${signed(bookDeltaE12, E12)} before, ${signed(leftDeltaE12, E12)} after.`,
  ]
}

export function aaveText(aave: AaveMoved | LeftOut): string {
  if ('leftOut' in aave) return `Aave: left out. ${aave.leftOut}`
  const { before, held, after, healthBeforeWad, healthAfterWad } = aave
  const pair = ({ ltvBps, thresholdBps }: Collateral): string => `${bps(ltvBps)} / ${bps(thresholdBps)}`
  const health = (wad: bigint): string => number(wad, E18).toFixed(3)
  return (
    `Aave: loan-to-value / threshold of ETH ${pair(before)} before, ${pair(after)} after, on the way to the proven ${pair(held)}; ` +
    `a borrower’s health factor ${health(healthBeforeWad)} before, ${health(healthAfterWad)} after.`
  )
}

export function auditsText(audits: readonly PortfolioAudit['report'][], receipt: ReceiptReport): string {
  const accepted = audits.filter((each) => each.accepted).length
  const margins = audits.reduce((sum, each) => sum + each.margins.length, 0)
  const witnesses = audits.reduce((sum, each) => sum + each.witnesses.length, 0)
  const failures = [...audits, receipt].flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
  const said = failures.length === 0 ? '' : `: ${JSON.stringify(failures[0])}`
  return `Audit: ${accepted} of ${audits.length} registries of margins accepted (${margins} margins, ${witnesses} witness), the receipt ${receipt.accepted ? 'too' : 'NOT'}${said}.`
}

/** Exact figures of the circle as decimal text, for programs. */
export function circleJson({ places, opened, liquidated, receipt, hedged, aave, audits, ...rest }: Circle) {
  const { venue, orders, token, registry } = places
  return {
    ...{ accepted: rest.accepted, seconds: rest.seconds, venue, orders, token, registry },
    opened: {
      ...{ seller: opened.seller, strike: decimalText(opened.strikeE8, E8), spot: decimalText(opened.spotE8, E8) },
      ...{ premium: decimalText(opened.premiumE12, E12), cash: decimalText(opened.cashE12, E12) },
      ...{ initial: decimalText(opened.initialE8, E8), maintenance: decimalText(opened.maintenanceE8, E8) },
    },
    liquidated: {
      ...{ spot: decimalText(liquidated.spotE8, E8), maintenance: decimalText(liquidated.maintenanceE8, E8) },
      ...{ transactionHash: liquidated.transactionHash, receipt: explainReceipt(receipt) },
    },
    hedge: 'leftOut' in hedged ? hedged : hedgeJson(hedged),
    aave: 'leftOut' in aave ? aave : aaveJson(aave),
    audits: audits.map(({ registry, accepted, pinned, margins, witnesses }) => ({
      ...{ registry, accepted, pinned, margins: margins.length, witnesses: witnesses.length },
    })),
  }
}

const hedgeJson = (hedged: Hedged) => ({
  ...{ registry: hedged.registry, agent: hedged.agent, pool: hedged.pool, accounts: Number(hedged.accounts) },
  ...{ deltaBefore: decimalText(hedged.bookDeltaE12, E12), deltaAfter: decimalText(hedged.leftDeltaE12, E12) },
  ...{ bought: decimalText(hedged.boughtE12, E12), price: decimalText(hedged.priceE8, E8) },
  ...{ spot: decimalText(hedged.spotE8, E8), slippageBps: hedged.slippageBps },
})

function aaveJson({ pool, gate, borrower, before, held, after, healthBeforeWad, healthAfterWad }: AaveMoved) {
  const shares = ({ ltvBps, thresholdBps, bonusBps }: Collateral) => ({
    loanToValue: Number(ltvBps) / 10_000,
    threshold: Number(thresholdBps) / 10_000,
    bonus: Number(bonusBps) / 10_000,
  })
  return {
    ...{ pool, gate, borrower, before: shares(before), held: shares(held), after: shares(after) },
    ...{ healthBefore: decimalText(healthBeforeWad, E18, 18), healthAfter: decimalText(healthAfterWad, E18, 18) },
  }
}

/** Where everything is, and what to ask first. */
export function placesText({ places, opened, hedged, aave }: Circle, url: string): string {
  const rows = [
    ['venue', places.venue],
    ['its orders', places.orders],
    ['its cash', places.token],
    ['its registry of margins', places.registry],
    ...('leftOut' in hedged
      ? []
      : [
          ['vaults’ registry of margins', hedged.registry],
          ['hedging agent', hedged.agent],
          ['Uniswap pool', hedged.pool],
        ]),
    ...('leftOut' in aave
      ? []
      : [
          ['Aave pool', aave.pool],
          ['its gate', aave.gate],
          ['a borrower', aave.borrower],
        ]),
    ['seller', opened.seller],
  ]
  const ask = `npx zkrisk receipt --rpc ${url} --venue ${places.venue} --account ${opened.seller} --from-block ${places.fromBlock}`
  return [alignColumns(rows as readonly (readonly string[])[]), `Why the seller was liquidated: ${ask}`].join('\n')
}
