"use client";

import { useTranslations } from "next-intl";
import { useConnection } from "@/hooks/use-connection";
import { useLive } from "@/hooks/use-live";
import { cn } from "@/lib/utils";

/** Keeps the page up to date, and says whether it does. */
export function Live() {
  const t = useTranslations("public");
  useLive();
  const connected = useConnection((state) => state.connected);
  return (
    <p className="flex min-h-5 items-center gap-2 text-muted-foreground text-sm" data-live={connected}>
      {connected !== null && (
        <>
          <span
            aria-hidden
            className={cn("size-2 shrink-0 rounded-full", connected ? "bg-primary" : "bg-destructive")}
          />
          {connected ? t("live") : t("notLive")}
        </>
      )}
    </p>
  );
}
