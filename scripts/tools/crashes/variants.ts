/** Dampers that a run has or goes without, and what each is without it: a governed number at its loosest bound, or the other way to do it. */
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
} from '../../../prover/parameters/policy.ts'
import { marginFields, marketFields } from '../../../prover/parameters/policyEntries.ts'
import type { Hostile } from './hostile.ts'
import type { Policy } from '../../../prover/parameters/marketRisk.ts'

const dampers = ['ramp', 'budget', 'winsorising', 'median', 'stressFloor', 'nextObservation'] as const
export type Damper = (typeof dampers)[number]

/** What a run goes without. */
export type Variant = {
  readonly name: string
  readonly without: ReadonlySet<Damper>
  /** What that means. */
  readonly off: string
  /** Another ramp of the maintenance margin than that of deployments, of notional an hour. */
  readonly tightenPerHour?: number
  /** Who trades about the hedge. */
  readonly hostile?: Hostile
}

const without = (damper: Damper, name: string, off: string): Variant => ({ name, without: new Set([damper]), off })
const against = (hostile: Hostile, name: string, off: string): Variant => ({ name, without: new Set(), off, hostile })
const { tightenPerSecondX32: ramp, stressWeightX10: stress } = marginFields
const { maxReturnX16: maxReturn } = marketFields

export const variants: readonly Variant[] = [
  { name: 'all dampers', without: new Set(), off: '' },
  without(
    'ramp',
    'no ramp',
    `the maintenance margin rises by ${100 * ramp.greatest} points an hour, the loosest bound`,
  ),
  without('budget', 'no budget', 'the window takes any notional'),
  without('winsorising', 'no winsorising', `log returns are cut at ${maxReturn.greatest}, the loosest bound`),
  without('median', 'no median', 'the pool’s own price is observed instead of the median of three'),
  without('stressFloor', 'no stress floor', 'no share of stressed variance is in the margin'),
  without(
    'nextObservation',
    'no next observation',
    'a round that fills orders has a price that was known before they were placed',
  ),
  {
    name: 'slow ramp',
    without: new Set(),
    off: 'the maintenance margin rises by 2 points an hour',
    tightenPerHour: 0.02,
  },
  { name: 'none', without: new Set(dampers), off: 'all of them off' },
]

/** All dampers, and somebody who trades about the hedge. */
export const hostileVariants: readonly Variant[] = [
  against('sandwich', 'sandwiched', 'somebody trades ahead of the agent and back behind it, each time'),
  against('holdOff', 'held off', 'somebody moves the pool from its mean whenever the agent would trade, and back'),
  against('forerun', 'forerun', 'somebody trades a minute ahead of an agent that is not done'),
]

/** The engine's policy of a run. */
export function enginePolicyOf({ without, tightenPerHour = defaultEnginePolicy.tightenPerHour }: Variant): Policy {
  const engine = {
    ...defaultEnginePolicy,
    tightenPerHour,
    ...(without.has('ramp') ? { tightenPerHour: ramp.greatest } : {}),
    ...(without.has('stressFloor') ? { stressWeight: stress.least } : {}),
  }
  const market = {
    ...defaultMarketPolicy,
    ...(without.has('winsorising') ? { maxReturn: maxReturn.greatest } : {}),
  }
  return { ...encodeEnginePolicy(engine), market: encodeMarketPolicy(market) }
}
