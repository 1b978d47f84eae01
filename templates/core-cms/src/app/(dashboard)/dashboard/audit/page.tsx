import type { Metadata } from "next";
import { getFormatter, getTranslations } from "next-intl/server";
import { Pages } from "@/components/features/pages";
import { Card } from "@/components/ui/card";
import { listAudit } from "@/lib/audit-list";
import { pageUser } from "@/lib/auth";
import { pageNumber } from "@/lib/paths";

const PATH = "/dashboard/audit";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("audit"))("title"),
});

type Props = { searchParams: Promise<{ page?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  await pageUser(PATH, "admin");
  const { lines, page, pages } = await listAudit(pageNumber((await searchParams).page));
  const t = await getTranslations("audit");
  const actions = await getTranslations("actions");
  const format = await getFormatter();
  return (
    <>
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <Card>
        <ol className="divide-y">
          {lines.map(({ id, at, actor, action, target, address, details }) => (
            <li key={id} className="grid gap-x-4 p-3 text-sm sm:grid-cols-[12rem_9rem_1fr]">
              <time dateTime={at.toISOString()}>
                {format.dateTime(at, { dateStyle: "medium", timeStyle: "medium" })} UTC
              </time>
              <strong>{actions.has(action) ? actions(action) : action}</strong>
              <span className="min-w-0 break-words">
                {t("by", { actor: actor ?? t("nobody"), address })} · {target}
                {details && <span className="text-muted-foreground"> · {details}</span>}
              </span>
            </li>
          ))}
        </ol>
      </Card>
      <Pages path={PATH} query={{}} page={page} pages={pages} />
    </>
  );
}
