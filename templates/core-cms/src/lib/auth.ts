import { cookies } from "next/headers";
import { notFound, redirect } from "next/navigation";
import { decode } from "next-auth/jwt";
import { cache } from "react";
import type { Role } from "@/generated/prisma/enums";
import { config } from "./app";
import { sessionCookie } from "./cookies";
import { Refused } from "./http";
import { Unavailable } from "./process";
import { type SessionUser, sessionUser } from "./session";

export type { SessionUser } from "./session";

/** The session that a token names; null for one that isn't ours, was changed or has expired. */
async function sidOf(token: string): Promise<string | null> {
  try {
    const found = await decode({ token, secret: config().secret });
    return typeof found?.sid === "string" ? found.sid : null;
  } catch {
    // Which of these it is, jose tells by an error of its own each.
    return null;
  }
}

/** Id of the session that the request's cookie names, whether it lives or not. */
export const currentSid = cache(async (): Promise<string | null> => {
  const token = (await cookies()).get(sessionCookie())?.value;
  return token ? await sidOf(token) : null;
});

/**
 * Who sent this request; null: nobody who is signed in. Asked once a rendering, by pages and handlers alike.
 * @throws Unavailable while Redis, which holds the sessions, is away
 */
export const currentUser = cache(async (): Promise<SessionUser | null> => {
  const sid = await currentSid();
  return sid === null ? null : await sessionUser(sid);
});

/** The same for pages that everybody may see: nobody, while Redis is away. */
export async function knownUser(): Promise<SessionUser | null> {
  try {
    return await currentUser();
  } catch (error) {
    if (error instanceof Unavailable) return null;
    throw error;
  }
}

const may = (user: SessionUser, role: Role) => role === "editor" || user.role === role;

/**
 * Who sent this request to a handler.
 * @param role what he has to be; an admin may all that an editor may
 * @throws Refused signed-out or forbidden
 * @throws Unavailable
 */
export async function requireUser(role: Role = "editor"): Promise<SessionUser> {
  const user = await currentUser();
  if (user === null) throw new Refused("signed-out", "sign in first");
  if (!may(user, role)) throw new Refused("forbidden", "your role doesn't allow this");
  return user;
}

/**
 * Who looks at a page. Who isn't signed in goes to sign in and comes back; to who lacks the role the page isn't there,
 * nor to anybody in an app without Redis.
 * @param path of the page itself
 * @throws Unavailable
 */
export async function pageUser(path: string, role: Role = "editor"): Promise<SessionUser> {
  if (config().redis === null) notFound();
  const user = await currentUser();
  if (user === null) redirect(`/login?callbackUrl=${encodeURIComponent(path)}`);
  if (!may(user, role)) notFound();
  return user;
}
