/**
 * Every row of a sealed table has a digest of its other columns, and the file a digest of its schema; both are looked at when it is
 * opened, for SQLite itself does not notice a byte that a disk has changed within a row. Against disks, not people: anybody can seal.
 *
 * A program of before seals may be let write as well: what it adds has none, and a trigger in the file takes the seal from what it
 * changes. A row without a seal is therefore no damage there, and sealed as it is. One that has lost its seal to a disk, and nothing
 * else, tells what it told.
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { StoreDamagedError } from '../jobStore.ts'

/** Whether programs write here that know of no seals, since no version in the file keeps them out. */
export type Writers = 'sealing' | 'any'

/**
 * Looks through the whole file: its pages, its indices, its schema, and every sealed row.
 *
 * @throws {@link StoreDamagedError} at what is not as it was written
 */
export function requireUndamaged(path: string, database: DatabaseSync, writers: Writers): void {
  database.function('seal', { deterministic: true, varargs: true }, sealOf)
  const refuse = (reason: string): never => {
    throw new StoreDamagedError(path, reason)
  }
  const [page] = database.prepare('PRAGMA integrity_check(1)').all()
  if (page?.integrity_check !== 'ok') refuse(String(page?.integrity_check))
  const tables = namesOf(database, `SELECT name FROM sqlite_schema WHERE type = 'table'`)
  const kept = tables.includes('schema_seal') ? database.prepare('SELECT seal FROM schema_seal').get()?.seal : undefined
  if (kept !== undefined && kept !== schemaSealOf(database)) refuse('its schema is not as it was written')
  for (const table of tables) {
    const columns = columnsOf(database, table)
    if (!columns.includes('seal') || table === 'schema_seal') continue
    const looked = writers === 'any' ? 'seal IS NOT NULL' : 'TRUE'
    const broken = database
      .prepare(`SELECT rowid FROM ${table} WHERE ${looked} AND seal IS NOT ${sealing(columns)} LIMIT 1`)
      .get()
    if (broken !== undefined) refuse(`row ${broken.rowid} of ${table} is not as it was written`)
  }
}

/** Seals these tables from here on; rows of a version without seals are sealed as they are. After {@link requireUndamaged}. */
export function keepSeals(database: DatabaseSync, tables: readonly string[], writers: Writers): void {
  database.exec('BEGIN IMMEDIATE')
  for (const table of tables) {
    const columns = columnsOf(database, table)
    if (!columns.includes('seal')) database.exec(`ALTER TABLE ${table} ADD COLUMN seal TEXT`)
    database.exec(`UPDATE ${table} SET seal = ${sealing(columns)} WHERE seal IS NULL`)
    if (writers === 'any') database.exec(unsealing(table, columns))
  }
  database.exec(
    'CREATE TABLE IF NOT EXISTS schema_seal (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), seal TEXT) STRICT',
  )
  database
    .prepare(
      'INSERT INTO schema_seal VALUES (1, ?) ON CONFLICT DO UPDATE SET seal = excluded.seal WHERE seal <> excluded.seal',
    )
    .run(schemaSealOf(database))
  database.exec('COMMIT')
  for (const table of tables) {
    const columns = columnsOf(database, table).filter((name) => name !== 'seal')
    const reseal = `BEGIN UPDATE ${table} SET seal = ${sealing(columns, 'NEW.')} WHERE rowid = NEW.rowid; END`
    // Of this connection alone, which has the function.
    database.exec(`
      CREATE TEMP TRIGGER seal_new_${table} AFTER INSERT ON main.${table} ${reseal};
      CREATE TEMP TRIGGER seal_${table} AFTER UPDATE OF ${columns.join(', ')} ON main.${table} ${reseal};
      CREATE TEMP TRIGGER reseal_${table} AFTER UPDATE OF seal ON main.${table} WHEN NEW.seal IS NULL ${reseal}`)
  }
}

/** In the file, for whoever seals nothing: of what it changed, unless that was sealed anew meanwhile. */
function unsealing(table: string, columns: readonly string[]): string {
  const own = columns.filter((name) => name !== 'seal')
  const isOther = own.map((name) => `OLD.${name} IS NOT NEW.${name}`).join(' OR ')
  return `CREATE TRIGGER IF NOT EXISTS unseal_${table} AFTER UPDATE OF ${own.join(', ')} ON ${table}
    WHEN NEW.seal IS OLD.seal AND (${isOther})
    BEGIN UPDATE ${table} SET seal = NULL WHERE rowid = NEW.rowid AND seal IS OLD.seal; END`
}

const sealing = (columns: readonly string[], of = ''): string => {
  const own = columns.filter((name) => name !== 'seal').map((name) => of + name)
  return `seal(${own.join(', ')})`
}

const columnsOf = (database: DatabaseSync, table: string): readonly string[] =>
  namesOf(database, 'SELECT name FROM pragma_table_info(?)', table)

const namesOf = (database: DatabaseSync, sql: string, ...values: readonly string[]): readonly string[] =>
  database
    .prepare(sql)
    .all(...values)
    .map(({ name }) => String(name))

/** Without tables of SQLite's own, such as what ANALYZE keeps: https://sqlite.org/fileformat2.html#internal_schema_objects */
const schemaSealOf = (database: DatabaseSync): string => {
  const rows = database
    .prepare(`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name NOT GLOB 'sqlite_*' ORDER BY name`)
    .all()
  return sealOf(
    ...rows.flatMap(({ type, name, tbl_name, sql }) => [type ?? null, name ?? null, tbl_name ?? null, sql ?? null]),
  )
}

const sealOf = (...values: readonly SQLOutputValue[]): string =>
  createHash('sha256')
    .update(JSON.stringify(values.map((value) => (typeof value === 'bigint' ? String(value) : value))))
    .digest('hex')
    .slice(0, 16)
