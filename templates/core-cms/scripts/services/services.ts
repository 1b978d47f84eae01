/**
 * Postgres, Redis and MinIO as processes on loopback: thrown away for tests, kept in `.dev/` for `make dev`.
 * Logins and rights are as the platform gives them to an app.
 */
import { type ChildProcess, type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { createClient } from "@redis/client";
import pg from "pg";
import { end, freePort, makeCertificates, need, ready, start, UNPRIVILEGED } from "./programs";

export const SERVICES = ["database", "cache", "storage"] as const;
export type Service = (typeof SERVICES)[number];

/** Where services are; plain data, so that test files get it from the global set-up. */
export interface Place {
  folder: string;
  ports: Record<Service, number>;
  passwords: Record<Service, string>;
  /** With TLS, and without care for data after a crash. */
  thrownAway: boolean;
}

/** The app's login at each service. */
export const USER = "demo";
export const BUCKET = "demo-uploads";
const REDIS_DB = 2;

/** What an app may do on the platform's shared Redis: its index, and channels that begin with its name. */
const RIGHTS = `~* resetchannels &${USER}:* -@all +@keyspace +@string +@hash +@list +@set +@sortedset +@stream
  +@hyperloglog +@geo +@bitmap +@pubsub +@transaction +@scripting +@connection -@admin -@dangerous +info +time +lolwut
  +acl|whoami +memory|usage -move -copy -swapdb -select -function -fcall -fcall_ro -script +script|load +script|exists
  -pubsub +pubsub|numsub +pubsub|shardnumsub -client|tracking +select|${REDIS_DB}`.replace(/\s+/g, " ");

/** The lines of a Redis configuration: nobody but the app, and `admin` for set-ups. */
export function redisConfig(password: string, settings: string[]): string {
  const users = [
    `user default off`,
    `user ${USER} on >${password} ${RIGHTS}`,
    `user admin on >${password} ~* &* +@all`,
  ];
  return [...settings, ...users, ""].join("\n");
}

function redisAdmin({ ports, passwords }: Place) {
  const socket = { host: "127.0.0.1", port: ports.cache, reconnectStrategy: false } as const;
  return createClient({ socket, username: "admin", password: passwords.cache, database: REDIS_DB });
}

export class Services {
  readonly #running = new Map<Service, ChildProcess>();

  constructor(readonly place: Place) {}

  /** Fresh services in a temporary folder, on free ports. */
  static async throwAway(which: readonly Service[] = SERVICES): Promise<Services> {
    const password = () => `p@ss/${randomBytes(12).toString("hex")}`;
    const services = new Services({
      folder: mkdtempSync(join(tmpdir(), "core-cms-")),
      ports: { database: await freePort(), cache: await freePort(), storage: await freePort() },
      passwords: { database: password(), cache: password(), storage: password() },
      thrownAway: true,
    });
    try {
      await services.start(which);
    } catch (error) {
      await services.stop();
      throw error;
    }
    return services;
  }

  async start(which: readonly Service[] = SERVICES): Promise<void> {
    mkdirSync(this.place.folder, { recursive: true });
    chmodSync(this.place.folder, 0o711);
    const starters = {
      database: () => this.#postgres(),
      cache: () => this.#redis(),
      storage: () => this.#minio(),
    };
    await Promise.all(which.map((service) => starters[service]()));
  }

  /** Ends them, or one of them; what is thrown away is deleted with the last. */
  async stop(which: readonly Service[] = SERVICES): Promise<void> {
    await Promise.all(
      which.map(async (service) => {
        const child = this.#running.get(service);
        if (child) await end(child, service === "database" ? "SIGINT" : "SIGTERM");
        this.#running.delete(service);
      }),
    );
    const { folder, thrownAway } = this.place;
    if (thrownAway && which === SERVICES) rmSync(folder, { recursive: true, force: true });
  }

  /** A folder or file that Postgres owns. */
  #give(path: string): void {
    if (UNPRIVILEGED.uid) chownSync(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }

  async #postgres(): Promise<void> {
    const home = join(this.place.folder, "postgres");
    mkdirSync(home, { recursive: true, mode: 0o700 });
    this.#give(home);
    const data = join(home, "data");
    if (!existsSync(join(data, "PG_VERSION"))) this.#initdb(home, data);
    const args = Object.entries(this.#settings(home)).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const child = start("postgres", [need("postgres"), "-D", data, ...args], {
      folder: home,
      unprivileged: true,
    });
    this.#running.set("database", child);
    await ready("postgres", home, child, () => this.makeRole());
  }

  #initdb(home: string, data: string): void {
    const password = join(home, "password");
    writeFileSync(password, this.place.passwords.database, { mode: 0o600 });
    this.#give(password);
    const args = ["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${password}`, "-E", "UTF8"];
    const how: ExecFileSyncOptions = { ...UNPRIVILEGED, cwd: home, stdio: ["ignore", "ignore", "inherit"] };
    execFileSync(
      need("initdb"),
      [...args, "--locale=C.UTF-8", ...(this.place.thrownAway ? ["-N"] : [])],
      how,
    );
    rmSync(password);
    if (!this.place.thrownAway) return;
    makeCertificates(home);
    for (const name of ["server.key", "server.crt"]) this.#give(join(home, name));
    chmodSync(join(home, "server.key"), 0o600);
    // Clients verify by it; they are not Postgres's user.
    chmodSync(home, 0o711);
  }

  #settings(home: string): Record<string, string | number> {
    const common = {
      port: this.place.ports.database,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
    };
    const [cert, key] = [join(home, "server.crt"), join(home, "server.key")];
    if (!this.place.thrownAway) return common;
    return { ...common, fsync: "off", ssl: "on", ssl_cert_file: cert, ssl_key_file: key };
  }

  /** The app's login: no superuser, as on the platform; it may make databases, as a developer's has to. */
  async makeRole(): Promise<void> {
    await this.asAdmin("postgres", async (client) => {
      const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [USER]);
      const password = pg.escapeLiteral(this.place.passwords.database);
      if (!rowCount) await client.query(`CREATE ROLE ${USER} LOGIN CREATEDB PASSWORD ${password}`);
    });
  }

  async #redis(): Promise<void> {
    const { folder, ports, passwords, thrownAway } = this.place;
    const home = join(folder, "redis");
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const keep = thrownAway ? ['save ""'] : ["appendonly yes"];
    const settings = ["bind 127.0.0.1", `port ${ports.cache}`, `dir ${home}`, ...keep];
    writeFileSync(join(home, "redis.conf"), redisConfig(passwords.cache, settings), { mode: 0o600 });
    const child = start("redis", [need("redis-server"), join(home, "redis.conf")], { folder: home });
    this.#running.set("cache", child);
    await ready("redis", home, child, () => this.asRedisAdmin((client) => client.ping()));
  }

  async #minio(): Promise<void> {
    const { folder, ports, passwords } = this.place;
    const home = join(folder, "minio");
    mkdirSync(join(home, "data"), { recursive: true, mode: 0o700 });
    const env = { MINIO_ROOT_USER: USER, MINIO_ROOT_PASSWORD: passwords.storage, HOME: home };
    const listen = [
      "--address",
      `127.0.0.1:${ports.storage}`,
      "--console-address",
      `127.0.0.1:${await freePort()}`,
    ];
    const child = start("minio", [need("minio"), "server", "--quiet", ...listen, join(home, "data")], {
      folder: home,
      env,
    });
    this.#running.set("storage", child);
    await ready("minio", home, child, () => this.makeBucket());
  }

  /** The app's bucket, unless it is there. */
  async makeBucket(): Promise<void> {
    const { ports, passwords } = this.place;
    const credentials = { accessKeyId: USER, secretAccessKey: passwords.storage };
    const endpoint = `http://127.0.0.1:${ports.storage}`;
    const client = new S3Client({
      endpoint,
      region: "us-east-1",
      credentials,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: Error) => {
      if (error.name !== "BucketAlreadyOwnedByYou") throw error;
    });
  }

  databaseUrl(database: string, user = USER): string {
    const { folder, ports, passwords, thrownAway } = this.place;
    const tls = thrownAway ? `?sslmode=verify-full&sslrootcert=${join(folder, "postgres", "ca.crt")}` : "";
    return `postgresql://${user}:${encodeURIComponent(passwords.database)}@127.0.0.1:${ports.database}/${database}${tls}`;
  }

  /** Runs `work` as Postgres's superuser. */
  async asAdmin<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.databaseUrl(database, "postgres") });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Runs `work` on the app's index of Redis, with all rights. */
  async asRedisAdmin<T>(work: (client: ReturnType<typeof redisAdmin>) => Promise<T>): Promise<T> {
    const client = redisAdmin(this.place);
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      client.destroy();
    }
  }

  /** Makes a database that the app owns, unless it is there; returns its URL. */
  async createDatabase(name: string): Promise<string> {
    await this.asAdmin("postgres", async (client) => {
      const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
      if (!rowCount) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${USER}`);
    });
    return this.databaseUrl(name);
  }

  /** What the platform would hand to an app that has `database` as its own. */
  environment(database: string): Record<string, string> {
    const { ports, passwords } = this.place;
    return {
      DATABASE_URL: this.databaseUrl(database),
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: String(ports.cache),
      REDIS_DB: String(REDIS_DB),
      REDIS_USERNAME: USER,
      REDIS_PASSWORD: passwords.cache,
      REDIS_CHANNEL_PREFIX: `${USER}:`,
      MINIO_ENDPOINT: `http://127.0.0.1:${ports.storage}`,
      MINIO_PUBLIC_ENDPOINT: `http://localhost:${ports.storage}`,
      MINIO_REGION: "us-east-1",
      MINIO_BUCKET: BUCKET,
      MINIO_ACCESS_KEY: USER,
      MINIO_SECRET_KEY: passwords.storage,
    };
  }
}
