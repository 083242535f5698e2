/** Stores that are there, for those who look after them: beside the services that use them, where they can be. */
import { withDatabasePackages } from '../../optionalPackages.ts'
import type { JobStore } from '../jobStore.ts'
import { SqliteJobStore } from './sqliteJobStore.ts'

/** Where one is. */
export type ExistingPlace = { readonly store: string } | { readonly database: string }

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
export async function openExisting(place: ExistingPlace): Promise<ExistingStore> {
  if ('database' in place) {
    const { openExistingPostgres } = await withDatabasePackages(() => import('./existingPostgres.ts'))
    return openExistingPostgres(place.database)
  }
  const { store, scope } = await SqliteJobStore.openExisting(place.store)
  return { store, name: place.store, ...scope, users: [] }
}

/**
 * Refuses a database whose user may not do there what a service does, whatever is in it; nothing of it is tried.
 *
 * @throws {@link DatabaseRightsError}, {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}
 */
export async function requireRights(place: ExistingPlace): Promise<void> {
  if (!('database' in place)) return
  const { requirePostgresRights } = await withDatabasePackages(() => import('./postgresRights.ts'))
  await requirePostgresRights(place.database)
}
