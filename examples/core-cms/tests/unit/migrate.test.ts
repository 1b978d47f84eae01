import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { exclusively, MigrationError, migrate, type Queryable, readMigrations } from "../../src/lib/migrate";

/** Remembers statements and migrations; a statement with `broken` in it fails. */
class FakeDatabase implements Queryable {
  statements: string[] = [];
  applied: Record<string, unknown>[] = [];

  async query(sql: string, values: unknown[] = []) {
    this.statements.push(sql);
    if (sql.includes("broken")) throw new Error('syntax error at or near "broken"');
    if (sql.startsWith("INSERT INTO schema_migrations"))
      this.applied.push({ name: values[0], checksum: values[1] });
    return { rows: sql.startsWith("SELECT name") ? [...this.applied] : [] };
  }
}

const one = { name: "001_one", sql: "CREATE TABLE one ()" };
const two = { name: "002_two", sql: "CREATE TABLE two ()" };

describe("migrations", () => {
  it("run once each, in order, in a transaction of their own", async () => {
    const db = new FakeDatabase();
    assert.deepEqual(await migrate(db, [one, two]), ["001_one", "002_two"]);
    assert.deepEqual(await migrate(db, [one, two]), []);
    const begun = db.statements.filter((sql) => sql === "BEGIN").length;
    const committed = db.statements.filter((sql) => sql === "COMMIT").length;
    assert.deepEqual([begun, committed], [2, 2]);
  });

  it("are undone on failure, and those before stay", async () => {
    const db = new FakeDatabase();
    const broken = { name: "002_broken", sql: "broken" };
    await assert.rejects(migrate(db, [one, broken, two]), (error: Error) => {
      assert.ok(error instanceof MigrationError);
      assert.match(error.message, /^migration 002_broken failed and was undone: syntax error/);
      return true;
    });
    assert.equal(db.statements.at(-1), "ROLLBACK");
    assert.deepEqual(
      db.applied.map(({ name }) => name),
      ["001_one"],
    );
  });

  it("must not be edited once they have run", async () => {
    const db = new FakeDatabase();
    await migrate(db, [one]);
    await assert.rejects(
      migrate(db, [{ ...one, sql: "CREATE TABLE other ()" }]),
      /001_one was edited after it ran/,
    );
  });

  it("of a newer release do not keep an older one from starting", async () => {
    const db = new FakeDatabase();
    await migrate(db, [one, two]);
    assert.deepEqual(await migrate(db, [one]), []);
  });

  it("hold the lock while they run and let go of it when they fail", async () => {
    const db = new FakeDatabase();
    await assert.rejects(exclusively(db, () => migrate(db, [{ name: "001", sql: "broken" }])));
    assert.match(db.statements[0] ?? "", /pg_advisory_lock/);
    assert.match(db.statements.at(-1) ?? "", /pg_advisory_unlock/);
  });

  it("of this app are numbered without gaps", async () => {
    const names = (await readMigrations(fileURLToPath(new URL("../../migrations", import.meta.url)))).map(
      (m) => m.name,
    );
    assert.ok(names.length >= 2);
    names.forEach((name, index) => {
      assert.match(name, new RegExp(`^${String(index + 1).padStart(3, "0")}_[a-z_]+$`));
    });
  });
});
