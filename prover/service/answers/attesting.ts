/** `zkrisk feed attest`: one price, attested by a feed's signers and appended: above all a market's first. */
import { ProverError } from '../../errors.ts'
import { parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { Refusal } from '../../market/plausibility.ts'
import { GREATEST_PRICE_SCALE, unitsOfScale } from '../../market/priceScale.ts'
import { parseTime } from '../../market/time.ts'
import {
  type RpcAddress,
  attestedFeedOf,
  attestObservation,
  connectProvider,
  type DeployedFeed,
  feedDomain,
  readDeployment,
  submitObservations,
} from '../../registry/index.ts'
import { ask } from '../../registry/contractErrors.ts'
import { doorEventsIn, doorWords } from '../../registry/market/door.ts'
import { priceScaleAt } from '../../registry/market/scale.ts'
import { openAccount } from '../daemon/account.ts'
import { exactPrice, isoTime } from '../text/figures.ts'
import { UsageError } from '../text/usageError.ts'

export type PriceToAttest = {
  readonly rpc: RpcAddress
  readonly deployment: string
  readonly signerKeyFile: readonly string[]
  readonly keyFile?: string | undefined
  readonly source?: string | undefined
  readonly asOf?: string | undefined
  readonly market: string
  readonly price: string
}

/** Attested once sent, it may be appended until so long after its time, or after the chain's. */
const DEADLINE_SECONDS = 3600n

/**
 * @throws {@link PriceTextError}, {@link TimeTextError}, {@link SignersError}; what the feed reverts with;
 * {@link ObservationRefusedError} if its door refuses the price, {@link NotLaterError} if there is a later one
 */
export async function attestPrice(given: PriceToAttest): Promise<{
  /** `held`: a jump that others have to confirm before it enters. */
  readonly outcome: 'appended' | 'held'
  /** What became of it, in words. */
  readonly says: string
  readonly market: string
  readonly price: string
  readonly asOf: string
  readonly feed: string
  readonly signers: readonly string[]
  readonly block: number
}> {
  // At the finest scale that there is: what is no price at all is refused before anybody is asked.
  priceOf(given.price, GREATEST_PRICE_SCALE)
  const marketId = marketIdOf(given.market)
  const deployment = await readDeployment(given.deployment)
  const feed = attestedFeedOf(deployment, given.source)
  const provider = await connectProvider(given.rpc, deployment.chainId)
  try {
    const signers = given.signerKeyFile.map((file) => openAccount(provider, file))
    const addresses = signers.map(({ address }) => address)
    checkSigners(feed, addresses)
    const scale = await priceScaleAt(provider, feed.address, marketId)
    const [priceE8, units] = [priceOf(given.price, scale), unitsOfScale(scale)]
    const carrier = openAccount(provider, given.keyFile)
    const latest = await ask('Reading the latest block', () => provider.getBlock('latest'))
    const now = BigInt(latest?.timestamp ?? 0)
    const asOf = given.asOf === undefined ? now : timeOf(given.asOf)
    const deadline = (asOf > now ? asOf : now) + DEADLINE_SECONDS
    const observation = { marketId, priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n, confidenceE8: 0n, deadline }
    const signed = await attestObservation(feedDomain(deployment.chainId, feed.address), signers, observation)
    const { blockNumber, logs } = await submitObservations(carrier, feed.address, [signed])
    const price = exactPrice(priceE8, units)
    const event = doorEventsIn(logs, feed.address).at(-1)
    if (event === undefined) throw new NotLaterError(given.market, isoTime(asOf))
    const says = doorWords(event, feed.plausibility, units)
    if (event.kind === 'refused') throw new ObservationRefusedError(event.reason, says)
    const said = { market: given.market, price, asOf: isoTime(asOf), feed: feed.address, says }
    return { outcome: event.kind === 'held' ? 'held' : 'appended', ...said, signers: addresses, block: blockNumber }
  } finally {
    provider.destroy()
  }
}

/** The feed would refuse them one by one, for gas. */
export function checkSigners(
  { threshold, signers }: Pick<DeployedFeed, 'threshold' | 'signers'>,
  given: readonly string[],
): void {
  const stranger = given.find((address) => !signers.includes(address))
  if (stranger !== undefined) throw new SignersError(`one of its signers ${signers.join(', ')}`, stranger)
  const count = new Set(given).size
  if (count !== threshold || count !== given.length)
    throw new SignersError(`keys of exactly ${threshold} different signers`, `${given.length} keys of ${count}`)
}

/** A price of one unit, as a source of this scale tells it. @throws {@link PriceTextError} if it would be rounded */
function priceOf(text: string, scale: number): bigint {
  const decimal = parseDecimal(text)
  const { numerator, denominator } = decimal === undefined ? NOTHING : scaleDecimal(decimal, 10n ** BigInt(8 + scale))
  if (decimal === undefined || decimal.negative || numerator === 0n || numerator % denominator !== 0n)
    throw new PriceTextError(text, scale)
  return numerator / denominator
}

const NOTHING = { numerator: 0n, denominator: 1n }

function timeOf(text: string): bigint {
  const time = parseTime(text)
  if (time === undefined) throw new TimeTextError(text)
  return time
}

/** A feed has a later observation of the market, or this one. */
export class NotLaterError extends ProverError {
  readonly code = 'service.not-later'
  readonly market: string
  readonly asOf: string

  constructor(market: string, asOf: string) {
    super(`The feed has an observation of ${market} that is as late as ${asOf}, or later. Attest one of a later time.`)
    this.market = market
    this.asOf = asOf
  }
}

/** A feed's door refused a price, for ever. */
export class ObservationRefusedError extends ProverError {
  readonly code = 'service.observation-refused'
  readonly reason: Refusal

  constructor(reason: Refusal, says: string) {
    const advice = reason === 'TooSoon' ? 'Attest a later price.' : 'Attest what the market does.'
    super(`${says}. ${advice}`)
    this.reason = reason
  }
}

/** A price is not one. */
export class PriceTextError extends UsageError {
  readonly code = 'service.price-text'
  readonly value: string

  constructor(value: string, scale: number) {
    super(`Expected a price above 0 with at most ${8 + scale} decimals, such as 67123.5, got "${value}". Write it so.`)
    this.value = value
  }
}

/** A time is not one. */
export class TimeTextError extends UsageError {
  readonly code = 'service.time-text'
  readonly value: string

  constructor(value: string) {
    super(`Expected a time such as "2026-03-12 09:00:00", UTC, or unix seconds, got "${value}". Write it so.`)
    this.value = value
  }
}

/** These keys cannot attest for the feed. */
export class SignersError extends ProverError {
  readonly code = 'service.signers'

  constructor(expected: string, found: string) {
    super(`Expected ${expected} of the feed, got ${found}. Give --signer-key-file the keys of those.`)
  }
}
