"use strict";

/** The container's entry: settles what must be settled before Next.js starts, then starts its standalone server. */

const { subscribe } = require("node:diagnostics_channel");
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { format } = require("node:util");

/** What Next.js prints becomes JSON lines on standard output, like the app's own log. */
function logAsJson() {
  const levels = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...args) => {
      const message = format(...args).trim();
      const line = { time: new Date().toISOString(), level, message, source: "next" };
      if (message) process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  }
}

function readVersion() {
  const file = join(__dirname, "VERSION");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "unknown";
}

/**
 * Gives WebSockets at /api/live to src/lib/live.ts, and refuses them until that is there: Next.js, which sees every
 * upgrade too, leaves those of paths that it does not know open for ever. No other way leads to the server it makes.
 */
function takeWebSockets() {
  const known = new WeakSet();
  const upgrade = (request, socket, head) => {
    if (request.url.split("?", 1)[0] !== "/api/live") return;
    const live = globalThis[Symbol.for("core-cms.live")];
    if (live) live.value(request, socket, head);
    else socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  subscribe("net.server.socket", ({ socket: { server } }) => {
    if (!server || known.has(server)) return;
    known.add(server);
    server.on("upgrade", upgrade);
  });
}

const { env } = process;
env.NODE_ENV = "production";
env.NO_COLOR = "1";
env.NEXT_TELEMETRY_DISABLED = "1";
// src/lib/lifecycle.ts handles signals.
env.NEXT_MANUAL_SIG_HANDLE = "1";
env.APP_VERSION ||= readVersion();
// A container engine sets HOSTNAME to the container's name; Next.js would listen there only.
env.HOSTNAME = "0.0.0.0";
env.PORT ||= "3000";
// Longer than a proxy keeps an idle connection (Caddy: 2 minutes), so that only the proxy ends one: a POST that meets a
// connection which we are closing fails.
env.KEEP_ALIVE_TIMEOUT ||= "150000";
if (env.DEMO_FAIL === "wrong-port") env.PORT = String(Number(env.PORT) + 1000);

logAsJson();
takeWebSockets();
process.chdir(__dirname);
require("./server.js");
