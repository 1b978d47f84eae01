import pg from "pg";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { difference, MIGRATIONS, prismaSays } from "../../scripts/engine";
import { Services } from "../../scripts/services/services";
import { migrate, resolve } from "../../src/lib/migrate";
import { checksum, type Migration, NO_TRANSACTION, readMigrations } from "../../src/lib/migrations";
import { appFolder, begin, buildTools, causeOf, lines, putMigration, run } from "./commands";
import { createDatabase } from "./fixtures";

const FIRST: Migration = { name: "20260101000000_first", sql: "CREATE TABLE first (a int);\n" };
const SECOND: Migration = { name: "20260102000000_second", sql: "CREATE TABLE second (a int);\n" };

let env: Record<string, string> = {};
let url = "";

beforeAll(buildTools);
beforeEach(async () => {
  env = await createDatabase();
  url = env.DATABASE_URL ?? "";
});

async function query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

const tables = async () =>
  (await query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).map(
    (row) => row.tablename,
  );
const noted = async () =>
  (await query("SELECT migration_name FROM _prisma_migrations ORDER BY 1")).map((row) => row.migration_name);

/** Waits until the database answers this query with a row. */
async function until(sql: string): Promise<void> {
  while ((await query(sql)).length === 0) await new Promise((done) => setTimeout(done, 50));
}

describe("the template's migrations", () => {
  it("make on an empty database what the schema says, and Prisma finds nothing to add", async () => {
    const migrations = await readMigrations(MIGRATIONS);
    expect(await migrate(url, migrations)).toEqual(migrations.map(({ name }) => name));
    expect(await difference(url)).toBe("");
    expect(await prismaSays(url)).toEqual({
      history: {
        editedMigrationNames: [],
        failedMigrationNames: [],
        hasMigrationsTable: true,
        history: null,
      },
      applied: [],
    });
  });

  it("are noted as Prisma notes them, and run once", async () => {
    const migrations = await readMigrations(MIGRATIONS);
    await migrate(url, migrations);
    const before = await query("SELECT * FROM _prisma_migrations");
    expect(before[0]).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      checksum: checksum(migrations[0] ?? FIRST),
      finished_at: expect.any(Date),
      logs: null,
      rolled_back_at: null,
      applied_steps_count: 1,
    });
    expect(await migrate(url, migrations)).toEqual([]);
    expect(await query("SELECT * FROM _prisma_migrations")).toEqual(before);
  });

  it("find nothing to do where Prisma's engine applied them", async () => {
    expect((await prismaSays(url)).applied).toEqual(
      (await readMigrations(MIGRATIONS)).map(({ name }) => name),
    );
    expect(await migrate(url, await readMigrations(MIGRATIONS))).toEqual([]);
  });
});

describe("the runner", () => {
  it("undoes a migration that fails, says where, and keeps those before it", async () => {
    const broken = {
      ...SECOND,
      sql: "CREATE TABLE second (a int);\n-- 가나다\nUPDATE first SET nothing = 1;\n",
    };
    await expect(migrate(url, [FIRST, broken])).rejects.toThrow(
      'prisma/migrations/20260102000000_second/migration.sql, line 3: column "nothing" of relation "first" does not exist. It was undone',
    );
    expect(await tables()).toEqual(["_prisma_migrations", "first"]);
    expect(await migrate(url, [FIRST, SECOND])).toEqual([SECOND.name]);
  });

  it("says why a row stands in the way", async () => {
    const rows = {
      ...SECOND,
      sql: "INSERT INTO first VALUES (1), (1);\nCREATE UNIQUE INDEX i ON first (a);",
    };
    await expect(migrate(url, [FIRST, rows])).rejects.toThrow(
      /could not create unique index "i" \(Key \(a\)=\(1\)/,
    );
  });

  it("refuses a file that was edited after it ran", async () => {
    await migrate(url, [FIRST]);
    await expect(migrate(url, [{ ...FIRST, sql: "CREATE TABLE other ();" }, SECOND])).rejects.toThrow(
      "prisma/migrations/20260101000000_first/migration.sql was edited after it ran",
    );
    expect(await tables()).toEqual(["_prisma_migrations", "first"]);
  });

  it("leaves alone what a newer release has done", async () => {
    await migrate(url, [FIRST, SECOND]);
    expect(await migrate(url, [FIRST])).toEqual([]);
    expect(await noted()).toEqual([FIRST.name, SECOND.name]);
  });

  it("refuses, as Prisma's P3009, to go on after a failure that its CLI noted, until that is settled", async () => {
    await migrate(url, [FIRST]);
    await query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES (gen_random_uuid(), $1, $2, 'boom')",
      [checksum(SECOND), SECOND.name],
    );
    await expect(migrate(url, [FIRST, SECOND])).rejects.toThrow(
      /P3009: .*20260102000000_second.*boom.*--rolled-back/s,
    );
    await resolve(url, SECOND.name, "rolled-back");
    expect(await migrate(url, [FIRST, SECOND])).toEqual([SECOND.name]);
    await expect(resolve(url, SECOND.name, "applied")).rejects.toThrow(/no migration .* has failed/);
  });

  it("waits ten seconds at most for a table's lock, so that visitors don't wait behind it for longer", async () => {
    const sql = "CREATE TABLE setting AS SELECT current_setting('lock_timeout') AS value";
    await migrate(url, [{ ...FIRST, sql }]);
    expect(await query("SELECT value FROM setting")).toEqual([{ value: "10s" }]);
  });

  it("runs what can't be in a transaction, and two such runs at once don't lock each other up", async () => {
    const index = { ...SECOND, sql: `${NO_TRANSACTION}\nCREATE INDEX CONCURRENTLY i ON first (a);\n` };
    const third = { name: "20260103000000_third", sql: "SELECT pg_sleep(0.3)" };
    const both = await Promise.all(
      [1, 2].map(() =>
        migrate(
          url,
          [FIRST, third, index].sort((a, b) => (a.name < b.name ? -1 : 1)),
        ),
      ),
    );
    expect(both.flat().sort()).toEqual([FIRST.name, SECOND.name, third.name]);
    expect(await noted()).toEqual([FIRST.name, SECOND.name, third.name]);
  });
});

