/** What a running service shows of itself: everything behind its HTTP interface, opened and closed together. */
import { parseEther, type Provider } from 'ethers'
import type { Deployment } from '../../registry/index.ts'
import type { AccountsLane } from '../daemon/accounts/lane.ts'
import type { RoundBook } from '../daemon/accounts/roundBook.ts'
import type { Fleet } from '../daemon/fleet/openFleet.ts'
import type { HeapCare } from '../daemon/heapCare.ts'
import type { JobStore } from '../daemon/jobStore.ts'
import type { ServiceLog } from '../daemon/log.ts'
import type { RequestStore } from '../daemon/requestStore.ts'
import type { ServeEvent } from '../daemon/serve.ts'
import type { Submitter } from '../daemon/submitter.ts'
import { readApiKeys } from './apiKeys.ts'
import { Batches } from './batches.ts'
import { Board } from './board.ts'
import { Figures } from './figures.ts'
import { Metrics } from './metrics.ts'
import { Pipeline } from './pipeline.ts'
import { limitsFor, ReadinessWatch } from './readiness.ts'
import { type OpenHttp, openHttp, parseHttpAddress } from './server.ts'

/** As the command line says it. */
export type SurfaceOptions = {
  readonly http: string
  readonly apiKeys?: string | undefined
  /** Requests a second of one client. */
  readonly rate?: number | undefined
  readonly maxFeedAge?: number | undefined
  readonly maxHeadAge?: number | undefined
  readonly maxLag?: number | undefined
  /** In the chain's currency. */
  readonly minBalance?: number | undefined
}

export type SurfaceParts = {
  readonly deployment: Deployment
  readonly provider: Provider
  readonly jobs: JobStore
  /** Opened when all that was asked for is in order. */
  readonly requests: () => Promise<RequestStore>
  readonly account: string
  /** Words of rounds, where margins of accounts are proven. */
  readonly rounds: RoundBook | undefined
  /** Who proves at a database, where there is one. */
  readonly fleet: Pick<Fleet, 'standing' | 'faults'> | undefined
  /** Hashes of the verification keys that this service proves with, by build. */
  readonly keys: () => Promise<ReadonlyMap<string, string>>
  readonly heap: Pick<HeapCare, 'live'>
  readonly log: ServiceLog
}

export type Surface = {
  readonly url: string
  /** What people ask of the service. */
  readonly control: RequestStore
  record(event: ServeEvent): void
  /** Is told who sends batches. */
  follow(submitter: Pick<Submitter, 'state'>): void
  /** Is told what proves accounts. */
  followAccounts(accounts: Pick<AccountsLane, 'state'>): void
  close(): Promise<void>
}

const HEARTBEAT_MS = 60_000
const BURST = 3

/**
 * Listens, and watches whether the service can do its work.
 *
 * @throws {@link HttpAddressError}, {@link HttpExposedError}, {@link HttpPortError}, {@link ApiKeysError}, {@link KeyFileModeError}
 */
export async function openSurface(options: SurfaceOptions, parts: SurfaceParts): Promise<Surface> {
  const address = parseHttpAddress(options.http)
  const apiKeys = options.apiKeys === undefined ? undefined : readApiKeys(options.apiKeys)
  const { deployment, provider, jobs, account, keys, heap, log } = parts
  const figures = await Figures.open(deployment, provider)
  const requests = await parts.requests()
  const board = new Board()
  const { maxParameterAgeSeconds } = deployment.policy.freshness
  const limits = limitsFor(deployment.chainId, maxParameterAgeSeconds, {
    headAgeSeconds: options.maxHeadAge,
    feedAgeSeconds: options.maxFeedAge,
    lagSeconds: options.maxLag,
    leastBalanceWei: options.minBalance === undefined ? undefined : parseEther(options.minBalance.toFixed(18)),
  })
  const { fleet, rounds } = parts
  const readiness = new ReadinessWatch({ figures, jobs, requests, board, rounds, account, limits, keys, fleet })
  const keyHashes = new Map(deployment.models.map(({ name, verificationKeyHash }) => [name, verificationKeyHash]))
  const own = {
    batches: new Batches(jobs, board, keyHashes),
    pipeline: new Pipeline(jobs, board),
    rounds: parts.rounds,
    fleet: parts.fleet,
  }
  const shown = { figures, jobs, requests, board, readiness, account, ...own }
  const metrics = new Metrics({ ...shown, heap })
  let server: OpenHttp
  try {
    const rate = options.rate === undefined ? {} : { rate: { perSecond: options.rate, burst: BURST * options.rate } }
    server = await openHttp({ ...shown, metrics, log }, { ...address, apiKeys, ...rate })
  } catch (error) {
    await requests.close()
    throw error
  }
  log.listening(server.url)
  const ended = new AbortController()
  const watching = readiness.run(ended.signal)
  const beat = setInterval(() => {
    // A store that tells nothing is told of by the readiness.
    void jobs.counts().then(
      (counts) => log.heartbeat({ ...readiness.now(), jobs: counts }),
      () => undefined,
    )
  }, HEARTBEAT_MS)
  return {
    ...{ url: server.url, control: requests },
    record: (event) => {
      board.record(event)
      metrics.record(event)
    },
    follow: (submitter) => board.follow(submitter),
    followAccounts: (accounts) => board.followAccounts(accounts),
    close: async () => {
      clearInterval(beat)
      ended.abort()
      await Promise.all([watching, server.close()])
      await requests.close()
    },
  }
}
