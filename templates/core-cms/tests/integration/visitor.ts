import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import { hashPassword } from "../../src/lib/password";
import type { App } from "./app";

export const PASSWORD = "a sentence of mine";
/** The cookie that has the session's token. */
export const COOKIE = "next-auth.session-token";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; throws if it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is the test says
  json: any;
}

type Headed = Record<string, string>;

/** A browser: it keeps cookies, and says from which site's page it sends what. */
export class Visitor {
  readonly cookies = new Map<string, string>();

  constructor(
    readonly app: App,
    /** As the platform's edge would say it. */
    readonly address = "203.0.113.1",
    readonly origin = "http://localhost:3000",
  ) {}

  /** The same browser at another process of the app. */
  at(app: App): Visitor {
    const other = new Visitor(app, this.address, this.origin);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }

  async request(method: string, path: string, body?: string, more: Headed = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { "X-Forwarded-For": this.address, ...(cookie ? { Cookie: cookie } : {}), ...more };
    const answer = await fetch(this.app.url(path), { method, headers, body, redirect: "manual" });
    this.#keep(answer.headers.getSetCookie());
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      get json() {
        return JSON.parse(text);
      },
    };
  }

  #keep(cookies: string[]): void {
    for (const cookie of cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /max-age=0/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  get = (path: string) => this.request("GET", path);

  /** As a page of the app sends it. */
  send(method: string, path: string, value: unknown, more: Headed = {}): Promise<Answer> {
    const headers = { "Content-Type": "application/json", Origin: this.origin, ...more };
    return this.request(method, path, typeof value === "string" ? value : JSON.stringify(value), headers);
  }

  async #auth(action: string, fields: object): Promise<Answer> {
    const { csrfToken } = (await this.get("/api/auth/csrf")).json;
    return this.send("POST", `/api/auth/${action}`, { ...fields, csrfToken });
  }

  signIn = (email: unknown, password: unknown = PASSWORD) =>
    this.#auth("callback/credentials", { email, password });

  signOut = () => this.#auth("signout", {});

  /** Who the app thinks this is; null: nobody. */
  async user(): Promise<{ email: string; role: string; name: string } | null> {
    const answer = await this.get("/api/auth/session");
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    return answer.json.user ?? null;
  }
}

/** What handlers for those who are signed in answer to this browser: IN, or OUT. */
export const statusOf = async (visitor: Visitor) =>
  (await visitor.send("POST", "/api/account/password", {})).status;
export const IN = 422;
export const OUT = 401;

/** Runs SQL on the app's database. */
export async function query(env: Headed, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** The template's tables, as its first migration makes them. */
export async function makeTables(env: Headed): Promise<void> {
  await query(env, readFileSync("prisma/migrations/20261128140000_init/migration.sql", "utf8"));
}

let hashed: Promise<string> | undefined;

/** An account whose password is PASSWORD. */
export async function makeAccount(env: Headed, email: string, role = "editor"): Promise<string> {
  hashed ??= hashPassword(PASSWORD);
  const id = randomUUID();
  const values = [id, email, email.split("@")[0], await hashed, role];
  await query(
    env,
    "INSERT INTO users (id, email, name, password_hash, role) VALUES ($1, $2, $3, $4, $5::role)",
    values,
  );
  return id;
}

/** The audit trail, the oldest first. */
export const trail = (env: Headed) => query(env, "SELECT * FROM audit_log ORDER BY id");
