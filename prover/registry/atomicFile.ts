/** Files that appear whole or not at all. */
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ProverError } from '../errors.ts'

/** Two writes of one file at once must not share a draft. */
let drafts = 0

/**
 * Writes a file under another name, waits until it is on the disk, and renames it. Whoever reads sees the old file or the
 * new one; a failure leaves nothing behind.
 *
 * @throws {@link DiskFullError} if there is no room, or a limit on size or quota is reached
 * @throws {@link FileWriteError} for every other reason
 */
export async function writeFileAtomic(file: string, content: string | Uint8Array): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}.${drafts++}.draft`)
  try {
    const handle = await open(draft, 'w')
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    const { code } = error as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    throw isFull ? new DiskFullError(file, error) : new FileWriteError(file, error)
  }
}

/** There was no room for a file; nothing of it was left behind. */
export class DiskFullError extends ProverError {
  readonly code = 'registry.disk-full'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(`There is no room to write ${file}; nothing was left behind. Free some space or choose another folder.`, {
      cause,
    })
    this.file = file
  }
}

/** A file could not be written; nothing of it was left behind. */
export class FileWriteError extends ProverError {
  readonly code = 'registry.file-write'
  readonly file: string

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${file} could not be written (${reason}). Check that its folder exists and is writable.`, { cause })
    this.file = file
  }
}
