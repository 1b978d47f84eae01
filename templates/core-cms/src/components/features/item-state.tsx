import Link from "next/link";
import { useFormatter, useTranslations } from "next-intl";
import type { Item } from "@/types/item";
import { StatusBadge } from "./item-row";

/** Where an item stands: its status, since when, whose it is, and where visitors see it. */
export function ItemState({ item }: { item: Item }) {
  const t = useTranslations("items");
  const format = useFormatter();
  const day = format.dateTime(new Date(item.updatedAt), { dateStyle: "medium" });
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-muted-foreground text-sm">
      <StatusBadge status={item.status} />
      <span>{t("changed", { day, author: item.author ?? t("noAuthor") })}</span>
      {item.status === "active" && (
        <Link
          href={`/items/${item.slug}`}
          prefetch={false}
          className="inline-flex min-h-11 items-center text-primary underline underline-offset-4"
        >
          {t("visit")}
        </Link>
      )}
    </p>
  );
}
