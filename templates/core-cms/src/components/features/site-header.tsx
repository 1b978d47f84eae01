import Link from "next/link";
import { getTranslations } from "next-intl/server";
import { buttonVariants } from "@/components/ui/button";
import { config } from "@/lib/app";
import { knownUser } from "@/lib/auth";
import { Language } from "./language";

/** What is on top of each public page. Nobody can sign in to an app without Redis. */
export async function SiteHeader() {
  const t = await getTranslations("common");
  const { name, redis } = config();
  const inside = (await knownUser()) !== null;
  return (
    <header className="border-b bg-card">
      <div className="mx-auto flex max-w-5xl flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2">
        <Link href="/" className="wrap-anywhere inline-flex min-h-11 items-center font-semibold">
          {name}
        </Link>
        <div className="flex flex-wrap items-center gap-2">
          <Language />
          {redis !== null && (
            <Link
              href={inside ? "/dashboard" : "/login"}
              prefetch={false}
              className={buttonVariants({ variant: "outline" })}
            >
              {inside ? t("dashboard") : t("signIn")}
            </Link>
          )}
        </div>
      </div>
    </header>
  );
}
