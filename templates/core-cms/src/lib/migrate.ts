import { randomUUID } from "node:crypto";
import { Client, DatabaseError } from "pg";
import { checksum, fileOf, type Migration, MigrationError, standsAlone, unchanged } from "./migrations";
import { isUnreachable, messageOf, retry, sleep } from "./process";
import { lineOf } from "./sql";

export interface MigrateOptions {
  /** Ends the run: what is under way is cancelled and undone. */
  signal?: AbortSignal;
  /** Told of each step. */
  tell?: (message: string, fields: Record<string, unknown>) => void;
}

/** A row of `_prisma_migrations`, as far as it is looked at. */
interface Row {
  id: string;
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
  started_at: Date;
  logs: string | null;
}

/** The advisory lock of Prisma's schema engine (its `acquire_lock` for Postgres), so that its CLI takes turns, too. */
const LOCK = 72_707_369;
/** How long a migration waits for a table's lock, in milliseconds: all that comes after it waits with it. */
const LOCK_WAIT_MS = 10_000;
const POLL_MS = 200;

/** As Prisma's schema engine makes it. */
const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;
const ROWS = `SELECT id, migration_name, checksum, finished_at, started_at, logs FROM _prisma_migrations
  WHERE rolled_back_at IS NULL ORDER BY started_at`;
const INSERT = "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)";
const FINISH = `UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1, logs = NULL
  WHERE id = $1`;

/**
 * Runs `work` on a connection of its own, waiting up to 30 s for a server that is not up yet. Should this process be
 * killed, Postgres notices within a second and undoes what it was at. `signal` ends the waiting.
 */
export async function withConnection<T>(
  url: string,
  work: (client: Client) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = await retry(
    async () => {
      const fresh = new Client({
        connectionString: url,
        application_name: "migrate",
        connectionTimeoutMillis: 3_000,
      });
      // What breaks between two queries is told by the next one.
      fresh.on("error", () => undefined);
      await fresh.connect();
      return fresh;
    },
    { forMs: 30_000, everyMs: 500, retryable: (error) => !signal?.aborted && isUnreachable(error) },
  );
  try {
    await client.query("SET client_connection_check_interval = '1s'");
    return await work(client);
  } finally {
    await client.end();
  }
}

function stopIfTold(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new MigrationError("told to stop: what was under way is undone");
}

/** Takes the lock by asking again and again: who waits inside Postgres holds up `CREATE INDEX CONCURRENTLY` for good. */
async function takeLock(client: Client, { signal, tell }: MigrateOptions): Promise<void> {
  for (let told = false; ; told = true) {
    const { rows } = await client.query("SELECT pg_try_advisory_lock($1) AS taken", [LOCK]);
    if (rows[0]?.taken) return;
    if (!told) tell?.("another process is migrating this database: waiting for it", {});
    await sleep(POLL_MS);
    stopIfTold(signal);
  }
}

/** Runs `work` alone among all that migrate this database. The lock ends with the connection, too. */
export async function exclusively<T>(
  client: Client,
  options: MigrateOptions,
  work: () => Promise<T>,
): Promise<T> {
  await takeLock(client, options);
  try {
    return await work();
  } finally {
    // Where the connection is gone so is the lock, and why `work` failed is what counts.
    await client.query("SELECT pg_advisory_unlock($1)", [LOCK]).catch(() => undefined);
  }
}

