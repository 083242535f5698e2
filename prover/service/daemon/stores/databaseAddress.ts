/** Where a Postgres is, and how it is called where others may read it. */
import { UsageError } from '../../text/usageError.ts'

export type DatabaseAddress = {
  /** With user and password: for the driver alone. */
  readonly connectionString: string
  /** Of the tables; one for each registry that is served from the same database. */
  readonly schema: string
  /** Without user, password and options. */
  readonly name: string
}

const SCHEMA = 'zkrisk'
/** Postgres cuts longer names, and the queue's schema is called after this one. */
const SCHEMA_FORM = /^[a-z_][a-z0-9_]{0,39}$/

/**
 * @param text - postgres://user:password@host:port/database, with `?schema=` for another schema than `zkrisk`
 * @throws {@link DatabaseAddressError}, which does not repeat what it was given
 */
export function parseDatabaseAddress(text: string): DatabaseAddress {
  if (!URL.canParse(text)) throw new DatabaseAddressError('it is no address')
  const url = new URL(text)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw new DatabaseAddressError('it begins otherwise')
  const schema = url.searchParams.get('schema') ?? SCHEMA
  if (!SCHEMA_FORM.test(schema)) {
    throw new DatabaseAddressError('its schema is no name of small letters, digits and underscores, at most 40 of them')
  }
  url.searchParams.delete('schema')
  const database = url.pathname === '/' ? '' : url.pathname
  const suffix = schema === SCHEMA ? '' : `?schema=${schema}`
  return { connectionString: url.href, schema, name: `postgres://${url.host}${database}${suffix}` }
}

/** It is no address of a Postgres. */
export class DatabaseAddressError extends UsageError {
  readonly code = 'service.database-address'

  constructor(reason: string) {
    super(
      `Expected a database as postgres://user:password@host:port/name, got something else: ${reason}. Give it with ` +
        '--database or as the variable DATABASE_URL.',
    )
  }
}
