import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase } from "./fixtures";
import { invitation, member, NEW, registers } from "./members";
import { makeAccount, makeTables, PASSWORD, query, trail, Visitor } from "./visitor";

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

const accounts = () => query(env, "SELECT email, name, role, disabled_at FROM users ORDER BY created_at");

const signedIn = (email: string, role?: string) => member(env, app, email, role);

describe("an administrator", () => {
  it("changes a role, which ends that account's sessions at once", async () => {
    const admin = await signedIn("park@example.com", "admin");
    const editor = await signedIn("kim@example.com");
    const answer = await admin.send("PATCH", `/api/users/${editor.id}`, { role: "admin" });
    expect([answer.status, answer.json.user.role]).toEqual([200, "admin"]);
    expect(answer.json.user).not.toHaveProperty("passwordHash");
    expect(await editor.user()).toBeNull();
    expect(await admin.user()).not.toBeNull();
    await editor.signIn("kim@example.com");
    expect(await editor.user()).toMatchObject({ role: "admin" });
  });

  it("disables an account: its sessions end, it can't sign in until it is enabled", async () => {
    const admin = await signedIn("park@example.com", "admin");
    const editor = await signedIn("kim@example.com");
    expect((await admin.send("PATCH", `/api/users/${editor.id}`, { disabled: true })).status).toBe(200);
    expect(await editor.user()).toBeNull();
    expect((await editor.signIn("kim@example.com")).status).toBe(401);
    expect((await admin.send("PATCH", `/api/users/${editor.id}`, { disabled: false })).status).toBe(200);
    expect((await editor.signIn("kim@example.com")).status).toBe(200);
  });

  it("who sends a change again, as after a failure at its end, ends what sessions there are", async () => {
    const admin = await signedIn("park@example.com", "admin");
    const editor = await signedIn("kim@example.com");
    for (const change of [{ role: "editor" }, { disabled: false }]) {
      expect((await editor.signIn("kim@example.com")).status).toBe(200);
      expect((await admin.send("PATCH", `/api/users/${editor.id}`, change)).status).toBe(200);
      expect(await editor.user()).toBeNull();
    }
    expect((await trail(env)).filter(({ action }) => action !== "sign-in")).toEqual([]);
  });

  it("doesn't disable himself, and the last one stays one", async () => {
    const admin = await signedIn("park@example.com", "admin");
    const self = await admin.send("PATCH", `/api/users/${admin.id}`, { disabled: true });
    expect([self.status, self.json.error.fields]).toEqual([409, { disabled: "self" }]);
    const last = await admin.send("PATCH", `/api/users/${admin.id}`, { role: "editor" });
    expect([last.status, last.json.error.fields]).toEqual([409, { role: "last-admin" }]);
    expect(await admin.user()).toMatchObject({ role: "admin" });
  });

  it("of two who take away one another's role at the same time one is left", async () => {
    const [one, other] = [await signedIn("a@example.com", "admin"), await signedIn("b@example.com", "admin")];
    const answers = await Promise.all([
      one.send("PATCH", `/api/users/${other.id}`, { role: "editor" }),
      other.send("PATCH", `/api/users/${one.id}`, { role: "editor" }),
    ]);
    expect((await accounts()).filter(({ role }) => role === "admin")).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("sees accounts by the page, and an editor sees none", async () => {
    const admin = await signedIn("park@example.com", "admin");
    for (let i = 0; i < 24; i += 1) await makeAccount(env, `user${i}@example.com`);
    const first = (await admin.get("/api/users")).json;
    const second = (await admin.get("/api/users?page=2")).json;
    expect([first.total, first.pages, first.users.length, second.users.length]).toEqual([25, 2, 20, 5]);
    const beyond = (await admin.get("/api/users?page=99999")).json;
    expect([beyond.page, beyond.users]).toEqual([2, second.users]);
    expect(JSON.stringify([first, second])).not.toContain("scrypt");
    const editor = new Visitor(app);
    await editor.signIn("user1@example.com");
    expect((await editor.get("/api/users")).status).toBe(403);
    expect((await new Visitor(app).get("/api/users")).status).toBe(401);
  });

  it("changes no account that isn't there", async () => {
    const admin = await signedIn("park@example.com", "admin");
    for (const id of [
      "7",
      "x",
      "'; DROP TABLE users; --",
      "00000000-0000-4000-8000-000000000000",
      "%00",
      "..%2F..%2Fetc",
    ]) {
      const answer = await admin.send("PATCH", `/api/users/${encodeURIComponent(id)}`, { role: "editor" });
      expect([answer.status, answer.json.error.code], id).toEqual([404, "not-found"]);
    }
  });
});

describe("one's own password", () => {
  const change = (visitor: Visitor, current: string, password: string) =>
    visitor.send("POST", "/api/account/password", { current, password });

  it("changes when the current one is said, and other sessions end", async () => {
    const here = await signedIn("kim@example.com");
    const elsewhere = new Visitor(app);
    await elsewhere.signIn("kim@example.com");
    expect((await change(here, PASSWORD, NEW.password)).status).toBe(200);
    expect(await here.user()).not.toBeNull();
    expect(await elsewhere.user()).toBeNull();
    expect((await elsewhere.signIn("kim@example.com")).status).toBe(401);
    expect((await elsewhere.signIn("kim@example.com", NEW.password)).status).toBe(200);
  });

  it("stays when it isn't, when the new one is the same or too easy", async () => {
    const visitor = await signedIn("kim@example.com");
    const fields = async (current: string, password: string) => {
      const answer = await change(visitor, current, password);
      return [answer.status, answer.json.error.fields];
    };
    expect(await fields("not this one", NEW.password)).toEqual([422, { current: "password-wrong" }]);
    expect(await fields(PASSWORD, PASSWORD)).toEqual([422, { password: "password-same" }]);
    expect(await fields(PASSWORD, "short")).toEqual([422, { password: "password-short" }]);
    expect(await fields(PASSWORD, "1234567890")).toEqual([422, { password: "password-common" }]);
    expect((await new Visitor(app).signIn("kim@example.com")).status).toBe(200);
  });

  it("can't be guessed by who found an open browser", async () => {
    const visitor = await signedIn("kim@example.com");
    const statuses = [];
    for (let i = 0; i < 6; i += 1) statuses.push((await change(visitor, `guess ${i}`, NEW.password)).status);
    expect(statuses).toEqual([422, 422, 422, 422, 422, 429]);
    expect((await change(visitor, PASSWORD, NEW.password)).status).toBe(429);
  });

  it("isn't changed by who isn't signed in", async () =>
    expect((await change(new Visitor(app), PASSWORD, NEW.password)).status).toBe(401));
});

it("the trail has all of it, and no password", async () => {
  const token = await invitation(env, app, "lee@example.com");
  await registers(app, { email: "lee@example.com", invitation: token });
  const [{ id: lee }] = await query(env, "SELECT id FROM users WHERE email = 'lee@example.com'");
  const admin = new Visitor(app, "198.51.100.9");
  await admin.signIn("admin-of-lee@example.com");
  for (const change of [{ role: "admin" }, { disabled: true }, { disabled: false }]) {
    await admin.send("PATCH", `/api/users/${lee}`, change);
  }
  await admin.send("POST", "/api/account/password", { current: PASSWORD, password: NEW.password });
  const lines = await trail(env);
  expect(lines.map(({ action }) => action)).toEqual([
    "sign-in",
    "invite",
    "register",
    "sign-in",
    "role",
    "disable",
    "enable",
    "password",
  ]);
  expect(lines[4]).toMatchObject({
    target: `user:${lee}`,
    address: "198.51.100.9",
    details: { from: "editor", to: "admin" },
  });
  for (const secret of [PASSWORD, NEW.password, token, "scrypt"]) {
    expect(JSON.stringify(lines)).not.toContain(secret);
    expect(app.output).not.toContain(secret);
  }
  const page = await admin.get("/dashboard/audit");
  expect(page.text).toContain("changed the role");
  const beyond = await admin.get("/dashboard/audit?page=99999");
  expect(beyond.text.includes("changed the role"), "a page beyond the last is the last").toBe(true);
});
