import assert from "node:assert/strict";
import { get as httpGet } from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AppProcess, assertCleanLogs, withApp } from "./process.mjs";
import { Services, until } from "./services.mjs";

let services;

before(async () => {
  services = new Services();
  await services.start();
});

after(() => services.stop());

describe("an app with all its services", () => {
  let app;

  before(async () => {
    app = await AppProcess.ready(await services.freshDatabase("serving"));
  });

  after(async () => {
    await app.stop();
  });

  it("reports each service as ok, quickly", async () => {
    const body = await until("health", async () => {
      const answer = await app.get("/api/health");
      assert.equal(answer.status, 200);
      return answer.body;
    });
    const { database, cache, storage } = body;
    assert.deepEqual({ database, cache, storage }, { database: "ok", cache: "ok", storage: "ok" });
    assert.equal(body.version, "9.9.9");
    const times = [];
    for (let check = 0; check < 10; check += 1) {
      const started = performance.now();
      await app.get("/api/health");
      times.push(performance.now() - started);
    }
    // The best of ten, since a busy machine delays any of them.
    assert.ok(Math.min(...times) < 250, `took ${times} ms`);
  });

  it("serves rows from the database first and from the cache the second time", async () => {
    const first = (await app.get("/api/restaurants")).body;
    const second = (await app.get("/api/restaurants")).body;
    assert.deepEqual([first.cached, second.cached], [false, true]);
    assert.equal(first.title, "Restaurants");
    assert.deepEqual(
      first.items.map(({ name }) => name),
      second.items.map(({ name }) => name),
    );
    assert.ok(first.items.length >= 6);
  });

  it("signs image URLs for one hour against the public address, and only signed ones download", async () => {
    const { body } = await app.get("/api/restaurants");
    for (const { image_url } of body.items) {
      const url = new URL(image_url);
      assert.equal(url.hostname, "localhost");
      assert.equal(url.searchParams.get("X-Amz-Expires"), "3600");
      const image = await fetch(url);
      assert.equal(image.status, 200);
      assert.equal(image.headers.get("content-type"), "image/svg+xml");
      assert.match(await image.text(), /^<svg /);
      assert.equal((await fetch(url.origin + url.pathname)).status, 403);
    }
  });

  it("renders the page under a policy whose nonce all scripts carry", async () => {
    const page = await fetch(app.url("/"));
    const html = await page.text();
    const nonce = /'nonce-([^']+)'/.exec(page.headers.get("content-security-policy"))[1];
    const scripts = html.match(/<script\b[^>]*>/g);
    assert.ok(scripts.length > 2);
    for (const script of scripts) assert.ok(script.includes(`nonce="${nonce}"`), script);
    assert.match(html, /<title>Food Delivery<\/title>/);
    assert.match(html, /The Copper Pot/);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    assert.equal(page.headers.get("x-frame-options"), "DENY");
    assert.equal(page.headers.get("x-powered-by"), null);
    const style = /href="(\/_next\/static\/css\/[^"]+)"/.exec(html)[1];
    assert.equal((await fetch(app.url(style))).status, 200);
  });

  it("stores an order once per reference and names what is wrong with a bad one", async () => {
    const [item] = (await app.get("/api/restaurants")).body.items;
    const order = { item_id: item.id, quantity: 2, reference: "order-1" };
    const placed = await app.post("/api/orders", order);
    assert.equal(placed.status, 201);
    const { id } = await placed.json();
    const again = await app.post("/api/orders", order);
    assert.equal(again.status, 200);
    assert.equal((await again.json()).id, id);
    assert.deepEqual((await app.get("/api/orders")).body, { count: 1 });
    const bad = await app.post("/api/orders", { item_id: item.id, quantity: 0 });
    assert.deepEqual(
      [bad.status, (await bad.json()).error],
      [400, "quantity must be a whole number from 1 to 100"],
    );
    const unknown = await app.post("/api/orders", { item_id: 1_000_000 });
    assert.equal(unknown.status, 400);
    const hostile = await app.post("/api/orders", {
      item_id: item.id,
      reference: "x'); DROP TABLE orders; --",
    });
    assert.equal(hostile.status, 400);
    const long = await app.post("/api/orders", { item_id: item.id, note: "x".repeat(20_000) });
    assert.equal(long.status, 413);
  });

  it("counts requests and cache results", async () => {
    const text = await (await fetch(app.url("/api/metrics"))).text();
    assert.match(text, /http_requests_total\{method="GET",route="\/api\/restaurants",status="200"\} [1-9]/);
    assert.match(
      text,
      /http_request_duration_seconds_bucket\{le="10",method="GET",route="\/api\/health"\} [1-9]/,
    );
    assert.match(text, /cache_requests_total\{result="hit"\} [1-9]/);
    assert.match(text, /cache_requests_total\{result="miss"\} 1\n/);
    assert.match(text, /app_info\{version="9.9.9",colour=""\} 1/);
    assert.match(text, /process_resident_memory_bytes [1-9]/);
  });

  it("goes on serving without its cache, reports it, and finds it again", async () => {
    await services.stopRedis();
    const broken = await app.get("/api/health");
    assert.deepEqual([broken.status, broken.body.status, broken.body.cache], [503, "degraded", "failed"]);
    assert.equal(broken.body.database, "ok");
    const list = await app.get("/api/restaurants");
    assert.deepEqual([list.status, list.body.cached], [200, false]);
    await services.startRedis();
    await until("the cache", async () => assert.equal((await app.get("/api/health")).status, 200));
  });
});

