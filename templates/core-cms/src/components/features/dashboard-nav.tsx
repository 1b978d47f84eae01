"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { useTranslations } from "next-intl";
import { cn } from "@/lib/utils";

const LINKS = [
  { href: "/dashboard", name: "items" },
  { href: "/dashboard/users", name: "users", role: "admin" },
  { href: "/dashboard/audit", name: "audit", role: "admin" },
  { href: "/dashboard/account", name: "account" },
] as const;

const isHere = (path: string, href: string) =>
  href === "/dashboard" ? path === href || path.startsWith(`${href}/items/`) : path.startsWith(href);

/** Where a user of this role may go. */
export function DashboardNav({ role }: { role: string }) {
  const t = useTranslations("nav");
  const path = usePathname();
  return (
    <nav aria-label={t("label")}>
      <ul className="-mx-2 flex flex-wrap gap-1">
        {LINKS.filter((link) => !("role" in link) || link.role === role).map(({ href, name }) => (
          <li key={href}>
            <Link
              href={href}
              prefetch={false}
              aria-current={isHere(path, href) ? "page" : undefined}
              className={cn(
                "inline-flex min-h-11 items-center rounded-md px-3 font-medium text-sm hover:bg-muted",
                isHere(path, href) && "bg-secondary text-secondary-foreground",
              )}
            >
              {t(name)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
