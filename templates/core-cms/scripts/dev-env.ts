import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { freePort } from "./services/programs";
import { type Place, Services } from "./services/services";

export const DATABASE = "demo_db";
const LOCAL = ["127.0.0.1", "localhost", "[::1]"];
const PORTS = { app: 3_000, database: 54_320, cache: 63_790, storage: 9_000 };

export type Env = Record<string, string>;

const port = (url: string | undefined): number => Number(URL.parse(url ?? "")?.port);

/** Where `.env` says that the services are; null: on another machine, so they are not ours to start. */
export function placeOf(root: string, env: Env): Place | null {
  const database = URL.parse(env.DATABASE_URL ?? "");
  if (!database)
    throw new Error("DATABASE_URL in .env is no URL: put it right, or delete .env for a new one");
  if (!LOCAL.includes(database.hostname)) return null;
  return {
    folder: join(root, ".dev"),
    ports: {
      database: port(env.DATABASE_URL),
      cache: Number(env.REDIS_PORT),
      storage: port(env.MINIO_ENDPOINT),
    },
    passwords: {
      database: decodeURIComponent(database.password),
      cache: env.REDIS_PASSWORD ?? "",
      storage: env.MINIO_SECRET_KEY ?? "",
    },
    thrownAway: false,
  };
}

const read = (path: string): Env =>
  Object.fromEntries(
    Object.entries(parseEnv(readFileSync(path, "utf8"))).map(([key, value]) => [key, value ?? ""]),
  );

/** What the app publishes, as its repository says; the file may be gone. */
function datasetOf(root: string): string {
  const example = join(root, ".env.example");
  return (existsSync(example) && read(example).APP_DATASET) || "restaurants";
}

/** The environment of a developer's app, with passwords and ports of its own. */
async function fresh(root: string): Promise<string> {
  const password = () => randomBytes(18).toString("base64url");
  const place: Place = {
    folder: join(root, ".dev"),
    ports: {
      database: await freePort(PORTS.database),
      cache: await freePort(PORTS.cache),
      storage: await freePort(PORTS.storage),
    },
    passwords: { database: password(), cache: password(), storage: password() },
    thrownAway: false,
  };
  const app = await freePort(PORTS.app);
  const env = {
    PORT: String(app),
    NEXTAUTH_URL: `http://localhost:${app}`,
    NEXTAUTH_SECRET: password(),
    ...new Services(place).environment(DATABASE),
    APP_DATASET: datasetOf(root),
    APP_SEED: "demo",
    REGISTRATION: "invite",
  };
  const lines = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  return [
    "# Made by `make dev`, for this machine only. What each means: README.md, Environment",
    ...lines,
    "",
  ].join("\n");
}

/** The environment in `.env`, which is made (mode 0600) where it is missing. */
export async function developerEnv(root: string): Promise<Env> {
  const path = join(root, ".env");
  if (!existsSync(path)) writeFileSync(path, await fresh(root), { mode: 0o600, flag: "wx" });
  return read(path);
}
