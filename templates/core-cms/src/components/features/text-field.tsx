"use client";

import { type ComponentProps, useId } from "react";
import type { FieldError, UseFormRegisterReturn } from "react-hook-form";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { useWords } from "@/hooks/use-words";

type Props = Omit<ComponentProps<"input">, "name" | "id"> & {
  label: string;
  hint?: string;
  /** What `register` of React Hook Form says of it. */
  field: UseFormRegisterReturn;
  /** Its message is a key of `errors` in src/messages. */
  error: FieldError | undefined;
};

/** A labelled line of text in a form. */
export function TextField({ label, hint, field, error, ...props }: Props) {
  const id = useId();
  const words = useWords();
  return (
    <Field id={id} label={label} hint={hint} error={error?.message && words(error.message)}>
      <Input id={id} aria-invalid={Boolean(error)} aria-describedby={`${id}-said`} {...props} {...field} />
    </Field>
  );
}
