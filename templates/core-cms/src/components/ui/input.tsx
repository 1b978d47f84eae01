import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";

/** What text fields, areas and selects look like. */
export const fieldClasses =
  "w-full rounded-md border border-input bg-card px-3 text-base text-card-foreground placeholder:text-muted-foreground disabled:opacity-60 aria-invalid:border-destructive aria-invalid:ring-1 aria-invalid:ring-destructive";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return <input className={cn(fieldClasses, "h-11", className)} {...props} />;
}
