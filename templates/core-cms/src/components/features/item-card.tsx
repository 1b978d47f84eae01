import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Card, CardContent } from "@/components/ui/card";
import type { Item } from "@/types/item";
import { Illustration } from "./illustration";

/** An item as visitors see it in the list. */
export function ItemCard({ item }: { item: Item }) {
  return (
    <Card className="relative flex h-full flex-col focus-within:outline-2 focus-within:outline-ring hover:shadow-md">
      <Illustration url={item.imageUrl} name={item.name} className="aspect-4/3" />
      <CardContent className="flex grow flex-col gap-2">
        <h2 className="wrap-anywhere font-semibold text-lg leading-snug">
          <Link
            href={`/items/${item.slug}`}
            prefetch={false}
            className="outline-none after:absolute after:inset-0"
          >
            {item.name}
          </Link>
        </h2>
        <p className="wrap-anywhere grow text-muted-foreground text-sm">{item.summary}</p>
        <p>
          <Badge className="wrap-anywhere">{item.category}</Badge>
        </p>
      </CardContent>
    </Card>
  );
}
