import { config } from "./app";

/** Whether browsers reach the app by https: cookies are bound to it then. */
const isSecure = () => config().origin.startsWith("https:");

/** The cookie's name, with the prefix by which browsers refuse it from other hosts and from plain http. */
export const cookieName = (name: string): string => (isSecure() ? `__Host-${name}` : name);

/** What all our cookies have: no script reads them, no other site's form or picture sends them along. */
export const cookieOptions = () =>
  ({ httpOnly: true, sameSite: "lax", path: "/", secure: isSecure() }) as const;

/** Name of the cookie with the encrypted token that names the session. */
export const sessionCookie = (): string => cookieName("next-auth.session-token");

/** Name of the cookie in which NextAuth would keep where to go next. */
export const callbackCookie = (): string => cookieName("next-auth.callback-url");
