import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { PasswordForm } from "@/components/features/password-form";
import { Card, CardContent } from "@/components/ui/card";
import { pageUser } from "@/lib/auth";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("account"))("title"),
});

export default async function Page() {
  const { name, email, role } = await pageUser("/dashboard/account");
  const t = await getTranslations("account");
  const roles = await getTranslations("roles");
  return (
    <>
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <p>
        {name} · {email} · {roles(role)}
      </p>
      <Card>
        <CardContent className="grid gap-4">
          <h2 className="font-bold">{t("changePassword")}</h2>
          <PasswordForm email={email} />
        </CardContent>
      </Card>
    </>
  );
}
