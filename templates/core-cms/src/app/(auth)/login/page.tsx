import type { Metadata } from "next";
import Link from "next/link";
import { notFound, redirect } from "next/navigation";
import { getTranslations } from "next-intl/server";
import { LoginForm } from "@/components/features/login-form";
import { Card, CardContent } from "@/components/ui/card";
import { config } from "@/lib/app";
import { knownUser } from "@/lib/auth";
import { ownPath } from "@/lib/paths";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("account"))("signIn"),
});

type Props = { searchParams: Promise<{ callbackUrl?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  if (config().redis === null) notFound();
  const next = ownPath((await searchParams).callbackUrl);
  // While sessions can't be looked up the form is there all the same: sending it says what is the matter.
  if (await knownUser()) redirect(next);
  const t = await getTranslations("account");
  return (
    <main id="content">
      <Card>
        <CardContent className="grid gap-4">
          <h1 className="font-bold text-xl">{t("signIn")}</h1>
          <LoginForm next={next} />
          {config().registration === "open" && (
            <Link href="/register" className="text-primary text-sm underline underline-offset-4">
              {t("noAccount")}
            </Link>
          )}
        </CardContent>
      </Card>
    </main>
  );
}
