"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { type Outcome, type Problem, send } from "@/lib/client";
import type { Item, ItemFields, Status } from "@/types/item";
import { useToasts } from "./use-toasts";

type Said = "saved" | "published" | "archived" | "deleted";
type Refuse = (problem: Problem | null) => void;

/** Says what was done, or passes on what was refused: then nothing came of it, null. */
function useSettle(refuse: Refuse) {
  const t = useTranslations("editor");
  const say = useToasts((state) => state.say);
  return <T>({ data, problem }: Outcome<T>, said: Said): T | null => {
    refuse(problem ?? null);
    if (problem !== undefined) return null;
    say(t(said));
    return data;
  };
}

/**
 * An item that is being edited: what the server has of it, and what it is asked to do with it.
 * @param refuse is told what the server refused, but for what `newer` says; null: nothing
 */
export function useItem(first: Item, refuse: Refuse) {
  const [item, setItem] = useState(first);
  const [newer, setNewer] = useState<Item | null>(null);
  const path = `/api/items/${item.id}`;
  const settle = useSettle((problem) => {
    if (problem?.item) setNewer(problem.item);
    refuse(problem?.item ? null : problem);
  });
  const changed = (outcome: Outcome<{ item: Item }>, said: Said): Item | null => {
    const now = settle(outcome, said)?.item ?? null;
    if (now !== null) setItem(now);
    return now;
  };
  return {
    item,
    /** The item as somebody else left it meanwhile; null: nobody did. */
    newer,
    save: async (fields: ItemFields) =>
      changed(await send("PUT", path, { ...fields, version: item.version }), "saved"),
    /** @param version of the item, where it was saved just before */
    setStatus: async (status: Status, version = item.version) =>
      changed(await send("PATCH", path, { status, version }), status === "active" ? "published" : "archived"),
    remove: async () =>
      settle(await send<object>("DELETE", path, { version: item.version }), "deleted") !== null,
    /** From here on we know the newer one: it is what the form shows, or what it overwrites. */
    take: () => {
      if (newer !== null) setItem(newer);
      setNewer(null);
    },
  };
}
