"use client";

import { useFormatter, useTranslations } from "next-intl";
import { useEffect, useState } from "react";
import { Alert } from "@/components/ui/alert";
import { useDelivery } from "@/hooks/use-delivery";
import { useWords } from "@/hooks/use-words";
import type { Delivery } from "@/types/order";
import { Way } from "./way";

/** After so long without news the page says when the last came. */
const SILENT_MS = 30_000;
const TICK_MS = 1_000;

function useNow(): number {
  const [now, set] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Said({ status, place }: Delivery) {
  const [t, format, now] = [useTranslations("orders"), useFormatter(), useNow()];
  if (status === "delivered") return t("delivered");
  if (place === null) return t("waiting");
  const seen = new Date(place.seenAt);
  if (now - seen.getTime() < SILENT_MS) return t("onTheWay");
  const at = seen.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return t("lastSeen", { at, ago: format.relativeTime(seen, now) });
}

/** What the customer of an order sees. */
export function Track({ id }: { id: string }) {
  const t = useTranslations("orders");
  const words = useWords();
  const { delivery, wrong, way } = useDelivery(id);
  if (wrong !== null) return <Alert>{wrong === "not-found" ? t("none") : words(wrong)}</Alert>;
  if (delivery === null) return <p>{t("asking")}</p>;
  return (
    <>
      <p className="wrap-anywhere font-medium">{delivery.restaurant}</p>
      <p role="status">
        <Said {...delivery} />
      </p>
      {way.length > 0 && <Way way={way} label={t("map")} />}
    </>
  );
}
