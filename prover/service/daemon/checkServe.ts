/** `zkrisk serve --check`: all that a service opens when it begins, looked at. Nothing is proven, sent, begun or changed. */
import { existsSync } from 'node:fs'
import { formatEther, type Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { requireMakeable } from '../../folder.ts'
import { connectProvider, type Deployment, readDeployment, RegistryClient } from '../../registry/index.ts'
import { ask } from '../../registry/contractErrors.ts'
import { type CircuitKeys, isDevelopmentChain } from '../../proof/index.ts'
import { ModelDisabledError, ModelUnknownError } from '../../registry/models.ts'
import { isMarketName, whyUntaken } from '../../market/marketId.ts'
import { faultOf, type Finding } from '../answers/findings.ts'
import { duration } from '../text/figures.ts'
import { describeError } from '../text/terminal.ts'
import { StoreEarlierError, StoreEmptyError, StoreInUseError } from './jobStore.ts'
import { keyHashOf } from './proving.ts'
import { requireRoundsFolder } from './accounts/roundBook.ts'
import {
  accountOf,
  familiesOf,
  requireCircuits,
  requireStorePlace,
  roundsFolderOf,
  type RunServeOptions,
} from './serving.ts'
import { openTracing } from './tracing.ts'
import { requireSameChain } from './sameChain.ts'
import { openExisting, requireRights } from './stores/existing.ts'
import { buildOf, requireKeysFolder } from '../workspace.ts'

type Found = Omit<Finding, 'check'>
const ok = (found: string): Found => ({ status: 'ok', found })

/** From which the age of a development chain's block is explained. */
const OLD_SECONDS = 60
const OWN_TIME =
  ', which is no fault: a development chain has a time of its own, and blocks only when something happens'

/** In the order in which a service opens them; what cannot be looked at for an earlier fault is left out. */
export async function checkServe(options: RunServeOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  /** Undefined if it is not as it should be, which is a finding. */
  const look = async <Seen>(check: string, see: () => Promise<Seen>, tell: (seen: Seen) => Found) => {
    try {
      const seen = await see()
      findings.push({ check, ...tell(seen) })
      return seen
    } catch (error) {
      if (!(error instanceof ProverError)) throw error
      findings.push({ check, status: faultOf(error), found: describeError(error).message })
      return undefined
    }
  }
  const { deployment: given, rpc } = options
  const deployment = await look(
    'deployment',
    async () => (typeof given === 'string' ? readDeployment(given) : given),
    ({ addresses, chainId, markets }) =>
      ok(`registry ${addresses.registry} on chain ${chainId}: ${markets.map(({ name }) => name).join(', ')}`),
  )
  const families = deployment && (await look('keys', () => keysOf(deployment, options), tellKeys))
  const chainId = deployment?.chainId
  const provider = await look(
    'node',
    async () => {
      const connected = await connectProvider(rpc, chainId)
      const block = await ask('Reading the latest block', () => connected.getBlock('latest'))
      return { connected, block }
    },
    ({ connected, block }) => {
      const age = Math.max(0, Date.now() / 1000 - (block?.timestamp ?? 0))
      const why = isDevelopmentChain(connected.endpoints.chainId) && age > OLD_SECONDS ? OWN_TIME : ''
      return ok(`${connected.endpoints.inUse}: block ${block?.number}, ${duration(age)} old${why}`)
    },
  )
  try {
    if (provider !== undefined && deployment !== undefined)
      await checkAccount(look, options, deployment, { provider: provider.connected, families: families ?? [] })
    if (deployment !== undefined)
      await look(
        'store',
        () => storeOf(options, deployment, provider?.connected),
        (found) => found,
      )
    await checkSurface(look, options)
    if (options.accounts !== false)
      await look(
        'rounds',
        async () => roundsOf(options),
        (found) => found,
      )
    await look(
      'traces',
      async () => {
        const tracing = await openTracing(options.traces)
        await tracing?.close()
        return tracing !== undefined
      },
      (isTraced) => ok(isTraced ? 'its collector has an address' : 'nobody asked for them'),
    )
    return findings
  } finally {
    provider?.connected.destroy()
  }
}

function roundsOf(options: RunServeOptions): Found {
  const folder = roundsFolderOf(options)
  requireRoundsFolder(folder)
  if (existsSync(folder)) return ok(folder)
  try {
    requireMakeable(folder)
    return ok(folder)
  } catch (error) {
    const found = `${folder}: not there, and nothing can be made in its place, the system says ${(error as NodeJS.ErrnoException).code}`
    return { status: 'warning', found, mend: 'Until it is there, words of rounds are neither read nor kept.' }
  }
}

type Look = <Seen>(check: string, see: () => Promise<Seen>, tell: (seen: Seen) => Found) => Promise<Seen | undefined>

async function keysOf(deployment: Deployment, { keys }: RunServeOptions) {
  requireKeysFolder(keys)
  requireCircuits(deployment)
  return Promise.all(familiesOf(deployment, keys).map(({ load }) => load()))
}

type Family = Awaited<ReturnType<typeof keysOf>>[number]

function tellKeys(families: readonly Family[]): Found {
  const here = families.flatMap((family) => (family === undefined ? [] : [family.live.circuit]))
  const missing = families.length - here.length
  if (missing === 0) return ok(here.join(', '))
  const mend = 'Build them, `npm run build`, or import them: markets of these models are not served until then.'
  return {
    status: here.length === 0 ? 'missing' : 'warning',
    found: `of ${here.join(', ')}; ${missing} not here`,
    mend,
  }
}

async function checkAccount(
  look: Look,
  options: RunServeOptions,
  deployment: Deployment,
  { provider, families }: { readonly provider: Provider & Connected; readonly families: readonly Family[] },
) {
  const account = await look(
    'account',
    () => accountOf(options, provider),
    ({ address }) => ok(address),
  )
  if (account !== undefined) {
    await look(
      'balance',
      () => ask('Reading the balance', () => provider.getBalance(account.address)),
      (balance) =>
        balance > 0n
          ? ok(`${formatEther(balance)} of the chain’s currency`)
          : { status: 'missing', found: 'nothing', mend: `Send coins to ${account.address}: every batch costs gas.` },
    )
  }
  const { addresses, chainId: expectedChainId, block: fromBlock } = deployment
  const registry = await look(
    'registry',
    async () => {
      const client = await RegistryClient.connect({
        registry: addresses.registry,
        provider,
        expectedChainId,
        fromBlock,
      })
      const named = options.market ?? deployment.markets.map(({ name }) => name).filter(isMarketName)
      const markets = await Promise.all(named.map(async (name) => `${name} #${(await client.market(name)).sequence}`))
      return { client, markets, untaken: options.market === undefined ? await client.untakenNames() : [] }
    },
    ({ markets, untaken }) =>
      untaken.length === 0
        ? ok(markets.join(', '))
        : {
            status: 'warning',
            found: [...markets, ...untaken.map(whyUntaken)].join(', '),
            mend: 'They are not served.',
          },
  )
  const keys = families.flatMap((family) => (family === undefined ? [] : [family.live, family.catchUp]))
  const here = keys.filter((each) => each !== undefined)
  if (registry !== undefined && here.length > 0) await look('models', () => modelsOf(registry.client, here), tellModels)
}

/** Of keys that are here: why the registry does not take proofs by them, undefined if it does. */
async function modelsOf(client: RegistryClient, keys: readonly CircuitKeys[]) {
  return Promise.all(
    keys.map(async (each) => {
      try {
        await client.model(buildOf(each.circuit), keyHashOf(each))
        return { circuit: each.circuit, refusal: undefined, fault: undefined }
      } catch (error) {
        if (error instanceof ModelUnknownError || error instanceof ModelDisabledError)
          return { circuit: each.circuit, refusal: describeError(error).message, fault: faultOf(error) }
        throw error
      }
    }),
  )
}

function tellModels(models: Awaited<ReturnType<typeof modelsOf>>): Found {
  const refused = models.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]))
  if (refused.length === 0) return ok(models.map(({ circuit }) => circuit).join(', '))
  const none = models.every(({ fault }) => fault === 'missing') ? 'missing' : 'wrong'
  return { status: refused.length === models.length ? none : 'warning', found: refused.join(' ') }
}

