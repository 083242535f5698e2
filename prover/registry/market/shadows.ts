/** Shadows of markets: added, removed and promoted by the council; see contracts/registry/IShadows.sol. */
import type { Signer } from 'ethers'
import {
  type Fields,
  type VolatilityModelName,
  volatilityModels as volatilityModelRows,
  words,
} from '../../../circuits/statements/index.ts'
import type { Field } from '../../../circuits/statements/language.ts'
import { marketIdOf, modelIdOfShadow, ownMarketOf, shadowNameOf } from '../../market/marketId.ts'
import { type defaultPolicy, INITIAL_VOLATILITY_X24, withStartingWords } from '../../parameters/defaultPolicy.ts'
import { type MarketState, shadowState } from '../../parameters/marketRisk.ts'
import { packState } from '../../statement/marketState.ts'
import { pack } from '../../statement/words.ts'
import { volatilityModels } from '../../volatility/models.ts'
import { ProverError } from '../../errors.ts'
import { interfaceOf } from '../artifacts.ts'
import { ContractRevertError } from '../contractErrors.ts'
import { transact } from '../transactions.ts'
import { MarketUnknownError, type RegistryClient } from './client.ts'
import { type PlaceChoice, placeToBegin } from './place.ts'
import { requireReadable } from './deploy.ts'

/** A shadow: a market of the registry, and the model that it is tried under. */
export type ShadowOf = { readonly market: string; readonly model: VolatilityModelName }

/** A call of the registry that only the council may make: at once where it has no delay, else by scheduling it. */
export type ShadowCall = { readonly method: string; readonly args: readonly unknown[] }

/** As `IShadows.PromotionPolicy`. */
export type PromotionPolicy = { readonly leastPredictions: bigint; readonly maxMarginStepX24: bigint }

/** What a shadow may begin with other than by default. */
export type ShadowStart = {
  /** Fields of the market's policy that the model alone reads; its starting words by default. */
  readonly policy?: Fields<'marketPolicy'>
  /** At which each of the model's variances starts; the volatility in force by default. */
  readonly volatilityX24?: bigint
  /** A whole first state instead, at the observation that it begins at. */
  readonly state?: MarketState
  /** Which observation it begins at; the latest by default, a lasting one where the calls are scheduled. */
  readonly place?: PlaceChoice
}

/**
 * The calls that add a shadow: its policy, if that is not in force, then itself, at an observation of the source. What comes after
 * that is proven, however much later the calls are made: up to 30 days, while the source holds the head there.
 *
 * @throws {@link ShadowExistsError}: its policy is not to be changed while it runs
 * @throws {@link MarketUnknownError} if there is no such market
 * @throws {@link PolicyUnreadError} if it could prove nothing with its policy
 */
export async function addShadowCalls(
  client: RegistryClient,
  { market, model }: ShadowOf,
  start: ShadowStart = {},
): Promise<{ readonly calls: readonly ShadowCall[]; readonly state: MarketState }> {
  await requireNoShadow(client, { market, model })
  const [current, policies, ofMarket] = await Promise.all([
    client.market(market),
    client.policies(),
    client.marketPolicy(market),
  ])
  const policy = { ...policies, market: start.policy ?? policyUnder(model, ofMarket, policies) }
  const name = shadowNameOf(market, model)
  requireReadable({ name, volatilityModel: model, policy: policy.market })
  const { source } = current.inbox
  const inbox = { source, marketId: current.marketId, fromBlock: client.fromBlock }
  const begun = await placeToBegin(client.provider, inbox, start.place)
  if (begun === undefined) throw new MarketUnknownError(market, client.registry)
  const { volatilityX24 = current.parameters?.volatilityX24 ?? INITIAL_VOLATILITY_X24 } = start
  const state =
    start.state ?? shadowState(volatilityModels[model], begun.observation, current.state, volatilityX24, policy)
  const shadowId = marketIdOf(name)
  const policyWord = pack('marketPolicy', policy.market)
  const isInForce = (await policyInForce(client, name)) === policyWord
  return {
    calls: [
      ...(isInForce ? [] : [{ method: 'setMarketPolicy', args: [shadowId, policyWord] }]),
      { method: 'addShadow', args: [current.marketId, volatilityModelRows[model].id, packState(state), begun.place] },
    ],
    state,
  }
}

/**
 * Adds a shadow.
 *
 * @param signer - whom the council lets
 * @returns the state it begins with
 * @throws {@link ShadowExistsError} before anything is changed
 * @throws {@link ContractRevertError} ShadowPolicyDiffers, …
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider })
 * await addShadow(council, client, { market: 'BTC-USD', model: 'garch' })
 * (await client.shadows()).some(({ name }) => name === 'BTC-USD~garch') // → true
 */
