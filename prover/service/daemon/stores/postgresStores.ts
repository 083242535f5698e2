/** What a service keeps in a Postgres, held by one session. */
import { KeyInUseError, StoreInUseError, type StoreScope } from '../jobStore.ts'
import type { DatabaseAddress } from './databaseAddress.ts'
import type { Stores } from './openStores.ts'
import { PostgresJobStore } from './postgresJobStore.ts'
import { PostgresRequestStore } from './postgresRequestStore.ts'
import { migrate, requireScope, storeLockOf } from './postgresSchema.ts'
import { PostgresSession, type SessionOptions } from './postgresSession.ts'

/**
 * Opens them; closing the jobs closes the session.
 *
 * @param account - that signs: no other service of the same database may sign with it
 * @throws {@link StoreInUseError}, {@link KeyInUseError} if another service has the store or the key, and keeps it
 * @throws {@link StoreScopeError}, {@link StoreUnusableError}, {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}
 */
export async function openPostgres(
  address: DatabaseAddress,
  scope: StoreScope,
  account: string,
  times: Pick<SessionOptions, 'patienceMs' | 'answerMs'> = {},
): Promise<Stores> {
  const { schema, name } = address
  const signer = account.toLowerCase()
  const session = await PostgresSession.open({
    ...{ address, purpose: 'serve', ...times },
    locks: [
      { name: storeLockOf(schema), heldBy: (holder) => new StoreInUseError(name, undefined, holder) },
      { name: `zkrisk key ${scope.chainId} ${signer}`, heldBy: (holder) => new KeyInUseError(account, name, holder) },
    ],
  })
  try {
    await migrate(session, address)
    await requireScope(session, address, scope)
  } catch (error) {
    await session.close()
    throw error
  }
  const jobs = new PostgresJobStore(session, schema)
  return { jobs, requests: async (clock) => new PostgresRequestStore(session, schema, clock) }
}
