import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { getFormatter, getTranslations } from "next-intl/server";
import { cache } from "react";
import { Live } from "@/components/features/live";
import { SiteHeader } from "@/components/features/site-header";
import { Badge } from "@/components/ui/badge";
import { config } from "@/lib/app";
import { publishedItem } from "@/lib/items";
import { paragraphs } from "@/lib/paragraphs";

type Props = { params: Promise<{ slug: string }> };

function decoded(slug: string): string {
  try {
    return decodeURIComponent(slug);
  } catch {
    // A stray percent sign: no item's address has one.
    return "";
  }
}

const found = cache(
  async (slug: string) => (await publishedItem(config().dataset, decoded(slug))) ?? notFound(),
);

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { name, summary } = await found((await params).slug);
  return { title: name, description: summary };
}

/** One published item, for everybody. */
export default async function Page({ params }: Props) {
  const item = await found((await params).slug);
  const [t, format] = [await getTranslations("public"), await getFormatter()];
  const published = item.publishedAt ?? item.createdAt;
  return (
    <>
      <SiteHeader />
      <main id="content" tabIndex={-1} className="mx-auto grid max-w-3xl gap-6 px-4 py-8 outline-none">
        <Link
          href="/"
          prefetch={false}
          className="inline-flex min-h-11 items-center text-primary underline underline-offset-4"
        >
          {t("back")}
        </Link>
        <article className="grid gap-5">
          <h1 className="wrap-anywhere font-bold text-3xl tracking-tight">{item.name}</h1>
          <p className="flex flex-wrap items-center gap-3 text-muted-foreground text-sm">
            <Badge className="wrap-anywhere">{item.category}</Badge>
            <time dateTime={published}>{format.dateTime(new Date(published), { dateStyle: "long" })}</time>
          </p>
          {item.imageUrl && (
            <img src={item.imageUrl} alt="" className="max-h-128 w-full rounded-lg object-cover" />
          )}
          <p className="wrap-anywhere text-lg">{item.summary}</p>
          {paragraphs(item.body).map(({ at, text }) => (
            <p key={at} className="wrap-anywhere whitespace-pre-line leading-relaxed">
              {text}
            </p>
          ))}
        </article>
        <Live />
      </main>
    </>
  );
}
