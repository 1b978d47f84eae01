/** Throw-away Postgres (with TLS), Redis and MinIO for the integration test, in a temporary folder on free ports. */
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AwsClient } from "aws4fetch";
import pg from "pg";

/** Postgres refuses to run as root, and the app has no business doing so. */
export const UNPRIVILEGED = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};

export const PASSWORDS = {
  database: "database-p@ss/word",
  cache: "cache-password-8c1f",
  storage: "storage-password-77aa",
};
const BUCKET = "demo-uploads";

const POSTGRES_FOLDERS = existsSync("/usr/lib/postgresql")
  ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
  : [];

function find(program, variable) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...POSTGRES_FOLDERS];
  const found =
    process.env[variable] ?? folders.map((folder) => join(folder, program)).find((p) => existsSync(p));
  if (!found) throw new Error(`${program} is not on the PATH: install it, or name it in ${variable}`);
  return found;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export async function until(what, attempt, forMs = 20_000) {
  const end = Date.now() + forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > end) throw new Error(`${what}: not within ${forMs} ms`, { cause });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A CA and a certificate for 127.0.0.1, the way the platform gives Postgres one for its private address. */
function makeCertificates(folder) {
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=Test CA",
    "-days",
    "2",
  );
  openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=postgres");
  writeFileSync(join(folder, "san"), "subjectAltName=IP:127.0.0.1\n");
  const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "2"];
  openssl("x509", "-req", "-in", "server.csr", ...signing, "-out", "server.crt");
}

export class Services {
  #processes = [];
  folder = mkdtempSync(join(tmpdir(), "core-cms-test-"));

  #spawn(name, program, args, env = {}) {
    const log = openSync(join(this.folder, `${name}.log`), "a");
    const child = spawn(program, args, {
      ...UNPRIVILEGED,
      cwd: this.folder,
      env,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#processes.push(child);
    return child;
  }

  #give(path) {
    if (UNPRIVILEGED.uid) chownSync(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }

  async start() {
    chmodSync(this.folder, 0o755);
    this.#give(this.folder);
    this.ports = { database: await freePort(), cache: await freePort(), storage: await freePort() };
    await Promise.all([this.#startPostgres(), this.startRedis(), this.#startMinio()]);
    return this;
  }

  async #startPostgres() {
    makeCertificates(this.folder);
    for (const name of ["server.key", "server.crt"]) this.#give(join(this.folder, name));
    chmodSync(join(this.folder, "server.key"), 0o600);
    const passwordFile = join(this.folder, "password");
    writeFileSync(passwordFile, PASSWORDS.database);
    const data = join(this.folder, "postgres");
    const initArgs = ["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "-N"];
    execFileSync(find("initdb", "INITDB"), initArgs, { ...UNPRIVILEGED, cwd: this.folder, stdio: "ignore" });
    const settings = {
      port: this.ports.database,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      fsync: "off",
      ssl: "on",
      ssl_cert_file: join(this.folder, "server.crt"),
      ssl_key_file: join(this.folder, "server.key"),
    };
    const args = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    this.#spawn("postgres", find("postgres", "POSTGRES"), ["-D", data, ...args]);
    await until("Postgres", () => this.query("postgres", "SELECT 1"));
  }

  /** Redis with the rights that the platform's agent gives an app: its own index, and nothing dangerous. */
  async startRedis() {
    const config = join(this.folder, "redis.conf");
    const rights = "~* &* +@all -@admin -@dangerous +info -select -move -copy -swapdb +select|2";
    writeFileSync(
      config,
      `bind 127.0.0.1\nport ${this.ports.cache}\nsave ""\nuser default off\nuser demo on >${PASSWORDS.cache} ${rights}\n`,
    );
    this.redis = this.#spawn("redis", find("redis-server", "REDIS_SERVER"), [config]);
    const log = join(this.folder, "redis.log");
    const starts = () => readFileSync(log, "utf8").split("Ready to accept connections").length;
    const before = starts();
    await until("Redis", () => {
      if (starts() === before) throw new Error("not ready");
    });
  }

  async #startMinio() {
    const data = join(this.folder, "minio");
    mkdirSync(data);
    this.#give(data);
    const address = `127.0.0.1:${this.ports.storage}`;
    const env = { MINIO_ROOT_USER: "demo", MINIO_ROOT_PASSWORD: PASSWORDS.storage, HOME: this.folder };
    this.#spawn(
      "minio",
      find("minio", "MINIO_SERVER"),
      ["server", "--quiet", "--address", address, data],
      env,
    );
    const root = { accessKeyId: "demo", secretAccessKey: PASSWORDS.storage, service: "s3", retries: 0 };
    const client = new AwsClient({ ...root, region: "us-east-1" });
    await until("MinIO", async () => {
      const answer = await client.fetch(`http://${address}/${BUCKET}`, { method: "PUT" });
      if (!answer.ok && answer.status !== 409) throw new Error(`status ${answer.status}`);
    });
  }

  databaseUrl(name, password = PASSWORDS.database) {
    const address = `127.0.0.1:${this.ports.database}`;
    const tls = `sslmode=verify-full&sslrootcert=${join(this.folder, "ca.crt")}`;
    return `postgresql://postgres:${encodeURIComponent(password)}@${address}/${name}?${tls}`;
  }

  async query(database, sql) {
    const client = new pg.Client({ connectionString: this.databaseUrl(database) });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** An empty database, and the environment of the app that owns it. */
  async freshDatabase(name) {
    await this.query("postgres", `CREATE DATABASE ${name}`);
    return this.environment(name);
  }

  /** What the platform would hand to an app that has `database` as its own. */
  environment(database) {
    return {
      DATABASE_URL: this.databaseUrl(database),
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: String(this.ports.cache),
      REDIS_DB: "2",
      REDIS_USERNAME: "demo",
      REDIS_PASSWORD: PASSWORDS.cache,
      MINIO_ENDPOINT: `http://127.0.0.1:${this.ports.storage}`,
      MINIO_PUBLIC_ENDPOINT: `http://localhost:${this.ports.storage}`,
      MINIO_BUCKET: BUCKET,
      MINIO_ACCESS_KEY: "demo",
      MINIO_SECRET_KEY: PASSWORDS.storage,
      NEXTAUTH_SECRET: "nextauth-secret-51f0",
      NEXT_PUBLIC_APP_NAME: "Food Delivery",
    };
  }

  async stopRedis() {
    await end(this.redis);
  }

  async stop() {
    await Promise.all(this.#processes.map(end));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends a child of ours: SIGTERM, and SIGKILL after ten seconds. */
export function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.once("exit", () => {
      clearTimeout(killer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
