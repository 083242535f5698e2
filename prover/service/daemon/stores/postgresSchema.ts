/** Tables of the service in a Postgres, and how those of an earlier version become those of this one. */
import type { QueryResultRow } from 'pg'
import { laterVersion, StoreScopeError, type StoreScope, StoreUnusableError } from '../jobStore.ts'
import type { DatabaseAddress } from './databaseAddress.ts'
import type { PostgresSession, Query } from './postgresSession.ts'

/** Each brings the tables from the version of its place to the next; 0 is an empty database. */
const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.scope (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), chain_id TEXT NOT NULL, registry TEXT NOT NULL);
    CREATE TABLE ${schema}.jobs (
      id TEXT PRIMARY KEY, build TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('planned', 'proven', 'signed', 'confirmed', 'superseded')),
      trigger TEXT NOT NULL, summary TEXT NOT NULL, bundle TEXT, reason TEXT,
      created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
    );
    CREATE INDEX open_jobs ON ${schema}.jobs (status) WHERE status IN ('planned', 'proven', 'signed');
    CREATE INDEX newest_jobs ON ${schema}.jobs (created_at DESC, id);
    CREATE TABLE ${schema}.transactions (
      place BIGINT GENERATED ALWAYS AS IDENTITY, hash TEXT PRIMARY KEY,
      job_id TEXT NOT NULL REFERENCES ${schema}.jobs (id), sender TEXT NOT NULL, nonce BIGINT NOT NULL,
      raw TEXT NOT NULL, signed_at BIGINT NOT NULL, block BIGINT, gas_used BIGINT
    );
    CREATE INDEX transactions_of_job ON ${schema}.transactions (job_id);
    CREATE INDEX mined_transactions ON ${schema}.transactions (block) WHERE block IS NOT NULL;
    CREATE INDEX transactions_of_nonce ON ${schema}.transactions (sender, nonce);
    CREATE TABLE ${schema}.requests (
      place BIGINT GENERATED ALWAYS AS IDENTITY, id TEXT PRIMARY KEY, markets TEXT NOT NULL, asked_by TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('waiting', 'begun', 'expired')), job TEXT, asked_at BIGINT NOT NULL
    );
    CREATE TABLE ${schema}.pause (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), paused_by TEXT NOT NULL, since BIGINT NOT NULL);
    CREATE TABLE ${schema}.answers (name TEXT PRIMARY KEY, question TEXT NOT NULL, answer TEXT NOT NULL, kept_at BIGINT NOT NULL);
    CREATE TABLE ${schema}.workers (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, queues TEXT[] NOT NULL, may_wait BOOLEAN NOT NULL,
      started_at TIMESTAMPTZ NOT NULL DEFAULT now(), seen_at TIMESTAMPTZ NOT NULL DEFAULT now()
    );`,
  (schema) => `ALTER TABLE ${schema}.workers ADD COLUMN in_hand INTEGER NOT NULL DEFAULT 0;`,
  (schema) => `
    ALTER TABLE ${schema}.workers ADD COLUMN jobs TEXT[] NOT NULL DEFAULT '{}';
    CREATE TABLE ${schema}.doubts (
      worker TEXT PRIMARY KEY, wrong INTEGER NOT NULL, code TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now()
    );`,
]

export const POSTGRES_SCHEMA_VERSION = migrations.length

const OF_QUEUE = '_queue'

/** Where the queue of proofs is kept that belongs to a store. */
export const queueSchemaOf = ({ schema }: DatabaseAddress): string => `${schema}${OF_QUEUE}`

/** Of whoever has the store alone. */
export const storeLockOf = (schema: string): string => `zkrisk store ${schema}`

/** Why tables of a version that is not known are no use here: the queue has its own, in a schema beside. */
export function whyOther(version: number, { schema }: DatabaseAddress): string {
  if (!schema.endsWith(OF_QUEUE)) return laterVersion(version, POSTGRES_SCHEMA_VERSION)
  const beside = schema.slice(0, -OF_QUEUE.length)
  return `${schema} is the schema of the queue of proofs that belongs to ${beside}: name that one, or none`
}

/** Of the tables there are; 0 if there are none. */
export async function readVersion(query: Query, { schema }: DatabaseAddress): Promise<number> {
  const [table] = await query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.version`])
  if (table?.there !== true) return 0
  const [row] = await query<{ version: number }>(`SELECT version FROM ${schema}.version`)
  return row?.version ?? 0
}

/**
 * Makes the tables, or brings them to this version.
 *
 * @param wanted - an earlier one, for whoever tries what becomes of it
 * @throws {@link StoreUnusableError} if they are of a later one, and changes nothing then
 */
export async function migrate(
  session: PostgresSession,
  address: DatabaseAddress,
  wanted = POSTGRES_SCHEMA_VERSION,
): Promise<void> {
  const { schema, name } = address
  await session.transaction(async (query) => {
    // Workers and services may begin at once.
    await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`zkrisk migration ${schema}`])
    const version = await readVersion(query, address)
    if (version > POSTGRES_SCHEMA_VERSION) {
      throw new StoreUnusableError(name, whyOther(version, address))
    }
    if (version >= wanted) return
    if (version === 0) {
      await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
      await query(
        `CREATE TABLE ${schema}.version (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), version INTEGER NOT NULL)`,
      )
      await query(`INSERT INTO ${schema}.version VALUES (1, 0)`)
    }
    for (const migration of migrations.slice(version, wanted)) await query(migration(schema))
    await query(`UPDATE ${schema}.version SET version = $1`, [wanted])
  })
}

type ScopeRow = QueryResultRow & { readonly chain_id: string; readonly registry: string }

/** @throws {@link StoreScopeError} if the tables belong to another chain or registry */
export async function requireScope(
  session: PostgresSession,
  { schema, name }: DatabaseAddress,
  { chainId, registry }: StoreScope,
): Promise<void> {
  const wanted = [chainId.toString(), registry.toLowerCase()]
  await session.query(`INSERT INTO ${schema}.scope VALUES (1, $1, $2) ON CONFLICT DO NOTHING`, wanted)
  const [held] = await session.query<ScopeRow>(`SELECT chain_id, registry FROM ${schema}.scope`)
  if (held?.chain_id === wanted[0] && held?.registry === wanted[1]) return
  const other = 'Name another database, or another schema of it with ?schema='
  throw new StoreScopeError(name, BigInt(held?.chain_id ?? 0), held?.registry ?? '', other)
}
