import type { Metadata } from "next";
import Link from "next/link";
import { getTranslations } from "next-intl/server";
import { ItemRow } from "@/components/features/item-row";
import { Live } from "@/components/features/live";
import { Pages } from "@/components/features/pages";
import { SearchForm } from "@/components/features/search-form";
import { buttonVariants } from "@/components/ui/button";
import { config } from "@/lib/app";
import { pageUser } from "@/lib/auth";
import { searchItems, searchOf } from "@/lib/item-search";

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("nav"))("items"),
});

/** All items, published or not, what was changed last first. */
export default async function Page({ searchParams }: Props) {
  await pageUser("/dashboard");
  const search = searchOf(await searchParams);
  const t = await getTranslations("items");
  const { items, total, page, pages } = await searchItems(config().dataset, search, "changed");
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="grid gap-1">
          <h1 className="font-bold text-2xl">{t(`title.${config().dataset}`)}</h1>
          <Live />
        </div>
        <Link href="/dashboard/items/new" prefetch={false} className={buttonVariants()}>
          {t("new")}
        </Link>
      </div>
      <SearchForm action="/dashboard" q={search.q} status={search.status} />
      <p className="text-muted-foreground text-sm">{total === 0 ? t("none") : t("count", { total })}</p>
      {items.length > 0 && (
        <ul className="overflow-hidden rounded-lg border">
          {items.map((item) => (
            <ItemRow key={item.id} item={item} />
          ))}
        </ul>
      )}
      <Pages
        path="/dashboard"
        query={{ q: search.q, status: search.status ?? "" }}
        page={page}
        pages={pages}
      />
    </>
  );
}
