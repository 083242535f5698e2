/** The account that pays for transactions: from a file or the environment, never from the command line, never shown. */
import { readFileSync } from 'node:fs'
import { type Provider, Wallet } from 'ethers'
import { ProverError } from '../../errors.ts'

/** Environment variable that holds a private key where no file does. */
const KEY_VARIABLE = 'ZKRISK_KEY'

/** A key file holds 64 hexadecimal digits; nobody's is longer than this. */
const MAX_KEY_BYTES = 200

/**
 * @param keyFile - holds the private key in hexadecimal; without it {@link KEY_VARIABLE} is read
 * @throws {@link KeyMissingError}, {@link KeyMalformedError}; neither says anything of what it found
 */
export function openAccount(provider: Provider, keyFile: string | undefined): Wallet {
  const from = keyFile ?? `the environment variable ${KEY_VARIABLE}`
  const text = keyFile === undefined ? process.env[KEY_VARIABLE] : readKeyFile(keyFile)
  if (text === undefined || text === '') throw new KeyMissingError(from)
  try {
    return new Wallet(text.startsWith('0x') ? text : `0x${text}`, provider)
  } catch {
    // The cause would hold the key.
    throw new KeyMalformedError(from)
  }
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, MAX_KEY_BYTES).trim()
  } catch {
    throw new KeyMissingError(file)
  }
}

/** There is no key where one was to be. */
export class KeyMissingError extends ProverError {
  readonly code = 'service.key-missing'
  readonly from: string

  constructor(from: string) {
    super(`Expected a private key in ${from}, found none. Give --key-file or set ${KEY_VARIABLE}.`)
    this.from = from
  }
}

/** What is there is no private key. */
export class KeyMalformedError extends ProverError {
  readonly code = 'service.key-malformed'
  readonly from: string

  constructor(from: string) {
    super(`Expected a private key of 64 hexadecimal digits in ${from}, found something else.`)
    this.from = from
  }
}
