import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Label } from "@/components/ui/label";
import { Select } from "@/components/ui/select";
import { MOST, STATUSES } from "@/types/item";

interface Props {
  /** The page that shows what is found. */
  action: string;
  q: string;
  /** Undefined: this page shows one status only. */
  status?: string | null;
}

/** A plain form: what is searched for is in the address, so it can be kept, shared and gone back to. */
export function SearchForm({ action, q, status }: Props) {
  const t = useTranslations("search");
  return (
    <search>
      <form action={action} className="flex flex-wrap items-end gap-3">
        <div className="grid min-w-48 grow gap-1.5">
          <Label htmlFor="q">{t("label")}</Label>
          <Input id="q" name="q" type="search" defaultValue={q} maxLength={MOST.search} />
        </div>
        {status !== undefined && (
          <div className="grid min-w-36 gap-1.5">
            <Label htmlFor="status">{t("status")}</Label>
            <Select id="status" name="status" defaultValue={status ?? ""}>
              <option value="">{t("all")}</option>
              {STATUSES.map((each) => (
                <option key={each} value={each}>
                  {t(each)}
                </option>
              ))}
            </Select>
          </div>
        )}
        <Button type="submit" variant="secondary">
          {t("submit")}
        </Button>
      </form>
    </search>
  );
}
