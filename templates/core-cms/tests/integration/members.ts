/** People of an app whose database is that of `env`: with accounts, and invited ones. */
import { expect } from "vitest";
import type { App } from "./app";
import { makeAccount, Visitor } from "./visitor";

type Environment = Record<string, string>;

/** What the invited write, apart from their address. */
export const NEW = { name: "Lee", password: "one more sentence" };

/** Somebody with an account who has signed in. */
export async function member(
  env: Environment,
  app: App,
  email: string,
  role = "editor",
): Promise<Visitor & { id: string }> {
  const id = await makeAccount(env, email, role);
  const visitor = new Visitor(app);
  expect((await visitor.signIn(email)).status).toBe(200);
  return Object.assign(visitor, { id });
}

/** The token of an invitation that an administrator of this name's own made. */
export async function invitation(
  env: Environment,
  app: App,
  email: string,
  role = "editor",
): Promise<string> {
  const admin = await member(env, app, `admin-of-${email}`, "admin");
  const answer = await admin.send("POST", "/api/users", { email, role });
  expect(answer.status).toBe(201);
  const link = new URL(answer.json.link);
  expect(`${link.origin}${link.pathname}`).toBe("http://localhost:3000/register");
  expect(link.search).toBe("");
  return link.hash.slice(1);
}

export const registers = (at: App, fields: object) =>
  new Visitor(at).send("POST", "/api/register", { ...NEW, ...fields });
