import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase, services } from "./fixtures";
import { makeAccount, makeTables, PASSWORD, query, Visitor } from "./visitor";

let env: Record<string, string>;
let app: App;
let admin: Visitor;
let editorId: string;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  await makeAccount(env, "park@example.com", "admin");
  editorId = await makeAccount(env, "kim@example.com");
  app = await App.ready({ ...env, REGISTRATION: "open" });
  await clearRedis();
  admin = new Visitor(app);
  expect((await admin.signIn("park@example.com")).status).toBe(200);
});
beforeEach(() =>
  services.asRedisAdmin(async (redis) => {
    const counts = await redis.keys("limit:*");
    if (counts.length > 0) await redis.del(counts);
  }),
);
afterAll(() => app.stop());

/** All that a request may change. */
async function state(): Promise<string> {
  const rows = await query(env, "SELECT * FROM users ORDER BY id");
  const keys = await services.asRedisAdmin((redis) => redis.keys("*"));
  const kept = keys.filter((key) => !key.startsWith("limit:")).sort();
  return createHash("sha256")
    .update(JSON.stringify([rows, kept]))
    .digest("hex");
}

const GOOD = { email: "lee@example.com", name: "Lee", password: "one more sentence" };
const HANDLERS: [string, string, Record<string, unknown>][] = [
  ["POST", "/api/register", GOOD],
  ["POST", "/api/register/invitation", { invitation: "A".repeat(43) }],
  ["POST", "/api/users", { email: "lee@example.com", role: "editor" }],
  ["PATCH", "/api/users/EDITOR", { role: "admin" }],
  ["PATCH", "/api/users/EDITOR", { disabled: true }],
  ["POST", "/api/account/password", { current: PASSWORD, password: "one more sentence" }],
  ["POST", "/api/locale", { locale: "ko" }],
];

const path = (text: string) => text.replace("EDITOR", editorId);

/** Wrong in any field of any form. */
const WRONG: [string, unknown][] = [
  ["a number", 7],
  ["true in place of text, text in place of true", "true\0"],
  ["null", null],
  ["a list", ["lee@example.com"]],
  ["an object", { $gt: "" }],
  ["an object that looks like text", { toString: "lee@example.com", length: 5 }],
  ["nothing", ""],
  ["three thousand characters", "x".repeat(3_000)],
  ["half a character", "\ud83d\ud83d\ud83d\ud83d\ud83d\ud83d\ud83d\ud83d\ud83d\ud83d"],
];

/** Looks like trouble and is only text: right where any text is, else wrong. */
const TEXTS = [
  "<script>alert(document.cookie)</script>",
  "'; DROP TABLE users; --",
  "' OR '1'='1",
  "#{7*7}{{7*7}}<%= 7*7 %>",
  "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵",
  "../../../../etc/passwd",
  "%00%0d%0aSet-Cookie:%20a=b",
  "$(touch /tmp/hacked)",
];

describe.each(HANDLERS)("%s %s of %j", (method, where, good) => {
  it.each(WRONG)("refuses %s in each field, says which, and stores nothing", async (_, wrong) => {
    const before = await state();
    for (const field of Object.keys(good)) {
      const answer = await admin.send(method, path(where), { ...good, [field]: wrong });
      expect([answer.status, answer.json.error.code], field).toEqual([422, "invalid"]);
      expect(Object.keys(answer.json.error.fields)).toEqual([field]);
      expect(answer.text.length).toBeLessThan(300);
    }
    expect(await state()).toBe(before);
  });

  it("refuses a field that is missing", async () => {
    const before = await state();
    for (const field of Object.keys(good)) {
      const { [field]: _, ...rest } = good;
      expect((await admin.send(method, path(where), rest)).status).toBe(422);
    }
    expect(await state()).toBe(before);
  });

  it.each([
    ["no JSON", "{", 400, "bad-json"],
    ["nothing", "", 400, "bad-json"],
    ["a bomb of brackets", "[".repeat(50_000), 400, "bad-json"],
    ["a text", '"text"', 422, "invalid"],
    ["a list", "[]", 422, "invalid"],
    ["null", "null", 422, "invalid"],
    ["only a prototype", '{"__proto__":{"role":"admin","email":"lee@example.com"}}', 422, "invalid"],
    ["10 MB", JSON.stringify({ name: "x".repeat(10_000_000) }), 413, "too-large"],
  ])("refuses %s", async (_, body, status, code) => {
    const before = await state();
    const answer = await admin.send(method, path(where), body);
    expect([answer.status, answer.json.error.code]).toEqual([status, code]);
    expect(await state()).toBe(before);
  });

  it.each([
    ["another site", { Origin: "https://evil.example" }, 403],
    ["a page in a sandbox", { Origin: "null" }, 403],
    ["a plain form", { "Content-Type": "text/plain" }, 415],
    ["an encoded form", { "Content-Type": "application/x-www-form-urlencoded" }, 415],
    ["JSON in disguise", { "Content-Type": "text/plain; application/json" }, 415],
  ])("refuses %s", async (_, headers, status) => {
    const before = await state();
    expect((await admin.send(method, path(where), good, headers)).status).toBe(status);
    expect(await state()).toBe(before);
  });
});

describe("signing in", () => {
  it.each(WRONG)("with %s is refused like any form", async (_, wrong) => {
    for (const [email, password] of [
      [wrong, PASSWORD],
      ["kim@example.com", wrong],
    ]) {
      const answer = await new Visitor(app, "192.0.2.1").signIn(email, password);
      expect([401, 422]).toContain(answer.status);
      expect(answer.headers.getSetCookie().join()).not.toContain("session-token");
    }
  });

  it.each(TEXTS)("with %s as address or password doesn't get in", async (text) => {
    expect((await new Visitor(app, "192.0.2.2").signIn(text)).status).toBe(422);
    expect((await new Visitor(app, "192.0.2.2").signIn("kim@example.com", text)).status).toBe(401);
  });
});

it.each(TEXTS)("a name and a password may be %s, and nothing comes of it but text", async (text) => {
  const email = `t${createHash("sha256").update(text).digest("hex").slice(0, 12)}@example.com`;
  const password = `${text} and so on`;
  const made = await admin.send("POST", "/api/register", { email, name: text, password });
  expect(made.status).toBe(201);
  const visitor = new Visitor(app);
  expect((await visitor.signIn(email, password)).status).toBe(200);
  expect(await visitor.user()).toMatchObject({ email, name: text, role: "editor" });
  const page = await visitor.get("/dashboard/account");
  expect(page.text).not.toContain("<script>alert");
});

it("addresses of visitors that they made up are not believed", async () => {
  await query(env, "DELETE FROM audit_log");
  for (const address of ["'; DROP TABLE audit_log; --", "x".repeat(5_000), "1.2.3.4, <b>"]) {
    await new Visitor(app, address).signIn("kim@example.com", "not the password");
  }
  const found = await query(env, "SELECT DISTINCT address FROM audit_log");
  expect(found).toEqual([{ address: "unknown" }]);
});

it("nothing that the app answered or logged says how it is made", async () => {
  for (const line of app.lines())
    expect(JSON.stringify(line)).not.toMatch(/node_modules|\.js:\d+|prisma\.|SELECT /);
});
