/** One SQLite file of the service: what its disk refuses and what is damaged in it are told as errors of their own. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { StoreDamagedError, StoreFailedError } from '../jobStore.ts'

export type Row = Record<string, SQLOutputValue>

export class SqliteFile {
  readonly path: string
  private readonly database: DatabaseSync

  constructor(path: string, database: DatabaseSync) {
    this.path = path
    this.database = database
  }

  /** Rows that it changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return this.typed(() => Number(this.database.prepare(sql).run(...values).changes))
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.typed(() => this.database.prepare(sql).get(...values))
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.typed(() => this.database.prepare(sql).all(...values))
  }

  exec(sql: string): void {
    this.typed(() => this.database.exec(sql))
  }

  begin(): void {
    this.exec('BEGIN IMMEDIATE')
  }

  /** Does nothing where SQLite has rolled back by itself, as it does when the disk is full. */
  rollback(): void {
    if (this.database.isTransaction) this.exec('ROLLBACK')
  }

  /** All of it or nothing. */
  atomically(work: () => void): void {
    this.begin()
    try {
      work()
      this.exec('COMMIT')
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  close(): void {
    this.typed(() => this.database.close())
  }

  private typed<Result>(ask: () => Result): Result {
    try {
      return ask()
    } catch (error) {
      throw typedFailure(this.path, error)
    }
  }
}

/** Of SQLite's result codes. */
const [IO, FULL, CANNOT_OPEN, READ_ONLY, NO_MEMORY] = [10, 13, 14, 8, 7] as const
const CORRUPT = 11

/** What waiting may mend, what it does not, and every other error as it is. */
export function typedFailure(path: string, error: unknown): unknown {
  const { errcode, message } = error as Error & { readonly errcode?: number }
  if (errcode === undefined) return error
  // An extended code keeps the plain one in its lowest byte.
  const code = errcode & 0xff
  if (code === CORRUPT) return new StoreDamagedError(path, message, error)
  if ([IO, FULL, CANNOT_OPEN, READ_ONLY, NO_MEMORY].includes(code as never))
    return new StoreFailedError(path, message, error)
  return error
}
