/** What a receipt explains, in numbers and as people read it. */
import { plainPrice, unitsNumber, unitsOfScale } from '../../../market/priceScale.ts'
import { amount, priceWords } from '../../../portfolio/amount.ts'
import { marginTerms } from '../../../portfolio/explain.ts'
import { sviOf } from '../../../portfolio/input/checks.ts'
import { decimalText } from '../../../portfolio/input/exact.ts'
import { surfaceVolatility } from '../../../portfolio/real.ts'
import { auditedLegs, worstOf } from '../legs.ts'
import { alignColumns, legendText, type Telling, timeText, verdictCells, verdictText } from '../../report.ts'
import type { Evidence, ReceiptReport } from './judge.ts'

const E8 = 10n ** 8n
const E12 = 10n ** 12n
const FRACTION = 2 ** 40

/** The receipt in plain numbers; what is exact is decimal text. */
export function explainReceipt(report: ReceiptReport) {
  const {
    accepted,
    pinned,
    chainId,
    venue,
    registry,
    liquidation,
    evidence,
    failure,
    subjects,
    otherReporters,
    hidden,
  } = report
  const { owner, liquidator, block, transactionHash, timestamp, receipt } = liquidation
  return {
    ...{ accepted, pinned, chainId: chainId.toString(), venue, registry, owner, key: receipt.key, liquidator },
    ...{ block, transactionHash, time: isoTime(BigInt(timestamp)) },
    ...(evidence === undefined ? {} : explainEvidence(evidence, report.priceScale)),
    taken: explainTaken(report),
    ...{ otherReporters, hidden },
    judged: subjects.map(({ of, accepted: holds, claims }) => ({ of, accepted: holds, claims })),
    ...(failure === undefined ? {} : { failure }),
  }
}

const isoTime = (seconds: bigint): string => new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z')
const moneyE8 = (value: bigint): string => decimalText(value, E8)
const moneyE12 = (value: bigint): string => decimalText(value, E12)

function explainEvidence(evidence: Evidence, priceScale: number) {
  const { kind, asOf, sequence, block, transactionHash, scenario, shownE8, provable, cashNeededE12 } = evidence
  const { margin, account } = provable
  return {
    evidence: {
      ...{ kind, round: isoTime(asOf), report: Number(sequence), block, transactionHash, scenario },
      maintenance: moneyE8(shownE8),
    },
    inputs: explainInputs(evidence, priceScale),
    account: {
      cash: moneyE12(account.holdings.cashE12),
      perpPnl: moneyE12(account.holdings.perpPnlE12),
      legs: auditedLegs('the account', provable, priceScale),
    },
    standing: {
      equity: moneyE8(margin.equityE8),
      maintenance: moneyE8(margin.maintenanceE8),
      requirement: moneyE8(margin.equityE8 - margin.maintenanceE8),
      initial: moneyE8(margin.initialE8),
      worst: { index: margin.worstScenario, ...worstOf(provable) },
      terms: marginTerms(provable),
    },
    wouldHaveSaved: { cash: moneyE12(cashNeededE12) },
  }
}

function explainInputs({ provable: { round, arrays } }: Evidence, priceScale: number) {
  const units = unitsOfScale(priceScale)
  const expiries = new Map(arrays.map(({ surface }) => [surface.expiry, surface]))
  return {
    spot: plainPrice(round.spotE8, units),
    perp: plainPrice(round.perpPriceE8, units),
    stable: moneyE12(round.stablePriceE12),
    expiries: [...expiries.values()].map((surface) => {
      const forwardE8 = surface.forwardVariableE8 + surface.forwardFixedE8
      return {
        expiry: isoTime(surface.expiry),
        forward: plainPrice(forwardE8, units),
        rate: Number(surface.rateX40) / FRACTION,
        volatilityAtForward: surfaceVolatility(surface, Number(forwardE8) / 1e8),
        svi: sviOf(surface),
      }
    }),
  }
}

function explainTaken({ liquidation: { receipt }, taken, priceScale }: ReceiptReport) {
  const { cashBeforeE12, reportedCashE12, auctionSeconds, part, partPerpsE12 } = taken
  const perUnit = unitsNumber(unitsOfScale(priceScale))
  const quantity = (value: bigint): number => Number(decimalText(value, E12)) * perUnit
  const optional = (value: bigint | undefined): string | null => (value === undefined ? null : moneyE12(value))
  return {
    fractionBps: Number(receipt.fractionBps),
    options: part.map(({ expiry, strikeE8, callsE12, putsE12 }) => ({
      expiry: isoTime(expiry),
      strike: plainPrice(strikeE8, unitsOfScale(priceScale)),
      calls: quantity(callsE12),
      puts: quantity(putsE12),
    })),
    perps: quantity(partPerpsE12),
    notional: moneyE12(receipt.notionalE12),
    cash: moneyE12(receipt.cashE12),
    bonusBps: Number(receipt.bonusBps),
    bonus: moneyE12((receipt.notionalE12 * receipt.bonusBps) / 10_000n),
    auctionSeconds: auctionSeconds ?? null,
    reportedCash: optional(reportedCashE12),
    cashBefore: optional(cashBeforeE12),
    report: Number(receipt.sequence),
    covered: moneyE12(receipt.coveredE12),
    badDebt: moneyE12(receipt.badDebtE12),
  }
}

