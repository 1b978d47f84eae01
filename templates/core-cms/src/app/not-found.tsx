import type { Metadata } from "next";
import Link from "next/link";
import { getTranslations } from "next-intl/server";
import { buttonVariants } from "@/components/ui/button";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("notFound"))("title"),
});

/** Nothing is at this address, or nothing that whoever looks may see. */
export default async function NotFound() {
  const t = await getTranslations("notFound");
  return (
    <main id="content" className="mx-auto grid max-w-lg justify-items-start gap-4 px-4 py-16">
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <p className="text-muted-foreground">{t("text")}</p>
      <Link href="/" prefetch={false} className={buttonVariants()}>
        {t("home")}
      </Link>
    </main>
  );
}
