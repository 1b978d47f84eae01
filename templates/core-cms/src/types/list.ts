/** An item as `GET /api/<dataset>` lists it. */
export interface PublicItem {
  id: number;
  slug: string;
  name: string;
  category: string;
  summary: string;
  /** ISO 8601. */
  published_at: string;
  /** Signed for an hour; null where the item has no picture. */
  image_url: string | null;
}
