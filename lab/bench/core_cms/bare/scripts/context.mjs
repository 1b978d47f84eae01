/**
 * Gathers the container's build context from a finished `npm run build`.
 *
 *   npm run context -- FOLDER
 *
 * APP_VERSION in the environment, else the version in package.json, becomes the image's version.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [, , folder] = process.argv;
if (!folder) {
  process.stderr.write("name a folder: npm run context -- FOLDER\n");
  process.exit(1);
}
const context = resolve(folder);
const app = join(context, "app");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

mkdirSync(app, { recursive: true });
cpSync(join(root, ".next", "standalone"), app, { recursive: true });
cpSync(join(root, ".next", "static"), join(app, ".next", "static"), { recursive: true });
cpSync(join(root, "start.cjs"), join(app, "start.cjs"));
cpSync(join(root, "Containerfile"), join(context, "Containerfile"));
writeFileSync(join(context, "VERSION"), `${process.env.APP_VERSION || version}\n`);
