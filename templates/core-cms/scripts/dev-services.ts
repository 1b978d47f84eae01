import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { retry } from "../src/lib/process";
import { find, PROGRAMS, type Program } from "./services/programs";
import { redisConfig, type Services } from "./services/services";

const ENGINES = ["docker", "podman"];
const NEEDED: Program[] = ["initdb", "postgres", "redis-server", "minio"];

/** How services are run: by `docker compose` or `podman compose`, or as processes. */
export type Way = "docker" | "podman" | "processes";

const works = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore", timeout: 20_000 }).status === 0;

/**
 * Containers where an engine with compose answers, else processes where the programs are here. `wanted`, which
 * `DEV_SERVICES` names, decides otherwise: `containers` or `processes`.
 * @throws Error that says exactly what to install
 */
export function chooseWay(wanted: string | undefined): Way {
  if (wanted && wanted !== "containers" && wanted !== "processes") {
    throw new Error("DEV_SERVICES must be containers or processes, or not set");
  }
  const engine = ENGINES.find(
    (name) => wanted !== "processes" && works(name, "info") && works(name, "compose", "version"),
  );
  if (engine) return engine as Way;
  const missing = NEEDED.filter((program) => wanted === "containers" || find(program) === null);
  if (missing.length === 0) return "processes";
  const each = missing.map(
    (program) => `  ${program}: ${PROGRAMS[program].install}, or name it in ${PROGRAMS[program].variable}`,
  );
  throw new Error(
    "Postgres, Redis and MinIO are needed. Neither `docker info` with `docker compose version` nor the same of podman " +
      (wanted === "containers"
        ? "works."
        : `works, and of the programs themselves there are missing:\n${each.join("\n")}`),
  );
}

/** The environment that compose.yaml takes ports and passwords from: never arguments, which others can see. */
function composeEnv({ place: { ports, passwords } }: Services): Record<string, string> {
  return {
    DEV_DATABASE_PORT: String(ports.database),
    DEV_DATABASE_PASSWORD: passwords.database,
    DEV_CACHE_PORT: String(ports.cache),
    DEV_STORAGE_PORT: String(ports.storage),
    DEV_STORAGE_PASSWORD: passwords.storage,
  };
}

function compose(engine: string, services: Services, root: string, ...args: string[]): void {
  const env = { ...process.env, ...composeEnv(services) };
  const { status } = spawnSync(engine, ["compose", ...args], { cwd: root, env, stdio: "inherit" });
  if (status !== 0) throw new Error(`\`${engine} compose ${args.join(" ")}\` failed`);
}

async function startContainers(engine: string, services: Services, root: string): Promise<void> {
  const home = join(services.place.folder, "containers");
  for (const name of ["postgres", "redis", "minio"])
    mkdirSync(join(home, name), { recursive: true, mode: 0o700 });
  const settings = ["bind * -::*", "port 6379", "dir /data", "appendonly yes"];
  // Redis's own user in the container reads it; on this machine the folder keeps others out.
  writeFileSync(join(home, "redis.conf"), redisConfig(services.place.passwords.cache, settings), {
    mode: 0o644,
  });
  compose(engine, services, root, "up", "--detach");
  const always = { forMs: 60_000, everyMs: 300, retryable: () => true };
  await retry(() => services.makeRole(), always);
  await retry(() => services.asRedisAdmin((client) => client.ping()), always);
  await retry(() => services.makeBucket(), always);
}

/** Starts them all and waits until they answer; returns what ends them. */
export async function startServices(
  way: Way,
  services: Services,
  root: string,
): Promise<() => Promise<void>> {
  if (way === "processes") {
    const stop = () => services.stop();
    await services.start().catch((error: unknown) => stop().then(() => Promise.reject(error)));
    return stop;
  }
  mkdirSync(services.place.folder, { recursive: true, mode: 0o711 });
  const stop = async () => compose(way, services, root, "down");
  await startContainers(way, services, root).catch((error: unknown) =>
    stop().then(() => Promise.reject(error)),
  );
  return stop;
}
