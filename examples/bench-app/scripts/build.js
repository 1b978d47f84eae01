/** Gathers the app and its installed packages in dist/app. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const app = join(root, "dist", "app");

rmSync(join(root, "dist"), { recursive: true, force: true });
mkdirSync(app, { recursive: true });
for (const name of ["package.json", "server.js", "orders.js", "node_modules"]) {
  cpSync(join(root, name), join(app, name), { recursive: true });
}
