import { chosenLocale, LOCALE_COOKIE } from "@/i18n/locale";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";
import { config } from "./app";
import { sessionCookie } from "./cookies";
import { Unavailable } from "./process";
import { ask } from "./redis";

const WORDS = { en: en.failed, ko: ko.failed };

interface Asked {
  path: string;
  language: string | null;
  /** The value of one of the request's cookies. */
  cookie(name: string): string | undefined;
}

/** The page in place of one that needs to know who looks, while that can't be known: plain, since it is no page of Next.js. */
export function awayPage(cookie: string | undefined, language: string | null): string {
  const locale = chosenLocale(cookie, language);
  const { title, text, again } = WORDS[locale];
  return `<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body><main id="content"><h1>${title}</h1><p>${text}</p><p><a href="">${again}</a></p></main></body>
</html>
`;
}

/**
 * What to say instead of a page of the dashboard while Redis, which holds the sessions, is away; null: the page itself. A
 * page of Next.js has no way to an answer of 503.
 */
export async function instead({ path, language, cookie }: Asked): Promise<string | null> {
  const needed = config().redis !== null && /^\/dashboard(\/|$)/.test(path);
  if (!needed || cookie(sessionCookie()) === undefined) return null;
  try {
    await ask((redis) => redis.ping());
    return null;
  } catch (error) {
    if (error instanceof Unavailable) return awayPage(cookie(LOCALE_COOKIE), language);
    throw error;
  }
}
