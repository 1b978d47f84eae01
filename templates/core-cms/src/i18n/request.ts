import { cookies, headers } from "next/headers";
import { getRequestConfig } from "next-intl/server";
import { chosenLocale, LOCALE_COOKIE } from "./locale";

/** What next-intl asks for each request: its language and the words of it. Times are the visitor's business: UTC here. */
export default getRequestConfig(async () => {
  const [jar, head] = [await cookies(), await headers()];
  const locale = chosenLocale(jar.get(LOCALE_COOKIE)?.value, head.get("accept-language"));
  return { locale, timeZone: "UTC", messages: (await import(`../messages/${locale}.json`)).default };
});
