import { cn } from "@/lib/utils";

interface Props {
  url: string | null;
  name: string;
  className?: string;
}

/** An item's picture, or the first letter of its name. Its name stands beside it, so it is no news to a screen reader. */
export function Illustration({ url, name, className }: Props) {
  const classes = cn("w-full bg-muted object-cover", className);
  if (url !== null) return <img src={url} alt="" loading="lazy" decoding="async" className={classes} />;
  return (
    <div
      aria-hidden
      className={cn(classes, "grid place-items-center font-semibold text-4xl text-muted-foreground")}
    >
      {[...name][0]}
    </div>
  );
}
