"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { useCourier } from "@/hooks/use-courier";

/** The courier's page: start, and say when it is delivered. */
export function Courier({ id }: { id: string }) {
  const t = useTranslations("courier");
  const [on, setOn] = useState(false);
  const { sent, deliver } = useCourier(id, on);
  const done = async () => {
    setOn(false);
    await deliver();
  };
  return (
    <>
      <p role="status">{t(sent)}</p>
      <div className="flex flex-wrap gap-2">
        <Button
          onClick={() => setOn(!on)}
          variant={on ? "outline" : "default"}
          disabled={sent === "delivered"}
        >
          {on ? t("stop") : t("start")}
        </Button>
        <Button onClick={done} variant="secondary" disabled={sent === "delivered"}>
          {t("deliver")}
        </Button>
      </div>
    </>
  );
}
