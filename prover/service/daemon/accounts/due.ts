/** Which accounts are worth a proof now, and why: only what moved is proven, and who may be liquidated comes first. */
import type { AccountOnChain } from './ledger.ts'

/** By urgency. */
const dueReasons = ['unhealthy', 'near-threshold', 'renewal', 'moved', 'report', 'recovered', 'count'] as const
export type DueReason = (typeof dueReasons)[number]

export type Due = {
  readonly account: AccountOnChain
  readonly reason: DueReason
  /** For people. */
  readonly says: string
  /** Within a reason the least is first. */
  readonly order: number
}

/** What an account comes to at the newest round whose words are known. */
export type Looked = { readonly maintenanceE8: bigint }

export type DueTerms = {
  /** Of the chain, unix seconds. */
  readonly time: bigint
  readonly maxMarginAgeSeconds: bigint
  /** Of the round that margins are proven of. */
  readonly asOf: bigint
  /** Of the newest round whose words are known. */
  readonly spotE8: bigint
  readonly policy: DuePolicy
}

export type DuePolicy = {
  /** near-threshold: spot is as near to a liquidation threshold, as a fraction of it. */
  readonly nearFraction: number
  /** renewal: the margin has used up such a share of the age at which nobody reads it any more. */
  readonly renewalShare: number
  /** moved: what it holds above maintenance has fallen by such a share. */
  readonly movedShare: number
}

export const defaultDuePolicy: DuePolicy = { nearFraction: 0.02, renewalShare: 0.6, movedShare: 0.25 }

/** Why an account needs margins of the round, if it does; `looked` is undefined where nobody has looked yet. */
export function dueOf(account: AccountOnChain, looked: Looked | undefined, terms: DueTerms): Due | undefined {
  const { margin, sequence, isUnhealthy, reportedIn } = account
  if (isUnhealthy && looked !== undefined && looked.maintenanceE8 >= 0n && isLater(account, terms))
    return { account, reason: 'recovered', says: 'it is above maintenance again', order: reportedIn }
  if (margin === undefined || margin.sequence !== sequence)
    return { account, reason: 'report', says: `report ${sequence} has no margin yet`, order: reportedIn }
  if (isUnhealthy || !isLater(account, terms)) return undefined
  return nearOf(account, terms) ?? renewalOf(account, terms) ?? movedOf(account, looked, terms)
}

/** A contract takes margins of later rounds than it holds. */
const isLater = ({ margin }: AccountOnChain, { asOf }: DueTerms): boolean => margin === undefined || margin.asOf < asOf

function nearOf(account: AccountOnChain, { spotE8, policy }: DueTerms): Due | undefined {
  const { liquidationDownE8 = 0n, liquidationUpE8 = 0n } = account.margin?.thresholds ?? {}
  const spot = Number(spotE8)
  const [down, up] = [Number(liquidationDownE8), Number(liquidationUpE8)]
  const order = Math.min(down === 0 ? 1 : spot / down - 1, up === 0 ? 1 : 1 - spot / up)
  if (order > policy.nearFraction) return undefined
  const says = `spot is ${(100 * Math.abs(order)).toFixed(1)} % ${order < 0 ? 'beyond' : 'from'} a liquidation threshold`
  return { account, reason: 'near-threshold', says, order }
}

function renewalOf(account: AccountOnChain, { time, maxMarginAgeSeconds, policy }: DueTerms): Due | undefined {
  const asOf = account.margin?.asOf ?? 0n
  const age = Number(time - asOf)
  if (age < policy.renewalShare * Number(maxMarginAgeSeconds)) return undefined
  return { account, reason: 'renewal', says: `its margin is ${age} s old`, order: Number(asOf) }
}

function movedOf(account: AccountOnChain, looked: Looked | undefined, { policy }: DueTerms): Due | undefined {
  const before = Number(account.margin?.margins.maintenanceE8 ?? 0n)
  if (looked === undefined || before <= 0) return undefined
  const fall = 1 - Number(looked.maintenanceE8) / before
  if (fall < policy.movedShare) return undefined
  const says = `what it holds above maintenance has fallen by ${(100 * fall).toFixed(0)} %`
  return { account, reason: 'moved', says, order: -fall }
}

/** The most urgent first. */
export const byUrgency = (a: Due, b: Due): number =>
  dueReasons.indexOf(a.reason) - dueReasons.indexOf(b.reason) || a.order - b.order
