import Link from "next/link";
import { useFormatter, useTranslations } from "next-intl";
import { Badge } from "@/components/ui/badge";
import type { Item } from "@/types/item";
import { Illustration } from "./illustration";

const VARIANTS = { active: "default", draft: "outline", archived: "secondary" } as const;

/** What an item's status looks like. */
export function StatusBadge({ status }: { status: Item["status"] }) {
  const t = useTranslations("search");
  return (
    <Badge variant={VARIANTS[status]} className="shrink-0 whitespace-nowrap">
      {t(status)}
    </Badge>
  );
}

/** An item in the list of its authors. */
export function ItemRow({ item }: { item: Item }) {
  const t = useTranslations("items");
  const format = useFormatter();
  return (
    <li className="flex items-center gap-4 border-b bg-card p-3 last:border-b-0">
      <Illustration url={item.imageUrl} name={item.name} className="size-14 shrink-0 rounded-md text-xl" />
      <div className="min-w-0 grow">
        <h2 className="wrap-anywhere font-medium">
          <Link
            href={`/dashboard/items/${item.id}`}
            prefetch={false}
            className="underline-offset-4 hover:underline"
          >
            {item.name}
          </Link>
        </h2>
        <p className="wrap-anywhere text-muted-foreground text-sm">
          {item.category} · {item.author ?? t("noAuthor")} ·{" "}
          <time dateTime={item.updatedAt}>
            {format.dateTime(new Date(item.updatedAt), { dateStyle: "medium" })}
          </time>
        </p>
      </div>
      <StatusBadge status={item.status} />
    </li>
  );
}
