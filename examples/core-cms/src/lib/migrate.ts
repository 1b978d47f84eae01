import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The part of a Postgres client that migrations use. */
export interface Queryable {
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface Migration {
  /** File name without `.sql`, e.g. `001_items`; files run in the order of their names. */
  name: string;
  sql: string;
}

export class MigrationError extends Error {}

/** Any number will do, as long as every release of the app takes the same lock. */
const LOCK = 3_140_001;

const TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;

export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  const read = (file: string) => readFile(join(folder, file), "utf8");
  return Promise.all(
    files.map(async (file) => ({ name: file.slice(0, -".sql".length), sql: await read(file) })),
  );
}

/**
 * Runs `work` while holding the app's advisory lock, so that two colours that start at once take turns.
 * The lock ends with the connection, also when the process is killed.
 */
export async function exclusively<T>(client: Queryable, work: () => Promise<T>): Promise<T> {
  await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
  try {
    return await work();
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [LOCK]);
  }
}

async function apply(client: Queryable, { name, sql }: Migration, checksum: string): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [name, checksum]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    const cause = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`migration ${name} failed and was undone: ${cause}`);
  }
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Migrations that the database has and this
 * release lacks belong to a newer release and are left alone, so that the older colour can start again.
 * @returns names of the migrations that ran now
 * @throws MigrationError if one fails, or if one that has run was edited since
 */
export async function migrate(client: Queryable, migrations: Migration[]): Promise<string[]> {
  await client.query(TABLE);
  const { rows } = await client.query("SELECT name, checksum FROM schema_migrations");
  const done = new Map(rows.map((row) => [row.name, row.checksum]));
  const ran: string[] = [];
  for (const migration of migrations) {
    const checksum = createHash("sha256").update(migration.sql).digest("hex");
    const known = done.get(migration.name);
    if (known === checksum) continue;
    if (known !== undefined) {
      throw new MigrationError(`migration ${migration.name} was edited after it ran: add a new file instead`);
    }
    await apply(client, migration, checksum);
    ran.push(migration.name);
  }
  return ran;
}
