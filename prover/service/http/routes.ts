/** What the HTTP interface answers at which address; everything of it comes from the store and the chain of the running service. */
import { formatEther } from 'ethers'
import { z } from 'zod'
import { packageVersion } from '../../config.ts'
import { isShadowName } from '../../market/marketId.ts'
import { isDevelopmentChain } from '../../proof/index.ts'
import type { JobStore } from '../daemon/jobStore.ts'
import { type RoundBook, type RoundFile, roundFileSchema } from '../daemon/accounts/roundBook.ts'
import type { Fleet } from '../daemon/fleet/openFleet.ts'
import type { Pause } from '../daemon/pauses.ts'
import type { ProofRequest, RequestStore, RequestWrites } from '../daemon/requestStore.ts'
import { isoTime } from '../text/figures.ts'
import type { Scope } from './apiKeys.ts'
import type { Batches } from './batches.ts'
import type { Board } from './board.ts'
import type { Figures } from './figures.ts'
import { fleetReading } from './fleet.ts'
import { notProven, type Pipeline } from './pipeline.ts'
import { ThingUnknownError } from './problems.ts'
import type { ReadinessWatch } from './readiness.ts'
import * as schemas from './schemas.ts'

/** What the interface speaks for. */
export type HttpParts = {
  readonly figures: Figures
  readonly jobs: JobStore
  readonly requests: RequestStore
  readonly board: Board
  readonly batches: Batches
  readonly readiness: ReadinessWatch
  readonly pipeline: Pipeline
  /** Words of them; undefined where no margins of accounts are proven. */
  readonly rounds: RoundBook | undefined
  /** Who proves at a database; undefined where the service has none. */
  readonly fleet: Pick<Fleet, 'standing'> | undefined
  /** That pays for transactions. */
  readonly account: string
}

/** What a handler is given, parsed. */
export type Asked = {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, number>>
  readonly body: { readonly markets?: readonly string[] | undefined } | null | undefined
  /** Name of the key. */
  readonly by: string
}

export type Route = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly summary: string
  /** Of those who may; nobody's for probes. Figures are open where the service listens at a loopback address. */
  readonly scope: Scope | undefined
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answer: z.ZodType
  /** 200 by default. */
  readonly status?: number
  readonly answerOf: (asked: Asked) => unknown
  /** The answer is a file's text, and sent as it is. */
  readonly isFile?: true
  /** The answer is a reading, the same until the chain goes on and written once; it is told under this name. */
  readonly listedAs?: 'markets' | 'models' | 'scores' | 'feeds'
}

/** A service whose loop has hung for so long is better started again. */
const DEAD_MS = 300_000

const startedAt = new Date().toISOString()

/** All addresses but the page, the stream and the metrics. */
export const routesOf = (parts: HttpParts): readonly Route[] => [
  ...probes(parts),
  ...marketRoutes(parts),
  ...batchRoutes(parts),
  ...portfolioRoutes(parts),
  ...writes(parts),
]

const get = (
  url: string,
  summary: string,
  answer: z.ZodType,
  answerOf: Route['answerOf'],
  more?: Partial<Route>,
): Route => ({
  ...{ method: 'GET', url, summary, scope: 'read', answer, answerOf },
  ...more,
})

function probes({ readiness, requests, board, fleet, ...parts }: HttpParts): readonly Route[] {
  const open = { scope: undefined }
  return [
    get('/livez', 'Whether the process is worth keeping', schemas.livenessSchema, () => livenessOf(requests), open),
    get(
      '/readyz',
      'Whether the service can do its work, and what keeps it',
      schemas.readinessSchema,
      () => readiness.now(),
      open,
    ),
    get('/v1/status', 'What runs here', schemas.statusSchema, () =>
      statusOf({ readiness, requests, board, fleet, ...parts }),
    ),
    get('/v1/fleet', 'Who proves for the service, and what waits for them', schemas.fleetSchema, () =>
      fleetReading(fleet),
    ),
    get('/v1/alarms', 'Alarms that are raised', schemas.listOf('alarms', schemas.alarmSchema), () => ({
      alarms: board.alarms(),
    })),
  ]
}

export function livenessOf(requests: RequestStore): { readonly alive: boolean; readonly says: string } {
  const idle = requests.idleMs()
  const alive = idle < DEAD_MS
  return { alive, says: alive ? 'goes round' : `has not gone round for ${Math.round(idle / 1000)} s: start it again` }
}

