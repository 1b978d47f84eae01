import { randomBytes } from "node:crypto";
import { withConnection } from "../src/lib/migrate";

/** This database's URL with another database's name. */
export function beside(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/**
 * Runs `work` with the URL of an empty database beside this one, which is dropped afterwards.
 * @throws Error if the role may not create databases
 */
export async function withShadow<T>(url: string, work: (shadow: string) => Promise<T>): Promise<T> {
  const database = `shadow_${randomBytes(6).toString("hex")}`;
  await withConnection(url, (client) => client.query(`CREATE DATABASE ${database} TEMPLATE template0`));
  try {
    return await work(beside(url, database));
  } finally {
    await withConnection(url, (client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`));
  }
}
