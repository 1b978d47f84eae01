/** Finding, starting and ending the programs behind `services.ts`. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { messageOf } from "../../src/lib/process";

/** Postgres refuses to run as root; then it runs as `nobody`. */
export const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const POSTGRES = "/usr/lib/postgresql";
/** Where CodeB's lab keeps the programs that it has built, MinIO among them. */
const LAB = process.env.CODEB_LAB_CACHE ?? join(homedir(), ".cache", "codeb-lab");

export const PROGRAMS = {
  initdb: { variable: "INITDB", install: "apt-get install postgresql" },
  postgres: { variable: "POSTGRES", install: "apt-get install postgresql" },
  "redis-server": { variable: "REDIS_SERVER", install: "apt-get install redis-server" },
  minio: { variable: "MINIO_SERVER", install: "a build of github.com/minio/minio on the PATH" },
  openssl: { variable: "OPENSSL", install: "apt-get install openssl" },
} as const;

export type Program = keyof typeof PROGRAMS;

/** Folders in a folder whose names begin so, the newest version first. */
function folders(parent: string, prefix = ""): string[] {
  const names = existsSync(parent) ? readdirSync(parent).filter((name) => name.startsWith(prefix)) : [];
  return names.sort((a, b) => b.localeCompare(a, "en", { numeric: true })).map((name) => join(parent, name));
}

/** The program's path: what its variable names, else from the PATH, Debian's folders or the lab's cache; null: not here. */
export function find(program: Program): string | null {
  const places = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...folders(POSTGRES).map((folder) => join(folder, "bin")),
    ...folders(LAB, "minio-"),
  ];
  const named = process.env[PROGRAMS[program].variable];
  return named ?? places.map((place) => join(place, program)).find((path) => existsSync(path)) ?? null;
}

/** @throws Error that says how to get it */
export function need(program: Program): string {
  const found = find(program);
  const { variable, install } = PROGRAMS[program];
  if (found === null) throw new Error(`${program} is missing: ${install}, or name it in ${variable}`);
  return found;
}

/** A port of this machine that nobody listens on: `wanted`, or any. */
export function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", () =>
      wanted ? resolve(freePort()) : reject(new Error("no free port")),
    );
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Starts a program that writes what it says to `<folder>/<name>.log`, in a process group of its own. */
export function start(
  name: string,
  command: string[],
  {
    folder,
    env = {},
    unprivileged = false,
  }: { folder: string; env?: Record<string, string>; unprivileged?: boolean },
): ChildProcess {
  const [program = "", ...args] = command;
  const log = openSync(join(folder, `${name}.log`), "a", 0o600);
  // Ctrl-C is for who started us: we end our programs ourselves, in order.
  const how = {
    cwd: folder,
    env: env as NodeJS.ProcessEnv,
    detached: true,
    ...(unprivileged ? UNPRIVILEGED : {}),
  };
  const child = spawn(program, args, { ...how, stdio: ["ignore", log, log] });
  closeSync(log);
  // Whatever becomes of us, it doesn't stay behind.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  return child;
}

/** Ends a child of ours: SIGTERM (Postgres: SIGINT, which waits for nobody), and SIGKILL after ten seconds. */
export function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.once("exit", () => {
      clearTimeout(killer);
      resolve();
    });
    child.kill(signal);
  });
}

/** Repeats until it works; with the end of the program's log once 30 s have passed or it has ended. */
export async function ready(
  name: string,
  folder: string,
  child: ChildProcess,
  attempt: () => Promise<unknown>,
) {
  const late = Date.now() + 30_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (cause) {
      if (child.exitCode === null && Date.now() < late) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const said = readFileSync(join(folder, `${name}.log`), "utf8")
        .trim()
        .split("\n")
        .slice(-5)
        .join("\n");
      throw new Error(`${name} did not come up: ${messageOf(cause)}\n${said}`, { cause });
    }
  }
}

/** A CA and a certificate for 127.0.0.1 by it, as the platform gives Postgres one for its private address. */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync(need("openssl"), args, { cwd: folder, stdio: "ignore" });
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
