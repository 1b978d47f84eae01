import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { SiteHeader } from "@/components/features/site-header";
import { Track } from "@/components/features/track";
import type { OrderContext } from "@/lib/order-request";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("orders"))("follow"),
  robots: { index: false },
});

/** For the customer: the key of the order is in the address's fragment, so it isn't part of this request. */
export default async function Page({ params }: OrderContext) {
  const t = await getTranslations("orders");
  return (
    <>
      <SiteHeader />
      <main id="content" tabIndex={-1} className="mx-auto grid max-w-xl gap-4 px-4 py-8 outline-none">
        <h1 className="font-bold text-2xl">{t("follow")}</h1>
        <Track id={(await params).id} />
      </main>
    </>
  );
}
