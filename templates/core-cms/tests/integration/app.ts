/** The built app as a process of its own, unprivileged and unable to write to its folder, as in its container. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";

const ENTRY = resolve(process.env.APP_ENTRY ?? ".next/context/app/start.cjs");
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

export type Environment = Record<string, string>;

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Repeats `attempt` until it doesn't throw. */
export async function until<T>(what: string, attempt: () => T | Promise<T>, forMs = 20_000): Promise<T> {
  const end = Date.now() + forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > end) throw new Error(`${what}: not within ${forMs} ms`, { cause });
      await new Promise((then) => setTimeout(then, 50));
    }
  }
}

export class App {
  output = "";
  /** The exit status. */
  readonly exited: Promise<number | null>;

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = once(child, "close").then(([code]) => code);
  }

  /** Starts it. Its own address is in NEXTAUTH_URL unless the environment has one. */
  static async launch(environment: Environment): Promise<App> {
    const port = Number(environment.PORT ?? (await freePort()));
    const own = { PORT: String(port), APP_VERSION: "9.9.9", NEXTAUTH_URL: `http://127.0.0.1:${port}` };
    const env = { PATH: process.env.PATH ?? "", NODE_ENV: "production" as const, ...own, ...environment };
    const child = spawn(process.execPath, [ENTRY], {
      ...UNPRIVILEGED,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new App(port, child);
  }

  /** Starts it and waits until the health check answers, with whatever status. */
  static async ready(environment: Environment): Promise<App> {
    const app = await App.launch(environment);
    try {
      await until("the app", async () => {
        if (app.child.exitCode !== null) return;
        await app.get("/api/health");
      });
      if (app.child.exitCode !== null) throw new Error(`exited with ${app.child.exitCode}: ${app.output}`);
      return app;
    } catch (error) {
      await app.stop();
      throw error;
    }
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async get(path: string, headers: Record<string, string> = {}) {
    const answer = await fetch(this.url(path), { headers, redirect: "manual" });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) };
  }

  /** The log as objects; throws if any line is not JSON. */
  lines(): Record<string, unknown>[] {
    return this.output
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** SIGTERM, and SIGKILL after ten seconds. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const killer = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    this.child.kill("SIGTERM");
    await this.exited;
    clearTimeout(killer);
  }
}
