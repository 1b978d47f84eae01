import { listRoute } from "@/lib/list-route";

export const dynamic = "force-dynamic";

/** The active restaurants. */
export const GET = listRoute("restaurants");
