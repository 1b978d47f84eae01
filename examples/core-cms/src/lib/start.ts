import { join } from "node:path";
import { app } from "./app";
import type { Config } from "./config";
import { withClient } from "./db";
import { currentHealth } from "./health";
import { itemImage } from "./image";
import { handleSignals, stopping } from "./lifecycle";
import { serveLive } from "./live";
import { log } from "./log";
import { measureRequests } from "./metrics";
import { exclusively, migrate, readMigrations } from "./migrate";
import { cache } from "./redis";
import { imageKey, seed, seedOf } from "./seed";
import { type Storage, storage } from "./storage";
import { isUnreachable, messageOf, retry } from "./utils";

const BROKEN = { name: "999_demo_fail", sql: "SELECT demo_fail_migration()" };

async function prepareDatabase({ database, dataset, fault }: Config): Promise<void> {
  const migrations = await readMigrations(join(process.cwd(), "migrations"));
  if (fault === "migration") migrations.push(BROKEN);
  await withClient(database.url, (client) =>
    exclusively(client, async () => {
      const ran = await migrate(client, migrations);
      await seed(client, dataset);
      log.info("database ready", { migrations_run: ran });
    }),
  );
}

async function uploadImages(bucket: Storage, { dataset }: Config): Promise<void> {
  const upload = ({ slug, name }: { slug: string; name: string }) =>
    retry(() => bucket.put(imageKey(dataset, slug), itemImage(slug, name), "image/svg+xml"), {
      forMs: 30_000,
      everyMs: 500,
      retryable: isUnreachable,
    });
  const { items } = seedOf(dataset);
  await Promise.all(items.map(upload));
  log.info("storage ready", { images: items.length });
}

async function prepare(): Promise<void> {
  const { config } = app();
  if (config.fault === "crash") throw new Error("DEMO_FAIL=crash");
  handleSignals();
  serveLive({ version: config.version, colour: config.colour, hostname: config.hostname }, stopping());
  measureRequests();
  cache();
  const bucket = storage();
  await Promise.all([prepareDatabase(config), bucket && uploadImages(bucket, config)]);
  // Opens the pool's first connection, which costs more than a check may take on a busy machine.
  await currentHealth();
  const { version, colour, dataset, fault } = config;
  log.info("ready", { version, colour, dataset, fault, start_ms: Math.round(process.uptime() * 1000) });
}

/** Makes the app ready to serve, or ends the process with status 1 and a line that says why. */
export async function start(): Promise<void> {
  try {
    await prepare();
  } catch (error) {
    log.error("could not start", { cause: messageOf(error) });
    process.exit(1);
  }
}
