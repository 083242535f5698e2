/** Everything `zkrisk serve` opens and closes. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Provider } from 'ethers'
import { DEFAULT_VOLATILITY_MODEL, volatilityModels } from '../../../circuits/statements/index.ts'
import { requireMakeable } from '../../folder.ts'
import { whyUnreadable } from '../../market/textFile.ts'
import { createProver } from '../../proof/index.ts'
import {
  type RpcAddress,
  connectProvider,
  type Deployment,
  readDeployment,
  RegistryClient,
} from '../../registry/index.ts'
import type { EndpointsProvider } from '../../registry/chain.ts'
import { AlarmWatch } from '../../registry/market/alarmWatch.ts'
import type { Surface, SurfaceOptions } from '../http/surface.ts'
import { openAccount } from './account.ts'
import { AccountsNotProvableError, type AccountsWanted, openAccounts } from './accounts/opening.ts'
import type { AccountsOptions } from './accounts/lane.ts'
import { requireRoundsFolder } from './accounts/roundBook.ts'
import { WEI_PER_GWEI } from './fees.ts'
import { HeapCare } from './heapCare.ts'
import { KmsSigner, loadKeyKeeper } from './kmsSigner.ts'
import type { Account } from './sender.ts'
import { type JobStore, StoreUnusableError } from './jobStore.ts'
import type { RequestStore } from './requestStore.ts'
import type { ServiceLog } from './log.ts'
import { keyHashOf } from './proving.ts'
import type { Fleet, ProveHere } from './fleet/openFleet.ts'
import { openStores } from './stores/openStores.ts'
import { type CircuitFamily, type ServeOptions, serve } from './serve.ts'
import {
  CircuitNotBuiltError,
  compiledCircuit,
  familyOf,
  loadKeys,
  loadKeysIfBuilt,
  requireKeysFolder,
} from '../workspace.ts'
import { modelNames } from '../../volatility/models.ts'
import { withDatabasePackages } from '../optionalPackages.ts'
import { requireSameChain } from './sameChain.ts'
import { openTracing } from './tracing.ts'

export type RunServeOptions = Pick<
  ServeOptions,
  'settleMs' | 'triggers' | 'signal' | 'onEvent' | 'onSubmitter' | 'leastBatches'
> & {
  readonly rpc: RpcAddress
  /** Its file, or what was rebuilt from the chain. */
  readonly deployment: string | Deployment
  readonly keyFile?: string | undefined
  readonly passwordFile?: string | undefined
  /** A module that signs with a key kept elsewhere, instead of a key file. */
  readonly signer?: string | undefined
  readonly maxFeeGwei?: number | undefined
  readonly store: string
  /** Address of a Postgres, which then is the store. */
  readonly database?: string | undefined
  /** With a database: when this process proves what it asks workers for. */
  readonly proveHere?: ProveHere
  readonly market?: readonly string[] | undefined
  readonly confirmations?: number
  readonly pollMs?: number
  readonly keys?: string | undefined
  /** Margins of accounts, where the deployment has a registry of them; words of rounds lie beside the store by default. */
  readonly accounts?: Partial<AccountsWanted> | false | undefined
  /** Collector of traces; by default what OpenTelemetry's variables say, and none without. */
  readonly traces?: string | undefined
  /** Where the service shows itself, and to whom; nowhere by default. */
  readonly surface?: SurfaceOptions & { readonly log: ServiceLog }
}

/**
 * Serves until the signal; how many jobs ended which way.
 *
 * @throws {@link CircuitNotBuiltError}, {@link KeysFolderMissingError}, {@link RoundsFolderError} at once if what the deployment needs is not here
 */
