/** A database that is there, beside whoever uses it. */
import { StoreEarlierError, StoreEmptyError, StoreUnusableError } from '../jobStore.ts'
import { parseDatabaseAddress } from './databaseAddress.ts'
import type { ExistingStore } from './existing.ts'
import { PostgresJobStore } from './postgresJobStore.ts'
import { POSTGRES_SCHEMA_VERSION, readVersion, storeLockOf, whyOther } from './postgresSchema.ts'
import { HOLDERS, PostgresSession } from './postgresSession.ts'

/** As `openExisting` has it. */
export async function openExistingPostgres(database: string): Promise<ExistingStore> {
  const address = parseDatabaseAddress(database)
  const { schema, name } = address
  const session = await PostgresSession.open({ address, purpose: 'look', locks: [] })
  try {
    const version = await readVersion((text, values) => session.query(text, values), address)
    if (version === 0) throw new StoreEmptyError(name)
    if (version > POSTGRES_SCHEMA_VERSION) throw new StoreUnusableError(name, whyOther(version, address))
    if (version < POSTGRES_SCHEMA_VERSION) throw new StoreEarlierError(name, version, POSTGRES_SCHEMA_VERSION)
    const [scope] = await session.query<{ chain_id: string; registry: string }>(
      `SELECT chain_id, registry FROM ${schema}.scope`,
    )
    // A service that waits for the store, to be refused, has nothing open.
    const users = await session.query<{ user: string }>(
      `SELECT application_name AS user FROM pg_stat_activity WHERE datname = current_database()
       AND (application_name ~ '^zkrisk workers ' OR application_name ~ '^zkrisk serve ' AND pid IN (${HOLDERS})) ORDER BY 1`,
      [storeLockOf(schema)],
    )
    const chainId = scope === undefined ? undefined : BigInt(scope.chain_id)
    const store = new PostgresJobStore(session, schema)
    return {
      store,
      name,
      chainId,
      registry: scope?.registry,
      users: [...new Set(users.map(({ user }) => ownerOf(user)))],
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Who has a session open, whatever the session is for: a service has several. */
const ownerOf = (session: string): string => session.split(' ').slice(0, 3).join(' ')
