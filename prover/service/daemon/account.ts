/** The account that pays for transactions: from a file or the environment, never from the command line, never shown. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { type Provider, Wallet } from 'ethers'
import { ProverError } from '../../errors.ts'

/** Environment variable that holds a private key where no file does. */
const KEY_VARIABLE = 'ZKRISK_KEY'

/** A key file holds 64 hexadecimal digits; nobody's is longer than this. */
const MAX_KEY_BYTES = 200

/** Every right of a file's group and of all others. */
const OTHERS = 0o077

/**
 * @param keyFile - holds the private key in hexadecimal; without it {@link KEY_VARIABLE} is read
 * @throws {@link KeyMissingError}, {@link KeyFileModeError}, {@link KeyMalformedError}; none says anything of what it found
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
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    requireOwnerOnly(file, descriptor)
    return readFileSync(descriptor, 'utf8').slice(0, MAX_KEY_BYTES).trim()
  } catch (error) {
    if (error instanceof KeyFileModeError) throw error
    throw new KeyMissingError(file)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** On Windows, whose modes say nothing of other users, nothing is looked at. */
function requireOwnerOnly(file: string, descriptor: number): void {
  if (process.platform === 'win32') return
  const stats = fstatSync(descriptor)
  if (stats.isFile() && (stats.mode & OTHERS) !== 0) throw new KeyFileModeError(file, stats.mode & 0o777)
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

/** Others than its owner may read or write a key file. */
export class KeyFileModeError extends ProverError {
  readonly code = 'service.key-file-mode'
  readonly file: string
  readonly mode: number

  constructor(file: string, mode: number) {
    const octal = mode.toString(8).padStart(3, '0')
    super(
      `Expected ${file} to be its owner's alone (mode 600), its mode is ${octal}. Run \`chmod 600 ${file}\`, and use another key if somebody may have read this one.`,
    )
    this.file = file
    this.mode = mode
  }
}
