"use client";

import { type ComponentProps, useEffect, useRef } from "react";
import { cn } from "@/lib/utils";

type Props = Omit<ComponentProps<"dialog">, "open"> & { open: boolean };

/** The browser's own dialog, which keeps the focus inside and closes by Escape: `onClose` says that it did. */
export function Dialog({ open, className, ...props }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !ref.current?.open) ref.current?.showModal();
    if (!open) ref.current?.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      className={cn(
        "m-auto w-[min(28rem,calc(100vw-2rem))] rounded-lg border bg-card p-5 text-card-foreground backdrop:bg-black/50",
        className,
      )}
      {...props}
    />
  );
}
