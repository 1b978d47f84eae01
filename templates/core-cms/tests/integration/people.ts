/** An app's database with people in it who are signed in. */
import { randomBytes } from "node:crypto";
import { createClient } from "@redis/client";
import { encode } from "next-auth/jwt";
import pg from "pg";
import type { App } from "./app";
import { run } from "./commands";
import { createDatabase } from "./fixtures";

export type Environment = Record<string, string>;

/** A database with the template's tables, and the environment of an app on it, without the app's own address. */
export async function freshApp(more: Environment = {}): Promise<Environment> {
  const { NEXTAUTH_URL: _, ...env } = await createDatabase();
  const origin = { NEXTAUTH_URL: "http://127.0.0.1" };
  const done = await run("migrate", [], { ...env, ...origin, ...more }, process.cwd());
  if (done.code !== 0) throw new Error(done.stdout + done.stderr);
  return { ...env, ...more };
}

/** Runs `work` on the app's database, as the app. */
export async function withDatabase<T>(env: Environment, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function rows<T extends pg.QueryResultRow>(
  env: Environment,
  sql: string,
  values: unknown[] = [],
) {
  return withDatabase(env, async (client) => (await client.query<T>(sql, values)).rows);
}

/** A client with the app's own login to its Redis. */
export async function redisOf(env: Environment) {
  const socket = { host: env.REDIS_HOST, port: Number(env.REDIS_PORT) };
  const login = { username: env.REDIS_USERNAME, password: env.REDIS_PASSWORD };
  const client = createClient({ socket, database: Number(env.REDIS_DB), ...login });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

export interface Person {
  id: string;
  name: string;
  cookie: string;
}

/** Somebody with an account and a session. */
export async function signedIn(env: Environment, name: string, role: "admin" | "editor"): Promise<Person> {
  const email = `${randomBytes(4).toString("hex")}@example.com`;
  const insert =
    "INSERT INTO users (email, name, password_hash, role) VALUES ($1, $2, 'none', $3::role) RETURNING id";
  const [user] = await rows<{ id: string }>(env, insert, [email, name, role]);
  const id = user?.id ?? "";
  const sid = `${id}.${randomBytes(24).toString("base64url")}`;
  const redis = await redisOf(env);
  await redis.set(`session:${sid}`, JSON.stringify({ id, email, name, role, since: Date.now() }));
  await redis.sAdd(`sessions:${id}`, sid);
  redis.destroy();
  const token = await encode({ token: { sid }, secret: env.NEXTAUTH_SECRET ?? "" });
  return { id, name, cookie: `next-auth.session-token=${token}` };
}

/** Sends JSON to the app as its own page would. */
export async function ask(app: App, person: Person | null, method: string, path: string, value?: unknown) {
  const answer = await fetch(app.url(path), {
    method,
    headers: {
      Origin: app.url("").replace(/\/$/, ""),
      "Content-Type": "application/json",
      ...(person ? { Cookie: person.cookie } : {}),
    },
    body: value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value),
  });
  const text = await answer.text();
  const body = text === "" ? null : JSON.parse(text);
  return { status: answer.status, headers: answer.headers, body };
}
