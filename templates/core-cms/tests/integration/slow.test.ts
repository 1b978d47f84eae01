import { afterAll, beforeAll, expect, it } from "vitest";
import { App, until } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, rows, signedIn, withDatabase } from "./people";

let env: Environment;
let app: App;
let ann: Person;

beforeAll(async () => {
  await clearRedis();
  env = { ...(await freshApp()), DATABASE_POOL_SIZE: "3" };
  app = await App.ready(env);
  ann = await signedIn(env, "Ann", "editor");
});
afterAll(() => app?.stop());

const WAITING = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ILIKE%'`;

it("slow searches take all connections but that of the health check, and are ended", async () => {
  await withDatabase(env, async (locking) => {
    await locking.query("BEGIN");
    await locking.query("LOCK TABLE content_items");
    const searches = Array.from({ length: 8 }, () => ask(app, ann, "GET", "/api/items?q=noodles"));
    await until("a full pool", async () => expect(await rows(env, WAITING)).toHaveLength(2));
    const health = await app.get("/api/health");
    expect([health.status, health.json().database]).toEqual([200, "ok"]);
    for (const { status, headers, body } of await Promise.all(searches)) {
      expect([status, body.error.code, headers.get("retry-after")]).toEqual([503, "unavailable", "2"]);
    }
    expect(await rows(env, WAITING)).toEqual([]);
  });
  expect((await ask(app, ann, "GET", "/api/items?q=noodles")).status).toBe(200);
});
