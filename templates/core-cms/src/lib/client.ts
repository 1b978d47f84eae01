import type { Item } from "@/types/item";

/** What an API refused, for people: `code` and the values of `fields` are keys of `errors.*`. */
export interface Problem {
  code: string;
  fields: Record<string, string>;
  /** Seconds after which it is worth trying again, where the answer says so. */
  retryAfter?: number;
  /** The item as it is now, where ours is older. */
  item?: Item;
}

export type Outcome<T> = { data: T; problem?: undefined } | { data?: undefined; problem: Problem };

/** Asks our own API from the browser. It never throws: without a connection the problem's code is `network`. */
export async function send<T>(method: string, path: string, body?: unknown): Promise<Outcome<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = response.status === 204 ? {} : await response.json();
    if (response.ok) return { data: said };
    const { code = "internal", fields = {}, item } = said.error ?? {};
    const retryAfter = Number(response.headers.get("retry-after")) || undefined;
    return { problem: { code, fields, item, retryAfter } };
  } catch {
    // No connection, or an answer that isn't ours, as from a proxy whose app is away.
    return { problem: { code: "network", fields: {} } };
  }
}

/** A random UUID, also where a page that came by plain http lacks `crypto.randomUUID`. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
