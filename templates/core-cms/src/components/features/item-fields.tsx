"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import type { UseFormReturn } from "react-hook-form";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Textarea } from "@/components/ui/textarea";
import { useWords } from "@/hooks/use-words";
import { type ItemFields as Fields, MOST } from "@/types/item";
import { PictureField } from "./picture-field";

interface Props {
  form: UseFormReturn<Fields>;
  dataset: string;
  /** Of the picture that the item has. */
  imageUrl: string | null;
  categories: string[];
  /** Whoever looks at the item may not change it. */
  readOnly: boolean;
}

/** What each control of the form has, and what is wrong with a field. */
function useControls({ formState, register }: UseFormReturn<Fields>, readOnly: boolean) {
  const words = useWords();
  const { errors, defaultValues } = formState;
  const said = (name: keyof Fields) => errors[name]?.message && words(errors[name].message);
  const control = (name: Exclude<keyof Fields, "imageKey">) => ({
    id: name,
    "aria-describedby": `${name}-said`,
    "aria-invalid": errors[name] !== undefined,
    readOnly,
    maxLength: MOST[name],
    // React Hook Form fills fields in once it runs; until then they show this.
    defaultValue: defaultValues?.[name],
    ...register(name),
  });
  return { said, control };
}

/** What an author writes of an item. */
export function ItemFields({ form, dataset, imageUrl, categories, readOnly }: Props) {
  const t = useTranslations("fields");
  const [url, setUrl] = useState(imageUrl);
  const { said, control } = useControls(form, readOnly);
  return (
    <>
      <Field id="name" label={t(`name.${dataset}`)} error={said("name")}>
        <Input {...control("name")} autoComplete="off" />
      </Field>
      <Field id="category" label={t("category")} hint={t("categoryHint")} error={said("category")}>
        <Input {...control("category")} list="categories" autoComplete="off" />
      </Field>
      <datalist id="categories">
        {categories.map((category) => (
          <option key={category} value={category} />
        ))}
      </datalist>
      <Field id="summary" label={t("summary")} hint={t("summaryHint")} error={said("summary")}>
        <Textarea {...control("summary")} rows={3} />
      </Field>
      <Field id="body" label={t("body")} hint={t("bodyHint")} error={said("body")}>
        <Textarea {...control("body")} rows={10} />
      </Field>
      <PictureField
        url={url}
        error={said("imageKey")}
        disabled={readOnly}
        onPicture={(picture) => {
          setUrl(picture?.url ?? null);
          form.setValue("imageKey", picture?.key ?? null, { shouldDirty: true, shouldValidate: true });
        }}
      />
    </>
  );
}
