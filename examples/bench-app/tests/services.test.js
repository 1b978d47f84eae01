/** What the health check finds out of services: these answer as Redis and MinIO do, or not as they should. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import { test } from "node:test";
import { cacheOf } from "../cache.js";
import { healthOf } from "../health.js";
import { storageOf } from "../storage.js";

/** As many good answers as there are commands. */
function good(socket, data) {
  socket.write("+OK\r\n".repeat(data.toString().split("*").length - 1));
}

async function listening(context, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  return server.address().port;
}

/** A cache on a server that gives each connection to `serve`. */
async function cacheOn(context, serve) {
  const port = await listening(context, createServer((socket) => serve(socket.on("error", () => {}))));
  const login = { REDIS_DB: "3", REDIS_USERNAME: "shop", REDIS_PASSWORD: "secret" };
  const cache = cacheOf({ REDIS_HOST: "127.0.0.1", REDIS_PORT: String(port), ...login });
  context.after(() => cache.close());
  return cache;
}

test("a cache is logged in to once, in the project's index, and asked again on the same connection", async (context) => {
  let said = "";
  let connections = 0;
  const cache = await cacheOn(context, (socket) => {
    connections += 1;
    socket.on("data", (data) => {
      said += data;
      good(socket, data);
    });
  });
  await cache.ping();
  await cache.ping();
  const login = "*3\r\n$4\r\nAUTH\r\n$4\r\nshop\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
  assert.equal(said, `${login}${"*1\r\n$4\r\nPING\r\n".repeat(2)}`);
  assert.equal(connections, 1);
});

test("a cache that refuses, hangs up or is silent fails, and is connected to anew", async (context) => {
  const ways = [(socket) => socket.write("-WRONGPASS no\r\n"), (socket) => socket.destroy(), () => {}];
  const answers = (socket) => socket.on("data", (data) => good(socket, data));
  const cache = await cacheOn(context, (socket) => (ways.shift() ?? answers)(socket));
  await assert.rejects(cache.ping(), /WRONGPASS/);
  await assert.rejects(cache.ping());
  await assert.rejects(cache.ping(), /no end after/);
  await cache.ping();
});

test("an object that may not be put or is not there is an error", async (context) => {
  const asked = [];
  const server = createHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(request.method === "PUT" ? 403 : 404).end();
  });
  const port = await listening(context, server);
  context.after(() => server.closeAllConnections());
  const keys = { MINIO_BUCKET: "shop-uploads", MINIO_ACCESS_KEY: "shop", MINIO_SECRET_KEY: "secret" };
  const storage = storageOf({ MINIO_ENDPOINT: `http://127.0.0.1:${port}`, ...keys });
  await assert.rejects(storage.put(), /answered 403 to PUT/);
  await assert.rejects(storage.check(), /answered 404 to HEAD/);
  assert.deepEqual(asked, ["PUT /shop-uploads/probe.txt", "HEAD /shop-uploads/probe.txt"]);
});

test("health names what failed, and the log says why once and when it is back", async () => {
  let broken = null;
  const logged = [];
  const check = async () => {
    if (broken) throw broken;
  };
  const health = healthOf({ database: check, cache: async () => {}, storage: null }, (...line) => logged.push(line));
  assert.deepEqual(await health(), { status: "ok", database: "ok", cache: "ok", storage: "off" });
  broken = new Error("refused");
  await health();
  assert.deepEqual(await health(), { status: "degraded", database: "failed", cache: "ok", storage: "off" });
  broken = null;
  await health();
  assert.deepEqual(logged, [
    ["error", "health: database failed", { cause: "refused" }],
    ["info", "health: database is back"],
  ]);
});
