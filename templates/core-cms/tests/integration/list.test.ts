import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Services } from "../../scripts/services/services";
import { App, until } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, redisOf, rows, signedIn } from "./people";

const KEY = "restaurants:list:active";

let env: Environment;
let one: App;
let two: App;
let ann: Person;
/** How many of the demo's rows are active. */
let seeds: number;

beforeAll(async () => {
  env = await freshApp({ APP_SEED: "demo" });
  seeds = (await rows(env, "SELECT 1 FROM content_items WHERE status = 'active'")).length;
  [one, two] = [await App.ready(env), await App.ready(env)];
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
});
beforeEach(async () => {
  await clearRedis();
  ann = await signedIn(env, "Ann", "admin");
});

const list = async (app: App) => (await app.get("/api/restaurants")).json();
const draft = (name: string) => ({
  formKey: crypto.randomUUID(),
  name,
  category: "x",
  summary: "x",
  body: "",
  imageKey: null,
});

describe("GET /api/restaurants", () => {
  it("answers with the active ones, from the database and then from the cache", async () => {
    const answer = await one.get("/api/restaurants");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    const { restaurants, total, cached, ...rest } = answer.json();
    expect([restaurants.length, total, cached, rest]).toEqual([seeds, seeds, false, {}]);
    expect(Object.keys(restaurants[0]).sort()).toEqual(
      ["id", "slug", "name", "category", "summary", "image_url", "published_at"].sort(),
    );
    expect(restaurants[0].slug).toBe("copper-pot");
    expect(await list(two)).toMatchObject({ total: seeds, cached: true });
    const redis = await redisOf(env);
    expect(await redis.ttl(KEY)).toBeGreaterThan(290);
    expect(await redis.ttl(KEY)).toBeLessThanOrEqual(300);
    redis.destroy();
  });

  it("signs pictures for an hour, anew after a while, and they can be downloaded", async () => {
    const [{ image_url }] = (await list(one)).restaurants;
    const url = new URL(image_url);
    expect(url.searchParams.get("X-Amz-Expires")).toBe("3600");
    expect(url.origin).toBe(env.MINIO_PUBLIC_ENDPOINT);
    const picture = await fetch(image_url);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, "image/png"]);
    url.searchParams.set("X-Amz-Expires", "7200");
    expect((await fetch(url)).status).toBe(403);
  });

  it("isn't one that the release's other colour made of other columns", async () => {
    await list(one);
    const redis = await redisOf(env);
    const mine = (await redis.get(KEY)) ?? "";
    await redis.set(KEY, mine.replace(/^[^{]+/, "otherShape12:").replaceAll("Copper Pot", "Old"));
    expect(await list(one)).toMatchObject({ total: seeds, cached: false });
    expect(await redis.get(KEY), "stored in its place").toBe(mine);
    expect(await list(two)).toMatchObject({ total: seeds, cached: true });
    redis.destroy();
  });

  it("holds no signed URL in the cache", async () => {
    await list(one);
    const redis = await redisOf(env);
    const held = await redis.get(KEY);
    expect(held).toContain("images/");
    expect(held).not.toMatch(/X-Amz|http/);
    redis.destroy();
  });

  it.each(["/api/listings", "/api/posts"])("is the only list of this app: %s isn't there", async (path) => {
    const { status, text } = await one.get(path);
    expect([status, JSON.parse(text).error.code]).toEqual([404, "not-found"]);
  });

  it("drops the list in every process with each change to what is published, and only then", async () => {
    const change = async (method: string, path: string, value: object) => {
      const { status, body } = await ask(one, ann, method, path, value);
      expect(status).toBeLessThan(300);
      return body?.item;
    };
    const seen = async () => {
      const { total, cached } = await list(two);
      return { total, cached };
    };
    await seen();
    const { id } = await change("POST", "/api/items", draft("New one"));
    expect(await seen()).toEqual({ total: seeds, cached: true });
    await change("PATCH", `/api/items/${id}`, { version: 1, status: "active" });
    expect(await seen()).toEqual({ total: seeds + 1, cached: false });
    expect((await list(two)).restaurants[0]).toMatchObject({ name: "New one", image_url: null });
    const { formKey: _, ...fields } = draft("New name");
    await change("PUT", `/api/items/${id}`, { ...fields, version: 2 });
    expect((await list(two)).restaurants[0].name).toBe("New name");
    await seen();
    await change("PATCH", `/api/items/${id}`, { version: 3, status: "archived" });
    expect(await seen()).toEqual({ total: seeds, cached: false });
    await change("DELETE", `/api/items/${id}`, { version: 4 });
    expect(await seen()).toEqual({ total: seeds, cached: true });
  });

  it("never keeps an old list however readers and changes fall together", async () => {
    const { body } = await ask(one, ann, "POST", "/api/items", { ...draft("Now you see me"), publish: true });
    const path = `/api/items/${body.item.id}`;
    for (let version = 1; version <= 20; version++) {
      const status = version % 2 === 1 ? "archived" : "active";
      const reading = Array.from({ length: 8 }, (_, at) => list(at % 2 ? one : two));
      await Promise.all([...reading, ask(one, ann, "PATCH", path, { version, status })]);
      const names = (await list(two)).restaurants.map(({ name }: { name: string }) => name);
      expect([version, names.includes("Now you see me")]).toEqual([version, status === "active"]);
    }
    await ask(one, ann, "DELETE", path, { version: 21 });
  });

  it("lists a thousand at most, and counts all", async () => {
    await rows(
      env,
      `INSERT INTO content_items (dataset, slug, name, category, summary, status, published_at)
       SELECT 'restaurants', 'many-' || n, 'Many', 'x', 'x', 'active', now() FROM generate_series(1, 1100) n`,
    );
    const { restaurants, total } = await list(one);
    expect([restaurants.length, total]).toEqual([1_000, seeds + 1_100]);
    await rows(env, "DELETE FROM content_items WHERE name = 'Many'");
  });
});

