/** Everything `zkrisk serve` opens and closes. */
import {
  type Build,
  DEFAULT_VOLATILITY_MODEL,
  marketBuilds,
  sizeOf,
  volatilityModelOf,
  volatilityModels,
} from '../../../circuits/statements/index.ts'
import { createProver } from '../../proof/index.ts'
import { connectProvider, type Deployment, readDeployment, RegistryClient } from '../../registry/index.ts'
import { openAccount } from './account.ts'
import { JobStore } from './jobStore.ts'
import { type CircuitFamily, type ServeOptions, serve } from './serve.ts'
import { loadKeys, loadKeysIfBuilt } from '../workspace.ts'

export type RunServeOptions = Pick<ServeOptions, 'triggers' | 'signal' | 'onEvent'> & {
  readonly rpc: string
  readonly deployment: string
  readonly keyFile?: string | undefined
  readonly store: string
  readonly market?: readonly string[] | undefined
  readonly confirmations?: number
  readonly pollMs?: number
  readonly keys?: string | undefined
}

/** Serves until the signal; how many jobs ended which way. */
export async function runServe(
  options: RunServeOptions,
): Promise<{ readonly confirmed: number; readonly superseded: number }> {
  const deployment = await readDeployment(options.deployment)
  const { registry } = deployment.addresses
  const families = familiesOf(deployment, options.keys)
  const provider = await connectProvider(options.rpc, deployment.chainId)
  const account = openAccount(provider, options.keyFile)
  const client = await RegistryClient.connect({
    registry,
    provider,
    signer: account,
    expectedChainId: deployment.chainId,
    fromBlock: deployment.block,
  })
  const store = new JobStore(options.store, { chainId: deployment.chainId, registry })
  const prover = createProver()
  const counts = { confirmed: 0, superseded: 0 }
  try {
    await serve({
      client,
      account,
      store,
      prover,
      families,
      triggers: options.triggers,
      markets: options.market,
      signal: options.signal,
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
      ...(options.confirmations === undefined ? {} : { confirmations: options.confirmations }),
      onEvent: async (event) => {
        if (event.step === 'confirmed' || event.step === 'superseded') counts[event.step]++
        await options.onEvent(event)
      },
    })
    return counts
  } finally {
    store.close()
    await prover.close()
    provider.destroy()
  }
}

/** What loads the keys of each family that the deployment has models of, the default one first; each loads once. */
function familiesOf({ models }: Deployment, folder?: string): ServeOptions['families'] {
  const deployed = (marketBuilds as readonly Build[]).filter(({ name }) => models.some((model) => model.name === name))
  const byFamily = [...Map.groupBy(deployed, volatilityModelOf)]
  byFamily.sort(([a], [b]) => Number(isDefault(b)) - Number(isDefault(a)))
  return byFamily.map(([family, builds]) => {
    let loaded: Promise<CircuitFamily | undefined> | undefined
    const load = () => {
      loaded ??= loadFamily(builds, isDefault(family), folder)
      return loaded
    }
    return { volatilityModel: family, load }
  })
}

/** @throws {@link CircuitNotBuiltError}, {@link KeysMissingError} if it is the one that every checkout has */
async function loadFamily(
  builds: readonly Build[],
  isRequired: boolean,
  folder: string | undefined,
): Promise<CircuitFamily | undefined> {
  const load = isRequired ? loadKeys : loadKeysIfBuilt
  const [live, catchUp] = await Promise.all(
    [0, 1].map(async (testEverySlot) => {
      const build = builds.find((each) => sizeOf(each, 'testEverySlot') === testEverySlot)
      return build && load(build.name, folder)
    }),
  )
  return live && { live, catchUp }
}

const isDefault = (family: number): boolean => volatilityModels[DEFAULT_VOLATILITY_MODEL].id === family
