"use client";

import { useRouter } from "next/navigation";
import { useLocale, useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";
import { LOCALES, type Locale } from "@/i18n/locale";
import { send } from "@/lib/client";

const OWN_NAMES: Record<Locale, string> = { en: "English", ko: "한국어" };

/** Changes the language that the app speaks to this visitor. */
export function Language() {
  const t = useTranslations("common");
  const current = useLocale();
  const router = useRouter();

  const choose = async (locale: Locale) => {
    const sent = await send("POST", "/api/locale", { locale });
    if (!sent.problem) router.refresh();
  };

  return (
    <fieldset className="flex">
      <legend className="sr-only">{t("language")}</legend>
      {LOCALES.map((locale) => (
        <Button
          key={locale}
          variant="ghost"
          lang={locale}
          aria-pressed={locale === current}
          className="aria-pressed:font-bold aria-pressed:underline aria-pressed:underline-offset-4"
          onClick={() => choose(locale)}
        >
          {OWN_NAMES[locale]}
        </Button>
      ))}
    </fieldset>
  );
}
