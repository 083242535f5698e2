/** `zkrisk chain` and `zkrisk feed replay`: an engine to try the service on, and somebody to feed it. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../errors.ts'
import { isMarketName, marketIdOf, marketNameOf } from '../../market/marketId.ts'
import { defaultPlausibility } from '../../market/plausibility.ts'
import { ONE_UNIT, type Units, unitsOfScale, unitsText } from '../../market/priceScale.ts'
import { priceScaleAt } from '../../registry/market/scale.ts'
import { parseTime } from '../../market/time.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import {
  attestedFeedOf,
  connectProvider,
  type Deployment,
  type RpcAddress,
  readDeployment,
  writeDeployment,
} from '../../registry/index.ts'
import { defaultFreshness } from '../../registry/market/deploy.ts'
import { doorWords } from '../../registry/market/door.ts'
import { doorText } from '../deploying/door.ts'
import { provableMargin } from '../../portfolio/accountMargin.ts'
import type { Portfolio, PortfolioOverMarkets } from '../../portfolio/portfolio.ts'
import { createProver } from '../../proof/index.ts'
import { replayProven } from '../answers/provenReplay.ts'
import { type Circle, circleKeys, runCircle } from './circle.ts'
import { crashHistory } from './demo.ts'
import { type DevelopmentChain, developmentChainBehind, developmentKeys, serveDevelopmentChain } from './chain.ts'
import {
  appendObservations,
  deployDevelopmentEngine,
  type DevelopmentEngine,
  type MarketHistory,
  stepsOf,
} from './engine.ts'
import {
  buildPortfolioKeys,
  deployDevelopmentPortfolio,
  portfolioKeysIfBuilt,
  type StatementKeys,
} from './portfolio.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import { deployDevelopmentCross } from './cross.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { accountAnswer } from '../answers/accountMargins.ts'
import { marginSizes, readAccountOverMarkets } from '../answers/margins.ts'
import { marketNameFor } from '../answers/marginSite.ts'
import { type HistoryOptions, readHistory } from '../answers/histories.ts'
import { timeOption } from '../answers/time.ts'
import { gapsIn, Pace, type Speed } from '../feeds/pace.ts'
import { duration, exactPrice, utcTime } from '../text/figures.ts'
import { FileWriteError, writeSecretFile } from '../wholeFile.ts'
import { LIVE_BUILD, loadKeys, loadMarketKeys } from '../workspace.ts'
import { UsageError } from '../text/usageError.ts'

const HORIZON_SECONDS = Number(defaultPolicy.learning.horizonSeconds)

/** What a registry of margins takes besides, where it is built already. */
const OTHER_MODELS = ['marginsAlone', 'unhealthyWitness', 'scenarioWitness', 'arrayMargin'] as const

/** Proven before the circle: from the default start BTC falls by a sixth in them. */
const CIRCLE_HOURS = 2

/** More times than any history has. */
const ALL = Number.MAX_SAFE_INTEGER

export type OpenChain = {
  readonly url: string
  readonly deployment: Deployment
  readonly circle: Circle | undefined
  close(): Promise<void>
}

