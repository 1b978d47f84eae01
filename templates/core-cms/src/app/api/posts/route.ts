import { listRoute } from "@/lib/list-route";

export const dynamic = "force-dynamic";

/** The active posts. */
export const GET = listRoute("posts");
