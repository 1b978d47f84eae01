import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { AppProcess, assertCleanLogs, withApp } from "./process.mjs";
import { Services, until } from "./services.mjs";

const MiB = 1024 * 1024;
let services;

before(async () => {
  services = new Services();
  await services.start();
});

after(() => services.stop());

/** A WebSocket and its first message. */
async function connect(app, path = "/api/live") {
  const socket = new WebSocket(app.url(path).replace("http", "ws"));
  const [data] = await once(socket, "message");
  return { socket, hello: JSON.parse(data) };
}

/** Sends chunks as one POST without a length; resolves with its answer. */
function upload(app, chunks, pauseMs = 0) {
  return new Promise((resolve, reject) => {
    const sent = request(app.url("/api/upload"), { method: "POST" }, async (answer) => {
      let text = "";
      for await (const part of answer.setEncoding("utf8")) text += part;
      resolve({ status: answer.statusCode, body: JSON.parse(text) });
    });
    sent.on("error", reject);
    (async () => {
      for (const chunk of chunks) {
        if (!sent.write(chunk)) await once(sent, "drain");
        if (pauseMs) await sleep(pauseMs);
      }
      sent.end();
    })().catch(reject);
  });
}

function residentMiB(app) {
  const status = readFileSync(`/proc/${app.child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1024;
}

describe("an app with live connections", () => {
  let app;

  before(async () => {
    app = await AppProcess.ready({ ...(await services.freshDatabase("live")), CODEB_COLOUR: "blue" });
  });

  after(() => app.stop());

  it("says on a WebSocket who it is, then echoes text and bytes", async () => {
    const { socket, hello } = await connect(app);
    assert.deepEqual([hello.version, hello.colour], ["9.9.9", "blue"]);
    for (const message of ["hello", Buffer.from([0, 1, 2])]) {
      socket.send(message);
      const [data, binary] = await once(socket, "message");
      assert.deepEqual([data, binary], [Buffer.from(message), typeof message !== "string"]);
    }
    socket.close();
    await once(socket, "close");
  });

  it("ends a WebSocket whose message is too long, and no other", async () => {
    const [loud, quiet] = [await connect(app), await connect(app)];
    loud.socket.send("x".repeat(5_000));
    const [code] = await once(loud.socket, "close");
    assert.equal(code, 1009);
    quiet.socket.send("still here");
    assert.equal(String((await once(quiet.socket, "message"))[0]), "still here");
    quiet.socket.terminate();
  });

  it("answers a plain GET of the WebSocket's path with 404", async () => {
    assert.equal((await fetch(app.url("/api/live"))).status, 404);
  });

  it("digests an upload as it comes, without holding it in memory", async () => {
    const chunk = randomBytes(MiB);
    await upload(app, [chunk]);
    const before = residentMiB(app);
    const chunks = Array(256).fill(chunk);
    const { status, body } = await upload(app, chunks);
    assert.equal(status, 200);
    const hash = createHash("sha256");
    for (const part of chunks) hash.update(part);
    assert.deepEqual([body.bytes, body.sha256], [256 * MiB, hash.digest("hex")]);
    assert.ok(residentMiB(app) - before < 128, `grew from ${before} to ${residentMiB(app)} MiB`);
  });

  it("takes an empty upload", async () => {
    const { status, body } = await upload(app, []);
    assert.deepEqual([status, body.bytes], [200, 0]);
  });
});

it("tells WebSockets at once that it goes, and finishes the upload in flight", async () => {
  await withApp(await services.freshDatabase("going"), async (app) => {
    const { socket } = await connect(app);
    const slow = upload(app, Array(20).fill("0123456789"), 150);
    await sleep(300);
    const asked = performance.now();
    app.child.kill("SIGTERM");
    const [code, reason] = await once(socket, "close");
    assert.deepEqual([code, String(reason)], [1001, "stopping"]);
    assert.ok(performance.now() - asked < 1_000);
    const { status, body } = await slow;
    assert.deepEqual([status, body.bytes], [200, 200]);
    assert.equal(await app.exited, 0);
    assert.equal(app.lines().at(-1).message, "stopped");
  });
});

it("refuses WebSockets until it is ready, and leaves none hanging", async () => {
  const app = await AppProcess.launch(await services.freshDatabase("early"));
  const attempt = async () => {
    const socket = new WebSocket(app.url("/api/live").replace("http", "ws"), { handshakeTimeout: 3_000 });
    try {
      await once(socket, "message");
      return "open";
    } catch (error) {
      return error.message;
    } finally {
      socket.terminate();
    }
  };
  try {
    const seen = new Set();
    await until("a WebSocket", async () => {
      seen.add(await attempt());
      assert.ok(seen.has("open"));
    });
    for (const outcome of seen) assert.match(outcome, /open|ECONNREFUSED|response: 503/);
  } finally {
    await app.stop();
  }
});

it("does not wait for a WebSocket that never says goodbye", async () => {
  await withApp(await services.freshDatabase("silent"), async (app) => {
    const { socket } = await connect(app);
    socket.pause();
    const asked = performance.now();
    app.child.kill("SIGTERM");
    assert.equal(await app.exited, 0);
    assert.ok(performance.now() - asked < 6_000);
    socket.terminate();
  });
});

it("wrote JSON lines only, and no secret in any of them", assertCleanLogs);
