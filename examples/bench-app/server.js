/** What the lab's tests and benchmarks release: it answers all that they ask, and fails as they like. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { cacheOf } from "./cache.js";
import { healthOf } from "./health.js";
import { BadRequest, connect, count, ITEM, place, prepare, warm } from "./orders.js";
import { storageOf } from "./storage.js";
import { retried, within } from "./within.js";

const START_MS = 30_000;
const DRAIN_MS = 25_000;
const CLOSE_MS = 1_000;
const GOODBYE_MS = 2_000;
/** Streams end one after the other, this far apart or all within this time: their clients all come back at once. */
const APART_MS = 100;
const SPREAD_MS = 5_000;
const MAX_ORDER = 16 * 1024;
const FAULTS = ["crash", "migration", "slow", "unhealthy", "wrong-port"];
/** Of DEMO_FAIL=slow: longer than the 500 ms in which a release wants the health answer. */
const SLOW_MS = 1_500;
const LONGEST_MS = 30_000;
/** RFC 6455: this end is going away, come again. */
const GOING_AWAY = 1001;

const { env } = process;
const versionFile = new URL("VERSION", import.meta.url);
const who = {
  version: existsSync(versionFile) ? readFileSync(versionFile, "utf8").trim() : "unknown",
  colour: env.CODEB_COLOUR || null,
  hostname: hostname(),
};
const started_at = new Date();
const title = env.DEMO_TITLE || "bench-app";
/** What goes wrong on purpose, if anything. */
const fault = env.DEMO_FAIL || null;
const stop = new AbortController();
const open = new Set();
/** A function for each open stream, which ends it. */
const streams = new Set();
const sockets = new WebSocketServer({ noServer: true, maxPayload: 4 * 1024, perMessageDeflate: false });

function log(level, message, fields = {}) {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}

function answer(response, body, status = 200) {
  const text = JSON.stringify(body);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
  if (stop.signal.aborted) headers.Connection = "close";
  response.writeHead(status, { ...headers, "Cache-Control": "no-store" }).end(text);
}

async function health(_, response) {
  const found = await services();
  if (fault === "unhealthy") found.status = "degraded";
  const { version, colour } = who;
  answer(response, { ...found, version, colour }, found.status === "ok" ? 200 : 503);
}

/** Answers after `?ms=` milliseconds, also while the process stops. */
async function slow(request, response) {
  const asked = Number(new URL(request.url, "http://app").searchParams.get("ms") ?? 1_000);
  const ms = Math.min(LONGEST_MS, Math.max(0, Math.trunc(asked) || 0));
  await sleep(ms);
  answer(response, { waited_ms: ms, ...who });
}

async function order(request, response) {
  if (!(Number(request.headers["content-length"]) <= MAX_ORDER)) {
    return answer(response, { error: `the body must have a length of at most ${MAX_ORDER} bytes` }, 413);
  }
  const chunks = await request.toArray();
  const placed = await place(pool, Buffer.concat(chunks).toString());
  answer(response, placed.order, placed.created ? 201 : 200);
}

async function upload(request, response) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const { version, colour } = who;
  answer(response, { bytes, sha256: hash.digest("hex"), version, colour });
}

/** Server-sent events: one at once, then one a second, until the reader leaves or the process stops. */
function events(_, response) {
  let count = 0;
  const tick = () => {
    count += 1;
    response.write(`event: tick\ndata: ${JSON.stringify({ count, ...who })}\n\n`);
  };
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" });
  response.write("retry: 1000\n\n");
  tick();
  const timer = setInterval(tick, 1_000);
  const end = () => response.end();
  streams.add(end);
  response.once("close", () => {
    clearInterval(timer);
    streams.delete(end);
  });
  if (stop.signal.aborted) end();
}

const routes = {
  "GET /api/health": health,
  "GET /api/version": (_, response) => answer(response, { name: "bench-app", ...who, started_at }),
  "GET /api/restaurants": (_, response) => answer(response, { title, items: [{ id: ITEM, name: "the item" }] }),
  "GET /api/orders": async (_, response) => answer(response, await count(pool)),
  "GET /api/slow": slow,
  "GET /api/events": events,
  "POST /api/orders": order,
  "POST /api/upload": upload,
};

