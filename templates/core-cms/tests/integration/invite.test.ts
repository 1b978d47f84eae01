import { createHash } from "node:crypto";
import { createClient } from "@redis/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createInvitation,
  findInvitation,
  INVITED_SECONDS,
  type InvitationStore,
  redeemInvitation,
} from "../../src/lib/invitations";
import { buildTools, run } from "./commands";
import { clearRedis, createDatabase, services } from "./fixtures";
import { makeTables, trail } from "./visitor";

let env: Record<string, string> = {};
let client: ReturnType<typeof connect>;

function connect() {
  const socket = { host: env.REDIS_HOST, port: Number(env.REDIS_PORT) };
  const login = { username: env.REDIS_USERNAME, password: env.REDIS_PASSWORD };
  return createClient({ socket, database: Number(env.REDIS_DB), ...login });
}

beforeAll(async () => {
  buildTools();
  env = await createDatabase();
  await makeTables(env);
  client = connect();
  await client.connect();
});
beforeEach(clearRedis);
afterAll(() => client.destroy());

describe("an invitation", () => {
  const store = (): InvitationStore => client;

  it("is found until it is redeemed, for seven days, and Redis doesn't hold its token", async () => {
    const token = await createInvitation(store(), " Ann@Example.COM ", "admin");
    const expected = { email: "ann@example.com", role: "admin", by: null };
    expect(await findInvitation(store(), token)).toEqual(expected);
    const key = `invite:${createHash("sha256").update(token).digest("hex")}`;
    expect(await services.asRedisAdmin((admin) => admin.keys("*"))).toEqual([key]);
    expect(await client.get(key)).not.toContain(token);
    expect(await client.ttl(key)).toBeGreaterThan(INVITED_SECONDS - 60);
    expect(await redeemInvitation(store(), token)).toEqual(expected);
    expect(await findInvitation(store(), token)).toBeNull();
  });

  it("is redeemed once, however many try at the same time", async () => {
    const token = await createInvitation(store(), "ann@example.com", "editor");
    const taken = await Promise.all(Array.from({ length: 50 }, () => redeemInvitation(store(), token)));
    expect(taken.filter((found) => found !== null)).toHaveLength(1);
  });

  it.each(["", "x", "../", "a".repeat(43), "a".repeat(10_000), "*"])(
    "of no token like %j is there",
    async (token) => {
      await createInvitation(store(), "ann@example.com", "editor");
      expect(await findInvitation(store(), token)).toBeNull();
      expect(await redeemInvitation(store(), token)).toBeNull();
    },
  );

  it.each([
    ["no address", "editor"],
    ["ann@example.com", "owner"],
    [`${"a".repeat(250)}@example.com`, "editor"],
  ])("isn't made for %j as %j", async (email, role) => {
    await expect(createInvitation(store(), email, role)).rejects.toThrow();
  });
});

describe("node invite.cjs", () => {
  it("prints one line with the link, which invites that address as that role", async () => {
    const { code, stdout, stderr } = await run("invite", ["--role", "admin", "Ann@example.com"], env);
    expect([code, stderr]).toEqual([0, ""]);
    const token = /^http:\/\/localhost:3000\/register#([\w-]{43})\n$/.exec(stdout)?.[1] ?? "";
    expect(await findInvitation(client, token)).toEqual({
      email: "ann@example.com",
      role: "admin",
      by: null,
    });
  });

  it("is in the audit trail, by nobody, without the link", async () => {
    const before = (await trail(env)).length;
    const { stdout } = await run("invite", ["--role", "admin", "Bo@example.com"], env);
    const added = (await trail(env)).slice(before);
    expect(added).toMatchObject([
      {
        actor_id: null,
        action: "invite",
        target: "email:bo@example.com",
        address: "command line",
        details: { role: "admin" },
      },
    ]);
    expect(JSON.stringify(added)).not.toContain(stdout.trim().split("#")[1]);
  });

  it("invites nobody where nobody can register, and says so", async () => {
    const { code, stdout, stderr } = await run("invite", ["ann@example.com"], {
      ...env,
      REGISTRATION: "closed",
    });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("not invited: REGISTRATION=closed: nobody can register here\n");
    expect(await services.asRedisAdmin((admin) => admin.keys("*"))).toEqual([]);
  });

  it("--json tells the rest, too", async () => {
    const { stdout } = await run("invite", ["--json", "ann@example.com"], env);
    expect(JSON.parse(stdout)).toMatchObject({
      email: "ann@example.com",
      role: "editor",
      link: expect.stringContaining("/register#"),
      expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it.each([
    [[], 2, /^usage: /],
    [["--role", "owner", "ann@example.com"], 2, /^usage: /],
    [["--all", "ann@example.com"], 2, /^usage: /],
    [["ann@example.com", "ben@example.com"], 2, /^usage: /],
    [["not an address"], 2, /^usage: /],
    [["ann@nowhere"], 1, /^not invited: this is no e-mail address\n$/],
  ])("answers %j by status %i", async (args, status, said) => {
    const { code, stdout, stderr } = await run("invite", args, env);
    expect([code, stdout, stderr]).toEqual([status, "", expect.stringMatching(said)]);
  });

  it("says that Redis can't be reached, and no password", async () => {
    const { code, stderr } = await run("invite", ["ann@example.com"], { ...env, REDIS_PORT: "1" });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^not invited: .*ECONNREFUSED/)]);
    expect(stderr).not.toContain(env.REDIS_PASSWORD);
  });
});
