import { create } from "zustand";

export interface Toast {
  id: number;
  text: string;
  kind: "done" | "wrong";
}

interface Toasts {
  toasts: Toast[];
  /** Shows what was done, or what went wrong: that stays until it is closed. */
  say(text: string, kind?: Toast["kind"]): void;
  close(id: number): void;
}

const SHOWN_MS = 6_000;
let last = 0;

export const useToasts = create<Toasts>()((set, get) => ({
  toasts: [],
  say(text, kind = "done") {
    last += 1;
    const id = last;
    set(({ toasts }) => ({ toasts: [...toasts.slice(-3), { id, text, kind }] }));
    if (kind === "done") setTimeout(() => get().close(id), SHOWN_MS);
  },
  close: (id) => set(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) })),
}));
