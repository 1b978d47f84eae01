/** Checks the app's syntax, and gathers it and its installed packages in dist/app. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const app = join(root, "dist", "app");

rmSync(join(root, "dist"), { recursive: true, force: true });
mkdirSync(app, { recursive: true });
const modules = readdirSync(root).filter((name) => name.endsWith(".js"));
for (const name of modules) execFileSync(process.execPath, ["--check", join(root, name)], { stdio: "inherit" });
for (const name of ["package.json", "node_modules", ...modules]) {
  cpSync(join(root, name), join(app, name), { recursive: true });
}
