/** Remembers, while a process runs, what files were found to be: hashing a key's hundred megabytes again takes a tenth of a second. */
import { stat } from 'node:fs/promises'

/** A file that changes twice within a tick of its file system's clock looks the same after both: none has longer ticks. */
const SETTLED_MS = 2_000n

/**
 * Answers about files, by whatever the answer depends on. One is given again only as long as no file is another one, or was
 * written or touched since: nobody sets the time of change that a file system keeps.
 */
export class CheckedFiles<Answer> {
  private readonly known = new Map<string, { readonly stamp: string; readonly answer: Answer }>()

  /** @param find - reads the files; what it throws is not remembered */
  async answer(files: readonly string[], about: string, find: () => Promise<Answer>): Promise<Answer> {
    const key = JSON.stringify([about, ...files])
    const before = await stampOf(files)
    const known = this.known.get(key)
    if (known !== undefined && known.stamp === before?.text) return known.answer
    const answer = await find()
    if (before?.isSettled && before.text === (await stampOf(files))?.text) {
      this.known.set(key, { stamp: before.text, answer })
    }
    return answer
  }
}

/** Undefined if one of them is missing. */
async function stampOf(
  files: readonly string[],
): Promise<{ readonly text: string; readonly isSettled: boolean } | undefined> {
  const now = BigInt(Date.now())
  const stats = await Promise.all(files.map((file) => stat(file, { bigint: true }))).catch(() => undefined)
  return (
    stats && {
      text: stats.map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(':')).join(),
      isSettled: stats.every(({ ctimeMs }) => now - ctimeMs > SETTLED_MS),
    }
  )
}