async function statusOf({ figures, jobs, requests, readiness, board, account, fleet }: HttpParts): Promise<object> {
  const { chainId, addresses } = figures.deployment
  const head = await figures.head().catch(() => undefined)
  const pause = await requests.pause()
  return {
    ...{ version: packageVersion, chainId: chainId.toString(), registry: addresses.registry, account, startedAt },
    balance: readiness.balanceWei === undefined ? null : formatEther(readiness.balanceWei),
    block: head?.number ?? null,
    chainTime: head === undefined ? null : isoTime(head.time),
    isDevelopment: isDevelopmentChain(chainId),
    paused: pause === undefined ? null : pauseReading(pause),
    jobs: await jobs.counts(),
    sending: sendingOf(board),
    waitingRequests: (await requests.waiting()).length,
    parts: {
      portfolio: figures.hasPortfolio,
      accounts: board.accounts() !== undefined,
      hedge: figures.hasHedge,
      fleet: fleet !== undefined,
    },
  }
}

function sendingOf(board: Board): object | null {
  const state = board.sending()
  if (state === undefined) return null
  const { endpoint, balance, maxFeePerGas, pending } = state
  return {
    endpoint: endpoint ?? null,
    lastsBatches: balance !== undefined && Number.isFinite(balance.batchesLeft) ? balance.batchesLeft : null,
    maxFeeGwei: Number(maxFeePerGas) / 1e9,
    pendingTransactions: pending.map(({ job, hash, nonce }) => ({ batch: job, hash, nonce })),
  }
}

function marketRoutes({ figures }: HttpParts): readonly Route[] {
  const { marketParams: params } = schemas
  return [
    get(
      '/v1/markets',
      'Parameters in force of every market and shadow',
      schemas.listOf('markets', schemas.marketSchema),
      () => figures.markets(),
      { listedAs: 'markets' },
    ),
    get(
      '/v1/markets/:market',
      'Parameters in force of one',
      schemas.marketSchema,
      ({ params: { market = '' } }) => figures.market(market),
      {
        params,
      },
    ),
    get(
      '/v1/markets/:market/series',
      'Its parameters through time, with the predicted band and what breached it',
      schemas.seriesSchema,
      async ({ params: { market = '' }, query: { limit = 500 } }) => ({
        market,
        points: (await figures.seriesOf(market)).slice(-limit),
      }),
      { params, query: schemas.seriesQuery },
    ),
    get(
      '/v1/models',
      'Circuits that the registry takes proofs of',
      schemas.listOf('models', schemas.modelSchema),
      () => figures.models(),
      { listedAs: 'models' },
    ),
    get(
      '/v1/scores',
      'How volatility models have predicted, beside the one in force',
      schemas.listOf('scores', schemas.scoreSchema),
      () => figures.scores(),
      { listedAs: 'scores' },
    ),
    get(
      '/v1/feeds',
      'Newest observation of each market, and what waits',
      schemas.listOf('feeds', schemas.feedSchema),
      () => figures.feeds(),
      { listedAs: 'feeds' },
    ),
  ]
}

function batchRoutes({ batches }: HttpParts): readonly Route[] {
  const { batchParams: params } = schemas
  const of = (path: string, summary: string, answer: z.ZodType, read: (id: string) => unknown): Route =>
    get(`/v1/batches/:batch${path}`, summary, answer, ({ params: { batch = '' } }) => read(batch), { params })
  return [
    get(
      '/v1/batches',
      'Batches of this service, newest first',
      schemas.listOf('batches', schemas.batchSchema),
      async ({ query: { limit = 50 } }) => ({ batches: await batches.newest(limit) }),
      { query: schemas.pageQuery },
    ),
    of('', 'One of them', schemas.batchSchema, (id) => batches.one(id)),
    of('/proof', 'Its proof and public signals', schemas.proofSchema, (id) => batches.proof(id)),
    {
      ...of(
        '/bundle',
        'All that it claims, with the proof: the file that `zkrisk verify` reads',
        z.looseObject({}),
        (id) => batches.bundle(id),
      ),
      isFile: true,
    },
    of('/verdict', 'Its bundle recomputed and verified now', schemas.verdictSchema, (id) => batches.verdict(id)),
  ]
}

