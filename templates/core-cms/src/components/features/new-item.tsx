"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useItemForm } from "@/hooks/use-item-form";
import { useToasts } from "@/hooks/use-toasts";
import { send, uuid } from "@/lib/client";
import type { Item } from "@/types/item";
import { Form } from "./form";
import { ItemFields } from "./item-fields";

/** The form that makes an item. */
export function NewItem({ dataset, categories }: { dataset: string; categories: string[] }) {
  const t = useTranslations("editor");
  const router = useRouter();
  const say = useToasts((state) => state.say);
  // Stays the same until the server has the item, so that sending it again, after an answer was lost, makes no second.
  const [formKey] = useState(uuid);
  const [done, setDone] = useState(false);
  const { form, said, refuse } = useItemForm(dataset, null);
  const busy = form.formState.isSubmitting || done;
  const submit = (publish: boolean) =>
    form.handleSubmit(async (fields) => {
      const made = await send<{ item: Item }>("POST", "/api/items", { ...fields, formKey, publish });
      refuse(made.problem ?? null);
      if (made.problem) return;
      setDone(true);
      say(t(publish ? "published" : "saved"));
      router.push(`/dashboard/items/${made.data.item.id}`);
    });
  return (
    <Form className="grid gap-5" onSubmit={submit(false)}>
      <ItemFields form={form} dataset={dataset} imageUrl={null} categories={categories} readOnly={false} />
      {said && <Alert>{said}</Alert>}
      <div className="flex flex-wrap gap-2">
        <Button type="button" disabled={busy} onClick={submit(true)}>
          {t("publish")}
        </Button>
        <Button type="submit" variant="outline" disabled={busy}>
          {t("saveDraft")}
        </Button>
      </div>
    </Form>
  );
}
