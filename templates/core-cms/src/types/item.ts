import { z } from "@/lib/zod";
import { isPlain, isVisible } from "./text";

export const STATUSES = ["draft", "active", "archived"] as const;
export type Status = (typeof STATUSES)[number];

/** Datasets whose items are nothing without a text of their own. */
const WITH_TEXT = new Set(["posts"]);

/** The most characters of each field, as the columns have them. */
export const MOST = { name: 120, category: 60, summary: 500, body: 20_000, search: 100 } as const;

// Messages are keys of `errors.*` in src/messages.
const TAG = /<[a-z!/?]/i;

/** Plain text: shown as it is written, so markup is refused rather than shown to visitors. */
const text = (most: number, lines: boolean) =>
  z
    .string("text")
    .refine((value) => value.isWellFormed(), "characters")
    .normalize("NFC")
    .trim()
    .max(most, "too-long")
    .refine((value) => isPlain(value, lines), "characters")
    .refine((value) => !TAG.test(value), "plain-text");

const line = (most: number) => text(most, false).refine(isVisible, "required");

/** Of a picture that `POST /api/uploads/[id]` has looked at. */
export const IMAGE_KEY = /^images\/[0-9a-f]{64}\.(?:png|jpg|webp)$/;

/** What an author writes of an item; the form and the API take the same. */
export const fieldsOf = (dataset: string) =>
  z.strictObject(
    {
      name: line(MOST.name),
      category: line(MOST.category),
      summary: line(MOST.summary),
      body: z
        .string("text")
        .overwrite((value) => value.replaceAll("\r\n", "\n"))
        .pipe(
          text(MOST.body, true).refine((value) => !WITH_TEXT.has(dataset) || isVisible(value), "required"),
        ),
      imageKey: z.string("text").regex(IMAGE_KEY, "picture").nullable(),
    },
    "unknown",
  );

export type ItemFields = z.infer<ReturnType<typeof fieldsOf>>;

const version = z.int("number").min(1, "number").max(2_147_483_647, "number");

/** `POST /api/items`: `formKey` is chosen once for a form, so that sending it twice makes one item. */
export const newItem = (dataset: string) =>
  fieldsOf(dataset).extend({ formKey: z.uuid("id"), publish: z.boolean("text").default(false) });

/** `PUT /api/items/[id]`: `version` is that of the item which the form showed. */
export const itemChange = (dataset: string) => fieldsOf(dataset).extend({ version });

/** `PATCH /api/items/[id]`: publish, archive, or take back to the drafts. */
export const statusChange = z.strictObject({ version, status: z.enum(STATUSES, "choice") }, "unknown");

/** `DELETE /api/items/[id]`. */
export const itemRemoval = z.strictObject({ version }, "unknown");

export type NewItem = z.infer<ReturnType<typeof newItem>>;
export type ItemChange = z.infer<ReturnType<typeof itemChange>>;

/** An item as its authors see it. Times are ISO 8601. */
export interface Item {
  id: number;
  slug: string;
  name: string;
  category: string;
  summary: string;
  body: string;
  status: Status;
  version: number;
  imageKey: string | null;
  /** Signed for an hour. */
  imageUrl: string | null;
  authorId: string | null;
  author: string | null;
  createdAt: string;
  updatedAt: string;
  publishedAt: string | null;
}

/** One page of a list, from 1; `total` counts the items of all pages. */
export interface ItemPage {
  items: Item[];
  total: number;
  page: number;
  pages: number;
}
