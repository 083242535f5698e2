/** Stores that are there, for those who look after them: beside the services that use them, where they can be. */
import { withDatabasePackages } from '../../optionalPackages.ts'
import type { JobStore } from '../jobStore.ts'
import { SqliteJobStore } from './sqliteJobStore.ts'

/** What is told of one. */
export type ExistingStore = {
  readonly store: JobStore
  readonly name: string
  readonly chainId: bigint | undefined
  readonly registry: string | undefined
  /** Services and workers that have it open, as the database knows them. */
  readonly users: readonly string[]
}

/**
 * A file that no service holds, or a database, beside whoever uses it.
 *
 * @throws {@link StoreInUseError}, {@link StoreUnusableError}, {@link DatabaseUnreachableError}
 */
export async function openExisting(
  place: { readonly store: string } | { readonly database: string },
): Promise<ExistingStore> {
  if ('database' in place) {
    const { openExistingPostgres } = await withDatabasePackages(() => import('./existingPostgres.ts'))
    return openExistingPostgres(place.database)
  }
  const { store, scope } = await SqliteJobStore.openExisting(place.store)
  return { store, name: place.store, ...scope, users: [] }
}
