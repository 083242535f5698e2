/** `zkrisk feed live`: feeds heard side by side, observations made of what they say, and brought to their sources. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonRpcApiProvider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { isDevelopmentChain } from '../../proof/index.ts'
import { connectProvider, type Deployment, type RpcAddress, readDeployment } from '../../registry/index.ts'
import { ONE_UNIT, unitPrice } from '../../market/priceScale.ts'
import { pricedWords } from '../../registry/market/door.ts'
import { checkSigners } from '../answers/attesting.ts'
import { openAccount } from '../daemon/account.ts'
import { type DevelopmentChain, developmentChainBehind, moveClockTo } from '../development/chain.ts'
import { UsageError } from '../text/usageError.ts'
import { writeWholeFile } from '../wholeFile.ts'
import { AttestingCarrier, type Carried, type Carrier, PythCarrier } from './carrier.ts'
import { ClockWatch } from './clockWatch.ts'
import { Dispatch, type DispatchEvent } from './dispatch.ts'
import type { FeedFile } from './feedConfig.ts'
import { type DeskEvent, type DeskMarket, FeedDesk } from './feedDesk.ts'
import { FeedFigures } from './feedFigures.ts'
import { openFeedHttp } from './feedHttp.ts'
import { feedsOf, graceSecondsOf, optionsFilesOf } from './feedProviders.ts'
import { type Place, placeOf, placeWithoutChain } from './places.ts'
import { type FeedEvent, type PriceFeed, refusal } from './priceFeed.ts'
import { type Observed, RoundDesk, type RoundEvent } from './roundDesk.ts'
import { defaultRoundLimits } from './roundDue.ts'
import { RoundSource } from './roundSource.ts'
import { Turns } from './turns.ts'
import { LAST_MS, within } from './within.ts'
import type { ConnectionLimits } from './connection.ts'

export type LiveEvent =
  | FeedEvent
  | DeskEvent
  | RoundEvent
  | Exclude<DispatchEvent, { readonly kind: 'door' }>
  /** What a source's door said of an observation, in words beside. */
  | (Extract<DispatchEvent, { readonly kind: 'door' }> & { readonly says: string })
  | { readonly kind: 'listening'; readonly url: string }
  /** This machine's clock does not go with the chain's: nothing is published. */
  | { readonly kind: 'clock-off'; readonly code: string; readonly says: string }
  | { readonly kind: 'clock-right' }
  /** How a price file was read. */
  | { readonly kind: 'file'; readonly says: string }

export type ChainOfFeeds = {
  readonly rpc: RpcAddress
  readonly deployment: string
  readonly signerKeyFile: readonly string[]
  readonly keyFile?: string | undefined
}

export type RunFeedsOptions = {
  readonly file: FeedFile
  /** None: nothing is sent, only told. */
  readonly chain?: ChainOfFeeds | undefined
  /** Times are of a recording: not held against this clock, and a development chain's is moved to them. */
  readonly isRecorded?: boolean
  /** Folder of words of rounds, which are then published of what is quoted of options. */
  readonly rounds?: string | undefined
  readonly http?: string | undefined
  /** Ends after so many observations. */
  readonly count?: number | undefined
  readonly limits?: Partial<ConnectionLimits>
  readonly signal: AbortSignal
  readonly onEvent: (event: LiveEvent) => void
}

export type FeedTotals = {
  observed: number
  appended: number
  held: number
  refusedByDoor: number
  unsent: number
  rounds: number
}

const LOOK_MS = 250
/** Without a reading of a market a feed is not ready; without an observation a market is not. */
const READING_SECONDS = 60
const OBSERVATION_STEPS = 4
/** Without a round for so many heartbeats a registry of margins goes without. */
const ROUND_STEPS = 4
/** Steps of the grid for one price that a network signed. */
const STEPS_OF_SIGNED = 6

/**
 * Runs until the signal, until as many observations were made as were wanted, or until all recordings are over.
 *
 * @throws {@link FeedMarketUnknownError}, {@link SignersError}, {@link RecordedElsewhereError}, {@link RecordingAsLiveError}, {@link ChainTimeError}; what the node answers with at the start
 */
