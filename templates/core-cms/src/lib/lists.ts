import { createHash } from "node:crypto";
import { config } from "./app";
import type { Dataset } from "./config";
import { pool } from "./db";
import { keysOf } from "./list-keys";
import { log } from "./log";
import { metrics } from "./metrics";
import { messageOf, singleton } from "./process";
import { ask } from "./redis";
import { storage } from "./storage";

/** How long a list is held, in seconds, if nothing changes. */
export const CACHE_SECONDS = 300;
/** The most items that one answer lists; `total` counts all. */
export const MOST_LISTED = 1_000;
/** How long the cache is left alone after it failed, so that a silent Redis costs one request its time-out, not each. */
const REST_MS = 1_000;
/** A database that takes longer than this for the list doesn't get to store it, in seconds. */
const LEASE_SECONDS = 60;

/** Between the parts of a held list: JSON never has it, since it escapes control characters. */
const MARK = "\u0001";

export interface Row {
  id: number;
  slug: string;
  name: string;
  category: string;
  summary: string;
  published_at: Date;
  image_key: string | null;
}

/** Where lists come from and go to, so that the path can be tested without services. */
export interface Sources {
  /** The held list, or else the lease by which one may be stored. Throws when the cache is away. */
  find(fresh: string): Promise<{ text: string } | { lease: string }>;
  /** Stores the list unless a change took the lease back since. */
  store(lease: string, text: string): Promise<unknown>;
  rows(): Promise<{ rows: Row[]; total: number }>;
  sign: ((key: string) => string) | null;
  count(result: "hit" | "miss" | "error"): void;
}

/**
 * The list as it is held: all of the answer as it goes out but for the pictures' keys, which stand between marks where
 * their URLs belong, and the last words.
 */
export function heldList(dataset: string, rows: Row[], total: number): string {
  const items = rows.map(({ image_key, ...row }) => {
    const start = JSON.stringify(row).slice(0, -1);
    return `${start},"image_url":${image_key === null ? "null" : `${MARK}${image_key}${MARK}`}}`;
  });
  return `{"${dataset}":[${items.join(",")}],"total":${total},"cached":`;
}

/** What was made of the last list that was held. */
interface Memory {
  held: string;
  /** URL of its first picture. */
  first: string;
  signed: string;
}

/** A held list in which each picture's key has given way to its URL, or to null where there is no bucket. */
function signedList(held: string, sign: Sources["sign"]): string {
  const parts = held.split(MARK);
  for (let at = 1; at < parts.length; at += 2) {
    parts[at] = sign === null ? "null" : JSON.stringify(sign(parts[at] ?? ""));
  }
  return parts.join("");
}

/**
 * The answer's text, with URLs signed for this answer. They are the same for a minute: where the first picture's is
 * still that of the last answer, all are, and so is the answer.
 */
export function answerOf(held: string, cached: boolean, sign: Sources["sign"]): string {
  const memory = singleton("last list", (): Memory => ({ held: "", first: "", signed: "" }));
  const key = sign === null ? undefined : held.split(MARK, 2)[1];
  const first = key === undefined || sign === null ? "" : sign(key);
  if (held !== memory.held || first !== memory.first) {
    Object.assign(memory, { held, first, signed: signedList(held, sign) });
  }
  return `${memory.signed}${cached}}`;
}

async function fromCache(sources: Sources): ReturnType<Sources["find"]> {
  try {
    const found = await sources.find(crypto.randomUUID());
    sources.count("text" in found ? "hit" : "miss");
    return found;
  } catch (error) {
    sources.count("error");
    log.warn("could not read the cache", { cause: messageOf(error) });
    return { lease: "" };
  }
}

async function toCache(sources: Sources, lease: string, text: string): Promise<void> {
  if (lease === "") return;
  try {
    await sources.store(lease, text);
  } catch (error) {
    log.warn("could not write the cache", { cause: messageOf(error) });
  }
}

