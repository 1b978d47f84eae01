import { restaurants } from "@/lib/list";

export const dynamic = "force-dynamic";

/** What a handler costs that asks nobody. */
export const GET = () =>
  Response.json(
    { restaurants, total: restaurants.length, cached: false },
    { headers: { "Cache-Control": "no-store" } },
  );
