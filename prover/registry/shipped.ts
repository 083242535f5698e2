/** What the package ships instead of a build: read by name, every hash checked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildName } from '../../circuits/statements/index.ts'
import { shippedFolder } from '../config.ts'
import { ProverError } from '../errors.ts'
import { type KeyKind, KeyStore, type VerifyingKeys } from '../proof/index.ts'
import { sha256 } from '../proof/keys/keyStore.ts'

export const SHIPPED_FORMAT = 'zk-risk-engine/shipped'

/** Which keys a build's proofs are verified with. */
export type ShippedKey = {
  /** Of the constraints, by which keys are found. */
  readonly r1csSha256: string
  readonly verificationKeySha256: string
  /** Development keys are for development chains: whoever made them can forge. */
  readonly kind: KeyKind
}

/** `shipped/manifest.json`, written when the package is built. Hashes are sha256 in lower-case hexadecimal. */
export type ShippedManifest = {
  readonly format: typeof SHIPPED_FORMAT
  readonly version: 1
  /** Version of the package. */
  readonly package: string
  readonly keys: Readonly<Record<string, ShippedKey>>
  /** By path below `shipped/`. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * A file of those that ship, as text.
 *
 * @throws {@link ShippedFileError} if it is missing or not the one that was packed
 */
export function readShipped(path: string): string {
  const expected = readManifest().files[path]
  const found = readFile(path)
  if (expected === undefined || sha256(found) !== expected) throw new ShippedFileError(path)
  return found
}

/**
 * Keys that verify a build's proofs: those that ship, or those of another folder, found by the constraints that this version has.
 *
 * @param folder - of keys, as a build leaves them; proving keys need not be there
 * @throws {@link ShippedFileError}, and what {@link KeyStore.loadVerifying} throws
 */
export async function shippedKeys(build: BuildName, folder?: string): Promise<VerifyingKeys> {
  const pinned = readManifest().keys[build]
  if (pinned === undefined) throw new ShippedFileError(`the key of ${build}`)
  const keys = await new KeyStore(folder ?? join(shippedFolder, 'keys')).loadVerifying(build, pinned.r1csSha256)
  const isPinned = keys.manifest.verificationKeySha256 === pinned.verificationKeySha256
  if (folder === undefined && !isPinned) throw new ShippedFileError(`the key of ${build}`)
  return keys
}

function readManifest(): ShippedManifest {
  const manifest = JSON.parse(readFile('manifest.json')) as ShippedManifest
  if (manifest.format !== SHIPPED_FORMAT || manifest.version !== 1) throw new ShippedFileError('manifest.json')
  return manifest
}

function readFile(path: string): string {
  try {
    return readFileSync(join(shippedFolder, path), 'utf8')
  } catch (error) {
    throw new ShippedFileError(path, error)
  }
}

/** A file that the package ships is missing or was changed. */
export class ShippedFileError extends ProverError {
  readonly code = 'registry.shipped-file'
  readonly file: string

  constructor(file: string, cause?: unknown) {
    super(
      `Expected ${file} in ${shippedFolder} as it was packed, found it missing or changed. Install the package again.`,
      {
        cause,
      },
    )
    this.file = file
  }
}
