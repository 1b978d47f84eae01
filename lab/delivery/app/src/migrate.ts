/** `node migrate.js`: brings the database up to what `migrations/` says, a file a step, each once. The release command. */
import { readdirSync, readFileSync } from "node:fs";
import { Client } from "pg";
import { readConfig } from "./config.js";
import { cause, log } from "./log.js";

const FOLDER = new URL("migrations/", import.meta.url);

async function migrate(client: Client): Promise<void> {
  await client.query("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)");
  const known = new Set(
    (await client.query<{ name: string }>("SELECT name FROM migrations")).rows.map((row) => row.name),
  );
  for (const name of readdirSync(FOLDER).sort()) {
    if (known.has(name)) continue;
    log("info", "migration begins", { name });
    await client.query("BEGIN");
    await client.query(readFileSync(new URL(name, FOLDER), "utf8"));
    await client.query("INSERT INTO migrations (name) VALUES ($1)", [name]);
    await client.query("COMMIT");
  }
}

const { databaseUrl } = readConfig(process.env);
if (databaseUrl === null) throw new Error("DATABASE_URL is not set");
const client = new Client({ connectionString: databaseUrl });
try {
  await client.connect();
  await migrate(client);
  log("info", "the database is up to date");
} catch (error) {
  log("error", "migration failed", { cause: cause(error) });
  process.exitCode = 1;
} finally {
  await client.end();
}
