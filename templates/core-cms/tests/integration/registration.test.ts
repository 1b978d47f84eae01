import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase, services } from "./fixtures";
import { invitation, member, NEW, registers } from "./members";
import { makeAccount, makeTables, query, Visitor } from "./visitor";

let env: Record<string, string>;
let app: App;
let open: App;
let closed: App;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  [app, open, closed] = await Promise.all([
    App.ready(env),
    App.ready({ ...env, REGISTRATION: "open" }),
    App.ready({ ...env, REGISTRATION: "closed" }),
  ]);
});
beforeEach(async () => {
  await clearRedis();
  await query(env, "TRUNCATE users, audit_log CASCADE");
});
afterAll(() => Promise.all([app.stop(), open.stop(), closed.stop()]));

const accounts = () => query(env, "SELECT email, name, role, disabled_at FROM users ORDER BY created_at");

const opens = (at: App, invitation: unknown) =>
  new Visitor(at).send("POST", "/api/register/invitation", { invitation });

describe("by invitation", () => {
  it("somebody registers, once, and signs in with the role that he was invited to", async () => {
    const token = await invitation(env, app, "lee@example.com", "admin");
    const opened = await opens(app, token);
    expect([opened.status, opened.json]).toEqual([200, { email: "lee@example.com" }]);
    const answer = await registers(app, { email: " Lee@Example.com", invitation: token });
    expect([answer.status, answer.json.user.role]).toEqual([201, "admin"]);
    const visitor = new Visitor(app);
    expect((await visitor.signIn("lee@example.com", NEW.password)).status).toBe(200);
    expect(await visitor.user()).toMatchObject({ email: "lee@example.com", name: "Lee", role: "admin" });
    expect(answer.text).not.toContain("scrypt");
  });

  it("wrong, used and somebody else's invitations and known addresses are told the same", async () => {
    const token = await invitation(env, app, "lee@example.com");
    const used = await invitation(env, app, "used@example.com");
    expect((await registers(app, { email: "used@example.com", invitation: used })).status).toBe(201);
    const known = await invitation(env, app, "known@example.com");
    await makeAccount(env, "known@example.com");
    const answers = [
      await registers(app, { email: "lee@example.com" }),
      await registers(app, { email: "lee@example.com", invitation: "A".repeat(43) }),
      await registers(app, { email: "lee@example.com", invitation: "*" }),
      await registers(app, { email: "kim@example.com", invitation: token }),
      await registers(app, { email: "used@example.com", invitation: used }),
      await registers(app, { email: "known@example.com", invitation: known }),
    ];
    for (const { status, text } of answers) {
      expect([status, text]).toEqual([422, answers[0]?.text]);
    }
    expect(answers[0]?.json.error.fields).toEqual({ invitation: "invitation" });
  });

  it("a link that was used, is wrong or is none opens to the same answer", async () => {
    const used = await invitation(env, app, "lee@example.com");
    expect((await registers(app, { email: "lee@example.com", invitation: used })).status).toBe(201);
    const answers = [];
    for (const each of [used, "A".repeat(43), "*", ""]) answers.push(await opens(app, each));
    for (const { status, text } of answers) expect([status, text]).toEqual([422, answers[0]?.text]);
    const { text } = await registers(app, { email: "lee@example.com", invitation: used });
    expect(answers[0]?.text).toBe(text);
    for (const each of [null, 7, ["x"], "A".repeat(300)]) expect((await opens(app, each)).status).toBe(422);
  });

  it.each(["role = 'editor'", "disabled_at = now()"])(
    "of an administrator who is one no more (%s) is worth nothing",
    async (change) => {
      const token = await invitation(env, app, "lee@example.com", "admin");
      expect((await opens(app, token)).status).toBe(200);
      await query(env, `UPDATE users SET ${change} WHERE email = 'admin-of-lee@example.com'`);
      const wrong = await opens(app, "A".repeat(43));
      const answer = await opens(app, token);
      expect([answer.status, answer.text]).toEqual([422, wrong.text]);
      expect((await registers(app, { email: "lee@example.com", invitation: token })).status).toBe(422);
    },
  );

  it("links are opened a hundred and twenty times an hour from one address", async () => {
    await opens(app, "A".repeat(43));
    await services.asRedisAdmin(async (redis) => {
      const [key = ""] = await redis.keys("limit:invitation:*");
      await redis.set(key, "120", { expiration: "KEEPTTL" });
    });
    expect((await opens(app, "A".repeat(43))).status).toBe(429);
  });

  it("sent ten times at once makes one account", async () => {
    const token = await invitation(env, app, "lee@example.com");
    const all = await Promise.all(
      Array.from({ length: 10 }, () => registers(app, { email: "lee@example.com", invitation: token })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(422)]);
    expect((await accounts()).filter(({ email }) => email === "lee@example.com")).toHaveLength(1);
  });

  it("a password that is refused leaves the invitation as it was", async () => {
    const token = await invitation(env, app, "lee@example.com");
    const weak = await registers(app, {
      email: "lee@example.com",
      invitation: token,
      password: "1234567890",
    });
    expect([weak.status, weak.json.error.fields]).toEqual([422, { password: "password-common" }]);
    expect((await registers(app, { email: "lee@example.com", invitation: token })).status).toBe(201);
  });

  it("only administrators invite, and not who has an account", async () => {
    const editor = await member(env, app, "kim@example.com");
    const wish = { email: "lee@example.com", role: "admin" };
    expect((await editor.send("POST", "/api/users", wish)).status).toBe(403);
    expect((await new Visitor(app).send("POST", "/api/users", wish)).status).toBe(401);
    const admin = await member(env, app, "park@example.com", "admin");
    const known = await admin.send("POST", "/api/users", { email: "KIM@example.com", role: "editor" });
    expect([known.status, known.json.error.fields]).toEqual([409, { email: "taken" }]);
    expect(await services.asRedisAdmin((redis) => redis.keys("invite:*"))).toEqual([]);
  });
});

describe("where anybody may register", () => {
  it("he is an editor, whatever he asks to be", async () => {
    const answer = await registers(open, { email: "lee@example.com", role: "admin", id: "7" });
    expect(answer.status).toBe(201);
    expect(await accounts()).toMatchObject([{ email: "lee@example.com", role: "editor" }]);
  });

  it("a known address is said to be one, and a form sent ten times at once makes one account", async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () => registers(open, { email: "lee@example.com" })),
    );
    // Who waits too long for a connection behind the others is told to come again.
    const said = all.map(({ status }) => status).filter((status) => status !== 503);
    expect(said.sort()).toEqual([201, ...Array(said.length - 1).fill(409)]);
    expect(await accounts()).toHaveLength(1);
    expect((await registers(open, { email: "lee@example.com" })).status).toBe(409);
  });

  it("twenty an hour may from one address", async () => {
    await registers(open, { email: "a@example.com" });
    await services.asRedisAdmin(async (redis) => {
      const [key = ""] = await redis.keys("limit:register:*");
      await redis.set(key, "20", { expiration: "KEEPTTL" });
    });
    const answer = await registers(open, { email: "b@example.com" });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(3_000);
  });
});

it("where nobody may register nobody does, with an invitation or without", async () => {
  const token = await invitation(env, app, "lee@example.com");
  for (const fields of [{}, { invitation: token }]) {
    expect((await registers(closed, { email: "lee@example.com", ...fields })).status).toBe(403);
  }
  expect((await opens(closed, token)).status).toBe(403);
  expect((await new Visitor(closed).get("/register")).text).toContain("Nobody can create an account here.");
});
