import type { Prisma, Item as Row } from "@/generated/prisma/client";
import type { Item, ItemChange, ItemFields, NewItem, Status } from "@/types/item";
import { audit } from "./audit";
import type { Dataset } from "./config";
import { prisma } from "./db";
import { Refused } from "./http";
import { publishedChanged } from "./live";
import type { SessionUser } from "./session";
import { freeSlug, slugOf } from "./slug";
import { storage } from "./storage";

/** Who changes something, and from where. */
export interface Actor {
  user: SessionUser;
  /** As `visitorAddress` reads it. */
  address: string;
}

type Transaction = Prisma.TransactionClient;
type Found = Row & { author: { name: string } | null };

const WITH_AUTHOR = { author: { select: { name: true } } } as const;
/** How often a slug is chosen anew when somebody else was quicker. */
const TRIES = 5;
const UNIQUE = "P2002";

const missing = () => new Refused("not-found", "there is no such item");

/** An item as its authors see it. */
export function itemOf({ author, imageKey, createdAt, updatedAt, publishedAt, ...row }: Found): Item {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    category: row.category,
    summary: row.summary,
    body: row.body,
    status: row.status,
    version: row.version,
    imageKey,
    imageUrl: imageKey === null ? null : (storage()?.signedUrl(imageKey) ?? null),
    authorId: row.authorId,
    author: author?.name ?? null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    publishedAt: publishedAt?.toISOString() ?? null,
  };
}

/** An editor changes what is his own, an admin everything. */
export const mayChange = (user: SessionUser, item: { authorId: string | null }): boolean =>
  user.role === "admin" || item.authorId === user.id;

async function refuseStale(dataset: Dataset, id: number): Promise<never> {
  const now = await prisma().item.findFirst({ where: { id, dataset }, include: WITH_AUTHOR });
  if (now === null) throw missing();
  const item = itemOf(now);
  throw new Refused("conflict", "somebody changed it meanwhile", { version: "stale" }, null, { item });
}

/** The item, if the actor may change it and saw it as it is. */
async function mine(tx: Transaction, actor: Actor, dataset: Dataset, id: number): Promise<Row> {
  const row = await tx.item.findFirst({ where: { id, dataset } });
  if (row === null) throw missing();
  if (!mayChange(actor.user, row)) throw new Refused("forbidden", "this item is somebody else's");
  return row;
}

async function checkPicture(tx: Transaction, key: string | null): Promise<void> {
  if (key === null) return;
  // Held until the item has it, so that nobody sweeps it away in between.
  const found = await tx.$queryRaw<unknown[]>`SELECT 1 FROM images WHERE key = ${key} FOR KEY SHARE`;
  if (found.length === 0) {
    throw new Refused("invalid", "some fields are wrong", { imageKey: "picture" });
  }
}

const trail = (tx: Transaction, { user, address }: Actor, action: string, id: number, details = {}) =>
  audit({ actorId: user.id, action, target: `item:${id}`, address, details }, tx);

async function unusedSlug(dataset: Dataset, name: string): Promise<string> {
  const wanted = slugOf(name);
  const alike = { OR: [{ slug: wanted }, { slug: { startsWith: `${wanted}-` } }] };
  const taken = await prisma().item.findMany({ where: { dataset, ...alike }, select: { slug: true } });
  return freeSlug(wanted, new Set(taken.map(({ slug }) => slug)));
}

async function madeBefore(actor: Actor, dataset: Dataset, formKey: string): Promise<Item | null> {
  const row = await prisma().item.findUnique({ where: { formKey }, include: WITH_AUTHOR });
  if (row === null) return null;
  if (row.dataset === dataset && row.authorId === actor.user.id) return itemOf(row);
  throw new Refused("conflict", "this form was sent before", { formKey: "id" });
}

function insert(actor: Actor, dataset: Dataset, slug: string, { publish, ...fields }: NewItem) {
  const published = publish ? { status: "active" as const, publishedAt: new Date() } : {};
  return prisma().$transaction(async (tx) => {
    await checkPicture(tx, fields.imageKey);
    const data = { ...fields, ...published, dataset, slug, authorId: actor.user.id };
    const row = await tx.item.create({ data, include: WITH_AUTHOR });
    await trail(tx, actor, publish ? "create and publish" : "create", row.id, { slug });
    return row;
  });
}

/**
 * Makes an item of the actor's.
 * @returns the item, and whether this call made it: a form that is sent twice makes one
 * @throws Refused conflict when the form's key is somebody else's, invalid when there is no such picture
 */
