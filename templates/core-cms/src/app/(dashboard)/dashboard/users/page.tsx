import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { AccountRow } from "@/components/features/account-row";
import { InviteForm } from "@/components/features/invite-form";
import { Pages } from "@/components/features/pages";
import { Card, CardContent } from "@/components/ui/card";
import { listAccounts } from "@/lib/accounts";
import { config } from "@/lib/app";
import { pageUser } from "@/lib/auth";
import { pageNumber } from "@/lib/paths";

const PATH = "/dashboard/users";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("users"))("title"),
});

type Props = { searchParams: Promise<{ page?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  const admin = await pageUser(PATH, "admin");
  const { users, page, pages } = await listAccounts(pageNumber((await searchParams).page));
  const t = await getTranslations("users");
  return (
    <>
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <Card>
        <ul className="divide-y">
          {users.map(({ id, name, email, role, disabledAt }) => (
            <AccountRow
              key={id}
              {...{ id, name, email, role }}
              disabled={disabledAt !== null}
              self={id === admin.id}
            />
          ))}
        </ul>
      </Card>
      <Pages path={PATH} query={{}} page={page} pages={pages} />
      {config().registration !== "closed" && (
        <Card>
          <CardContent className="grid gap-4">
            <h2 className="font-bold">{t("inviteTitle")}</h2>
            <InviteForm />
          </CardContent>
        </Card>
      )}
    </>
  );
}
