import { prisma } from "./db";
import { log } from "./log";
import { messageOf, singleton } from "./process";
import type { Storage } from "./storage";

/** How the keys of uploads begin that were not looked at yet. */
export const PENDING = "pending/";
/** An upload that nobody confirmed is deleted after this, in milliseconds: its form held for five minutes. */
export const PENDING_MS = 3_600_000;
/** A picture that no item has is deleted after this, in milliseconds: until then a form may be open that names it. */
export const UNUSED_MS = 86_400_000;
/** How often a process looks for both, in milliseconds. */
const SWEEP_MS = 600_000;
/** The most pictures that are deleted at a time. */
const MOST_SWEPT = 100;

/** Deletes uploads that nobody confirmed for an hour; tells how many. */
export async function sweepPending(bucket: Storage, now = Date.now()): Promise<number> {
  const old = (await bucket.list(PENDING)).filter(({ at }) => at.getTime() < now - PENDING_MS);
  for (const { key } of old) await bucket.remove(key);
  return old.length;
}

/** Notes since when no item has a picture, as far as anybody looked. */
const note = () => prisma().$executeRaw`
  WITH seen AS (
    SELECT key, EXISTS (SELECT 1 FROM content_items WHERE image_key = images.key) AS used FROM images
  )
  UPDATE images SET unused_since = CASE WHEN used THEN NULL ELSE now() END
  FROM seen WHERE seen.key = images.key AND (unused_since IS NULL) <> used`;

/** Deletes a picture if it is still unused: whoever names it or uploads it again waits, or is waited for. */
function sweepImage(bucket: Storage, key: string, before: Date): Promise<number> {
  return prisma().$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM images WHERE key = ${key} FOR UPDATE`;
    const where = { key, unusedSince: { lt: before }, items: { none: {} } };
    const { count } = await tx.image.deleteMany({ where });
    if (count > 0) await bucket.remove(key);
    return count;
  });
}

/** Deletes pictures that no item had for a day, rows and objects; tells how many. */
export async function sweepImages(bucket: Storage, now = Date.now()): Promise<number> {
  await note();
  const before = new Date(now - UNUSED_MS);
  const where = { unusedSince: { lt: before }, items: { none: {} } };
  const old = await prisma().image.findMany({ where, select: { key: true }, take: MOST_SWEPT });
  let swept = 0;
  for (const { key } of old) swept += await sweepImage(bucket, key, before);
  return swept;
}

/** At a new upload, in the background, and not at each. */
export function sweepNow(bucket: Storage): void {
  const swept = singleton("uploads swept", () => ({ at: 0 }));
  if (Date.now() - swept.at < SWEEP_MS) return;
  swept.at = Date.now();
  Promise.all([sweepPending(bucket), sweepImages(bucket)]).catch((error: unknown) =>
    log.warn("could not delete old uploads", { cause: messageOf(error) }),
  );
}
