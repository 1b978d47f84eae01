"use strict";

/** The container's entry: what any app of Next.js needs in a container behind Caddy, and no more. */

const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const { env } = process;
env.NODE_ENV = "production";
env.NEXT_TELEMETRY_DISABLED = "1";
env.APP_VERSION ||= readFileSync(join(__dirname, "VERSION"), "utf8").trim();
// A container engine sets HOSTNAME to the container's name; Next.js would listen there only.
env.HOSTNAME = "0.0.0.0";
env.PORT ||= "3000";
// As Core CMS: longer than Caddy keeps an idle connection.
env.KEEP_ALIVE_TIMEOUT ||= "150000";

process.chdir(__dirname);
require("./server.js");
