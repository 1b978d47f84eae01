import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { body, handle, json, MOST_BYTES, Refused } from "@/lib/http";
import { Unavailable } from "@/lib/process";

const ORIGIN = "https://food.lab.test";
const schema = z.strictObject({ name: z.string().min(1, "required").max(10, "too-long") });

beforeAll(() => {
  process.env.DATABASE_URL = "postgresql://u:p@127.0.0.1/none";
  process.env.NEXTAUTH_URL = ORIGIN;
  process.env.NEXTAUTH_SECRET = "0123456789abcdef";
});

interface Sent {
  text?: string;
  headers?: Record<string, string>;
}

async function answered({ text = '{"name":"x"}', headers = {} }: Sent) {
  const sent = { origin: ORIGIN, "content-type": "application/json", ...headers };
  const request = new Request(`${ORIGIN}/api/items`, { method: "POST", body: text, headers: sent });
  const answer = await handle(async () => json(await body(request, schema)));
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

describe("a body", () => {
  it("is what the schema says", async () => {
    expect(await answered({})).toMatchObject({ status: 200, body: { name: "x" } });
  });

  it("comes from the app's own page at an alias, too", async () => {
    const headers = { origin: "https://www.food.lab.test", host: "www.food.lab.test" };
    expect(await answered({ headers })).toMatchObject({ status: 200 });
  });

  it.each([
    [
      "from an alias by plain http",
      { headers: { origin: "http://www.food.lab.test", host: "www.food.lab.test" } },
      403,
      "other-origin",
    ],
    ["no JSON", { text: "{" }, 400, "bad-json"],
    ["of another type", { headers: { "content-type": "text/plain" } }, 415, "not-json"],
    ["from another site", { headers: { origin: "https://evil.test" } }, 403, "other-origin"],
    ["from nowhere that is named", { headers: { origin: "null" } }, 403, "other-origin"],
    ["of 100 kB and more", { text: `{"name":"${"x".repeat(MOST_BYTES)}"}` }, 413, "too-large"],
    ["with a field too many", { text: '{"name":"x","role":"admin"}' }, 422, "invalid"],
    ["with a list for a text", { text: '{"name":["x"]}' }, 422, "invalid"],
    ["that is null", { text: "null" }, 422, "invalid"],
  ])("%s is refused", async (_, sent, status, code) => {
    expect(await answered(sent)).toMatchObject({ status, body: { error: { code } } });
  });

  it("is refused with a message for each wrong field, the first of each", async () => {
    const { body: said } = await answered({ text: '{"name":""}' });
    expect(said.error.fields).toEqual({ name: "required" });
  });
});

describe("an answer", () => {
  const failing = (error: Error) => handle(() => Promise.reject(error));

  it("says nothing of an unexpected error", async () => {
    const answer = await failing(new Error("password authentication failed for user x"));
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("password")]);
  });

  it("asks to come again when a service is away", async () => {
    const answer = await failing(new Unavailable("Redis: silent"));
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  });

  it.each([
    ["the pool is full", new Error("timeout exceeded when trying to connect")],
    ["the connection broke", new Error("Connection terminated unexpectedly")],
    ["the database is slow", new Error("Query read timeout")],
    ["the process stops", new Error("Cannot use a pool after calling end on the pool")],
    ["the database restarts", Object.assign(new Error("terminating connection"), { code: "57P01" })],
    ["the database has no connection left", Object.assign(new Error("sorry"), { code: "53300" })],
    ["a statement takes too long", Object.assign(new Error("canceling statement"), { code: "57014" })],
    ["no transaction could begin", Object.assign(new Error("Unable to start"), { code: "P2028" })],
    [
      "Prisma wraps what the database said",
      new Error("Invalid invocation", { cause: { originalCode: "57P02", kind: "postgres" } }),
    ],
    [
      "Prisma wraps what its driver said",
      Object.assign(new Error("Raw query failed"), {
        code: "P2010",
        meta: { driverAdapterError: new Error("DriverAdapterError", { cause: { originalCode: "57014" } }) },
      }),
    ],
  ])("asks to come again where %s", async (_, error) => {
    const answer = await failing(error);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  });

  it("says when to come again to who comes too often", async () => {
    const answer = await failing(new Refused("too-often", "later", {}, 60));
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});
