import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase } from "./fixtures";
import { member } from "./members";
import { makeTables, query, Visitor } from "./visitor";

let env: Record<string, string>;
let app: App;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  app = await App.ready(env);
});
beforeEach(async () => {
  await clearRedis();
  await query(env, "TRUNCATE users, audit_log CASCADE");
});
afterAll(() => app.stop());

const signedIn = (email: string, role?: string) => member(env, app, email, role);

describe("pages", () => {
  it("of the dashboard send visitors to sign in and back, and are not there for editors", async () => {
    const editor = await signedIn("kim@example.com");
    for (const path of ["/dashboard/users", "/dashboard/audit", "/dashboard/account"]) {
      const answer = await new Visitor(app).get(path);
      expect([answer.status, answer.headers.get("location")]).toEqual([
        307,
        `/login?callbackUrl=${encodeURIComponent(path)}`,
      ]);
    }
    expect((await editor.get("/dashboard/users")).status).toBe(404);
    expect((await editor.get("/dashboard/audit")).status).toBe(404);
    expect((await editor.get("/dashboard/account")).status).toBe(200);
  });

  it("to sign in leads who is signed in to one of our own paths", async () => {
    const visitor = await signedIn("kim@example.com");
    const next = async (wanted: string) =>
      (await visitor.get(`/login?callbackUrl=${encodeURIComponent(wanted)}`)).headers.get("location");
    expect(await next("/dashboard/account")).toBe("/dashboard/account");
    for (const wanted of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "javascript:alert(1)",
      "/.//evil.example",
    ]) {
      expect(await next(wanted)).toBe("/dashboard");
    }
  });

  it("show a hostile name as text", async () => {
    const admin = await signedIn("park@example.com", "admin");
    await query(
      env,
      "UPDATE users SET name = '<img src=x onerror=alert(1)>' WHERE email = 'park@example.com'",
    );
    const page = await admin.get("/dashboard/users");
    expect(page.status).toBe(200);
    expect(page.text).not.toContain("<img src=x");
    expect(page.text).toContain("&lt;img src=x");
  });

  it("speak the visitor's language, which he may choose", async () => {
    const visitor = new Visitor(app);
    const korean = await visitor.request("GET", "/login", undefined, { "Accept-Language": "ko-KR,ko;q=0.9" });
    expect(korean.text).toContain("비밀번호");
    expect((await visitor.get("/login")).text).toContain("Password");
    const chosen = await visitor.send("POST", "/api/locale", { locale: "ko" });
    expect(chosen.status).toBe(200);
    expect((await visitor.get("/login")).text).toContain('<html lang="ko"');
  });
});

describe("what the environment lacks isn't offered:", () => {
  it("without Redis nobody signs in, and no page says that he could", async () => {
    const apart = await App.ready({ ...env, REDIS_HOST: "" });
    try {
      const visitor = new Visitor(apart);
      visitor.cookies.set("next-auth.session-token", "of an app that had one");
      const list = await visitor.get("/");
      expect([list.status, list.text.includes("/login")]).toEqual([200, false]);
      for (const path of ["/login", "/register", "/dashboard", "/dashboard/users"]) {
        expect((await visitor.get(path)).status, path).toBe(404);
      }
      expect((await new Visitor(app).get("/")).text).toContain("/login");
    } finally {
      await apart.stop();
    }
  });

  it("without a bucket entries have no pictures", async () => {
    const visitor = await signedIn("kim@example.com");
    const apart = await App.ready({ ...env, MINIO_ENDPOINT: "" });
    try {
      const form = async (at: App) => {
        const { text } = await visitor.at(at).get("/dashboard/items/new");
        return { text: text.includes('name="summary"'), picture: text.includes('type="file"') };
      };
      expect(await form(apart)).toEqual({ text: true, picture: false });
      expect(await form(app)).toEqual({ text: true, picture: true });
    } finally {
      await apart.stop();
    }
  });
});
