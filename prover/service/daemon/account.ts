/**
 * The account that pays for transactions: from a file, as it is or encrypted, or from the environment; never from the command
 * line, and never shown.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { isError, isKeystoreJson, type Provider, Wallet } from 'ethers'
import { ProverError } from '../../errors.ts'
import { whyUnreadable } from '../../market/textFile.ts'

/** Environment variable that holds a private key where no file does. */
const KEY_VARIABLE = 'ZKRISK_KEY'

/** Environment variable that holds the password of an encrypted key file where no file does. */
const PASSWORD_VARIABLE = 'ZKRISK_PASSWORD'

/** A key file holds 64 hexadecimal digits, or a keystore; nobody's is longer than this. */
const MAX_KEY_BYTES = 20_000

/** Every right of a file's group and of all others. */
const OTHERS = 0o077

/**
 * @param keyFile - holds the private key in hexadecimal, or encrypted as a keystore (version 3); without it {@link KEY_VARIABLE} is read
 * @param passwordFile - of a keystore; without it {@link PASSWORD_VARIABLE} is read
 * @throws {@link KeyMissingError}, {@link KeyFileModeError}, {@link KeyMalformedError}, {@link PasswordMissingError},
 * {@link PasswordWrongError}; none says anything of what it found
 */
export function openAccount(provider: Provider, keyFile: string | undefined, passwordFile?: string): Wallet {
  const from = keyFile ?? `the environment variable ${KEY_VARIABLE}`
  const text = keyFile === undefined ? process.env[KEY_VARIABLE] : readSecretFile(keyFile)?.trim()
  if (text === undefined || text === '')
    throw new KeyMissingError(from, keyFile === undefined ? undefined : whyKeyless(keyFile))
  if (text.startsWith('{')) return openKeystore(provider, text, from, passwordFile)
  try {
    return new Wallet(text.startsWith('0x') ? text : `0x${text}`, provider)
  } catch {
    // The cause would hold the key.
    throw new KeyMalformedError(from)
  }
}

function openKeystore(provider: Provider, text: string, from: string, passwordFile: string | undefined): Wallet {
  if (!isKeystoreJson(text)) throw new KeyMalformedError(from)
  const password = passwordFile === undefined ? process.env[PASSWORD_VARIABLE] : readSecretFile(passwordFile)
  if (password === undefined || password === '') throw new PasswordMissingError(from, passwordFile)
  try {
    // Editors end a file with a new line, which is not part of it.
    const { privateKey } = Wallet.fromEncryptedJsonSync(text, password.replace(/\r?\n$/, ''))
    return new Wallet(privateKey, provider)
  } catch (error) {
    // The cause would hold the password.
    if (isError(error, 'INVALID_ARGUMENT') && error.argument === 'password') throw new PasswordWrongError(from)
    throw new KeyMalformedError(from)
  }
}

/** Why nothing came of a file that was named. */
function whyKeyless(file: string): string {
  try {
    return readFileSync(file).length === 0 ? 'it is empty' : 'there is nothing but blanks in it'
  } catch (error) {
    return whyUnreadable(error)
  }
}

/** What only its owner may read; undefined if there is no such file. */
export function readSecretFile(file: string): string | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    requireOwnerOnly(file, descriptor)
    return readFileSync(descriptor, 'utf8').slice(0, MAX_KEY_BYTES)
  } catch (error) {
    if (error instanceof KeyFileModeError) throw error
    return undefined
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

  constructor(from: string, why?: string) {
    const found = why === undefined ? 'none' : `none: ${why}`
    super(`Expected a private key in ${from}, found ${found}. Give --key-file or set ${KEY_VARIABLE}.`)
    this.from = from
  }
}

/** What is there is no private key. */
export class KeyMalformedError extends ProverError {
  readonly code = 'service.key-malformed'
  readonly from: string

  constructor(from: string) {
    super(`Expected a private key of 64 hexadecimal digits or a keystore (version 3) in ${from}, found something else.`)
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

/** An encrypted key came without its password. */
export class PasswordMissingError extends ProverError {
  readonly code = 'service.password-missing'
  readonly from: string

  constructor(from: string, passwordFile: string | undefined) {
    const where = passwordFile === undefined ? `${PASSWORD_VARIABLE} is not set` : `${passwordFile} holds none`
    super(`The key in ${from} is encrypted, and ${where}. Give --password-file or set ${PASSWORD_VARIABLE}.`)
    this.from = from
  }
}

/** The password is not that of the encrypted key. */
export class PasswordWrongError extends ProverError {
  readonly code = 'service.password-wrong'
  readonly from: string

  constructor(from: string) {
    super(`The password does not open the key in ${from}. Give the one that it was encrypted with.`)
    this.from = from
  }
}
