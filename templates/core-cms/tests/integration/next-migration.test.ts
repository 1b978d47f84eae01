import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SCHEMA } from "../../scripts/engine";
import { nextMigration } from "../../scripts/next-migration";
import { appFolder } from "./commands";
import { createDatabase, services } from "./fixtures";
import { temporaryFolder } from "./folders";

/** The template's migrations, and its schema with a change. */
async function place(change: (schema: string) => string) {
  const schema = join(temporaryFolder(), "schema.prisma");
  writeFileSync(schema, change(readFileSync(SCHEMA, "utf8")));
  const url = (await createDatabase()).DATABASE_URL ?? "";
  return { url, schema, folder: join(appFolder(), "prisma", "migrations") };
}

const shadows = () =>
  services.asAdmin("postgres", async (client) => {
    return (await client.query("SELECT 1 FROM pg_database WHERE datname LIKE 'shadow%'")).rowCount;
  });

it("the template's schema and migrations agree: there is nothing to do", async () => {
  const at = await place((schema) => schema);
  const before = readdirSync(at.folder);
  expect(await nextMigration({ ...at, name: "nothing" })).toBeNull();
  expect(readdirSync(at.folder)).toEqual(before);
  expect(await shadows()).toBe(0);
});

it("a new column becomes a migration after those that are there, and then there is nothing to do", async () => {
  const at = await place((schema) => schema.replace("model User {", "model User {\n  phone String?"));
  const made = await nextMigration({ ...at, name: "add_phone" });
  expect(made).toEqual({ migration: expect.stringMatching(/^\d{14}_add_phone$/), risks: [] });
  const names = readdirSync(at.folder).filter((name) => /^\d/.test(name));
  expect(names.sort().at(-1)).toBe(made?.migration);
  const sql = readFileSync(join(at.folder, made?.migration ?? "", "migration.sql"), "utf8");
  expect(sql).toBe('-- AlterTable\nALTER TABLE "users" ADD COLUMN     "phone" TEXT;\n');
  expect(await nextMigration({ ...at, name: "again" })).toBeNull();
});

it("a column that goes is warned of", async () => {
  const at = await place((schema) => schema.replace(/^ {2}summary .*\n/m, ""));
  const made = await nextMigration({ ...at, name: "drop_summary" });
  expect(made?.risks).toEqual([
    expect.stringMatching(/^line \d+: ALTER TABLE "content_items" DROP COLUMN "summary": the release/),
  ]);
});

it("an empty one is for SQL of one's own", async () => {
  const at = await place((schema) => schema);
  const made = await nextMigration({ ...at, name: "own", empty: true });
  expect(readFileSync(join(at.folder, made?.migration ?? "", "migration.sql"), "utf8")).toBe(
    "-- Write SQL here.\n",
  );
});

it("a schema that isn't valid is told with its line, and nothing is written or left", async () => {
  const at = await place((schema) => schema.replace("model User {", "model User {\n  phone Telephone"));
  const before = readdirSync(at.folder);
  await expect(nextMigration({ ...at, name: "wrong" })).rejects.toThrow(
    /"Telephone"[\s\S]*schema\.prisma:\d+/,
  );
  expect(readdirSync(at.folder)).toEqual(before);
  expect(await shadows()).toBe(0);
});

it.each(["", "Upper", "../up", "a b", "a;b", "1st", "a".repeat(62)])("refuses %j as a name", async (name) => {
  const at = await place((schema) => schema);
  await expect(nextMigration({ ...at, name })).rejects.toThrow(/a migration's name is a-z/);
});
