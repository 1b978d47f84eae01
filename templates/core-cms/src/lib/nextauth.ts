import type { AuthOptions } from "next-auth";
import Credentials from "next-auth/providers/credentials";
import { config } from "./app";
import { audit } from "./audit";
import { callbackCookie, cookieOptions, sessionCookie } from "./cookies";
import { endSession, SESSION_SECONDS, type SessionUser, sessionUser } from "./session";
import { signIn, type Visitor } from "./sign-in";

/** One request to NextAuth and what came of it: its own answers can't say why, when to come back or that we are away. */
export interface Turn {
  visitor: Visitor;
  /** Who is signed in as it begins. */
  user: SessionUser | null;
  /** What NextAuth would have swallowed. */
  failure?: unknown;
  /** Address of the account that was signed in to. */
  signedIn?: string;
}

function attempt<T>(turn: Turn, work: () => Promise<T>): Promise<T | null> {
  return work().catch((error: unknown) => {
    turn.failure = error;
    return null;
  });
}

const credentials = (turn: Turn) =>
  Credentials({
    credentials: { email: { type: "email" }, password: { type: "password" } },
    authorize: (form) =>
      attempt(turn, async () => {
        const user = await signIn(form, turn.visitor);
        turn.signedIn = user.email;
        return user;
      }),
  });

async function signedOut(sid: string, { address }: Visitor): Promise<void> {
  const user = await sessionUser(sid);
  if (user === null) return;
  await endSession(sid, user.id);
  await audit({ actorId: user.id, action: "sign-out", target: `user:${user.id}`, address });
}

/** NextAuth as this app has it: a password, and an encrypted token which says which session in Redis it is. */
export function authOptions(turn: Turn): AuthOptions {
  return {
    secret: config().secret,
    providers: [credentials(turn)],
    session: { strategy: "jwt", maxAge: SESSION_SECONDS },
    pages: { signIn: "/login", error: "/login" },
    cookies: {
      sessionToken: { name: sessionCookie(), options: cookieOptions() },
      callbackUrl: { name: callbackCookie(), options: cookieOptions() },
    },
    callbacks: {
      // Where to go next is the page's business, and it goes to its own paths only.
      redirect: ({ baseUrl }) => baseUrl,
      jwt: ({ token, user }) => ({ sid: (user ?? token).sid }),
      session: ({ session }) => (turn.user ? { ...session, user: turn.user } : session),
    },
    events: {
      signOut: async ({ token }) => {
        if (token) await attempt(turn, () => signedOut(token.sid, turn.visitor));
      },
    },
  };
}
