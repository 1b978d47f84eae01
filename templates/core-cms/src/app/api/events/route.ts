import { handle } from "@/lib/http";
import { eventStream, live } from "@/lib/live";

export const dynamic = "force-dynamic";

/** Server-sent events: `changed` with `{"dataset", "at", "spread"}` when what is published is different now. */
export const GET = (request: Request) =>
  handle(async () => eventStream(request, live(), (address) => live().stream(address)));
