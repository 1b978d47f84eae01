import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "../src/lib/migrate";
import { readMigrations } from "../src/lib/migrations";
import { risks } from "./destructive";
import { difference, MIGRATIONS, SCHEMA } from "./engine";
import { withShadow } from "./shadow";

/** A name of a migration, without the digits before it. */
export const NAME = /^[a-z][a-z0-9_]{0,60}$/;

export interface Wish {
  /** A Postgres whose role may create databases; the database that it names isn't looked at. */
  url: string;
  name: string;
  /** A file for SQL of one's own, whatever the schema says. */
  empty?: boolean;
  folder?: string;
  schema?: string;
}

export interface Made {
  /** Name of the new folder. */
  migration: string;
  /** What of it may lose data, or break the release that is live. */
  risks: string[];
}

/** 14 digits: now, in UTC; but after all that are there. */
function nextStamp(names: string[]): string {
  const now = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const after = Number(names.at(-1)?.slice(0, 14) ?? 0) + 1;
  return String(Math.max(Number(now), after)).padStart(14, "0");
}

/**
 * Writes the migration that makes, of a database with all migrations so far, what the schema says.
 * @returns null, and nothing is written, where they make that already
 * @throws Error if the name is none, the schema isn't valid, a migration fails, or the role may not create databases
 */
export async function nextMigration(wish: Wish): Promise<Made | null> {
  const { url, name, empty = false, folder = MIGRATIONS, schema = SCHEMA } = wish;
  if (!NAME.test(name)) throw new Error("a migration's name is a-z, 0-9 and _, and begins with a letter");
  const migrations = await readMigrations(folder);
  const sql = empty
    ? "-- Write SQL here.\n"
    : await withShadow(url, async (shadow) => {
        await migrate(shadow, migrations);
        return difference(shadow, schema);
      });
  if (sql === "") return null;
  const migration = `${nextStamp(migrations.map((known) => known.name))}_${name}`;
  await mkdir(join(folder, migration));
  await writeFile(join(folder, migration, "migration.sql"), sql);
  return { migration, risks: risks(sql) };
}
