import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { ItemCard } from "@/components/features/item-card";
import { Live } from "@/components/features/live";
import { Pages } from "@/components/features/pages";
import { SearchForm } from "@/components/features/search-form";
import { SiteHeader } from "@/components/features/site-header";
import { config } from "@/lib/app";
import { knownUser } from "@/lib/auth";
import { searchItems, searchOf } from "@/lib/item-search";

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

async function heading(): Promise<string> {
  const { title, dataset } = config();
  return title ?? (await getTranslations("datasets"))(dataset);
}

export const generateMetadata = async (): Promise<Metadata> => ({ title: await heading() });

/** What is published, for everybody; who is signed in has the dashboard's navigation around it. */
export default async function Page({ searchParams }: Props) {
  const search = { ...searchOf(await searchParams), status: "active" as const };
  const t = await getTranslations("public");
  const { items, total, page, pages } = await searchItems(config().dataset, search, "published");
  const list = (
    <>
      <div className="grid gap-1">
        <h1 className="wrap-anywhere font-bold text-3xl tracking-tight">{await heading()}</h1>
        <Live />
      </div>
      <SearchForm action="/" q={search.q} />
      <p className="text-muted-foreground text-sm">
        {total === 0 ? t(search.q ? "nothingFound" : "empty") : t("count", { total })}
      </p>
      <ul className="grid gap-5 sm:grid-cols-2 lg:grid-cols-3">
        {items.map((item) => (
          <li key={item.id}>
            <ItemCard item={item} />
          </li>
        ))}
      </ul>
      <Pages path="/" query={{ q: search.q }} page={page} pages={pages} />
    </>
  );
  if (await knownUser()) return list;
  return (
    <>
      <SiteHeader />
      <main id="content" tabIndex={-1} className="mx-auto grid max-w-5xl gap-6 px-4 py-8 outline-none">
        {list}
      </main>
    </>
  );
}
