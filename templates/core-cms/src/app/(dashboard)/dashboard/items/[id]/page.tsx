import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { EditItem } from "@/components/features/edit-item";
import { config } from "@/lib/app";
import { pageUser } from "@/lib/auth";
import { categories } from "@/lib/item-search";
import { itemById, mayChange } from "@/lib/items";
import { numberOf } from "@/lib/numbers";

type Props = { params: Promise<{ id: string }> };

const seen = cache(async (text: string) => {
  const id = numberOf(text);
  const user = await pageUser(`/dashboard/items/${id ?? ""}`);
  const item = id === null ? null : await itemById(config().dataset, id);
  return { user, item: item ?? notFound() };
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await seen((await params).id)).item.name };
}

/** One item, to change it. */
export default async function Page({ params }: Props) {
  const { user, item } = await seen((await params).id);
  const { dataset } = config();
  return (
    <>
      <h1 className="wrap-anywhere font-bold text-2xl">{item.name}</h1>
      <EditItem
        key={item.id}
        first={item}
        dataset={dataset}
        categories={await categories(dataset)}
        mayChange={mayChange(user, item)}
      />
    </>
  );
}