export async function runFeeds(options: RunFeedsOptions): Promise<FeedTotals> {
  const { file, chain, isRecorded = false, signal } = options
  const isLiveFile = !isRecorded && file.feeds.some(({ kind }) => kind === 'file')
  if (isLiveFile) throw new RecordingAsLiveError()
  const names = [...new Set(file.feeds.flatMap(({ prices }) => Object.keys(prices)))]
  const opened = chain === undefined ? undefined : await openChain(chain, names, options)
  const http: { close?: () => Promise<void> } = {}
  const ended = new AbortController()
  try {
    const places = opened?.places ?? names.map(placeWithoutChain)
    const feeds = feedsOf(file, {
      limits: options.limits ?? {},
      say: (says) => options.onEvent({ kind: 'file', says }),
      from: (market) => nextOf(places.find((place) => place.market === market)),
    })
    const work = new Work({ ...options, signal: AbortSignal.any([signal, ended.signal]) }, feeds, places, opened, () =>
      ended.abort(),
    )
    if (options.http !== undefined) {
      const { url, close } = await openFeedHttp(options.http, work.figures)
      http.close = close
      options.onEvent({ kind: 'listening', url })
    }
    return await work.run()
  } finally {
    await http.close?.()
    opened?.provider.destroy()
  }
}

/** What a source can take next. */
const nextOf = (place: Place | undefined): bigint | undefined =>
  place?.last === undefined ? undefined : place.last.asOf + place.bounds.leastSpacingSeconds

type OpenedChain = {
  readonly provider: JsonRpcApiProvider
  readonly places: readonly Place[]
  readonly carriers: ReadonlyMap<string, Carrier>
  readonly turns: Turns
  /** None where times are of a recording. */
  readonly clock: ClockWatch | undefined
  /** Where rounds of options go, if they are wanted. */
  readonly roundSource: RoundSource | undefined
  /** Whose clock may be moved. */
  readonly development: DevelopmentChain | undefined
}

async function openChain(
  chain: ChainOfFeeds,
  names: readonly string[],
  { file, isRecorded = false, rounds }: RunFeedsOptions,
): Promise<OpenedChain> {
  const { markets = {} } = file
  const deployment = await readDeployment(chain.deployment)
  if (isRecorded && !isDevelopmentChain(deployment.chainId)) throw new RecordedElsewhereError(deployment.chainId)
  const provider = await connectProvider(chain.rpc, deployment.chainId)
  try {
    const clock = isRecorded ? undefined : await ClockWatch.start(provider, deployment.chainId)
    const places = await Promise.all(names.map((name) => placeOf(provider, deployment, name, markets[name]?.source)))
    const turns = new Turns(() => clock?.require())
    const hands = handsOf(chain, provider, turns)
    const development = isRecorded ? developmentChainBehind(provider) : undefined
    const carriers = carriersOf(places, deployment, hands, (carrier) => inTurn(carrier, turns, development))
    const roundSource =
      rounds === undefined ? undefined : await roundSourceOf(provider, deployment, hands, { folder: rounds, file })
    return { provider, places, carriers, turns, clock, roundSource, development }
  } catch (error) {
    provider.destroy()
    throw error
  }
}

type Hands = ReturnType<typeof handsOf>

const handsOf = ({ signerKeyFile, keyFile }: ChainOfFeeds, provider: JsonRpcApiProvider, turns: Turns) => ({
  payer: turns.follow(openAccount(provider, keyFile)),
  signers: signerKeyFile.map((each) => openAccount(provider, each)),
})

/** @throws {@link RoundsWithoutOptionsError}; what {@link RoundSource.open} throws */
async function roundSourceOf(
  provider: JsonRpcApiProvider,
  deployment: Deployment,
  hands: Hands,
  { folder, file: { feeds, markets = {} } }: { readonly folder: string; readonly file: FeedFile },
): Promise<RoundSource> {
  const market = deployment.portfolio?.market ?? ''
  const { rounds } = markets[market] ?? {}
  const source = await RoundSource.open(provider, deployment, hands, { folder, rounds })
  const hasOptions = feeds.some((feed) => feed.kind === 'deribit' && feed.prices[market]?.options !== undefined)
  if (!hasOptions) throw new RoundsWithoutOptionsError(market)
  return source
}

