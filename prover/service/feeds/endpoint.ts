/** Where a provider is reached, and what may be said of it: addresses and keys stay out of logs. */
import { isIP } from 'node:net'
import { ProverError } from '../../errors.ts'
import { readSecretFile } from '../daemon/account.ts'

const MOST_KEY_CHARACTERS = 4096

/**
 * An address of a provider.
 *
 * @param schemes - the one that is encrypted first
 * @param isPlainAllowed - whether what is not encrypted may leave this machine
 * @throws {@link EndpointError}, which quotes nothing but the host
 */
export function parseEndpoint(
  text: string,
  schemes: readonly [encrypted: string, plain: string],
  isPlainAllowed: boolean,
): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const expected = `an address such as ${schemes[0]}//…`
  if (url === undefined) throw new EndpointError(expected, 'something else')
  if (!schemes.includes(url.protocol)) throw new EndpointError(expected, `one with ${url.protocol}//`)
  if (url.hash !== '') throw new EndpointError('an address without a fragment', url.host)
  const isOpen = url.protocol === schemes[1] && !isLoopback(url.hostname) && !isPlainAllowed
  if (isOpen)
    throw new EndpointError(
      `${schemes[0]}// beyond this machine, or "plain": true where the network between is your own`,
      `${url.protocol}//${url.host}`,
    )
  return url
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))

/** A provider's key. @throws {@link ProviderKeyError}, {@link KeyFileModeError}; neither says anything of the key */
export function readProviderKey(file: string): string {
  const key = readSecretFile(file)?.trim()
  if (key === undefined) throw new ProviderKeyError(file, 'it cannot be read')
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MOST_KEY_CHARACTERS)
    throw new ProviderKeyError(file, 'it holds something else')
  return key
}

/** Where a feed is to come from is no address that it may come from. */
export class EndpointError extends ProverError {
  readonly code = 'service.feed-endpoint'

  constructor(expected: string, found: string) {
    super(`Expected ${expected} as the endpoint of a feed, got ${found}. Correct "endpoint", or its flag.`)
  }
}

/** The file of a provider's key has none. */
export class ProviderKeyError extends ProverError {
  readonly code = 'service.feed-key'
  readonly file: string

  constructor(file: string, reason: string) {
    super(`Expected a provider’s key alone in ${file}, one line without spaces, but ${reason}.`)
    this.file = file
  }
}