type Connected = Awaited<ReturnType<typeof connectProvider>>

async function storeOf(
  { store, database }: RunServeOptions,
  { addresses, chainId }: Deployment,
  provider: Provider | undefined,
): Promise<Found> {
  if (database === undefined && !existsSync(store)) {
    requireStorePlace(store)
    return ok(`${store}: begun at the first start`)
  }
  try {
    const place = database === undefined ? { store } : { database }
    await requireRights(place)
    const existing = await openExisting(place)
    try {
      const isOwn =
        existing.registry === undefined ||
        (existing.registry.toLowerCase() === addresses.registry.toLowerCase() && existing.chainId === chainId)
      const of = `${existing.name}: of ${existing.registry ?? 'no registry yet'}, chain ${existing.chainId ?? 'none yet'}`
      if (!isOwn) return { status: 'wrong', found: of, mend: 'Name another one: this is of another deployment.' }
      if (provider !== undefined) await requireSameChain(existing.store, provider, existing.name)
      await existing.store.requireWritable()
      return ok(of)
    } finally {
      await existing.store.close()
    }
  } catch (error) {
    if (error instanceof StoreInUseError)
      return { status: 'warning', found: `${error.file}: a service has it open`, mend: 'One at a time may.' }
    if (error instanceof StoreEarlierError) return { status: 'warning', found: error.message }
    if (error instanceof StoreEmptyError) return ok(`${error.file}: begun at the first start`)
    throw error
  }
}

async function checkSurface(look: Look, { surface }: RunServeOptions): Promise<void> {
  if (surface === undefined) return
  const [{ ApiKeys, readApiKeys }, { requireListenableWith }] = await Promise.all([
    import('../http/apiKeys.ts'),
    import('../http/listenable.ts'),
  ])
  const { apiKeys } = surface
  const keys = await look(
    'API keys',
    async () => (apiKeys === undefined ? new ApiKeys([]) : readApiKeys(apiKeys)),
    ({ isEmpty }) => ok(isEmpty ? 'none: figures alone, on this machine alone' : `${apiKeys}`),
  )
  await look(
    'HTTP',
    () => requireListenableWith(surface.http, keys),
    (address) => ok(`${address} is free`),
  )
}
