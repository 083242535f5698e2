/** Whether a folder has to be listed again: told by its own times, which costs the same however much is in it. */
import { statSync } from 'node:fs'

/** File systems tell times to 2 s or finer: what comes so soon after a change may have its time. */
const TOLD_MS = 3000
/** A file system that tells nothing is listed as often. */
const MOST_MS = 30_000

export class FolderChanges {
  private readonly folder: string
  private state: string | undefined
  private changedAt = 0
  private listedAt: number | undefined

  constructor(folder: string) {
    this.folder = folder
  }

  /** What a listing gives; undefined where nothing can have come or gone since the last one. */
  since<Listed>(list: () => Listed): Listed | undefined {
    const now = performance.now()
    const state = stateOf(this.folder)
    if (state !== this.state) this.changedAt = now
    this.state = state
    const { listedAt, changedAt } = this
    const isListed = listedAt !== undefined && listedAt - changedAt >= TOLD_MS
    if (isListed && now - listedAt < MOST_MS) return undefined
    const listed = list()
    this.listedAt = now
    return listed
  }
}

/** Changes with what is in a folder, with who may read it, and with another one in its place. */
function stateOf(folder: string): string {
  try {
    const { dev, ino, mtimeNs, ctimeNs } = statSync(folder, { bigint: true })
    return [dev, ino, mtimeNs, ctimeNs].join(' ')
  } catch {
    // Why is told by whoever lists it.
    return ''
  }
}
