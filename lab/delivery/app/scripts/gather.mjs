/** Gathers in dist/ what the app runs with: what was compiled, its migrations, and its packages without those of developers. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(join(root, "build", "src"))) {
  if (!name.endsWith(".test.js")) cpSync(join(root, "build", "src", name), join(dist, name));
}
for (const name of ["package.json", "migrations"]) {
  cpSync(join(root, name), join(dist, name), { recursive: true });
}
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
for (const [path, entry] of Object.entries(packages)) {
  if (path !== "" && !entry.dev && !entry.optional)
    cpSync(join(root, path), join(dist, path), { recursive: true });
}
