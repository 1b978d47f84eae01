/**
 * Bundles the commands of scripts/*.ts.
 *
 *   node scripts/tools.mjs                   those that the image has, each one file, into .next/tools
 *   node scripts/tools.mjs run NAME [ARGS]   runs scripts/NAME.ts here, with the packages of node_modules
 *
 * `run` takes the environment of `.env` where this one doesn't say otherwise.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** What runs inside the image: `node migrate.cjs`, `node invite.cjs`. */
const IN_IMAGE = ["migrate", "invite"];
const COMMON = { absWorkingDir: ROOT, bundle: true, platform: "node", target: "node20", logLevel: "warning" };

async function bundleForImage() {
  await build({
    ...COMMON,
    entryPoints: IN_IMAGE.map((name) => `scripts/${name}.ts`),
    outdir: ".next/tools",
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    minify: true,
    legalComments: "eof",
    // `pg` only looks for it where it is asked to.
    external: ["pg-native"],
  });
}

async function run(name, args) {
  // Within node_modules, so that `import` finds the packages.
  const file = join(ROOT, "node_modules", ".cache", "core-cms", `${name}.mjs`);
  await build({
    ...COMMON,
    entryPoints: [`scripts/${name}.ts`],
    outfile: file,
    format: "esm",
    packages: "external",
    sourcemap: "inline",
  });
  const env = join(ROOT, ".env");
  if (existsSync(env)) process.loadEnvFile(env);
  const child = spawn(process.execPath, ["--enable-source-maps", file, ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  // The terminal sends Ctrl-C to both; the child decides when to end.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
}

const [command, name, ...args] = process.argv.slice(2);
if (command === undefined) await bundleForImage();
else if (command === "run" && existsSync(join(ROOT, "scripts", `${name}.ts`))) await run(name, args);
else {
  process.stderr.write("usage: node scripts/tools.mjs [run NAME [ARGS]]\n");
  process.exit(2);
}
