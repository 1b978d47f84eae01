"use client";

import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";

/** Something failed here; what it was is in the log only. */
export default function Failed({ reset }: { error: Error; reset: () => void }) {
  const t = useTranslations("failed");
  return (
    <main id="content" className="mx-auto grid max-w-lg justify-items-start gap-4 px-4 py-16">
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <p className="text-muted-foreground">{t("text")}</p>
      <Button onClick={reset}>{t("again")}</Button>
    </main>
  );
}
