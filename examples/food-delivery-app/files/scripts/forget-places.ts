/**
 * The manifest's cron job `node forget-places.cjs`: forgets where couriers were whose orders were delivered an hour ago.
 * One JSON line on standard output; status 1 when the database can't be asked.
 */
import { Pool } from "pg";
import { readConfig } from "../src/lib/config";
import { forgetPlaces } from "../src/lib/forget-places";
import { log } from "../src/lib/log";
import { messageOf } from "../src/lib/process";

async function main(): Promise<void> {
  const database = new Pool({ connectionString: readConfig(process.env).database.url, max: 1 });
  try {
    log.info("forgot where couriers were", { orders: await forgetPlaces(database) });
  } finally {
    await database.end();
  }
}

main().catch((error: unknown) => {
  log.error("could not forget where couriers were", { cause: messageOf(error) });
  process.exitCode = 1;
});