export async function addShadow(
  signer: Signer,
  client: RegistryClient,
  shadow: ShadowOf,
  start: ShadowStart = {},
): Promise<MarketState> {
  const { calls, state } = await addShadowCalls(client, shadow, start)
  for (const call of calls) await makeCall(signer, client, call)
  return state
}

/**
 * Adding a shadow sets its policy first, which must not happen to one that is there.
 *
 * @throws {@link ShadowExistsError}
 */
async function requireNoShadow(client: RegistryClient, { market, model }: ShadowOf): Promise<void> {
  const name = shadowNameOf(market, model)
  if ((await client.shadows()).some((shadow) => shadow.name === name)) throw new ShadowExistsError(name)
}

/**
 * Removes a shadow and its score.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider })
 * const shadow = { market: 'ETH-USD', model: 'garch' }
 * await addShadow(council, client, shadow)
 * await removeShadow(council, client, shadow)
 * (await client.shadows()).some(({ name }) => name === 'ETH-USD~garch') // → false
 */
export const removeShadow = (signer: Signer, client: RegistryClient, shadow: ShadowOf): Promise<number> =>
  makeCall(signer, client, removeShadowCall(shadow))

/**
 * Lets a market go on from a shadow of it. @throws {@link ContractRevertError} naming why it may not yet
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider })
 * const shadow = { market: 'ETH-USD', model: 'ewma' }
 * await addShadow(council, client, shadow)
 * // It has proven nothing yet, so the contract says why not.
 * const refused = await promoteShadow(council, client, shadow).catch((error) => error)
 * refused.code // → 'registry.reverted'
 */
export const promoteShadow = (signer: Signer, client: RegistryClient, shadow: ShadowOf): Promise<number> =>
  makeCall(signer, client, promoteCall(shadow))

/**
 * Sets when a shadow may take its market over.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider })
 * await setPromotionPolicy(council, client, { leastPredictions: 500n, maxMarginStepX24: 1n << 20n })
 * (await client.promotionPolicy()).leastPredictions // → 500n
 */
export const setPromotionPolicy = (signer: Signer, client: RegistryClient, policy: PromotionPolicy): Promise<number> =>
  makeCall(signer, client, promotionPolicyCall(policy))

export const removeShadowCall = (shadow: ShadowOf): ShadowCall => ({ method: 'removeShadow', args: idsOf(shadow) })
export const promotionPolicyCall = (policy: PromotionPolicy): ShadowCall => ({
  method: 'setPromotionPolicy',
  args: [policy],
})
export const promoteCall = (shadow: ShadowOf): ShadowCall => ({ method: 'promote', args: idsOf(shadow) })

/** Calldata of a call, for whoever schedules it with the council. */
export const calldataOf = ({ method, args }: ShadowCall): string =>
  interfaceOf('RiskRegistry').encodeFunctionData(method, [...args])

/** The market's id and the model's. @throws {@link MarketNameError} also if the market is a shadow itself */
function idsOf({ market, model }: ShadowOf): readonly [string, number] {
  const shadowId = marketIdOf(shadowNameOf(market, model))
  return [ownMarketOf(shadowId), modelIdOfShadow(shadowId)]
}

/** Makes a call at once, for a council that needs no delay. */
export const makeCall = (signer: Signer, { registry }: RegistryClient, { method, args }: ShadowCall): Promise<number> =>
  transact(signer, registry, 'RiskRegistry', method, args)

async function policyInForce(client: RegistryClient, name: string): Promise<bigint | undefined> {
  try {
    return pack('marketPolicy', await client.marketPolicy(name))
  } catch (error) {
    if (error instanceof ContractRevertError && error.reason === 'MarketPolicyMissing') return undefined
    throw error
  }
}

/** A market's policy as another model reads it: what that one does not read is zero, what it alone reads are its defaults. */
function policyUnder(
  model: VolatilityModelName,
  policy: Fields<'marketPolicy'>,
  engine: Pick<typeof defaultPolicy, 'learning' | 'margin'>,
): Fields<'marketPolicy'> {
  const fields: readonly Field[] = words.marketPolicy.fields
  const unread = Object.fromEntries(fields.filter(({ optional }) => optional).map(({ name }) => [name, 0n]))
  return withStartingWords(volatilityModels[model], { ...engine, market: { ...policy, ...unread } }).market
}

/** The market is tried under this model already. */
export class ShadowExistsError extends ProverError {
  readonly code = 'registry.shadow-exists'
  readonly shadow: string

  constructor(shadow: string) {
    super(`There is a shadow ${shadow} already. Remove it first, which gives up its score, or leave it.`)
    this.shadow = shadow
  }
}
