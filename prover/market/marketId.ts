import { decodeBytes32String, encodeBytes32String } from 'ethers'
import { ProverError } from '../errors.ts'

/** Id of a market on chain: its name, at most 31 ASCII characters, left-aligned in 32 bytes. */
export function marketIdOf(name: string): string {
  if (!/^[A-Z0-9][A-Z0-9._/-]{0,30}$/.test(name)) throw new MarketNameError(name)
  return encodeBytes32String(name)
}

/** Name of a market from its id; an id that is no name is shown as it is. */
export function marketNameOf(marketId: string): string {
  try {
    return decodeBytes32String(marketId)
  } catch {
    return marketId
  }
}

/** A market's name is empty, too long, or has characters that do not belong in a name. */
export class MarketNameError extends ProverError {
  readonly code = 'market.name'
  readonly marketName: string

  constructor(marketName: string) {
    super(
      `Expected a market name such as BTC-USD (capital letters, digits, "-", ".", "/"; at most 31), got "${marketName}".`,
    )
    this.marketName = marketName
  }
}
