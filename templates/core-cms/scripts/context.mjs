/**
 * Gathers the container's build context from a finished `npm run build`.
 *
 *   npm run context -- [FOLDER]      FOLDER defaults to .next/context
 *
 * APP_VERSION in the environment, else the version in package.json, becomes the image's version.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, ".next", "standalone");
const context = resolve(process.argv[2] ?? join(root, ".next", "context"));
const app = join(context, "app");

if (!existsSync(join(built, "server.js"))) {
  process.stderr.write(`${built}/server.js is missing: run \`npm run build\` first\n`);
  process.exit(1);
}
if (existsSync(context) && readdirSync(context).length > 0 && !existsSync(join(context, "Containerfile"))) {
  process.stderr.write(`${context} exists and is no build context: name a folder of its own\n`);
  process.exit(1);
}

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(context, { recursive: true, force: true });
mkdirSync(app, { recursive: true });
// As they are: Node would write the targets of links anew, as paths of this machine.
cpSync(built, app, { recursive: true, verbatimSymlinks: true });
cpSync(join(root, ".next", "static"), join(app, ".next", "static"), { recursive: true });
cpSync(join(root, ".next", "tools"), app, { recursive: true });
cpSync(join(root, "public"), join(app, "public"), { recursive: true });
cpSync(join(root, "prisma", "migrations"), join(app, "prisma", "migrations"), { recursive: true });
cpSync(join(root, "start.cjs"), join(app, "start.cjs"));
cpSync(join(root, "Containerfile"), join(context, "Containerfile"));
writeFileSync(join(context, "VERSION"), `${process.env.APP_VERSION || version}\n`);
process.stdout.write(`${context}\n`);
