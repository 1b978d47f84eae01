import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { risks } from "../../scripts/destructive";
import { difference, MIGRATIONS, SCHEMA } from "../../scripts/engine";
import { migrate } from "../../src/lib/migrate";
import { type Migration, readMigrations } from "../../src/lib/migrations";
import { createDatabase } from "./fixtures";
import { temporaryFolder } from "./folders";

const EXAMPLE = join("prisma", "examples", "expand-and-contract");
const read = (folder: string) => readFileSync(join(EXAMPLE, folder, "migration.sql"), "utf8");
const EXPAND: Migration = { name: "29990101000000_expand", sql: read("1-expand") };
const CONTRACT: Migration = { name: "29990102000000_contract", sql: read("2-contract") };

let url = "";
let pool = new pg.Pool();
let before: Migration[] = [];

const rows = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;

/** The queries of the release that knows the text only. */
const old = {
  add: (slug: string, category: string) =>
    rows(
      "INSERT INTO content_items (dataset, slug, name, category, summary) VALUES ('posts', $1, 'Name', $2, 'Summary')",
      [slug, category],
    ),
  change: (slug: string, category: string) =>
    rows("UPDATE content_items SET category = $2, version = version + 1 WHERE slug = $1", [slug, category]),
  all: () => rows("SELECT slug, category FROM content_items ORDER BY slug"),
};

/** The queries of release 1, and of release 2. */
const renewed = {
  category: async (name: string): Promise<number> => {
    await rows("INSERT INTO categories (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", [name]);
    return (await rows("SELECT id FROM categories WHERE name = $1", [name]))[0]?.id;
  },
  add: async (slug: string, category: string) =>
    rows(
      "INSERT INTO content_items (dataset, slug, name, category_id, summary) VALUES ('posts', $1, 'Name', $2, 'Summary')",
      [slug, await renewed.category(category)],
    ),
  change: async (slug: string, category: string) =>
    rows("UPDATE content_items SET category_id = $2 WHERE slug = $1", [
      slug,
      await renewed.category(category),
    ]),
  all: () =>
    rows(`SELECT slug, categories.name AS category FROM content_items
          JOIN categories ON categories.id = category_id ORDER BY slug`),
};

beforeEach(async () => {
  url = (await createDatabase()).DATABASE_URL ?? "";
  pool = new pg.Pool({ connectionString: url });
  before = await readMigrations(MIGRATIONS);
  await migrate(url, before);
  await old.add("a", "News");
  await old.add("b", "Essay");
});
afterEach(() => pool.end());

/** The template's schema with changes. */
function schema(...changes: [string | RegExp, string][]): string {
  const path = join(temporaryFolder(), "schema.prisma");
  const text = changes.reduce((all, [from, to]) => all.replace(from, to), readFileSync(SCHEMA, "utf8"));
  writeFileSync(path, text);
  return path;
}

const excerpts = readFileSync(join(EXAMPLE, "schema.prisma.md"), "utf8");
const CATEGORY = /model Category \{[\s\S]*?\n\}\n/.exec(excerpts)?.[0] ?? "";
const GROUP = "group Category? @relation(fields: [categoryId], references: [id], onDelete: Restrict)";

describe("after the first step", () => {
  beforeEach(() => migrate(url, [...before, EXPAND]));

  it("both releases see the rows that were there", async () => {
    const expected = [
      { slug: "a", category: "News" },
      { slug: "b", category: "Essay" },
    ];
    expect(await old.all()).toEqual(expected);
    expect(await renewed.all()).toEqual(expected);
  });

  it("what either adds or changes, the other sees, new names and names that are there", async () => {
    await old.add("c", "Travel");
    await renewed.add("d", "Food");
    await renewed.add("e", "Travel");
    await old.change("a", "Food");
    await renewed.change("b", "Diary");
    await old.change("d", "Essay");
    const seen = await old.all();
    expect(seen.map(({ category }) => category)).toEqual(["Food", "Diary", "Travel", "Essay", "Travel"]);
    expect(await renewed.all()).toEqual(seen);
    const names = (await rows("SELECT name FROM categories ORDER BY 1")).map(({ name }) => name);
    expect(names).toEqual(["Diary", "Essay", "Food", "News", "Travel"]);
  });

  it("both may add rows of one new name at the same time", async () => {
    const add = (index: number) => (index % 2 ? old : renewed).add(`many-${index}`, "Everybody");
    await Promise.all(Array.from({ length: 20 }, (_, index) => add(index)));
    expect((await rows("SELECT 1 FROM categories WHERE name = 'Everybody'")).length).toBe(1);
    expect(await renewed.all()).toEqual(await old.all());
  });

  it("the release before starts again: it leaves the step alone", async () => {
    expect(await migrate(url, before)).toEqual([]);
    await old.add("c", "Travel");
  });

  it("the database is as the schema of release 1 says", async () => {
    const changed = schema(
      [
        /^ {2}category {4}String.*$/m,
        `  category String @default("") @db.VarChar(60)\n  ${GROUP}\n  categoryId Int? @map("category_id")`,
      ],
      ["  @@unique([dataset, slug])", "  @@unique([dataset, slug])\n  @@index([categoryId])"],
      ["model Item {", `${CATEGORY}\nmodel Item {`],
    );
    expect(await difference(url, changed)).toBe("");
  });
});

describe("the second step", () => {
  it("is undone while a row isn't ready, and says which release has to fill it in", async () => {
    await migrate(url, [...before, EXPAND]);
    await rows("ALTER TABLE content_items DISABLE TRIGGER USER");
    await rows("UPDATE content_items SET category_id = NULL WHERE slug = 'a'");
    await rows("ALTER TABLE content_items ENABLE TRIGGER USER");
    await expect(migrate(url, [...before, EXPAND, CONTRACT])).rejects.toThrow(
      /1 rows of content_items have no category_id yet \(release 1 has to fill them in first\)\. It was undone/,
    );
    expect(await old.all()).toHaveLength(2);
  });

  it("leaves release 1 working, and breaks the release before it: that is what the warnings are for", async () => {
    await migrate(url, [...before, EXPAND, CONTRACT]);
    await renewed.add("c", "Travel");
    await renewed.change("a", "Travel");
    expect((await renewed.all()).map(({ category }) => category)).toEqual(["Travel", "Essay", "Travel"]);
    await expect(old.all()).rejects.toThrow(/column "category" does not exist/);
    await expect(old.add("d", "Food")).rejects.toThrow(/column "category" .* does not exist/);
    expect(risks(EXPAND.sql)).toEqual([]);
    expect(risks(CONTRACT.sql).join("\n")).toMatch(/SET NOT NULL[\s\S]*DROP COLUMN/);
  });

  it("makes what the schema of release 2 says", async () => {
    await migrate(url, [...before, EXPAND, CONTRACT]);
    const changed = schema(
      [/^ {2}category {4}String.*$/m, `  ${GROUP.replace("?", "")}\n  categoryId Int @map("category_id")`],
      ["  @@unique([dataset, slug])", "  @@unique([dataset, slug])\n  @@index([categoryId])"],
      ["model Item {", `${CATEGORY}\nmodel Item {`],
    );
    expect(await difference(url, changed)).toBe("");
  });
});
