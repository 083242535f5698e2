/** Whether a database lets its user do what a service does there: asked of the server's catalogue, so that nothing is tried. */
import { ProverError } from '../../../errors.ts'
import { type DatabaseAddress, parseDatabaseAddress } from './databaseAddress.ts'
import { POSTGRES_SCHEMA_VERSION, queueSchemaOf, readVersion } from './postgresSchema.ts'
import { PostgresSession, type Query } from './postgresSession.ts'

/**
 * Of the schemas of the store and of the queue alike: to make what is missing, and to use what is there.
 *
 * @throws {@link DatabaseRightsError}, {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}
 */
export async function requirePostgresRights(database: string): Promise<void> {
  const address = parseDatabaseAddress(database)
  const session = await PostgresSession.open({ address, purpose: 'look', locks: [] })
  try {
    const lacks = await lackingRights((text, values) => session.query(text, values), address)
    if (lacks !== undefined) throw new DatabaseRightsError(address.name, lacks)
  } finally {
    await session.close()
  }
}

/** What is in the way, and the statements of whoever may mend it. */
type Lacking = { readonly reason: string; readonly mend: readonly string[] }

type Place = { readonly user: string; readonly database: string; readonly mayCreate: boolean; readonly reads: boolean }

async function lackingRights(query: Query, address: DatabaseAddress): Promise<Lacking | undefined> {
  const [place] = await query<Place>(
    `SELECT quote_ident(current_user) AS user, quote_ident(current_database()) AS database,
       has_database_privilege(current_database(), 'CREATE') AS "mayCreate",
       current_setting('transaction_read_only') = 'on' AS reads`,
  )
  if (place === undefined) return undefined
  if (place.reads) {
    const reason = `it takes no writes from ${place.user}: it is a replica, or its transactions are set to read only`
    return { reason, mend: [] }
  }
  const schemas = [address.schema, queueSchemaOf(address)]
  for (const schema of schemas) {
    const lacks = await lackingOf(query, schema, place)
    if (lacks !== undefined) return lacks
  }
  const version = await readVersion(query, address)
  return version > 0 && version < POSTGRES_SCHEMA_VERSION ? lackingOfEarlier(query, address.schema, place) : undefined
}

type Schema = { readonly may_use: boolean; readonly may_create: boolean; readonly is_begun: boolean }

async function lackingOf(query: Query, schema: string, place: Place): Promise<Lacking | undefined> {
  const { user, database } = place
  const [there] = await query<Schema>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AS may_use, has_schema_privilege(n.oid, 'CREATE') AS may_create,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'version') AS is_begun
     FROM pg_namespace n WHERE nspname = $1`,
    [schema],
  )
  if (there?.is_begun !== true) {
    // Postgres asks for it whether the schema is there or not.
    if (!place.mayCreate) {
      const reason = `${user} may not create the schema ${schema} and what it holds`
      return { reason, mend: [`GRANT CREATE ON DATABASE ${database} TO ${user}`] }
    }
    if (there === undefined || (there.may_use && there.may_create)) return undefined
    const reason = `${user} may not create tables in the schema ${schema}`
    return { reason, mend: [`GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${user}`] }
  }
  const grants = [`GRANT USAGE ON SCHEMA ${schema} TO ${user}`, grantTables(schema, user)]
  if (!there.may_use) return { reason: `${user} may not use the schema ${schema}`, mend: grants }
  // Of the tables' version the service reads alone.
  const tables = await query<{ name: string }>(
    `SELECT relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname = $1 AND relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'SELECT') AND (relname = 'version' OR
       has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
     ORDER BY relname`,
    [schema],
  )
  if (tables.length === 0) return undefined
  const named = tables.map(({ name }) => name).join(', ')
  return { reason: `${user} may not read and write tables of the schema ${schema}: ${named}`, mend: grants.slice(1) }
}

/** Tables of an earlier version are altered and added to, which only who owns them may. */
async function lackingOfEarlier(query: Query, schema: string, { user }: Place): Promise<Lacking | undefined> {
  const [owned] = await query<{ all: boolean }>(
    `SELECT has_schema_privilege(n.oid, 'CREATE') AND bool_and(pg_has_role(relowner, 'USAGE')) AS all
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1 AND relkind IN ('r', 'p') GROUP BY n.oid`,
    [schema],
  )
  if (owned?.all !== false) return undefined
  const reason = `the tables of the schema ${schema} are of an earlier version, and ${user} does not own them`
  return { reason, mend: [`GRANT CREATE ON SCHEMA ${schema} TO ${user}`, `ALTER TABLE ${schema}.… OWNER TO ${user}`] }
}

const grantTables = (schema: string, user: string): string =>
  `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${user}`

/** A service could not begin with what its user may do there. */
export class DatabaseRightsError extends ProverError {
  readonly code = 'service.database-rights'
  readonly database: string
  readonly reason: string

  constructor(database: string, { reason, mend }: Lacking) {
    const how =
      mend.length === 0
        ? 'Name the server that takes writes'
        : `Have who owns it run \`${mend.join('; ')}\`, or name another user`
    super(`No service can begin in ${database}: ${reason}. ${how} (docs/operations.md).`)
    this.database = database
    this.reason = reason
  }
}