describe("the release command", () => {
  it("when two start at once, applies each migration once, and both end well", async () => {
    const slow = {
      "20260101000000_a": "CREATE TABLE a (); SELECT pg_sleep(0.5);",
      "20260102000000_b": "CREATE TABLE b ();",
    };
    const cwd = appFolder(slow);
    const done = await Promise.all([1, 2].map(() => run("migrate", [], env, cwd)));
    expect(done.map(({ code }) => code)).toEqual([0, 0]);
    const applied = done.flatMap(({ stdout }) => lines(stdout).flatMap((line) => line.applied ?? []));
    expect(applied.sort()).toEqual(Object.keys(slow));
  });

  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "killed half-way by %s leaves nothing, and runs again",
    async (how) => {
      const cwd = appFolder({ "20260101000000_a": "CREATE TABLE a (); SELECT pg_advisory_xact_lock(1);" });
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query("SELECT pg_advisory_lock(1)");
      const { child, done } = begin("migrate", [], env, cwd);
      const waiting =
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'migrate' AND wait_event_type = 'Lock'";
      await until(waiting);
      child.kill(how);
      const { code, stdout } = await done;
      expect(code).toBe(how === "SIGKILL" ? null : 1);
      if (how !== "SIGKILL") expect(causeOf(stdout)).toMatch(/canceling statement .* It was undone/);
      await until(`SELECT 1 WHERE NOT EXISTS (${waiting})`);
      expect(await tables()).toEqual(["_prisma_migrations"]);
      await holder.end();
      expect((await run("migrate", [], env, cwd)).code).toBe(0);
      expect(await tables()).toEqual(["_prisma_migrations", "a"]);
    },
  );

  it("tells how to settle a failure that no transaction undid, and settles it", async () => {
    const duplicates = "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);";
    const cwd = appFolder({ "20260101000000_a": duplicates });
    putMigration(
      cwd,
      "20260102000000_b",
      `${NO_TRANSACTION}\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a);\n`,
    );
    const failed = await run("migrate", [], env, cwd);
    expect([failed.code, causeOf(failed.stdout)]).toEqual([
      1,
      expect.stringMatching(/may have left something.*drop it/s),
    ]);
    expect(causeOf((await run("migrate", [], env, cwd)).stdout)).toMatch(
      /^P3009: .*could not create unique index/,
    );
    await query("DROP INDEX i");
    await query("DELETE FROM t");
    expect((await run("migrate", ["--rolled-back", "20260102000000_b"], env, cwd)).code).toBe(0);
    expect((await run("migrate", [], env, cwd)).code).toBe(0);
    expect(await query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")).toEqual([
      { indisvalid: true },
    ]);
  });

  it("takes no hostile name, and says what it takes", async () => {
    const cwd = appFolder();
    await run("migrate", [], env, cwd);
    const hostile = await run("migrate", ["--applied", "x'; DROP TABLE users; --"], env, cwd);
    expect([hostile.code, causeOf(hostile.stdout)]).toEqual([
      1,
      expect.stringMatching(/^no migration "x'; DROP.*has failed/),
    ]);
    expect(await tables()).toContain("users");
    expect(causeOf((await run("migrate", ["--help"], env, cwd)).stdout)).toMatch(/^usage: /);
  });

  it("with a wrong password fails at once and names no secret", async () => {
    const wrong = { ...env, DATABASE_URL: url.replace(/:[^:@]*@/, ":wrong-pass%2Fword@") };
    const { code, stdout, stderr } = await run("migrate", [], wrong, appFolder());
    expect([code, causeOf(stdout)]).toEqual([1, expect.stringMatching(/password authentication failed/)]);
    expect(stdout + stderr).not.toMatch(/wrong-pass/);
  });

  it("waits for a database that is still starting", async () => {
    const late = await Services.throwAway(["database"]);
    try {
      const there = { ...env, DATABASE_URL: await late.createDatabase("late") };
      await late.stop(["database"]);
      const { done } = begin("migrate", [], there, appFolder());
      await new Promise((resume) => setTimeout(resume, 700));
      await late.start(["database"]);
      expect((await done).code).toBe(0);
    } finally {
      await late.stop();
    }
  });
});
