import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { NewItem } from "@/components/features/new-item";
import { config } from "@/lib/app";
import { pageUser } from "@/lib/auth";
import { categories } from "@/lib/item-search";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("items"))("new"),
});

export default async function Page() {
  await pageUser("/dashboard/items/new");
  const { dataset } = config();
  const t = await getTranslations("items");
  return (
    <>
      <h1 className="font-bold text-2xl">{t("new")}</h1>
      <NewItem dataset={dataset} categories={await categories(dataset)} />
    </>
  );
}
