"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { type UseFormReturn, useForm } from "react-hook-form";
import type { Problem } from "@/lib/client";
import { fieldsOf, type Item, type ItemFields } from "@/types/item";
import { useProblem } from "./use-problem";

const EMPTY: ItemFields = { name: "", category: "", summary: "", body: "", imageKey: null };
const NAMES = ["name", "category", "summary", "body", "imageKey"] as const;

/** What a form shows of an item. */
export const fieldsIn = ({ name, category, summary, body, imageKey }: ItemFields): ItemFields => ({
  name,
  category,
  summary,
  body,
  imageKey,
});

interface ItemForm {
  form: UseFormReturn<ItemFields>;
  /** What to say for the form of what the server refused. */
  said: string | null;
  /** Has the form say it: a field at the field. */
  refuse: (problem: Problem | null) => void;
}

/** The form of a new item, or of one that is there. */
export function useItemForm(dataset: string, item: Item | null): ItemForm {
  const defaultValues = item === null ? EMPTY : fieldsIn(item);
  const form = useForm<ItemFields>({ resolver: zodResolver(fieldsOf(dataset)), defaultValues });
  const [said, refuse] = useProblem(form, NAMES);
  return { form, said, refuse };
}
