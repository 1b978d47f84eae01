/** One row of `items` as it is stored and cached. */
export interface Item {
  id: number;
  slug: string;
  name: string;
  category: string;
  summary: string;
  image_key: string;
}

/** An item as it is served: the key of its image replaced by a signed URL, or null without storage. */
export interface ServedItem extends Omit<Item, "image_key"> {
  image_url: string | null;
}

export interface Seed {
  title: string;
  items: Omit<Item, "id" | "image_key">[];
}