it("lets two processes that start at once migrate and seed exactly once", async () => {
  const environment = {
    ...(await services.freshDatabase("twins")),
    DEMO_DATASET: "listings",
    DEMO_TITLE: "Homes",
  };
  const twins = await Promise.all([AppProcess.ready(environment), AppProcess.ready(environment)]);
  try {
    const { body } = await twins[0].get("/api/restaurants");
    assert.equal(body.title, "Homes");
    assert.equal(body.items.length, 6);
    const runs = twins.map(
      (app) => app.lines().find((line) => line.message === "database ready").migrations_run,
    );
    assert.deepEqual(runs.flat(), ["001_items", "002_orders"]);
  } finally {
    await Promise.all(twins.map((app) => app.stop()));
  }
});

it("finishes requests in flight and ends streams when asked to stop", async () => {
  await withApp(await services.freshDatabase("stopping"), async (app) => {
    const left = await fetch(app.url("/api/events"));
    await left.body.cancel();
    let answered = false;
    const slow = app.get("/api/slow?ms=3000").finally(() => {
      answered = true;
    });
    const stream = await fetch(app.url("/api/events"));
    await sleep(300);
    app.child.kill("SIGTERM");
    const events = await stream.text();
    assert.match(events, /event: tick\ndata: \{"count":1,/);
    assert.ok(!answered, "the stream did not end at once");
    await assert.rejects(
      new Promise((resolve, reject) =>
        httpGet(app.url("/api/version"), { agent: false }, resolve).on("error", reject),
      ),
      { code: "ECONNREFUSED" },
    );
    const { status, headers } = await slow;
    assert.deepEqual([status, headers.get("connection")], [200, "close"]);
    assert.equal(await app.exited, 0);
    // Not "stopped with work left over", which comes after the time for it has run out.
    assert.equal(app.lines().at(-1).message, "stopped");
  });
});

it("stops when its time to drain is over, however long a request takes", async () => {
  const environment = { ...(await services.freshDatabase("stubborn")), DRAIN_TIMEOUT: "2000" };
  await withApp(environment, async (app) => {
    const cut = assert.rejects(app.get("/api/slow?ms=30000"));
    await sleep(300);
    const asked = performance.now();
    app.child.kill("SIGTERM");
    assert.equal(await app.exited, 0);
    assert.ok(performance.now() - asked < 6_000);
    await cut;
  });
});

it("wrote JSON lines only, and no secret in any of them", assertCleanLogs);