/** Cancels what the connection is at once `signal` says so. */
async function cancellable<T>(
  client: Client,
  url: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
) {
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  const cancel = () => {
    withConnection(url, (other) => other.query("SELECT pg_cancel_backend($1)", [rows[0]?.pid])).catch(() =>
      client.end(),
    );
  };
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    stopIfTold(signal);
    return await work();
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** `file, line 3: message (detail; hint)`. */
function failure({ name, sql }: Migration, error: unknown, consequence: string): MigrationError {
  const { position, detail, hint } = error instanceof DatabaseError ? error : {};
  const line = position ? `, line ${lineOf(sql, Number(position) - 1)}` : "";
  const more = [detail, hint].filter(Boolean).join("; ");
  const cause = messageOf(error) + (more && ` (${more})`);
  return new MigrationError(`${fileOf(name)}${line}: ${cause}. ${consequence}`, { cause: error });
}

async function applyInTransaction(client: Client, migration: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
    const id = randomUUID();
    await client.query(INSERT, [id, checksum(migration), migration.name]);
    await client.query(migration.sql);
    await client.query(FINISH, [id]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw failure(migration, error, "It was undone; those before it stay");
  }
}

async function applyAlone(client: Client, migration: Migration): Promise<void> {
  const id = randomUUID();
  await client.query(INSERT, [id, checksum(migration), migration.name]);
  try {
    await client.query(migration.sql);
  } catch (error) {
    await client.query("UPDATE _prisma_migrations SET logs = $2 WHERE id = $1", [id, messageOf(error)]);
    throw failure(
      migration,
      error,
      `It ran without a transaction, so it may have left something. ${remedy(migration.name)}`,
    );
  }
  await client.query(FINISH, [id]);
}

const remedy = (name: string): string =>
  "Look at what is there and put it right (an index that failed is INVALID: drop it), then say " +
  `\`node migrate.cjs --rolled-back ${name}\` to have it run again, or \`--applied ${name}\` if all of it is there`;

/** Refuses what Prisma's CLI refuses as P3009, and files that are no longer what ran. */
function check(rows: Row[], migrations: Migration[]): void {
  const failed = rows.find((row) => row.finished_at === null);
  if (failed) {
    const log = failed.logs?.trim() ? `: ${failed.logs.trim()}` : "";
    throw new MigrationError(
      `P3009: ${fileOf(failed.migration_name)} failed (started ${failed.started_at.toISOString()}${log}), ` +
        `and nothing more is applied until that is settled. ${remedy(failed.migration_name)}`,
    );
  }
  for (const migration of migrations) {
    const row = rows.find((known) => known.migration_name === migration.name);
    if (row && !unchanged(migration, row.checksum)) {
      throw new MigrationError(
        `${fileOf(migration.name)} was edited after it ran: put it back as it was, and change the schema by a new migration`,
      );
    }
  }
}

async function applyMissing(
  client: Client,
  url: string,
  migrations: Migration[],
  { signal, tell }: MigrateOptions,
  ran: string[],
): Promise<void> {
  await client.query(TABLE);
  const { rows } = await client.query<Row>(ROWS);
  check(rows, migrations);
  const done = new Set(rows.map((row) => row.migration_name));
  for (const migration of migrations.filter(({ name }) => !done.has(name))) {
    tell?.("applying a migration", { migration: migration.name });
    const apply = standsAlone(migration) ? applyAlone : applyInTransaction;
    await cancellable(client, url, signal, () => apply(client, migration));
    ran.push(migration.name);
  }
}

/**
 * Brings a database up to date, each migration in a transaction of its own, noted in Prisma's `_prisma_migrations`.
 * Migrations that the database has and `migrations` lacks are a newer release's and left alone, so that the older
 * colour can start again.
 * @returns names of the migrations that ran now
 * @throws MigrationError if one fails or failed before, if one that ran was edited since, or if `signal` says stop
 */
export async function migrate(
  url: string,
  migrations: Migration[],
  options: MigrateOptions = {},
): Promise<string[]> {
  const ran: string[] = [];
  const work = (client: Client) =>
    exclusively(client, options, () => applyMissing(client, url, migrations, options, ran));
  await withConnection(url, work, options.signal);
  return ran;
}

/**
 * Settles a migration that failed, as `prisma migrate resolve` does: it runs again, or counts as applied.
 * @throws MigrationError if the database has no failed migration of this name
 */
export async function resolve(url: string, name: string, as: "rolled-back" | "applied"): Promise<void> {
  await withConnection(url, (client) =>
    exclusively(client, {}, async () => {
      const settled =
        as === "applied" ? "finished_at = now(), applied_steps_count = 1" : "rolled_back_at = now()";
      const { rowCount } = await client.query(
        `UPDATE _prisma_migrations SET ${settled}
         WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL`,
        [name],
      );
      if (rowCount === 0)
        throw new MigrationError(`no migration ${JSON.stringify(name)} has failed in this database`);
    }),
  );
}
