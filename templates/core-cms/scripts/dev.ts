/**
 * `make dev`: Postgres, Redis and MinIO on this machine, the database migrated and seeded, and `next dev`. Ctrl-C ends
 * all of it; data stays in `.dev/`, settings in `.env`. Delete both to begin anew.
 *
 * `DEV_SERVICES=containers|processes` decides how services run where both could be.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { messageOf } from "../src/lib/process";
import { ADMIN, prepare, say } from "./dev-prepare";

async function main(): Promise<void> {
  const root = process.cwd();
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopping.abort());
  const { env, link, stop } = await prepare(root);
  try {
    if (stopping.signal.aborted) return;
    if (link) say(`\nnobody can sign in yet: register as ${ADMIN} by\n  ${link}\n`);
    const next = join(root, "node_modules", "next", "dist", "bin", "next");
    const all = { NEXT_TELEMETRY_DISABLED: "1", ...process.env, ...env };
    const child = spawn(process.execPath, [next, "dev", "--port", env.PORT ?? "3000"], {
      env: all,
      stdio: "inherit",
    });
    stopping.signal.addEventListener("abort", () => child.kill("SIGTERM"));
    const [code] = await once(child, "exit");
    process.exitCode = stopping.signal.aborted ? 0 : (code ?? 1);
  } finally {
    await stop();
  }
}

main().catch((error: unknown) => {
  say(messageOf(error));
  process.exitCode = 1;
});
