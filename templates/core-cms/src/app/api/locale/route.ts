import { cookies } from "next/headers";
import { LOCALE_COOKIE } from "@/i18n/locale";
import { cookieOptions } from "@/lib/cookies";
import { body, handle, json } from "@/lib/http";
import { localeForm } from "@/types/account-forms";

const YEAR = 365 * 86_400;

/** Keeps the visitor's language in a cookie for a year. */
export const POST = (request: Request) =>
  handle(async () => {
    const { locale } = await body(request, localeForm);
    (await cookies()).set(LOCALE_COOKIE, locale, { ...cookieOptions(), maxAge: YEAR });
    return json({ locale });
  });
