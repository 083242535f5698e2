/** Everything `zkrisk serve` opens and closes. */
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { createProver } from '../../proof/index.ts'
import { connectProvider, readDeployment, RegistryClient } from '../../registry/index.ts'
import { modelName } from '../../volatility/models.ts'
import { openAccount } from './account.ts'
import { JobStore } from './jobStore.ts'
import { type ServeOptions, serve } from './serve.ts'
import { familyOf, loadKeys } from '../workspace.ts'

export type RunServeOptions = Pick<ServeOptions, 'triggers' | 'signal' | 'onEvent'> & {
  readonly rpc: string
  readonly deployment: string
  readonly keyFile?: string | undefined
  readonly store: string
  readonly market?: readonly string[] | undefined
  readonly confirmations?: number
  readonly pollMs?: number
  readonly keys?: string | undefined
  /** Markets of this volatility model are served; the default one's unless another is named. */
  readonly volatilityModel?: string | undefined
}

/** Serves until the signal; how many jobs ended which way. */
export async function runServe(
  options: RunServeOptions,
): Promise<{ readonly confirmed: number; readonly superseded: number }> {
  const deployment = await readDeployment(options.deployment)
  const { registry } = deployment.addresses
  const family = familyOf(modelName(options.volatilityModel ?? DEFAULT_VOLATILITY_MODEL))
  const [live, catchUp] = await Promise.all([
    loadKeys(family.live, options.keys),
    loadKeys(family.catchUp, options.keys),
  ])
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
      live,
      catchUp,
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