/** One for each source that any of the markets has. */
function carriersOf(
  places: readonly Place[],
  { chainId }: Deployment,
  { payer, signers }: Hands,
  ordered: (carrier: Carrier) => Carrier,
): ReadonlyMap<string, Carrier> {
  const carriers = new Map<string, Carrier>()
  for (const { source } of places) {
    if (source === undefined || carriers.has(source.address)) continue
    if (source.kind === 'attestedFeed')
      checkSigners(
        source,
        signers.map(({ address }) => address),
      )
    const carrier =
      source.kind === 'attestedFeed'
        ? new AttestingCarrier(source, chainId, signers, payer)
        : new PythCarrier(source.address, payer)
    carriers.set(source.address, ordered(carrier))
  }
  return carriers
}

class Work {
  readonly figures: FeedFigures
  private readonly options: RunFeedsOptions
  private readonly feeds: readonly PriceFeed[]
  private readonly places: ReadonlyMap<string, Place>
  private readonly desk: FeedDesk
  private readonly dispatch: Dispatch
  private readonly hasChain: boolean
  private readonly graceSeconds: number
  private readonly optionsFiles: ReadonlyMap<string, string>
  private readonly finish: () => void
  private readonly rounds: RoundDesk | undefined
  private readonly clock: ClockWatch | undefined
  private isClockOff = false
  private readonly lastObserved = new Map<string, Observed>()
  private readonly totals: FeedTotals = { observed: 0, appended: 0, held: 0, refusedByDoor: 0, unsent: 0, rounds: 0 }

  constructor(
    options: RunFeedsOptions,
    feeds: readonly PriceFeed[],
    places: readonly Place[],
    chain: OpenedChain | undefined,
    finish: () => void,
  ) {
    this.options = options
    this.feeds = feeds
    this.finish = finish
    this.hasChain = chain !== undefined
    this.clock = chain?.clock
    const markets = places.map((place) => deskMarketOf(place, options.file))
    this.desk = new FeedDesk(markets, options.isRecorded === true)
    this.graceSeconds = graceSecondsOf(options.file)
    this.optionsFiles = optionsFilesOf(options.file)
    const longest = Math.max(...markets.map(({ spacingSeconds }) => spacingSeconds))
    this.figures = new FeedFigures(new Map(feeds.map(({ name, markets: own }) => [name, own])), {
      readingSeconds: READING_SECONDS,
      observationSeconds: Math.max(READING_SECONDS, OBSERVATION_STEPS * longest),
    })
    this.places = new Map(places.map((place) => [place.market, place]))
    const sourceOf = (market: string): string => this.places.get(market)?.source?.address ?? ''
    this.dispatch = new Dispatch(
      (market) => carrierOf(chain, sourceOf(market)),
      (event) => this.dispatched(event),
    )
    if (chain !== undefined) this.figures.watchSending(() => chain.turns.unmined)
    this.rounds = chain?.roundSource && this.roundDesk(chain, chain.roundSource)
  }

  private roundDesk({ turns, development }: OpenedChain, source: RoundSource): RoundDesk {
    const { market } = source
    const { rounds = {}, leastSources = 1, maxDeviationBps = 100 } = this.options.file.markets?.[market] ?? {}
    const {
      everySeconds = defaultRoundLimits.everySeconds,
      spotMove = defaultRoundLimits.spotMove,
      volatilityMove = defaultRoundLimits.volatilityMove,
    } = rounds
    this.figures.expectRounds(market, ROUND_STEPS * everySeconds)
    return new RoundDesk(source, {
      ...{ limits: { everySeconds, spotMove, volatilityMove }, leastSources, maxDeviationBps, turns, development },
      observed: () => this.lastObserved.get(market),
      onEvent: (event) => {
        if (event.kind === 'round') this.totals.rounds++
        this.figures.round(event)
        this.options.onEvent(event)
      },
    })
  }

