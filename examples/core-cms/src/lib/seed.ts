import type { Seed } from "@/types/item";
import listings from "../../seeds/listings.json";
import posts from "../../seeds/posts.json";
import restaurants from "../../seeds/restaurants.json";
import type { Dataset } from "./config";
import type { Queryable } from "./migrate";

const SEEDS: Record<Dataset, Seed> = { restaurants, listings, posts };

export const seedOf = (dataset: Dataset): Seed => SEEDS[dataset];

export const imageKey = (dataset: Dataset, slug: string): string => `images/${dataset}/${slug}.svg`;

const INSERT = `INSERT INTO items (dataset, slug, name, category, summary, image_key)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset, slug) DO NOTHING`;

/** Adds the dataset's rows that are missing; rows that exist stay as they are. */
export async function seed(client: Queryable, dataset: Dataset): Promise<void> {
  for (const { slug, name, category, summary } of seedOf(dataset).items) {
    await client.query(INSERT, [dataset, slug, name, category, summary, imageKey(dataset, slug)]);
  }
}
