import type { Metadata } from "next";
import { NextIntlClientProvider } from "next-intl";
import { getLocale, getTranslations } from "next-intl/server";
import type { ReactNode } from "react";
import { config } from "@/lib/app";
import "./globals.css";

export const dynamic = "force-dynamic";

export const generateMetadata = async (): Promise<Metadata> => {
  const { name } = config();
  return { title: { default: name, template: `%s · ${name}` } };
};

export default async function Layout({ children }: { children: ReactNode }) {
  const t = await getTranslations("common");
  return (
    <html lang={await getLocale()}>
      <body>
        <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:bg-card focus:p-3">
          {t("skip")}
        </a>
        <NextIntlClientProvider>{children}</NextIntlClientProvider>
      </body>
    </html>
  );
}
