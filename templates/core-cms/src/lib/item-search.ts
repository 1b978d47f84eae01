import { type Item, type ItemPage, MOST, STATUSES, type Status } from "@/types/item";
import type { Dataset } from "./config";
import { pool, type Queries, searching } from "./db";
import { boundedInt } from "./process";
import { storage } from "./storage";

export const PAGE_SIZE = 20;
const MOST_PAGES = 100_000;

export interface Search {
  /** Words that name, category or summary have; empty: all items. */
  q: string;
  status: Status | null;
  /** From 1. */
  page: number;
}

type Parameters = Record<string, string | string[] | undefined>;

const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value) ?? "";

/** What a query string asks for; whatever makes no sense counts as not asked. */
export function searchOf(parameters: Parameters): Search {
  const q = first(parameters.q)
    .toWellFormed()
    .normalize("NFC")
    .replaceAll(/\p{Cc}/gu, " ")
    .trim();
  const status = STATUSES.find((each) => each === first(parameters.status)) ?? null;
  return {
    q: q.slice(0, MOST.search).toWellFormed(),
    status,
    page: boundedInt(first(parameters.page), 1, 1, MOST_PAGES),
  };
}

/** A pattern for ILIKE that finds the text itself, signs of patterns included. */
export const patternOf = (q: string): string => `%${q.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;

const WHERE = `WHERE i.dataset = $1 AND ($2::status IS NULL OR i.status = $2)
  AND ($3::text IS NULL OR i.name ILIKE $3 OR i.category ILIKE $3 OR i.summary ILIKE $3)`;
const COUNT = { name: "count-items", text: `SELECT count(*)::int AS total FROM content_items i ${WHERE}` };
const ORDERS = { published: "i.published_at DESC, i.id", changed: "i.updated_at DESC, i.id DESC" } as const;

/** What comes first: what was published last (visitors) or what was changed last (authors). */
export type Order = keyof typeof ORDERS;

const pageQuery = (order: Order) => ({
  name: `items-${order}`,
  text: `SELECT i.id, i.slug, i.name, i.category, i.summary, i.status, i.version,
      i.image_key AS "imageKey", i.author_id AS "authorId", u.name AS author,
      i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.published_at AS "publishedAt"
    FROM content_items i LEFT JOIN users u ON u.id = i.author_id
    ${WHERE} ORDER BY ${ORDERS[order]} LIMIT $4 OFFSET $5`,
});

type Times = "createdAt" | "updatedAt" | "publishedAt";
type Row = Omit<Item, Times | "body" | "imageUrl"> &
  Record<"createdAt" | "updatedAt", Date> & {
    publishedAt: Date | null;
  };

const listed = (row: Row): Item => ({
  ...row,
  body: "",
  imageUrl: row.imageKey === null ? null : (storage()?.signedUrl(row.imageKey) ?? null),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  publishedAt: row.publishedAt?.toISOString() ?? null,
});

/**
 * One page of a dataset's items, without their bodies; a page beyond the last is the last. A search by words that takes
 * two seconds throws what `isAway` knows.
 */
export async function searchItems(dataset: Dataset, search: Search, order: Order): Promise<ItemPage> {
  if (search.q === "") return pageOf(pool(), dataset, search, order);
  return searching((client) => pageOf(client, dataset, search, order));
}

async function pageOf(client: Queries, dataset: Dataset, search: Search, order: Order): Promise<ItemPage> {
  const where = [dataset, search.status, search.q === "" ? null : patternOf(search.q)];
  const counted = await client.query<{ total: number }>({ ...COUNT, values: where });
  const total = counted.rows[0]?.total ?? 0;
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
  const page = Math.min(search.page, pages);
  const values = [...where, PAGE_SIZE, (page - 1) * PAGE_SIZE];
  const { rows } = await client.query<Row>({ ...pageQuery(order), values });
  return { items: rows.map(listed), total, page, pages };
}

/** The categories that a dataset's items have, for an author to choose from: the most used first. */
export async function categories(dataset: Dataset): Promise<string[]> {
  const { rows } = await pool().query<{ category: string }>(
    "SELECT category FROM content_items WHERE dataset = $1 GROUP BY category ORDER BY count(*) DESC, category LIMIT 50",
    [dataset],
  );
  return rows.map(({ category }) => category);
}