  async run(): Promise<FeedTotals> {
    const sending = this.dispatch.run()
    const looking = Promise.all([this.look(), this.clock?.run(this.options.signal)])
    try {
      await Promise.all(this.feeds.map((feed) => this.hear(feed)))
      if (!this.options.signal.aborted) this.close(Number.POSITIVE_INFINITY)
    } finally {
      this.finish()
      this.dispatch.stop()
      // Side by side: what one of them waits for, all do.
      await Promise.all([within(looking, LAST_MS), this.rounds?.stop(LAST_MS), sending])
    }
    return this.totals
  }

  private async hear(feed: PriceFeed): Promise<void> {
    for await (const event of feed.events(this.options.signal)) {
      this.figures.event(event)
      if (event.kind !== 'price' && event.kind !== 'volatility' && event.kind !== 'options') this.options.onEvent(event)
      else {
        if (event.kind === 'options') this.keepOptions(event)
        if (!this.isClockRight()) {
          this.refuse([refusal(event.feed, 'clock', `${event.kind} of ${event.market} while they are apart`)])
          continue
        }
        const { outcome, refused } = this.desk.take(event, Date.now())
        if (outcome === 'taken' && event.kind === 'price') this.figures.taken(event.feed, event.market)
        if (outcome === 'repeated') this.figures.again(event.feed)
        this.refuse(refused)
        if (event.kind === 'options' && refused.length === 0 && event.market === this.rounds?.market)
          this.rounds.take(event)
      }
    }
  }

