/** What a service keeps, wherever it is kept: in files of its own, or in a Postgres that others reach as well. */
import { withDatabasePackages } from '../../optionalPackages.ts'
import type { JobStore, StoreScope } from '../jobStore.ts'
import type { RequestStore } from '../requestStore.ts'
import { SqliteJobStore } from './sqliteJobStore.ts'
import { SqliteRequestStore } from './sqliteRequestStore.ts'

export type Stores = {
  readonly jobs: JobStore
  /** Opened when it is asked for. */
  readonly requests: (clock?: () => number) => Promise<RequestStore>
}

export type StorePlace = {
  /** File, where there is no database. */
  readonly store: string
  /** Address of a Postgres. */
  readonly database?: string | undefined
}

/**
 * Opens what a service keeps; closing the jobs closes all of it.
 *
 * @param account - that signs: no other service of the same database may sign with it
 * @throws what {@link SqliteJobStore.open} or `openPostgres` throw
 */
export async function openStores({ store, database }: StorePlace, scope: StoreScope, account: string): Promise<Stores> {
  if (database !== undefined) {
    // Nothing of it is loaded where nobody asked for it.
    const { openPostgres } = await withDatabasePackages(() => import('./postgresStores.ts'))
    const { parseDatabaseAddress } = await import('./databaseAddress.ts')
    return openPostgres(parseDatabaseAddress(database), scope, account)
  }
  const jobs = await SqliteJobStore.open(store, scope)
  return { jobs, requests: (clock) => SqliteRequestStore.open(`${store}-requests`, clock) }
}
