import Link from "next/link";
import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";

interface Props {
  /** Address of the list. */
  path: string;
  /** What else its query string says. */
  query: Record<string, string>;
  page: number;
  pages: number;
}

const hrefOf = (path: string, query: Record<string, string>, page: number) => {
  const said = Object.entries({ ...query, page: page > 1 ? String(page) : "" }).filter(([, value]) => value);
  const text = new URLSearchParams(said).toString();
  return text === "" ? path : `${path}?${text}`;
};

/** The way to the page before and to the next; nothing where there is one page only. */
export function Pages({ path, query, page, pages }: Props) {
  const t = useTranslations("pages");
  if (pages <= 1) return null;
  return (
    <nav aria-label={t("label")} className="flex flex-wrap items-center justify-center gap-4">
      {page > 1 && (
        <Button asChild variant="outline">
          <Link rel="prev" prefetch={false} href={hrefOf(path, query, page - 1)}>
            {t("previous")}
          </Link>
        </Button>
      )}
      <span className="text-muted-foreground text-sm">{t("where", { page, pages })}</span>
      {page < pages && (
        <Button asChild variant="outline">
          <Link rel="next" prefetch={false} href={hrefOf(path, query, page + 1)}>
            {t("next")}
          </Link>
        </Button>
      )}
    </nav>
  );
}
