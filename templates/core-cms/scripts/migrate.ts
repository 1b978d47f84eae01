/**
 * The release command, `node migrate.cjs`: brings the database up to date, deletes what the audit trail says of sign-ins
 * older than 90 days, then adds the demo's rows and pictures to an empty dataset where `APP_SEED=demo`. Run again it finds
 * nothing to do.
 *
 *   node migrate.cjs
 *   node migrate.cjs --rolled-back NAME | --applied NAME     settles a migration that failed without a transaction
 *
 * JSON lines on standard output; status 1, the last line says why. SIGTERM and Ctrl-C undo what is under way.
 */
import { join } from "node:path";
import { forgetSignIns } from "../src/lib/audit-retention";
import { readConfig } from "../src/lib/config";
import { log } from "../src/lib/log";
import { migrate, resolve } from "../src/lib/migrate";
import { fileOf, readMigrations } from "../src/lib/migrations";
import { messageOf } from "../src/lib/process";
import { seed } from "./seed";

const SEEDS = ["demo"];

function told(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort());
  return stop.signal;
}

/** What to seed; throws where `APP_SEED` names something else. */
function wanted(value: string | undefined): boolean {
  if (value && !SEEDS.includes(value)) throw new Error(`APP_SEED must be ${SEEDS.join(" or ")}, or not set`);
  return Boolean(value);
}

async function main(args: string[]): Promise<void> {
  const config = readConfig(process.env);
  const { url } = config.database;
  const [option, name, ...rest] = args;
  if ((option === "--rolled-back" || option === "--applied") && name !== undefined && rest.length === 0) {
    await resolve(url, name, option === "--applied" ? "applied" : "rolled-back");
    log.info("settled a failed migration", { migration: fileOf(name), as: option.slice(2) });
    return;
  }
  if (option !== undefined) throw new Error("usage: node migrate.cjs [--rolled-back NAME | --applied NAME]");
  const demo = wanted(process.env.APP_SEED);
  const signal = told();
  const ran = await migrate(url, await readMigrations(join(process.cwd(), "prisma", "migrations")), {
    signal,
    tell: (message, fields) => log.info(message, fields),
  });
  log.info("the database is up to date", { applied: ran });
  log.info("forgot old sign-ins", { entries: await forgetSignIns(url) });
  if (demo) log.info("seeded", { ...(await seed(config, signal)) });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  log.error("the release command failed", { cause: messageOf(error) });
  process.exitCode = 1;
});
