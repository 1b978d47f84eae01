import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";

/** A message that screen readers say at once. */
export function Alert({ className, ...props }: ComponentProps<"div">) {
  return (
    <div
      role="alert"
      className={cn(
        "rounded-md border border-destructive bg-card px-3 py-2 text-destructive text-sm",
        className,
      )}
      {...props}
    />
  );
}
