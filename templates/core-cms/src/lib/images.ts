import { createHash } from "node:crypto";
import { fileTypeFromBuffer } from "file-type";
import { imageSize } from "image-size";
import {
  MOST_PICTURE_BYTES,
  MOST_PIXELS,
  PICTURE_TYPES,
  PICTURES,
  type Picture,
  type PictureType,
  type UploadTicket,
} from "@/types/upload";
import { audit } from "./audit";
import { prisma } from "./db";
import { Refused } from "./http";
import type { Actor } from "./items";
import { log } from "./log";
import { messageOf, Unavailable } from "./process";
import { type Storage, storage } from "./storage";
import { stripped } from "./strip";
import { PENDING, sweepNow } from "./sweep";

const TICKET = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(png|jpg|webp)$/;
/** What a browser that ignores media types might take for a page. */
const MARKUP = /<(?:script|html|!doctype|\?php)/i;

function bucket(): Storage {
  const found = storage();
  if (found === null) throw new Unavailable("this app has no bucket for pictures");
  return found;
}

/** What the bucket answers; a refusal is an error with the server's status, anything else says that it is away. */
async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 503;
    if (status < 500) throw error;
    throw new Unavailable(`the bucket: ${messageOf(error)}`, { cause: error });
  }
}

/** Names the owner, so that nobody confirms another's upload. */
const pendingKey = (userId: string, id: string) => `${PENDING}${userId}/${id}`;

/**
 * A form by which the user's browser stores one picture of this type and of just this many bytes in the bucket, in five
 * minutes.
 * @throws Unavailable without a bucket
 */
export async function newUpload(userId: string, type: PictureType, size: number): Promise<UploadTicket> {
  const id = `${crypto.randomUUID()}.${PICTURES[type]}`;
  const key = pendingKey(userId, id);
  sweepNow(bucket());
  return { id, key, ...(await stored(bucket().upload(key, type, size))) };
}

/**
 * The picture as it is kept, without what its camera noted, and its size in pixels; or what is wrong with it, as a key
 * of `errors.*`.
 */
export async function inspect(
  bytes: Uint8Array,
  type: PictureType,
): Promise<{ wrong: string } | { clean: Uint8Array; width: number; height: number }> {
  if (bytes.length > MOST_PICTURE_BYTES) return { wrong: "file-too-large" };
  if ((await fileTypeFromBuffer(bytes))?.mime !== type) return { wrong: "file-lies" };
  if (MARKUP.test(Buffer.from(bytes).toString("latin1"))) return { wrong: "file-lies" };
  try {
    const { width, height } = imageSize(bytes);
    if (width < 1 || height < 1) return { wrong: "picture-broken" };
    if (width > MOST_PIXELS || height > MOST_PIXELS) return { wrong: "picture-too-wide" };
    const clean = stripped(bytes, type);
    return clean === null ? { wrong: "picture-broken" } : { clean, width, height };
  } catch {
    // It throws what its parser of that format came upon; the file is broken in any case.
    return { wrong: "picture-broken" };
  }
}

interface Kept {
  key: string;
  contentType: PictureType;
  bytes: number;
  width: number;
  height: number;
}

/**
 * Stores the picture with its row and its line in the audit trail; one that is there already stays its owner's. Nobody
 * sweeps it away meanwhile: the row is locked.
 */
async function keep({ user, address }: Actor, image: Kept, content: Uint8Array): Promise<void> {
  const { key, contentType, bytes, width, height } = image;
  await prisma().$transaction(async (tx) => {
    const [row] = await tx.$queryRaw<{ made: boolean }[]>`
      INSERT INTO images (key, content_type, bytes, width, height, owner_id)
      VALUES (${key}, ${contentType}, ${bytes}, ${width}, ${height}, ${user.id}::uuid)
      ON CONFLICT (key) DO UPDATE SET unused_since = NULL RETURNING xmax = 0 AS made`;
    if (row?.made) {
      await audit({ actorId: user.id, action: "upload", target: key.slice(0, 40), address }, tx);
    }
    await stored(bucket().put(key, content, contentType));
  });
}

/**
 * Looks at what the user's browser stored, and keeps what was looked at if it is the picture that it says it is. The
 * upload itself is deleted either way.
 * @param id of the ticket
 * @throws Refused not-found (nothing stored, or not this user's) or invalid
 * @throws Unavailable
 */
export async function confirmUpload(actor: Actor, id: string): Promise<Picture> {
  const type = PICTURE_TYPES.find((each) => PICTURES[each] === TICKET.exec(id)?.[2]);
  const pending = pendingKey(actor.user.id, id);
  const found = type && (await stored(bucket().read(pending, MOST_PICTURE_BYTES + 1)));
  if (!found) throw new Refused("not-found", "there is no such upload");
  try {
    const seen = await inspect(found, type);
    if ("wrong" in seen) throw new Refused("invalid", "this file can't be used", { file: seen.wrong });
    const { clean, width, height } = seen;
    const key = `images/${createHash("sha256").update(clean).digest("hex")}.${PICTURES[type]}`;
    await keep(actor, { key, contentType: type, bytes: clean.length, width, height }, clean);
    return { key, url: bucket().signedUrl(key), width, height };
  } finally {
    await bucket()
      .remove(pending)
      .catch((error: unknown) => log.warn("an upload is left over", { cause: messageOf(error) }));
  }
}
