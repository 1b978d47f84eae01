import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { developerEnv, placeOf } from "../../scripts/dev-env";
import { prepare } from "../../scripts/dev-prepare";
import { chooseWay, startServices } from "../../scripts/dev-services";
import { SEEDS } from "../../scripts/seed";
import { Services } from "../../scripts/services/services";
import { services } from "./fixtures";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "core-cms-dev-"));
  chmodSync(root, 0o711);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

/** A folder, alone on the PATH, with a `docker` that writes down its arguments and ends as this shell line says. */
function onlyDocker(line: string): string {
  const path = join(root, "docker");
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${root}/arguments\n${line}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", root);
  return join(root, "arguments");
}

describe("a developer's .env", () => {
  it("is made with secrets of its own, for nobody else to read, and then left as it is", async () => {
    const env = await developerEnv(root);
    expect(statSync(join(root, ".env")).mode & 0o777).toBe(0o600);
    const secrets = [env.NEXTAUTH_SECRET, env.REDIS_PASSWORD, env.MINIO_SECRET_KEY];
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{24}$/);
    writeFileSync(join(root, ".env"), `${readFileSync(join(root, ".env"), "utf8")}APP_TITLE=Mine\n`);
    expect(await developerEnv(root)).toEqual({ ...env, APP_TITLE: "Mine" });
  });

  it("says what its repository says that it publishes, by default restaurants", async () => {
    writeFileSync(join(root, ".env.example"), "# own\nAPP_DATASET=posts\n");
    expect((await developerEnv(root)).APP_DATASET).toBe("posts");
    rmSync(join(root, ".env"));
    rmSync(join(root, ".env.example"));
    expect((await developerEnv(root)).APP_DATASET).toBe("restaurants");
  });

  it("says where services are, and that services of another machine are not ours", async () => {
    const env = await developerEnv(root);
    const place = placeOf(root, env);
    expect(place && new Services(place).environment("demo_db")).toEqual(
      expect.objectContaining({ REDIS_PORT: env.REDIS_PORT }),
    );
    expect(place && new Services(place).databaseUrl("demo_db")).toBe(env.DATABASE_URL);
    expect(placeOf(root, { ...env, DATABASE_URL: "postgresql://a:b@db.example.com/c" })).toBeNull();
    expect(() => placeOf(root, { DATABASE_URL: "nonsense" })).toThrow(/DATABASE_URL in .env is no URL/);
  });
});

describe("how services run", () => {
  it("by containers where an engine and its compose answer", () => {
    onlyDocker("exit 0");
    expect(chooseWay(undefined)).toBe("docker");
    expect(chooseWay("containers")).toBe("docker");
  });

  it("as processes where it doesn't, or where that is wished", () => {
    const path = process.env.PATH ?? "";
    onlyDocker('[ "$1" != compose ]');
    vi.stubEnv("PATH", `${root}:${path}`);
    expect(chooseWay("processes")).toBe("processes");
    onlyDocker("exit 1");
    vi.stubEnv("PATH", `${root}:${path}`);
    expect(chooseWay(undefined)).toBe("processes");
  });

  it("else it says exactly what to install", () => {
    onlyDocker("exit 1");
    vi.stubEnv("REDIS_SERVER", undefined);
    expect(() => chooseWay(undefined)).toThrow(
      /\n {2}redis-server: apt-get install redis-server, or name it in REDIS_SERVER/,
    );
    expect(() => chooseWay("containers")).toThrow(/Neither `docker info`.*works\.$/);
    expect(() => chooseWay("magic")).toThrow(/DEV_SERVICES must be containers or processes/);
  });

  it("by containers: passwords are in the environment and in a file, never among the arguments", async () => {
    const seen = onlyDocker(`[ "$2" = down ] || [ -n "$DEV_DATABASE_PASSWORD" ]`);
    // Those that the set-up started stand in for the containers.
    const inContainers = new Services({ ...services.place, folder: join(root, ".dev") });
    const databases = vi
      .spyOn(inContainers, "databaseUrl")
      .mockImplementation((...which) => services.databaseUrl(...which));
    const stop = await startServices("docker", inContainers, root);
    await stop();
    databases.mockRestore();
    expect(readFileSync(seen, "utf8")).toBe("compose up --detach\ncompose down\n");
    const conf = readFileSync(join(root, ".dev", "containers", "redis.conf"), "utf8");
    expect(conf).toContain(`user demo on >${services.place.passwords.cache}`);
    expect(statSync(join(root, ".dev", "containers")).mode & 0o077).toBe(0);
  });
});

it("make dev's services keep their data, and there is an invitation until somebody has registered", async () => {
  vi.stubEnv("DEV_SERVICES", "processes");
  const count = async (url: string | undefined, then = "SELECT 1") => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query("SELECT count(*)::int AS count FROM content_items");
    await client.query(then);
    await client.end();
    return rows[0]?.count;
  };
  const first = await prepare(root);
  try {
    expect(first.link).toMatch(/^http:\/\/localhost:\d+\/register#[\w-]{43}$/);
    const register = "INSERT INTO users (email, name, password_hash) VALUES ('admin@example.com', 'A', 'x')";
    expect(await count(first.env.DATABASE_URL, register)).toBe(SEEDS.restaurants.items.length);
  } finally {
    await first.stop();
  }
  const second = await prepare(root);
  try {
    expect(second.link).toBeNull();
    expect(await count(second.env.DATABASE_URL)).toBe(SEEDS.restaurants.items.length);
  } finally {
    await second.stop();
  }
});
