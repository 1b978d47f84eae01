import { listRoute } from "@/lib/list-route";

export const dynamic = "force-dynamic";

/** The active listings. */
export const GET = listRoute("listings");