export async function createItem(actor: Actor, dataset: Dataset, input: NewItem) {
  for (let tries = 1; ; tries++) {
    const before = await madeBefore(actor, dataset, input.formKey);
    if (before !== null) return { item: before, made: false };
    try {
      const row = await insert(actor, dataset, await unusedSlug(dataset, input.name), input);
      if (row.status === "active") await publishedChanged(dataset);
      return { item: itemOf(row), made: true };
    } catch (error) {
      // The same form or the same slug at the same moment: look again.
      if ((error as { code?: unknown }).code !== UNIQUE || tries === TRIES) throw error;
    }
  }
}

/** The one change of an item whose version is still that of the request, with its line in the audit trail. */
async function apply(
  [actor, dataset, id]: [Actor, Dataset, number],
  version: number,
  data: (row: Row) => Prisma.ItemUncheckedUpdateManyInput,
  [action, details]: [string, (row: Row) => object],
): Promise<Item> {
  const changed = await prisma().$transaction(async (tx) => {
    const before = await mine(tx, actor, dataset, id);
    const next = data(before);
    if (typeof next.imageKey === "string") await checkPicture(tx, next.imageKey);
    const change = { ...next, version: { increment: 1 } };
    const { count } = await tx.item.updateMany({ where: { id, dataset, version }, data: change });
    if (count === 0) return null;
    await trail(tx, actor, action, id, details(before));
    const after = await tx.item.findUniqueOrThrow({ where: { id }, include: WITH_AUTHOR });
    return { before, after };
  });
  if (changed === null) return refuseStale(dataset, id);
  const { before, after } = changed;
  if (before.status === "active" || after.status === "active") await publishedChanged(dataset);
  return itemOf(after);
}

/** The names of the fields in which an item changes. */
const changedFields = (row: Row, fields: ItemFields): string[] =>
  (Object.keys(fields) as (keyof ItemFields)[]).filter((name) => row[name] !== fields[name]);

/**
 * Writes an item's fields; its slug stays, and so do links to it.
 * @throws Refused not-found, forbidden, invalid, or conflict with the item as it is now where `version` is older
 */
export function changeItem(
  actor: Actor,
  dataset: Dataset,
  id: number,
  { version, ...fields }: ItemChange,
): Promise<Item> {
  const details = (row: Row) => ({ fields: changedFields(row, fields) });
  return apply([actor, dataset, id], version, () => fields, ["change", details]);
}

const ACTIONS = { active: "publish", archived: "archive", draft: "withdraw" } as const;

/**
 * Publishes an item, archives it or takes it back to the drafts. What was published before keeps its day.
 * @throws Refused as `changeItem`
 */
export function setStatus(
  actor: Actor,
  dataset: Dataset,
  id: number,
  { version, status }: { version: number; status: Status },
): Promise<Item> {
  const data = ({ publishedAt }: Row) => ({
    status,
    publishedAt: status === "active" ? (publishedAt ?? new Date()) : publishedAt,
  });
  return apply([actor, dataset, id], version, data, [ACTIONS[status], (row) => ({ from: row.status })]);
}

/**
 * Deletes an item for good.
 * @throws Refused as `changeItem`
 */
export async function removeItem(actor: Actor, dataset: Dataset, id: number, version: number): Promise<void> {
  const removed = await prisma().$transaction(async (tx) => {
    const row = await mine(tx, actor, dataset, id);
    const { count } = await tx.item.deleteMany({ where: { id, dataset, version } });
    if (count === 0) return null;
    await trail(tx, actor, "delete", id, { slug: row.slug });
    return row;
  });
  if (removed === null) return refuseStale(dataset, id);
  if (removed.status === "active") await publishedChanged(dataset);
}

/** One item by its number; null: there is none in this dataset. */
export async function itemById(dataset: Dataset, id: number): Promise<Item | null> {
  const row = await prisma().item.findFirst({ where: { id, dataset }, include: WITH_AUTHOR });
  return row && itemOf(row);
}

/** The published item of an address; null: there is none, or it isn't published. */
export async function publishedItem(dataset: Dataset, slug: string): Promise<Item | null> {
  if (slug.length > 80 || slug.includes("\0") || !slug.isWellFormed()) return null;
  const where = { dataset, slug: slug.normalize("NFC"), status: "active" as const };
  const row = await prisma().item.findFirst({ where, include: WITH_AUTHOR });
  return row && itemOf(row);
}
