/** Everything `zkrisk serve` opens and closes. */
import type { Provider } from 'ethers'
import { DEFAULT_VOLATILITY_MODEL, volatilityModels } from '../../../circuits/statements/index.ts'
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
import { WEI_PER_GWEI } from './fees.ts'
import { KmsSigner, loadKeyKeeper } from './kmsSigner.ts'
import type { Account } from './sender.ts'
import type { JobStore } from './jobStore.ts'
import type { ServiceLog } from './log.ts'
import { keyHashOf } from './proving.ts'
import { SqliteJobStore } from './stores/sqliteJobStore.ts'
import { type CircuitFamily, type ServeOptions, serve } from './serve.ts'
import { CircuitNotBuiltError, compiledCircuit, familyOf, loadKeys, loadKeysIfBuilt } from '../workspace.ts'
import { modelNames } from '../../volatility/models.ts'
import { openTracing } from './tracing.ts'

export type RunServeOptions = Pick<ServeOptions, 'triggers' | 'signal' | 'onEvent' | 'onSubmitter' | 'leastBatches'> & {
  readonly rpc: RpcAddress
  /** Its file, or what was rebuilt from the chain. */
  readonly deployment: string | Deployment
  readonly keyFile?: string | undefined
  readonly passwordFile?: string | undefined
  /** A module that signs with a key kept elsewhere, instead of a key file. */
  readonly signer?: string | undefined
  readonly maxFeeGwei?: number | undefined
  readonly store: string
  readonly market?: readonly string[] | undefined
  readonly confirmations?: number
  readonly pollMs?: number
  readonly keys?: string | undefined
  /** Collector of traces; by default what OpenTelemetry's variables say, and none without. */
  readonly traces?: string | undefined
  /** Where the service shows itself, and to whom; nowhere by default. */
  readonly surface?: SurfaceOptions & { readonly log: ServiceLog }
}

/**
 * Serves until the signal; how many jobs ended which way.
 *
 * @throws {@link CircuitNotBuiltError} at once if what the deployment needs is not built here
 */
export async function runServe(
  options: RunServeOptions,
): Promise<{ readonly confirmed: number; readonly superseded: number }> {
  const { deployment: given } = options
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
  const store = await SqliteJobStore.open(options.store, { chainId: deployment.chainId, registry })
  const prover = createProver()
  await tellEndpoints(provider, options.onEvent)
  const counts = { confirmed: 0, superseded: 0 }
  let surface: Surface | undefined
  try {
    surface = await surfaceOf(options, { deployment, provider, jobs: store, account: account.address, families })
    await serve({
      ...(surface === undefined ? {} : { control: surface.control }),
      client,
      account,
      store,
      prover,
      families,
      triggers: options.triggers,
      markets: options.market,
      watch: watchOf(deployment, provider, options.market),
      signal: options.signal,
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
    await surface?.close()
    await tracing?.close()
    await store.close()
    await prover.close()
    provider.destroy()
  }
}

/** Who was set aside already, and whoever will be. */
async function tellEndpoints({ endpoints }: EndpointsProvider, onEvent: RunServeOptions['onEvent']): Promise<void> {
  for (const { origin, reason } of endpoints.state) {
    if (reason === undefined) continue
    await onEvent({ step: 'endpoint', detail: `${origin} is set aside: ${reason}; using ${endpoints.inUse}` })
  }
  endpoints.watch(({ inUse, reason }) => void onEvent({ step: 'endpoint', detail: `${reason}; using ${inUse}` }))
}

type Shown = {
  readonly deployment: Deployment
  readonly provider: Provider
  readonly jobs: JobStore
  readonly account: string
  readonly families: ServeOptions['families']
}

async function surfaceOf(
  { surface: wanted, store }: RunServeOptions,
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
  return openSurface(wanted, { ...shown, keys, requests: `${store}-requests`, log: wanted.log })
}

async function accountOf({ keyFile, passwordFile, signer }: RunServeOptions, provider: Provider): Promise<Account> {
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
function requireCircuits({ models }: Deployment): void {
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
function familiesOf({ models }: Deployment, folder?: string): ServeOptions['families'] {
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
