"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import type { FieldValues, Path, UseFormReturn } from "react-hook-form";
import type { Problem } from "@/lib/client";
import { useWords } from "./use-words";

/**
 * What a form says of a handler's refusal: a wrong field says it itself and gets the focus, all else is said once for
 * the form.
 * @returns what to say for the form, and how to say it
 */
export function useProblem<Fields extends FieldValues, Context, Output>(
  form: UseFormReturn<Fields, Context, Output>,
  names: readonly Path<Fields>[],
): [string | null, (problem: Problem | null) => void] {
  const t = useTranslations("errors");
  const words = useWords();
  const [said, setSaid] = useState<string | null>(null);
  const { setError } = form;
  const say = (problem: Problem | null) => {
    if (problem === null) return setSaid(null);
    const { code, fields, retryAfter } = problem;
    const own = names.filter((name) => fields[name]);
    for (const name of own) setError(name, { message: fields[name] }, { shouldFocus: name === own[0] });
    const other = Object.entries(fields).find(([name]) => !own.some((each) => each === name))?.[1];
    const wait = retryAfter && code === "too-often" && t("wait", { minutes: Math.ceil(retryAfter / 60) });
    if (other) setSaid(words(other));
    else setSaid(own.length > 0 ? null : wait || words(code));
  };
  return [said, say];
}
