"use client";

import { useTranslations } from "next-intl";

/** Words for a key of `errors.*`; one that has none is said to be our fault. */
export function useWords(): (key: string) => string {
  const t = useTranslations("errors");
  return (key) => (t.has(key) ? t(key) : t("internal"));
}
