import { handle } from "@/lib/http";
import { eventStream } from "@/lib/live";
import { customerKey, type OrderContext } from "@/lib/order-request";
import { delivery } from "@/lib/orders";
import { places } from "@/lib/places";

export const dynamic = "force-dynamic";

/** Server-sent events, `changed` whenever there is something new to ask for; 404 for who did not order. */
export const GET = (request: Request, { params }: OrderContext) =>
  handle(async () => {
    const { id } = await params;
    await delivery(id, await customerKey(id));
    return eventStream(request, places(), (address) => places().stream(id, address));
  });