export async function runServe(
  options: RunServeOptions,
): Promise<{ readonly confirmed: number; readonly superseded: number }> {
  const { deployment: given } = options
  requireKeysFolder(options.keys)
  if (options.database === undefined) requireStorePlace(options.store)
  if (options.accounts !== false) requireRoundsFolder(roundsFolderOf(options))
  const deployment = typeof given === 'string' ? await readDeployment(given) : given
  requireCircuits(deployment)
  const { registry } = deployment.addresses
  const families = familiesOf(deployment, options.keys)
  const tracing = await openTracing(options.traces)
  const provider = await connectProvider(options.rpc, deployment.chainId)
  const account = await accountOf(options, provider)
  const client = await RegistryClient.connect({
    registry,
    provider,
    signer: account,
    expectedChainId: deployment.chainId,
    fromBlock: deployment.block,
  })
  const { jobs: store, requests } = await openStores(
    options,
    { chainId: deployment.chainId, registry },
    account.address,
  )
  const fleet = await requireSameChain(store, provider, nameOf(options))
    .then(() => fleetOf(options))
    .catch(async (error: unknown) => {
      await store.close()
      throw error
    })
  const prover = fleet?.prover ?? createProver()
  const heap = new HeapCare()
  await tellEndpoints(provider, options.onEvent)
  const counts = { confirmed: 0, superseded: 0 }
  let surface: Surface | undefined
  let asked: RequestStore | undefined
  try {
    const accounts = await accountsOf(options, deployment, provider)
    const rounds = accounts?.rounds
    surface = await surfaceOf(options, {
      deployment,
      provider,
      jobs: store,
      requests,
      account: account.address,
      families,
      rounds,
      fleet,
      heap,
    })
    // Whoever paused it did so until it is resumed, however it is started meanwhile.
    const control = surface?.control ?? (await requests())
    if (surface === undefined) asked = control
    await serve({
      control,
      client,
      account,
      store,
      prover,
      families,
      ...{ triggers: options.triggers, settleMs: options.settleMs },
      ...{ accounts, onAccounts: (lane) => surface?.followAccounts(lane) },
      markets: options.market,
      watch: watchOf(deployment, provider, options.market),
      signal: options.signal,
      ...(fleet === undefined ? {} : { proofsUnderWay: FLEET_UNDER_WAY }),
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
      ...(options.leastBatches === undefined ? {} : { leastBatches: options.leastBatches }),
      ...(options.maxFeeGwei === undefined ? {} : { maxFeePerGas: weiOf(options.maxFeeGwei) }),
      onSubmitter: (submitter) => {
        surface?.follow(submitter)
        options.onSubmitter?.(submitter)
      },
      ...(options.confirmations === undefined ? {} : { confirmations: options.confirmations }),
      onEvent: async (event) => {
        if (event.step === 'confirmed' || event.step === 'superseded') counts[event.step]++
        surface?.record(event)
        tracing?.hear(event)
        await options.onEvent(event)
      },
    })
    return counts
  } finally {
    heap.close()
    await surface?.close()
    await asked?.close()
    await tracing?.close()
    await store.close()
    await (fleet ?? prover).close()
    provider.destroy()
  }
}

/** Before what lies beside it is looked at: its own fault is told as its own. @throws {@link StoreUnusableError} */
export function requireStorePlace(store: string): void {
  const folder = dirname(store)
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
      throw new StoreUnusableError(store, `${folder} is no folder`)
    if (existsSync(store)) return
  } catch (error) {
    throw error instanceof StoreUnusableError ? error : new StoreUnusableError(store, whyUnreadable(error), error)
  }
  try {
    requireMakeable(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new StoreUnusableError(store, `nothing can be made in ${folder}, the system says ${code}`, error)
  }
}

/** A database's address may hold a password. */
const nameOf = ({ store, database }: RunServeOptions): string => (database === undefined ? store : 'the database')

/** Batches that a fleet is asked for at once. */
const FLEET_UNDER_WAY = 16

/** Whoever proves at the database, where there is one. */
async function fleetOf({ database, proveHere = 'alone', keys, onEvent }: RunServeOptions): Promise<Fleet | undefined> {
  if (database === undefined) return undefined
  // Nothing of it is loaded where nobody asked for it.
  const { openFleet } = await withDatabasePackages(() => import('./fleet/openFleet.ts'))
  return openFleet({
    ...{ database, proveHere, keys },
    onWorkers: (detail) => onEvent({ step: 'workers', detail }),
    onOwn: (detail, code) =>
      onEvent(code === undefined ? { step: 'workers', detail } : { step: 'worker-fault', code, detail }),
  })
}

/** Who was set aside already, and whoever will be. */
async function tellEndpoints({ endpoints }: EndpointsProvider, onEvent: RunServeOptions['onEvent']): Promise<void> {
  for (const { origin, reason } of endpoints.state) {
    if (reason === undefined) continue
    await onEvent({ step: 'endpoint', detail: `${origin} is set aside: ${reason}; using ${endpoints.inUse}` })
  }
  endpoints.watch(({ inUse, reason }) => void onEvent({ step: 'endpoint', detail: `${reason}; using ${inUse}` }))
}

/** Beside the store, unless one is named. */
export const roundsFolderOf = ({ store, accounts }: Pick<RunServeOptions, 'store' | 'accounts'>): string =>
  (accounts === false ? undefined : accounts?.rounds) ?? `${store}-rounds`

