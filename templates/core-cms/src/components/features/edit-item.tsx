"use client";

import { useTranslations } from "next-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { type Editing, useEditing } from "@/hooks/use-editing";
import type { Item } from "@/types/item";
import { Form } from "./form";
import { ItemFields } from "./item-fields";
import { ItemState } from "./item-state";

interface Props {
  first: Item;
  dataset: string;
  categories: string[];
  /** Whether whoever looks at it may change it. */
  mayChange: boolean;
}

/** What to do where somebody else changed the item meanwhile. */
function Newer({ editing: { newer, showNewer, keepMine } }: { editing: Editing }) {
  const t = useTranslations("editor");
  if (newer === null) return null;
  return (
    <Alert className="grid gap-3">
      {t("stale")}
      <span className="flex flex-wrap gap-2">
        <Button type="button" variant="outline" onClick={showNewer}>
          {t("showNewer")}
        </Button>
        <Button type="button" variant="outline" onClick={keepMine}>
          {t("keepMine")}
        </Button>
      </span>
    </Alert>
  );
}

function Actions({ editing: { item, isSubmitting, become, erase } }: { editing: Editing }) {
  const t = useTranslations("editor");
  const published = item.status === "active";
  return (
    <div className="flex flex-wrap gap-2">
      <Button type="submit" disabled={isSubmitting}>
        {t("save")}
      </Button>
      <Button
        type="button"
        variant="outline"
        disabled={isSubmitting}
        onClick={become(published ? "archived" : "active")}
      >
        {t(published ? "archive" : "publish")}
      </Button>
      <Button type="button" variant="destructive" disabled={isSubmitting} onClick={erase}>
        {t("delete")}
      </Button>
    </div>
  );
}

/** The form of an item that is there, with all that may be done with it. */
export function EditItem({ first, dataset, categories, mayChange }: Props) {
  const t = useTranslations("editor");
  const editing = useEditing(dataset, first);
  const { form, item, said, shown, store } = editing;
  return (
    <Form className="grid gap-5" onSubmit={store}>
      <ItemState item={item} />
      {!mayChange && <p className="text-muted-foreground text-sm">{t("readOnly")}</p>}
      <ItemFields
        key={shown}
        form={form}
        dataset={dataset}
        imageUrl={item.imageUrl}
        categories={categories}
        readOnly={!mayChange}
      />
      <Newer editing={editing} />
      {said && <Alert>{said}</Alert>}
      {mayChange && <Actions editing={editing} />}
    </Form>
  );
}