/** The list of a dataset as JSON text: held or else from the database; a cache in trouble costs a query, never the answer. */
export async function listText(dataset: Dataset, sources: Sources): Promise<string> {
  const found = await fromCache(sources);
  if ("text" in found) return answerOf(found.text, true, sources.sign);
  const { rows, total } = await sources.rows();
  const text = heldList(dataset, rows, total);
  await toCache(sources, found.lease, text);
  return answerOf(text, false, sources.sign);
}

const ACTIVE = {
  name: "active-items",
  text: `SELECT id, slug, name, category, summary, published_at, image_key FROM content_items
    WHERE dataset = $1 AND status = 'active' ORDER BY published_at DESC, id LIMIT $2`,
};

/**
 * How a held list begins: with a sum of what it was made by. Both colours of a release have the same key, and a list
 * that the other makes of other columns is none for this one. Goes up by hand where `heldList` writes it otherwise.
 */
const SHAPE = `${createHash("sha256").update(`1 ${ACTIVE.text}`).digest("base64url").slice(0, 12)}:`;

// Whoever finds no list takes the lease that lies there or lays down his own; a change takes list and lease away. So
// what was read before a change is not stored after it: its lease is gone, or another one lies there.
const FIND = `
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, #ARGV[3]) == ARGV[3] then return {held} end
local lease = redis.call('GET', KEYS[2])
if not lease then
  lease = ARGV[1]
  redis.call('SET', KEYS[2], lease, 'EX', ARGV[2])
end
return {false, lease}`;
const STORE = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1`;

const rest = () => singleton("list cache rest", () => ({ until: 0 }));

async function cacheFind(dataset: Dataset, fresh: string): ReturnType<Sources["find"]> {
  const [list, lease] = keysOf(dataset);
  const held = await ask((client) => client.get(list));
  if (held?.startsWith(SHAPE)) return { text: held.slice(SHAPE.length) };
  const found = await ask((client) =>
    client.eval(FIND, { keys: [list, lease], arguments: [fresh, String(LEASE_SECONDS), SHAPE] }),
  );
  const [text, token] = found as [string | null, string | undefined];
  return text === null ? { lease: token ?? "" } : { text: text.slice(SHAPE.length) };
}

async function cacheStore(dataset: Dataset, lease: string, text: string): Promise<void> {
  const options = { keys: keysOf(dataset), arguments: [lease, SHAPE + text, String(CACHE_SECONDS)] };
  await ask((client) => client.eval(STORE, options));
}

/** Takes a dataset's list out of the cache, after the commit of what changed. Throws Unavailable. */
export async function dropList(dataset: Dataset): Promise<void> {
  await ask((client) => client.del(keysOf(dataset)));
}

const COUNT = "SELECT count(*)::int AS total FROM content_items WHERE dataset = $1 AND status = 'active'";

async function activeRows(dataset: Dataset): Promise<{ rows: Row[]; total: number }> {
  const { rows } = await pool().query<Row>({ ...ACTIVE, values: [dataset, MOST_LISTED] });
  if (rows.length < MOST_LISTED) return { rows, total: rows.length };
  const counted = await pool().query<{ total: number }>(COUNT, [dataset]);
  return { rows, total: counted.rows[0]?.total ?? rows.length };
}

/** Leaves the cache alone for a moment after it failed. */
async function unlessResting<T>(work: () => Promise<T>, resting: T): Promise<T> {
  if (rest().until > Date.now()) return resting;
  try {
    return await work();
  } catch (error) {
    rest().until = Date.now() + REST_MS;
    throw error;
  }
}

/** The services of this process. */
function sourcesOf(dataset: Dataset): Sources {
  const bucket = storage();
  const cached = config().redis !== null;
  return {
    find: (fresh) =>
      cached ? unlessResting(() => cacheFind(dataset, fresh), { lease: "" }) : Promise.resolve({ lease: "" }),
    store: (lease, text) => cacheStore(dataset, lease, text),
    rows: () => activeRows(dataset),
    sign: bucket && ((key) => bucket.signedUrl(key)),
    count: (result) => metrics().cacheRequests.inc({ result }),
  };
}

/** The text of `GET /api/<dataset>`. */
export const activeList = (dataset: Dataset): Promise<string> => listText(dataset, sourcesOf(dataset));
