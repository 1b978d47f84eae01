/**
 * Prisma's schema engine as WebAssembly: what `prisma migrate` does, without the binary that Prisma's own command line
 * would download. For developers and tests only: the image applies migrations with `src/lib/migrate.ts`.
 *
 * The package says of itself that its interface may change with each release, so it is pinned to Prisma's version.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import type { MigrationList, SchemaEngine, SchemasContainer } from "@prisma/schema-engine-wasm";
import pg from "pg";
import { LOCK_FILE, readMigrations } from "../src/lib/migrations";

export const SCHEMA = join("prisma", "schema.prisma");
export const MIGRATIONS = join("prisma", "migrations");

const NO_FILTER = { externalTables: [], externalEnums: [] };
const EMPTY = "-- This is an empty migration.";
/** The type "char" of Postgres's catalogue, which the adapter doesn't know and the engine reads as text. */
const CHAR = 18;
const TEXT = 25;

let loaded: Promise<typeof SchemaEngine> | undefined;

/** Loads the module by hand: Node imports WebAssembly only behind a flag. */
async function load(): Promise<typeof SchemaEngine> {
  const find = createRequire(join(process.cwd(), "package.json"));
  const glue = await import("@prisma/schema-engine-wasm/schema_engine_bg");
  const wasm = find
    .resolve("@prisma/schema-engine-wasm")
    .replace(/schema_engine\.js$/, "schema_engine_bg.wasm");
  const { instance } = await WebAssembly.instantiate(await readFile(wasm), { "./schema_engine_bg.js": glue });
  // The engine leaves its last words here before it gives up.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (text: string) => process.stderr.write(`${text}\n`) },
  });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return glue.SchemaEngine;
}

class CatalogPool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: one body for all of the overloads
  override async query(...args: any[]): Promise<any> {
    const result = await (super.query as (...args: unknown[]) => Promise<pg.QueryResult>)(...args);
    for (const field of result.fields ?? []) if (field.dataTypeID === CHAR) field.dataTypeID = TEXT;
    return result;
  }
}

/** Runs `work` with an engine on this database. Its own shadow databases are never asked for. */
export async function withEngine<T>(url: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  loaded ??= load();
  const pool = new CatalogPool({ connectionString: url, max: 4 });
  const factory: SqlMigrationAwareDriverAdapterFactory = new PrismaPg(pool);
  const adapter = bindMigrationAwareSqlAdapterFactory(factory);
  try {
    const engine = await (await loaded).new({ datamodels: undefined }, () => undefined, adapter);
    return await work(engine);
  } finally {
    await pool.end();
  }
}

async function schemaFiles(path: string): Promise<SchemasContainer> {
  return { files: [{ path, content: await readFile(path, "utf8") }] };
}

/**
 * The SQL that makes of this database what the schema says; empty where it is that already.
 * @throws Error if the schema isn't valid, with the place
 */
export async function difference(url: string, schema = SCHEMA): Promise<string> {
  const files = await schemaFiles(schema);
  const result = await withEngine(url, (engine) =>
    engine.diff({
      from: { tag: "schemaDatasource", configDir: process.cwd(), ...files },
      to: { tag: "schemaDatamodel", ...files },
      script: true,
      exitCode: null,
      filters: NO_FILTER,
    }),
  );
  const sql = result.stdout?.trim() ?? "";
  return sql === EMPTY ? "" : `${sql}\n`;
}

/** The folder's migrations as the engine takes them. */
export async function migrationList(folder: string): Promise<MigrationList> {
  const migrations = await readMigrations(folder);
  return {
    baseDir: folder,
    lockfile: { path: LOCK_FILE, content: await readFile(join(folder, LOCK_FILE), "utf8") },
    shadowDbInitScript: "",
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
    })),
  };
}

/** What `prisma migrate status` and `prisma migrate deploy` say of this database. */
export async function prismaSays(url: string, folder = MIGRATIONS) {
  const migrationsList = await migrationList(folder);
  return withEngine(url, async (engine) => ({
    history: await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: NO_FILTER,
    }),
    applied: (await engine.applyMigrations({ migrationsList, filters: NO_FILTER })).appliedMigrationNames,
  }));
}