/** The receipt as its owner reads it, then the verdict. */
export function formatReceipt(report: ReceiptReport, telling: Telling = {}): string {
  const { liquidation, evidence, venue, chainId, otherReporters, hidden } = report
  const { owner, liquidator, transactionHash, block, timestamp } = liquidation
  const others =
    otherReporters.length === 0 ? [] : [`Accounts may be reported by others, too: ${otherReporters.join(' ')}`]
  const counts = [`${report.subjects.filter(({ accepted }) => accepted).length} of ${report.subjects.length} subjects`]
  return [
    `Liquidation of ${owner} at venue ${venue} on chain ${chainId}`,
    `by ${liquidator}, block ${block} (${timeText(BigInt(timestamp))} UTC), transaction ${transactionHash}`,
    '',
    ...(evidence === undefined ? ['There is no evidence for it.'] : evidenceText(report, evidence)),
    ...hidden.map(hiddenText),
    '',
    ...takenText(report),
    '',
    alignColumns(report.subjects.map((each) => [each.of, ...verdictCells(each, telling)])),
    '',
    legendText(report.subjects),
    ...others,
    '',
    ...verdictText(report, counts, report.subjects, telling),
    '',
  ].join('\n')
}

const hiddenText = (hash: string): string =>
  `Transaction ${hash} called through a contract that does not carry the call whole; this node cannot trace it. Take one that offers debug_traceTransaction with the callTracer, and --save the receipt for whoever has none.`

const quote = (valueE12: bigint): string => amount(Number(decimalText(valueE12, E12)))
const quoteE8 = (valueE8: bigint): string => amount(Number(decimalText(valueE8, E8)))

function evidenceText({ liquidation, priceScale }: ReceiptReport, evidence: Evidence): readonly string[] {
  const { kind, asOf, sequence, scenario, shownE8, provable, cashNeededE12, transactionHash, block } = evidence
  const { margin } = provable
  const { worst, worstLoss } = worstOf(provable)
  const isWitness = kind === 'witness'
  const later = liquidation.receipt.sequence - sequence
  const where =
    transactionHash === liquidation.transactionHash
      ? 'brought in the same transaction'
      : `block ${block}, transaction ${transactionHash}`
  const { inputs } = explainEvidence(evidence, priceScale)
  const prices = [
    ['spot', inputs.spot],
    ['perpetual', inputs.perp],
    ...inputs.expiries.map(({ expiry, forward, rate, volatilityAtForward }) => [
      `expiry ${expiry.slice(0, 10)}`,
      `forward ${forward}, volatility there ${percent(volatilityAtForward)}, rate ${percent(rate)}`,
    ]),
  ]
  const legs = auditedLegs('the account', provable, priceScale).map(
    ({ leg, quantity, mark, shocked, contribution }) => [
      `  ${leg}`,
      String(quantity).replace('-', '−'),
      mark === undefined ? '' : `mark ${priceWords(mark)}`,
      shocked === undefined ? '' : `then ${priceWords(shocked)}`,
      amount(contribution),
    ],
  )
  return [
    `Why: ${isWitness ? 'a witness' : 'proven margins'} of the round of ${timeText(asOf)} UTC (${where})`,
    `showed report ${sequence} of the account ${isWitness ? 'at most ' : ''}${quoteE8(shownE8)} above maintenance, by ${scenario.words}.`,
    ...(later > 0n
      ? [`It was reported ${later} times since, and what that changed was worth less, or was marked and proven.`]
      : []),
    '',
    alignColumns(prices),
    '',
    `Computed again under every scenario: worst ${worst} (${amount(worstLoss)})`,
    alignColumns(legs),
    '',
    alignColumns([
      ['cash', quote(provable.account.holdings.cashE12)],
      ['equity', quoteE8(margin.equityE8)],
      ['maintenance requirement', quoteE8(margin.equityE8 - margin.maintenanceE8)],
      ['= below maintenance by', quoteE8(-margin.maintenanceE8)],
    ]),
    '',
    `What would have saved it: ${decimalText(cashNeededE12, E12)} more cash before that round, and not one unit less.`,
  ]
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`

function takenText(report: ReceiptReport): readonly string[] {
  const { liquidation, taken } = report
  const { receipt } = liquidation
  const { options, perps } = explainTaken(report)
  const bonusE12 = (receipt.notionalE12 * receipt.bonusBps) / 10_000n
  const legs = options.flatMap(({ expiry, strike, calls, puts }) => [
    ...(calls === 0 ? [] : [`${signed(calls)} of ${expiry.slice(0, 10)} ${strike} call`]),
    ...(puts === 0 ? [] : [`${signed(puts)} of ${expiry.slice(0, 10)} ${strike} put`]),
  ])
  const all = [...legs, ...(perps === 0 ? [] : [`${signed(perps)} perpetuals`])]
  const before = taken.cashBeforeE12
  const ran = taken.auctionSeconds === undefined ? '' : `, ${taken.auctionSeconds} s into the auction`
  return [
    `What was taken: ${percent(Number(receipt.fractionBps) / 10_000)} of the account${ran}: ${all.join(', ') || 'nothing'}`,
    alignColumns([
      ['notional', quote(receipt.notionalE12)],
      ...(before === undefined ? [] : [['cash of the account before', quote(before)]]),
      [
        bonusE12 < 0n ? 'the liquidator paid, of it' : 'the liquidator was paid, of it',
        quote(bonusE12 < 0n ? -bonusE12 : bonusE12),
      ],
      ['cash that went to the liquidator', quote(receipt.cashE12)],
      ['covered by the insurance fund', quote(receipt.coveredE12)],
      ['bad debt', quote(receipt.badDebtE12)],
    ]),
  ]
}

const signed = (value: number): string => String(value).replace('-', '−')
