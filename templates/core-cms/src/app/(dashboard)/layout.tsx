import Link from "next/link";
import { getTranslations } from "next-intl/server";
import type { ReactNode } from "react";
import { ConfirmDialog } from "@/components/features/confirm-dialog";
import { DashboardNav } from "@/components/features/dashboard-nav";
import { Language } from "@/components/features/language";
import { HasPictures } from "@/components/features/pictures";
import { SignOut } from "@/components/features/sign-out";
import { Toaster } from "@/components/features/toaster";
import { config } from "@/lib/app";
import { knownUser } from "@/lib/auth";

/**
 * What is around each page for who is signed in, the list that everybody sees among them. The pages themselves say who
 * may look (`pageUser`): a layout isn't asked again when one goes from page to page.
 */
export default async function Layout({ children }: { children: ReactNode }) {
  const user = await knownUser();
  if (user === null) return children;
  const t = await getTranslations("common");
  return (
    <>
      <header className="border-b bg-card">
        <div className="mx-auto grid max-w-5xl gap-1 px-4 py-2">
          <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
            <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center font-semibold">
              {config().name}
              <span className="sr-only">: {t("toSite")}</span>
            </Link>
            <div className="flex flex-wrap items-center gap-2">
              <Language />
              <SignOut />
            </div>
          </div>
          <DashboardNav role={user.role} />
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto grid max-w-5xl gap-6 px-4 py-8 outline-none">
        <HasPictures value={config().storage !== null}>{children}</HasPictures>
      </main>
      <ConfirmDialog />
      <Toaster />
    </>
  );
}
