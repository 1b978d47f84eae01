import { encode } from "next-auth/jwt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase, inRedis, SECRET } from "./fixtures";
import { COOKIE, IN, makeAccount, makeTables, OUT, PASSWORD, statusOf, Visitor } from "./visitor";

let env: Record<string, string>;
let app: App;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  await makeAccount(env, "kim@example.com");
  app = await App.ready(env);
});
beforeEach(clearRedis);
afterAll(() => app.stop());

async function kim(): Promise<Visitor> {
  const visitor = new Visitor(app);
  expect((await visitor.signIn("kim@example.com")).status).toBe(200);
  return visitor;
}

describe("a token", () => {
  /** The sid that the session's token names, as an attacker who read Redis knows it. */
  const sidOf = async () =>
    (await inRedis((redis) => redis.keys("session:*")))[0]?.slice("session:".length) ?? "";

  const withToken = async (token: string) => {
    const visitor = new Visitor(app);
    visitor.cookies.set(COOKIE, token);
    return { user: await visitor.user(), status: await statusOf(visitor) };
  };

  it("made with the app's secret is good, so that what follows tests what it says", async () => {
    await kim();
    const token = await encode({ token: { sid: await sidOf() }, secret: SECRET });
    expect((await withToken(token)).status).toBe(IN);
  });

  it("made with another secret is nobody's", async () => {
    await kim();
    const token = await encode({ token: { sid: await sidOf() }, secret: "another secret of an attacker" });
    expect(await withToken(token)).toEqual({ user: null, status: OUT });
  });

  it("that has expired is nobody's", async () => {
    await kim();
    const token = await encode({ token: { sid: await sidOf() }, secret: SECRET, maxAge: -60 });
    expect(await withToken(token)).toEqual({ user: null, status: OUT });
  });

  it("that was changed or isn't one is nobody's", async () => {
    const token = (await kim()).cookies.get(COOKIE) ?? "";
    const part = token.split(".");
    const changed = [...part.slice(0, 3), `A${part[3]?.slice(1)}`, part[4]].join(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(
      JSON.stringify({ sid: await sidOf() }),
    ).toString("base64url")}.`;
    for (const each of [changed, none, "x", "....", "a.b.c.d.e", "%00", "A".repeat(4_000), await sidOf()]) {
      expect(await withToken(each), each.slice(0, 40)).toEqual({ user: null, status: OUT });
    }
  });

  it("of a sid that isn't text or isn't there is nobody's", async () => {
    for (const sid of [undefined, null, 7, ["a"], { a: 1 }, "nothing"]) {
      const token = await encode({ token: { sid } as never, secret: SECRET });
      expect(await withToken(token)).toEqual({ user: null, status: OUT });
    }
  });
});

describe("another site's page", () => {
  const good = { email: "kim@example.com", password: PASSWORD };

  it("can't sign anybody in or out", async () => {
    const visitor = await kim();
    const { csrfToken } = (await visitor.get("/api/auth/csrf")).json;
    for (const Origin of [
      "https://evil.example",
      "null",
      "http://localhost:3001",
      "https://localhost:3000",
    ]) {
      for (const action of ["callback/credentials", "signout"]) {
        const answer = await visitor.send("POST", `/api/auth/${action}`, { ...good, csrfToken }, { Origin });
        expect([answer.status, answer.json.error.code]).toEqual([403, "other-origin"]);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    }
    const quiet = { "Content-Type": "application/json", "Sec-Fetch-Site": "cross-site" };
    const answer = await visitor.request("POST", "/api/auth/signout", JSON.stringify({ csrfToken }), quiet);
    expect(answer.status).toBe(403);
    expect(await visitor.user()).not.toBeNull();
  });

  it("can't without the token, nor with that of another browser", async () => {
    const visitor = await kim();
    const { csrfToken } = (await new Visitor(app).get("/api/auth/csrf")).json;
    for (const wrong of [undefined, "", "x", csrfToken, ["x"], { a: 1 }, 7, null]) {
      for (const action of ["callback/credentials", "signout"]) {
        const answer = await visitor.send("POST", `/api/auth/${action}`, { ...good, csrfToken: wrong });
        expect([answer.status, answer.json.error.code], String(wrong)).toEqual([403, "other-origin"]);
      }
    }
    expect(await visitor.user()).not.toBeNull();
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "can't by a form of type %j, the only ones that it may send unasked",
    async (type) => {
      const visitor = await kim();
      const { csrfToken } = (await visitor.get("/api/auth/csrf")).json;
      const answer = await visitor.send("POST", "/api/auth/signout", { csrfToken }, { "Content-Type": type });
      expect([answer.status, answer.json.error.code]).toEqual([415, "not-json"]);
      expect(await visitor.user()).not.toBeNull();
    },
  );
});

it("NextAuth's other doors are shut", async () => {
  const visitor = await kim();
  for (const path of [
    "signin",
    "signin/credentials",
    "signout",
    "error",
    "verify-request",
    "_log",
    "callback/google",
  ]) {
    expect((await visitor.get(`/api/auth/${path}`)).status, `GET ${path}`).toBe(404);
  }
  for (const path of ["session", "_log", "signin/credentials", "callback/google", "csrf"]) {
    expect((await visitor.send("POST", `/api/auth/${path}`, {})).status, `POST ${path}`).toBe(404);
  }
});

it("no cookie and no query string breaks it", async () => {
  const visitor = new Visitor(app);
  visitor.cookies.set("next-auth.csrf-token", "a%7Cb%7Cc");
  visitor.cookies.set("next-auth.callback-url", "javascript:alert(1)");
  visitor.cookies.set("device", `${"A".repeat(24)}.${"B".repeat(43)}`);
  expect((await visitor.get("/api/auth/csrf?callbackUrl=javascript:alert(1)&nextauth=x")).status).toBe(200);
  expect((await visitor.signIn("kim@example.com")).status).toBe(200);
});