/** What cannot be proven here is told; markets are served all the same. */
async function accountsOf(
  { accounts, store, keys, onEvent }: RunServeOptions,
  deployment: Deployment,
  provider: Provider,
): Promise<AccountsOptions | undefined> {
  if (accounts === false) return undefined
  try {
    return await openAccounts(
      deployment,
      provider,
      { rounds: roundsFolderOf({ store, accounts }), keys, ...accounts },
      (refused) => {
        void onEvent({ step: 'unserved', code: refused.code, detail: refused.message })
      },
    )
  } catch (error) {
    if (!(error instanceof AccountsNotProvableError)) throw error
    await onEvent({ step: 'unserved', code: error.code, detail: error.message })
    return undefined
  }
}

type Shown = {
  readonly deployment: Deployment
  readonly provider: Provider
  readonly jobs: JobStore
  readonly requests: () => Promise<RequestStore>
  readonly account: string
  readonly families: ServeOptions['families']
  readonly rounds: AccountsOptions['rounds'] | undefined
  readonly fleet: Fleet | undefined
  readonly heap: HeapCare
}

async function surfaceOf(
  { surface: wanted }: RunServeOptions,
  { families, ...shown }: Shown,
): Promise<Surface | undefined> {
  if (wanted === undefined) return undefined
  // Nothing of it is loaded where nobody asked for it.
  const { openSurface } = await import('../http/surface.ts')
  const keys = async (): Promise<ReadonlyMap<string, string>> => {
    // The others are loaded when something is to be proven by them.
    const family = await families[0]?.load()
    return new Map(family === undefined ? [] : [[family.live.circuit, keyHashOf(family.live)]])
  }
  return openSurface(wanted, { ...shown, keys, log: wanted.log })
}

export async function accountOf(
  { keyFile, passwordFile, signer }: RunServeOptions,
  provider: Provider,
): Promise<Account> {
  if (signer === undefined) return openAccount(provider, keyFile, passwordFile)
  return KmsSigner.open(await loadKeyKeeper(signer), provider)
}

const weiOf = (gwei: number): bigint => BigInt(Math.round(gwei * Number(WEI_PER_GWEI)))

/** Watches what is served, with the names that sources were deployed under. */
function watchOf(
  { addresses, block, sources }: Deployment,
  provider: Provider,
  markets?: readonly string[],
): AlarmWatch {
  return new AlarmWatch({
    ...{ provider, registry: addresses.registry, fromBlock: block, markets },
    sourceNames: new Map(sources.map(({ address, name }) => [address, name])),
  })
}

/** The default model's live circuit where it is deployed, else any live circuit that is: without one, nothing is ever proven. */
export function requireCircuits({ models }: Deployment): void {
  const lives = [...new Set([DEFAULT_VOLATILITY_MODEL, ...modelNames])]
    .map((name) => familyOf(name).live)
    .filter((live) => models.some(({ name }) => name === live))
  const isBuilt = (live: string): boolean => {
    try {
      compiledCircuit(live)
      return true
    } catch (error) {
      if (error instanceof CircuitNotBuiltError) return false
      throw error
    }
  }
  const [first] = lives
  if (first === undefined) return
  if (first === familyOf(DEFAULT_VOLATILITY_MODEL).live || !lives.some(isBuilt)) compiledCircuit(first)
}

/** What loads the keys of each family that the deployment has models of, the default one first; each loads once. */
export function familiesOf({ models }: Deployment, folder?: string): ServeOptions['families'] {
  const isDeployed = (build: string): boolean => models.some(({ name }) => name === build)
  const names = [...new Set([DEFAULT_VOLATILITY_MODEL, ...modelNames])]
  return names.flatMap((name) => {
    const { live, catchUp } = familyOf(name)
    if (!isDeployed(live)) return []
    // Every checkout has the default one: the error of what is missing says what to do.
    const loadOne = name === DEFAULT_VOLATILITY_MODEL ? loadKeys : loadKeysIfBuilt
    const drains = catchUp !== live && isDeployed(catchUp)
    let loaded: Promise<CircuitFamily | undefined> | undefined
    const loadBoth = async (): Promise<CircuitFamily | undefined> => {
      const keys = await loadOne(live, folder)
      return keys && { live: keys, catchUp: drains ? await loadOne(catchUp, folder) : undefined }
    }
    const load = (): Promise<CircuitFamily | undefined> => {
      loaded ??= loadBoth()
      return loaded
    }
    return { volatilityModel: volatilityModels[name].id, load }
  })
}