/** Serves a development chain with an engine, with models of all that is built, and writes where it lives and whom it funds. */
export async function openChain(options: {
  readonly port: number
  readonly deployment: string
  readonly keyFile: string
  readonly councilKeyFile: string
  readonly start: string
  /** A portfolio, for a registry of margins in its market, or over its markets, under its parameters and scenarios. */
  readonly margins?: string | undefined
  /** With the circle run on it, after the first hours were proven. */
  readonly circle?: boolean | undefined
  readonly say: (line: string) => void
}): Promise<OpenChain> {
  const start = parseTime(options.start)
  if (start === undefined) throw new StartTimeError(options.start)
  for (const file of [options.deployment, options.keyFile, options.councilKeyFile]) requireFilePlace(file)
  requireFolderOf(options.deployment)
  const keys = await loadMarketKeys()
  const portfolio = options.margins === undefined ? undefined : readAccountOverMarkets(options.margins, {})
  const { warmUps, steps } = crashHistory(start, ALL)
  const isBeyond = steps.length === 0 && warmUps.every(({ rows }) => (rows.at(-1)?.asOf ?? 0n) < start)
  if (isBeyond || warmUps.some(({ rows }) => rows.length < 2)) throw new StartTimeError(options.start)
  if (options.circle === true && steps.length === 0) throw new NothingToReplayError(start)
  const circleOwn = options.circle === true ? await circleKeys(true, options.say) : undefined
  const server = await serveDevelopmentChain(start, options.port)
  try {
    const chain = developmentChainBehind(await connectProvider(server.url))
    const engine = await deployDevelopmentEngine(chain, keys, warmUps, options.say)
    const circle = circleOwn && (await circleAt(engine, start, circleOwn, options.say))
    const deployment =
      circle !== undefined
        ? withCircle(engine.deployment, circle)
        : portfolio === undefined
          ? engine.deployment
          : 'parts' in portfolio
            ? await withCross(engine, portfolio, options.say)
            : await withMargins(engine, portfolio, options.say)
    if (portfolio !== undefined)
      await tellTime(chain, portfolio, steps.at(-1)?.[0]?.observation.asOf ?? start, options.say)
    options.say(`Its feed takes ${doorText(attestedFeedOf(deployment).plausibility ?? defaultPlausibility)}.`)
    await writeDeployment(options.deployment, deployment)
    writeSecretFile(options.keyFile, `${developmentKeys.prover}\n`)
    writeSecretFile(options.councilKeyFile, `${developmentKeys.council}\n`)
    await chain.close()
    return { url: server.url, deployment, circle, close: () => server.close() }
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Before a chain is begun whose files could not be written. @throws {@link FileWriteError} */
function requireFilePlace(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new FileWriteError(file, new Error('it is a folder'))
}

/** The same of one whose folder is not made for it. @throws {@link FileWriteError} */
function requireFolderOf(file: string): void {
  if (!existsSync(dirname(file))) throw new FileWriteError(file, new Error(`there is no folder ${dirname(file)}`))
}

/** The same with what the circle put beside it, whose events a service tells of. */
function withCircle(deployment: Deployment, { places, hedged }: Circle): Deployment {
  const { portfolio, venue: address, fromBlock: block } = places
  const hedge = 'leftOut' in hedged ? {} : { hedge: { agent: hedged.agent, block: hedged.fromBlock } }
  return { ...deployment, portfolio, venue: { address, block }, ...hedge }
}

/** The hours after the start are proven, and the circle run over what is then in force. */
async function circleAt(
  engine: DevelopmentEngine,
  start: bigint,
  keys: StatementKeys,
  say: (line: string) => void,
): Promise<Circle> {
  const live = await loadKeys(LIVE_BUILD)
  const prover = createProver()
  try {
    say('proving two hours, and running the circle over them')
    await replayProven(engine, prover, live, crashHistory(start, CIRCLE_HOURS).steps)
    return await runCircle(engine, keys, prover, say)
  } finally {
    await prover.close()
  }
}

/** The same engine with a registry of margins beside it, whose circuits are built if they are not. */
export async function withMargins(
  { chain, deployment }: DevelopmentEngine,
  portfolio: Portfolio,
  say: (line: string) => void,
): Promise<Deployment> {
  const { keys } = await buildPortfolioKeys(['riskArray', 'optionBook', 'portfolioMargin'], say)
  const market = marketNameFor(portfolio)
  say(`deploying a registry of margins in ${market}`)
  const provable = provableMargin(portfolio, marginSizes)
  const policy = policyOf(provable)
  const others = await Promise.all(OTHER_MODELS.map((statement) => portfolioKeysIfBuilt([statement])))
  const all = Object.assign({}, keys, ...others) as typeof keys
  const margins = await deployDevelopmentPortfolio(chain, all, policy, market, {
    authority: deployment.addresses,
    priceScale: provable.priceScale,
  })
  const { registry, arrays, rounds, models } = margins.deployment
  return { ...deployment, portfolio: { registry, arrays, rounds, market, models: Object.values(models) } }
}

/**
 * A round is not put in force before its time: on a chain of another time this moves the clock, and every market's prices are old then.
 *
 * @param lastAsOf - of the prices that can be replayed
 */
async function tellTime(
  chain: DevelopmentChain,
  portfolio: Portfolio | PortfolioOverMarkets,
  lastAsOf: bigint,
  say: (line: string) => void,
): Promise<void> {
  const parts = 'parts' in portfolio ? portfolio.parts : [portfolio]
  const asOf = parts.reduce((latest, { market }) => (market.asOf > latest ? market.asOf : latest), 0n)
  const ahead = asOf - (await chain.now())
  if (ahead <= defaultFreshness.maxParameterAgeSeconds) return
  const then =
    asOf < lastAsOf
      ? 'where markets are stale until later prices are replayed and proven. To have both, replay to there before.'
      : `where markets are stale and no prices are left to replay. To have both, date it before ${utcTime(lastAsOf)} UTC.`
  say(
    `The portfolio is of ${utcTime(asOf)} UTC: to put its round in force moves the chain's clock ${duration(Number(ahead))} on, ${then}`,
  )
}

/** The same with a registry of margins over several markets. */
async function withCross(
  { chain, deployment }: DevelopmentEngine,
  portfolio: PortfolioOverMarkets,
  say: (line: string) => void,
): Promise<Deployment> {
  const { together } = await accountAnswer(portfolio)
  if (together === undefined) return deployment
  const { keys } = await buildPortfolioKeys(crossStatementNames, say)
  const names = portfolio.parts.map(marketNameFor)
  say(`deploying a registry of margins over ${names.join(' and ')}`)
  const cross = await deployDevelopmentCross(chain, keys, names, together.provable, deployment.addresses)
  const { registry, rounds, arrays, models } = cross
  const markets = names.map((market, m) => ({ market, arrays: arrays[m] ?? '' }))
  return { ...deployment, cross: { registry, rounds, markets, models: Object.values(models) } }
}

/**
 * Appends prices time after time, each a second after its own time on the chain's clock, which is moved there.
 *
 * @param files - one per market; none replays the project's extract from where the chain stands
 * @returns of how many times prices were attested, how many prices the door held or refused, and between how many times some are missing
 */
export async function replayFeed(
  files: readonly string[],
  options: {
    readonly rpc: RpcAddress
    readonly deployment: string
    readonly market: readonly string[]
    /** Seconds between two times. */
    readonly pause: number
    /** As recorded, so many times as fast, instead of the pause. */
    readonly speed?: Speed | undefined
    readonly count?: number | undefined
    readonly prices: HistoryOptions
    readonly say: (line: string) => void
  },
): Promise<{ readonly times: number; readonly held: number; readonly refused: number; readonly gaps: number }> {
  if (files.length !== options.market.length) throw new FeedMarketsError(files.length, options.market.length)
  const deployment = await readDeployment(options.deployment)
  const chain = developmentChainBehind(await connectProvider(options.rpc, deployment.chainId))
  const { address, plausibility: bounds } = attestedFeedOf(deployment)
  const now = await chain.now()
  const unitsOf = new Map<string, Units>()
  for (const name of [...options.market, ...deployment.markets.map((market) => market.name).filter(isMarketName)]) {
    unitsOf.set(name, unitsOfScale(await priceScaleAt(chain.provider, address, marketIdOf(name))))
  }
  const { fromText, toText, ...prices } = options.prices
  const [from, to] = [timeOption('from', fromText) ?? 0n, timeOption('to', toText)]
  const histories = files.map((file, i): MarketHistory => {
    // Behind the chain's clock nothing can be attested any more
    const name = options.market[i] as string
    // A source has one scale, at which its prices are told unless they are stated otherwise.
    const units = prices.units ?? Number(unitsText(unitsOf.get(name) ?? ONE_UNIT))
    const wanted = { ...prices, units, from: from > now ? from : now + 1n, to }
    const { rows } = readHistory(file, wanted, { say: options.say, horizonSeconds: HORIZON_SECONDS })
    return { name, rows }
  })
  const ahead = files.length > 0 ? stepsOf(histories) : crashHistory(now, ALL).steps
  if (ahead.length === 0) {
    await chain.close()
    throw new NothingToReplayError(now)
  }
  const steps = ahead.slice(0, options.count)
  const count = { held: 0, refused: 0, gaps: 0 }
  const pace = new Pace(options.speed ?? 'max')
  const gaps = gapsIn(steps.map((step) => step[0]?.observation.asOf ?? 0n))
  for (const [index, step] of steps.entries()) {
    const asOf = step[0]?.observation.asOf ?? 0n
    if (options.speed !== undefined) await pace.until(1000 * Number(asOf))
    else if (index > 0) await sleep(1000 * options.pause)
    const missing = gaps.get(asOf)
    if (missing !== undefined) {
      count.gaps++
      options.say(`! Nothing was recorded for ${duration(Number(missing))} before ${utcTime(asOf)}.`)
    }
    const events = await appendObservations(chain, deployment, step)
    const prices = step.map(({ name, observation }) => `${name} ${exactPrice(observation.priceE8, unitsOf.get(name))}`)
    options.say(`${utcTime(asOf)}  ${prices.join('  ')}`)
    for (const event of events.filter(({ kind }) => kind !== 'appended')) {
      options.say(`  ${doorWords(event, bounds, unitsOf.get(marketNameOf(event.marketId)))}.`)
      if (event.kind === 'held' || event.kind === 'refused') count[event.kind]++
    }
  }
  await chain.close()
  return { times: steps.length, ...count }
}

/** Nothing of what was to be replayed lies ahead of the chain's clock, behind which nothing can be attested. */
export class NothingToReplayError extends ProverError {
  readonly code = 'service.nothing-to-replay'
  readonly chainTime: bigint

  constructor(chainTime: bigint) {
    super(
      `Expected prices of times after ${utcTime(chainTime)} UTC, where the chain's clock stands, found none. ` +
        'Serve a chain from an earlier --start, or name price files that go on from there.',
    )
    this.chainTime = chainTime
  }
}

/** The chain cannot start at this time. */
export class StartTimeError extends UsageError {
  readonly code = 'service.start-time'
  readonly value: string

  constructor(value: string) {
    super(`Expected --start as a time within the project’s extract, 2020-03-08 to 2020-03-16 UTC, got "${value}".`)
    this.value = value
  }
}

/** As many markets as price files are needed. */
export class FeedMarketsError extends UsageError {
  readonly code = 'service.feed-markets'

  constructor(files: number, markets: number) {
    super(`Expected one --market for each price file, got ${markets} for ${files} files.`)
  }
}
