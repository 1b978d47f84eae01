"use strict";

/** The container's entry: settles what must be settled before Next.js starts, then starts its standalone server. */

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

logAsJson();
process.chdir(__dirname);
require("./server.js");
