import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { Courier } from "@/components/features/courier";
import { SiteHeader } from "@/components/features/site-header";
import type { OrderContext } from "@/lib/order-request";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("courier"))("title"),
  robots: { index: false },
});

/** For the courier, by the key in the address's fragment. */
export default async function Page({ params }: OrderContext) {
  const t = await getTranslations("courier");
  return (
    <>
      <SiteHeader />
      <main id="content" tabIndex={-1} className="mx-auto grid max-w-xl gap-4 px-4 py-8 outline-none">
        <h1 className="font-bold text-2xl">{t("title")}</h1>
        <Courier id={(await params).id} />
      </main>
    </>
  );
}
