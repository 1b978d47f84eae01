import { randomBytes } from "node:crypto";
import type { Role } from "@/generated/prisma/enums";
import { ask } from "./redis";

/** How long a session lives without a request, in seconds. */
export const IDLE_SECONDS = 12 * 3_600;
/** How long it lives at most, in seconds. */
export const SESSION_SECONDS = 7 * 86_400;

/** Who is signed in, as of his sign-in: a change of any of it ends his sessions. */
export interface SessionUser {
  id: string;
  email: string;
  name: string;
  role: Role;
}

type Stored = SessionUser & { since: number };

const keyOf = (sid: string) => `session:${sid}`;
const keyOfAll = (userId: string) => `sessions:${userId}`;

/** Whose session an id names: it begins with the user's. Null for what is no id of ours. */
const ownerOf = (sid: string) => /^([0-9a-f-]{36})\.[\w-]{32}$/.exec(sid)?.[1] ?? null;

/**
 * Starts a session.
 * @returns its id, which only the encrypted cookie carries
 * @throws Unavailable
 */
export async function startSession({ id, email, name, role }: SessionUser): Promise<string> {
  const sid = `${id}.${randomBytes(24).toString("base64url")}`;
  const stored: Stored = { id, email, name, role, since: Date.now() };
  await ask((redis) =>
    redis
      .multi()
      .set(keyOf(sid), JSON.stringify(stored), { expiration: { type: "EX", value: IDLE_SECONDS } })
      .sAdd(keyOfAll(id), sid)
      .expire(keyOfAll(id), SESSION_SECONDS)
      .exec(),
  );
  return sid;
}

/**
 * Whose session this is, which lives on for it; null when it has ended, or isn't among its user's: Redis may forget that
 * set before the session, which nothing could end any more.
 * @throws Unavailable
 */
export async function sessionUser(sid: string): Promise<SessionUser | null> {
  const owner = ownerOf(sid);
  if (owner === null) return null;
  const [found, isHis] = await ask((redis) =>
    redis
      .multi()
      .getEx(keyOf(sid), { type: "EX", value: IDLE_SECONDS })
      .sIsMember(keyOfAll(owner), sid)
      .expire(keyOfAll(owner), SESSION_SECONDS)
      .execTyped(),
  );
  if (found === null || isHis === 0) return null;
  const { since, ...user } = JSON.parse(found) as Stored;
  if (Date.now() - since < SESSION_SECONDS * 1_000) return user;
  await endSession(sid, user.id);
  return null;
}

/** Ends one session. Throws Unavailable. */
export async function endSession(sid: string, userId: string): Promise<void> {
  await ask((redis) => redis.multi().del(keyOf(sid)).sRem(keyOfAll(userId), sid).exec());
}

/**
 * Ends all of a user's sessions but one.
 * @param spared id of the session that lives on
 * @throws Unavailable
 */
export async function endSessions(userId: string, spared: string | null = null): Promise<void> {
  await ask(async (redis) => {
    const ended = (await redis.sMembers(keyOfAll(userId))).filter((sid) => sid !== spared);
    if (ended.length > 0) await redis.multi().del(ended.map(keyOf)).sRem(keyOfAll(userId), ended).exec();
  });
}
