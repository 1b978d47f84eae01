/** The built app as a process of its own, unprivileged and unable to write to its folder, as in its container. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { end, freePort, PASSWORDS, UNPRIVILEGED, until } from "./services.mjs";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ENTRY = process.env.APP_ENTRY ?? join(ROOT, ".next", "context", "app", "start.cjs");

const launched = [];

export class AppProcess {
  output = "";

  static async launch(environment) {
    const app = new AppProcess();
    app.port = await freePort();
    const env = { PATH: process.env.PATH, PORT: String(app.port), APP_VERSION: "9.9.9", ...environment };
    app.child = spawn(process.execPath, [ENTRY], { ...UNPRIVILEGED, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [app.child.stdout, app.child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        app.output += text;
      });
    }
    launched.push(app);
    app.exited = once(app.child, "close").then(([code]) => code);
    return app;
  }

  /** Launches and waits until the health check answers, with whatever status. */
  static async ready(environment) {
    const app = await AppProcess.launch(environment);
    try {
      await until("the app", () => {
        if (app.child.exitCode !== null) throw new Error(`exited with ${app.child.exitCode}: ${app.output}`);
        return app.get("/api/health");
      });
    } catch (error) {
      await app.stop();
      throw error;
    }
    return app;
  }

  url(path) {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async get(path) {
    const answer = await fetch(this.url(path));
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  post(path, body) {
    const headers = { "Content-Type": "application/json" };
    return fetch(this.url(path), { method: "POST", headers, body: JSON.stringify(body) });
  }

  /** The log as objects; throws if any line is not JSON. */
  lines() {
    return this.output
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  stop() {
    return end(this.child);
  }
}

/** Runs `work` with an app that is ready, and stops it. */
export async function withApp(environment, work) {
  const app = await AppProcess.ready(environment);
  try {
    await work(app);
  } finally {
    await app.stop();
  }
}

/** All apps that this file launched wrote JSON lines, and no secret in any of them. */
export function assertCleanLogs() {
  const secrets = [
    ...Object.values(PASSWORDS),
    encodeURIComponent(PASSWORDS.database),
    "nextauth-secret-51f0",
  ];
  assert.ok(launched.length >= 3);
  for (const app of launched) {
    assert.ok(app.lines().length > 0);
    for (const secret of secrets) assert.ok(!app.output.includes(secret), "a secret was logged");
  }
}
