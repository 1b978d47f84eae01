import type { Item, ServedItem } from "@/types/item";
import { app } from "./app";
import type { Dataset } from "./config";
import { pool } from "./db";
import { log } from "./log";
import { metrics } from "./metrics";
import { type Cache, cache } from "./redis";
import { seedOf } from "./seed";
import { type Storage, storage } from "./storage";
import { messageOf } from "./utils";

export const CACHE_SECONDS = 300;

export interface ItemList {
  cached: boolean;
  title: string;
  items: ServedItem[];
}

/** Where the items come from, so that the request path can be tested without services. */
export interface Sources {
  cache: Pick<Cache, "get" | "set"> | null;
  storage: Pick<Storage, "signedUrl"> | null;
  rows(): Promise<Item[]>;
  count(result: "hit" | "miss" | "error"): void;
}

const key = (dataset: Dataset) => `items:v1:${dataset}`;

/** A cache in trouble costs a query, never the answer. */
async function fromCache(sources: Sources, dataset: Dataset): Promise<Item[] | null> {
  if (sources.cache === null) return null;
  try {
    const text = await sources.cache.get(key(dataset));
    sources.count(text === null ? "miss" : "hit");
    return text === null ? null : (JSON.parse(text) as Item[]);
  } catch (error) {
    sources.count("error");
    log.warn("could not read the cache", { cause: messageOf(error) });
    return null;
  }
}

async function toCache(sources: Sources, dataset: Dataset, rows: Item[]): Promise<void> {
  try {
    await sources.cache?.set(key(dataset), JSON.stringify(rows), CACHE_SECONDS);
  } catch (error) {
    log.warn("could not write the cache", { cause: messageOf(error) });
  }
}

/** The dataset's items: rows from the cache or else the database, URLs signed anew for every answer. */
export async function listItems(sources: Sources, dataset: Dataset, title: string): Promise<ItemList> {
  const held = await fromCache(sources, dataset);
  const rows = held ?? (await sources.rows());
  if (held === null) await toCache(sources, dataset, rows);
  const serve = async ({ image_key, ...item }: Item): Promise<ServedItem> => ({
    ...item,
    image_url: sources.storage && (await sources.storage.signedUrl(image_key)),
  });
  return { cached: held !== null, title, items: await Promise.all(rows.map(serve)) };
}

const SELECT =
  "SELECT id, slug, name, category, summary, image_key FROM items WHERE dataset = $1 ORDER BY id";

/** This app's items. */
export async function currentItems(): Promise<ItemList> {
  const { dataset, title } = app().config;
  const sources: Sources = {
    cache: cache(),
    storage: storage(),
    rows: async () => (await pool().query<Item>(SELECT, [dataset])).rows,
    count: (result) => metrics().cacheRequests.inc({ result }),
  };
  return listItems(sources, dataset, title ?? seedOf(dataset).title);
}
