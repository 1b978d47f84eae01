import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { getTranslations } from "next-intl/server";
import { Registration } from "@/components/features/registration";
import { Card, CardContent } from "@/components/ui/card";
import { config } from "@/lib/app";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("account"))("register"),
  robots: { index: false },
});

/** An invitation's token is in the link's fragment, which only the browser sees. */
export default async function Page() {
  const t = await getTranslations("account");
  const { registration, redis } = config();
  if (redis === null) notFound();
  return (
    <main id="content">
      <Card>
        <CardContent className="grid gap-4">
          <h1 className="font-bold text-xl">{t("register")}</h1>
          {registration === "closed" ? <p>{t("closed")}</p> : <Registration open={registration === "open"} />}
          <Link href="/login" className="text-primary text-sm underline underline-offset-4">
            {t("haveAccount")}
          </Link>
        </CardContent>
      </Card>
    </main>
  );
}
