import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Services } from "../../scripts/services/services";
import { App, until } from "./app";
import { clearRedis, createDatabase, inRedis, SECRET } from "./fixtures";
import {
  COOKIE,
  IN,
  makeAccount,
  makeTables,
  OUT,
  PASSWORD,
  query,
  statusOf,
  trail,
  Visitor,
} from "./visitor";

let env: Record<string, string>;
let app: App;
let other: App;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  await makeAccount(env, "kim@example.com");
  [app, other] = await Promise.all([App.ready(env), App.ready(env)]);
});
beforeEach(clearRedis);
afterAll(() => Promise.all([app.stop(), other.stop()]));

async function kim(): Promise<Visitor> {
  const visitor = new Visitor(app);
  expect((await visitor.signIn("kim@example.com")).status).toBe(200);
  return visitor;
}

describe("signing in", () => {
  it("makes a session that every process of the app knows", async () => {
    const visitor = await kim();
    expect(await visitor.user()).toMatchObject({ email: "kim@example.com", name: "kim", role: "editor" });
    expect(await visitor.at(other).user()).toMatchObject({ email: "kim@example.com" });
    expect(await statusOf(visitor)).toBe(IN);
    expect(await statusOf(visitor.at(other))).toBe(IN);
  });

  it("takes the address in any letters, with spaces around", async () => {
    const answer = await new Visitor(app).signIn("  KIM@Example.COM ");
    expect(answer.status).toBe(200);
  });

  it("gives cookies that no script and no other site has, and a token that says nothing", async () => {
    const visitor = new Visitor(app);
    const answer = await visitor.signIn("kim@example.com");
    const cookies = answer.headers.getSetCookie();
    expect(cookies.map((each) => each.split("=")[0])).toEqual(expect.arrayContaining([COOKIE, "device"]));
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; HttpOnly/i);
      expect(cookie).toMatch(/; SameSite=Lax/i);
      expect(cookie).toMatch(/; Path=\/(;|$)/i);
    }
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(visitor.cookies.get(COOKIE)).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it("by https gives cookies that browsers keep to this host and to https", async () => {
    const secure = await App.ready({ ...env, NEXTAUTH_URL: "https://food.example.com" });
    try {
      const visitor = new Visitor(secure, "203.0.113.1", "https://food.example.com");
      const answer = await visitor.signIn("kim@example.com");
      expect(answer.status).toBe(200);
      expect(answer.headers.getSetCookie().length).toBeGreaterThan(1);
      for (const cookie of answer.headers.getSetCookie()) {
        expect(cookie).toMatch(/^__(Host|Secure)-/);
        expect(cookie).toMatch(/; Secure/i);
      }
      expect([...visitor.cookies.keys()]).toEqual(
        expect.arrayContaining([`__Host-${COOKIE}`, "__Host-device"]),
      );
      expect(await visitor.user()).toMatchObject({ email: "kim@example.com" });
    } finally {
      await secure.stop();
    }
  });

  it("stores a password anew whose hash is of less cost than today's", async () => {
    const { hashPassword } = await import("../../src/lib/password");
    const old = await hashPassword(PASSWORD, "known", { ln: 4, r: 8, p: 1 });
    await makeAccount(env, "old@example.com");
    await query(env, "UPDATE users SET password_hash = $1 WHERE email = 'old@example.com'", [old]);
    for (const _ of [1, 2]) expect((await new Visitor(app).signIn("old@example.com")).status).toBe(200);
    const [{ password_hash }] = await query(
      env,
      "SELECT password_hash FROM users WHERE email = 'old@example.com'",
    );
    expect(password_hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
  });
});

describe("a session ends", () => {
  it("when its user signs out, everywhere, and a copy of its cookie is worth nothing", async () => {
    const visitor = await kim();
    const copy = visitor.at(other);
    expect((await visitor.signOut()).status).toBe(200);
    expect(visitor.cookies.has(COOKIE)).toBe(false);
    expect(await copy.user()).toBeNull();
    expect(await statusOf(copy)).toBe(OUT);
    expect(await inRedis((redis) => redis.keys("session*"))).toEqual([]);
  });

  it("when it is gone from Redis", async () => {
    const visitor = await kim();
    await clearRedis();
    expect(await visitor.user()).toBeNull();
    expect(await statusOf(visitor)).toBe(OUT);
  });

  it("when Redis has forgotten the list by which its user's sessions are ended", async () => {
    const visitor = await kim();
    const [key = ""] = await inRedis((redis) => redis.keys("sessions:*"));
    await inRedis((redis) => redis.del(key));
    expect(await visitor.user()).toBeNull();
    expect(await statusOf(visitor)).toBe(OUT);
  });

  it("but not the list while a session of it is in use", async () => {
    const visitor = await kim();
    const [key = ""] = await inRedis((redis) => redis.keys("sessions:*"));
    await inRedis((redis) => redis.expire(key, 60));
    expect(await statusOf(visitor)).toBe(IN);
    expect(await inRedis((redis) => redis.ttl(key))).toBeGreaterThan(7 * 86_400 - 60);
  });

  it("twelve hours after its last request, each of which prolongs it", async () => {
    const visitor = await kim();
    const [key = ""] = await inRedis((redis) => redis.keys("session:*"));
    const left = () => inRedis((redis) => redis.ttl(key));
    expect(await left()).toBeGreaterThan(12 * 3_600 - 60);
    await inRedis((redis) => redis.expire(key, 60));
    expect(await statusOf(visitor)).toBe(IN);
    expect(await left()).toBeGreaterThan(12 * 3_600 - 60);
  });

  it("after seven days, however busy", async () => {
    const visitor = await kim();
    const [key = ""] = await inRedis((redis) => redis.keys("session:*"));
    const stored = JSON.parse((await inRedis((redis) => redis.get(key))) ?? "");
    const begun = (ago: number) =>
      inRedis((redis) => redis.set(key, JSON.stringify({ ...stored, since: Date.now() - ago })));
    await begun(7 * 86_400_000 - 60_000);
    expect(await statusOf(visitor)).toBe(IN);
    await begun(7 * 86_400_000 + 1);
    expect(await statusOf(visitor)).toBe(OUT);
    expect(await inRedis((redis) => redis.exists(key))).toBe(0);
  });
});

describe("without Redis", () => {
  it("nobody gets in and nobody is signed out: 503 until it is back", async () => {
    const own = await Services.throwAway(["cache"]);
    const { REDIS_PORT, REDIS_PASSWORD } = own.environment("none");
    const apart = await App.ready({
      ...env,
      REDIS_PORT: REDIS_PORT ?? "",
      REDIS_PASSWORD: REDIS_PASSWORD ?? "",
    });
    try {
      const visitor = new Visitor(apart);
      await until("Redis", async () => expect((await visitor.signIn("kim@example.com")).status).toBe(200));
      const cookie = visitor.cookies.get(COOKIE);
      const asked = [
        () => visitor.get("/api/auth/session"),
        () => visitor.send("POST", "/api/account/password", {}),
        () => visitor.signOut(),
        () => new Visitor(apart).signIn("kim@example.com"),
        () => new Visitor(apart).signIn("nobody@example.com"),
      ];
      await own.stop(["cache"]);
      for (const ask of asked) {
        const answer = await ask();
        expect([answer.status, answer.json.error.code]).toEqual([503, "unavailable"]);
        expect(answer.headers.get("retry-after")).toBe("2");
        expect(answer.headers.getSetCookie().filter((each) => each.includes("session"))).toEqual([]);
      }
      const page = await visitor.request("GET", "/dashboard", undefined, { "Accept-Language": "ko" });
      expect([page.status, page.headers.get("retry-after")]).toEqual([503, "2"]);
      expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(page.text).toContain('<html lang="ko">');
      expect((await visitor.get("/")).status).toBe(200);
      expect((await visitor.get("/login")).status).toBe(200);
      expect(visitor.cookies.get(COOKIE)).toBe(cookie);
      await own.start(["cache"]);
      await until("the session", async () =>
        expect((await visitor.get("/api/auth/session")).status).toBe(200),
      );
      expect((await visitor.signIn("kim@example.com")).status).toBe(200);
    } finally {
      await apart.stop();
      await own.stop();
    }
  });
});

it("without Postgres nobody is told that his password is wrong: 503, and it costs him no attempt", async () => {
  const own = await Services.throwAway(["database"]);
  const away = { ...env, DATABASE_URL: await own.createDatabase("away") };
  await makeTables(away);
  await makeAccount(away, "kim@example.com");
  const apart = await App.ready(away);
  try {
    const visitor = new Visitor(apart);
    expect((await visitor.signIn("kim@example.com")).status).toBe(200);
    await own.stop(["database"]);
    for (let i = 0; i < 6; i += 1) {
      const answer = await visitor.signIn("kim@example.com");
      expect([answer.status, answer.json.error.code]).toEqual([503, "unavailable"]);
    }
    // Who is signed in stays so: sessions are in Redis.
    expect(await visitor.user()).toMatchObject({ email: "kim@example.com" });
    await own.start(["database"]);
    await until("Postgres", async () => expect((await visitor.signIn("kim@example.com")).status).toBe(200));
  } finally {
    await apart.stop();
    await own.stop();
  }
});

it("the trail says who came and went, and who failed at an account, from where, and nothing else of strangers", async () => {
  await query(env, "DELETE FROM audit_log");
  const visitor = await kim();
  await visitor.signOut();
  await new Visitor(app, "198.51.100.7").signIn("kim@example.com", "the wrong password");
  await new Visitor(app, "198.51.100.7").signIn("secret-typed@example.com", "password typed too early");
  const [{ id }] = await query(env, "SELECT id FROM users WHERE email = 'kim@example.com'");
  await until("the failure", async () => expect(await trail(env)).toHaveLength(3));
  const found = (await trail(env)).map(({ actor_id, action, target, address }) => [
    actor_id,
    action,
    target,
    address,
  ]);
  expect(found).toEqual([
    [id, "sign-in", `user:${id}`, "203.0.113.1"],
    [id, "sign-out", `user:${id}`, "203.0.113.1"],
    [null, "sign-in-failed", `user:${id}`, "198.51.100.7"],
  ]);
  expect(JSON.stringify(await trail(env))).not.toContain("typed");
});

it("no password, token or typed address is in the log, which is JSON lines", () => {
  for (const each of [app, other]) {
    expect(each.lines().length).toBeGreaterThan(0);
    for (const secret of [PASSWORD, SECRET, "typed", "the wrong password"])
      expect(each.output).not.toContain(secret);
  }
});
