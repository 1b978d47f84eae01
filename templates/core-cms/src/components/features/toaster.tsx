"use client";

import { X } from "lucide-react";
import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";
import { useToasts } from "@/hooks/use-toasts";
import { cn } from "@/lib/utils";

/** Where `useToasts` speaks; screen readers say it. */
export function Toaster() {
  const t = useTranslations("common");
  const { toasts, close } = useToasts();
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-0 bottom-0 z-10 grid justify-items-center gap-2 p-4"
    >
      {toasts.map(({ id, text, kind }) => (
        <div
          key={id}
          className={cn(
            "pointer-events-auto flex w-full max-w-md items-center gap-2 rounded-md border bg-card py-1 pr-1 pl-4 text-sm shadow-lg",
            kind === "wrong" && "border-destructive text-destructive",
          )}
        >
          <span className="wrap-anywhere grow">{text}</span>
          <Button variant="ghost" size="icon" aria-label={t("close")} onClick={() => close(id)}>
            <X aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}
