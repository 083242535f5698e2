import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ProverError } from '../errors.ts'
import { makeFolder } from '../folder.ts'

/**
 * Writes a file as a whole or not at all: a full disk or a crash leaves whatever was there before, and no fragment.
 *
 * @param file - its folder is made if it does not exist
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeWholeFile(file: string, content: string | Uint8Array): void {
  write(file, content, {})
}

/** The same for a secret: only its owner may read it, whatever was there before. POSIX; Windows has no such modes. */
export function writeSecretFile(file: string, content: string): void {
  write(file, content, { mode: 0o600 })
}

function write(file: string, content: string | Uint8Array, options: { readonly mode?: number }): void {
  const partial = `${file}.partial-${process.pid}`
  try {
    makeFolder(dirname(file))
    // A mode is heeded only where the file is made.
    rmSync(partial, { force: true })
    writeFileSync(partial, content, { flush: true, ...options })
    renameSync(partial, file)
  } catch (cause) {
    removeIfThere(partial)
    throw new FileWriteError(file, cause)
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Where it cannot be removed it could not be made either; the first failure is the one to report
  }
}

/** A file could not be written; nothing was left behind. */
export class FileWriteError extends ProverError {
  readonly code = 'service.file-write'
  readonly file: string

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`Could not write ${file} (${reason}). Nothing was left behind; free the disk or choose another place.`, {
      cause,
    })
    this.file = file
  }
}
