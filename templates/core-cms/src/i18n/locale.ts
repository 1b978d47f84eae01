export const LOCALES = ["en", "ko"] as const;
export type Locale = (typeof LOCALES)[number];

/** Name of the cookie that holds what a visitor chose. */
export const LOCALE_COOKIE = "locale";

const known = (text: string | undefined): Locale | undefined => LOCALES.find((locale) => locale === text);

/** The language to speak: the visitor's choice, else the first of his browser's that there is, else English. */
export function chosenLocale(cookie: string | undefined, acceptLanguage: string | null): Locale {
  const wanted = (acceptLanguage ?? "")
    .split(",")
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().split(";");
      const quality = parameters.map((each) => /^\s*q=([0-9.]+)\s*$/.exec(each)?.[1]).find(Boolean);
      return { locale: known(tag.slice(0, 2).toLowerCase()), quality: Number(quality ?? 1) };
    })
    .filter(({ locale, quality }) => locale && quality > 0)
    .sort((one, other) => other.quality - one.quality);
  return known(cookie) ?? wanted[0]?.locale ?? "en";
}