function portfolioRoutes({ figures, pipeline }: HttpParts): readonly Route[] {
  return [
    get('/v1/margins', 'What the registry of margins takes, and its newest round', schemas.portfolioSchema, () =>
      figures.portfolioReading(),
    ),
    get(
      '/v1/accounts',
      'Accounts, nearest liquidation first',
      schemas.listOf('accounts', schemas.rankedAccountSchema),
      async ({ query: { limit = 50 } }) => ({ accounts: (await figures.accounts()).slice(0, limit) }),
      { query: schemas.pageQuery },
    ),
    get(
      '/v1/accounts/:account',
      'Margins of one',
      schemas.accountSchema,
      ({ params: { account = '' } }) => figures.account(account),
      {
        params: schemas.accountParams,
      },
    ),
    get(
      '/v1/accounts/pipeline',
      'How their margins are proven: what is due, under way, in force',
      schemas.pipelineSchema,
      ({ query: { limit = 50 } }) => pipeline.reading(limit),
      { query: schemas.pageQuery },
    ),
    get('/v1/open-interest', 'What all accounts come to together', schemas.openInterestSchema, () =>
      figures.openInterest(),
    ),
    get(
      '/v1/liquidations',
      'Accounts shown to be below maintenance, cleared, or liquidated by the venue, newest first',
      schemas.liquidationsSchema,
      async ({ query: { limit = 50 } }) => {
        const { liquidations, ...rest } = await figures.liquidations()
        return { liquidations: liquidations.slice(0, limit), ...rest }
      },
      { query: schemas.pageQuery },
    ),
    get(
      '/v1/hedge',
      'What would hedge the proven net delta, what the agent holds and what it traded, newest first',
      schemas.hedgeSchema,
      async ({ query: { limit = 50 } }) => {
        const { trades, ...rest } = await figures.hedge()
        return { ...rest, trades: trades.slice(0, limit) }
      },
      { query: schemas.pageQuery },
    ),
  ]
}

function writes({ figures, requests, rounds }: HttpParts): readonly Route[] {
  const post = (url: string, summary: string, scope: Scope, answer: z.ZodType, answerOf: Route['answerOf']): Route => ({
    ...{ method: 'POST', url, summary, scope, answer, answerOf },
  })
  return [
    {
      ...post(
        '/v1/proof-requests',
        'Prove now what waits, whatever triggers say',
        'prove',
        schemas.proofRequestSchema,
        async ({ body, by }) => {
          const known = (await figures.markets()).map(({ market }) => market)
          const wanted = [...new Set(body?.markets ?? known.filter((name) => !isShadowName(name)))]
          for (const name of wanted) await figures.market(name)
          const pause = await requests.pause()
          return async (writes: RequestWrites) => requestReading(await writes.ask(wanted, by), pause)
        },
      ),
      ...{ body: schemas.proofRequestBody.nullish(), status: 202 },
    },
    {
      ...post(
        '/v1/rounds',
        'Words of a round that was published, or is about to be',
        'prove',
        schemas.roundTakenSchema,
        async ({ body }) => {
          if (rounds === undefined) throw notProven()
          const round = body as unknown as RoundFile
          // Words that are taken twice are the same words.
          await rounds.take(round)
          return () => ({ market: round.market, asOf: isoTime(round.asOf) })
        },
      ),
      ...{ body: roundFileSchema, status: 202 },
    },
    get(
      '/v1/proof-requests/:request',
      'What became of it',
      schemas.proofRequestSchema,
      async ({ params: { request = '' } }) => {
        const found = await requests.request(request)
        if (found !== undefined) return requestReading(found, await requests.pause())
        throw new ThingUnknownError('proof-request', 'Expected a request of the last day; there is none of this id.')
      },
      { params: schemas.requestParams },
    ),
    post(
      '/v1/prover/pause',
      'Begin no batch; those under way are finished',
      'operate',
      schemas.pauseSchema,
      ({ by }) =>
        async (writes: RequestWrites) => {
          await writes.setPaused(by)
          return { paused: true }
        },
    ),
    post(
      '/v1/prover/resume',
      'Begin batches again',
      'operate',
      schemas.pauseSchema,
      ({ by }) =>
        async (writes: RequestWrites) => {
          await writes.resume(by)
          return { paused: false }
        },
    ),
  ]
}

const requestReading = ({ askedAt, ...rest }: ProofRequest, pause: Pause | undefined) => ({
  ...rest,
  // What was begun is finished all the same. Answers that an earlier version kept have none, and are told as they were.
  ...(rest.status !== 'waiting' || pause === undefined ? {} : { paused: pauseReading(pause) }),
  askedAt: new Date(askedAt).toISOString(),
})

const pauseReading = ({ by, since }: Pause) => ({ by, since: new Date(since).toISOString() })
