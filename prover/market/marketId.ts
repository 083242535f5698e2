import { decodeBytes32String, encodeBytes32String, toBeHex } from 'ethers'
import { type VolatilityModelName, volatilityModels } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'

/** Between a market's name and that of the model which a shadow of it is tried under. */
const SHADOW_MARK = '~'
const MODEL_MASK = 0xffn

/**
 * Id of a market on chain: its name, at most 31 ASCII characters, left-aligned in 32 bytes. `BTC-USD~garch` names the
 * shadow of BTC-USD under GARCH, whose id has the model's in the last byte (contracts/registry/ShadowId.sol).
 *
 * @example
 * marketIdOf('BTC-USD') // → '0x4254432d55534400000000000000000000000000000000000000000000000000'
 */
export function marketIdOf(name: string): string {
  const [market = '', model, ...more] = name.split(SHADOW_MARK)
  if (!/^[A-Z0-9][A-Z0-9._/-]{0,30}$/.test(market) || more.length > 0) throw new MarketNameError(name)
  const marketId = encodeBytes32String(market)
  if (model === undefined) return marketId
  const modelId = modelIdNamed(model)
  if (modelId === undefined) throw new MarketNameError(name)
  return shadowIdOf(marketId, modelId)
}

/** Whether a market of a registry, where governance may call one what it likes, has a name that anything here takes. */
export function isMarketName(name: string): boolean {
  try {
    marketIdOf(name)
    return true
  } catch (error) {
    if (error instanceof MarketNameError) return false
    throw error
  }
}

/** What is said of a market that {@link isMarketName} says no of. */
export const whyUntaken = (name: string): string =>
  `${JSON.stringify(name)}: governance gave it a name that nothing here takes`

/** Whether a name is a shadow's rather than a market's. */
export const isShadowName = (name: string): boolean => name.includes(SHADOW_MARK)

/**
 * Name of a market or shadow from its id; an id that is no name of printable ASCII, or a market's that reads as a shadow's, is
 * shown as it is.
 *
 * @example
 * marketNameOf(marketIdOf('BTC-USD~garch')) // → 'BTC-USD~garch'
 */
export function marketNameOf(marketId: string): string {
  try {
    const model = modelIdOfShadow(marketId)
    const name = decodeBytes32String(ownMarketOf(marketId))
    // Chosen by others, and shown on terminals and pages.
    if (!/^[ -~]*$/.test(name) || name.includes(SHADOW_MARK)) return marketId
    return model === 0 ? name : `${name}${SHADOW_MARK}${volatilityModelName(model)}`
  } catch {
    return marketId
  }
}

/** Name of the shadow of a market under a model. */
export const shadowNameOf = (market: string, model: VolatilityModelName): string => `${market}${SHADOW_MARK}${model}`

/** Id of the shadow of a market under a model, by the model's id. */
export const shadowIdOf = (marketId: string, model: number): string => toBeHex(BigInt(marketId) | BigInt(model), 32)

/** The market that a shadow is of; a market itself. */
export const ownMarketOf = (id: string): string => toBeHex(BigInt(id) & ~MODEL_MASK, 32)

/** Id of the model that a shadow is tried under; 0 of a market. */
export const modelIdOfShadow = (id: string): number => Number(BigInt(id) & MODEL_MASK)

/** Name of a volatility model by its id; one that is not in this engine's table is called model7 by its id 7. */
export function volatilityModelName(id: number): string {
  const [name] = Object.entries(volatilityModels).find(([, row]) => row.id === id) ?? []
  return name ?? `model${id}`
}

/** Whether a name is that of a volatility model in this engine's table. */
const isVolatilityModelName = (name: string): name is VolatilityModelName => Object.hasOwn(volatilityModels, name)

/** Id of a model by what {@link volatilityModelName} calls it. */
function modelIdNamed(name: string): number | undefined {
  if (isVolatilityModelName(name)) return volatilityModels[name].id
  const id = Number(/^model(\d+)$/.exec(name)?.[1] ?? 0)
  return id > 0 && id <= Number(MODEL_MASK) && volatilityModelName(id) === name ? id : undefined
}

/** A market's name is empty, too long, or has characters that do not belong in a name. */
export class MarketNameError extends ProverError {
  readonly code = 'market.name'
  readonly marketName: string

  constructor(marketName: string) {
    super(
      `Expected a market name such as BTC-USD (capital letters, digits, "-", ".", "/"; at most 31), or a shadow's such as ` +
        `BTC-USD~garch (models: ${Object.keys(volatilityModels).join(', ')}), got "${marketName}".`,
    )
    this.marketName = marketName
  }
}
