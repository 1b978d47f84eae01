import type { ReactNode } from "react";
import { Label } from "./label";

interface Props {
  /** Of the control inside, which takes `aria-describedby={`${id}-said`}` and `aria-invalid`. */
  id: string;
  label: string;
  hint?: string;
  error?: string;
  children: ReactNode;
}

/** A labelled control with what it wants and what is wrong with it. */
export function Field({ id, label, hint, error, children }: Props) {
  return (
    <div className="grid gap-1.5">
      <Label htmlFor={id}>{label}</Label>
      {children}
      <p id={`${id}-said`} className={error ? "text-destructive text-sm" : "text-muted-foreground text-sm"}>
        {error ?? hint}
      </p>
    </div>
  );
}
