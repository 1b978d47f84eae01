"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
import type { Item, Status } from "@/types/item";
import { useConfirm } from "./use-confirm";
import { useItem } from "./use-item";
import { fieldsIn, useItemForm } from "./use-item-form";

/** The form of an item that is there, and what its buttons do. */
export function useEditing(dataset: string, first: Item) {
  const t = useTranslations("editor");
  const router = useRouter();
  const ask = useConfirm((state) => state.ask);
  const { form, said, refuse } = useItemForm(dataset, first);
  const { item, newer, save, setStatus, remove, take } = useItem(first, refuse);
  const [shown, setShown] = useState(0);
  const { isSubmitting, isDirty } = form.formState;
  return {
    ...{ form, said, item, newer, isSubmitting },
    /** Goes up when the form shows another's item, picture and all. */
    shown,
    store: form.handleSubmit(async (fields) => {
      const now = await save(fields);
      if (now !== null) form.reset(fieldsIn(now));
    }),
    /** What was written and not saved is saved first: nobody publishes something else than he sees. */
    become: (status: Status) =>
      form.handleSubmit(async (fields) => {
        const now = isDirty ? await save(fields) : item;
        if (now === null) return;
        if ((await setStatus(status, now.version)) !== null) form.reset(fieldsIn(now));
      }),
    erase: async () => {
      const sure = { title: t("deleteTitle"), text: t("deleteText", { name: item.name }), yes: t("delete") };
      if ((await ask(sure)) && (await remove())) router.push("/dashboard");
    },
    showNewer: () => {
      if (newer !== null) form.reset(fieldsIn(newer));
      setShown(shown + 1);
      take();
    },
    keepMine: take,
  };
}

export type Editing = ReturnType<typeof useEditing>;
