import { createHash } from "node:crypto";
import { createClient } from "@redis/client";
import type { Client } from "pg";
import listings from "../seeds/listings.json";
import posts from "../seeds/posts.json";
import restaurants from "../seeds/restaurants.json";
import { type Config, type Dataset, type RedisConfig, redisSocket } from "../src/lib/config";
import { keysOf } from "../src/lib/list-keys";
import { log } from "../src/lib/log";
import { withConnection } from "../src/lib/migrate";
import { isUnreachable, messageOf, retry } from "../src/lib/process";
import { Storage } from "../src/lib/storage";
import { HEIGHT, picture, WIDTH } from "./picture";

export interface SeedItem {
  slug: string;
  name: string;
  category: string;
  summary: string;
  body?: string;
  /** `active` where it isn't said. */
  status?: string;
}

export const SEEDS: Record<Dataset, { items: SeedItem[] }> = { restaurants, listings, posts };

const PNG = "image/png";
const IMAGE = `INSERT INTO images (key, content_type, bytes, width, height) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (key) DO NOTHING`;
const ITEM = `INSERT INTO content_items (dataset, slug, name, category, summary, body, status, image_key, published_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7::status, $8,
          CASE WHEN $7 = 'active' THEN now() - $9 * interval '1 hour' END)`;

/** Taken by who seeds, so that two release commands add the rows once. */
const LOCK = 72_707_370;

interface Picture {
  key: string;
  bytes: Buffer;
}

/** Stores the picture of a row; its key is as that of an upload: the sum of its bytes. */
async function storePicture(storage: Storage, text: string): Promise<Picture> {
  const bytes = picture(text);
  const key = `images/${createHash("sha256").update(bytes).digest("hex")}.png`;
  await retry(() => storage.put(key, bytes, PNG), { forMs: 30_000, everyMs: 500, retryable: isUnreachable });
  return { key, bytes };
}

async function isEmpty(client: Client, dataset: Dataset): Promise<boolean> {
  const { rows } = await client.query("SELECT 1 FROM content_items WHERE dataset = $1 LIMIT 1", [dataset]);
  return rows.length === 0;
}

async function insert(client: Client, dataset: Dataset, pictures: (Picture | null)[]): Promise<number> {
  const { items } = SEEDS[dataset];
  for (const [index, item] of items.entries()) {
    const { slug, name, category, summary, body = "", status = "active" } = item;
    const { key, bytes } = pictures[index] ?? { key: null, bytes: null };
    if (bytes) await client.query(IMAGE, [key, PNG, bytes.length, WIDTH, HEIGHT]);
    await client.query(ITEM, [dataset, slug, name, category, summary, body, status, key, index]);
  }
  return items.length;
}

/** All rows or none, and only where there are none yet. */
async function insertOnce(client: Client, dataset: Dataset, pictures: (Picture | null)[]): Promise<number> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    const added = (await isEmpty(client, dataset)) ? await insert(client, dataset, pictures) : 0;
    await client.query("COMMIT");
    return added;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** The empty list may be held: without this it would be shown for five minutes more. */
async function dropList(to: RedisConfig | null, dataset: Dataset): Promise<void> {
  if (to === null) return;
  const { database, username, password } = to;
  const socket = { ...redisSocket(to), connectTimeout: 2_000, reconnectStrategy: false as const };
  const client = createClient({ socket, database, username, password });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.del(keysOf(dataset));
  } catch (error) {
    log.warn("the list may be an old one for five minutes", { cause: messageOf(error) });
  } finally {
    client.destroy();
  }
}

/**
 * Adds the dataset's demo rows where it has no rows at all, with pictures where there is a bucket: what somebody changed
 * or deleted stays so. The first row of the file is the newest. Nobody who could sign in is added.
 * @returns how many rows were added
 */
export async function seed(config: Config, signal?: AbortSignal): Promise<{ added: number }> {
  const { dataset, database, storage: to, redis } = config;
  const storage = to && new Storage(to);
  const added = await withConnection(database.url, async (client) => {
    if (!(await isEmpty(client, dataset))) return 0;
    const pictures: (Picture | null)[] = [];
    for (const { slug } of SEEDS[dataset].items) {
      if (signal?.aborted) throw new Error("told to stop while seeding: nothing was added");
      pictures.push(storage && (await storePicture(storage, `${dataset}/${slug}`)));
    }
    return insertOnce(client, dataset, pictures);
  });
  if (added > 0) await dropList(redis, dataset);
  return { added };
}
