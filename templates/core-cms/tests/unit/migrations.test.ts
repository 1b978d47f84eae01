import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  checksum,
  inspect,
  MigrationError,
  NO_TRANSACTION,
  readMigrations,
  unchanged,
} from "@/lib/migrations";
import { risks } from "../../scripts/destructive";

const LOCK = 'provider = "postgresql"\n';

describe("a folder of migrations", () => {
  let folder = "";
  const put = async (name: string, sql: string | Buffer) => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "migration.sql"), sql);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "migrations-"));
    await writeFile(join(folder, "migration_lock.toml"), LOCK);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read in the order of the names, and other files are passed over", async () => {
    await put("20260102000000_b", "SELECT 2");
    await put("20260101000000_z", "SELECT 1");
    await put("20260102000000_a", "SELECT 3");
    await writeFile(join(folder, "README.md"), "");
    const names = (await readMigrations(folder)).map(({ name }) => name);
    expect(names).toEqual(["20260101000000_z", "20260102000000_a", "20260102000000_b"]);
  });

  it.each([
    "init",
    "2026_init",
    "20260101000000_Upper",
    "20260101000000_a; DROP TABLE users",
    "20260101000000_a\n",
    "20260101000000_",
    `20260101000000_${"a".repeat(81)}`,
  ])("refuses %j as a name, in one line", async (name) => {
    await put(name, "SELECT 1");
    const error = await readMigrations(folder).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MigrationError);
    expect(String(error)).toMatch(/is no migration's name: 14 digits.*$/);
    expect(String(error)).not.toContain("\n");
  });

  it("refuses a folder without its file, and bytes that are no text", async () => {
    await mkdir(join(folder, "20260101000000_empty"));
    await expect(readMigrations(folder)).rejects.toThrow(/20260101000000_empty\/migration.sql can't be read/);
    await rm(join(folder, "20260101000000_empty"), { recursive: true });
    await put("20260101000000_latin", Buffer.from([0x53, 0xe9]));
    await expect(readMigrations(folder)).rejects.toThrow(/20260101000000_latin\/migration.sql is not UTF-8/);
  });

  it("refuses a lock file that is missing or another database's", async () => {
    await writeFile(join(folder, "migration_lock.toml"), 'provider = "mysql"\n');
    await expect(readMigrations(folder)).rejects.toThrow(/says `mysql`: it must say provider = "postgresql"/);
    await rm(join(folder, "migration_lock.toml"));
    await expect(readMigrations(folder)).rejects.toThrow(/migration_lock.toml is missing/);
  });
});

describe("a migration", () => {
  const name = "20260101000000_a";

  it("has the checksum that Prisma's engine gives it", () => {
    // From the tests of prisma-engines' checksum.rs.
    const sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    expect(checksum({ name, sql: "hello" })).toBe(sum);
  });

  it("is the same file with the line ends of another system, and no other", () => {
    const [unix, windows] = ["SELECT 1;\nSELECT 2;\n", "SELECT 1;\r\nSELECT 2;\r\n"].map((sql) => ({
      name,
      sql,
    }));
    for (const [a, b] of [
      [unix, windows],
      [windows, unix],
    ]) {
      if (a && b) expect(unchanged(a, checksum(b))).toBe(true);
    }
    expect(unchanged({ name, sql: "SELECT 1;" }, checksum({ name, sql: "SELECT 2;" }))).toBe(false);
  });

  it.each([
    "BEGIN",
    "begin work",
    "COMMIT",
    "ROLLBACK",
    "START TRANSACTION",
    "END",
    "ABORT",
    "PREPARE TRANSACTION 'a'",
  ])("may not say %s, and is told where it does", (own) => {
    expect(() => inspect({ name, sql: `SELECT 1;\n\n${own};` })).toThrow(
      /20260101000000_a\/migration.sql, line 3: `/,
    );
  });

  it("may have functions that say BEGIN and END", () => {
    inspect({
      name,
      sql: "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
    });
  });

  it("that runs without a transaction has exactly one statement", () => {
    inspect({ name, sql: `${NO_TRANSACTION}\nCREATE INDEX CONCURRENTLY i ON t (a);\n` });
    for (const sql of [`${NO_TRANSACTION}\n`, `${NO_TRANSACTION}\nSELECT 1; SELECT 2`]) {
      expect(() => inspect({ name, sql })).toThrow(/statements: it must have one/);
    }
  });
});

describe("what a new migration warns of", () => {
  it.each([
    'DROP TABLE "items"',
    'ALTER TABLE "items" DROP COLUMN "a"',
    'ALTER TABLE "items" ALTER COLUMN "a" SET DATA TYPE INTEGER',
    'ALTER TABLE "items" ALTER COLUMN "a" SET NOT NULL',
    'ALTER TABLE "items" ADD COLUMN "a" INTEGER NOT NULL',
    'ALTER TABLE "items" RENAME COLUMN "a" TO "b"',
    'CREATE UNIQUE INDEX "i" ON "items"("a")',
  ])("%s", (sql) => {
    expect(risks(`SELECT 1;\n${sql};\n`)).toEqual([expect.stringMatching(/^line 2: /)]);
  });

  it.each([
    'CREATE TABLE "t" ("a" TEXT NOT NULL); CREATE UNIQUE INDEX "t_a" ON "t"("a");',
    'ALTER TABLE "items" ADD COLUMN "a" INTEGER',
    'ALTER TABLE "items" ADD COLUMN "a" INTEGER NOT NULL DEFAULT 0',
    "SELECT 'DROP'",
  ])("not of %s", (sql) => {
    expect(risks(sql)).toEqual([]);
  });
});
