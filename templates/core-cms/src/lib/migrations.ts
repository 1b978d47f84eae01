import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { lineOf, statements } from "./sql";

/** A folder below `prisma/migrations`. */
export interface Migration {
  /** `<14 digits>_<name>`; they run in the order of their names. */
  name: string;
  sql: string;
}

/** The message names the file, where it is known the line, the cause, and what to do. */
export class MigrationError extends Error {}

export const LOCK_FILE = "migration_lock.toml";
/** What a migration begins with that Postgres can't run in a transaction: `CREATE INDEX CONCURRENTLY` and the like. */
export const NO_TRANSACTION = "-- codeb: no transaction";

const NAME = /^\d{14}_[a-z0-9_]{1,80}$/;
const OWN_TRANSACTION = /^(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|PREPARE\s+TRANSACTION)\b/i;

/** How messages name a migration's file. */
export const fileOf = (name: string): string => `prisma/migrations/${name}/migration.sql`;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What Prisma's schema engine notes of a migration: the SHA-256 of its file, in hex. */
export const checksum = (migration: Migration): string => sha256(migration.sql);

/** Whether a noted sum is this file's. As for Prisma, the kind of its line ends is no difference. */
export function unchanged({ sql }: Migration, noted: string): boolean {
  const unix = sql.replaceAll("\r\n", "\n");
  return [sql, unix, unix.replaceAll("\n", "\r\n")].some((text) => sha256(text) === noted);
}

/** Whether this file runs outside of a transaction. */
export const standsAlone = ({ sql }: Migration): boolean =>
  sql.split(/\r?\n/, 1)[0]?.trim() === NO_TRANSACTION;

/**
 * Looks a file over before anything runs.
 * @throws MigrationError if it ends the runner's transaction, or is to run without one and has not exactly one statement
 */
export function inspect(migration: Migration): void {
  const found = statements(migration.sql);
  if (standsAlone(migration) && found.length !== 1) {
    throw new MigrationError(
      `${fileOf(migration.name)} begins with \`${NO_TRANSACTION}\` and has ${found.length} statements: it must have one, ` +
        "since nothing would undo the first if the second failed",
    );
  }
  const own = found.find(({ text }) => OWN_TRANSACTION.test(text));
  if (own) {
    throw new MigrationError(
      `${fileOf(migration.name)}, line ${lineOf(migration.sql, own.offset)}: \`${own.text.split(/\s/, 1)[0]}\` must go: ` +
        "each migration has a transaction of its own already",
    );
  }
}

async function readLock(folder: string): Promise<void> {
  const text = await readFile(join(folder, LOCK_FILE), "utf8").catch(() => null);
  const provider = text && /^provider\s*=\s*"([^"]*)"/m.exec(text)?.[1];
  if (provider !== "postgresql") {
    const found = text === null ? "is missing" : `says \`${provider ?? "nothing"}\``;
    throw new MigrationError(`prisma/migrations/${LOCK_FILE} ${found}: it must say provider = "postgresql"`);
  }
}

async function readOne(folder: string, name: string): Promise<Migration> {
  if (!NAME.test(name)) {
    throw new MigrationError(
      `prisma/migrations/${JSON.stringify(name).slice(1, -1)} is no migration's name: 14 digits, _, and a-z, 0-9, _`,
    );
  }
  try {
    const bytes = await readFile(join(folder, name, "migration.sql"));
    return { name, sql: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    const cause = error instanceof TypeError ? "is not UTF-8" : "can't be read";
    throw new MigrationError(`${fileOf(name)} ${cause}`, { cause: error });
  }
}

/**
 * The migrations of a folder, in their order.
 * @throws MigrationError if the lock file is not for Postgres, a folder has no right name, or a file can't be used
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  await readLock(folder);
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const migrations = await Promise.all(names.sort().map((name) => readOne(folder, name)));
  migrations.forEach(inspect);
  return migrations;
}