  private async look(): Promise<void> {
    const { signal, isRecorded } = this.options
    while (!signal.aborted) {
      const now = (isRecorded === true ? this.desk.newestMs : Date.now()) / 1000
      if (this.isClockRight()) this.close(Math.floor(now) - this.graceSeconds)
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Tells when it changes. */
  private isClockRight(): boolean {
    const fault = this.clock?.fault()
    const isOff = fault !== undefined
    this.figures.clockIsOff(fault?.message)
    if (isOff !== this.isClockOff)
      this.options.onEvent(
        isOff ? { kind: 'clock-off', code: fault.code, says: fault.message } : { kind: 'clock-right' },
      )
    this.isClockOff = isOff
    return !isOff
  }

  private close(until: number): void {
    const { observations, events } = this.desk.close(until)
    for (const event of events) {
      if (event.kind === 'refused') this.figures.refuse(event.feed, event.condition)
      if (event.kind === 'observed') this.figures.step(event.market, 'observed')
      if (event.kind === 'too-few') this.figures.step(event.market, 'too-few', event.steps)
      this.options.onEvent(event)
    }
    this.observed(observations)
  }

  private observed(observations: readonly Carried[]): void {
    const { count = Number.POSITIVE_INFINITY } = this.options
    const wanted = observations.slice(0, Math.max(0, count - this.totals.observed))
    this.totals.observed += wanted.length
    for (const { market, priceE8, asOf } of wanted) {
      const price = unitPrice(priceE8, this.places.get(market)?.units ?? ONE_UNIT)
      this.lastObserved.set(market, { price, asOf: Number(asOf) })
    }
    if (this.hasChain) this.dispatch.send(wanted)
    else for (const { market } of wanted) this.figures.landed(market, 'watched')
    if (this.totals.observed >= count) this.finish()
  }

  private refuse(refused: readonly FeedEvent[]): void {
    for (const event of refused) {
      if (event.kind === 'refused') this.figures.refuse(event.feed, event.condition)
      this.options.onEvent(event)
    }
  }

  private keepOptions(event: Extract<FeedEvent, { readonly kind: 'options' }>): void {
    const file = this.optionsFiles.get(`${event.feed} ${event.market}`)
    if (file === undefined) return
    try {
      writeWholeFile(file, event.chain)
    } catch (error) {
      if (!(error instanceof ProverError)) throw error
      this.refuse([{ kind: 'refused', feed: event.feed, condition: 'options', says: error.message }])
    }
  }

  private dispatched(event: DispatchEvent): void {
    if (event.kind === 'sending-fails') this.figures.sendingFails(event.says)
    if (event.kind === 'sending-again' || event.kind === 'door') this.figures.sendingFails(undefined)
    if (event.kind === 'unsent') this.totals.unsent += event.observations
    if (event.kind === 'door') {
      const { kind } = event.event
      const { bounds, units } = this.places.get(event.market) ?? {}
      this.options.onEvent({ ...event, says: pricedWords(event.event, bounds, units) })
      this.figures.landed(event.market, kind)
      if (kind === 'appended') this.totals.appended++
      if (kind === 'held') this.totals.held++
      if (kind === 'refused') this.totals.refusedByDoor++
      return
    }
    if (event.kind === 'passed-over' || event.kind === 'reverted') this.figures.landed(event.market, event.kind)
    this.options.onEvent(event)
  }
}

function deskMarketOf(place: Place, { markets = {} }: FeedFile): DeskMarket {
  const {
    leastSources = 1,
    maxDeviationBps = 100,
    maxConfidenceBps = 50,
    everySeconds,
    inForceSeconds,
  } = markets[place.market] ?? {}
  const least = Number(place.bounds.leastSpacingSeconds)
  // What goes nowhere may be told as often as anybody likes.
  const spacingSeconds = Math.max(everySeconds ?? least, place.source === undefined ? 1 : least)
  // What a network signed has a time of its own: looked for more often, so that none is missed for a second.
  const every = place.source?.kind === 'other' ? Math.ceil(spacingSeconds / STEPS_OF_SIGNED) : spacingSeconds
  const ofFeed = place.source?.kind === 'attestedFeed' ? place.source.maxConfidenceBps : maxConfidenceBps
  return {
    place,
    leastSources,
    maxDeviationBps: BigInt(maxDeviationBps),
    maxConfidenceBps: BigInt(Math.min(maxConfidenceBps, ofFeed)),
    ...{ spacingSeconds, everySeconds: every },
    inForceSeconds: inForceSeconds ?? Math.min(15, every),
  }
}

function carrierOf(chain: OpenedChain | undefined, source: string): Carrier {
  const carrier = chain?.carriers.get(source)
  if (carrier === undefined) throw new TypeError('no carrier of a market that has a place')
  return carrier
}

/** One thing of the payer's at a time; of a recording the development chain's clock is moved to what is brought. */
const inTurn = (carrier: Carrier, turns: Turns, development: DevelopmentChain | undefined): Carrier => ({
  carry: (observations) =>
    turns.take(async () => {
      const newest = observations.reduce((latest, { asOf }) => (asOf > latest ? asOf : latest), 0n)
      if (development !== undefined) await moveClockTo(development, newest + 1n)
      return carrier.carry(observations)
    }),
})

/** A recording is to be brought to a chain on which there may be something to lose. */
export class RecordedElsewhereError extends ProverError {
  readonly code = 'service.feed-recorded'
  readonly chainId: bigint

  constructor(chainId: bigint) {
    super(
      `Expected a development chain for --recorded, which does not look at the clock, got chain ${chainId}. Leave it out there.`,
    )
    this.chainId = chainId
  }
}

/** Rounds are wanted of a market whose options nobody quotes. */
export class RoundsWithoutOptionsError extends UsageError {
  readonly code = 'service.rounds-without-options'
  readonly market: string

  constructor(market: string) {
    super(
      `Expected options of ${market}, whose rounds the registry of margins takes, of a feed of Deribit’s, got none. ` +
        `Say --options ${market}=BTC, or "options" of its price in a file of feeds.`,
    )
    this.market = market
  }
}

/** Prices of a file are of another time than now. */
export class RecordingAsLiveError extends UsageError {
  readonly code = 'service.feed-recording-live'

  constructor() {
    super(
      'Expected --recorded beside a feed of files, whose times are not now. It is for a development chain, or --dry-run.',
    )
  }
}