function failed(response, error) {
  if (error instanceof BadRequest) return answer(response, { error: error.message }, 400);
  // The client left: there is nobody to tell.
  if (response.destroyed) return;
  log("error", "request failed", { cause: error.message });
  if (response.headersSent) response.destroy();
  else answer(response, { error: "internal error" }, 500);
}

async function handle(request, response) {
  open.add(response);
  response.once("close", () => {
    open.delete(response);
    if (stop.signal.aborted) setImmediate(letGo);
  });
  const route = routes[`${request.method} ${request.url.split("?", 1)[0]}`];
  try {
    if (fault === "slow") await sleep(SLOW_MS);
    if (route) await route(request, response);
    else answer(response, { error: "there is nothing here" }, 404);
  } catch (error) {
    failed(response, error);
  }
}

function farewell(client) {
  client.close(GOING_AWAY, "stopping");
  setTimeout(() => client.terminate(), GOODBYE_MS).unref();
}

/** WebSockets at /api/live: the first message says who this is; all that are sent come back. */
function live(request, socket, head) {
  if (request.url.split("?", 1)[0] !== "/api/live") {
    return socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
  sockets.handleUpgrade(request, socket, head, (client) => {
    const end = () => farewell(client);
    streams.add(end);
    client.on("close", () => streams.delete(end));
    client.on("error", () => client.terminate());
    client.on("message", (data, binary) => client.send(data, { binary }));
    client.send(JSON.stringify(who));
    if (stop.signal.aborted) end();
  });
}

/** Closes what no answer is due on. A connection that never carried a request is not idle to Node.js. */
function letGo() {
  if (open.size === 0) server.closeAllConnections();
  else server.closeIdleConnections();
}

async function endStreams() {
  const apart = Math.min(APART_MS, SPREAD_MS / Math.max(1, streams.size));
  for (const end of streams) {
    end();
    await sleep(apart);
  }
}

/** Stops accepting, ends streams, and lets what is in flight finish: in 25 s, since the platform kills after 30. */
async function shutdown(signal) {
  if (stop.signal.aborted) return;
  log("info", "stopping", { signal, in_flight: open.size });
  const closed = new Promise((resolve) => server.close(resolve));
  stop.abort();
  letGo();
  try {
    await within(DRAIN_MS, "the last request", Promise.all([endStreams(), closed]));
    cache?.close();
    await within(CLOSE_MS, "the database pool", pool.end());
    log("info", "stopped");
  } catch (error) {
    log("warn", "stopped with work left over", { cause: error.message, in_flight: open.size });
  }
  process.exit(0);
}

const idleError = (error) => log("warn", "an idle database connection broke", { cause: error.message });
const pool = connect(env.DATABASE_URL, Number(env.DATABASE_POOL_SIZE) || 8, idleError);
const [cache, storage] = [cacheOf(env), storageOf(env)];
const services = healthOf(
  { database: () => pool.query("SELECT 1"), cache: cache?.ping, storage: storage?.check },
  log,
);

async function start() {
  if (!env.DATABASE_URL) throw new Error("DATABASE_URL is not set");
  if (fault && !FAULTS.includes(fault)) throw new Error(`DEMO_FAIL must be one of ${FAULTS.join(", ")}`);
  if (fault === "crash") throw new Error("DEMO_FAIL=crash");
  await Promise.all([prepare(pool), storage && retried(START_MS, storage.put)]);
  if (fault === "migration") await pool.query("SELECT demo_fail_migration()");
  await warm(pool);
}

// Longer than a proxy keeps an idle connection (Caddy: 2 minutes), so that only the proxy ends one.
const server = createServer({ keepAliveTimeout: 150_000 }, handle).on("upgrade", live);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void shutdown(signal));
try {
  await start();
} catch (error) {
  log("error", "could not start", { cause: error.message });
  process.exit(1);
}
const port = (Number(env.PORT) || 3000) + (fault === "wrong-port" ? 1_000 : 0);
server.listen(port, "0.0.0.0", () => log("info", "ready", { ...who, fault }));