describe("a listing's or a post's app", () => {
  it.each(["listings", "posts"])("answers at /api/%s", async (dataset) => {
    const other = { ...env, APP_DATASET: dataset };
    const app = await App.ready(other);
    try {
      const { status, text } = await app.get(`/api/${dataset}`);
      expect([status, text]).toEqual([200, `{"${dataset}":[],"total":0,"cached":false}`]);
      expect((await app.get("/api/restaurants")).status).toBe(404);
    } finally {
      await app.stop();
    }
  });
});

describe("while Redis is away", () => {
  let cache: Services;
  let app: App;
  let lonely: Environment;

  beforeAll(async () => {
    cache = await Services.throwAway(["cache"]);
    const { REDIS_PORT, REDIS_PASSWORD } = cache.environment("none");
    lonely = { ...env, REDIS_PORT: REDIS_PORT ?? "", REDIS_PASSWORD: REDIS_PASSWORD ?? "" };
    app = await App.ready(lonely);
  });
  afterAll(async () => {
    await app?.stop();
    await cache?.stop();
  });
  afterEach(async () => {
    await cache.stop(["cache"]);
    await cache.start(["cache"]);
  });

  it("the list comes from the database, and from the cache again once it is back", async () => {
    await list(app);
    expect((await list(app)).cached).toBe(true);
    await cache.stop(["cache"]);
    for (let times = 0; times < 5; times++)
      expect(await list(app)).toMatchObject({ total: seeds, cached: false });
    expect((await app.get("/")).status).toBe(200);
    await cache.start(["cache"]);
    await until("the cache", async () => expect((await list(app)).cached).toBe(true));
  });

  it("nobody signed in is let in or signed out: 503, and to try again", async () => {
    const person = await signedIn(lonely, "Ann", "admin");
    await cache.stop(["cache"]);
    const { status, headers, body } = await ask(app, person, "POST", "/api/items", draft("Meanwhile"));
    expect([status, body.error.code]).toEqual([503, "unavailable"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await rows(env, "SELECT 1 FROM content_items WHERE name = 'Meanwhile'")).toEqual([]);
  });
});
