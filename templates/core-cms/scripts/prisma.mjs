/**
 * Prisma's command line without its schema engine, a binary that it would download from outside the package registry:
 *
 *   node scripts/prisma.mjs generate | validate | format
 *
 * Commands that need the engine (`migrate`, `db`) are `npm run migration` and `npm run migrate` here. On a machine that
 * may download, plain `npx prisma migrate …` works, too, on the same files and the same `_prisma_migrations`.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const WITHOUT_ENGINE = ["generate", "validate", "format"];
const [command = "", ...rest] = process.argv.slice(2);

if (!WITHOUT_ENGINE.includes(command)) {
  process.stderr.write(`usage: node scripts/prisma.mjs ${WITHOUT_ENGINE.join("|")}\n`);
  process.exit(2);
}
const cli = join(dirname(createRequire(import.meta.url).resolve("prisma/package.json")), "build", "index.js");
// A file that is named is neither downloaded nor, by these commands, ever run.
const env = {
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  CHECKPOINT_DISABLE: "1",
  PRISMA_HIDE_UPDATE_MESSAGE: "1",
};
const done = spawnSync(process.execPath, [cli, command, ...rest], {
  stdio: "inherit",
  env: { ...process.env, ...env },
});
process.exit(done.status ?? 1);
