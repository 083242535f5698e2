/** An engine on a development chain: everything deployed, markets added from a price history, observations fed by hand. */
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { Wallet } from 'ethers'
import type { BuildName } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { Plausibility } from '../../market/plausibility.ts'
import type { PriceRow } from '../../market/prices.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import type { MarketState, Observation, Policy } from '../../parameters/marketRisk.ts'
import { replay } from '../../parameters/replay.ts'
import type { CircuitKeys } from '../../proof/index.ts'
import { addMarket, deployEngine } from '../../registry/market/deploy.ts'
import { ContractRevertError } from '../../registry/contractErrors.ts'
import { attestedFeedOf, type Deployment } from '../../registry/deployment.ts'
import { type DoorEvent, doorEventsIn } from '../../registry/market/door.ts'
import { attestObservation, feedDomain, submitObservations } from '../../registry/market/feed.ts'
import { type DevelopmentChain, FEED_SIGNER_KEYS, FEED_THRESHOLD, MOST_MOVES, moveClockTo } from './chain.ts'
import { buildOf } from '../workspace.ts'

/** Prices of one market, oldest first. */
export type MarketHistory = { readonly name: string; readonly rows: readonly PriceRow[] }

/** One market's observation, to be attested. */
export type NamedObservation = { readonly name: string; readonly observation: Observation }

export type DevelopmentEngine = {
  readonly chain: DevelopmentChain
  readonly deployment: Deployment
  readonly policy: Policy
  /** Governed first state of each market, by name. */
  readonly states: ReadonlyMap<string, MarketState>
}

/** Attested prices may be this late; the demo signs and sends at once. */
const DEADLINE_SECONDS = 3600n

/**
 * Deploys an engine and adds markets at the last row of their warm-up history, in the state in which the twin leaves that
 * history: governance starts a market from what it knows, and from then on only proofs move it.
 *
 * @param warmUps - two rows at least; all end at the same time, at which the chain stands after this call
 * @param plausibility - bounds of the feed's door; what sources start with by default
 */
export async function deployDevelopmentEngine(
  chain: DevelopmentChain,
  keys: readonly CircuitKeys[],
  warmUps: readonly MarketHistory[],
  say: (line: string) => void = () => {},
  plausibility?: Plausibility,
): Promise<DevelopmentEngine> {
  const council = chain.account('council')
  const models = keys.map(({ circuit, verificationKey, manifest }) => ({
    build: buildOf(circuit as BuildName),
    verificationKey,
    manifest,
  }))
  const signers = FEED_SIGNER_KEYS.map((key) => new Wallet(key).address)
  let deployment = await deployEngine(council, {
    models,
    feed: { signers, threshold: FEED_THRESHOLD, ...(plausibility === undefined ? {} : { plausibility }) },
    policy: { learning: defaultPolicy.learning, margin: defaultPolicy.margin },
    onProgress: say,
  })

  await appendObservations(
    chain,
    deployment,
    warmUps.map(({ name, rows }) => ({ name, observation: lastOf(name, rows) })),
  )
  const states = new Map<string, MarketState>()
  for (const { name, rows } of warmUps) {
    const warm = replay(rows, defaultPolicy).points.at(-1)?.state
    const first = { name, policy: defaultPolicy.market, volatilityModel: DEFAULT_VOLATILITY_MODEL }
    const market = { ...first, ...(warm === undefined ? {} : { state: warm }) }
    const added = await addMarket(council, deployment, market)
    deployment = added.deployment
    states.set(name, added.state)
  }
  return { chain, deployment, policy: defaultPolicy, states }
}

/**
 * Attests observations with k of the n development signers and offers them to the feed a second after the newest of them.
 *
 * @returns what the feed's door said
 */
export async function appendObservations(
  chain: DevelopmentChain,
  deployment: Deployment,
  observations: readonly NamedObservation[],
): Promise<readonly DoorEvent[]> {
  const newest = observations.reduce(
    (latest, { observation }) => (observation.asOf > latest ? observation.asOf : latest),
    0n,
  )
  const { address: feed, threshold } = attestedFeedOf(deployment)
  const domain = feedDomain(deployment.chainId, feed)
  const signers = FEED_SIGNER_KEYS.slice(0, threshold).map((key) => new Wallet(key))
  const deadline = (await chain.now()) + newest + DEADLINE_SECONDS
  const signed = await Promise.all(
    observations.map(({ name, observation }) =>
      attestObservation(domain, signers, { ...observation, marketId: marketIdOf(name), confidenceE8: 0n, deadline }),
    ),
  )
  for (let tries = 1; ; tries++) {
    await moveClockTo(chain, newest + 1n)
    try {
      const { logs } = await submitObservations(chain.account('feeder'), feed, signed)
      return doorEventsIn(logs, feed)
    } catch (error) {
      // Somebody else set an earlier time for the block since.
      const isEarly = error instanceof ContractRevertError && error.reason === 'ObservationInFuture'
      if (!isEarly || (await chain.now()) > newest || tries === MOST_MOVES) throw error
    }
  }
}

/** Rows of several markets as steps in time: at each time one observation of every market. */
export function stepsOf(histories: readonly MarketHistory[]): readonly (readonly NamedObservation[])[] {
  const [first, ...others] = histories
  if (first === undefined) return []
  const byTime = others.map(({ rows }) => new Map(rows.map((row) => [row.asOf, row])))
  return first.rows.map((row) => [
    { name: first.name, observation: row },
    ...others.map(({ name }, i) => {
      const observation = byTime[i]?.get(row.asOf)
      if (observation === undefined) throw new HistoriesDifferError(name, row.asOf)
      return { name, observation }
    }),
  ])
}

function lastOf(name: string, rows: readonly PriceRow[]): PriceRow {
  const last = rows.at(-1)
  if (last === undefined) throw new HistoriesDifferError(name, 0n)
  return last
}

/** Histories that are replayed side by side have a price of each market at each time. */
export class HistoriesDifferError extends ProverError {
  readonly code = 'service.histories-differ'
  readonly market: string
  readonly asOf: bigint

  constructor(market: string, asOf: bigint) {
    super(
      `Expected a price of ${market} at ${asOf} (unix seconds), as of the other markets. Cut the files to the same times.`,
    )
    this.market = market
    this.asOf = asOf
  }
}
