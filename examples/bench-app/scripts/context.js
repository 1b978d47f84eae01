/**
 * Gathers the container's build context from a finished build.
 *
 *   npm run context -- [FOLDER]      FOLDER defaults to dist/context
 *
 * APP_VERSION in the environment, else the version in package.json, becomes the image's version.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const context = resolve(process.argv[2] ?? join(root, "dist", "context"));

function giveUp(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

if (!existsSync(join(root, "dist", "app", "server.js"))) giveUp("dist/app is missing: run `npm run build` first");
if (existsSync(context) && readdirSync(context).length > 0 && !existsSync(join(context, "Containerfile"))) {
  giveUp(`${context} exists and is no build context: name a folder of its own`);
}

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(context, { recursive: true, force: true });
mkdirSync(context, { recursive: true });
cpSync(join(root, "dist", "app"), join(context, "app"), { recursive: true });
cpSync(join(root, "Containerfile"), join(context, "Containerfile"));
writeFileSync(join(context, "VERSION"), `${process.env.APP_VERSION || version}\n`);
process.stdout.write(`${context}\n`);
