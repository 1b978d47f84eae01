import { createClient } from "@redis/client";
import pg from "pg";
import { expect, it } from "vitest";
import { createDatabase } from "./fixtures";

/** A client as the app's environment describes it. */
async function redisOf(env: Record<string, string>) {
  const socket = { host: env.REDIS_HOST, port: Number(env.REDIS_PORT) };
  const client = createClient({
    socket,
    database: Number(env.REDIS_DB),
    username: env.REDIS_USERNAME,
    password: env.REDIS_PASSWORD,
  });
  await client.connect();
  return client;
}

it("the app's Redis login may use its index and its channels, and nothing of others", async () => {
  const client = await redisOf(await createDatabase());
  try {
    await client.set("key", "value", { expiration: { type: "EX", value: 5 } });
    expect(await client.getDel("key")).toBe("value");
    expect(await client.eval("return 1")).toBe(1);
    expect(await client.publish("demo:changed", "x")).toBe(0);
    await expect(client.publish("other:changed", "x")).rejects.toThrow(/NOPERM/);
    await expect(client.select(3)).rejects.toThrow(/NOPERM/);
    await expect(client.flushAll()).rejects.toThrow(/NOPERM/);
  } finally {
    client.destroy();
  }
});

it("the app's database is reached by TLS, is its own, and it is no superuser", async () => {
  const { DATABASE_URL: connectionString } = await createDatabase();
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    expect(rows).toEqual([{ ssl: true }]);
    await client.query("CREATE TABLE mine ()");
    await expect(client.query("CREATE ROLE another")).rejects.toThrow(/permission denied/);
  } finally {
    await client.end();
  }
});
